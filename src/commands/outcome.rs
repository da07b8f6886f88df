//! What a run or a simulation comes to: the verdict, the directory, the summary, the exit code.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::{Exit, fail, print, styled};
use crate::client::{Outcome as Fate, Reason};
use crate::kinesis::Profile;
use crate::measure::{DeadLetters, Outcome};
use crate::plan::{Plan, diagnose};
use crate::report;
use crate::result::{Files, NewDirectory, RunResult, TargetRecord};
use crate::scenario::Scenario;
use crate::verdict::{Conclusion, Verdict, judge};

/// Where a result goes.
pub(super) struct Place {
    /// The directory.
    pub directory: PathBuf,
    /// The same while it is not complete.
    staging: NewDirectory,
}

/// What is asked of a run, and what is expected of it.
pub(super) struct Asked<'a> {
    pub scenario: &'a Scenario,
    pub profile: &'a Profile,
    pub plan: &'a Plan,
}

/// How a result is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    /// The summary is JSON.
    pub json: bool,
    /// The charts of the page are there as PNG, too.
    pub png: bool,
}

impl Place {
    /// Makes the directory of the result before there is one, so that nothing is lost for want of a place.
    pub fn make(out: Option<&Path>, scenario: &Scenario) -> Result<Self, Exit> {
        let directory = out.map_or_else(|| default_directory(&scenario.name), Path::to_owned);
        let staging = NewDirectory::create(&directory).map_err(|error| {
            fail(&format!("{error}; name a new directory in a place that can be written to with --out"));
            Exit::BadInput
        })?;
        Ok(Self { directory, staging })
    }
}

/// Judges what a run came to, writes its directory and prints its summary.
pub(super) fn conclude(
    asked: &Asked<'_>,
    target: TargetRecord,
    mut outcome: Outcome,
    place: &Place,
    shown: Shown,
) -> Exit {
    let Asked { scenario, profile, plan } = *asked;
    let (details, began) = (outcome.take_details(), outcome.began);
    let result = &RunResult::new(scenario, target, outcome);
    let verdict = Verdict {
        throttling: diagnose(scenario, profile, plan.expectation(), result),
        ..judge(plan.expectation(), result)
    };
    let mut files: Files = details
        .logs
        .iter()
        .map(|(name, log)| (format!("{name}.hlog"), log.file(&format!("{name}, {}", scenario.name), began)))
        .collect();
    if !details.dead_letters.listed.is_empty() {
        files.push(("dead-letter.jsonl".to_owned(), dead_letter_file(&details.dead_letters, scenario, result)));
    }
    files.extend(super::on_failure::files(result));
    let reports = rendered(result, plan, &verdict);
    if shown.png {
        // A run is not lost for want of a picture: what is wrong is said, and all else is written.
        let page = reports.first().map(|(_, page)| String::from_utf8_lossy(page)).unwrap_or_default();
        files.extend(charts(&page).unwrap_or_default());
    }
    files.extend(reports);
    files.push(("scenario.toml".to_owned(), scenario.source.clone().into_bytes()));
    let written = place.staging.write(result, &files);
    let directory = &place.directory;
    let summary = if shown.json {
        report::json(result, plan, &verdict, directory)
    } else {
        report::terminal(result, plan, &verdict, directory, styled(&std::io::stdout()))
    };
    let printed = print(&summary);
    if let Err(error) = written {
        let kept = place.staging.staging().display();
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

/// The reports that every run gets, the page first.
pub(super) fn rendered(result: &RunResult, plan: &Plan, verdict: &Verdict) -> Files {
    let mut files = vec![
        ("report.html".to_owned(), report::html(result, plan, verdict).into_bytes()),
        ("report.md".to_owned(), report::markdown(result, plan, verdict).into_bytes()),
        ("junit.xml".to_owned(), report::junit([(result.scenario.name.as_str(), result, verdict)]).into_bytes()),
        ("series.csv".to_owned(), report::series_csv(result)),
    ];
    if report::shard_rows(result) <= report::SHARD_ROWS_MAX {
        files.push(("shards.csv".to_owned(), report::shards_csv(result)));
    }
    files
}

/// The charts of a page as PNG; prints to stderr why there are none.
#[cfg(feature = "png")]
pub(super) fn charts(page: &str) -> Result<Files, Exit> {
    report::pngs(page).map_err(|error| {
        fail(&error.to_string());
        Exit::NotWritten
    })
}

/// This program cannot draw PNG; it says so on stderr.
#[cfg(not(feature = "png"))]
pub(super) fn charts(_: &str) -> Result<Files, Exit> {
    fail(&super::without::without("png", "leave out --png"));
    Err(Exit::NotWritten)
}

/// A new directory under `reports/`, named for the time and `name`.
pub(super) fn default_directory(name: &str) -> PathBuf {
    let time = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let wanted = Path::new("reports").join(format!("{time}-{name}"));
    let numbered = |n: u32| Path::new("reports").join(format!("{time}-{name}-{n}"));
    if wanted.exists() { (2..).map(numbered).find(|path| !path.exists()).unwrap_or(wanted) } else { wanted }
}

/// The records that were not accepted, one JSON object per line. The data are a function of the number, and not repeated.
fn dead_letter_file(letters: &DeadLetters, scenario: &Scenario, result: &RunResult) -> Vec<u8> {
    #[derive(Serialize)]
    struct Line<'a> {
        index: u64,
        intended_ns: u64,
        partition_key: &'a str,
        shard: &'a str,
        attempts: u32,
        outcome: Fate,
        reason: &'a str,
    }
    let workload = scenario.workload();
    let mut file = Vec::new();
    for letter in &letters.listed {
        let arrival = workload.arrival_at(letter.index, letter.intended);
        let line = Line {
            index: letter.index,
            intended_ns: arrival.intended.as_nanos(),
            partition_key: &arrival.key,
            shard: result.measurement.shards.get(letter.shard).map_or("", |shard| &shard.id),
            attempts: letter.attempts,
            outcome: letter.outcome,
            reason: letter.reason.map_or("", Reason::word),
        };
        // Numbers and texts always have a form in JSON.
        if serde_json::to_writer(&mut file, &line).is_ok() {
            file.push(b'\n');
        }
    }
    file
}
