//! A made-up run for tests.

use std::collections::BTreeMap;
use std::path::Path;

use crate::client::Part;
use crate::kinesis::Profile;
use crate::measure::{
    ConsumerRecord, Counters, DeliveryCheck, Ending, Interval, LatencySummary, Measurement, PercentilePoint,
    ShardInterval, ShardRecord,
};
use crate::plan::{Plan, predict};
use crate::prices::Prices;
use crate::result::{RunResult, SCHEMA_VERSION, ScenarioRecord, TargetRecord};
use crate::scenario;
use crate::time::Time;
use crate::verdict::{Cause, Cure, Limit, ThrottleCause, Verdict, judge};

/// A run of ten seconds on two shards, of which the second one is overloaded, with its plan and verdict.
pub fn run(consumer: &str, question: &str) -> (RunResult, Plan, Verdict) {
    let toml = format!(
        "question = {question:?}\n[stream]\nshards = 2\n[load]\nrate = \"1800/s\"\nduration = \"10s\"\nwarm_up = \"2s\"\n\
         [records]\nsize = \"500 B\"\n[[consumer]]\nname = \"{consumer}\"\ntype = \"efo\"\n\
         [slo]\nthrottled = \"1%\"\nput_p99 = \"100ms\"\n"
    );
    let profile = Profile::newest();
    let scenario = scenario::parse(Path::new("fixture.toml"), &toml, &[], &profile).unwrap();
    let plan = predict(&scenario, &profile, &Prices::newest());
    let result = RunResult {
        schema_version: SCHEMA_VERSION,
        streamgauge_version: "0.1.0".into(),
        stream_name: "orders".into(),
        started: "2026-11-23T12:00:00Z".into(),
        scenario: ScenarioRecord::from(&scenario),
        target: TargetRecord::Embedded { profile: profile.name },
        part: Part::WHOLE,
        ending: Ending::Complete,
        load_ended: Time::from_secs(10),
        measurement: measurement(consumer),
    };
    let verdict = judge(plan.expectation(), &result);
    (result, plan, verdict)
}

/// A hot key that throttled, with a cure.
pub fn cause() -> ThrottleCause {
    ThrottleCause {
        cause: Cause::HotKey,
        bound: Some(Limit::Records),
        place: "key \"a|b\" of shard 1".into(),
        seconds: 10,
        window: (0, 9),
        throttled: 500,
        evidence: "In second 3 the shard was due 1,050 records, 60% of them of this key".into(),
        cures: vec![Cure {
            what: "spread the key over 2 keys".into(),
            monthly: Some(0.0),
            trade_off: "the order of the key".into(),
            settings: vec!["keys.salt=2".into()],
        }],
    }
}

fn measurement(consumer: &str) -> Measurement {
    let latency = LatencySummary {
        count: 14_000,
        overflow: 0,
        min: Some(5_000_000),
        mean: Some(31_000_000.0),
        p50: Some(30_000_000),
        p90: Some(50_000_000),
        p99: Some(70_000_000),
        p999: Some(90_000_000),
        p9999: Some(95_000_000),
        max: Some(97_000_000),
    };
    let interval = |second| Interval {
        second,
        offered: 1_800,
        accepted: 1_750,
        retried: 9,
        lost: 0,
        attempts: 1_850,
        throttled: 50,
        errors: 0,
        accepted_bytes: 892_500,
        response_p50: latency.p50,
        response_p99: latency.p99,
        response_max: latency.max,
        lateness_p99: Some(80_000),
        open_calls: 4,
        shards: vec![
            ShardInterval { accepted: 750, bytes: 382_500, throttled: 0, ..ShardInterval::default() },
            ShardInterval { accepted: 1_000, bytes: 510_000, throttled: 50, ..ShardInterval::default() },
        ],
    };
    let shard = |id: &str, accepted, throttled| ShardRecord {
        id: id.into(),
        starting_hash_key: "0".into(),
        ending_hash_key: "1".into(),
        accepted,
        accepted_bytes: accepted * 510,
        throttled,
    };
    Measurement {
        counters: Counters {
            offered: 18_000,
            accepted: 17_500,
            failed: 400,
            abandoned: 0,
            unknown: 60,
            in_flight: 40,
            attempts: 18_500,
            throttled: 500,
            errors: 60,
            retried: 90,
            calls: 200,
            accepted_bytes: 8_925_000,
        },
        intervals: (0..10).map(interval).collect(),
        put: ["response", "lateness", "queueing", "service", "throttled", "failed"]
            .map(|name| {
                (
                    name.to_owned(),
                    if name == "lateness" { LatencySummary { p99: Some(90_000), ..latency } } else { latency },
                )
            })
            .into(),
        put_curve: curve(1_000_000),
        put_curves: [("lateness", 1_000), ("queueing", 600_000), ("service", 400_000)]
            .map(|(name, nanos)| (name.to_owned(), curve(nanos)))
            .into(),
        shards: vec![shard("shardId-000000000000", 7_500, 0), shard("shardId-000000000001", 10_000, 500)],
        consumers: vec![ConsumerRecord {
            name: consumer.into(),
            lag: latency,
            lag_curve: curve(2_000_000),
            lag_intervals: (0..10).map(|second| (second, latency)).collect(),
            calls: 2,
            throttled_calls: 0,
            failed_calls: BTreeMap::new(),
            delivery: DeliveryCheck { accepted: 17_500, delivered: 17_499, lost: 1, ..DeliveryCheck::default() },
            ..ConsumerRecord::default()
        }],
        storage: None,
        warnings: vec!["a warning with <b>markup</b>".into()],
        ..Measurement::default()
    }
}

/// A distribution in units of `nanos`.
fn curve(nanos: u64) -> Vec<PercentilePoint> {
    [(0.0, 5), (0.5, 30), (0.9, 50), (0.99, 70), (0.999, 90), (1.0, 97)]
        .map(|(quantile, units)| PercentilePoint { quantile, value: units * nanos })
        .into()
}
