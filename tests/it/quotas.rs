//! Each quota, offered 0.9 times and 1.5 times what it allows for several seconds of virtual time: the rate let through is
//! the offered one, or the quota's to 1 %.

use streamgauge::kinesis::{
    ConsumerName, CreateStream, ErrorKind, HashKey, IteratorToken, Kinesis, ListShards, Operation, Position, Profile,
    PutEntry, Request, Resource, Response, Settings, ShardFilter, ShardId, SubscriptionId, SubscriptionPoll, Tags,
    WriteLimiter,
};
use streamgauge::seed::Seed;
use streamgauge::time::Time;
use streamgauge::units::Bytes;

const STREAM: &str = "orders";

fn service() -> Kinesis {
    service_with(WriteLimiter::Strict)
}

fn service_with(write_limiter: WriteLimiter) -> Kinesis {
    let memory_budget = Bytes(1 << 30);
    let settings =
        Settings { latency: false, write_limiter, memory_budget, ..Settings::new(Profile::newest(), Seed(1)) };
    let mut kinesis = Kinesis::new(settings);
    let create = Request::CreateStream(CreateStream::provisioned(STREAM, 1));
    kinesis.handle(Time::ZERO, create).response.unwrap();
    kinesis
}

fn put(kinesis: &mut Kinesis, now: Time, bytes: usize) -> bool {
    let entry =
        PutEntry { data: vec![0; bytes - 1].into(), padding: 0, partition_key: "k".into(), explicit_hash_key: None };
    kinesis.handle(now, Request::PutRecord { stream: STREAM.into(), entry, after: None }).response.is_ok()
}

/// Calls at `factor` times `quota` per second, evenly, and returns the rate of those that were let through.
///
/// The first `burst` seconds use up what the quota lets through at once; only the `seconds` after them are counted.
fn admitted(quota: f64, factor: f64, burst: u64, seconds: u64, mut call: impl FnMut(Time) -> bool) -> f64 {
    let rate = quota * factor;
    let end = (burst + seconds) as f64;
    let mut let_through = 0u32;
    for index in 0.. {
        let at = f64::from(index) / rate;
        if at >= end {
            break;
        }
        let now = Time::from_nanos((at * 1e9).round() as u64);
        if call(now) && at >= burst as f64 {
            let_through += 1;
        }
    }
    f64::from(let_through) / seconds as f64
}

/// Checks a quota of `quota` calls per second.
fn check(name: &str, quota: f64, burst: u64, seconds: u64, fresh: impl Fn() -> Box<dyn FnMut(Time) -> bool>) {
    let below = admitted(quota, 0.9, burst, seconds, fresh());
    assert!((below / (0.9 * quota) - 1.0).abs() < 0.01, "{name} at 0.9: {below} of {}", 0.9 * quota);
    let above = admitted(quota, 1.5, burst, seconds, fresh());
    assert!((above / quota - 1.0).abs() < 0.01, "{name} at 1.5: {above} of {quota}");
}

#[test]
fn records_per_second() {
    check("write records", 1_000.0, 3, 10, || {
        let mut kinesis = service();
        Box::new(move |now| put(&mut kinesis, now, 100))
    });
}

#[test]
fn bytes_per_second() {
    // The burst of 10 MiB lasts 20 s at 1.5 MiB/s.
    check("write bytes", 16.0, 25, 40, || {
        let mut kinesis = service();
        Box::new(move |now| put(&mut kinesis, now, 65_536))
    });
}

#[test]
fn writes_per_second_as_they_were_measured() {
    let field = || service_with(WriteLimiter::Field);
    check("field records", 1_200.0, 6, 10, || {
        let mut kinesis = field();
        Box::new(move |now| put(&mut kinesis, now, 100))
    });
    check("field bytes", 1_153_434.0 / 16_384.0, 25, 40, || {
        let mut kinesis = field();
        Box::new(move |now| put(&mut kinesis, now, 16_384))
    });
}

#[test]
fn writes_without_a_limit() {
    let mut kinesis = service_with(WriteLimiter::None);
    let rate = admitted(10_000.0, 1.0, 0, 2, move |now| put(&mut kinesis, now, 1_000));
    assert_eq!(rate, 10_000.0);
}

#[test]
fn get_records_calls_per_second() {
    check("GetRecords calls", 5.0, 4, 60, || {
        let mut kinesis = service();
        let iterator = iterator(&mut kinesis);
        Box::new(move |now| {
            let request = Request::GetRecords { iterator: iterator.clone(), limit: 1 };
            kinesis.handle(now, request).response.is_ok()
        })
    });
}

#[test]
fn get_records_bytes_per_second() {
    // Every call reads the same MiB: two a second are 2 MiB/s, and three are within the five calls a second.
    check("GetRecords bytes", 2.0, 10, 100, || {
        let mut kinesis = service();
        assert!(put(&mut kinesis, Time::ZERO, 1 << 20));
        let iterator = iterator(&mut kinesis);
        Box::new(move |now| {
            let request = Request::GetRecords { iterator: iterator.clone(), limit: 1 };
            kinesis.handle(now, request).response.is_ok()
        })
    });
}

fn iterator(kinesis: &mut Kinesis) -> IteratorToken {
    let request =
        Request::GetShardIterator { stream: STREAM.into(), shard: ShardId(0), position: Position::TrimHorizon };
    match kinesis.handle(Time::ZERO, request).response {
        Ok(Response::GetShardIterator(iterator)) => iterator,
        other => panic!("{other:?}"),
    }
}

#[test]
fn shard_iterators_per_second() {
    check("GetShardIterator", 5.0, 4, 60, || {
        let mut kinesis = service();
        Box::new(move |now| {
            let (stream, shard) = (STREAM.into(), ShardId(0));
            kinesis
                .handle(now, Request::GetShardIterator { stream, shard, position: Position::Latest })
                .response
                .is_ok()
        })
    });
}

#[test]
fn subscribe_to_shard_per_second() {
    check_one_per_second("SubscribeToShard", || {
        let mut kinesis = service();
        register(&mut kinesis, "c");
        // A number of another shard: after a success, the calls of five seconds would be refused for another reason.
        let number = "49670023483232461788730612813735157811693693431491592722".parse().unwrap();
        let request = Request::SubscribeToShard {
            consumer: consumer("c"),
            shard: ShardId(0),
            position: Position::AtSequenceNumber(number),
        };
        Box::new(move |now| match kinesis.handle(now, request.clone()).response {
            Ok(_) => panic!(),
            Err(error) => error.kind == ErrorKind::InvalidArgument,
        })
    });
}

#[test]
fn a_consumer_subscribes_to_a_shard_once_in_five_seconds() {
    let mut kinesis = service();
    register(&mut kinesis, "c");
    let mut subscribe = |tenth: u64| kinesis.handle(Time::from_millis(tenth * 100), subscription("c")).response.is_ok();
    assert_eq!((0..600).filter(|tenth| subscribe(*tenth)).count(), 12, "in a minute");
}

fn register(kinesis: &mut Kinesis, name: &str) {
    let register = Request::RegisterStreamConsumer { stream: STREAM.into(), consumer: name.into(), tags: Tags::new() };
    kinesis.handle(Time::ZERO, register).response.unwrap();
}

fn subscription(name: &str) -> Request {
    let consumer = consumer(name);
    Request::SubscribeToShard { consumer, shard: ShardId(0), position: Position::TrimHorizon }
}

fn consumer(name: &str) -> ConsumerName {
    ConsumerName { stream: STREAM.into(), consumer: name.into(), created: None }
}

/// Checks a quota of one call per second. A bucket of one token cannot let 1.0 of 1.5 evenly spaced calls through, so the calls
/// of two seconds come at their beginning, in their middle, and half a second later.
fn check_one_per_second(name: &str, fresh: impl Fn() -> Box<dyn FnMut(Time) -> bool>) {
    let below = admitted(1.0, 0.9, 4, 1_000, fresh());
    assert!((below / 0.9 - 1.0).abs() < 0.01, "{name} at 0.9: {below}");
    let mut call = fresh();
    let times = (0..1_000u64).flat_map(|pair| [0, 1_000, 1_500].map(|millis| Time::from_millis(pair * 2_000 + millis)));
    let above = times.filter(|now| call(*now)).count() as f64 / 2_000.0;
    assert!((above - 1.0).abs() < 0.01, "{name} at 1.5: {above}");
}

#[test]
fn fan_out_bytes_per_second() {
    // The writes are not limited here: a shard's own quota is half of what a consumer of it may read.
    const QUOTA: f64 = (2 << 20) as f64;
    const RECORD: usize = 16 << 10;
    for factor in [0.9, 1.5] {
        let mut kinesis = service_with(WriteLimiter::None);
        // Each consumer has a quota of its own.
        let ids = ["a", "b"].map(|name| open(&mut kinesis, name));
        let mut pushed = [0.0; 2];
        // The first 2 MiB are pushed at once; they are gone after four seconds.
        let (begin, end) = (Time::from_secs(10), Time::from_secs(110));
        let interval = RECORD as f64 / (factor * QUOTA);
        for n in 0.. {
            let now = Time::from_nanos((f64::from(n) * interval * 1e9) as u64);
            if now >= end {
                break;
            }
            assert!(put(&mut kinesis, now, RECORD));
            for (id, pushed) in ids.iter().zip(&mut pushed) {
                while let SubscriptionPoll::Event(event) = kinesis.poll_subscription(now, *id) {
                    *pushed += if now < begin { 0.0 } else { (event.records.len() * RECORD) as f64 };
                }
            }
        }
        for pushed in pushed {
            let rate = pushed / 100.0 / QUOTA;
            assert!((rate / f64::min(factor, 1.0) - 1.0).abs() < 0.01, "at {factor}: {rate} of the quota");
        }
    }
}

fn open(kinesis: &mut Kinesis, name: &str) -> SubscriptionId {
    register(kinesis, name);
    match kinesis.handle(Time::ZERO, subscription(name)).response {
        Ok(Response::SubscribeToShard(id)) => id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn control_plane_calls_per_second() {
    let profile = Profile::newest();
    let limits = profile.control_plane.account.iter().chain(&profile.control_plane.stream);
    for (operation, limit) in limits {
        let fresh = || -> Box<dyn FnMut(Time) -> bool> {
            let mut kinesis = service();
            register(&mut kinesis, "c");
            let operation = *operation;
            // Whatever else is wrong with a call: its rate is checked first.
            Box::new(move |now| match kinesis.handle(now, control(operation)).response {
                Ok(_) => true,
                Err(error) => error.kind != ErrorKind::LimitExceeded || !error.message.starts_with("Rate exceeded"),
            })
        };
        match limit {
            1 => check_one_per_second(operation.name(), fresh),
            _ => check(operation.name(), *limit as f64, 4, 40, fresh),
        }
    }
}

/// A request of an operation of the control plane that has a rate.
fn control(operation: Operation) -> Request {
    use Operation as O;
    let (stream, tags, keys) = (STREAM.to_owned(), Tags::new(), Vec::new());
    let resource = Resource::Stream(stream.clone());
    match operation {
        O::CreateStream => Request::CreateStream(CreateStream::provisioned(stream, 1)),
        // It has a consumer, so that it stays.
        O::DeleteStream => Request::DeleteStream { stream, enforce_consumer_deletion: false },
        O::DescribeStream => Request::DescribeStream { stream, limit: 100, after: None },
        O::DescribeStreamSummary => Request::DescribeStreamSummary { stream },
        O::DescribeLimits => Request::DescribeLimits,
        O::ListStreams => Request::ListStreams { limit: 100, after: None },
        O::ListShards => {
            let filter = ShardFilter::AtLatest;
            Request::ListShards(ListShards { stream, created: None, filter, after: None, limit: 1 })
        }
        O::SplitShard => Request::SplitShard { stream, shard: ShardId(0), new_starting_hash_key: HashKey(0) },
        O::MergeShards => Request::MergeShards { stream, shard: ShardId(0), adjacent: ShardId(0) },
        O::UpdateShardCount => Request::UpdateShardCount { stream, target: 99 },
        O::RegisterStreamConsumer => Request::RegisterStreamConsumer { stream, consumer: "c".into(), tags },
        O::DeregisterStreamConsumer => Request::DeregisterStreamConsumer(consumer("other")),
        O::DescribeStreamConsumer => Request::DescribeStreamConsumer(consumer("c")),
        O::ListStreamConsumers => Request::ListStreamConsumers { stream, created: None, limit: 1, after: None },
        O::UpdateStreamWarmThroughput => Request::UpdateStreamWarmThroughput { stream, warm_throughput: 1 },
        O::UpdateAccountSettings => Request::UpdateAccountSettings { minimum_throughput_billing_commitment: false },
        O::DescribeAccountSettings => Request::DescribeAccountSettings,
        O::IncreaseStreamRetentionPeriod => Request::IncreaseStreamRetentionPeriod { stream, hours: 1 },
        O::DecreaseStreamRetentionPeriod => Request::DecreaseStreamRetentionPeriod { stream, hours: 1 },
        O::EnableEnhancedMonitoring => Request::EnableEnhancedMonitoring { stream, metrics: Vec::new() },
        O::DisableEnhancedMonitoring => Request::DisableEnhancedMonitoring { stream, metrics: Vec::new() },
        O::AddTagsToStream => Request::AddTagsToStream { stream, tags },
        O::RemoveTagsFromStream => Request::RemoveTagsFromStream { stream, keys },
        O::ListTagsForStream => Request::ListTagsForStream { stream, limit: 50, after: None },
        O::TagResource => Request::TagResource { resource, tags },
        O::UntagResource => Request::UntagResource { resource, keys },
        O::ListTagsForResource => Request::ListTagsForResource { resource },
        O::PutResourcePolicy => Request::PutResourcePolicy { resource, policy: "{}".into() },
        O::GetResourcePolicy => Request::GetResourcePolicy { resource },
        O::DeleteResourcePolicy => Request::DeleteResourcePolicy { resource },
        other => panic!("{other:?} has a rate and no request here"),
    }
}
