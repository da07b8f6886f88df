//! The self-test of the delivery check: each fault is injected, and must be found, counted and placed.

use std::collections::HashSet;
use std::sync::LazyLock;
use std::time::Duration;

use proptest::prelude::*;

use super::super::faults::{DeliveryFault, FaultPlace, PLACES_MAX};
use super::super::reading::{KEYS_MAX, ReadRecord, Reading};
use super::super::receipts;
use super::*;
use crate::client::{Fate, aggregation};
use crate::measure::{LatencySummary, ReadRecorder};
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
    reading.take(&record(stored), 1_000);
}

fn record(stored: &Stored) -> ReadRecord<'_> {
    ReadRecord {
        shard: "shardId-000000000003",
        lane: 0,
        partition_key: b"user-9",
        key_hash: 9,
        sequence: &stored.sequence,
        order: (0, stored.sequence, 0),
        data: &stored.data,
    }
}

#[test]
fn a_second_can_be_told_of_while_the_recording_goes_on() {
    let records = shard(4);
    let mut recorder = ReadRecorder::new(7, 10, Time::ZERO, None);
    for (stored, millis) in records.iter().zip([200, 900, 2_500, 2_600]) {
        let at = Time::from_millis(millis);
        recorder.handle_delivery(at, at, Fate::Processed, &record(stored));
    }
    recorder.handle_behind(Time::from_millis(2_700), Duration::from_millis(40));
    let (read, lag) = recorder.during(0);
    assert_eq!((read, lag.count, lag.max), (2, 2, Some(900_000_000)));
    // The second after it had no records, and the last one is over as soon as it is asked for.
    assert_eq!(recorder.during(1), (0, LatencySummary::default()));
    assert_eq!((recorder.during(2).0, recorder.during(2).1.count), (2, 2));
    assert_eq!(recorder.last_behind(), Some((2, Duration::from_millis(40))));
    assert_eq!(recorder.finish(Time::from_secs(4)).intervals.len(), 2);
}

fn check(accepted: u64, read_records: &[Stored]) -> (DeliveryCheck, Vec<FaultPlace>) {
    let (mut ledger, mut reading) = (Ledger::default(), Reading::new(7, None));
    (0..accepted).for_each(|index| _ = ledger.accepted.insert(index));
    // Every second record was tried again.
    (0..accepted).step_by(2).for_each(|index| _ = ledger.retried.insert(index));
    read_records.iter().for_each(|stored| read(&mut reading, stored));
    let delivered = reading.finish();
    (DeliveryCheck::new(&ledger, &ledger.accepted, &delivered, true), delivered.places)
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
    let delivered = reading.finish();
    let early = DeliveryCheck::new(&ledger, &ledger.accepted, &delivered, false);
    assert_eq!((early.lost, early.unread), (0, 1));
    assert_eq!(ledger.accepted.without(&delivered.seen).collect::<Vec<_>>(), [4]);
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
    // Two aggregates, of which readers unpack the whole one.
    let mut aggregate = aggregation::encode([("key", None, b"data".as_slice())].into_iter()).to_vec();
    aggregate[9] ^= 1;
    assert!(aggregation::decode(&aggregate).is_none());
    records.push(Stored { sequence: 13, index: 0, data: aggregate });
    let (check, places) = check(10, &records);
    assert_eq!((check.corrupt, check.lost, check.foreign), (2, 1, 3));
    assert_eq!(places, [place(DeliveryFault::Corrupt, None, 6), place(DeliveryFault::Corrupt, None, 13)]);
}

#[test]
fn an_idempotent_consumer_recognises_what_is_in_its_window() {
    let past = |window| {
        let mut reading = Reading::new(7, Some(window));
        let records = shard(10);
        // It dies after ten records, and reads the last six again.
        records.iter().chain(&records[4..]).for_each(|stored| read(&mut reading, stored));
        DeliveryCheck::new(&Ledger::default(), &RecordSet::default(), &reading.finish(), true).duplicates_past_window
    };
    assert_eq!((past(10), past(6), past(5), past(1)), (Some(0), Some(0), Some(6), Some(6)));
}

/// The ledger and three consumers of a run, as they are after so many records: one in `every` is tried again, stored twice, and lost
/// to the consumers; none without a number.
fn after(records: u64, every: Option<u64>) -> (Ledger, Vec<Reading>) {
    // What is accepted and read a second or so apart is the same to the sets.
    const STEP: u64 = 1 << 18;
    let (mut ledger, mut readings) = (Ledger::default(), vec![Reading::new(7, None); 3]);
    for first in (0..records).step_by(STEP as usize) {
        let range = first..(first + STEP).min(records);
        let some = every.map_or(0..0, |every| range.start.div_ceil(every)..range.end.div_ceil(every));
        let mut marked = RecordSet::default();
        some.for_each(|number| _ = marked.insert(number * every.unwrap_or_default()));
        let all = RecordSet::of(range);
        ledger.accepted.extend(&all);
        ledger.retried.extend(&marked);
        let read = all.difference(&marked);
        for reading in &mut readings {
            reading.delivered.seen.extend(&read);
            reading.delivered.copied.extend(&marked);
        }
    }
    (ledger, readings)
}

fn memory((ledger, readings): &(Ledger, Vec<Reading>)) -> usize {
    ledger.memory() + readings.iter().map(Reading::memory).sum::<usize>()
}

#[test]
fn the_memory_of_a_run_in_which_nothing_goes_wrong_does_not_grow() {
    let (half, whole) = (after(50_000_000, None), after(100_000_000, None));
    assert_eq!((whole.0.accepted.len(), whole.1[2].seen().len()), (100_000_000, 100_000_000));
    let (half, whole) = (memory(&half), memory(&whole));
    // Sixteen bytes for each 4,096 records and set, in vectors that have up to twice the room that they use.
    assert!(half < 4 << 20 && whole < 4 << 20, "{} KiB, then {} KiB", half >> 10, whole >> 10);
}

#[test]
fn a_hundred_million_records_fit_into_256_mib() {
    // Of a thousand records one goes wrong in every way, and there are as many keys as are watched, and as many receipts as are kept.
    let (mut ledger, mut readings) = after(100_000_000, Some(1_000));
    let sample = receipts::tests::sample(1);
    (0..receipts::KEPT_MAX).for_each(|_| ledger.receipts.keep(&sample));
    for reading in &mut readings {
        reading.keys.extend((0..KEYS_MAX as u64).map(|key| (key.wrapping_mul(0x9e37_79b9_7f4a_7c15), key)));
    }
    let lost = DeliveryCheck::new(&ledger, &ledger.accepted, &readings[1].delivered, true).lost;
    assert_eq!((lost, ledger.accepted.without(readings[1].seen()).nth(99_999)), (100_000, Some(99_999_000)));
    let memory = memory(&(ledger, readings));
    assert!(memory < 256 << 20, "{} MiB", memory >> 20);
}

/// What is done to the stored records around a place.
#[derive(Debug, Clone, Copy)]
enum Injection {
    Lose,
    Corrupt,
    Copy,
    ReadAgain,
    Foreign,
    StoreSwapped,
    ReadSwapped,
}

fn injections() -> impl Strategy<Value = Vec<(Injection, usize)>> {
    use Injection as I;
    let kinds = [I::Lose, I::Corrupt, I::Copy, I::ReadAgain, I::Foreign, I::StoreSwapped, I::ReadSwapped];
    // Two records each, so that no injection touches those of another.
    prop::collection::vec((prop::sample::select(kinds.to_vec()), (0usize..100).prop_map(|pair| 2 * pair)), 0..40)
}

proptest! {
    #[test]
    fn whatever_is_injected_is_counted_and_placed(injections in injections()) {
        let mut records = shard(200);
        let (mut gone, mut extra, mut touched, mut places) = (Vec::new(), Vec::new(), HashSet::new(), Vec::new());
        let (mut corrupt, mut copies, mut again, mut foreign, mut stored, mut delivered) = (0, 0, 0, 0, 0, 0);
        for (injection, at) in injections.into_iter().filter(|(_, at)| touched.insert(*at)) {
            let sequence = 1_000 + at as u128;
            let index = Some(at as u64);
            match injection {
                Injection::Lose => gone.push(at),
                Injection::Corrupt => {
                    records[at].data[50] ^= 4;
                    corrupt += 1;
                    places.push(place(DeliveryFault::Corrupt, None, at as u128));
                }
                Injection::Copy => {
                    extra.push(Stored { sequence, ..records[at].clone() });
                    copies += 1;
                    places.push(place(DeliveryFault::Copy, index, sequence));
                }
                Injection::ReadAgain => {
                    extra.push(records[at].clone());
                    again += 1;
                }
                Injection::Foreign => {
                    extra.push(Stored { sequence, index: 0, data: blob(9, 1) });
                    foreign += 1;
                }
                Injection::StoreSwapped => {
                    records.swap(at, at + 1);
                    (records[at].sequence, records[at + 1].sequence) = (at as u128, at as u128 + 1);
                    stored += 1;
                    places.push(place(DeliveryFault::WrittenOutOfOrder, index, at as u128 + 1));
                }
                Injection::ReadSwapped => {
                    records.swap(at, at + 1);
                    delivered += 1;
                    places.push(place(DeliveryFault::DeliveredOutOfOrder, index, at as u128));
                }
            }
        }
        let lost = gone.len() as u64 + corrupt;
        records.retain(|record| !gone.contains(&(record.index as usize)));
        extra.sort_by_key(|stored| stored.sequence);
        records.extend(extra);
        let (check, found) = check(200, &records);
        prop_assert_eq!(
            (check.lost, check.corrupt, check.duplicates - check.redelivered, check.redelivered, check.foreign),
            (lost, corrupt, copies, again, foreign)
        );
        prop_assert_eq!((check.written_out_of_order, check.delivered_out_of_order), (stored, delivered));
        prop_assert_eq!(check.copies_by_retries + check.copies_otherwise, copies);
        // Of each kind the first twenty are listed, in the order in which they were read.
        for kind in [
            DeliveryFault::Corrupt,
            DeliveryFault::Copy,
            DeliveryFault::WrittenOutOfOrder,
            DeliveryFault::DeliveredOutOfOrder,
        ] {
            let of = |places: &[FaultPlace]| places.iter().filter(|place| place.fault == kind).cloned().collect::<Vec<_>>();
            let mut expected = of(&places);
            expected.sort_by_key(|place| place.sequence_number.as_ref().and_then(|number| number.parse::<u128>().ok()));
            expected.truncate(PLACES_MAX);
            prop_assert_eq!(of(&found), expected);
        }
    }
}

#[test]
fn a_lost_record_is_placed_by_its_receipt_or_by_its_key() {
    use crate::client::{ListedShard, PackedSequence, ShardMap, hash_key};
    use crate::kinesis::HashKeyRange;
    use crate::units::{Bytes, Rate};
    use crate::workload::{Keys, Schedule, Sizes, Workload};

    let (schedule, sizes) = (Schedule::constant(Rate(10.0)), Sizes::constant(Bytes(100)));
    let workload = Workload::new(schedule, Keys::uniform(50), sizes, Time::from_secs(1), Seed(1));
    let listed = HashKeyRange::initial(4).into_iter().enumerate();
    let shards = ShardMap::new(
        listed
            .map(|(id, range)| ListedShard { id: id.to_string(), range, parents: Vec::new(), open: true })
            .collect::<Vec<_>>(),
    );
    let mut receipts = Receipts::default();
    let sequence = PackedSequence::new(b"4957");
    receipts.keep(&crate::client::Sample { shard: 2, sequence, ..receipts::tests::sample(3) });
    let known = FaultPlace::lost(&workload, &shards, &receipts, 3);
    assert_eq!((known.fault, known.index, known.shard.as_str()), (DeliveryFault::Lost, Some(3), "2"));
    assert_eq!(known.sequence_number.as_deref(), Some("4957"));
    assert_eq!(*known.partition_key, *workload.arrival(3).key);
    let forgotten = FaultPlace::lost(&workload, &shards, &receipts, 4);
    let shard = shards.locate(hash_key(&workload.arrival(4)));
    assert_eq!((forgotten.shard, forgotten.sequence_number), (shard.to_string(), None));
}
