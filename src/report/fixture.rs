//! A made-up run for tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::capacity::{ScalingForecast, ScalingOption};
use crate::client::Part;
use crate::forecast::ScalingMinute;
use crate::kinesis::Profile;
use crate::measure::{
    ConsumerRecord, ConsumerWork, Counters, DeliveryCheck, DeliveryFault, Ending, Estimate, EventRecord, FaultPlace,
    GeneratorHealth, HealthInterval, Interval, LatencySummary, Measurement, OutageRecord, PercentilePoint, Presence,
    ShardInterval, ShardRecord, StorageUse, TenantRecord,
};
use crate::plan::{Plan, predict};
use crate::prices::Prices;
use crate::result::{RunResult, SCHEMA_VERSION, ScenarioRecord, TargetRecord};
use crate::scenario;
use crate::time::Time;
use crate::units::{Rate, Share};
use crate::verdict::{Cause, Cure, Halves, HalvesUnit, Limit, Steadiness, ThrottleCause, Verdict, judge};

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

/// The same with everything that a run can have: damaged records, a consumer that joined late, events, tenants, a policy that
/// scales, and a generator that was watched.
pub fn rich() -> (RunResult, Plan, Verdict) {
    let (mut result, mut plan, mut verdict) = run("alerts", "Why?");
    result.scenario.closed_loop = Some(3);
    result.scenario.overrides = vec!["load.rate=1800/s".into()];
    result.part = Part { index: 1, of: 3 };
    result.streamgauge_version = "0.0.9".into();
    let measurement = &mut result.measurement;
    measurement.unknown_stored = Some(12);
    measurement.errors_by_kind = [("timeout".to_owned(), 60)].into();
    measurement.warnings = (1..30).map(|number| format!("warning {number}")).collect();
    measurement.events = (1..30).map(event).collect();
    measurement.tenants = vec![TenantRecord {
        name: "large".into(),
        share: 0.75,
        offered: 13_500,
        accepted: 13_000,
        lost: 321,
        throttled: 432,
        accepted_bytes: 6_500_000,
        response: measurement.put["response"],
    }];
    measurement.storage = Some(StorageUse { budget: 1 << 28, peak: 1 << 27, trimmed_read: 17, trimmed_unread: 19 });
    measurement.generator = Some(GeneratorHealth { processors: 2, seconds: (1..=10).map(health).collect() });
    measurement.consumers.push(troubled(&measurement.consumers[0]));
    plan.capacity.autoscaling = Some(scaling());
    plan.capacity.attainable = false;
    verdict.objectives[1].note = Some("of few records".into());
    verdict.generator_notes = vec!["The generator used 97% of its processors.".into()];
    verdict.throttling = (0..30).map(|_| cause()).collect();
    let of = |mean| Estimate { mean, standard_error: 0.01, seconds: 10 };
    verdict.steadiness = Some(Steadiness {
        seconds: 20,
        rows: vec![Halves {
            metric: crate::verdict::Metric::ThrottledAttempts,
            unit: HalvesUnit::Share,
            whole: of(0.1),
            first: of(0.0),
            second: of(0.2),
            differs: true,
        }],
    });
    (result, plan, verdict)
}

fn event(second: u64) -> EventRecord {
    EventRecord {
        at: Time::from_secs(second),
        until: Some(Time::from_secs(second + 1)),
        label: format!("event {second}"),
        problem: (second == 1).then(|| "the stream was busy".to_owned()),
        ..EventRecord::default()
    }
}

/// A consumer that joined late and to which everything happened.
fn troubled(calm: &ConsumerRecord) -> ConsumerRecord {
    let place = |index| FaultPlace {
        fault: DeliveryFault::Corrupt,
        index: Some(index),
        shard: "shardId-000000000001".into(),
        partition_key: format!("key {index}"),
        sequence_number: Some(format!("4961{index}")),
    };
    ConsumerRecord {
        name: "late".into(),
        kind: "polling".into(),
        read_lag: Some(calm.lag),
        failed_calls: [("ExpiredIterator".to_owned(), 7)].into(),
        delivery: DeliveryCheck {
            accepted: 9_000,
            absent: 8_500,
            delivered: 8_900,
            lost: 40,
            unread: 60,
            duplicates: 33,
            redelivered: 11,
            copies_by_retries: 12,
            copies_otherwise: 10,
            duplicates_past_window: Some(5),
            written_out_of_order: 14,
            delivered_out_of_order: 15,
            order_unchecked: 16,
            unexpected: 21,
            corrupt: 22,
            foreign: 23,
            of_other_parts: 24,
        },
        places: (1_000..1_030).map(place).collect(),
        discarded: [("the time limit".to_owned(), 25)].into(),
        on_failure_batches: 26,
        on_failure_records: 27,
        work: ConsumerWork {
            batches: 900,
            failed_batches: 28,
            outages: vec![OutageRecord { down: Some(Duration::from_secs(2)), caught_up_after: None }],
            ..ConsumerWork::default()
        },
        presence: Some(Presence { joined: Some(Time::from_secs(4)), ..Presence::default() }),
        lag_below_zero: 29,
        ..calm.clone()
    }
}

fn health(second: u64) -> HealthInterval {
    HealthInterval {
        second,
        length: Duration::from_secs(1),
        processor_time: Some(Duration::from_millis(800 + second)),
        run_queue_wait: Some(Duration::from_millis(30)),
        resident: Some(50 << 20),
        page_faults: Some(44),
        allocations: Some(55),
        allocated_bytes: Some(66),
        sockets: Some(8),
        longest_wake_up: Some(Duration::from_micros(900)),
        scheduling_delay: Some(Duration::from_micros(700)),
    }
}

fn scaling() -> ScalingForecast {
    let minute = |minute| ScalingMinute { minute, rate: Rate(1_800.0), shards: 3, filled: 1.8 };
    ScalingForecast {
        period: Duration::from_secs(600),
        mean_rate: Rate(1_800.0),
        peak_rate: Rate(2_100.0),
        options: vec![ScalingOption {
            name: "the policy".into(),
            fewest_shards: 2,
            most_shards: 4,
            shard_hours: Some(2_190.0),
            updates_per_day: 12.0,
            refused_minutes: 9,
            throttled: Share(0.01),
            throttled_at_first: Share(0.02),
            cost: Some(33.0),
        }],
        course: (0..10).map(minute).collect(),
        notes: vec!["A note on scaling.".into()],
    }
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
