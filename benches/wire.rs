//! What the emulator does with every record on its way in and out: bytes into requests, answers and events into bytes.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use streamgauge::emulator::wire::{Context, Format, Page, Target, decode, event, response};
use streamgauge::kinesis::{
    Encryption, GetRecords, Operation, Profile, PutReceipt, ReadRecord, Response, Settings, ShardId, SubscriptionEvent,
};
use streamgauge::seed::Seed;
use streamgauge::time::Time;

const RECORDS: usize = 500;
const RECORD_BYTES: usize = 1024;
const NUMBER: &str = "49674026002850188218576229259473476449429298564223254594";

fn settings() -> Settings {
    Settings::new(Profile::newest(), Seed(1))
}

fn blob(seed: usize) -> Vec<u8> {
    (0..RECORD_BYTES).map(|n| (n * 31 + seed * 7) as u8).collect()
}

/// A PutRecords request as the SDK for Rust writes it; `extra` goes into each record.
fn json(extra: &str) -> Vec<u8> {
    let record = |n: usize| {
        let data = base64_simd::STANDARD.encode_to_string(blob(n));
        format!(r#"{{"Data":"{data}","PartitionKey":"key-{n}"{extra}}}"#)
    };
    let records: Vec<String> = (0..RECORDS).map(record).collect();
    format!(r#"{{"Records":[{}],"StreamName":"orders"}}"#, records.join(",")).into_bytes()
}

fn cbor() -> Vec<u8> {
    let mut encoder = minicbor::Encoder::new(Vec::new());
    encoder.begin_map().unwrap().str("StreamName").unwrap().str("orders").unwrap();
    encoder.str("Records").unwrap().begin_array().unwrap();
    for n in 0..RECORDS {
        encoder.begin_map().unwrap().str("Data").unwrap().bytes(&blob(n)).unwrap();
        encoder.str("PartitionKey").unwrap().str(&format!("key-{n}")).unwrap().end().unwrap();
    }
    encoder.end().unwrap().end().unwrap();
    encoder.into_writer()
}

fn decoding(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(RECORDS as u64));
    let settings = settings();
    let context = Context { settings: &settings, now: Time::from_secs(1) };
    let put = Target::Served(Operation::PutRecords);
    let cases = [
        ("PutRecords of 500 x 1 KiB, JSON", Format::Json, json("")),
        ("PutRecords of 500 x 1 KiB, JSON the long way", Format::Json, json(r#","Unknown":{}"#)),
        ("PutRecords of 500 x 1 KiB, CBOR", Format::Cbor, cbor()),
    ];
    for (name, format, body) in cases {
        group.bench_function(name, |b| {
            let read = |body| black_box(decode(put, format, body, context).unwrap());
            b.iter_batched(|| body.clone(), read, BatchSize::SmallInput);
        });
    }
    group.finish();
}

fn records() -> Vec<ReadRecord> {
    let record = |n: usize| ReadRecord {
        sequence_number: NUMBER.parse().unwrap(),
        arrival: Time::from_millis(n as u64),
        data: blob(n).into(),
        padding: 0,
        partition_key: format!("key-{n}").into(),
        encrypted: false,
    };
    (0..RECORDS).map(record).collect()
}

fn encoding(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    group.throughput(Throughput::Elements(RECORDS as u64));
    let settings = settings();
    let context = Context { settings: &settings, now: Time::from_secs(1) };
    let read = GetRecords { records: records(), next: None, millis_behind_latest: 0, children: Vec::new() };
    let read = Response::GetRecords(read);
    let receipt = PutReceipt { shard: ShardId(3), sequence_number: NUMBER.parse().unwrap() };
    let put = Response::PutRecords { receipts: vec![Ok(receipt); RECORDS], encryption: Encryption::None };
    let pushed = SubscriptionEvent {
        records: records(),
        continuation: Some(receipt.sequence_number),
        millis_behind_latest: 0,
        children: Vec::new(),
    };
    for (name, format) in [("JSON", Format::Json), ("CBOR", Format::Cbor)] {
        let written = |answer| response(format, answer, &Page::None, context);
        group.bench_function(format!("GetRecords of 500 x 1 KiB, {name}"), |b| b.iter(|| black_box(written(&read))));
        group.bench_function(format!("PutRecords of 500, {name}"), |b| b.iter(|| black_box(written(&put))));
        group.bench_function(format!("event of 500 x 1 KiB, {name}"), |b| {
            b.iter(|| black_box(event(format, &pushed, &settings)));
        });
    }
    group.finish();
}

criterion_group!(benches, decoding, encoding);
criterion_main!(benches);
