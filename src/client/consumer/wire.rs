//! What a consumer and the service tell each other; the types in which they do are the driver's.

use std::fmt::{Debug, Display};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::time::Time;

/// The types of one driver's answers: texts for the SDK, numbers for the simulated service.
pub trait Wire: Debug + Clone + PartialEq + 'static {
    /// Name of a shard.
    type Shard: Debug + Clone + Eq + Hash + Display;
    /// Sequence number of a record.
    type Sequence: Debug + Clone + PartialEq + Hash + Display;
    /// Shard iterator.
    type Iterator: Debug + Clone + PartialEq;
    /// A record, as the consumer application gets it.
    type Record: Debug + Clone + PartialEq;
}

/// Where a consumer starts in a shard, or goes on after an interruption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start<S> {
    /// With the oldest record.
    TrimHorizon,
    /// With the next record to be put.
    Latest,
    /// With the first record put at this time of the consumer's clock, or after it.
    At(Time),
    /// With the first record put so long before the consumer begins, or later.
    Ago(Duration),
    /// With the first record put this long after the beginning of 1970, or later.
    Timestamp(Duration),
    /// With the record of this sequence number.
    AtSequence(S),
    /// After the record of this sequence number.
    After(S),
}

impl<S> Start<S> {
    /// How old the records are with which a consumer starts for certain that begins then; `None` if it starts with the oldest.
    pub const fn age_limit(&self) -> Option<Duration> {
        match self {
            Self::TrimHorizon => None,
            Self::Ago(ago) => Some(*ago),
            // Of the others it is not known here how old the records are that they point to.
            _ => Some(Duration::ZERO),
        }
    }

    /// The position of a consumer that begins when it is this long after the beginning of 1970.
    pub(super) fn begin(&mut self, since_1970: Duration) {
        if let Self::Ago(ago) = self {
            *self = Self::Timestamp(since_1970.saturating_sub(*ago));
        }
    }

    /// The position is taken at `now`: whoever loses it before the first record goes on from there, since the latest record
    /// would be another one by then.
    pub(super) fn fix(&mut self, now: Time) {
        if matches!(self, Self::Latest) {
            *self = Self::At(now);
        }
    }
}

/// A shard and those that it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lineage<W: Wire> {
    /// The shard.
    pub shard: W::Shard,
    /// The shards that were split or merged into it; one that the consumer does not know counts as read.
    pub parents: Vec<W::Shard>,
}

/// Tells the calls for a shard apart: an answer to a call from before an interruption is not taken any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket {
    /// Number of the shard among those that the consumer knows.
    pub shard: usize,
    /// Which of its readings, counted from the start and from each interruption.
    pub reading: u32,
}

/// A call to make.
#[derive(Debug, Clone, PartialEq)]
pub enum ReadCall<W: Wire> {
    /// GetShardIterator.
    GetShardIterator {
        /// To answer with.
        ticket: Ticket,
        /// The shard.
        shard: W::Shard,
        /// From where.
        start: Start<W::Sequence>,
    },
    /// GetRecords.
    GetRecords {
        /// To answer with.
        ticket: Ticket,
        /// The iterator.
        iterator: W::Iterator,
        /// Most records of the answer.
        limit: u32,
    },
    /// SubscribeToShard. The subscription is open until it ends or [`ReadCall::Unsubscribe`].
    Subscribe {
        /// To answer with.
        ticket: Ticket,
        /// The shard.
        shard: W::Shard,
        /// From where.
        start: Start<W::Sequence>,
    },
    /// Take the next event of the subscription, when it comes.
    Receive {
        /// That of the subscription.
        ticket: Ticket,
    },
    /// Give up the subscription, and whatever is on its way.
    Unsubscribe {
        /// That of the subscription.
        ticket: Ticket,
    },
}

/// A record that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Received<W: Wire> {
    /// Its sequence number.
    pub sequence: W::Sequence,
    /// [`key_hash`] of its partition key: records of a key are processed one after the other.
    pub key_hash: u64,
    /// Bytes of data and partition key.
    pub bytes: u32,
    /// How long the service had it when it was read, as far as the driver can tell.
    pub age: Duration,
    /// Its place in the aggregate that it came in; 0 if it came alone.
    pub part: u32,
    /// The record.
    pub record: W::Record,
}

/// How a call ended, or what a subscription brought.
#[derive(Debug, Clone, PartialEq)]
pub enum ReadOutcome<W: Wire> {
    /// GetShardIterator gave an iterator.
    Iterator(W::Iterator),
    /// GetRecords gave records, or none.
    Records {
        /// Where to read on; `None` at the end of a closed shard.
        next: Option<W::Iterator>,
        /// What was read.
        answer: Answer<W>,
    },
    /// SubscribeToShard is answered.
    Subscribed,
    /// An event of a subscription.
    Event {
        /// Where to subscribe again; `None` at the end of a closed shard.
        continuation: Option<W::Sequence>,
        /// What was read.
        answer: Answer<W>,
    },
    /// The subscription is over.
    Ended,
    /// The read capacity of the shard is used up.
    Throttled,
    /// The iterator is older than five minutes.
    ExpiredIterator,
    /// Another failure, also of a subscription.
    Failed,
}

/// What an answer or an event says beside where to read on.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer<W: Wire> {
    /// The records, oldest first.
    pub records: Vec<Received<W>>,
    /// How far it is behind the tip of the shard: MillisBehindLatest.
    pub behind: Duration,
    /// At the end of a closed shard, those that follow it.
    pub children: Vec<Lineage<W>>,
}

/// A hash of a partition key that is the same in every run.
pub fn key_hash(partition_key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    partition_key.hash(&mut hasher);
    hasher.finish()
}
