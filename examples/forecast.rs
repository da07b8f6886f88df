//! Uses the library as a program of its own would: reads a scenario, plans it, simulates it, and says what came of it.
//!
//!     cargo run --no-default-features --example forecast -- scenarios/hot-shard.toml

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fmt::Write as _;

use streamgauge::{ObjectiveStatus, Scenario, plan, simulate};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "scenarios/quickstart.toml".to_owned());
    let text = std::fs::read_to_string(&path).map_err(|error| format!("cannot read {path}: {error}"))?;
    print!("{}", report(&path, &text)?);
    Ok(())
}

/// What to expect of a scenario, and what a simulation of it gives.
pub fn report(path: &str, text: &str) -> Result<String, Box<dyn Error>> {
    // A scenario with mistakes is refused with all of them at once, each with its place.
    let scenario = Scenario::parse(path, text).map_err(|diagnostics| diagnostics.render(false))?;
    let mut words = format!("{}\n", scenario.question.as_deref().unwrap_or(path));

    let plan = plan(&scenario);
    writeln!(words, "planned: {} shards needed", plan.capacity.required_shards)?;
    if let Some(recommendation) = &plan.recommendation {
        writeln!(words, "recommended: {} shards", recommendation.configuration.shards)?;
    }

    let simulated = simulate(&scenario)?;
    let counters = simulated.result.measurement.counters;
    writeln!(words, "simulated: {} of {} records accepted", counters.accepted, counters.offered)?;
    for objective in &simulated.verdict.objectives {
        let mark = if objective.status == ObjectiveStatus::Pass { "met" } else { "not met" };
        writeln!(words, "{}: {} ({mark})", objective.metric, objective.measured)?;
    }
    writeln!(words, "verdict: {:?}", simulated.verdict.conclusion)?;
    Ok(words)
}
