//! The interface of the library: a scenario in; what to expect of it, what to do about it, and what a simulation of it gives.

use std::path::Path;

use crate::forecast::Forecast;
use crate::kinesis::Profile;
use crate::plan::{Plan, diagnose, predict};
use crate::prices::Prices;
use crate::result::{ReadError, RunResult, TargetRecord};
use crate::scenario::{self, Diagnostics, Scenario};
use crate::simulator;
use crate::verdict::{Verdict, judge};

impl Scenario {
    /// Reads a scenario from its TOML text. `path` names it in diagnostics, and a trace that it names is looked for beside it.
    ///
    /// # Errors
    /// All mistakes of the text at once, each with its place and its cure.
    pub fn parse(path: impl AsRef<Path>, text: &str) -> Result<Self, Diagnostics> {
        scenario::parse(path.as_ref(), text, &[], &Profile::newest())
    }

    /// The same with `overrides` such as `load.rate=500/s`, as `--set` takes them.
    ///
    /// # Errors
    /// All mistakes of the text and of the overrides at once.
    pub fn parse_with(path: impl AsRef<Path>, text: &str, overrides: &[String]) -> Result<Self, Diagnostics> {
        scenario::parse(path.as_ref(), text, overrides, &Profile::newest())
    }
}

impl RunResult {
    /// Reads the result in a directory that `streamgauge run` or `simulate` has written, of this or an earlier version.
    ///
    /// # Errors
    /// There is none, it is none, or a later version has written it.
    pub fn read(directory: impl AsRef<Path>) -> Result<Self, ReadError> {
        crate::result::read(directory.as_ref())
    }
}

/// What will happen to the load of a scenario, in closed form: by the newest profile that is compiled in.
pub fn forecast(scenario: &Scenario) -> Forecast {
    plan(scenario).forecast
}

/// What to expect of a scenario, what its load needs and costs, and what to do about it: by the newest profile and prices that are
/// compiled in.
pub fn plan(scenario: &Scenario) -> Plan {
    predict(scenario, &Profile::newest(), &Prices::newest())
}

/// A simulated run.
#[derive(Debug, Clone)]
pub struct Simulated {
    /// All that it produced.
    pub result: RunResult,
    /// Whether it meets its objectives, why it throttled, and where it differs from the plan.
    pub verdict: Verdict,
}

/// The simulated service refuses what the scenario asks for, such as more shards than an account has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the simulated service refuses the scenario: {0}; change what it names in the scenario")]
pub struct SimulateError(String);

/// Plays a scenario in virtual time, and judges what came of it against its plan. The same scenario gives the same result, to the byte.
///
/// # Errors
/// The simulated service refuses the scenario.
pub fn simulate(scenario: &Scenario) -> Result<Simulated, SimulateError> {
    let profile = Profile::newest();
    let simulation = simulator::run(scenario, &profile, &mut |_| true).map_err(SimulateError)?;
    let target = TargetRecord::Simulated { profile: profile.name.clone() };
    let result = RunResult::new(scenario, target, simulation);
    let plan = plan(scenario);
    let verdict = judge(plan.expectation(), &result);
    let verdict = Verdict { throttling: diagnose(scenario, &profile, plan.expectation(), &result), ..verdict };
    Ok(Simulated { result, verdict })
}
