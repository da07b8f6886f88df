//! `streamgauge simulate`: what would happen, in virtual time.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::runtime::{Builder, Runtime};

use super::outcome::{conclude, place};
use super::prices::known_prices;
use super::signals::Signals;
use super::{Exit, fail, load};
use crate::cli::Simulate;
use crate::kinesis::Profile;
use crate::plan::predict;
use crate::result::RunResult;
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
    let (directory, place) = match place(arguments.out.as_deref(), &scenario) {
        Ok(place) => place,
        Err(exit) => return exit,
    };
    let plan = predict(&scenario, &profile, &prices);
    let stop = Arc::new(AtomicBool::new(false));
    // Without a runtime there are no signals: the first one ends the program as it ends any other.
    let _listening = listen(&stop);
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
    let simulation = match simulated {
        Ok(simulation) => simulation,
        Err(problem) => {
            fail(&format!(
                "the simulated service refuses the scenario: {problem}; change what it names in the scenario"
            ));
            return Exit::BadInput;
        }
    };
    let (result, logs, letters) = RunResult::simulated(&scenario, &profile, simulation);
    conclude(
        &scenario,
        &profile,
        &plan,
        &result,
        &logs,
        &letters,
        Duration::ZERO,
        place,
        &directory,
        arguments.json,
        arguments.png,
    )
}

/// Sets `stop` at the first signal; a second one ends the program.
pub(super) fn listen(stop: &Arc<AtomicBool>) -> Option<Runtime> {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_io().build().ok()?;
    let stop = stop.clone();
    runtime.spawn(async move {
        let Ok(mut signals) = Signals::new() else { return };
        signals.next().await;
        stop.store(true, Ordering::Relaxed);
        let signal = signals.next().await;
        std::process::exit(128 + signal);
    });
    Some(runtime)
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
