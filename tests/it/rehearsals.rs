//! The scenarios that come with the project: each answers its question as its comment says, in virtual time, and runs on the
//! engine in a short form.

use std::path::Path;
use std::time::Duration;

use streamgauge::capacity::BoundName;
use streamgauge::engine::Target;
use streamgauge::measure::{ConsumerRecord, Ending, Measurement};
use streamgauge::scenario::Scenario;

use crate::support::engine::{run_on, undisturbed};
use crate::support::model::{predicted, scenario_at, simulation};

fn load(name: &str, overrides: &[&str]) -> Scenario {
    let path = format!("{}/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    scenario_at(Path::new(&path), &text, &overrides)
}

fn simulated(name: &str, overrides: &[&str]) -> Measurement {
    let simulation = simulation(&load(name, overrides));
    let measured = simulation.measurement;
    assert_eq!(simulation.ending, Ending::Complete);
    for consumer in &measured.consumers {
        assert_eq!((consumer.delivery.lost, consumer.delivery.unread), (0, 0), "{name}: {}", consumer.name);
    }
    measured
}

fn throttled(measured: &Measurement) -> f64 {
    measured.counters.throttled as f64 / measured.counters.attempts as f64
}

fn consumer<'m>(measured: &'m Measurement, name: &str) -> &'m ConsumerRecord {
    measured.consumers.iter().find(|consumer| consumer.name == name).unwrap()
}

fn millis(nanos: Option<u64>) -> u64 {
    nanos.unwrap() / 1_000_000
}

#[test]
fn a_hot_shard_has_three_cures() {
    let hot = simulated("hot-shard", &[]);
    assert!(throttled(&hot) > 0.3, "{}", throttled(&hot));
    let refused: Vec<bool> = hot.shards.iter().map(|shard| shard.throttled > 0).collect();
    assert_eq!(refused, [false, true, false, false], "one shard is hot");

    let salted = simulated("hot-shard-salted", &[]);
    let auto = simulated("hot-shard-auto", &[]);
    for cured in [&salted, &auto] {
        assert_eq!((cured.counters.throttled, cured.counters.accepted), (0, 42_000));
    }
    let fullest = |measured: &Measurement| measured.shards.iter().map(|shard| shard.accepted).max().unwrap();
    assert!(fullest(&salted) < 12_600 && fullest(&auto) < 10_600, "60% of 1,000/s, and a quarter of all");
    assert!(salted.consumers[0].delivery.in_order() && !auto.consumers[0].delivery.in_order());

    let split = simulated("hot-shard-split", &[]);
    let late = split.intervals.iter().filter(|second| second.second >= 15).map(|second| second.throttled).sum::<u64>();
    assert!(split.counters.throttled > 0 && late == 0, "{late} attempts were throttled five seconds after the split");
    assert_eq!(split.counters.accepted, 42_000);
}

#[test]
fn bursts_within_the_second_take_longer_and_throttle_nothing() {
    let bursts = simulated("micro-bursts", &[]);
    let even = simulated("micro-bursts", &["load.phase.0.burst.share=100%"]);
    assert_eq!((bursts.counters.throttled, even.counters.throttled), (0, 0));
    let (slow, fast) = (millis(bursts.put["response"].p50), millis(even.put["response"].p50));
    assert!(slow * 10 > fast * 13, "{slow} ms, {fast} ms");
}

#[test]
fn a_budget_ends_a_retry_storm() {
    let storm = simulated("retry-storm", &[]);
    assert!(throttled(&storm) > 0.9, "{}", throttled(&storm));
    let budget = simulated("retry-storm", &["producer.retry.budget=10%"]);
    assert!(budget.counters.attempts * 10 < storm.counters.attempts, "{:?}", budget.counters);
    assert!(budget.counters.failed > 0 && millis(budget.put["response"].p99) < 500);
}

#[test]
fn an_outage_is_caught_up_and_what_is_read_twice_is_recognised() {
    let measured = simulated("consumer-outage", &[]);
    let billing = consumer(&measured, "billing");
    let outage = billing.work.outages[0];
    assert!(outage.caught_up_after.unwrap().as_secs_f64() < 2.0, "{outage:?}");
    let check = &billing.delivery;
    assert!((1..=4_000).contains(&check.redelivered) && check.duplicates_past_window == Some(0), "{check:?}");
}

#[test]
fn a_reshard_under_load_keeps_everything() {
    let measured = simulated("reshard-rehearsal", &[]);
    assert_eq!(measured.open_shards.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [2, 4, 3]);
    for consumer in &measured.consumers {
        assert!(consumer.delivery.exactly_once() && consumer.delivery.in_order(), "{:?}", consumer.delivery);
    }
}

#[test]
fn fan_out_does_not_share_with_those_who_poll() {
    let measured = simulated("efo-vs-polling", &[]);
    assert!(millis(consumer(&measured, "alerts").lag.p99) < 300);
    for name in ["search", "billing", "audit", "lake", "ml"] {
        assert!(millis(consumer(&measured, name).lag.p50) > 500, "{name}");
    }
    // What both cost a month, and that the plan knows both lags.
    let plan = predicted(&load("efo-vs-polling", &[]));
    let (one, five) = (&plan.capacity.cost.reading[0], &plan.capacity.cost.reading[4]);
    let gib = plan.capacity.bounds.iter().find(|bound| bound.name == BoundName::FanOutBytes).unwrap().demand
        * 2_628_000.0
        / 1_073_741_824.0;
    assert_eq!((one.polling, five.polling), (Some(0.0), Some(0.0)), "two shards have room for five pollers");
    let fan_out = 2.0 * 730.0 * 0.015 + gib * 0.013;
    assert!((one.fan_out.unwrap() / fan_out - 1.0).abs() < 0.01, "{one:?}, {fan_out}");
    for forecast in &plan.forecast.lags {
        let mean = consumer(&measured, &forecast.consumer).lag.mean.unwrap();
        assert!((mean / forecast.mean.unwrap() as f64 - 1.0).abs() < 0.2, "{forecast:?}: {mean}");
    }
}

#[test]
fn a_slow_function_needs_parallel_invocations() {
    let measured = simulated("lambda-parallelism", &[]);
    let (one, four) = (consumer(&measured, "one-at-a-time"), consumer(&measured, "four-at-a-time"));
    assert!(millis(one.lag.max) > 5_000 && millis(four.lag.p99) < 3_000);
    assert!(one.delivery.in_order() && four.delivery.in_order());
}

#[test]
fn aggregation_carries_small_events() {
    let (off, on) = (simulated("aggregation-off", &[]), simulated("aggregation-on", &[]));
    assert!(throttled(&off) > 0.85 && off.counters.failed > 20_000, "{:?}", off.counters);
    assert_eq!((on.counters.accepted, on.counters.throttled), (80_000, 0));
    assert!(on.counters.attempts < 80_000 / 50, "{:?}", on.counters);
}

#[test]
fn a_noisy_tenant_disturbs_those_in_its_shard() {
    let measured = simulated("noisy-neighbour", &[]);
    let [noisy, steady, small] = measured.tenants.as_slice() else { panic!("{:?}", measured.tenants) };
    assert_eq!(noisy.offered + steady.offered + small.offered, 40_000);
    assert_eq!(noisy.accepted + steady.accepted + small.accepted, measured.counters.accepted);
    assert_eq!(noisy.throttled + steady.throttled + small.throttled, measured.counters.throttled);
    let (p50, p90) = (millis(noisy.response.p50), millis(noisy.response.p90));
    assert!(p50 > 300 && p90 > 2_000 && millis(steady.response.p50) < 100, "{p50} ms, {p90} ms, {steady:?}");
    assert!(steady.throttled > 0 && millis(steady.response.p99) > 1_000, "{steady:?}");
}

#[test]
fn large_records_hold_up_the_small_ones_behind_them() {
    let measured = simulated("large-records", &[]);
    assert!(throttled(&measured) < 0.01 && millis(consumer(&measured, "archive").lag.p99) > 1_000);
    assert!(millis(measured.put["response"].p99) < 500);
}

/// Runs a scenario for two seconds at a rate that a busy machine holds in debug mode.
async fn rehearse(name: &str, overrides: &[&str]) -> Measurement {
    let scenario = load(name, &[overrides, &["load.drain=10m", "producer.timeout=10m"]].concat());
    // What is refused depends on the moment.
    let run =
        undisturbed(Duration::from_millis(500), async || run_on(&Target::Embedded, &scenario).await.unwrap()).await;
    assert_eq!(run.ending, Ending::Complete);
    let measured = run.measurement;
    assert!(measured.counters.balance() && measured.counters.accepted > 0, "{name}: {:?}", measured.counters);
    for consumer in &measured.consumers {
        let check = &consumer.delivery;
        assert_eq!((check.lost, check.unread, check.corrupt), (0, 0, 0), "{name}: {}: {check:?}", consumer.name);
        assert_eq!(check.delivered, check.accepted, "{name}: {}", consumer.name);
    }
    assert!(measured.events.iter().all(|event| event.problem.is_none()), "{name}: {:?}", measured.events);
    measured
}

/// The simulator says the same of a scenario as the engine: the very records, and where nothing was refused, the same ones in each
/// shard. What is refused depends on the moment, so that those shares are only near each other.
fn agrees_with_the_simulator(name: &str, overrides: &[&str], measured: &Measurement) {
    let simulated = simulation(&load(name, overrides)).measurement;
    assert_eq!((simulated.digest, simulated.counters.offered), (measured.digest, measured.counters.offered), "{name}");
    let refused = |measured: &Measurement| measured.counters.throttled + measured.counters.errors;
    let of_shards = |measured: &Measurement| -> Vec<(u64, u64)> {
        measured.shards.iter().map(|shard| (shard.accepted, shard.accepted_bytes)).collect()
    };
    if refused(&simulated) + refused(measured) == 0 && measured.events.is_empty() {
        assert_eq!(of_shards(&simulated), of_shards(measured), "{name}");
        return;
    }
    let share = |measured: &Measurement| measured.counters.accepted as f64 / measured.counters.offered as f64;
    let shares = (share(&simulated), share(measured));
    assert!((shares.0 - shares.1).abs() < 0.1, "{name}: {shares:?}");
}

/// Overrides that make a scenario short, for those that have a rate.
const SHORT: [&str; 3] = ["load.duration=2s", "load.warm_up=0s", "load.rate=300/s"];

/// A test per scenario, so that they run side by side.
macro_rules! rehearsals {
    ($($test:ident: $name:literal, $more:expr;)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let more: &[&str] = &$more;
            let measured = rehearse($name, more).await;
            assert_eq!(measured.counters.offered, load($name, more).workload().count());
            agrees_with_the_simulator($name, more, &measured);
        })*

        #[test]
        fn every_scenario_is_rehearsed() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
            let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let names = files.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
            let mut names: Vec<String> = names.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
            names.sort();
            assert_eq!(names, [$($name),*]);
        }
    };
}

rehearsals! {
    runs_aggregation_off: "aggregation-off", SHORT;
    runs_aggregation_on: "aggregation-on", SHORT;
    runs_airport: "airport", ["load.duration=2s", "load.warm_up=0s"];
    runs_autoscaling: "autoscaling", ["load.warm_up=0s", "load.phase.0.duration=1s", "load.phase.0.speedup=86400", "autoscaling.speedup=86400"];
    runs_consumer_outage: "consumer-outage", [SHORT[0], SHORT[1], SHORT[2], "event.0.at=500ms", "event.1.at=1s"];
    runs_daily_rhythm: "daily-rhythm", ["load.warm_up=0s", "load.phase.0.duration=1s", "load.phase.0.speedup=86400", "load.phase.1.duration=500ms", "load.phase.2.duration=500ms", "load.phase.2.at=0s", "load.phase.2.lasting=100ms"];
    runs_efo_vs_polling: "efo-vs-polling", SHORT;
    runs_gate: "gate", SHORT;
    runs_hot_shard: "hot-shard", SHORT;
    runs_hot_shard_auto: "hot-shard-auto", SHORT;
    runs_hot_shard_salted: "hot-shard-salted", SHORT;
    runs_hot_shard_split: "hot-shard-split", [SHORT[0], SHORT[1], SHORT[2], "event.0.at=1s"];
    runs_lambda_parallelism: "lambda-parallelism", SHORT;
    runs_large_records: "large-records", SHORT;
    runs_micro_bursts: "micro-bursts", ["load.warm_up=0s", "load.phase.0.duration=2s", "load.phase.0.rate=300/s"];
    runs_noisy_neighbour: "noisy-neighbour", SHORT;
    runs_quickstart: "quickstart", SHORT;
    runs_reshard_rehearsal: "reshard-rehearsal", [SHORT[0], SHORT[1], SHORT[2], "event.0.at=500ms", "event.1.at=1s"];
    runs_retry_storm: "retry-storm", SHORT;
}
