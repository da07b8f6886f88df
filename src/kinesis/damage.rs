//! Damage to stored records. AWS has no such faults: they prove that the delivery check finds them.

use super::api::{Operation, PutReceipt, ReadRecord, ShardId};
use super::fault::{Faults, Part};
use super::sequence::SequenceNumber;
use super::service::Kinesis;
use super::shard::Shard;
use crate::time::Time;

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
const LOOKED_AT: usize = 1_000;

impl Shard {
    /// Damages the record stored last. Gives the number that it is found under; `None` if nothing could be done to it.
    pub fn damage_last(&mut self, now: Time, damage: Damage) -> Option<SequenceNumber> {
        match damage {
            Damage::Lose => self.lose_last(),
            Damage::Duplicate => self.duplicate_last(),
            Damage::Corrupt => self.corrupt_last(),
            Damage::SwapStored => self.swap_last(now, LOOKED_AT),
            Damage::SwapDelivered => None,
        }
    }
}

impl Kinesis {
    /// The records of an answer from `shard`, in the order that faults leave them in.
    pub(super) fn damage_delivered(
        &mut self,
        now: Time,
        operation: Operation,
        stream: &str,
        shard: ShardId,
        mut records: Vec<ReadRecord>,
    ) -> Vec<ReadRecord> {
        if self.faults.do_damage(false) {
            let mut injected_faults = std::mem::take(&mut self.faults.injected);
            let is_hit = || {
                let hit = self.inject(now, operation, stream, shard, Part::Stored);
                hit.damage == Some(Damage::SwapDelivered)
            };
            swap_delivered(&mut records, shard, &mut injected_faults, is_hit);
            self.faults.injected = injected_faults;
        }
        records
    }
}

/// Lets the records of an answer from `shard` change places, each at most once. `is_hit` draws by chance.
pub(super) fn swap_delivered(
    records: &mut [ReadRecord],
    shard: ShardId,
    injected_faults: &mut InjectedFaults,
    mut is_hit: impl FnMut() -> bool,
) {
    let mut moved = vec![false; records.len()];
    for place in 0..records.len() {
        let same_key = |other: &usize| records[*other].partition_key == records[place].partition_key;
        let Some(next) = (place + 1..records.len()).take(LOOKED_AT).find(same_key) else { continue };
        if moved[place] || moved[next] || !is_hit() {
            continue;
        }
        (moved[place], moved[next]) = (true, true);
        records.swap(place, next);
        let late = &records[next];
        injected_faults.note(InjectedFault {
            damage: Damage::SwapDelivered,
            shard,
            sequence_number: late.sequence_number,
            partition_key: String::from_utf8_lossy(&late.partition_key).into_owned(),
        });
    }
}

impl Faults {
    /// Notes what was done to a record that was put.
    pub fn note_injected(&mut self, damage: Damage, receipt: &PutReceipt, number: SequenceNumber, key: &[u8]) {
        self.injected.note(InjectedFault {
            damage,
            shard: receipt.shard,
            sequence_number: number,
            partition_key: String::from_utf8_lossy(key).into_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn record(index: u64, key: &'static str) -> ReadRecord {
        ReadRecord {
            sequence_number: SequenceNumber { shard_created: 0, index, arrived: 0, shard: ShardId(3) },
            arrival: Time::ZERO,
            data: Bytes::new(),
            padding: 0,
            partition_key: Bytes::from_static(key.as_bytes()),
            encrypted: false,
        }
    }

    #[test]
    fn records_of_a_key_change_places_once_and_the_earlier_one_is_noted() {
        let keys = ["a", "b", "a", "c", "a", "b", "a"];
        let mut records: Vec<_> = (0..).zip(keys).map(|(index, key)| record(index, key)).collect();
        let mut injected_faults = InjectedFaults::default();
        swap_delivered(&mut records, ShardId(3), &mut injected_faults, || true);
        let order: Vec<u64> = records.iter().map(|record| record.sequence_number.index).collect();
        assert_eq!(order, [2, 5, 0, 3, 6, 1, 4], "c is alone");
        let noted: Vec<u64> = injected_faults.listed().iter().map(|fault| fault.sequence_number.index).collect();
        assert_eq!((noted.as_slice(), injected_faults.count(Damage::SwapDelivered)), (&[0, 1, 4][..], 3));
        swap_delivered(&mut records, ShardId(3), &mut injected_faults, || false);
        assert_eq!(injected_faults.count(Damage::SwapDelivered), 3);
    }
}
