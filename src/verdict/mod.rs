//! What a run comes to: whether it counts, whether it meets its objectives, where it differs from what was expected of it, and why it was
//! throttled.

mod agreement;
mod calibration;
mod comparison;
mod diagnosis;
mod expectation;
mod figure;
mod heat;
mod measured;
mod metric;
mod objectives;
mod observed;
mod row;
mod steadiness;
mod theil_sen;
mod validity;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use agreement::{Agreement, Tolerance};
pub use calibration::Calibration;
pub use diagnosis::{Cause, Cure, Limit, ThrottleCause};
pub(crate) use diagnosis::{Evidence, Moment, throttle_causes};
pub use expectation::Expectation;
pub use figure::Figure;
pub use heat::ShardHeat;
pub use metric::Metric;
pub use objectives::{ObjectiveResult, ObjectiveStatus};
pub use row::Comparison;
pub use steadiness::{Halves, HalvesUnit, Steadiness};
pub use validity::void_reasons;

use self::comparison::comparison;
use self::heat::{fullest, heat};
use self::measured::Measured;
use self::objectives::objectives;
use self::validity::{GeneratorLimit, generator_limits, generator_notes, nothing_accepted};
use crate::result::RunResult;
use crate::units::Share;

/// A plan against a result.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Verdict {
    /// What the verdict comes to.
    pub conclusion: Conclusion,
    /// One sentence for people.
    pub sentence: String,
    /// Why the run does not count, in full sentences; empty for a valid run.
    pub void_reasons: Vec<String>,
    /// Where the generator came near its own limits, in full sentences.
    pub generator_notes: Vec<String>,
    /// Each objective of the scenario.
    pub objectives: Vec<ObjectiveResult>,
    /// Predicted and measured side by side.
    pub comparison: Vec<Comparison>,
    /// What the comparison comes to; `None` if nothing could be judged.
    pub calibration: Option<Calibration>,
    /// Why attempts were throttled, the worst first; empty if none were, or if it was not asked for (`plan::diagnose`).
    pub throttling: Vec<ThrottleCause>,
    /// The halves of the run side by side; `None` if it was too short to tell.
    #[serde(default)]
    pub steadiness: Option<Steadiness>,
    /// Utilisation of each shard per second, 1 for a full shard, in the order of the result's shards: the heat map.
    pub heat: Vec<ShardHeat>,
}

impl Verdict {
    /// Mean utilisation of the fullest shard, 1 for a full one; `None` if no second was judged.
    pub fn fullest_shard(&self) -> Option<f64> {
        fullest(&self.heat)
    }
}

/// What a verdict comes to; the exit code follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Conclusion {
    /// The run is valid and meets every objective (or has none).
    Met,
    /// The run is valid and misses an objective, could not measure one, or had nothing accepted of what it offered.
    Missed,
    /// The run does not count.
    Void,
}

/// Judges a run: whether it counts, whether it meets its objectives, and where it differs from what was expected.
pub fn judge(plan: Expectation<'_>, result: &RunResult) -> Verdict {
    let measured = Measured::of(result);
    let void_reasons = void_reasons(result);
    let heat = heat(plan, result, &measured);
    let objectives = objectives(plan, result, &measured, &heat);
    // What could not be measured was not shown to be met.
    let met = objectives.iter().all(|objective| objective.status == ObjectiveStatus::Pass);
    let conclusion = if !void_reasons.is_empty() {
        Conclusion::Void
    } else if met && nothing_accepted(result).is_none() {
        Conclusion::Met
    } else {
        Conclusion::Missed
    };
    let comparison = comparison(plan, result, &measured, &heat);
    Verdict {
        sentence: sentence(
            conclusion,
            &objectives,
            nothing_accepted(result),
            &measured,
            &heat,
            &generator_limits(result),
        ),
        conclusion,
        generator_notes: generator_notes(result),
        void_reasons,
        objectives,
        calibration: Calibration::of(&comparison),
        comparison,
        throttling: Vec::new(),
        steadiness: Steadiness::of(result, measured.seconds),
        heat,
    }
}

fn sentence(
    conclusion: Conclusion,
    objectives: &[ObjectiveResult],
    nothing_accepted: Option<String>,
    measured: &Measured,
    heat: &[ShardHeat],
    limits: &[GeneratorLimit],
) -> String {
    let throttled = match measured.throttled_share() {
        Some(share) if share.0 > 0.0 => format!("{share} of the attempts were throttled"),
        Some(_) => "nothing was throttled".to_owned(),
        None => "nothing was sent after the warm-up".to_owned(),
    };
    let fullest = fullest(heat)
        .map_or_else(String::new, |mean| format!("; the fullest shard ran at {} of its write capacity", Share(mean)));
    match conclusion {
        Conclusion::Void => "The run is void: its figures do not count.".to_owned(),
        Conclusion::Met if objectives.is_empty() => format!("No objectives are set; {throttled}{fullest}."),
        Conclusion::Met if objectives.len() == 1 => format!("The one objective is met: {throttled}{fullest}."),
        Conclusion::Met => format!("All {} objectives are met: {throttled}{fullest}.", objectives.len()),
        Conclusion::Missed => {
            let missed = counted(objectives, ObjectiveStatus::Fail, "missed", |o| {
                format!("{} is {} (limit {})", o.metric, o.measured, o.limit)
            });
            let unmeasured = counted(objectives, ObjectiveStatus::NotMeasurable, "could not be measured", |o| {
                format!("{} ({})", o.metric, o.note.as_deref().unwrap_or("no figure"))
            });
            let mut reasons: Vec<String> = [nothing_accepted, missed, unmeasured].into_iter().flatten().collect();
            if let Some(letter) = reasons.first_mut().and_then(|reason| reason.get_mut(..1)) {
                letter.make_ascii_uppercase();
            }
            let clauses: Vec<&str> = limits.iter().filter_map(|limit| limit.clause.as_deref()).collect();
            let generator = if clauses.is_empty() {
                String::new()
            } else {
                format!(
                    " The load generator was at its own limit, and may be the cause instead of the stream: it {}.",
                    clauses.join(", and ")
                )
            };
            format!("{}{fullest}.{generator}", reasons.join("; "))
        }
    }
}

/// How many objectives have a status, and which; `None` without any.
fn counted(
    objectives: &[ObjectiveResult],
    status: ObjectiveStatus,
    what: &str,
    describe: impl Fn(&ObjectiveResult) -> String,
) -> Option<String> {
    let described: Vec<String> = objectives.iter().filter(|o| o.status == status).map(describe).collect();
    (!described.is_empty())
        .then(|| format!("{} of {} objectives {what}: {}", described.len(), objectives.len(), described.join(", ")))
}
