//! Each quota, offered 0.9 times and 1.5 times what it allows for several seconds of virtual time: the rate let through is
//! the offered one, or the quota's to 1 %.

use std::time::Duration;

use bytes::Bytes;
use streamgauge::kinesis::{
    ConsumerName, CreateStream, Kinesis, Position, Profile, PutEntry, Request, Response, Settings, ShardId,
    SubscriptionPoll, Tags,
};
use streamgauge::seed::Seed;
use streamgauge::time::Time;

const STREAM: &str = "orders";

fn service() -> Kinesis {
    let mut kinesis = Kinesis::new(Settings { latency: false, ..Settings::new(Profile::newest(), Seed(1)) });
    let create = Request::CreateStream(CreateStream::provisioned(STREAM, 1));
    kinesis.handle(Time::ZERO, create).response.unwrap();
    kinesis
}

fn put(kinesis: &mut Kinesis, now: Time, bytes: usize) -> bool {
    let entry = PutEntry {
        data: Bytes::from(vec![0; bytes - 1]),
        partition_key: Bytes::from_static(b"k"),
        explicit_hash_key: None,
    };
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
fn check(name: &str, quota: f64, burst: u64, seconds: u64, mut fresh: impl FnMut() -> Box<dyn FnMut(Time) -> bool>) {
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
fn get_records_calls_per_second() {
    check("GetRecords calls", 5.0, 4, 60, || {
        let mut kinesis = service();
        let request =
            Request::GetShardIterator { stream: STREAM.into(), shard: ShardId(0), position: Position::TrimHorizon };
        let Ok(Response::GetShardIterator(iterator)) = kinesis.handle(Time::ZERO, request).response else { panic!() };
        Box::new(move |now| {
            let request = Request::GetRecords { iterator: iterator.clone(), limit: 1 };
            kinesis.handle(now, request).response.is_ok()
        })
    });
}

#[test]
fn get_records_bytes_per_second() {
    // Every call reads the same 512 KiB: four a second are 2 MiB/s, within the five calls a second.
    let mut kinesis = service();
    assert!(put(&mut kinesis, Time::ZERO, 512 << 10));
    let request =
        Request::GetShardIterator { stream: STREAM.into(), shard: ShardId(0), position: Position::TrimHorizon };
    let Ok(Response::GetShardIterator(iterator)) = kinesis.handle(Time::ZERO, request).response else { panic!() };
    let rate = |factor| {
        let (mut kinesis, iterator) = (service(), iterator.clone());
        assert!(put(&mut kinesis, Time::ZERO, 512 << 10));
        admitted(4.0, factor, 10, 100, move |now| {
            let request = Request::GetRecords { iterator: iterator.clone(), limit: 1 };
            kinesis.handle(now, request).response.is_ok()
        })
    };
    let (below, above) = (rate(0.9), rate(1.24));
    assert!((below / 3.6 - 1.0).abs() < 0.01, "{below}");
    assert!((above / 4.0 - 1.0).abs() < 0.01, "{above}; 1.5 times four would be over the five calls a second");
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
    // Calls for a shard that is subscribed are refused in any case; so each is for a position that cannot be had.
    let mut kinesis = service();
    let register = Request::RegisterStreamConsumer { stream: STREAM.into(), consumer: "c".into(), tags: Tags::new() };
    kinesis.handle(Time::ZERO, register).response.unwrap();
    let subscribe = |kinesis: &mut Kinesis, now| {
        let consumer = ConsumerName { stream: STREAM.into(), consumer: "c".into(), created: None };
        let request = Request::SubscribeToShard { consumer, shard: ShardId(0), position: Position::Latest };
        kinesis.handle(now, request).response.is_ok()
    };
    let opened = (0..600).filter(|tenth| subscribe(&mut kinesis, Time::from_millis(tenth * 100))).count();
    assert_eq!(opened, 12, "one in five seconds, for a minute");
}

#[test]
fn fan_out_bytes_per_second() {
    for (factor, expected) in [(0.45, 0.9), (0.75, 1.5)] {
        // Two consumers at once: each has its own 2 MiB/s, which the shard's 1 MiB/s of writes never fills; so the backlog
        // of a burst is read. At 0.45 and 0.75 of 2 MiB/s, everything that is written is pushed.
        let mut kinesis = service();
        let ids: Vec<_> = ["a", "b"].map(|name| open(&mut kinesis, name)).into();
        let (mut pushed, mut written) = ([0u64; 2], 0u64);
        let step = Duration::from_millis(20);
        let mut now = Time::ZERO;
        while now < Time::from_secs(10) {
            let share = (factor * f64::from(2u32 << 20) * step.as_secs_f64()) as usize;
            written += if put(&mut kinesis, now, share) { share as u64 } else { 0 };
            for (id, pushed) in ids.iter().zip(&mut pushed) {
                while let SubscriptionPoll::Event(event) = kinesis.poll_subscription(now, *id) {
                    *pushed += event.records.iter().map(|record| record.data.len() as u64 + 1).sum::<u64>();
                }
            }
            now = now + step;
        }
        assert_eq!(pushed, [written; 2], "at {expected} MiB/s");
    }
    // A backlog of 10 MiB is pushed at 2 MiB/s, after the 2 MiB that the idle consumer had as credit.
    let mut kinesis = service();
    for _ in 0..160 {
        assert!(put(&mut kinesis, Time::ZERO, 65_535));
    }
    let id = open(&mut kinesis, "c");
    let mut pushed = 0;
    for millis in 0..3_000 {
        while let SubscriptionPoll::Event(event) = kinesis.poll_subscription(Time::from_millis(millis), id) {
            pushed += event.records.len() as u64 * 65_535;
        }
    }
    let rate = (pushed as f64 - f64::from(2u32 << 20)) / 3.0 / f64::from(2u32 << 20);
    // One event of up to 1 MiB may be in debt: a sixth of the 6 MiB.
    assert!((0.99..1.17).contains(&rate), "{rate}");
}

fn open(kinesis: &mut Kinesis, name: &str) -> streamgauge::kinesis::SubscriptionId {
    let register = Request::RegisterStreamConsumer { stream: STREAM.into(), consumer: name.into(), tags: Tags::new() };
    kinesis.handle(Time::ZERO, register).response.unwrap();
    let consumer = ConsumerName { stream: STREAM.into(), consumer: name.into(), created: None };
    let request = Request::SubscribeToShard { consumer, shard: ShardId(0), position: Position::TrimHorizon };
    match kinesis.handle(Time::ZERO, request).response {
        Ok(Response::SubscribeToShard(id)) => id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn control_plane_calls_per_second() {
    type Make = fn() -> Request;
    let limits: [(&str, f64, Make); 4] = [
        ("DescribeStream", 10.0, || Request::DescribeStream { stream: STREAM.into(), limit: 100, after: None }),
        ("DescribeStreamSummary", 20.0, || Request::DescribeStreamSummary { stream: STREAM.into() }),
        ("ListStreams", 5.0, || Request::ListStreams { limit: 100, after: None }),
        ("ListTagsForStream", 5.0, || Request::ListTagsForStream { stream: STREAM.into(), limit: 50, after: None }),
    ];
    for (name, quota, make) in limits {
        check(name, quota, 4, 100, || {
            let mut kinesis = service();
            Box::new(move |now| kinesis.handle(now, make()).response.is_ok())
        });
    }
    // A bucket of one call is full after a second: at 1.5 calls a second, every other one finds it so. At two, each second one.
    let mut kinesis = service();
    let rate = admitted(1.0, 2.0, 4, 100, move |now| kinesis.handle(now, Request::DescribeLimits).response.is_ok());
    assert!((rate - 1.0).abs() < 0.011, "DescribeLimits: {rate}");
}
