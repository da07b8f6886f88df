//! Sweeps: one scenario simulated for every combination of some of its values.
//!
//! Each combination is a simulation of its own with the scenario's seed, so the number of threads changes no result.

mod axis;

use rayon::prelude::*;
use serde::Serialize;

pub use axis::{Axis, AxisError};

use crate::kinesis::Profile;
use crate::measure::{DeliveryCheck, Ending};
use crate::plan::predict;
use crate::prices::Prices;
use crate::result::{RunResult, TargetRecord};
use crate::scenario::Scenario;
use crate::simulator;
use crate::verdict::{Conclusion, ObjectiveStatus, judge};

/// Most combinations of one sweep.
pub const CELLS_MAX: usize = 10_000;

/// The combinations of the values of some axes: the last axis changes fastest.
pub fn combinations(axes: &[Axis]) -> Vec<Vec<String>> {
    axes.iter().fold(vec![Vec::new()], |combinations, axis| {
        let with_each = |combination: &Vec<String>| {
            let combination = combination.clone();
            axis.values.iter().map(move |value| [combination.as_slice(), std::slice::from_ref(value)].concat())
        };
        combinations.iter().flat_map(with_each).collect::<Vec<_>>()
    })
}

/// How many combinations there are; a number that does not fit is the greatest one.
pub fn count(axes: &[Axis]) -> usize {
    axes.iter().fold(1, |count, axis| count.saturating_mul(axis.values.len()))
}

/// A combination of values and what it comes to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    /// The values, in the order of the axes.
    pub values: Vec<String>,
    /// What it comes to; `None` if the sweep was interrupted before.
    pub outcome: Option<Outcome>,
}

/// What a combination comes to. Durations are nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// The verdict.
    pub conclusion: Conclusion,
    /// What is missed or could not be measured, or why the simulation does not count.
    pub missed: Vec<String>,
    /// Records that came due.
    pub offered: u64,
    /// Records that were acknowledged.
    pub accepted: u64,
    /// Share of the attempts that were throttled.
    pub throttled: f64,
    /// Median time from the moment a record was due to its acknowledgement.
    pub put_p50: Option<u64>,
    /// 99th percentile of the same.
    pub put_p99: Option<u64>,
    /// 99th percentile of the lag of the consumer that is the furthest behind.
    pub lag_p99: Option<u64>,
    /// Accepted records that some consumer had not seen at the end, lost ones among them.
    pub unread: u64,
    /// Mean utilisation of the fullest shard.
    pub fullest_shard: Option<f64>,
    /// Shards that the plan asks for.
    pub recommended_shards: u32,
}

/// Simulates a scenario for each combination. `go_on` is asked again and again; when it says no, what is not done is left out.
/// `done` is called after each.
///
/// # Errors
/// The simulated service refuses a scenario, in its words.
pub fn run(
    cells: Vec<(Vec<String>, Scenario)>,
    profile: &Profile,
    prices: &Prices,
    go_on: &(dyn Fn() -> bool + Sync),
    done: &(dyn Fn() + Sync),
) -> Result<Vec<Cell>, String> {
    let simulate = |(values, scenario): (Vec<String>, Scenario)| {
        if !go_on() {
            return Ok(Cell { values, outcome: None });
        }
        let simulation = simulator::run(&scenario, profile, &mut |_| go_on())
            .map_err(|problem| format!("with {}: {problem}", values.join(", ")))?;
        let interrupted = simulation.ending == Ending::Interrupted;
        let target = TargetRecord::Simulated { profile: profile.name.clone() };
        let result = RunResult::new(&scenario, target, simulation);
        let outcome = (!interrupted).then(|| Outcome::of(&scenario, profile, prices, &result));
        done();
        Ok(Cell { values, outcome })
    };
    cells.into_par_iter().map(simulate).collect()
}

impl Outcome {
    fn of(scenario: &Scenario, profile: &Profile, prices: &Prices, result: &RunResult) -> Self {
        let plan = predict(scenario, profile, prices);
        let verdict = judge(plan.expectation(), result);
        let (measured, counters) = (&result.measurement, &result.measurement.counters);
        let missed = verdict.objectives.iter().filter(|objective| objective.status != ObjectiveStatus::Pass);
        let missed = missed.map(|objective| format!("{}: {}", objective.metric, objective.measured));
        let response = measured.put.get("response").copied().unwrap_or_default();
        let unread = |delivery: &DeliveryCheck| delivery.lost + delivery.unread;
        Self {
            conclusion: verdict.conclusion,
            missed: verdict.void_reasons.iter().cloned().chain(missed).collect(),
            offered: counters.offered,
            accepted: counters.accepted,
            throttled: counters.throttled as f64 / counters.attempts.max(1) as f64,
            put_p50: response.p50,
            put_p99: response.p99,
            lag_p99: measured.consumers.iter().filter_map(|consumer| consumer.lag.p99).max(),
            unread: measured.consumers.iter().map(|consumer| unread(&consumer.delivery)).max().unwrap_or(0),
            fullest_shard: verdict.fullest_shard(),
            recommended_shards: plan.capacity.recommended_shards,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::scenario;

    fn axes(texts: &[&str]) -> Vec<Axis> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn cells(axes: &[Axis]) -> Vec<(Vec<String>, Scenario)> {
        let toml = "seed = 3\nstream.shards = 1\nload = { rate = \"1500/s\", duration = \"3s\" }\n\
                    records.size = \"100 B\"\nkeys = { distribution = \"uniform\", count = 500 }\n\
                    producer.retry = { policy = \"none\" }\n[slo]\nthrottled = \"1%\"";
        let parse = |values: Vec<String>| {
            let overrides: Vec<String> =
                axes.iter().zip(&values).map(|(axis, value)| format!("{}={value}", axis.key)).collect();
            let scenario = scenario::parse(Path::new("sweep.toml"), toml, &overrides, &Profile::newest());
            (values, scenario.unwrap_or_else(|problems| panic!("{}", problems.render(false))))
        };
        combinations(axes).into_iter().map(parse).collect()
    }

    #[test]
    fn every_combination_is_there_and_the_last_axis_changes_fastest() {
        let axes = axes(&["stream.shards=1..2", "keys.count=10,20,30"]);
        let all = combinations(&axes);
        assert_eq!((all.len(), count(&axes)), (6, 6));
        assert_eq!([all[0].join(" "), all[1].join(" "), all[5].join(" ")], ["1 10", "1 20", "2 30"]);
    }

    #[test]
    fn more_shards_throttle_less_and_threads_change_nothing() {
        let axes = axes(&["stream.shards=1..4", "keys.distribution=uniform,sequential"]);
        let sweep = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let done = AtomicUsize::new(0);
            let count = || {
                done.fetch_add(1, Ordering::Relaxed);
            };
            let cells =
                pool.install(|| run(cells(&axes), &Profile::newest(), &Prices::newest(), &|| true, &count)).unwrap();
            assert_eq!(done.into_inner(), 8);
            cells
        };
        let cells = sweep(1);
        assert_eq!(cells, sweep(4));
        let outcome = |cell: usize| cells[cell].outcome.as_ref().unwrap();
        assert_eq!(cells[0].values, ["1", "uniform"]);
        assert_eq!((outcome(0).conclusion, outcome(6).conclusion), (Conclusion::Missed, Conclusion::Met));
        assert!(outcome(0).throttled > 0.1 && outcome(6).throttled == 0.0);
        assert!(outcome(0).missed[0].starts_with("throttled"), "{:?}", outcome(0).missed);
    }

    #[test]
    fn what_is_not_done_is_left_out() {
        let axes = axes(&["stream.shards=1..3"]);
        let cells = run(cells(&axes), &Profile::newest(), &Prices::newest(), &|| false, &|| {}).unwrap();
        assert!(cells.len() == 3 && cells.iter().all(|cell| cell.outcome.is_none()));
    }
}
