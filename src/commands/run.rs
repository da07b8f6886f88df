//! `streamgauge run`: drive the load, measure, judge, write the directory of the run, print the summary.

use std::path::PathBuf;

use tokio::runtime::{Handle, Runtime};
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};

use super::leftovers::{give_up, stop_at};
use super::outcome::{Asked, Place, Shown, conclude};
use super::prices::known_prices;
use super::progress::Teller;
use super::signals::Signals;
use super::tui::Screen;
use super::{Exit, console, fail, leftovers, load, metrics, no_runtime, no_signals};
use crate::cli::{ProgressMode, Run};
use crate::client::Part;
use crate::engine::{self, Control, Created, EngineError, OpenShard, Progress, Target};
use crate::forecast::expected_load;
use crate::kinesis::{HashKeyRange, Profile};
use crate::measure::Outcome;
use crate::plan::{Plan, predict};
use crate::report::printable;
use crate::result::TargetRecord;
use crate::scenario::Scenario;
use crate::units::{Bytes, Share};
use crate::view::{About, State, json};

/// Runs a scenario.
pub fn run(arguments: &Run) -> Exit {
    let mut directory = None;
    let exit = attempt(arguments, &mut directory);
    if arguments.live.progress == ProgressMode::Json {
        let (exit_code, outcome) = exit.code();
        let directory = directory.map(|directory| directory.display().to_string());
        console::line(&json::end(&json::End { exit_code, outcome, directory: directory.as_deref() }));
    }
    exit
}

/// A run that can begin.
struct Ready {
    profile: Profile,
    scenario: Scenario,
    plan: Plan,
    teller: Teller,
    place: Place,
}

/// Runs a scenario; `made` becomes the directory of its result.
fn attempt(arguments: &Run, made: &mut Option<PathBuf>) -> Exit {
    let Ready { profile, scenario, plan, teller, place } = match ready(arguments) {
        Ok(ready) => ready,
        Err(exit) => return exit,
    };
    let created = Created::new(leftovers::directory(), teller.say_later());
    let measured = match Runtime::new() {
        Ok(runtime) => runtime.block_on(measure(arguments, teller, &scenario, &profile, &plan, &created)),
        Err(error) => Err(Unmeasured::Unwatched(no_runtime(&error))),
    };
    let (outcome, target) = match measured {
        Ok(measured) => measured,
        Err(unmeasured) => return leftovers::conclude(&created, unmeasured.told()),
    };
    *made = Some(place.directory.clone());
    let asked = Asked { scenario: &scenario, profile: &profile, plan: &plan };
    let exit = conclude(&asked, target, outcome, &place, Shown { json: arguments.json, png: arguments.png });
    leftovers::conclude(&created, exit)
}

/// Reads and checks what is asked for, and makes the place of the result; prints what is wrong.
fn ready(arguments: &Run) -> Result<Ready, Exit> {
    let bad_input = |problem: String| {
        fail(&problem);
        Exit::BadInput
    };
    let profile = Profile::newest();
    let prices = known_prices(&arguments.scenario)?;
    let scenario = load(&arguments.scenario, &profile)?;
    check_target(arguments, &scenario).map_err(bad_input)?;
    check_part(arguments, &scenario).map_err(bad_input)?;
    let mode = if arguments.live.tui { ProgressMode::None } else { arguments.live.progress };
    let teller = Teller::new(mode, scenario.load.duration).map_err(bad_input)?;
    let place = Place::make(arguments.out.as_deref(), &scenario)?;
    leftovers::mention();
    let plan = predict(&scenario, &profile, &prices);
    Ok(Ready { profile, scenario, plan, teller, place })
}

/// Whether the target can do what the scenario asks for.
fn check_target(arguments: &Run, scenario: &Scenario) -> Result<(), String> {
    if arguments.target == Target::Embedded {
        return Ok(());
    }
    if !scenario.faults.is_empty() {
        return Err(
            "the scenario has [[fault]] tables, which only the embedded emulator obeys: remove them, or leave out --target".to_owned(),
        );
    }
    if scenario.stream.transitions > 0.0 {
        return Err(
            "stream.transitions is for the embedded emulator, and others take their own time: remove it, or leave out --target"
                .to_owned(),
        );
    }
    Ok(())
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
            "--part needs a target that all processes reach, since each has an embedded emulator of its own: name it with --target".to_owned()
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

/// Why nothing was measured.
enum Unmeasured {
    /// The engine says so.
    Engine(EngineError),
    /// The run cannot be watched as it is to be.
    Unwatched(String),
}

impl Unmeasured {
    /// How the program ends; prints why.
    fn told(self) -> Exit {
        let (problem, exit) = match self {
            Self::Engine(EngineError::Stopped) => (EngineError::Stopped.to_string(), Exit::Void),
            Self::Engine(error) => (error.to_string(), Exit::BadInput),
            Self::Unwatched(problem) => (problem, Exit::BadInput),
        };
        fail(&problem);
        exit
    }
}

async fn measure(
    arguments: &Run,
    teller: Teller,
    scenario: &Scenario,
    profile: &Profile,
    plan: &Plan,
    created: &Created,
) -> Result<(Outcome, TargetRecord), Unmeasured> {
    let signals = Signals::new().map_err(|error| Unmeasured::Unwatched(no_signals(&error)))?;
    let (stop_sender, stop) = watch::channel(false);
    let (progress_sender, progress) = watch::channel(Progress::default());
    let state = State::new(about(arguments, scenario, profile));
    teller.begin(state.about());
    if let Some(address) = arguments.live.metrics {
        let served = metrics::serve(address, state.clone(), progress.clone()).await;
        let (url, warning) = served.map_err(Unmeasured::Unwatched)?;
        warning.iter().for_each(|warning| teller.say(warning));
        teller.say(&format!("metrics at {url}"));
    }
    let (announced_sender, announced) = watch::channel(false);
    let shown = show(
        arguments,
        teller,
        state,
        (progress, announced_sender),
        (&stop_sender, created),
        (scenario, profile, plan),
    )?;
    tokio::spawn(stop_at(signals, stop_sender, created.clone()));
    let control = Control {
        part: arguments.part,
        run_id: arguments.run_id.clone(),
        announced: Some(announced),
        created: created.clone(),
        ..Control::new(stop, progress_sender)
    };
    let run = connect_and_run(arguments, scenario, profile, control).await;
    // The bar or the screen is gone before anything else is printed.
    let _ = shown.await;
    run.map_err(Unmeasured::Engine)
}

async fn connect_and_run(
    arguments: &Run,
    scenario: &Scenario,
    profile: &Profile,
    control: Control,
) -> Result<(Outcome, TargetRecord), EngineError> {
    let connection = engine::connect(&arguments.target, scenario.producer.timeout, profile, scenario.seed).await?;
    let target = match &arguments.target {
        Target::Embedded => TargetRecord::Embedded { profile: profile.name.clone() },
        Target::Endpoint(url) => TargetRecord::Endpoint { url: url.clone() },
        Target::Aws => TargetRecord::Aws { region: connection.region.clone().unwrap_or_default() },
    };
    engine::run(&connection, scenario, profile, control).await.map(|run| (run, target))
}

/// Shows the run on a thread of its own, where a slow reader keeps nobody waiting, and says when the shards have been told.
fn show(
    arguments: &Run,
    teller: Teller,
    state: State,
    (progress, announced): (watch::Receiver<Progress>, watch::Sender<bool>),
    (stop, created): (&watch::Sender<bool>, &Created),
    (scenario, profile, plan): (&Scenario, &Profile, &Plan),
) -> Result<JoinHandle<()>, Unmeasured> {
    let (asked, limits, plan) = (scenario.clone(), profile.clone(), plan.clone());
    let announce = move |shards: &[OpenShard]| announce(&asked, &limits, &plan, shards);
    if !arguments.live.tui {
        let runtime = Handle::current();
        return Ok(spawn_blocking(move || runtime.block_on(teller.show(state, progress, announce, &announced))));
    }
    let screen = Screen::take().map_err(Unmeasured::Unwatched)?;
    let (stop, created) = (stop.clone(), created.clone());
    Ok(spawn_blocking(move || screen.show(state, progress, &stop, || give_up(&created, 2), announce)))
}

fn about(arguments: &Run, scenario: &Scenario, profile: &Profile) -> About {
    let target = match &arguments.target {
        Target::Embedded => format!("the embedded emulator ({}): a model of AWS, not AWS", profile.name),
        Target::Endpoint(url) => url.clone(),
        Target::Aws => "AWS".to_owned(),
    };
    let processors = std::thread::available_parallelism().map_or(0, |processors| processors.get());
    About::new(scenario, profile, target, u32::try_from(processors).unwrap_or(u32::MAX))
}

/// What the shards of the stream will be offered: the fullest first.
fn announce(scenario: &Scenario, profile: &Profile, plan: &Plan, shards: &[OpenShard]) -> Vec<String> {
    const MOST_LINES: usize = 8;
    let ranges: Vec<HashKeyRange> = shards.iter().map(|shard| shard.range).collect();
    // The load is about to begin: what the plan has weighed is not weighed again.
    let planned = ranges == HashKeyRange::initial(plan.forecast.scenario_shards);
    let loads = if planned { plan.forecast.shards.clone() } else { expected_load(scenario, profile, &ranges) };
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
            printable(&shards[*index].id),
            Share(load.utilisation).to_string(),
            load.records.to_string()
        )
    };
    let rest = order.len().saturating_sub(MOST_LINES);
    let rest = (rest > 0).then(|| format!("  and {rest} with less"));
    std::iter::once(head).chain(order.iter().take(MOST_LINES).map(shard)).chain(rest).collect()
}
