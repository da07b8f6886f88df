//! How long it takes to render a run of an hour on 1,000 shards in each format, and how large the outcome is.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use streamgauge::client::Part;
use streamgauge::kinesis::Profile;
use streamgauge::measure::{
    ConsumerRecord, Counters, DeliveryCheck, Ending, Interval, Latency, LatencySummary, Measurement, ShardInterval,
    ShardRecord,
};
use streamgauge::plan::{Plan, diagnose, predict};
use streamgauge::prices::Prices;
use streamgauge::report;
use streamgauge::result::{RunResult, SCHEMA_VERSION, ScenarioRecord, TargetRecord, read};
use streamgauge::scenario::{self, Scenario};
use streamgauge::time::Time;
use streamgauge::verdict::{Verdict, judge};

const SHARDS: u32 = 1_000;
const SECONDS: u64 = 3_600;
const ROUNDS: u32 = 5;

const SCENARIO: &str = r#"
question = "How long does a long report take?"
[stream]
shards = 1000
[load]
rate = "600000/s"
duration = "1h"
warm_up = "1m"
[records]
size = "1 KiB"
[keys]
distribution = "uniform"
count = 100_000
[[consumer]]
name = "analytics"
type = "polling"
[[consumer]]
name = "alerts"
type = "efo"
[slo]
throttled = "1%"
put_p99 = "250ms"
lag_p99 = "2s"
delivery = "complete"
"#;

/// A number below `most` that depends on two others and looks like chance.
fn scattered(shard: u64, second: u64, most: u64) -> u64 {
    let mixed = ((shard << 32) | second).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33) % most
}

/// Shard 17 is hot and throttles; the others have some 600 records a second.
fn cell(shard: u64, second: u64) -> ShardInterval {
    let hot = shard == 17;
    let accepted = if hot { 1_000 } else { 570 + scattered(shard, second, 60) as u32 };
    let bytes = accepted * 1_034;
    let throttled = if hot { 40 } else { 0 };
    ShardInterval { accepted, bytes, throttled, service_records: accepted, service_bytes: bytes }
}

fn latency(second: u64, millis: u64) -> LatencySummary {
    let mut latency = Latency::new();
    for n in 1..100 {
        latency.record(Duration::from_micros(millis * (400 + n * 10) + scattered(n, second, 900)));
    }
    latency.summary()
}

fn interval(second: u64) -> Interval {
    let shards: Vec<ShardInterval> = (0..u64::from(SHARDS)).map(|shard| cell(shard, second)).collect();
    let sum = |value: fn(&ShardInterval) -> u32| shards.iter().map(|cell| u64::from(value(cell))).sum::<u64>();
    let (accepted, throttled) = (sum(|cell| cell.accepted), sum(|cell| cell.throttled));
    let response = latency(second, 60);
    Interval {
        second,
        offered: accepted,
        accepted,
        retried: throttled,
        attempts: accepted + throttled,
        throttled,
        accepted_bytes: sum(|cell| cell.bytes),
        response_p50: response.p50,
        response_p99: response.p99,
        response_max: response.max,
        lateness_p99: Some(80_000),
        open_calls: 200,
        shards,
        ..Interval::default()
    }
}

fn result(scenario: &Scenario, profile: &Profile) -> RunResult {
    let intervals: Vec<Interval> = (0..SECONDS).map(interval).collect();
    let sum = |value: fn(&Interval) -> u64| intervals.iter().map(value).sum::<u64>();
    let accepted = sum(|interval| interval.accepted);
    let shard = |shard: u64| ShardRecord {
        id: format!("shardId-{shard:012}"),
        starting_hash_key: (u128::MAX / u128::from(SHARDS) * u128::from(shard)).to_string(),
        ending_hash_key: (u128::MAX / u128::from(SHARDS) * u128::from(shard + 1) - 1).to_string(),
        accepted: intervals.iter().map(|i| u64::from(i.shards[shard as usize].accepted)).sum(),
        accepted_bytes: intervals.iter().map(|i| u64::from(i.shards[shard as usize].bytes)).sum(),
        throttled: intervals.iter().map(|i| u64::from(i.shards[shard as usize].throttled)).sum(),
    };
    let consumer = |name: &str| ConsumerRecord {
        name: name.to_owned(),
        lag: latency(0, 200),
        lag_intervals: (0..SECONDS).map(|second| (second, latency(second, 200))).collect(),
        reads: intervals.iter().map(|interval| interval.accepted).collect(),
        behind: (0..SECONDS).map(|second| (second, scattered(3, second, 400))).collect(),
        delivery: DeliveryCheck { accepted, delivered: accepted, ..DeliveryCheck::default() },
        ..ConsumerRecord::default()
    };
    let names = ["response", "lateness", "queueing", "service", "throttled", "failed"];
    let measurement = Measurement {
        counters: Counters {
            offered: accepted,
            accepted,
            attempts: sum(|interval| interval.attempts),
            throttled: sum(|interval| interval.throttled),
            accepted_bytes: sum(|interval| interval.accepted_bytes),
            calls: accepted / 500,
            ..Counters::default()
        },
        put: names.map(|name| (name.to_owned(), latency(1, if name == "lateness" { 1 } else { 60 }))).into(),
        shards: (0..u64::from(SHARDS)).map(shard).collect(),
        open_shards: vec![(Time::ZERO, SHARDS)],
        consumers: vec![consumer("analytics"), consumer("alerts")],
        intervals,
        ..Measurement::default()
    };
    RunResult {
        schema_version: SCHEMA_VERSION,
        streamgauge_version: env!("CARGO_PKG_VERSION").to_owned(),
        started: "2026-11-27T12:00:00Z".to_owned(),
        scenario: ScenarioRecord::from(scenario),
        target: TargetRecord::Embedded { profile: profile.name.clone() },
        stream_name: "long".to_owned(),
        part: Part::WHOLE,
        ending: Ending::Complete,
        load_ended: Time::from_secs(SECONDS),
        measurement,
    }
}

/// Median time of some rounds, and the size of the outcome.
fn measure(name: &str, mut make: impl FnMut() -> usize) -> Duration {
    let mut times = Vec::new();
    let mut size = 0;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        size = black_box(make());
        times.push(began.elapsed());
    }
    times.sort();
    let median = times[times.len() / 2];
    println!("{name:<28} {:>9.1} ms  {:>12} bytes", median.as_secs_f64() * 1e3, size);
    median
}

fn main() {
    let profile = Profile::newest();
    let scenario = scenario::parse(Path::new("long.toml"), SCENARIO, &[], &profile).unwrap();
    let result = result(&scenario, &profile);
    let cells: usize = result.measurement.intervals.iter().map(|interval| interval.shards.len()).sum();
    println!("{SECONDS} s x {SHARDS} shards: {cells} cells");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("result.json");
    measure("write result.json", || {
        let file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
        serde_json::to_writer(file, &result).unwrap();
        std::fs::metadata(&path).unwrap().len() as usize
    });
    measure("read result.json", || {
        read(directory.path()).unwrap().measurement.intervals.len() * size_of::<ShardInterval>() * SHARDS as usize
    });
    measure("predict", || predict(&scenario, &profile, &Prices::newest()).forecast.shards.len());
    let plan: Plan = predict(&scenario, &profile, &Prices::newest());
    measure("judge", || judge(plan.expectation(), &result).heat.len());
    let mut verdict: Verdict = judge(plan.expectation(), &result);
    let began = Instant::now();
    verdict.throttling = diagnose(&scenario, &profile, plan.expectation(), &result);
    println!(
        "{:<28} {:>9.1} ms  (makes the load of every throttled second again)",
        "diagnose",
        began.elapsed().as_secs_f64() * 1e3
    );
    let rendered = [
        measure("report.html", || report::html(&result, &plan, &verdict).len()),
        measure("report.md", || report::markdown(&result, &plan, &verdict).len()),
        measure("junit.xml", || report::junit([("long", &result, &verdict)]).len()),
        measure("series.csv", || report::series_csv(&result).len()),
        measure("shards.csv", || report::shards_csv(&result).len()),
        measure("summary.json", || report::json(&result, &plan, &verdict, Path::new("x")).len()),
        measure("terminal", || report::terminal(&result, &plan, &verdict, Path::new("x"), false).len()),
    ];
    println!("{:<28} {:>9.1} ms", "all formats", rendered.iter().sum::<Duration>().as_secs_f64() * 1e3);
    #[cfg(feature = "png")]
    {
        let page = report::html(&result, &plan, &verdict);
        measure("charts as PNG", || report::pngs(&page).unwrap().iter().map(|(_, png)| png.len()).sum());
    }
}
