//! Damage to stored records. AWS has no such faults: they prove that the delivery check finds them.

use super::sequence::SequenceNumber;
use super::shard_id::ShardId;

/// What happens to a record that was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Damage {
    /// It is never given to a consumer.
    Lose,
    /// It is stored a second time, under another sequence number.
    Duplicate,
    /// One bit of its data is another one.
    Corrupt,
    /// It changes places with the record of its key before it, as long as nobody has seen that one: an earlier record is stored
    /// behind a later one. Without such a record nothing happens to it.
    SwapStored,
    /// In an answer, it changes places with the next record of its key: an earlier record is read behind a later one. Without such a
    /// record nothing happens to it.
    SwapDelivered,
}

impl Damage {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Lose, Self::Duplicate, Self::Corrupt, Self::SwapStored, Self::SwapDelivered];

    /// The word for it in scenarios.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lose => "record-lost",
            Self::Duplicate => "record-duplicated",
            Self::Corrupt => "record-corrupted",
            Self::SwapStored => "records-stored-swapped",
            Self::SwapDelivered => "records-delivered-swapped",
        }
    }

    /// Whether it happens to a record when it is put, and not when it is read.
    pub const fn is_of_puts(self) -> bool {
        !matches!(self, Self::SwapDelivered)
    }

    /// A few words for charts.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Lose => "records lost",
            Self::Duplicate => "records stored twice",
            Self::Corrupt => "records corrupted",
            Self::SwapStored => "records stored in the wrong order",
            Self::SwapDelivered => "records delivered in the wrong order",
        }
    }
}

/// A record that was damaged, and where: what a check has to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectedFault {
    /// What happened.
    pub damage: Damage,
    /// Where the record is. Of a record that was stored twice, the second one; of two that changed places, the earlier one.
    pub shard: ShardId,
    /// Its sequence number.
    pub sequence_number: SequenceNumber,
    /// Its partition key.
    pub partition_key: String,
}

/// All that was damaged: all of it is counted, the first of each kind are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InjectedFaults {
    counts: [u64; Damage::ALL.len()],
    listed: Vec<InjectedFault>,
}

/// Most faults that are listed of each kind.
const LISTED_MAX: u64 = 1_000;

impl InjectedFaults {
    /// How often this happened.
    pub const fn count(&self, damage: Damage) -> u64 {
        self.counts[damage as usize]
    }

    /// The first thousand of each kind.
    pub fn listed(&self) -> &[InjectedFault] {
        &self.listed
    }

    pub(super) fn note(&mut self, fault: InjectedFault) {
        let count = &mut self.counts[fault.damage as usize];
        *count += 1;
        if *count <= LISTED_MAX {
            self.listed.push(fault);
        }
    }
}

/// Among how many records the one before or after of a key is looked for.
pub(super) const LOOKED_AT: usize = 1_000;
