//! Limits that are counts and sizes, at their edge: as many as AWS allows, and one more.

use bytes::Bytes;
use streamgauge::kinesis::{
    ConsumerName, CreateStream, ErrorKind, GetRecords, IteratorToken, Kinesis, ListShards, Position, Profile, PutEntry,
    Request, Response, ServiceError, Settings, ShardFilter, ShardId, SubscriptionPoll, Tags, WriteLimiter,
};
use streamgauge::seed::Seed;
use streamgauge::time::Time;

const STREAM: &str = "orders";

fn settings() -> Settings {
    Settings { latency: false, control_limits: false, ..Settings::new(Profile::newest(), Seed(1)) }
}

fn service(shards: u32) -> Kinesis {
    let mut kinesis = Kinesis::new(Settings { write_limiter: WriteLimiter::None, ..settings() });
    ask(&mut kinesis, Time::ZERO, Request::CreateStream(CreateStream::provisioned(STREAM, shards))).unwrap();
    kinesis
}

fn ask(kinesis: &mut Kinesis, now: Time, request: Request) -> Result<Response, ServiceError> {
    kinesis.handle(now, request).response
}

fn refused(kinesis: &mut Kinesis, now: Time, request: Request) -> ErrorKind {
    ask(kinesis, now, request).unwrap_err().kind
}

fn entry(bytes: usize) -> PutEntry {
    PutEntry {
        data: Bytes::from(vec![1; bytes - 1]),
        padding: 0,
        partition_key: Bytes::from_static(b"k"),
        explicit_hash_key: None,
    }
}

fn put(kinesis: &mut Kinesis, now: Time, entries: Vec<PutEntry>) -> Result<Response, ServiceError> {
    ask(kinesis, now, Request::PutRecords { stream: STREAM.into(), entries })
}

fn iterator(kinesis: &mut Kinesis, now: Time, position: Position) -> IteratorToken {
    let request = Request::GetShardIterator { stream: STREAM.into(), shard: ShardId(0), position };
    match ask(kinesis, now, request).unwrap() {
        Response::GetShardIterator(iterator) => iterator,
        other => panic!("{other:?}"),
    }
}

fn get(kinesis: &mut Kinesis, now: Time, iterator: IteratorToken) -> GetRecords {
    match ask(kinesis, now, Request::GetRecords { iterator, limit: 10_000 }).unwrap() {
        Response::GetRecords(records) => records,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_of_ten_mebibytes_is_taken_and_no_larger_one() {
    let mut kinesis = service(1);
    let of = |bytes: usize| vec![entry(1 << 20); 9].into_iter().chain([entry(bytes)]).collect::<Vec<_>>();
    assert!(put(&mut kinesis, Time::ZERO, of(1 << 20)).is_ok());
    let mut more = of((1 << 20) - 1);
    more.push(entry(2));
    assert_eq!(put(&mut kinesis, Time::ZERO, more).unwrap_err().kind, ErrorKind::InvalidArgument);
}

#[test]
fn an_answer_has_at_most_ten_thousand_records_and_ten_mebibytes() {
    let mut kinesis = service(1);
    for _ in 0..30 {
        put(&mut kinesis, Time::ZERO, vec![entry(100); 500]).unwrap();
    }
    let first = iterator(&mut kinesis, Time::ZERO, Position::TrimHorizon);
    let answer = get(&mut kinesis, Time::ZERO, first);
    assert_eq!(answer.records.len(), 10_000);
    let answer = get(&mut kinesis, Time::from_secs(1), answer.next.unwrap());
    assert_eq!(answer.records.len(), 5_000);

    let now = Time::from_secs(10);
    for _ in 0..3 {
        put(&mut kinesis, now, vec![entry(1 << 20); 5]).unwrap();
    }
    let answer = get(&mut kinesis, now, answer.next.unwrap());
    assert_eq!(answer.records.len(), 10, "of 1 MiB");
}

#[test]
fn reading_starts_at_a_moment_to_the_millisecond() {
    let mut kinesis = service(1);
    for millis in [5_000, 5_001, 5_002] {
        put(&mut kinesis, Time::from_millis(millis), vec![entry(9)]).unwrap();
    }
    for (millis, expected) in [(0, 3), (5_001, 2), (5_002, 1), (5_003, 0)] {
        let now = Time::from_secs(10 + millis);
        let from = iterator(&mut kinesis, now, Position::AtTimestamp(Time::from_millis(millis)));
        assert_eq!(get(&mut kinesis, now, from).records.len(), expected, "from {millis} ms");
    }
}

#[test]
fn five_streams_are_created_at_once_and_fifty_may_be_on_demand() {
    let mut kinesis = Kinesis::new(Settings { transition_scale: 1.0, ..settings() });
    let create = |n: u32| Request::CreateStream(CreateStream::on_demand(format!("s{n}")));
    for n in 0..50 {
        // Each group of five is ACTIVE before the next.
        let now = Time::from_secs(u64::from(n / 5) * 100);
        ask(&mut kinesis, now, create(n)).unwrap();
        if n == 4 {
            assert_eq!(refused(&mut kinesis, now, create(99)), ErrorKind::LimitExceeded);
        }
    }
    let now = Time::from_secs(2_000);
    assert_eq!(refused(&mut kinesis, now, create(50)), ErrorKind::LimitExceeded);
    ask(&mut kinesis, now, Request::CreateStream(CreateStream::provisioned("provisioned", 1))).unwrap();
}

#[test]
fn encryption_changes_twenty_five_times_a_day() {
    let mut kinesis = service(1);
    let start = || Request::StartStreamEncryption { stream: STREAM.into(), key: "alias/a".into() };
    let stop = || Request::StopStreamEncryption { stream: STREAM.into() };
    for n in 0..25 {
        ask(&mut kinesis, Time::from_secs(n), if n % 2 == 0 { start() } else { stop() }).unwrap();
    }
    assert_eq!(refused(&mut kinesis, Time::from_secs(25), stop()), ErrorKind::LimitExceeded);
    ask(&mut kinesis, Time::from_secs(24 * 3600), stop()).unwrap();
}

#[test]
fn advantage_allows_fifty_consumers() {
    let mut kinesis = service(1);
    ask(&mut kinesis, Time::ZERO, Request::UpdateAccountSettings { minimum_throughput_billing_commitment: true })
        .unwrap();
    let register = |n: u32| Request::RegisterStreamConsumer {
        stream: STREAM.into(),
        consumer: format!("c{n}"),
        tags: Tags::new(),
    };
    for n in 0..50 {
        ask(&mut kinesis, Time::ZERO, register(n)).unwrap();
    }
    assert_eq!(refused(&mut kinesis, Time::ZERO, register(50)), ErrorKind::LimitExceeded);
}

#[test]
fn a_subscription_lives_for_five_minutes() {
    let mut kinesis = service(1);
    let register = Request::RegisterStreamConsumer { stream: STREAM.into(), consumer: "c".into(), tags: Tags::new() };
    ask(&mut kinesis, Time::ZERO, register).unwrap();
    let subscribe = Request::SubscribeToShard {
        consumer: ConsumerName { stream: STREAM.into(), consumer: "c".into(), created: None },
        shard: ShardId(0),
        position: Position::Latest,
    };
    let Ok(Response::SubscribeToShard(id)) = ask(&mut kinesis, Time::ZERO, subscribe) else { panic!() };
    assert_ne!(kinesis.poll_subscription(Time::from_millis(299_999), id), SubscriptionPoll::Ended);
    assert_eq!(kinesis.poll_subscription(Time::from_secs(300), id), SubscriptionPoll::Ended);
}

#[test]
fn listings_come_in_pages() {
    let mut kinesis = service(1_001);
    let list = |after| {
        let filter = ShardFilter::AtLatest;
        Request::ListShards(ListShards { stream: STREAM.into(), created: None, filter, after, limit: 10_000 })
    };
    let Ok(Response::ListShards { shards, more: true }) = ask(&mut kinesis, Time::ZERO, list(None)) else { panic!() };
    assert_eq!(shards.len(), 1_000);
    let rest = ask(&mut kinesis, Time::ZERO, list(Some(shards[999].shard)));
    let Ok(Response::ListShards { shards, more: false }) = rest else { panic!() };
    assert_eq!(shards.len(), 1);
    let describe = Request::DescribeStream { stream: STREAM.into(), limit: 10_000, after: None };
    let Ok(Response::DescribeStream { shards, more: true, .. }) = ask(&mut kinesis, Time::ZERO, describe) else {
        panic!()
    };
    assert_eq!(shards.len(), 100);
}

#[test]
fn no_update_makes_more_than_ten_thousand_shards() {
    let mut kinesis = service(10_000);
    let update = |target| Request::UpdateShardCount { stream: STREAM.into(), target };
    assert_eq!(refused(&mut kinesis, Time::ZERO, update(10_001)), ErrorKind::InvalidArgument);
    ask(&mut kinesis, Time::ZERO, update(9_999)).unwrap();
}

#[test]
fn a_stream_is_warmed_to_ten_gibibytes_per_second() {
    let mut kinesis = service(1);
    ask(&mut kinesis, Time::ZERO, Request::UpdateAccountSettings { minimum_throughput_billing_commitment: true })
        .unwrap();
    let create =
        |mib| Request::CreateStream(CreateStream { warm_throughput: Some(mib), ..CreateStream::on_demand("warm") });
    assert_eq!(refused(&mut kinesis, Time::ZERO, create(10_241)), ErrorKind::InvalidArgument);
    ask(&mut kinesis, Time::ZERO, create(10_240)).unwrap();
}

#[test]
fn an_answer_says_how_far_behind_it_is() {
    let mut kinesis = service(1);
    for second in [5, 6] {
        put(&mut kinesis, Time::from_secs(second), vec![entry(1 << 20); 10]).unwrap();
    }
    let from = iterator(&mut kinesis, Time::from_secs(8), Position::TrimHorizon);
    let answer = get(&mut kinesis, Time::from_secs(8), from);
    assert_eq!((answer.records.len(), answer.millis_behind_latest), (10, 2_000), "the next is of the sixth second");
    let answer = get(&mut kinesis, Time::from_secs(20), answer.next.unwrap());
    assert_eq!((answer.records.len(), answer.millis_behind_latest), (10, 0));
}

#[test]
fn records_are_kept_for_a_year_at_most() {
    let mut kinesis = service(1);
    let increase = |hours| Request::IncreaseStreamRetentionPeriod { stream: STREAM.into(), hours };
    assert_eq!(refused(&mut kinesis, Time::ZERO, increase(8_761)), ErrorKind::InvalidArgument);
    ask(&mut kinesis, Time::ZERO, increase(8_760)).unwrap();
}

#[test]
fn an_event_has_at_most_a_mebibyte_or_one_record() {
    let mut kinesis = service(1);
    let larger = Request::UpdateMaxRecordSize { stream: STREAM.into(), max_record_kib: 10_240 };
    ask(&mut kinesis, Time::ZERO, larger).unwrap();
    put(&mut kinesis, Time::ZERO, vec![entry(300 << 10); 4]).unwrap();
    put(&mut kinesis, Time::ZERO, vec![entry(5 << 20)]).unwrap();
    let register = Request::RegisterStreamConsumer { stream: STREAM.into(), consumer: "c".into(), tags: Tags::new() };
    ask(&mut kinesis, Time::ZERO, register).unwrap();
    let subscribe = Request::SubscribeToShard {
        consumer: ConsumerName { stream: STREAM.into(), consumer: "c".into(), created: None },
        shard: ShardId(0),
        position: Position::TrimHorizon,
    };
    let Ok(Response::SubscribeToShard(id)) = ask(&mut kinesis, Time::ZERO, subscribe) else { panic!() };
    let mut events = Vec::new();
    for second in 0..4 {
        while let SubscriptionPoll::Event(event) = kinesis.poll_subscription(Time::from_secs(second), id) {
            events.push(event.records.len());
        }
    }
    assert_eq!(events, [3, 1, 1]);
}

#[test]
fn an_update_takes_a_minute_and_a_second_per_step() {
    let mut kinesis = Kinesis::new(Settings { transition_scale: 1.0, ..settings() });
    ask(&mut kinesis, Time::ZERO, Request::CreateStream(CreateStream::provisioned(STREAM, 4))).unwrap();
    let update = Request::UpdateShardCount { stream: STREAM.into(), target: 8 };
    ask(&mut kinesis, Time::from_secs(100), update).unwrap();
    let mut open = |millis| {
        let summary = Request::DescribeStreamSummary { stream: STREAM.into() };
        match ask(&mut kinesis, Time::from_millis(millis), summary) {
            Ok(Response::DescribeStreamSummary(summary)) => summary.open_shards,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((open(163_999), open(164_000)), (4, 8), "four splits");
}
