//! A candidate against a baseline: from runs to a verdict.

use std::collections::BTreeMap;

use serde::Serialize;

use super::comparable::comparability;
use super::exact::{Difference, differences};
use super::gate::{Asked, Assessment, Decision, Observed, assess, overall};
use super::looks::Looks;
use super::metric::{Metric, Reading};
use super::pairing::{Excluded, Run, pair};
use super::quantile::{FEWEST_BEYOND, order_statistics};
use super::sign_flip::{MOST_PAIRS, floor};
use crate::result::{RunResult, TargetRecord};
use crate::units::{self, Share};

/// Version of the schema of a comparison as JSON.
pub const SCHEMA_VERSION: u32 = 1;

/// How to compare.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Every metric, whether it decides, and its smallest effect.
    pub metrics: Vec<Asked>,
    /// Whether scenarios that ask for different things are compared all the same.
    pub different: bool,
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    /// What the user called it: a path, or a program.
    pub name: String,
    /// Versions of the program that made its runs.
    pub versions: Vec<String>,
}

/// Two runs that are compared with each other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// Name of the baseline's run.
    pub baseline: String,
    /// Name of the candidate's run.
    pub candidate: String,
    /// Where two simulated results differ; empty for measured ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

/// How it was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Simulated: for equality.
    Equality,
    /// Measured: by the sign-flip test of paired runs.
    PairedRuns,
}

/// A comparison and its verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Name of the scenario.
    pub scenario: String,
    /// Where the runs were made.
    pub target: TargetRecord,
    /// What is compared with.
    pub baseline: Side,
    /// What is judged.
    pub candidate: Side,
    /// How.
    pub method: Method,
    /// What it comes to.
    pub decision: Decision,
    /// The same in a sentence or two.
    pub sentence: String,
    /// What a reader has to know, in full sentences.
    pub warnings: Vec<String>,
    /// Runs that do not count.
    pub excluded: Vec<Excluded>,
    /// The pairs that do.
    pub pairs: Vec<Pair>,
    /// Every metric; empty for simulated results.
    pub metrics: Vec<Assessment>,
    /// Confidence of the intervals, such as 0.9.
    pub confidence: f64,
}

/// The readings of a run.
pub type Readings = BTreeMap<Metric, Reading>;

/// All metrics of a run.
pub fn readings(result: &RunResult) -> Readings {
    Metric::ALL.into_iter().filter_map(|metric| Some((metric, metric.of(result)?))).collect()
}

/// Compares two sides. `looks` says how sure the gate has to be at this number of pairs: it is the look with the index `look` of a gate, or
/// the only one.
///
/// # Errors
/// Why they cannot be compared, in full sentences.
pub fn compare(
    baseline: (String, Vec<Run>),
    candidate: (String, Vec<Run>),
    settings: &Settings,
    looks: Option<(&Looks, usize)>,
) -> Result<Comparison, Vec<String>> {
    let side = |name: &str, runs: &[Run]| {
        let mut versions: Vec<String> = runs.iter().map(|run| run.result.streamgauge_version.clone()).collect();
        versions.sort();
        versions.dedup();
        Side { name: name.to_owned(), versions }
    };
    let sides = (side(&baseline.0, &baseline.1), side(&candidate.0, &candidate.1));
    let (Some(first), true) = (candidate.1.first(), !baseline.1.is_empty()) else {
        return Err(vec!["A side has no runs.".to_owned()]);
    };
    let (scenario, target) = (first.result.scenario.name.clone(), first.result.target.clone());
    let mut warnings = check(&baseline.1, &candidate.1, settings)?;
    let most = if matches!(target, TargetRecord::Simulated { .. }) { usize::MAX } else { MOST_PAIRS };
    let paired = pair(baseline.1, candidate.1, most);
    warnings.extend(paired.warnings);
    let method = if matches!(target, TargetRecord::Simulated { .. }) { Method::Equality } else { Method::PairedRuns };
    let once = Looks::once(paired.pairs.len());
    let (looks, look) = looks.unwrap_or((&once, 0));
    let level = looks.level(look);
    let mut comparison = Comparison {
        schema_version: SCHEMA_VERSION,
        scenario,
        target,
        baseline: sides.0,
        candidate: sides.1,
        method,
        decision: Decision::Void,
        sentence: "No pair counts: every one has a void run.".to_owned(),
        warnings,
        excluded: paired.excluded,
        pairs: Vec::new(),
        metrics: Vec::new(),
        confidence: 1.0 - 2.0 * level.bound,
    };
    if paired.pairs.is_empty() {
        return Ok(comparison);
    }
    match method {
        Method::Equality => {
            comparison.pairs =
                paired.pairs.iter().map(|(a, b)| named(a, b, differences(&a.result, &b.result))).collect();
            (comparison.decision, comparison.sentence) = equality(&comparison.pairs);
        }
        Method::PairedRuns => {
            comparison.pairs = paired.pairs.iter().map(|(a, b)| named(a, b, Vec::new())).collect();
            let observations: Vec<(Readings, Readings)> =
                paired.pairs.iter().map(|(a, b)| (readings(&a.result), readings(&b.result))).collect();
            comparison.metrics = assess(&observe(&settings.metrics, &observations), level);
            comparison.decision = overall(&comparison.metrics);
            comparison.sentence = sentence(&comparison, level.alarm);
            if let [(a, b)] = paired.pairs.as_slice() {
                comparison.warnings.extend(own_uncertainty(&a.result, &b.result));
            }
        }
    }
    Ok(comparison)
}

/// Refuses what cannot be compared; says what a reader has to know.
fn check(baseline: &[Run], candidate: &[Run], settings: &Settings) -> Result<Vec<String>, Vec<String>> {
    let Some(reference) = baseline.first() else { return Err(Vec::new()) };
    let (mut refusals, mut contradictions, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
    for run in baseline.iter().skip(1).chain(candidate) {
        let found = comparability(&reference.result, &run.result);
        for (all, more) in [
            (&mut refusals, found.refusals),
            (&mut contradictions, found.contradictions),
            (&mut warnings, found.warnings),
        ] {
            all.extend(more.into_iter().filter(|words| !all.contains(words)).collect::<Vec<_>>());
        }
    }
    if settings.different {
        warnings.splice(0..0, contradictions);
    } else if !contradictions.is_empty() {
        refusals.extend(contradictions);
        refusals.push("To compare different scenarios all the same, say so with --different-scenarios.".to_owned());
    }
    if refusals.is_empty() { Ok(warnings) } else { Err(refusals) }
}

fn named(baseline: &Run, candidate: &Run, differences: Vec<Difference>) -> Pair {
    Pair { baseline: baseline.name.clone(), candidate: candidate.name.clone(), differences }
}

fn equality(pairs: &[Pair]) -> (Decision, String) {
    let different: usize = pairs.iter().map(|pair| pair.differences.len()).sum();
    if different == 0 {
        return (Decision::Equivalent, "Every count of the simulations is the same.".to_owned());
    }
    let sentence = format!(
        "The simulations differ in {} place(s). Virtual time has no noise: the program, the profile or the scenario has changed what \
         happens. If that is meant, make a new baseline.",
        units::count(different as u64)
    );
    (Decision::Changed, sentence)
}

/// What the pairs show of each metric that any of them has.
pub fn observe(asked: &[Asked], pairs: &[(Readings, Readings)]) -> Vec<Observed> {
    let observed = |asked: &Asked| {
        let both = |(a, b): &(Readings, Readings)| Some((*a.get(&asked.metric)?, *b.get(&asked.metric)?));
        let found: Vec<(Reading, Reading)> = pairs.iter().filter_map(both).collect();
        let fewest = found.iter().flat_map(|(a, b)| [a, b]).filter(|reading| !reading.is_certain());
        let fewest = fewest.filter_map(|reading| reading.beyond).min();
        let not_gated = if found.len() < pairs.len() {
            Some(format!("{} of {} pairs have it on both sides", found.len(), pairs.len()))
        } else {
            fewest.map(|beyond| format!("a run has {beyond} samples beyond it, {FEWEST_BEYOND} are needed"))
        };
        let values: Vec<(f64, f64)> = found.iter().map(|(a, b)| (a.value, b.value)).collect();
        (!values.is_empty()).then(|| Observed { asked: *asked, values, not_gated: not_gated.filter(|_| asked.gated) })
    };
    asked.iter().filter_map(observed).collect()
}

fn sentence(comparison: &Comparison, alarm: f64) -> String {
    let pairs = comparison.pairs.len();
    let gated = || comparison.metrics.iter().filter(|assessment| assessment.gated);
    let list = |decision: Decision| {
        let names = gated().filter(|a| a.decision == decision).map(|a| a.metric.name());
        names.collect::<Vec<_>>().join(", ")
    };
    match comparison.decision {
        Decision::Regressed => format!("Regressed: {}.", list(Decision::Regressed)),
        Decision::Improved => format!("Nothing has regressed; improved: {}.", list(Decision::Improved)),
        Decision::Equivalent => "No metric has changed by as much as matters.".to_owned(),
        Decision::Changed | Decision::Void => comparison.sentence.clone(),
        Decision::Inconclusive if pairs == 1 => {
            "One run of each side cannot tell a change from chance: the ratios are shown, and decide nothing. \
             `streamgauge bench` makes pairs of runs that can."
                .to_owned()
        }
        Decision::Inconclusive if gated().next().is_none() => "No metric that decides was measured.".to_owned(),
        Decision::Inconclusive => {
            let needed = alarm / gated().count() as f64;
            let few = if floor(pairs) > needed {
                format!(
                    " No p-value of {pairs} pairs is below 2^-{pairs} = {}, and {} metrics need {}: make at least {} pairs.",
                    Share(floor(pairs)),
                    gated().count(),
                    Share(needed),
                    super::fewest_pairs(needed)
                )
            } else {
                String::new()
            };
            format!("The pairs cannot tell for {}.{few}", list(Decision::Inconclusive))
        }
    }
}

/// What a run knows of its own 99th percentile, from the number of its samples alone.
fn own_uncertainty(baseline: &RunResult, candidate: &RunResult) -> Option<String> {
    const CONFIDENCE: f64 = 0.95;
    let range = |result: &RunResult| {
        let count = result.measurement.put.get("response")?.count;
        let (lower, upper) = order_statistics(count, 0.99, CONFIDENCE)?;
        let curve = &result.measurement.put_curve;
        let at = |rank: u64| rank as f64 / count as f64;
        let below = curve.iter().rev().find(|point| point.quantile <= at(lower))?.value;
        let above = curve.iter().find(|point| point.quantile >= at(upper))?.value;
        let [below, above] = [below, above].map(|nanos| units::duration(std::time::Duration::from_nanos(nanos)));
        Some(format!("{below} to {above}"))
    };
    Some(format!(
        "By the number of their samples alone, the put p99 of the two runs is known to lie in {} and {} ({}); from run to run it varies more.",
        range(baseline)?,
        range(candidate)?,
        Share(CONFIDENCE)
    ))
}
