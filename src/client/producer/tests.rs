//! The producer in virtual time, told what the service would say.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::client::RetryPolicy;
use crate::seed::Seed;
use crate::units;

fn settings() -> ProducerSettings {
    ProducerSettings {
        batch_records: 3,
        batch_bytes: units::Bytes(1_000),
        linger: Duration::from_millis(50),
        max_in_flight: 2,
        buffer: units::Bytes(2_000),
        timeout: Duration::from_secs(5),
        retry: RetryPolicy::Exponential {
            base: Duration::from_millis(10),
            cap: Duration::from_millis(10),
            attempts: 2,
        },
        ..ProducerSettings::default()
    }
}

fn producer(settings: ProducerSettings) -> Producer {
    let backoff = Backoff::new(settings.retry, Seed(1), "test");
    Producer::new(settings, backoff)
}

/// Offers records of 100 bytes, key included, one per millisecond from `from` on.
fn offer(producer: &mut Producer, from: u64, records: u64) {
    for index in from..from + records {
        let due = Time::from_millis(index);
        let arrival = Arrival { index, intended: due, key: "1234567890".into(), explicit_hash_key: None, size: 90 };
        producer.handle_arrival(due, arrival, Bytes::from(vec![0; 90]).into(), 0);
    }
}

fn made(entry: &Entry) -> Bytes {
    match &entry.data {
        Data::Made(bytes) => bytes.clone(),
        Data::Unmade(_) => panic!("the tests make their data"),
    }
}

fn outcomes(producer: &mut Producer) -> Vec<(u64, Outcome, u32)> {
    std::iter::from_fn(|| producer.poll_sample()).map(|s| (s.index, s.outcome, s.attempts)).collect()
}

fn answer(producer: &mut Producer, at: u64, call: &Call, entries: Vec<EntryOutcome>) {
    let at = Time::from_millis(at);
    producer.handle_outcome(at, at, call.id, &CallOutcome::Answered(entries));
}

const ACCEPTED: EntryOutcome = EntryOutcome::Accepted { shard: None, sequence: None };

#[test]
fn a_full_batch_goes_out_at_once() {
    let mut producer = producer(settings());
    offer(&mut producer, 0, 4);
    assert_eq!(producer.poll_call(Time::from_millis(3)).unwrap().entries.len(), 3);
    assert_eq!(producer.poll_call(Time::from_millis(3)), None);
}

#[test]
fn a_part_of_a_batch_goes_out_when_its_oldest_record_has_lingered() {
    let mut producer = producer(settings());
    offer(&mut producer, 0, 2);
    assert_eq!(producer.poll_timeout(), Some(Time::from_millis(50)));
    assert_eq!(producer.poll_call(Time::from_millis(49)), None);
    assert_eq!(producer.poll_call(Time::from_millis(50)).unwrap().entries.len(), 2);
    assert_eq!(producer.poll_timeout(), None);
}

#[test]
fn bytes_bound_a_batch_and_a_large_record_goes_alone() {
    let mut producer = producer(ProducerSettings { batch_bytes: units::Bytes(150), ..settings() });
    offer(&mut producer, 0, 2);
    assert_eq!(producer.poll_call(Time::from_millis(1)).unwrap().entries.len(), 1);
}

#[test]
fn calls_under_way_are_bounded() {
    let mut producer = producer(settings());
    offer(&mut producer, 0, 9);
    let now = Time::from_millis(9);
    let first = producer.poll_call(now).unwrap();
    assert!(producer.poll_call(now).is_some());
    assert_eq!((producer.poll_call(now), producer.poll_timeout()), (None, None));
    answer(&mut producer, 20, &first, vec![ACCEPTED; 3]);
    assert!(producer.poll_call(now).is_some());
}

#[test]
fn three_refused_of_five_are_retried_alone() {
    let mut producer = producer(ProducerSettings { batch_records: 5, ..settings() });
    offer(&mut producer, 0, 5);
    let call = producer.poll_call(Time::from_millis(5)).unwrap();
    let entries =
        vec![EntryOutcome::Throttled, ACCEPTED, EntryOutcome::InternalFailure, ACCEPTED, EntryOutcome::Throttled];
    answer(&mut producer, 20, &call, entries);
    assert_eq!(outcomes(&mut producer), [(1, Outcome::Accepted, 1), (3, Outcome::Accepted, 1)]);
    assert_eq!(producer.open_records(), 3);

    let retry_at = Time::from_millis(30);
    producer.handle_timeout(retry_at);
    let call = producer.poll_call(retry_at + Duration::from_millis(50)).unwrap();
    assert_eq!(call.entries.len(), 3);
    answer(&mut producer, 90, &call, vec![ACCEPTED, EntryOutcome::Throttled, ACCEPTED]);
    let mut done = outcomes(&mut producer);
    done.sort_unstable();
    let mut kinds: Vec<_> = done.iter().map(|(_, outcome, attempts)| (*outcome, *attempts)).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [(Outcome::Accepted, 2), (Outcome::Accepted, 2), (Outcome::Failed, 2)]);
    assert_eq!((producer.open_records(), producer.buffered), (0, 0));
    assert_eq!(std::iter::from_fn(|| producer.poll_failed_attempt()).count(), 4);
}

#[test]
fn a_record_that_was_never_answered_stays_unknown_unless_accepted_later() {
    let mut producer = producer(settings());
    offer(&mut producer, 0, 3);
    let call = producer.poll_call(Time::from_millis(3)).unwrap();
    let at = Time::from_millis(10);
    producer.handle_outcome(at, at, call.id, &CallOutcome::Failed(Failure::Timeout));
    let later = Time::from_millis(20);
    producer.handle_timeout(later);
    let call = producer.poll_call(later).unwrap();
    answer(&mut producer, 30, &call, vec![ACCEPTED, EntryOutcome::Throttled, EntryOutcome::InternalFailure]);
    let mut done: Vec<_> = outcomes(&mut producer).into_iter().map(|(_, outcome, _)| outcome).collect();
    done.sort_unstable();
    assert_eq!(done, [Outcome::Accepted, Outcome::Unknown, Outcome::Unknown]);
}

#[test]
fn a_rejected_call_is_not_retried() {
    let mut producer = producer(settings());
    offer(&mut producer, 0, 3);
    let call = producer.poll_call(Time::from_millis(3)).unwrap();
    let at = Time::from_millis(10);
    producer.handle_outcome(at, at, call.id, &CallOutcome::Failed(Failure::Rejected));
    assert!(outcomes(&mut producer).iter().all(|(_, outcome, attempts)| (*outcome, *attempts) == (Outcome::Failed, 1)));
    assert_eq!(producer.open_records(), 0);
}

#[test]
fn a_record_that_finds_no_room_is_abandoned_and_counted() {
    let mut producer = producer(settings());
    offer(&mut producer, 0, 25);
    assert_eq!(outcomes(&mut producer).len(), 5);
    assert_eq!(producer.open_records(), 20);
}

#[test]
fn giving_up_leaves_only_what_is_under_way() {
    let mut producer = producer(settings());
    offer(&mut producer, 0, 5);
    let call = producer.poll_call(Time::from_millis(5)).unwrap();
    producer.abandon(Time::from_millis(6));
    assert_eq!(outcomes(&mut producer).len(), 2);
    assert_eq!((producer.open_records(), producer.open_calls()), (3, 1));
    answer(&mut producer, 20, &call, vec![ACCEPTED; 3]);
    assert_eq!(outcomes(&mut producer).len(), 3);
    assert_eq!(producer.open_records(), 0);
}

#[test]
fn immediate_retries_go_out_within_half_the_linger() {
    let retry = RetryPolicy::Immediate { attempts: 3 };
    let mut producer = producer(ProducerSettings { retry, ..settings() });
    offer(&mut producer, 0, 1);
    let call = producer.poll_call(Time::from_millis(50)).unwrap();
    answer(&mut producer, 60, &call, vec![EntryOutcome::Throttled]);
    assert_eq!(producer.poll_timeout(), Some(Time::from_millis(85)));
    let again = producer.poll_call(Time::from_millis(85)).unwrap();
    assert_eq!(again.entries, call.entries);
}

#[test]
fn a_record_that_outlives_its_time_is_abandoned_with_its_reason() {
    let time_to_live = Some(Duration::from_millis(100));
    let mut producer = producer(ProducerSettings { time_to_live, max_in_flight: 1, ..settings() });
    offer(&mut producer, 0, 6);
    let call = producer.poll_call(Time::from_millis(5)).unwrap();
    // The first three wait for their answer until after their time; the others never get their turn.
    answer(&mut producer, 120, &call, vec![ACCEPTED, EntryOutcome::Throttled, ACCEPTED]);
    assert_eq!(producer.poll_call(Time::from_millis(120)), None);
    let done: Vec<_> = std::iter::from_fn(|| producer.poll_sample()).map(|s| (s.index, s.outcome, s.reason)).collect();
    let late = |index| (index, Outcome::Abandoned, Some(Reason::TimeToLive));
    let accepted = |index| (index, Outcome::Accepted, None);
    assert_eq!(done, [accepted(0), late(1), accepted(2), late(3), late(4), late(5)]);
    assert_eq!((producer.open_records(), producer.buffered), (0, 0));
}

#[test]
fn the_retry_budget_bounds_what_is_added_to_the_load() {
    let retry = RetryPolicy::Immediate { attempts: 1_000 };
    let budget = Some(units::Share(0.1));
    let mut producer = producer(ProducerSettings { retry, retry_budget: budget, batch_records: 1, ..settings() });
    let (mut attempts, mut out_of_budget) = (0, 0);
    for round in 0..1_000 {
        offer(&mut producer, round, 1);
        while let Some(call) = producer.poll_call(Time::from_millis(round)) {
            attempts += 1;
            answer(&mut producer, round, &call, vec![EntryOutcome::Throttled]);
        }
        out_of_budget += std::iter::from_fn(|| producer.poll_sample())
            .filter(|sample| sample.reason == Some(Reason::RetryBudget))
            .count();
    }
    // One first attempt per record, a tenth of that in retries, and the ten that are always allowed.
    assert_eq!((attempts, out_of_budget), (1_110, 1_000));
}

#[test]
fn put_record_takes_one_record_per_call() {
    let mut producer =
        producer(ProducerSettings { single: true, linger: Duration::ZERO, max_in_flight: 5, ..settings() });
    offer(&mut producer, 0, 4);
    for _ in 0..4 {
        assert_eq!(producer.poll_call(Time::from_millis(3)).unwrap().entries.len(), 1);
    }
}

mod aggregation {
    use super::*;
    use crate::client::Aggregation;
    use crate::client::aggregation::decode;
    use crate::kinesis::HashKey;

    fn aggregating(max_bytes: u64, max_records: usize) -> Producer {
        let aggregation = Some(Aggregation { max_bytes: units::Bytes(max_bytes), max_records });
        producer(ProducerSettings { aggregation, batch_bytes: units::Bytes(100_000), ..settings() })
    }

    #[test]
    fn records_of_a_shard_share_a_kinesis_record_and_its_fate() {
        let mut producer = aggregating(51_200, usize::MAX);
        offer(&mut producer, 0, 10);
        assert_eq!(producer.poll_call(Time::from_millis(49)), None);
        assert_eq!(producer.poll_timeout(), Some(Time::from_millis(50)));
        producer.handle_timeout(Time::from_millis(50));
        let call = producer.poll_call(Time::from_millis(50)).unwrap();
        assert_eq!(call.entries.len(), 1);
        let packed = decode(&made(&call.entries[0])).unwrap();
        assert_eq!((packed.len(), packed[9].data.len()), (10, 90));
        // The explicit hash key puts the aggregate where its first record belongs.
        assert_eq!(call.entries[0].explicit_hash_key, Some(HashKey::of("1234567890").0));
        answer(&mut producer, 60, &call, vec![EntryOutcome::Throttled]);
        assert_eq!(std::iter::from_fn(|| producer.poll_failed_attempt()).filter(|attempt| attempt.leads).count(), 1);
        producer.handle_timeout(Time::from_millis(70));
        let again = producer.poll_call(Time::from_millis(120)).unwrap();
        assert_eq!(again.entries, call.entries);
        answer(&mut producer, 130, &again, vec![EntryOutcome::Accepted { shard: Some(3), sequence: None }]);
        let samples: Vec<Sample> = std::iter::from_fn(|| producer.poll_sample()).collect();
        assert!(samples.iter().all(|s| (s.outcome, s.attempts, s.shard) == (Outcome::Accepted, 2, 3)));
        let service: Vec<u32> = samples.iter().filter_map(|sample| sample.service_bytes).collect();
        assert_eq!(service, [call.entries[0].data.len() as u32 + 1], "one Kinesis record, with its key");
        assert_eq!((samples.len(), producer.open_records(), producer.buffered), (10, 0, 0));
    }

    #[test]
    fn an_aggregate_is_full_by_bytes_or_by_records_and_large_records_go_alone() {
        let sizes = |mut producer: Producer| {
            offer(&mut producer, 0, 10);
            producer.handle_timeout(Time::from_millis(60));
            let mut sizes = Vec::new();
            while let Some(call) = producer.poll_call(Time::from_millis(60)) {
                sizes.extend(call.entries.iter().map(|entry| decode(&made(entry)).map_or(1, |packed| packed.len())));
            }
            sizes
        };
        assert_eq!(sizes(aggregating(51_200, 4)), [4, 4, 2]);
        // A record of 100 bytes adds up to 111 to the 20 of an empty aggregate.
        assert_eq!(sizes(aggregating(360, usize::MAX))[..2], [3, 3]);
        assert_eq!(sizes(aggregating(64, usize::MAX))[..3], [1, 1, 1]);
    }
}

mod order {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever fails and however often: the records of a key are accepted in the order in which they were due.
        #[test]
        fn of_a_key_survives_every_retry(
            keys in prop::collection::vec(0u8..4, 1..60),
            fates in prop::collection::vec(0u8..4, 1..400),
            aggregates: bool,
        ) {
            let aggregation = aggregates.then_some(crate::client::Aggregation {
                max_bytes: units::Bytes(51_200),
                max_records: 3,
            });
            let retry = RetryPolicy::Exponential {
                base: Duration::from_millis(10),
                cap: Duration::from_millis(40),
                attempts: 1_000,
            };
            let settings = ProducerSettings { ordered: true, aggregation, retry, buffer: units::Bytes(1 << 20), ..settings() };
            let mut producer = producer(settings);
            for (index, key) in (0..).zip(&keys) {
                let due = Time::from_millis(index);
                let key = format!("key-{key}").into();
                let arrival = Arrival { index, intended: due, key, explicit_hash_key: None, size: 90 };
                producer.handle_arrival(due, arrival, Bytes::from(vec![0; 90]).into(), 0);
            }
            let mut fates = fates.into_iter().cycle().enumerate();
            let (mut now, mut accepted) = (Time::from_millis(100), Vec::new());
            while producer.open_records() > 0 {
                now = now + Duration::from_millis(5);
                producer.handle_timeout(now);
                let calls: Vec<Call> = std::iter::from_fn(|| producer.poll_call(now)).collect();
                // Answers overtake each other.
                for call in calls.into_iter().rev() {
                    let outcome = |_: &Entry| match fates.next() {
                        // Nothing fails for ever.
                        Some((turn, fate)) if turn < 2_000 && fate == 0 => EntryOutcome::Throttled,
                        Some((turn, fate)) if turn < 2_000 && fate == 1 => EntryOutcome::InternalFailure,
                        _ => ACCEPTED,
                    };
                    let outcomes = call.entries.iter().map(outcome).collect();
                    producer.handle_outcome(now, now, call.id, &CallOutcome::Answered(outcomes));
                }
                accepted.extend(std::iter::from_fn(|| producer.poll_sample()).map(|sample| sample.index));
            }
            prop_assert_eq!(accepted.len(), keys.len());
            for key in 0..4 {
                let of_key: Vec<u64> = accepted.iter().copied().filter(|index| keys[*index as usize] == key).collect();
                prop_assert!(of_key.is_sorted(), "{:?}", of_key);
            }
            prop_assert!(producer.keys.is_empty() && producer.buffered == 0);
        }
    }
}

mod indifference {
    use proptest::prelude::*;

    use super::*;

    /// A record: milliseconds after the one before, its key and its size.
    type Due = (u64, u8, usize);

    /// The calls that go out, each with its moment and the numbers and keys of its records, and what became of each record, if
    /// arrivals are taken up when they are due, or only when it makes a difference. Calls are answered after `answers`.
    fn drive(
        settings: &ProducerSettings,
        dues: &[Due],
        answers: &[(u64, u8)],
        lazy: bool,
    ) -> (Vec<(Time, Vec<Bytes>)>, Vec<Sample>) {
        let mut producer = producer(settings.clone());
        let mut ahead: VecDeque<(Arrival, Bytes)> = VecDeque::new();
        let mut due = Time::ZERO;
        for (index, (gap, key, size)) in (0..).zip(dues) {
            due = due + Duration::from_millis(*gap);
            let key = format!("key-{key}").into();
            let arrival = Arrival { index, intended: due, key, explicit_hash_key: None, size: *size as u32 };
            ahead.push_back((arrival, Bytes::from(vec![index as u8; *size])));
        }
        let mut answers = answers.iter().cycle();
        let mut open: Vec<(Time, Time, CallId, Vec<EntryOutcome>)> = Vec::new();
        let (mut calls, mut samples) = (Vec::new(), Vec::new());
        for _ in 0..100_000 {
            let growth = |position| {
                ahead
                    .iter()
                    .take(position + 1)
                    .map(|(a, data)| producer.growth(a.key.len(), a.explicit_hash_key.is_some(), data.len()))
                    .sum::<u64>()
            };
            let upcoming = |position: usize| (ahead[position].0.intended, 1_000 + growth(position));
            let next = match lazy {
                true => producer.indifferent_until(ahead.len().min(7), 1_000, upcoming),
                false => ahead.front().map(|(arrival, _)| arrival.intended),
            };
            let answer = open.iter().map(|(at, ..)| *at).min();
            let Some(now) = next.into_iter().chain(answer).chain(producer.poll_timeout()).min() else { break };
            while let Some((arrival, data)) = ahead.pop_front_if(|(arrival, _)| arrival.intended <= now) {
                let shard = usize::from(arrival.key.as_bytes()[4] % 3);
                producer.handle_arrival(arrival.intended, arrival, data.into(), shard);
            }
            open.sort_by_key(|(at, _, id, _)| (*at, *id));
            while open.first().is_some_and(|(at, ..)| *at <= now) {
                let (_, sent, id, outcomes) = open.remove(0);
                producer.handle_outcome(now, sent, id, &CallOutcome::Answered(outcomes));
            }
            producer.handle_timeout(now);
            while let Some(call) = producer.poll_call(now) {
                let (after, fate) = answers.next().copied().unwrap_or((1, 1));
                let outcome = |number| if fate == 0 && number == 0 { EntryOutcome::Throttled } else { ACCEPTED };
                let outcomes = (0..call.entries.len()).map(outcome).collect();
                open.push((now + Duration::from_millis(after), now, call.id, outcomes));
                calls.push((now, call.entries.into_iter().map(|entry| made(&entry)).collect()));
            }
            samples.extend(std::iter::from_fn(|| producer.poll_sample()));
        }
        assert_eq!((ahead.len(), producer.open_records()), (0, 0));
        samples.sort_by_key(|sample| sample.index);
        (calls, samples)
    }

    proptest! {
        /// Arrivals may be taken up late, and nothing that can be seen from outside differs.
        #[test]
        fn to_when_an_arrival_is_taken_up_is_proven(
            dues in prop::collection::vec((0u64..30, 0u8..6, 1usize..400), 1..120),
            answers in prop::collection::vec((1u64..200, 0u8..4), 1..20),
            (batch_records, batch_bytes, linger) in (1usize..12, 100u64..3_000, 0u64..80),
            (max_in_flight, buffer, ordered) in (1usize..4, 500u64..20_000, any::<bool>()),
            aggregates in prop::option::of((64u64..2_000, 1usize..6)),
            time_to_live in prop::option::of(20u64..500),
        ) {
            let settings = ProducerSettings {
                batch_records,
                batch_bytes: units::Bytes(batch_bytes),
                linger: Duration::from_millis(linger),
                max_in_flight,
                buffer: units::Bytes(buffer),
                ordered,
                aggregation: aggregates.map(|(bytes, max_records)| crate::client::Aggregation {
                    max_bytes: units::Bytes(bytes),
                    max_records,
                }),
                time_to_live: time_to_live.map(Duration::from_millis),
                ..settings()
            };
            let (eager, lazy) = (drive(&settings, &dues, &answers, false), drive(&settings, &dues, &answers, true));
            prop_assert_eq!(eager, lazy);
        }
    }
}
