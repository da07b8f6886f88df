//! The hot paths of a run: what every record passes.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use streamgauge::client::{Backoff, CallOutcome, EntryOutcome, Producer, ProducerSettings, RetryPolicy};
use streamgauge::engine::Pacer;
use streamgauge::kinesis::{CreateStream, Kinesis, Profile, PutEntry, Request, Settings};
use streamgauge::measure::Latency;
use streamgauge::plan::predict;
use streamgauge::prices::Prices;
use streamgauge::scenario;
use streamgauge::seed::Seed;
use streamgauge::time::Time;
use streamgauge::units::{Bytes, Rate};
use streamgauge::workload::{Filling, Header, Keys, Payloads, Schedule, Sizes, Workload};

fn workload() -> Workload {
    let keys = Keys::zipf(100_000, 1.0).unwrap();
    let schedule = Schedule::constant(Rate(100_000.0));
    Workload::new(schedule, keys, Sizes::constant(Bytes(1024)), Time::from_secs(1_000), Seed(1))
}

fn arrivals(c: &mut Criterion) {
    let mut group = c.benchmark_group("arrival");
    group.throughput(Throughput::Elements(1));
    let workload = workload();
    let payloads = Payloads::new(1, Seed(1), Filling::Random);
    let mut index = 0;
    group.bench_function("make", |b| {
        b.iter(|| {
            index += 1;
            black_box(workload.arrival(index))
        });
    });
    let arrival = workload.arrival(1);
    group.bench_function("payload of 1 KiB", |b| b.iter(|| black_box(payloads.payload(&arrival))));
    let blob = payloads.payload(&arrival);
    group.bench_function("verify 1 KiB", |b| b.iter(|| black_box(Header::read(&blob, 1))));
    group.bench_function("pace", |b| {
        let mut pacer = Pacer::new(Schedule::constant(Rate(1e6)), 4_000_000_000, None);
        let mut now = Time::ZERO;
        b.iter(|| {
            now = now + Duration::from_micros(1);
            black_box(pacer.release(Time::ZERO, now))
        });
    });
    group.finish();
}

fn producing(c: &mut Criterion) {
    let mut group = c.benchmark_group("producer");
    group.throughput(Throughput::Elements(500));
    let workload = workload();
    let payloads = Payloads::new(1, Seed(1), Filling::Random);
    let batch: Vec<_> = (0..500).map(|k| workload.arrival(k)).map(|a| (payloads.payload(&a), a)).collect();
    let settings =
        ProducerSettings { batch_bytes: Bytes(10 << 20), retry: RetryPolicy::None, ..ProducerSettings::default() };
    let mut producer = Producer::new(settings, Backoff::new(RetryPolicy::None, Seed(1), "bench"));
    let accepted = CallOutcome::Answered(vec![EntryOutcome::Accepted { shard: Some(0), sequence: None }; 500]);
    group.bench_function("batch and acknowledge 500", |b| {
        b.iter(|| {
            for (payload, arrival) in &batch {
                producer.handle_arrival(Time::ZERO, arrival.clone(), payload.clone().into(), 0);
            }
            let call = producer.poll_call(Time::ZERO).unwrap();
            producer.handle_outcome(Time::ZERO, Time::ZERO, call.id, &accepted);
            while let Some(sample) = producer.poll_sample() {
                black_box(sample);
            }
        });
    });
    group.finish();
}

fn admission(c: &mut Criterion) {
    let mut group = c.benchmark_group("service");
    group.throughput(Throughput::Elements(500));
    let mut kinesis = Kinesis::new(Settings::new(Profile::newest(), Seed(1)));
    let create = Request::CreateStream(CreateStream::provisioned("s", 100));
    kinesis.handle(Time::ZERO, create).response.unwrap();
    let data = bytes::Bytes::from(vec![0; 1024]);
    let entries: Vec<PutEntry> = (0..500)
        .map(|n| PutEntry {
            data: data.clone(),
            padding: 0,
            partition_key: format!("key-{n}").into(),
            explicit_hash_key: None,
        })
        .collect();
    let mut now = Time::ZERO;
    group.bench_function("put 500 of 1 KiB", |b| {
        b.iter(|| {
            // 10 ms for 500 records on 100 shards: half of what they take.
            now = now + Duration::from_millis(10);
            black_box(kinesis.handle(now, Request::PutRecords { stream: "s".into(), entries: entries.clone() }))
        });
    });
    group.finish();
}

fn measuring(c: &mut Criterion) {
    let mut latency = Latency::new();
    let mut value = 1u64;
    c.bench_function("latency/record", |b| {
        b.iter(|| {
            value = value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            latency.record(Duration::from_nanos(value >> 30));
        });
    });
}

/// A plan is to answer while one types: 10,000 shards and a million keys in less than 50 ms.
fn planning(c: &mut Criterion) {
    let toml = "stream.shards = 10000\nload = { rate = \"5000000/s\", duration = \"60s\" }\nrecords.size = \"1 KiB\"\n\
                keys = { distribution = \"zipf\", count = 1000000, exponent = 0.5 }\n\
                consumer = [{ name = \"a\", type = \"efo\" }]\n";
    let profile = Profile::newest();
    let scenario = scenario::parse(Path::new("plan.toml"), toml, &[], &profile).unwrap();
    c.bench_function("plan/10,000 shards and a million keys", |b| {
        b.iter(|| black_box(predict(&scenario, &profile, &Prices::newest())));
    });
}

criterion_group!(benches, arrivals, producing, admission, measuring, planning);
criterion_main!(benches);
