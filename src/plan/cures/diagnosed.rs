//! Why a run was throttled, and what would help.

use super::study::Cures;
use crate::kinesis::Profile;
use crate::result::RunResult;
use crate::scenario::Scenario;
use crate::verdict::{Evidence, Expectation, Limit, ThrottleCause, throttle_causes};

/// What throttled a run, the worst first, and what would help against each. The throttled attempts of all causes but the reads come to those of
/// the run.
pub fn diagnose(
    scenario: &Scenario,
    profile: &Profile,
    expected: Expectation<'_>,
    result: &RunResult,
) -> Vec<ThrottleCause> {
    let cures = Cures { scenario, profile, plan: expected };
    let cured = |(cause, evidence): (ThrottleCause, Option<Evidence>)| ThrottleCause {
        cures: match evidence {
            Some(Evidence::Writes(worst)) => cures.of(&worst),
            Some(Evidence::Reads { record_bytes }) => {
                cures.of_reads(&cause.place, cause.bound.unwrap_or(Limit::Calls), record_bytes)
            }
            None => Vec::new(),
        },
        ..cause
    };
    throttle_causes(scenario, profile, expected, result).into_iter().map(cured).collect()
}
