//! `streamgauge trend`: the history of runs, and where it changes.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Exit, fail, note, print, styled};
use crate::cli::Trend;
use crate::compare::{Run, trends};
use crate::report;
use crate::result::{Files, NewDirectory, read};
use crate::seed::Seed;

/// How deep below the directory runs are looked for.
const DEEPEST: u32 = 6;

/// Shows the history.
pub fn trend(arguments: &Trend) -> Exit {
    let mut directories = Vec::new();
    if let Err(problem) = find(&arguments.directory, DEEPEST, &mut directories) {
        fail(&problem);
        return Exit::BadInput;
    }
    directories.sort();
    let mut runs = Vec::new();
    for directory in &directories {
        let name = directory.strip_prefix(&arguments.directory).unwrap_or(directory).display().to_string();
        match read(directory) {
            Ok(result) => runs.push(Run { name, result }),
            Err(error) => note(&format!("left out: {error}")),
        }
    }
    runs.retain(|run| arguments.scenario.as_ref().is_none_or(|name| *name == run.result.scenario.name));
    if runs.is_empty() {
        let of = arguments.scenario.as_ref().map_or_else(String::new, |name| format!(" of the scenario `{name}`"));
        fail(&format!(
            "there is no run{of} under `{}`: runs are directories with a result.json",
            arguments.directory.display()
        ));
        return Exit::BadInput;
    }
    let (trends, undated) = trends(runs, Seed(arguments.seed));
    let report = report::trend::Report { trends: &trends, undated: &undated };
    let text = if arguments.json { report.json() } else { report.terminal(styled(&std::io::stdout())) };
    if let Err(exit) = print(&text) {
        return exit;
    }
    if let Some(path) = &arguments.html
        && let Err(error) = fs::write(path, report.html())
    {
        fail(&format!("cannot write `{}`: {error}", path.display()));
        return Exit::NotWritten;
    }
    arguments.csv.as_ref().map_or(Exit::Met, |directory| write_csv(directory, report.csv()))
}

fn write_csv(directory: &Path, files: Files) -> Exit {
    match NewDirectory::create(directory).and_then(|place| place.write_files(&files)) {
        Ok(()) => Exit::Met,
        Err(error) => {
            fail(&format!("{error}; name a new directory in a place that can be written to with --csv"));
            Exit::NotWritten
        }
    }
}

/// The directories of runs under `directory`.
fn find(directory: &Path, deeper: u32, found: &mut Vec<PathBuf>) -> Result<(), String> {
    if directory.join("result.json").is_file() {
        found.push(directory.to_owned());
    }
    let entries = fs::read_dir(directory).map_err(|error| format!("cannot read `{}`: {error}", directory.display()))?;
    for entry in entries.filter_map(Result::ok) {
        // Links are not followed: they may lead back.
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if deeper > 0 && !hidden && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            find(&entry.path(), deeper - 1, found)?;
        }
    }
    Ok(())
}
