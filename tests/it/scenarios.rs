//! Scenarios as files: what a right one means, and how a wrong one is explained.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use streamgauge::client::{ConsumerKind, ProducerSettings, RetryPolicy};
use streamgauge::kinesis::{Profile, StreamMode};
use streamgauge::scenario::{self, Delivery, Diagnostics, Scenario};
use streamgauge::seed::Seed;
use streamgauge::time::Time;
use streamgauge::units::{Bytes, Rate, Share};
use streamgauge::workload::{Keys, SMALLEST_RECORD, Schedule, Sizes};

const SMALLEST: &str =
    "[stream]\nshards = 2\n[load]\nrate = \"100/s\"\nduration = \"20s\"\n[records]\nsize = \"1 KiB\"\n";

const FULL: &str = r#"
question = "Does this stream carry the evening?"
seed = 42
[stream]
name = "orders"
mode = "provisioned"
shards = 4
[load]
rate = "2000/s"
duration = "20s"
warm_up = "3s"
drain = "10s"
lateness_bound = "5ms"
[records]
size = { distribution = "lognormal", median = "800 B", p99 = "4 KiB", min = "100 B", max = "64 KiB" }
[keys]
distribution = "hot-key"
count = 500
share = "40%"
[producer]
batch_records = 100
batch_bytes = "512 KiB"
linger = "20ms"
max_in_flight = 8
buffer = "16 MiB"
timeout = "2s"
retry = { policy = "exponential", base = "10ms", cap = "1s", attempts = 4 }
[[consumer]]
name = "analytics"
type = "polling"
interval = "1s"
limit = 500
[[consumer]]
name = "fraud"
type = "efo"
[slo]
throttled = "0.1%"
put_p50 = "20ms"
put_p99 = "100ms"
put_p999 = "1s"
lag_p99 = "2s"
delivery = "exactly-once"
"#;

fn parse(text: &str, overrides: &[&str]) -> Result<Scenario, Diagnostics> {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    scenario::parse(Path::new("tests/broken/evening.toml"), text, &overrides, &Profile::newest())
}

/// The problems of `tests/broken/NAME.toml` as plain text.
fn problems_of(name: &str) -> String {
    let path = format!("tests/broken/{name}.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    scenario::parse(Path::new(&path), &text, &[], &Profile::newest()).unwrap_err().render(false)
}

/// A test with a snapshot for each broken scenario.
macro_rules! broken {
    ($($name:ident),* $(,)?) => {
        $(#[test] fn $name() {
            insta::assert_snapshot!(stringify!($name), problems_of(stringify!($name)));
        })*
        const BROKEN: &[&str] = &[$(stringify!($name)),*];
    };
}

broken!(
    autoscaling,
    batch_over_the_limit,
    catch_up,
    closed_loop,
    consumer_kinds,
    consumers,
    cost,
    empty,
    fan_out_name_too_long,
    faults,
    keys_and_sizes,
    keys_hot_key,
    keys_incomplete,
    keys_zipf,
    many_problems,
    neither_rate_nor_trace,
    objectives_without_consumer,
    overload,
    payload_json,
    phases,
    phases_too_fine,
    producer,
    producer_limits,
    rate_and_trace,
    rate_zero,
    record_with_key_too_large,
    sizes_impossible,
    sizes_out_of_order,
    syntax,
    tenants,
    tenants_and_keys,
    too_many_fan_out_consumers,
    too_many_records,
    trace_and_keys,
    trace_column,
    trace_incomplete,
    trace_not_found,
    trace_row,
    trace_small_record,
    trace_too_long,
    units,
    unknown_keys,
    unquoted,
    warm_up_too_long,
    wrong_types,
);

#[test]
fn every_broken_scenario_has_a_test() {
    let files = std::fs::read_dir("tests/broken").unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, BROKEN);
}

#[test]
fn wrong_overrides() {
    let overrides = [
        "load.rate=fast",
        "load.warm_up=30s",
        "consumer.fruad.interval=1s",
        "consumer.fraud.interval=1s",
        "strem.shards=3",
        "producer.retry={ policy = \"never\" }",
        "seed",
    ];
    insta::assert_snapshot!(parse(FULL, &overrides).unwrap_err().render(false));
}

#[test]
fn an_override_can_contradict_the_file() {
    insta::assert_snapshot!(parse(FULL, &["load.warm_up=30s"]).unwrap_err().render(false));
}

#[test]
fn overrides_replace_values_of_the_file() {
    let overrides = ["load.rate=500/s", "consumer.analytics.limit=7", "consumer.1.name=risk", "stream.shards=8"];
    let scenario = parse(FULL, &overrides).unwrap();
    assert!(matches!(scenario.load.schedule, Schedule::Constant { rate } if rate == Rate(500.0)));
    assert_eq!(scenario.stream.shards, 8);
    let polling = ConsumerKind::Polling { interval: Duration::from_secs(1), limit: 7 };
    assert_eq!(scenario.consumers[0].kind, polling);
    assert_eq!(scenario.consumers[1].name, "risk");
    assert_eq!(scenario.source, FULL);
}

#[test]
fn a_full_scenario_becomes_typed_values() {
    let scenario = parse(FULL, &[]).unwrap();
    assert_eq!(scenario.name, "evening");
    assert_eq!(scenario.question.as_deref(), Some("Does this stream carry the evening?"));
    assert_eq!(scenario.seed, Seed(42));
    assert_eq!(scenario.stream.name.as_deref(), Some("orders"));
    assert_eq!((scenario.stream.mode, scenario.stream.shards), (StreamMode::Provisioned, 4));
    assert!(matches!(scenario.load.schedule, Schedule::Constant { rate } if rate == Rate(2_000.0)));
    let seconds = Duration::from_secs;
    assert_eq!(
        (scenario.load.duration, scenario.load.warm_up, scenario.load.drain),
        (seconds(20), seconds(3), seconds(10))
    );
    assert_eq!(scenario.load.lateness_bound, Duration::from_millis(5));
    assert_eq!((scenario.sizes.smallest(), scenario.sizes.largest()), (Bytes(100), Bytes(65_536)));
    assert!(matches!(scenario.keys, Keys::HotKey { count: 500, share } if share == Share(0.4)));
    let producer = ProducerSettings {
        batch_records: 100,
        batch_bytes: Bytes(524_288),
        linger: Duration::from_millis(20),
        max_in_flight: 8,
        buffer: Bytes(16 << 20),
        timeout: seconds(2),
        retry: RetryPolicy::Exponential { base: Duration::from_millis(10), cap: seconds(1), attempts: 4 },
        ..ProducerSettings::default()
    };
    assert_eq!(scenario.producer, producer);
    let consumers: Vec<(&str, &ConsumerKind)> = scenario.consumers.iter().map(|c| (c.name.as_str(), &c.kind)).collect();
    let polling = ConsumerKind::Polling { interval: seconds(1), limit: 500 };
    assert_eq!(consumers, [("analytics", &polling), ("fraud", &ConsumerKind::Efo)]);
    let objectives = scenario.objectives;
    assert_eq!(objectives.throttled, Some(Share(0.001)));
    assert_eq!(
        (objectives.put_p50, objectives.put_p99),
        (Some(Duration::from_millis(20)), Some(Duration::from_millis(100)))
    );
    assert_eq!((objectives.put_p999, objectives.lag_p99), (Some(seconds(1)), Some(seconds(2))));
    assert_eq!(objectives.delivery, Some(Delivery::ExactlyOnce));
    assert_eq!(scenario.source, FULL);
}

#[test]
fn phases_follow_each_other() {
    let text = "[stream]\nmode = \"provisioned\"\nshards = 4\n[records]\nsize = \"1 KiB\"\n[load]\nwarm_up = \"1s\"\n\
        [[load.phase]]\nshape = \"constant\"\nrate = \"100/s\"\nduration = \"2s\"\n\
        [[load.phase]]\nshape = \"ramp\"\nfrom = \"100/s\"\nto = \"0/s\"\nduration = \"4s\"\n\
        [[load.phase]]\nshape = \"steps\"\nrates = [\"10/s\", \"30/s\"]\nshuffled = true\nduration = \"2s\"\n";
    let scenario = parse(text, &[]).unwrap();
    assert_eq!(scenario.load.duration, Duration::from_secs(8));
    let schedule = &scenario.load.schedule;
    let before = |seconds| schedule.count_before(Time::from_secs(seconds));
    assert_eq!((before(2), before(6), before(8)), (200, 400, 440));
    assert!([10, 30].contains(&(before(7) - 400)), "{}", before(7));
    assert_eq!(scenario.workload().count(), 440);
}

#[test]
fn what_is_left_out_has_a_default() {
    let scenario = parse(SMALLEST, &[]).unwrap();
    assert_eq!((scenario.question, scenario.seed), (None, Seed(1)));
    assert_eq!((scenario.stream.name, scenario.stream.mode), (None, StreamMode::Provisioned));
    assert_eq!((scenario.load.warm_up, scenario.load.drain), (Duration::ZERO, Duration::from_secs(30)));
    assert_eq!(scenario.load.lateness_bound, Duration::from_millis(20));
    assert!(matches!(scenario.sizes, Sizes::Constant { size: Bytes(1024) }));
    assert!(matches!(scenario.keys, Keys::Uniform { count: 10_000 }));
    let millis = Duration::from_millis;
    let producer = ProducerSettings {
        batch_records: 500,
        batch_bytes: Bytes(1 << 20),
        linger: millis(50),
        max_in_flight: 64,
        buffer: Bytes(256 << 20),
        timeout: millis(5_000),
        retry: RetryPolicy::Exponential { base: millis(50), cap: millis(2_000), attempts: 10 },
        ..ProducerSettings::default()
    };
    assert_eq!(scenario.producer, producer);
    assert!(scenario.consumers.is_empty());
    assert_eq!(scenario.objectives, scenario::Objectives::default());

    let consumers = "[[consumer]]\nname = \"a\"\ntype = \"polling\"\n";
    let scenario = parse(&format!("{SMALLEST}{consumers}"), &[]).unwrap();
    assert_eq!(scenario.consumers[0].kind, ConsumerKind::Polling { interval: millis(200), limit: 10_000 });
    let on_demand = parse(&SMALLEST.replace("shards = 2", "mode = \"on-demand\""), &[]).unwrap();
    assert_eq!((on_demand.stream.mode, on_demand.stream.shards), (StreamMode::OnDemand, 4));
    let size = "{ distribution = \"lognormal\", median = \"800 B\", p99 = \"4 KiB\" }";
    let sizes = parse(&SMALLEST.replace("\"1 KiB\"", size), &[]).unwrap().sizes;
    assert_eq!(sizes.smallest(), Bytes(SMALLEST_RECORD as u64));
    assert_eq!(sizes.largest(), Bytes((1 << 20) - "key-000000".len() as u64));
}

#[test]
fn a_trace_gives_times_keys_and_sizes() {
    let text = "[stream]\nshards = 2\n[load]\ntrace = \"good.csv\"\ntime = \"at\"\nkey = \"user\"\nsize = \"bytes\"\n";
    let scenario = parse(text, &["load.speedup=2"]).unwrap();
    // The last arrival is due after one second, so the load lasts two.
    assert_eq!(scenario.load.duration, Duration::from_secs(2));
    assert_eq!(scenario.load.schedule.count_before(Time::from_secs(2)), 2);
    assert!(matches!(scenario.keys, Keys::Recorded { .. }));
    assert!(matches!(scenario.sizes, Sizes::Recorded { .. }));
    assert_eq!(scenario.trace.unwrap().path, Path::new("tests/broken/good.csv"));
    let cut = parse(text, &["load.duration=1s"]).unwrap();
    assert_eq!(cut.load.schedule.count_before(Time::ZERO + cut.load.duration), 1);
    let given = format!("{}[records]\nsize = \"1 KiB\"\n", text.replace("size = \"bytes\"\n", ""));
    assert!(matches!(parse(&given, &[]).unwrap().sizes, Sizes::Constant { .. }));
}

/// Whatever comes out must also be printable.
fn survive(text: &str, overrides: &[&str]) {
    if let Err(problems) = parse(text, overrides) {
        assert!(!problems.problems().is_empty(), "nothing was built and nothing reported for {text:?}");
        assert!(problems.render(true).len() >= problems.render(false).len());
    }
}

/// Keys of each type, and tables.
const KEYS: &[&str] = &[
    "seed",
    "stream",
    "stream.shards",
    "load",
    "load.rate",
    "load.duration",
    "load.warm_up",
    "load.trace",
    "records",
    "records.size",
    "records.size.median",
    "records.size.p99",
    "records.size.max",
    "keys.count",
    "keys.share",
    "producer.batch_bytes",
    "producer.retry",
    "producer.retry.base",
    "producer.retry.attempts",
    "consumer",
    "consumer.0.limit",
    "consumer.1.type",
    "slo.throttled",
];

/// Values at the edges of their types.
const VALUES: &[&str] = &[
    "nan",
    "-inf",
    "1e400",
    "\"1e300/s\"",
    "\"1e-320/h\"",
    "\"106751991167300d\"",
    "\"9007199254740992 B\"",
    "0x7fffffffffffffff",
    "\"100%\"",
    "[]",
    "[{}]",
    "{}",
    ".",
];

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text: String, tail in "[\\[\\]{}=\"'.,a-c0-2#\n\r\t é-]{0,60}") {
        survive(&text, &[]);
        survive(&tail, &[]);
        survive(&format!("{SMALLEST}{tail}"), &[]);
        survive(FULL, &[&text, &tail, &format!("load.{tail}"), &format!("consumer.0.{tail}=1")]);
        survive(FULL, &[&format!("seed={text}")]);
    }

    #[test]
    fn a_changed_scenario_never_panics(
        from in 0..FULL.len(),
        length in 0usize..40,
        new in "[\\[\\]{}=\"'.,a-z0-9#\n é-]{0,8}",
    ) {
        let mut text = FULL.to_owned();
        text.replace_range(from..(from + length).min(FULL.len()), &new);
        survive(&text, &[]);
        survive(&text, &["load.rate=1/s", "consumer.fraud.type=polling", "records.size.max=1 MiB"]);
    }

    #[test]
    fn any_value_at_any_key_never_panics(
        key in prop::sample::select(KEYS),
        value in prop_oneof![
            prop::sample::select(VALUES).prop_map(str::to_owned),
            "[0-9]{1,25}",
            "\"[0-9.e-]{1,12}(/s| B|s|%)\"",
        ],
    ) {
        survive(FULL, &[&format!("{key}={value}")]);
    }
}
