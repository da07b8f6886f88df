//! The self-test of the delivery check: each fault is injected, and must be found, counted and placed.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::seed::Seed;
use crate::time::Time;
use crate::workload::{Arrival, Filling, Payloads};

/// A stored record: its number in the shard, its number in the run, and its data.
#[derive(Debug, Clone)]
struct Stored {
    sequence: u128,
    index: u64,
    data: Vec<u8>,
}

fn blob(run: u32, index: u64) -> Vec<u8> {
    static RUNS: LazyLock<Vec<Payloads>> =
        LazyLock::new(|| (0..10).map(|run| Payloads::new(run, Seed(1), Filling::Random)).collect());
    let arrival = Arrival { index, intended: Time::ZERO, key: "k".into(), explicit_hash_key: None, size: 64 };
    RUNS[run as usize].payload(&arrival).to_vec()
}

/// A shard with so many records of one key.
fn shard(records: u64) -> Vec<Stored> {
    (0..records).map(|index| Stored { sequence: index.into(), index, data: blob(7, index) }).collect()
}

fn read(reading: &mut Reading, stored: &Stored) {
    let sequence = stored.sequence;
    let record = ReadRecord {
        shard: "shardId-000000000003",
        lane: 0,
        partition_key: b"user-9",
        key_hash: 9,
        sequence: &sequence,
        order: (0, sequence, 0),
        data: &stored.data,
    };
    reading.take(&record, 1_000);
}

fn check(accepted: u64, read_records: &[Stored]) -> (DeliveryCheck, Vec<FaultPlace>) {
    let (mut ledger, mut reading) = (Ledger::default(), Reading::new(7, None));
    (0..accepted).for_each(|index| _ = ledger.accepted.insert(index));
    // Every second record was tried again.
    (0..accepted).step_by(2).for_each(|index| _ = ledger.retried.insert(index));
    read_records.iter().for_each(|stored| read(&mut reading, stored));
    (DeliveryCheck::new(&ledger, &reading, true), reading.places().to_vec())
}

fn place(fault: DeliveryFault, index: Option<u64>, sequence: u128) -> FaultPlace {
    FaultPlace {
        fault,
        index,
        shard: "shardId-000000000003".into(),
        partition_key: "user-9".into(),
        sequence_number: Some(sequence.to_string()),
    }
}

#[test]
fn a_complete_delivery_is_exactly_once_and_in_order() {
    let (check, places) = check(100, &shard(100));
    assert!(check.exactly_once() && check.in_order() && places.is_empty(), "{check:?}");
}

#[test]
fn a_dropped_record_is_lost_unless_the_consumer_was_not_done() {
    let mut records = shard(10);
    records.remove(4);
    let (found, _) = check(10, &records);
    assert_eq!((found.lost, found.delivered, found.complete()), (1, 9, false));
    let (mut ledger, mut reading) = (Ledger::default(), Reading::new(7, None));
    (0..10).for_each(|index| _ = ledger.accepted.insert(index));
    records.iter().for_each(|stored| read(&mut reading, stored));
    let early = DeliveryCheck::new(&ledger, &reading, false);
    assert_eq!((early.lost, early.unread), (0, 1));
    assert_eq!(ledger.accepted.without(&reading.seen).collect::<Vec<_>>(), [4]);
}

#[test]
fn a_second_copy_is_told_from_a_second_reading() {
    let mut records = shard(10);
    records.push(Stored { sequence: 10, ..records[4].clone() });
    records.push(Stored { sequence: 11, ..records[5].clone() });
    records.push(records[7].clone());
    let (check, places) = check(10, &records);
    assert_eq!((check.duplicates, check.redelivered), (3, 1));
    assert_eq!((check.copies_by_retries, check.copies_otherwise), (1, 1), "4 was tried again, 5 was not");
    assert_eq!(places, [place(DeliveryFault::Copy, Some(4), 10), place(DeliveryFault::Copy, Some(5), 11)]);
    assert!(check.complete() && !check.exactly_once());
}

#[test]
fn an_overtaken_record_is_told_from_one_that_is_read_late() {
    let mut overtaken = shard(10);
    (overtaken[3].index, overtaken[4].index) = (4, 3);
    overtaken.iter_mut().for_each(|stored| stored.data = blob(7, stored.index));
    let (found, places) = check(10, &overtaken);
    assert_eq!((found.written_out_of_order, found.delivered_out_of_order, found.in_order()), (1, 0, false));
    assert_eq!(places, [place(DeliveryFault::WrittenOutOfOrder, Some(3), 4)]);

    let mut late = shard(10);
    late.swap(3, 4);
    let (found, places) = check(10, &late);
    assert_eq!((found.written_out_of_order, found.delivered_out_of_order), (0, 1));
    assert_eq!(places, [place(DeliveryFault::DeliveredOutOfOrder, Some(3), 3)]);
}

#[test]
fn a_flipped_bit_and_foreign_records_are_found() {
    let mut records = shard(10);
    records[6].data[40] ^= 1;
    records.push(Stored { sequence: 10, index: 0, data: b"foreign".to_vec() });
    records.push(Stored { sequence: 11, index: 2, data: blob(8, 2) });
    records.push(Stored { sequence: 12, index: 0, data: blob(7, u64::MAX) });
    let (check, places) = check(10, &records);
    assert_eq!((check.corrupt, check.lost, check.foreign), (1, 1, 3));
    assert_eq!(places, [place(DeliveryFault::Corrupt, None, 6)]);
}

#[test]
fn an_idempotent_consumer_recognises_what_is_in_its_window() {
    let past = |window| {
        let mut reading = Reading::new(7, Some(window));
        let records = shard(10);
        // It dies after ten records, and reads the last six again.
        records.iter().chain(&records[4..]).for_each(|stored| read(&mut reading, stored));
        DeliveryCheck::new(&Ledger::default(), &reading, true).duplicates_past_window
    };
    assert_eq!((past(10), past(6), past(5), past(1)), (Some(0), Some(0), Some(6), Some(6)));
}

#[test]
fn a_hundred_million_records_fit_into_256_mib() {
    let mut set = RecordSet::default();
    set.insert(99_999_999);
    // A vector may have twice the room that it uses. Five sets are kept: three by the producer, two by the first consumer.
    let sets = 5 * 2 * (100_000_000 / 8);
    assert!(set.memory() <= sets / 5);
    let mut keys: HashMap<u64, u64> = HashMap::new();
    keys.extend((0..KEYS_MAX as u64).map(|key| (key, key)));
    let table = keys.capacity() * 8 / 7 * (16 + 1);
    let copies = FURTHER_COPIES_MAX * 8 * 2;
    assert!(sets + table + copies < 256 << 20, "{} MiB", (sets + table + copies) >> 20);
}

proptest! {
    #[test]
    fn whatever_is_injected_is_counted(faults in prop::collection::vec((0u8..5, 0usize..200), 0..40)) {
        let mut records = shard(200);
        let (mut lost, mut corrupt, mut copies, mut redelivered, mut foreign) = (0, 0, 0, 0, 0);
        let mut touched = HashSet::new();
        let mut extra = Vec::new();
        for (fault, at) in faults {
            if !touched.insert(at) {
                continue;
            }
            let sequence = 1_000 + at as u128;
            match fault {
                0 => lost += 1,
                1 => {
                    records[at].data[50] ^= 4;
                    (corrupt, lost) = (corrupt + 1, lost + 1);
                }
                2 => {
                    extra.push(Stored { sequence, ..records[at].clone() });
                    copies += 1;
                }
                3 => {
                    extra.push(records[at].clone());
                    redelivered += 1;
                }
                _ => {
                    extra.push(Stored { sequence, index: 0, data: blob(9, 1) });
                    foreign += 1;
                }
            }
            if fault == 0 {
                records[at].data.clear();
            }
        }
        records.retain(|stored| !stored.data.is_empty());
        extra.sort_by_key(|stored| stored.sequence);
        records.extend(extra);
        let (check, _) = check(200, &records);
        prop_assert_eq!(
            (check.lost, check.corrupt, check.duplicates - check.redelivered, check.redelivered, check.foreign),
            (lost, corrupt, copies, redelivered, foreign)
        );
        prop_assert_eq!(check.copies_by_retries + check.copies_otherwise, copies);
    }
}
