//! Consumers in virtual time, told what the service would say.

mod interruptions;
mod kcl;

use std::collections::HashMap;
use std::time::Duration;

use super::*;
use crate::seed::Seed;
use crate::time::Time;
use crate::units::{Bytes, Share};

#[derive(Debug, Clone, PartialEq)]
struct Plain;

impl Wire for Plain {
    type Shard = u32;
    type Sequence = u64;
    type Iterator = &'static str;
    type Record = u64;
}

const INTERVAL: Duration = Duration::from_millis(200);
const POLLING: ConsumerKind = ConsumerKind::Polling { interval: INTERVAL, limit: 10_000 };

fn ms(millis: u64) -> Time {
    Time::from_millis(millis)
}

fn application(kind: ConsumerKind) -> Application<Plain> {
    Application {
        name: "test".to_owned(),
        kind,
        start: Start::TrimHorizon,
        starts: HashMap::new(),
        processing: Processing { attempts: Some(1), ..Processing::default() },
        checkpoint: Checkpoint::EachBatch,
        resubscribe_after: Duration::from_secs(5),
        subscription_life: Duration::from_secs(300),
    }
}

fn lineage(shard: u32, parents: &[u32]) -> Lineage<Plain> {
    Lineage { shard, parents: parents.to_vec() }
}

fn begun(application: Application<Plain>, shards: u32) -> Consumer<Plain> {
    let mut consumer = Consumer::new(application, Seed(1));
    consumer.begin(ms(0), (0..shards).map(|shard| lineage(shard, &[])).collect());
    consumer
}

fn calls(consumer: &mut Consumer<Plain>, now: Time) -> Vec<ReadCall<Plain>> {
    consumer.handle_timeout(now);
    std::iter::from_fn(|| consumer.poll_call()).collect()
}

/// The only call now.
fn call(consumer: &mut Consumer<Plain>, now: Time) -> ReadCall<Plain> {
    let mut calls = calls(consumer, now);
    assert_eq!(calls.len(), 1, "{calls:?}");
    calls.remove(0)
}

fn ticket(call: &ReadCall<Plain>) -> Ticket {
    match call {
        ReadCall::GetShardIterator { ticket, .. }
        | ReadCall::GetRecords { ticket, .. }
        | ReadCall::Subscribe { ticket, .. }
        | ReadCall::Receive { ticket }
        | ReadCall::Unsubscribe { ticket } => *ticket,
    }
}

fn answer(records: impl IntoIterator<Item = u64>) -> Answer<Plain> {
    let record = |number| Received {
        sequence: number,
        key_hash: number,
        bytes: 100,
        age: Duration::ZERO,
        part: 0,
        record: number,
    };
    Answer { records: records.into_iter().map(record).collect(), behind: Duration::ZERO, children: Vec::new() }
}

fn read(next: &'static str, records: impl IntoIterator<Item = u64>) -> ReadOutcome<Plain> {
    ReadOutcome::Records { next: Some(next), answer: answer(records) }
}

/// The end of a closed shard that became `children`.
fn end(children: &[Lineage<Plain>]) -> ReadOutcome<Plain> {
    ReadOutcome::Records { next: None, answer: Answer { children: children.to_vec(), ..answer([]) } }
}

/// Records that the consumer is done with, and when it was.
fn done(consumer: &mut Consumer<Plain>) -> Vec<(u64, Time, Fate)> {
    std::iter::from_fn(|| consumer.poll_delivery()).map(|d| (d.received.record, d.done, d.fate)).collect()
}

fn processed(consumer: &mut Consumer<Plain>) -> Vec<u64> {
    done(consumer).into_iter().filter(|(.., fate)| *fate == Fate::Processed).map(|(record, ..)| record).collect()
}

/// A polling consumer of one shard that has its iterator.
fn positioned(application: Application<Plain>) -> (Consumer<Plain>, Ticket) {
    let mut consumer = begun(application, 1);
    let first = call(&mut consumer, ms(0));
    assert!(matches!(first, ReadCall::GetShardIterator { start: Start::TrimHorizon, .. }));
    assert!(!consumer.is_positioned());
    consumer.handle_outcome(ms(1), ticket(&first), ReadOutcome::Iterator("a"));
    assert!(consumer.is_positioned());
    (consumer, ticket(&first))
}

fn get(ticket: Ticket, iterator: &'static str) -> ReadCall<Plain> {
    ReadCall::GetRecords { ticket, iterator, limit: 10_000 }
}

mod polling {
    use super::*;

    #[test]
    fn a_shard_is_polled_at_its_interval_whatever_the_answer_takes() {
        let (mut consumer, ticket) = positioned(application(POLLING));
        assert_eq!(calls(&mut consumer, ms(10)), [get(ticket, "a")]);
        consumer.handle_outcome(ms(150), ticket, read("b", []));
        assert_eq!((calls(&mut consumer, ms(200)), consumer.poll_timeout()), (vec![], Some(ms(201))));
        assert_eq!(calls(&mut consumer, ms(201)), [get(ticket, "b")]);
    }

    #[test]
    fn throttling_backs_off_with_the_same_iterator() {
        let (mut consumer, ticket) = positioned(application(POLLING));
        calls(&mut consumer, ms(1));
        consumer.handle_outcome(ms(10), ticket, ReadOutcome::Throttled);
        let again = consumer.poll_timeout().unwrap();
        assert!((ms(210)..ms(410)).contains(&again), "{again:?}");
        assert_eq!(calls(&mut consumer, again), [get(ticket, "a")]);
        consumer.handle_outcome(ms(420), ticket, ReadOutcome::Throttled);
        let later = consumer.poll_timeout().unwrap();
        assert!((ms(620)..ms(1_220)).contains(&later), "{later:?}");
    }

    #[test]
    fn an_expired_iterator_is_replaced_after_the_last_record() {
        let (mut consumer, ticket) = positioned(application(POLLING));
        calls(&mut consumer, ms(1));
        consumer.handle_outcome(ms(10), ticket, read("b", [49]));
        calls(&mut consumer, ms(201));
        consumer.handle_outcome(ms(210), ticket, ReadOutcome::ExpiredIterator);
        let again = ReadCall::GetShardIterator { ticket, shard: 0, start: Start::After(49) };
        assert_eq!(calls(&mut consumer, ms(401)), [again]);
    }

    #[test]
    fn every_shard_is_positioned_at_once_and_read_in_its_turn() {
        let mut consumer = begun(application(POLLING), 2);
        let first = calls(&mut consumer, ms(0));
        assert_eq!(first.len(), 2);
        consumer.handle_outcome(ms(5), ticket(&first[1]), ReadOutcome::Iterator("b"));
        consumer.handle_outcome(ms(10), ticket(&first[0]), ReadOutcome::Iterator("a"));
        assert_eq!(calls(&mut consumer, ms(10)), [get(ticket(&first[0]), "a")]);
        assert_eq!((calls(&mut consumer, ms(104)), consumer.poll_timeout()), (vec![], Some(ms(105))));
    }

    #[test]
    fn a_lost_latest_goes_on_where_it_stood() {
        let mut consumer = begun(Application { start: Start::Latest, ..application(POLLING) }, 1);
        let first = call(&mut consumer, ms(0));
        assert!(matches!(first, ReadCall::GetShardIterator { start: Start::Latest, .. }));
        let ticket = ticket(&first);
        consumer.handle_outcome(ms(7), ticket, ReadOutcome::Iterator("a"));
        calls(&mut consumer, ms(10));
        consumer.handle_outcome(ms(20), ticket, ReadOutcome::ExpiredIterator);
        let again = ReadCall::GetShardIterator { ticket, shard: 0, start: Start::At(ms(7)) };
        assert_eq!(calls(&mut consumer, ms(400)), [again]);
    }
}

mod fan_out {
    use super::*;

    fn open(consumer: &mut Consumer<Plain>, at: Time) -> (Ticket, Start<u64>) {
        let ReadCall::Subscribe { ticket, start, .. } = call(consumer, at) else { panic!("no subscription") };
        consumer.handle_outcome(at, ticket, ReadOutcome::Subscribed);
        assert_eq!(calls(consumer, at), [ReadCall::Receive { ticket }]);
        (ticket, start)
    }

    fn event(continuation: u64, records: impl IntoIterator<Item = u64>) -> ReadOutcome<Plain> {
        ReadOutcome::Event { continuation: Some(continuation), answer: answer(records) }
    }

    #[test]
    fn a_subscription_that_ends_is_renewed_where_it_stopped() {
        let mut consumer = begun(application(ConsumerKind::Efo), 1);
        let (ticket, start) = open(&mut consumer, ms(0));
        assert!(start == Start::TrimHorizon && consumer.is_positioned());
        consumer.handle_outcome(ms(1_000), ticket, event(49, [48]));
        assert_eq!(calls(&mut consumer, ms(1_000)), [ReadCall::Receive { ticket }]);
        consumer.handle_outcome(ms(100_000), ticket, ReadOutcome::Ended);
        assert_eq!(open(&mut consumer, ms(100_000)).1, Start::After(49));
        assert_eq!(processed(&mut consumer), [48]);
    }

    #[test]
    fn a_subscription_is_renewed_before_it_ends_and_the_old_one_is_heard_no_more() {
        let mut consumer = begun(application(ConsumerKind::Efo), 1);
        let (old, _) = open(&mut consumer, ms(0));
        consumer.handle_outcome(ms(1_000), old, event(10, [10]));
        calls(&mut consumer, ms(1_000));
        assert_eq!(consumer.poll_timeout(), Some(ms(290_000)));
        let renewed = calls(&mut consumer, ms(290_000));
        let [ReadCall::Unsubscribe { ticket: given_up }, ReadCall::Subscribe { ticket, start, .. }] = &renewed[..]
        else {
            panic!("{renewed:?}")
        };
        assert_eq!((*given_up, start), (old, &Start::After(10)));
        // What the old subscription still brings comes again with the new one.
        consumer.handle_outcome(ms(290_001), old, event(11, [11]));
        consumer.handle_outcome(ms(290_010), *ticket, ReadOutcome::Subscribed);
        consumer.handle_outcome(ms(290_020), *ticket, event(11, [11]));
        assert_eq!(processed(&mut consumer), [10, 11]);
    }

    #[test]
    fn a_lost_subscription_waits_until_the_service_takes_it_again() {
        let mut consumer = begun(application(ConsumerKind::Efo), 1);
        let (ticket, _) = open(&mut consumer, ms(0));
        consumer.handle_outcome(ms(2_000), ticket, ReadOutcome::Failed);
        assert_eq!((calls(&mut consumer, ms(4_000)), consumer.poll_timeout()), (vec![], Some(ms(5_000))));
        open(&mut consumer, ms(5_000));
    }

    #[test]
    fn repeated_failures_back_off() {
        let mut consumer = begun(application(ConsumerKind::Efo), 1);
        let mut at = ms(0);
        for seconds in [1, 2, 4, 8, 8] {
            let ReadCall::Subscribe { ticket, .. } = call(&mut consumer, at) else { panic!("no subscription") };
            consumer.handle_outcome(at, ticket, ReadOutcome::Failed);
            at = at + Duration::from_secs(seconds);
            assert_eq!(consumer.poll_timeout(), Some(at));
        }
    }

    #[test]
    fn the_next_event_is_taken_when_the_last_is_processed() {
        let slow = Processing {
            per_record: ServiceTime::Constant { time: Duration::from_millis(10) },
            ..Processing::default()
        };
        let mut consumer = begun(Application { processing: slow, ..application(ConsumerKind::Efo) }, 1);
        let (ticket, _) = open(&mut consumer, ms(0));
        consumer.handle_outcome(ms(100), ticket, event(3, [1, 2, 3]));
        assert_eq!((calls(&mut consumer, ms(129)), consumer.poll_timeout()), (vec![], Some(ms(130))));
        assert_eq!(calls(&mut consumer, ms(130)), [ReadCall::Receive { ticket }]);
    }
}

mod lineage_of_shards {
    use super::*;

    #[test]
    fn children_are_read_when_their_parents_are_processed() {
        let slow =
            Processing { per_batch: ServiceTime::Constant { time: Duration::from_secs(3) }, ..Processing::default() };
        let (mut consumer, parent) = positioned(Application { processing: slow, ..application(POLLING) });
        calls(&mut consumer, ms(1));
        let children = [lineage(1, &[0]), lineage(2, &[0])];
        let last = ReadOutcome::Records { next: None, answer: Answer { children: children.into(), ..answer([7]) } };
        consumer.handle_outcome(ms(10), parent, last);
        assert_eq!((calls(&mut consumer, ms(3_009)), consumer.poll_timeout()), (vec![], Some(ms(3_010))));
        let begun = calls(&mut consumer, ms(3_010));
        assert!(matches!(begun[0], ReadCall::GetShardIterator { shard: 1, start: Start::TrimHorizon, .. }));
        assert!(matches!(begun[1], ReadCall::GetShardIterator { shard: 2, start: Start::TrimHorizon, .. }));
    }

    #[test]
    fn the_child_of_a_merge_waits_for_both_parents() {
        let mut consumer = begun(application(POLLING), 2);
        let first = calls(&mut consumer, ms(0));
        for call in &first {
            consumer.handle_outcome(ms(1), ticket(call), ReadOutcome::Iterator("a"));
        }
        calls(&mut consumer, ms(400));
        let merged = [lineage(2, &[0, 1])];
        consumer.handle_outcome(ms(410), ticket(&first[0]), end(&merged));
        assert_eq!(calls(&mut consumer, ms(500)), []);
        consumer.handle_outcome(ms(510), ticket(&first[1]), end(&merged));
        assert!(matches!(call(&mut consumer, ms(510)), ReadCall::GetShardIterator { shard: 2, .. }));
    }

    #[test]
    fn shards_that_no_answer_names_are_followed_all_the_same() {
        let (mut consumer, parent) = positioned(application(POLLING));
        calls(&mut consumer, ms(1));
        consumer.handle_shards(ms(5), vec![lineage(0, &[]), lineage(1, &[0])]);
        assert_eq!(calls(&mut consumer, ms(6)), []);
        consumer.handle_outcome(ms(10), parent, end(&[]));
        assert!(matches!(call(&mut consumer, ms(10)), ReadCall::GetShardIterator { shard: 1, .. }));
    }
}

mod processing {
    use super::*;

    fn constant(per_batch: u64, per_record: u64) -> Processing {
        let time = |millis| ServiceTime::Constant { time: Duration::from_millis(millis) };
        Processing {
            per_batch: time(per_batch),
            per_record: time(per_record),
            attempts: Some(1),
            ..Processing::default()
        }
    }

    fn lambda(batch_size: u32, window: u64, parallelization_factor: u32) -> ConsumerKind {
        ConsumerKind::Lambda {
            batch_size,
            window: Duration::from_millis(window),
            parallelization_factor,
            bisect: false,
            maximum_record_age: None,
            on_failure: false,
            fan_out: false,
        }
    }

    /// Reads `records` at once at 10 ms and lets the consumer work until `until`.
    fn work(application: Application<Plain>, records: std::ops::Range<u64>, until: u64) -> Vec<(u64, Time, Fate)> {
        let (mut consumer, ticket) = positioned(application);
        calls(&mut consumer, ms(1));
        consumer.handle_outcome(ms(10), ticket, read("b", records));
        while let Some(at) = consumer.poll_timeout().filter(|at| *at <= ms(until)) {
            calls(&mut consumer, at);
        }
        done(&mut consumer)
    }

    #[test]
    fn a_record_is_done_when_its_batch_is() {
        let done = work(Application { processing: constant(20, 5), ..application(POLLING) }, 0..4, 1_000);
        // 10 + 20 + 4 x 5.
        assert_eq!(done, (0..4).map(|record| (record, ms(50), Fate::Processed)).collect::<Vec<_>>());
    }

    #[test]
    fn a_timer_that_fires_late_does_not_slow_the_application_down() {
        let (mut consumer, ticket) =
            positioned(Application { processing: constant(10, 0), ..application(lambda(2, 0, 1)) });
        calls(&mut consumer, ms(1));
        consumer.handle_outcome(ms(10), ticket, read("b", 0..6));
        calls(&mut consumer, ms(100));
        let times: Vec<Time> = done(&mut consumer).into_iter().map(|(_, at, _)| at).collect();
        assert_eq!(times, [20, 20, 30, 30, 40, 40].map(ms));
    }

    #[test]
    fn lanes_work_side_by_side_and_keep_the_order_of_a_key() {
        let processing = constant(100, 0);
        let one = work(Application { processing: processing.clone(), ..application(lambda(1, 0, 1)) }, 0..10, 5_000);
        let ten = work(Application { processing, ..application(lambda(1, 0, 10)) }, 0..10, 5_000);
        assert_eq!(one.last().map(|(_, at, _)| *at), Some(ms(1_010)));
        assert!(ten.iter().all(|(_, at, _)| *at == ms(110)), "{ten:?}");
    }

    #[test]
    fn a_window_waits_for_a_full_batch() {
        let batches = |records| work(application(lambda(5, 300, 1)), 0..records, 800);
        assert!(batches(5).iter().all(|(_, at, _)| *at == ms(10)));
        assert!(batches(4).iter().all(|(_, at, _)| *at == ms(310)));
    }

    #[test]
    fn what_fails_is_skipped_after_the_last_attempt() {
        let broken = Processing {
            failure: Share(1.0),
            attempts: Some(3),
            retry_delay: Duration::from_millis(100),
            ..constant(10, 0)
        };
        let done = work(Application { processing: broken, ..application(POLLING) }, 0..2, 2_000);
        // Three attempts of 10 ms with two pauses of 100 ms.
        assert_eq!(done, [(0, ms(240), Fate::Failed), (1, ms(240), Fate::Failed)]);
    }

    #[test]
    fn bisecting_finds_the_records_that_always_fail() {
        let kind = ConsumerKind::Lambda {
            batch_size: 64,
            window: Duration::ZERO,
            parallelization_factor: 1,
            bisect: true,
            maximum_record_age: None,
            on_failure: false,
            fan_out: false,
        };
        let poison = Processing { poison: Share(0.05), attempts: Some(2), ..constant(1, 0) };
        let halved = work(Application { processing: poison.clone(), ..application(kind) }, 0..64, 60_000);
        let whole = work(Application { processing: poison, ..application(lambda(64, 0, 1)) }, 0..64, 60_000);
        let failed = |done: &[(u64, Time, Fate)]| done.iter().filter(|(.., fate)| *fate == Fate::Failed).count();
        assert_eq!((halved.len(), failed(&whole)), (64, 64));
        assert!((1..10).contains(&failed(&halved)), "{}", failed(&halved));
    }

    #[test]
    fn records_that_are_too_old_or_too_large_are_not_tried() {
        let kind = ConsumerKind::Lambda {
            batch_size: 1,
            window: Duration::ZERO,
            parallelization_factor: 1,
            bisect: false,
            maximum_record_age: Some(Duration::from_millis(250)),
            on_failure: false,
            fan_out: false,
        };
        let done = work(Application { processing: constant(100, 0), ..application(kind) }, 0..5, 5_000);
        let fates: Vec<Fate> = done.iter().map(|(.., fate)| *fate).collect();
        assert_eq!(fates, [Fate::Processed, Fate::Processed, Fate::Processed, Fate::TooOld, Fate::TooOld]);

        let (mut consumer, ticket) = positioned(application(lambda(10, 0, 1)));
        calls(&mut consumer, ms(1));
        let mut large = answer(0..2);
        large.records[0].bytes = 6_000_001;
        consumer.handle_outcome(ms(10), ticket, ReadOutcome::Records { next: Some("b"), answer: large });
        assert_eq!(super::done(&mut consumer), [(0, ms(10), Fate::TooLarge), (1, ms(10), Fate::Processed)]);
    }

    #[test]
    fn firehose_delivers_in_buffers() {
        let kind =
            |bytes| ConsumerKind::Firehose { buffer_interval: Duration::from_secs(60), buffer_bytes: Bytes(bytes) };
        let at = |done: Vec<(u64, Time, Fate)>| done.into_iter().map(|(_, at, _)| at).collect::<Vec<_>>();
        assert_eq!(at(work(application(kind(300)), 0..3, 100)), [ms(10); 3]);
        assert_eq!(at(work(application(kind(301)), 0..3, 100)), []);
        assert_eq!(at(work(application(kind(301)), 0..3, 70_000)), [ms(60_010); 3]);
    }
}
