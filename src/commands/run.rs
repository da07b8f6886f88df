//! `streamgauge run`: drive the load, measure, judge, write the directory of the run, print the summary.

use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::outcome::{conclude, place};
use super::prices::known_prices;
use super::signals::Signals;
use super::{Exit, fail, load, note, progress};
use crate::cli::Run;
use crate::client::Part;
use crate::engine::{self, Control, EngineError, Progress, Target};
use crate::kinesis::{HashKeyRange, Profile};
use crate::plan::{Plan, expected_load, predict};
use crate::report::printable;
use crate::result::{RunResult, SCHEMA_VERSION, ScenarioRecord, TargetRecord};
use crate::scenario::Scenario;
use crate::units::{Bytes, Share};

/// Runs a scenario.
pub fn run(arguments: &Run) -> Exit {
    let profile = Profile::newest();
    let prices = match known_prices(&arguments.scenario) {
        Ok(prices) => prices,
        Err(exit) => return exit,
    };
    let scenario = match load(&arguments.scenario, &profile) {
        Ok(scenario) => scenario,
        Err(exit) => return exit,
    };
    if !scenario.faults.is_empty() && arguments.target != Target::Embedded {
        fail(
            "the scenario has [[fault]] tables, which only the embedded emulator obeys: remove them, or leave out --target",
        );
        return Exit::BadInput;
    }
    if scenario.stream.transitions > 0.0 && arguments.target != Target::Embedded {
        fail(
            "stream.transitions is for the embedded emulator, and others take their own time: remove it, or leave out --target",
        );
        return Exit::BadInput;
    }
    if let Err(problem) = check_part(arguments, &scenario) {
        fail(&problem);
        return Exit::BadInput;
    }
    let (directory, place) = match place(arguments.out.as_deref(), &scenario) {
        Ok(place) => place,
        Err(exit) => return exit,
    };
    let plan = predict(&scenario, &profile, &prices);
    let run = match Runtime::new() {
        Ok(runtime) => runtime.block_on(measure(arguments, &scenario, &profile, &plan)),
        Err(error) => {
            fail(&format!("the asynchronous runtime cannot start: {error}"));
            return Exit::BadInput;
        }
    };
    let (run, target) = match run {
        Ok(run) => run,
        Err(error) => {
            fail(&error.to_string());
            return if matches!(error, EngineError::Stopped) { Exit::Void } else { Exit::BadInput };
        }
    };
    let result = RunResult {
        schema_version: SCHEMA_VERSION,
        streamgauge_version: env!("CARGO_PKG_VERSION").to_owned(),
        started: rfc_3339(run.began),
        scenario: ScenarioRecord::from(&scenario),
        target,
        stream_name: run.stream,
        part: arguments.part,
        ending: run.ending,
        load_ended: run.load_ended,
        measurement: run.measurement,
    };
    conclude(
        &scenario,
        &profile,
        &plan,
        &result,
        &run.logs,
        &run.dead_letters,
        run.began,
        place,
        &directory,
        arguments.json,
        arguments.png,
    )
}

/// Whether several processes can offer the scenario together.
fn check_part(arguments: &Run, scenario: &Scenario) -> Result<(), String> {
    if arguments.part == Part::WHOLE {
        return Ok(());
    }
    if arguments.run_id.is_none() {
        return Err(
            "--part needs a --run-id that all processes of the load share, and no other load on the stream: any word"
                .to_owned(),
        );
    }
    if arguments.target == Target::Embedded {
        return Err(
            "--part needs a target that all processes reach: each has an embedded emulator of its own".to_owned()
        );
    }
    if scenario.stream.name.is_none() {
        return Err("--part needs a stream that all processes use: name it in the scenario, by stream.name".to_owned());
    }
    if scenario.load.closed_loop.is_some() {
        return Err("a closed-loop load has no parts: give each process producers of its own".to_owned());
    }
    Ok(())
}

async fn measure(
    arguments: &Run,
    scenario: &Scenario,
    profile: &Profile,
    plan: &Plan,
) -> Result<(engine::Run, TargetRecord), EngineError> {
    let (stop_sender, stop) = watch::channel(false);
    let (progress_sender, progress) = watch::channel(Progress::default());
    let (asked, limits, plan) = (scenario.clone(), profile.clone(), plan.clone());
    let announce = move |shards: &[(String, HashKeyRange)]| announce(&asked, &limits, &plan, shards);
    let shown = tokio::spawn(progress::show(progress, scenario.load.duration, announce));
    tokio::spawn(stop_at_signal(stop_sender, progress_sender.subscribe()));
    let connection = engine::connect(&arguments.target, scenario.producer.timeout, profile, scenario.seed).await?;
    let target = match &arguments.target {
        Target::Embedded => TargetRecord::Embedded { profile: profile.name.clone() },
        Target::Endpoint(url) => TargetRecord::Endpoint { url: url.clone() },
        Target::Aws => TargetRecord::Aws { region: connection.region.clone().unwrap_or_default() },
    };
    let run = engine::run(
        &connection,
        scenario,
        profile,
        Control { part: arguments.part, run_id: arguments.run_id.clone(), ..Control::new(stop, progress_sender) },
    )
    .await;
    // The bar is gone before anything else is printed.
    let _ = shown.await;
    run.map(|run| (run, target))
}

/// What the shards of the stream will be offered: the fullest first.
fn announce(scenario: &Scenario, profile: &Profile, plan: &Plan, shards: &[(String, HashKeyRange)]) -> Vec<String> {
    const MOST_LINES: usize = 8;
    let ranges: Vec<HashKeyRange> = shards.iter().map(|(_, range)| *range).collect();
    // The load is about to begin: what the plan has weighed is not weighed again.
    let planned = ranges == HashKeyRange::initial(plan.scenario_shards);
    let loads = if planned { plan.shards.clone() } else { expected_load(scenario, profile, &ranges) };
    let mut order: Vec<usize> = (0..loads.len().min(shards.len())).collect();
    order.sort_by(|a, b| loads[*b].utilisation.total_cmp(&loads[*a].utilisation));
    let full = |index: Option<&usize>| index.map_or(Share(0.0), |index| Share(loads[*index].utilisation));
    let (most, least) = (full(order.first()), full(order.last()));
    let load = if scenario.load.closed_loop.is_some() { "load of a closed loop without throttling" } else { "load" };
    let head =
        format!("expected {load} of {} shard(s): {most} of the write limit at most, {least} at least", shards.len());
    let shard = |index: &usize| {
        let load = &loads[*index];
        let bytes = Bytes(load.bytes.round() as u64);
        format!(
            "  {}  {:>6}  {:>14}  {bytes}/s",
            printable(&shards[*index].0),
            Share(load.utilisation).to_string(),
            load.records.to_string()
        )
    };
    let rest = order.len().saturating_sub(MOST_LINES);
    let rest = (rest > 0).then(|| format!("  and {rest} with less"));
    std::iter::once(head).chain(order.iter().take(MOST_LINES).map(shard)).chain(rest).collect()
}

/// The first signal ends the run and keeps what was measured; a second one ends the program.
async fn stop_at_signal(stop: watch::Sender<bool>, progress: watch::Receiver<Progress>) {
    let Ok(mut signals) = Signals::new() else { return };
    signals.next().await;
    stop.send_replace(true);
    note("stopping: waiting for what is under way; again to give up");
    let signal = signals.next().await;
    if let Some(stream) = &progress.borrow().created_stream {
        note(&format!("the stream `{stream}` may be left behind with its consumers; delete it by hand"));
    }
    std::process::exit(128 + signal);
}

/// A time since 1970 in whole seconds.
fn rfc_3339(since_1970: Duration) -> String {
    let time = Timestamp::UNIX_EPOCH.checked_add(since_1970).unwrap_or(Timestamp::MAX);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
