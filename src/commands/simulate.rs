//! `streamgauge simulate`: what would happen, in virtual time.

use std::io::IsTerminal;
use std::sync::atomic::Ordering;

use indicatif::{ProgressBar, ProgressStyle};

use super::outcome::{Asked, Place, Shown, conclude};
use super::prices::known_prices;
use super::{Exit, fail, load, stop};
use crate::cli::Simulate;
use crate::kinesis::Profile;
use crate::plan::predict;
use crate::result::TargetRecord;
use crate::scenario::Scenario;
use crate::simulator;
use crate::time::Time;

/// Simulates a scenario.
pub fn simulate(arguments: &Simulate) -> Exit {
    let profile = Profile::newest();
    let prices = match known_prices(&arguments.scenario) {
        Ok(prices) => prices,
        Err(exit) => return exit,
    };
    let scenario = match load(&arguments.scenario, &profile) {
        Ok(scenario) => scenario,
        Err(exit) => return exit,
    };
    let place = match Place::make(arguments.out.as_deref(), &scenario) {
        Ok(place) => place,
        Err(exit) => return exit,
    };
    let plan = predict(&scenario, &profile, &prices);
    let stop = stop::at_signal();
    let bar = bar(&scenario);
    let simulated = simulator::run(&scenario, &profile, &mut |now: Time| {
        if let Some(bar) = &bar {
            bar.set_position(now.second());
        }
        !stop.load(Ordering::Relaxed)
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let outcome = match simulated {
        Ok(outcome) => outcome,
        Err(problem) => {
            fail(&format!(
                "the simulated service refuses the scenario: {problem}; change what it names in the scenario"
            ));
            return Exit::BadInput;
        }
    };
    let target = TargetRecord::Simulated { profile: profile.name.clone() };
    let asked = Asked { scenario: &scenario, profile: &profile, plan: &plan };
    conclude(&asked, target, outcome, &place, Shown { json: arguments.json, png: arguments.png })
}

fn bar(scenario: &Scenario) -> Option<ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let bar = ProgressBar::new(scenario.load.duration.as_secs().max(1));
    let style = ProgressStyle::with_template("{bar:30} {percent:>3}%  {pos} of {len} simulated seconds, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━╌"));
    Some(bar)
}
