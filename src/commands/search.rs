//! `streamgauge search`: the highest load that a configuration sustains, or the fewest shards that sustain a load.

use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};

use super::on_target::Measuring;
use super::outcome::default_directory;
use super::prices::known_prices;
use super::{Exit, fail, on_target, parse, print, read, stop, styled};
use crate::address::Target;
use crate::cli::{Search, SearchFor};
use crate::kinesis::Profile;
use crate::measure::Ending;
use crate::plan::predict;
use crate::prices::Prices;
use crate::report;
use crate::result::{Files, NewDirectory, RunResult, TargetRecord};
use crate::scenario::{Objectives, Scenario};
use crate::search::{self, Answer, Question, SearchError, Trial, TrialOutcome, Trials};
use crate::simulator;
use crate::verdict::{Conclusion, ObjectiveStatus, judge};

/// Searches.
pub fn search(arguments: &Search) -> Exit {
    let profile = Profile::newest();
    let prices = match known_prices(&arguments.scenario) {
        Ok(prices) => prices,
        Err(exit) => return exit,
    };
    let path = &arguments.scenario.path;
    let text = match read(path) {
        Ok(text) => text,
        Err(exit) => return exit,
    };
    let scenario = match parse(path, &text, &arguments.scenario.overrides, &profile) {
        Ok(scenario) => with_objectives(scenario),
        Err(exit) => return exit,
    };
    if let Err(problem) = check(arguments, &scenario) {
        fail(&problem);
        return Exit::BadInput;
    }
    let directory = arguments.out.clone().unwrap_or_else(|| default_directory(&format!("{}-search", scenario.name)));
    if arguments.target.is_some() {
        on_target::mention_leftovers();
    }
    let place = match NewDirectory::create(&directory) {
        Ok(place) => place,
        Err(error) => {
            fail(&format!("{error}; name a new directory in a place that can be written to with --out"));
            return Exit::BadInput;
        }
    };
    let measuring = match arguments.target.as_ref().map(Measuring::new).transpose() {
        Ok(measuring) => measuring,
        Err(problem) => {
            fail(&problem);
            return Exit::BadInput;
        }
    };
    // One of the two listens: a flag cannot say what a second signal leaves behind.
    let stop = measuring.is_none().then(stop::at_signal).unwrap_or_default();
    let searching =
        Searching { arguments, profile: &profile, prices: &prices, stop: &stop, measuring: measuring.as_ref() };
    let with_shards = |shards: u32| {
        if shards == scenario.stream.shards {
            return Some(scenario.clone());
        }
        // Some keys go by the number of shards.
        let mut overrides = arguments.scenario.overrides.clone();
        overrides.push(format!("stream.shards={shards}"));
        crate::scenario::parse(path, &text, &overrides, &profile).ok().map(with_objectives)
    };
    let (answers, ended) = searching.answers(&scenario, &with_shards);
    let target = arguments.target.as_ref().map_or_else(|| "simulated".to_owned(), ToString::to_string);
    let report = report::search::Report { scenario: &scenario, profile: &profile, target: &target, answers: &answers };
    let json = report.json();
    let files: Files = vec![
        ("search.html".to_owned(), report.html().into_bytes()),
        ("search.csv".to_owned(), report.csv()),
        ("search.json".to_owned(), json.clone().into_bytes()),
        ("scenario.toml".to_owned(), scenario.source.clone().into_bytes()),
    ];
    let exit = written(arguments, &place, &files, &report, (&answers, ended), (&directory, json));
    measuring.map_or(exit, |measuring| measuring.conclude(exit))
}

/// Writes and prints what was found; how the program ends.
fn written(
    arguments: &Search,
    place: &NewDirectory,
    files: &Files,
    report: &report::search::Report<'_>,
    (answers, ended): (&[Answer], Result<(), SearchError>),
    (directory, json): (&Path, String),
) -> Exit {
    let written = place.write_files(files);
    let summary = if arguments.json { json } else { report.terminal(directory, styled(&std::io::stdout())) };
    let printed = print(&summary);
    if let Err(error) = written {
        let kept = place.staging().display();
        fail(&format!("{error}; what could be written is in `{kept}`, and the table above is of the whole search"));
        return Exit::NotWritten;
    }
    match (printed, ended) {
        (Err(exit), _) => exit,
        (Ok(()), Err(error)) => {
            fail(&format!("{error}; the trials that were made are in `{}`", directory.display()));
            if error == SearchError::Interrupted { Exit::Void } else { Exit::BadInput }
        }
        (Ok(()), Ok(())) if answers.iter().all(|answer| answer.found.as_ref().is_some_and(|f| f.median.is_some())) => {
            Exit::Met
        }
        (Ok(()), Ok(())) => Exit::Missed,
    }
}

/// A scenario without objectives gets one: that nearly nothing is throttled.
fn with_objectives(mut scenario: Scenario) -> Scenario {
    let none = scenario.consumers.iter().all(|consumer| consumer.lag_p99.is_none());
    if none && scenario.objectives == Objectives::default() {
        scenario.objectives.throttled = Some(Objectives::USUAL_THROTTLED);
    }
    scenario
}

fn check(arguments: &Search, scenario: &Scenario) -> Result<(), String> {
    arguments.target.as_ref().map_or(Ok(()), on_target::check)?;
    if scenario.with_load(1.0).is_none() {
        return Err("a search changes the rate of the load: recorded arrivals and closed loops have none, so give it a rate or phases".to_owned());
    }
    let fixed = scenario.stream.name.is_some();
    if arguments.question == SearchFor::Shards && fixed && arguments.target.is_some() {
        return Err("a search for shards makes streams of its own: leave out stream.name".to_owned());
    }
    if arguments.question == SearchFor::Rate && arguments.loads != [1.0] {
        return Err("--loads belongs to --for shards: for the rate, the load is what is searched".to_owned());
    }
    let emulated = matches!(arguments.target, None | Some(Target::Embedded));
    if !scenario.faults.is_empty() && !emulated {
        return Err(
            "the scenario has [[fault]] tables, which only the embedded emulator and the simulator obey".to_owned()
        );
    }
    if scenario.stream.transitions > 0.0 && !emulated {
        return Err(
            "stream.transitions is for the embedded emulator and the simulator: others take their own time".to_owned()
        );
    }
    Ok(())
}

struct Searching<'a> {
    arguments: &'a Search,
    profile: &'a Profile,
    prices: &'a Prices,
    stop: &'a AtomicBool,
    /// What trials on a target need.
    measuring: Option<&'a Measuring>,
}

impl Searching<'_> {
    /// The answer to each question, as far as the search came.
    fn answers(
        &self,
        scenario: &Scenario,
        with_shards: &(dyn Fn(u32) -> Option<Scenario> + Sync),
    ) -> (Vec<Answer>, Result<(), SearchError>) {
        // Runs in real time would share the machine, and disturb one another.
        let threads = match self.arguments.target {
            Some(_) => 1,
            None => self.arguments.threads.map_or(0, NonZeroUsize::get),
        };
        let pool = match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
            Ok(pool) => pool,
            Err(error) => {
                return (
                    Vec::new(),
                    Err(SearchError::Trial(format!(
                        "the threads cannot be started: {error}; --threads 1 needs the fewest"
                    ))),
                );
            }
        };
        let bar = bar();
        let mut answers = Vec::new();
        for load in &self.arguments.loads {
            let (question, modelled, start) = match self.arguments.question {
                SearchFor::Rate => {
                    let modelled = search::modelled_capacity(scenario, self.profile, self.prices);
                    (Question::Load { precision: self.arguments.precision.0 }, modelled, modelled.unwrap_or(1.0))
                }
                SearchFor::Shards => {
                    let modelled = search::modelled_demand(with_shards, *load, self.profile, self.prices);
                    let start = modelled.unwrap_or(scenario.stream.shards);
                    (Question::Shards, modelled.map(f64::from), f64::from(start))
                }
            };
            let made = Mutex::new(Vec::new());
            let done = |trial: &Trial| {
                if let Some(bar) = &bar {
                    bar.inc(1);
                }
                made.lock().unwrap_or_else(PoisonError::into_inner).push(trial.clone());
            };
            let run = |scenario: &Scenario| self.trial(scenario);
            let trials = Trials { with_shards, run: &run, done: &done };
            let found =
                pool.install(|| search::search(question, *load, start, self.arguments.repeats, scenario, &trials));
            let mut made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
            // Threads end in any order.
            made.sort_by_key(|trial: &Trial| trial.repeat);
            let rate = scenario.with_load(*load).unwrap_or_else(|| scenario.clone()).mean_rate();
            let (found, ended) = match found {
                Ok(found) => (Some(found), Ok(())),
                Err(error) => (None, Err(error)),
            };
            let shards = scenario.stream.shards;
            answers.push(Answer { question, load: *load, rate, shards, modelled, found, trials: made });
            if ended.is_err() {
                return (answers, ended);
            }
        }
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        (answers, Ok(()))
    }

    /// One run and its verdict.
    fn trial(&self, scenario: &Scenario) -> Result<TrialOutcome, SearchError> {
        if self.is_stopped() {
            return Err(SearchError::Interrupted);
        }
        let result = match self.measuring {
            None => self.simulated(scenario)?,
            Some(measuring) => measuring.trial(scenario, self.profile)?,
        };
        if result.ending == Ending::Interrupted || self.is_stopped() {
            return Err(SearchError::Interrupted);
        }
        let verdict = judge(predict(scenario, self.profile, self.prices).expectation(), &result);
        let missed = verdict.objectives.iter().filter(|objective| objective.status != ObjectiveStatus::Pass);
        Ok(match verdict.conclusion {
            Conclusion::Met => TrialOutcome::Sustained,
            Conclusion::Void => TrialOutcome::Void { reasons: verdict.void_reasons },
            Conclusion::Missed => TrialOutcome::Missed {
                missed: missed.map(|objective| format!("{}: {}", objective.metric, objective.measured)).collect(),
            },
        })
    }

    /// Whether a signal has come.
    fn is_stopped(&self) -> bool {
        self.measuring.map_or_else(|| self.stop.load(Ordering::Relaxed), Measuring::is_stopped)
    }

    fn simulated(&self, scenario: &Scenario) -> Result<RunResult, SearchError> {
        let simulation = simulator::run(scenario, self.profile, &mut |_| !self.stop.load(Ordering::Relaxed));
        let simulation = simulation.map_err(|problem| {
            SearchError::Trial(format!(
                "the simulated service refuses a trial: {problem}; change what it names in the scenario"
            ))
        })?;
        let target = TargetRecord::Simulated { profile: self.profile.name.clone() };
        Ok(RunResult::new(scenario, target, simulation))
    }
}

fn bar() -> Option<ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let bar = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{spinner} {pos} trials, {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    Some(bar)
}
