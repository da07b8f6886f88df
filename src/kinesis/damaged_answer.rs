//! Answers whose records change places, as fault rules say.

use super::api::{Operation, ReadRecord, ShardId};
use super::damage::{Damage, InjectedFault, InjectedFaults, LOOKED_AT};
use super::fault::Part;
use super::state::Kinesis;
use crate::time::Time;

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
fn swap_delivered(
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::kinesis::SequenceNumber;

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
