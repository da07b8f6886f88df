//! The history of runs of each scenario, and where it changes.

use serde::Serialize;

use super::divisive::{ChangePoint, change_points};
use super::metric::Metric;
use super::pairing::{Excluded, Run};
use crate::result::TargetRecord;
use crate::seed::Seed;
use crate::verdict::void_reasons;

/// The runs of one scenario on one kind of target, in the order in which they began.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trend {
    /// Name of the scenario.
    pub scenario: String,
    /// Where the runs were made: `embedded`, `endpoint` or `aws`.
    pub target: &'static str,
    /// When each run began, RFC 3339.
    pub started: Vec<String>,
    /// The name of each run.
    pub runs: Vec<String>,
    /// The version of the program that made each run.
    pub versions: Vec<String>,
    /// One series per metric that any run has.
    pub series: Vec<Series>,
    /// Runs from which on the scenario reads otherwise than before.
    pub scenario_changes: Vec<usize>,
    /// Void runs, which are in no series.
    pub excluded: Vec<Excluded>,
}

/// One metric over the runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    /// The metric.
    pub metric: Metric,
    /// Its value in each run; `None` in a run that does not have it.
    pub values: Vec<Option<f64>>,
    /// Where it changes; the index is that of a run.
    pub changes: Vec<ChangePoint>,
}

/// Runs that have no place in a history: simulated time has no date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undated {
    /// Their names.
    pub runs: Vec<String>,
}

/// The histories in `runs`, by scenario and target.
pub fn trends(runs: Vec<Run>, seed: Seed) -> (Vec<Trend>, Undated) {
    let (mut dated, mut undated) = (Vec::new(), Undated { runs: Vec::new() });
    for run in runs {
        match run.result.target {
            TargetRecord::Simulated { .. } => undated.runs.push(run.name),
            _ => dated.push(run),
        }
    }
    undated.runs.sort();
    dated.sort_by(|a, b| key(a).cmp(&key(b)));
    let groups = dated.chunk_by(|a, b| (&a.result.scenario.name, target(a)) == (&b.result.scenario.name, target(b)));
    (groups.map(|runs| trend(runs, seed)).collect(), undated)
}

fn key(run: &Run) -> (&str, &str, &str, &str) {
    (&run.result.scenario.name, target(run), &run.result.started, &run.name)
}

fn target(run: &Run) -> &'static str {
    match run.result.target {
        TargetRecord::Simulated { .. } => "simulated",
        TargetRecord::Embedded { .. } => "embedded",
        TargetRecord::Endpoint { .. } => "endpoint",
        TargetRecord::Aws { .. } => "aws",
    }
}

fn trend(runs: &[Run], seed: Seed) -> Trend {
    let mut excluded = Vec::new();
    let mut counted: Vec<&Run> = Vec::new();
    for run in runs {
        let reasons = void_reasons(&run.result);
        if reasons.is_empty() {
            counted.push(run);
        } else {
            excluded.push(Excluded { side: "history", run: run.name.clone(), reasons });
        }
    }
    let asked = |run: &Run| (run.result.scenario.source.clone(), run.result.scenario.overrides.clone());
    let scenario_changes = (1..counted.len()).filter(|index| asked(counted[*index]) != asked(counted[*index - 1]));
    let all = |of: fn(&Run) -> String| counted.iter().map(|run| of(run)).collect::<Vec<String>>();
    Trend {
        scenario: runs.first().map_or_else(String::new, |run| run.result.scenario.name.clone()),
        target: runs.first().map_or("", target),
        started: all(|run| run.result.started.clone()),
        runs: all(|run| run.name.clone()),
        versions: all(|run| run.result.streamgauge_version.clone()),
        series: Metric::ALL.into_iter().filter_map(|metric| series(metric, &counted, seed)).collect(),
        scenario_changes: scenario_changes.collect(),
        excluded,
    }
}

fn series(metric: Metric, runs: &[&Run], seed: Seed) -> Option<Series> {
    let values: Vec<Option<f64>> = runs.iter().map(|run| metric.of(&run.result).map(|reading| reading.value)).collect();
    let known: Vec<(usize, f64)> = values.iter().enumerate().filter_map(|(i, value)| Some((i, (*value)?))).collect();
    if known.is_empty() {
        return None;
    }
    let found = change_points(&known.iter().map(|(_, value)| *value).collect::<Vec<_>>(), seed);
    let place = |change: ChangePoint| Some(ChangePoint { index: known.get(change.index)?.0, ..change });
    Some(Series { metric, values, changes: found.into_iter().filter_map(place).collect() })
}
