//! Scenarios from text, and what the planner, the simulator and the verdict make of them, with the newest profile and prices.

use std::path::Path;

use streamgauge::client::Part;
use streamgauge::kinesis::Profile;
use streamgauge::measure::{ConsumerRecord, Ending, Measurement, Outcome, ShardRecord};
use streamgauge::plan::{Plan, predict};
use streamgauge::prices::Prices;
use streamgauge::result::{RunResult, SCHEMA_VERSION, ScenarioRecord, TargetRecord};
use streamgauge::scenario::{self, Scenario};
use streamgauge::simulator;
use streamgauge::time::Time;
use streamgauge::verdict::{Verdict, judge};

/// A scenario that is valid.
#[track_caller]
pub fn scenario(toml: &str) -> Scenario {
    overridden(toml, &[])
}

/// A scenario that is valid, with these settings on top.
#[track_caller]
pub fn overridden(toml: &str, overrides: &[String]) -> Scenario {
    scenario_at(Path::new("test.toml"), toml, overrides)
}

/// A scenario that is valid and whose files are named from the folder of `path`.
#[track_caller]
pub fn scenario_at(path: &Path, toml: &str, overrides: &[String]) -> Scenario {
    match scenario::parse(path, toml, overrides, &Profile::newest()) {
        Ok(scenario) => scenario,
        Err(diagnostics) => panic!("{}", diagnostics.render(false)),
    }
}

/// What a scenario is refused for.
#[track_caller]
pub fn refusal(toml: &str) -> String {
    scenario::parse(Path::new("test.toml"), toml, &[], &Profile::newest()).unwrap_err().render(false)
}

/// The plan for a scenario.
#[track_caller]
pub fn plan(toml: &str) -> Plan {
    predicted(&scenario(toml))
}

/// The plan for a scenario.
pub fn predicted(scenario: &Scenario) -> Plan {
    predict(scenario, &Profile::newest(), &Prices::newest())
}

/// A simulation whose counters balance.
#[track_caller]
pub fn simulate(toml: &str) -> Outcome {
    simulation(&scenario(toml))
}

/// A simulation whose counters balance.
#[track_caller]
pub fn simulation(scenario: &Scenario) -> Outcome {
    let simulation = simulator::run(scenario, &Profile::newest(), &mut |_| true).unwrap();
    assert!(simulation.measurement.counters.balance(), "{:?}", simulation.measurement.counters);
    simulation
}

/// What a simulation measured that came to its end.
#[track_caller]
pub fn measured(toml: &str) -> Measurement {
    let simulation = simulate(toml);
    assert_eq!(simulation.ending, Ending::Complete);
    simulation.measurement
}

/// The result of a simulation.
#[track_caller]
pub fn simulated(scenario: &Scenario) -> RunResult {
    let target = TargetRecord::Simulated { profile: Profile::newest().name };
    RunResult::new(scenario, target, simulation(scenario))
}

/// The verdict on a result, with the plan for its scenario.
pub fn judged(scenario: &Scenario, result: &RunResult) -> Verdict {
    judge(predicted(scenario).expectation(), result)
}

/// The result of a complete run of a scenario that measured this.
pub fn made_up(scenario: &Scenario, measurement: Measurement) -> RunResult {
    RunResult {
        schema_version: SCHEMA_VERSION,
        streamgauge_version: "0".into(),
        started: String::new(),
        stream_name: String::new(),
        scenario: ScenarioRecord::from(scenario),
        target: TargetRecord::Embedded { profile: String::new() },
        part: Part::WHOLE,
        ending: Ending::Complete,
        load_ended: Time::ZERO + scenario.load.duration,
        measurement,
    }
}

/// The only shard of a stream.
pub fn only_shard(accepted: u64, accepted_bytes: u64) -> ShardRecord {
    ShardRecord {
        id: "shardId-000000000000".into(),
        starting_hash_key: "0".into(),
        ending_hash_key: u128::MAX.to_string(),
        accepted,
        accepted_bytes,
        throttled: 0,
    }
}

/// Four shards that take `seconds` of 400 records a second.
pub fn load(seconds: u32, more: &str) -> String {
    format!(
        r#"
        stream.shards = 4
        load = {{ rate = "400/s", duration = "{seconds}s", drain = "120s" }}
        records.size = "200 B"
        keys = {{ distribution = "uniform", count = 200 }}
        {more}
        "#
    )
}

/// The consumer got these records once each, and none of its calls failed.
#[track_caller]
pub fn exactly_once(consumer: &ConsumerRecord, records: u64) {
    assert!(consumer.delivery.exactly_once(), "{}: {:?}", consumer.name, consumer.delivery);
    assert_eq!(consumer.delivery.delivered, records, "{}", consumer.name);
    assert!(consumer.failed_calls.is_empty(), "{}: {:?}", consumer.name, consumer.failed_calls);
}
