//! The service half in virtual time: quotas, delays and lifetimes, through its public interface.

use std::time::Duration;

use bytes::Bytes;
use rand::RngExt as _;
use streamgauge::kinesis::{
    ConsumerName, CreateStream, ErrorKind, GetRecords, IteratorToken, Kinesis, Position, Profile, PutEntry, Request,
    Response, ServiceError, Settings, ShardId, SubscriptionId, SubscriptionPoll, Tags,
};
use streamgauge::seed::Seed;
use streamgauge::time::Time;
use streamgauge::units;

const STREAM: &str = "orders";

pub fn settings() -> Settings {
    Settings {
        epoch: Duration::from_secs(1_700_000_000),
        memory_budget: units::Bytes(64 << 20),
        ..Settings::new(Profile::newest(), Seed(1))
    }
}

/// A service with one ACTIVE stream.
pub fn service(settings: Settings, shards: u32) -> Kinesis {
    let mut kinesis = Kinesis::new(settings);
    let create = Request::CreateStream(CreateStream::provisioned(STREAM, shards));
    kinesis.handle(Time::ZERO, create).response.unwrap();
    kinesis
}

pub fn entry(key: &str, bytes: usize) -> PutEntry {
    PutEntry {
        data: Bytes::from(vec![7; bytes]),
        padding: 0,
        partition_key: Bytes::copy_from_slice(key.as_bytes()),
        explicit_hash_key: None,
    }
}

fn put(kinesis: &mut Kinesis, at: Time, entries: Vec<PutEntry>) -> Vec<Result<(), ErrorKind>> {
    let request = Request::PutRecords { stream: STREAM.into(), entries };
    let Response::PutRecords { receipts, .. } = kinesis.handle(at, request).response.unwrap() else {
        panic!("another answer")
    };
    receipts.into_iter().map(|receipt| receipt.map(|_| ()).map_err(|error| error.kind)).collect()
}

fn iterator(kinesis: &mut Kinesis, at: Time, position: Position) -> IteratorToken {
    let request = Request::GetShardIterator { stream: STREAM.into(), shard: ShardId(0), position };
    let Response::GetShardIterator(token) = kinesis.handle(at, request).response.unwrap() else { panic!() };
    token
}

fn get(kinesis: &mut Kinesis, at: Time, iterator: IteratorToken) -> Result<(GetRecords, Time), ServiceError> {
    let reply = kinesis.handle(at, Request::GetRecords { iterator, limit: 10_000 });
    reply.response.map(|response| match response {
        Response::GetRecords(records) => (records, reply.ready_at),
        other => panic!("another answer: {other:?}"),
    })
}

fn consumer_name(consumer: &str) -> ConsumerName {
    ConsumerName { stream: STREAM.into(), consumer: consumer.into(), created: None }
}

fn subscribe(kinesis: &mut Kinesis, at: Time, consumer: &str) -> Result<SubscriptionId, ServiceError> {
    let request = Request::SubscribeToShard {
        consumer: consumer_name(consumer),
        shard: ShardId(0),
        position: Position::TrimHorizon,
    };
    kinesis.handle(at, request).response.map(|response| match response {
        Response::SubscribeToShard(id) => id,
        other => panic!("another answer: {other:?}"),
    })
}

fn register(kinesis: &mut Kinesis, at: Time, consumer: &str) -> Result<Response, ServiceError> {
    let request =
        Request::RegisterStreamConsumer { stream: STREAM.into(), consumer: consumer.into(), tags: Tags::new() };
    kinesis.handle(at, request).response
}

#[test]
fn admission_is_decided_per_record_and_by_shard() {
    let mut kinesis = service(settings(), 4);
    // The keys hash to different quarters of the key space.
    let entries = (0..1_500).map(|i| entry(if i % 3 == 0 { "a" } else { "partitionKey-1" }, 10)).collect::<Vec<_>>();
    let mut outcomes = Vec::new();
    for batch in entries.chunks(500) {
        outcomes.extend(put(&mut kinesis, Time::from_secs(1), batch.to_vec()));
    }
    let accepted = |rest: &[usize]| (0..1_500).filter(|i| rest.contains(&(i % 3)) && outcomes[*i].is_ok()).count();
    assert_eq!(accepted(&[0]), 500, "the shard of `a` has room for all");
    assert_eq!(accepted(&[1, 2]), 1_000, "the other one takes a burst of 1,000 and refuses the rest, record by record");
}

#[test]
fn a_throttled_record_is_named_as_aws_does() {
    let mut kinesis = service(settings(), 1);
    put(&mut kinesis, Time::ZERO, vec![entry("a", 1); 500]);
    put(&mut kinesis, Time::ZERO, vec![entry("a", 1); 500]);
    let request = Request::PutRecord { stream: STREAM.into(), entry: entry("a", 1), after: None };
    let error = kinesis.handle(Time::ZERO, request).response.unwrap_err();
    assert_eq!(
        error.message,
        "Rate exceeded for shard shardId-000000000000 in stream orders under account 000000000000."
    );
}

/// Puts a record every 50 ms for a minute and returns the mean delay, in milliseconds, until `pollers` polling consumers have
/// it. Each polls as often as the shared 5 calls per second allow.
fn polling_delay(pollers: u64) -> f64 {
    let mut kinesis = service(settings(), 1);
    let interval = 200 * pollers;
    let mut iterators: Vec<IteratorToken> =
        (0..pollers).map(|_| iterator(&mut kinesis, Time::ZERO, Position::TrimHorizon)).collect();
    let (mut total, mut count) = (0.0, 0u32);
    for millis in 0..60_000 {
        let now = Time::from_millis(millis);
        if millis % 50 == 0 {
            put(&mut kinesis, now, vec![entry("a", 100)]);
        }
        for (turn, token) in (0..).zip(&mut iterators) {
            if millis % interval == turn * 200 {
                let (answer, ready_at) = get(&mut kinesis, now, token.clone()).unwrap();
                for record in &answer.records {
                    total += ready_at.since(record.arrival).as_secs_f64() * 1e3;
                    count += 1;
                }
                *token = answer.next.unwrap();
            }
        }
    }
    total / f64::from(count)
}

#[test]
fn polling_delays_are_the_documented_ones() {
    // AWS: about 200 ms for one consumer (fact sheet, section 7, row 5).
    let one = polling_delay(1);
    assert!((150.0..220.0).contains(&one), "one poller: {one} ms");
    // Five that take turns, so that none is ever refused, get one call a second each: half a second and the propagation.
    let five = polling_delay(5);
    assert!((530.0..640.0).contains(&five), "five pollers in turn: {five} ms");
}

#[test]
fn five_pollers_that_fight_for_the_calls_have_the_documented_delay_of_a_second() {
    // Each wants five calls a second, so that four of five are refused at random: the time from one granted call to the next
    // is then about exponential with a mean of 1 s, and a record waits for its mean (fact sheet, section 7, row 5).
    let mut kinesis = service(settings(), 1);
    let mut random = Seed(7).stream("pollers", 0);
    let mut pollers: Vec<(u64, IteratorToken)> =
        (0..5).map(|n| (n * 40, iterator(&mut kinesis, Time::ZERO, Position::TrimHorizon))).collect();
    let (mut total, mut count) = (0.0, 0u32);
    for millis in 0..300_000 {
        let now = Time::from_millis(millis);
        if millis % 100 == 0 {
            put(&mut kinesis, now, vec![entry("a", 100)]);
        }
        for (due, token) in &mut pollers {
            if *due > millis {
                continue;
            }
            *due = millis + random.random_range(100..=300);
            if let Ok((answer, ready_at)) = get(&mut kinesis, now, token.clone()) {
                for record in &answer.records {
                    total += ready_at.since(record.arrival).as_secs_f64() * 1e3;
                    count += 1;
                }
                *token = answer.next.unwrap();
            }
        }
    }
    let mean = total / f64::from(count);
    assert!((850.0..1_250.0).contains(&mean), "{mean} ms");
}

#[test]
fn a_sixth_call_in_a_second_is_refused() {
    let mut kinesis = service(settings(), 1);
    let mut token = iterator(&mut kinesis, Time::ZERO, Position::Latest);
    for _ in 0..5 {
        token = get(&mut kinesis, Time::ZERO, token).unwrap().0.next.unwrap();
    }
    let error = get(&mut kinesis, Time::from_millis(199), token.clone()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::ProvisionedThroughputExceeded);
    assert!(get(&mut kinesis, Time::from_millis(200), token).is_ok());
}

#[test]
fn fan_out_delivers_in_seventy_milliseconds_whatever_the_number_of_consumers() {
    let mut kinesis = service(settings(), 1);
    let ids: Vec<SubscriptionId> = (0..5)
        .map(|n| {
            let consumer = format!("c{n}");
            register(&mut kinesis, Time::ZERO, &consumer).unwrap();
            subscribe(&mut kinesis, Time::ZERO, &consumer).unwrap()
        })
        .collect();
    let (mut total, mut count) = (0.0, 0u32);
    for millis in 0..60_000 {
        let now = Time::from_millis(millis);
        if millis % 50 == 0 {
            put(&mut kinesis, now, vec![entry("a", 100)]);
        }
        for id in &ids {
            while let SubscriptionPoll::Event(event) = kinesis.poll_subscription(now, *id) {
                for record in &event.records {
                    total += now.since(record.arrival).as_secs_f64() * 1e3;
                    count += 1;
                }
            }
        }
    }
    let mean = total / f64::from(count);
    assert!((60.0..80.0).contains(&mean), "{mean} ms");
}

#[test]
fn a_subscription_is_limited_to_two_mebibytes_per_second() {
    let mut kinesis = service(Settings { latency: false, ..settings() }, 1);
    register(&mut kinesis, Time::ZERO, "c").unwrap();
    // 10 MiB at once: the byte burst of the shard.
    for _ in 0..10 {
        put(&mut kinesis, Time::ZERO, vec![entry("a", 1_048_575 / 2); 2]);
    }
    let id = subscribe(&mut kinesis, Time::ZERO, "c").unwrap();
    let mut pushed = 0;
    let mut now = Time::ZERO;
    loop {
        match kinesis.poll_subscription(now, id) {
            SubscriptionPoll::Event(event) => pushed += event.records.iter().map(|r| r.data.len()).sum::<usize>(),
            // All of it is pushed: the next would be an event without records, after 5 s of silence.
            SubscriptionPoll::Wait(until) if until.since(now) > Duration::from_secs(3) => break,
            SubscriptionPoll::Wait(until) => now = until,
            other => panic!("{other:?}"),
        }
    }
    assert!(pushed > 9 << 20, "{pushed}");
    // The first 2 MiB are the credit, the last event may be in debt by up to 1 MiB.
    assert!((Duration::from_millis(3_400)..Duration::from_millis(4_100)).contains(&now.since(Time::ZERO)), "{now:?}");
}

#[test]
fn a_second_subscription_is_refused_for_five_seconds_and_then_takes_over() {
    let mut kinesis = service(settings(), 1);
    register(&mut kinesis, Time::ZERO, "c").unwrap();
    let first = subscribe(&mut kinesis, Time::ZERO, "c").unwrap();
    assert_eq!(subscribe(&mut kinesis, Time::from_millis(4_999), "c").unwrap_err().kind, ErrorKind::ResourceInUse);
    let second = subscribe(&mut kinesis, Time::from_secs(5), "c").unwrap();
    let SubscriptionPoll::Failed(error) = kinesis.poll_subscription(Time::from_secs(5), first) else { panic!() };
    assert_eq!(error.kind, ErrorKind::ResourceInUse);
    assert!(matches!(kinesis.poll_subscription(Time::from_secs(5), second), SubscriptionPoll::Wait(_)));
    assert_eq!(kinesis.poll_subscription(Time::from_secs(305), second), SubscriptionPoll::Ended);
}

#[test]
fn a_continuation_goes_on_without_loss_or_repetition() {
    let mut kinesis = service(Settings { latency: false, ..settings() }, 1);
    register(&mut kinesis, Time::ZERO, "c").unwrap();
    put(&mut kinesis, Time::ZERO, vec![entry("a", 10); 3]);
    let first = subscribe(&mut kinesis, Time::ZERO, "c").unwrap();
    let SubscriptionPoll::Event(event) = kinesis.poll_subscription(Time::ZERO, first) else { panic!() };
    assert_eq!(event.records.len(), 3);
    put(&mut kinesis, Time::from_secs(1), vec![entry("a", 10); 2]);
    let again = Request::SubscribeToShard {
        consumer: consumer_name("c"),
        shard: ShardId(0),
        position: Position::AfterSequenceNumber(event.continuation.unwrap()),
    };
    let Response::SubscribeToShard(second) = kinesis.handle(Time::from_secs(6), again).response.unwrap() else {
        panic!()
    };
    let SubscriptionPoll::Event(event) = kinesis.poll_subscription(Time::from_secs(6), second) else { panic!() };
    assert_eq!(event.records.len(), 2);
}

#[test]
fn consumers_are_limited_to_twenty_and_five_at_a_time() {
    let mut kinesis = service(Settings { transition_scale: 1.0, ..settings() }, 1);
    for n in 0..20 {
        // Each group of five becomes ACTIVE after 15 s.
        let at = Time::from_secs(60 + n / 5 * 15);
        register(&mut kinesis, at, &format!("c{n}")).unwrap();
        if n == 4 {
            assert_eq!(register(&mut kinesis, at, "early").unwrap_err().kind, ErrorKind::LimitExceeded);
        }
    }
    let late = Time::from_secs(1_000);
    assert_eq!(register(&mut kinesis, late, "late").unwrap_err().kind, ErrorKind::LimitExceeded);
    assert_eq!(register(&mut kinesis, late, "c1").unwrap_err().kind, ErrorKind::ResourceInUse);
}

#[test]
fn an_iterator_expires_after_five_minutes() {
    let mut kinesis = service(settings(), 1);
    let token = iterator(&mut kinesis, Time::ZERO, Position::Latest);
    assert!(get(&mut kinesis, Time::from_millis(299_999), token.clone()).is_ok());
    assert_eq!(get(&mut kinesis, Time::from_secs(300), token).unwrap_err().kind, ErrorKind::ExpiredIterator);
}

#[test]
fn a_stream_that_is_being_created_is_not_found_by_data_calls() {
    let mut kinesis = service(Settings { transition_scale: 1.0, ..settings() }, 1);
    let request = || Request::PutRecords { stream: STREAM.into(), entries: vec![entry("a", 1)] };
    let error = kinesis.handle(Time::from_secs(40), request()).response.unwrap_err();
    assert_eq!(error.kind, ErrorKind::ResourceNotFound);
    assert_eq!(error.message, "Stream orders under account 000000000000 not found.");
    assert!(kinesis.handle(Time::from_secs(41), request()).response.is_ok());
}

#[test]
fn memory_stays_within_its_budget_and_only_read_records_go_while_readers_keep_up() {
    let budget = 8 << 20;
    let mut kinesis = service(Settings { memory_budget: units::Bytes(budget), latency: false, ..settings() }, 1);
    let mut token = iterator(&mut kinesis, Time::ZERO, Position::TrimHorizon);
    let mut read = 0;
    for second in 0..60 {
        put(&mut kinesis, Time::from_secs(second), vec![entry("a", 10_000); 100]);
        let (answer, _) = get(&mut kinesis, Time::from_millis(second * 1_000 + 500), token).unwrap();
        read += answer.records.len();
        token = answer.next.unwrap();
    }
    let usage = kinesis.usage();
    assert_eq!(read, 6_000);
    assert!(usage.peak <= budget + 1_100_000, "{usage:?}");
    assert!(usage.trimmed_read > 4_000 && usage.trimmed_unread == 0, "{usage:?}");
}

#[test]
fn records_that_nobody_reads_are_dropped_and_counted_when_the_budget_is_reached() {
    let budget = 8 << 20;
    let mut kinesis = service(Settings { memory_budget: units::Bytes(budget), latency: false, ..settings() }, 2);
    for second in 0..60 {
        put(&mut kinesis, Time::from_secs(second), vec![entry("a", 10_000); 100]);
    }
    let usage = kinesis.usage();
    assert!(usage.peak <= budget + 1_100_000 && usage.bytes <= budget, "{usage:?}");
    assert!(usage.trimmed_unread > 5_000 && usage.trimmed_read == 0, "{usage:?}");
}

#[test]
fn records_expire_after_their_retention() {
    let mut kinesis = service(settings(), 1);
    put(&mut kinesis, Time::ZERO, vec![entry("a", 10); 5]);
    let day = Time::from_secs(24 * 3600);
    // Nothing was put since, and they are gone all the same.
    let token = iterator(&mut kinesis, day, Position::TrimHorizon);
    let (answer, _) = get(&mut kinesis, day + Duration::from_secs(1), token).unwrap();
    assert_eq!(answer.records.len(), 0);
    assert_eq!(kinesis.usage().bytes, 0);
}

#[test]
fn what_is_kept_of_a_batch_does_not_keep_the_rest_of_it() {
    // One record of each batch is accepted, of the shard that has room; the budget counts what that takes in memory.
    let mut kinesis = service(Settings { latency: false, ..settings() }, 1);
    let slab = Bytes::from(vec![7; 1 << 20]);
    let data = slab.slice(..10);
    let record =
        PutEntry { data: data.clone(), padding: 0, partition_key: Bytes::from_static(b"a"), explicit_hash_key: None };
    put(&mut kinesis, Time::ZERO, vec![record]);
    drop(data);
    assert!(slab.is_unique(), "the service made a copy of its own");
    assert!((59..200).contains(&kinesis.usage().bytes), "{:?}", kinesis.usage());
}

#[test]
fn iterators_are_limited_to_five_a_second_and_shard() {
    let mut kinesis = service(settings(), 1);
    let ask = |kinesis: &mut Kinesis, at| {
        let request =
            Request::GetShardIterator { stream: STREAM.into(), shard: ShardId(0), position: Position::Latest };
        kinesis.handle(at, request).response.map(|_| ()).map_err(|error| error.kind)
    };
    for _ in 0..5 {
        assert_eq!(ask(&mut kinesis, Time::ZERO), Ok(()));
    }
    assert_eq!(ask(&mut kinesis, Time::ZERO), Err(ErrorKind::ProvisionedThroughputExceeded));
    assert_eq!(ask(&mut kinesis, Time::from_millis(200)), Ok(()));
}

#[test]
fn a_silent_subscription_moves_its_continuation() {
    let mut kinesis = service(settings(), 1);
    register(&mut kinesis, Time::ZERO, "c").unwrap();
    let id = subscribe(&mut kinesis, Time::ZERO, "c").unwrap();
    assert_eq!(kinesis.poll_subscription(Time::ZERO, id), SubscriptionPoll::Wait(Time::from_secs(5)));
    let SubscriptionPoll::Event(event) = kinesis.poll_subscription(Time::from_secs(5), id) else { panic!() };
    assert!(event.records.is_empty() && event.continuation.is_some(), "{event:?}");
    assert_eq!(kinesis.poll_subscription(Time::from_secs(5), id), SubscriptionPoll::Wait(Time::from_secs(10)));
}

#[test]
fn a_huge_stream_is_refused_before_it_is_made() {
    let mut kinesis = Kinesis::new(settings());
    let create = Request::CreateStream(CreateStream::provisioned(STREAM, u32::MAX));
    assert_eq!(kinesis.handle(Time::ZERO, create).response.unwrap_err().kind, ErrorKind::LimitExceeded);
}
