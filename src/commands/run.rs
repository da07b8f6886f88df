//! `streamgauge run`: drive the load, measure, judge, write the directory of the run, print the summary.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::signals::Signals;
use super::{Exit, fail, load, note, print, progress, styled};
use crate::cli::Run;
use crate::engine::{self, Control, EngineError, Progress, Target};
use crate::kinesis::Profile;
use crate::measure::{Counters, Ending};
use crate::plan::{Conclusion, Plan, Verdict, judge, predict};
use crate::report;
use crate::result::{Files, NewDirectory, RunResult, SCHEMA_VERSION, ScenarioRecord, TargetRecord};
use crate::scenario::Scenario;

/// Runs a scenario.
pub fn run(arguments: &Run) -> Exit {
    let profile = Profile::newest();
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
    let directory = arguments.out.clone().unwrap_or_else(|| default_directory(&scenario));
    let place = match NewDirectory::create(&directory) {
        Ok(place) => place,
        Err(error) => {
            fail(&format!("{error}; name a new directory in a place that can be written to with --out"));
            return Exit::BadInput;
        }
    };
    let plan = predict(&scenario, &profile);
    let run = match Runtime::new() {
        Ok(runtime) => runtime.block_on(measure(arguments, &scenario, &profile)),
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
        ending: run.ending,
        load_ended: run.load_ended,
        measurement: run.measurement,
    };
    let verdict = judge(&plan, &result);
    let mut files: Files = run
        .logs
        .iter()
        .map(|(name, log)| (format!("{name}.hlog"), log.file(&format!("{name}, {}", scenario.name), run.began)))
        .collect();
    files.push(("report.html".to_owned(), report::html(&result, &plan, &verdict).into_bytes()));
    files.push(("scenario.toml".to_owned(), scenario.source.clone().into_bytes()));
    let written = place.write(&result, &files);
    let summary = if arguments.json {
        Summary::json(&result, &plan, &verdict, &directory)
    } else {
        report::terminal(&result, &plan, &verdict, &directory, styled(&std::io::stdout()))
    };
    let printed = print(&summary);
    if let Err(error) = written {
        let kept = place.staging().display();
        fail(&format!("{error}; what could be written is in `{kept}`, and the summary above is of the whole run"));
        return Exit::NotWritten;
    }
    if let Err(exit) = printed {
        return exit;
    }
    match verdict.conclusion {
        Conclusion::Met => Exit::Met,
        Conclusion::Missed => Exit::Missed,
        Conclusion::Void => Exit::Void,
    }
}

async fn measure(
    arguments: &Run,
    scenario: &Scenario,
    profile: &Profile,
) -> Result<(engine::Run, TargetRecord), EngineError> {
    let (stop_sender, stop) = watch::channel(false);
    let (progress_sender, progress) = watch::channel(Progress::default());
    let shown = tokio::spawn(progress::show(progress, scenario.load.duration));
    tokio::spawn(stop_at_signal(stop_sender, progress_sender.subscribe()));
    let connection = engine::connect(&arguments.target, scenario.producer.timeout, profile, scenario.seed).await?;
    let target = match &arguments.target {
        Target::Embedded => TargetRecord::Embedded { profile: profile.name.clone() },
        Target::Endpoint(url) => TargetRecord::Endpoint { url: url.clone() },
        Target::Aws => TargetRecord::Aws { region: connection.region.clone().unwrap_or_default() },
    };
    let run = engine::run(&connection, scenario, profile, Control { stop, progress: progress_sender }).await;
    // The bar is gone before anything else is printed.
    let _ = shown.await;
    run.map(|run| (run, target))
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

fn default_directory(scenario: &Scenario) -> PathBuf {
    let time = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let wanted = Path::new("reports").join(format!("{time}-{}", scenario.name));
    let numbered = |n: u32| Path::new("reports").join(format!("{time}-{}-{n}", scenario.name));
    if wanted.exists() { (2..).map(numbered).find(|path| !path.exists()).unwrap_or(wanted) } else { wanted }
}

/// The summary of a run as `--json` prints it.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    schema_version: u32,
    scenario: &'a str,
    target: &'a TargetRecord,
    ending: &'a Ending,
    #[serde(flatten)]
    counters: &'a Counters,
    put: &'a std::collections::BTreeMap<String, crate::measure::LatencySummary>,
    consumers: Vec<ConsumerSummary<'a>>,
    plan: &'a Plan,
    verdict: &'a Verdict,
    warnings: &'a [String],
    directory: &'a Path,
}

#[derive(Debug, Serialize)]
struct ConsumerSummary<'a> {
    name: &'a str,
    lag: &'a crate::measure::LatencySummary,
    delivery: &'a crate::measure::DeliveryCheck,
}

impl<'a> Summary<'a> {
    fn json(result: &'a RunResult, plan: &'a Plan, verdict: &'a Verdict, directory: &'a Path) -> String {
        let measurement = &result.measurement;
        let summary = Self {
            schema_version: SCHEMA_VERSION,
            scenario: &result.scenario.name,
            target: &result.target,
            ending: &result.ending,
            counters: &measurement.counters,
            put: &measurement.put,
            consumers: measurement
                .consumers
                .iter()
                .map(|c| ConsumerSummary { name: &c.name, lag: &c.lag, delivery: &c.delivery })
                .collect(),
            plan,
            verdict,
            warnings: &measurement.warnings,
            directory,
        };
        serde_json::to_string_pretty(&summary)
            .map_or_else(|error| format!("{{\"error\":\"{error}\"}}\n"), |json| json + "\n")
    }
}
