//! What was predicted, measured or asked for.

use std::fmt;

use crate::scenario::{Allowance, Delivery};
use crate::units::{Quantity, Share, Unit, count};

/// A figure of a metric.
#[derive(Debug, Clone, PartialEq)]
pub enum Figure {
    /// A number with its unit.
    Quantity(Quantity),
    /// One over so many seconds.
    Over {
        /// The figure.
        quantity: Quantity,
        /// Seconds that it is the mean of.
        seconds: u64,
    },
    /// One that the plan has and no run measures.
    Predicted(Quantity),
    /// Time by which a lag grows, per time.
    Growth(Share),
    /// So many of some records.
    Part {
        /// Those that were found.
        records: u64,
        /// All of them.
        of: u64,
    },
    /// What became of the records on their way to a consumer.
    Delivered {
        /// Never read.
        lost: u64,
        /// Read more than once.
        duplicates: u64,
        /// Not read by the end.
        unread: u64,
    },
    /// Records that overtook another of their key.
    Disorder(u64),
    /// Order is asked for.
    OrderPerKey,
    /// A delivery is asked for.
    Promise(Delivery),
    /// So many records may be lost, or come twice.
    Allowed(Allowance),
    /// Shards that a plan comes to.
    Sizing {
        /// Those that an even spread needs.
        required: u32,
        /// Those to order.
        recommended: u32,
    },
    /// Open shards of a stream, at first and in the end.
    OpenShards {
        /// At first.
        first: u32,
        /// In the end; `None` if they stayed the same.
        last: Option<u32>,
    },
    /// A lag without end.
    GrowsWithoutBound,
    /// A run has no figure for it.
    NotObserved,
    /// There was nothing to measure.
    Nothing,
}

impl Figure {
    /// The number and its unit; `None` where it is not one number.
    pub fn quantity(&self) -> Option<Quantity> {
        match self {
            Self::Quantity(quantity) | Self::Over { quantity, .. } | Self::Predicted(quantity) => Some(*quantity),
            Self::Growth(share) | Self::Allowed(Allowance::Share(share)) => Some((*share).into()),
            Self::Part { records, .. } | Self::Disorder(records) | Self::Allowed(Allowance::Count(records)) => {
                Some(Quantity::new(*records as f64, Unit::Records))
            }
            Self::Delivered { lost, .. } => Some(Quantity::new(*lost as f64, Unit::Records)),
            Self::Sizing { recommended, .. } => Some(Quantity::new((*recommended).into(), Unit::Shards)),
            Self::OpenShards { first, last } => Some(Quantity::new(last.unwrap_or(*first).into(), Unit::Shards)),
            Self::OrderPerKey | Self::Promise(_) | Self::GrowsWithoutBound | Self::NotObserved | Self::Nothing => None,
        }
    }
}

impl From<Quantity> for Figure {
    fn from(quantity: Quantity) -> Self {
        Self::Quantity(quantity)
    }
}

impl From<Share> for Figure {
    fn from(share: Share) -> Self {
        Self::Quantity(share.into())
    }
}

/// Its words for people.
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&match self {
            Self::Quantity(quantity) => quantity.to_string(),
            Self::Over { quantity, seconds } => format!("{quantity} over {seconds} s"),
            Self::Predicted(quantity) => format!("{quantity}, predicted"),
            Self::Growth(growth) => format!("grows by {growth} of the time"),
            Self::Part { records, of } => {
                let share = Share(*records as f64 / (*of).max(1) as f64);
                format!("{} ({share} of {})", count(*records), count(*of))
            }
            Self::Delivered { lost, duplicates, unread } => {
                let unread = match unread {
                    0 => String::new(),
                    unread => format!(", {} not read by the end", count(*unread)),
                };
                format!("{} lost, {} twice{unread}", count(*lost), count(*duplicates))
            }
            Self::Disorder(records) => format!("{} out of order", count(*records)),
            Self::OrderPerKey => "per key".to_owned(),
            Self::Allowed(allowance) => allowance.to_string(),
            Self::Promise(Delivery::Complete) => "nothing lost".to_owned(),
            Self::Promise(Delivery::ExactlyOnce) => "exactly once".to_owned(),
            Self::Sizing { required, recommended } => format!("{required} needed, {recommended} recommended"),
            Self::OpenShards { first, last: None } => format!("{first} in the stream"),
            Self::OpenShards { first, last: Some(last) } => format!("{first}, in the end {last}"),
            Self::GrowsWithoutBound => "grows without bound".to_owned(),
            Self::NotObserved => "not observed".to_owned(),
            Self::Nothing => "–".to_owned(),
        })
    }
}
