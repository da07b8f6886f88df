//! `streamgauge compare`: a candidate against a baseline.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Exit, fail, print, styled};
use crate::cli::{Compare, GateArgs, Inconclusive};
use crate::compare::{self, Comparison, Decision, Run, Settings};
use crate::report;
use crate::result::{read, read_file};

/// Compares.
pub fn compare(arguments: &Compare) -> Exit {
    let sides = (runs_of(&arguments.baseline), runs_of(&arguments.candidate));
    let (baseline, candidate) = match sides {
        (Ok(baseline), Ok(candidate)) => (baseline, candidate),
        (baseline, candidate) => {
            for problem in [baseline.err(), candidate.err()].into_iter().flatten() {
                fail(&problem);
            }
            return Exit::BadInput;
        }
    };
    let settings = Settings { metrics: arguments.gate.asked(), different: arguments.different_scenarios };
    let name = |path: &Path| path.display().to_string();
    let baseline = (name(&arguments.baseline), baseline);
    let candidate = (name(&arguments.candidate), candidate);
    match compare::compare(baseline, candidate, &settings, None) {
        Ok(comparison) => tell(&comparison, &arguments.gate),
        Err(refusals) => {
            fail(&refused(&refusals));
            Exit::BadInput
        }
    }
}

/// Why results cannot be compared.
pub(super) fn refused(refusals: &[String]) -> String {
    format!("these results cannot be compared:\n  {}", refusals.join("\n  "))
}

/// Prints a comparison in the form that was asked for.
pub(super) fn tell(comparison: &Comparison, arguments: &GateArgs) -> Exit {
    let text = if arguments.json {
        report::comparison::json(comparison)
    } else if arguments.markdown {
        report::comparison::markdown(comparison)
    } else {
        report::comparison::text(comparison, styled(&std::io::stdout()))
    };
    if let Err(exit) = print(&text) {
        return exit;
    }
    match comparison.decision {
        Decision::Equivalent | Decision::Improved => Exit::Met,
        Decision::Regressed | Decision::Changed => Exit::Missed,
        Decision::Inconclusive if arguments.inconclusive == Inconclusive::Fail => Exit::Missed,
        Decision::Inconclusive => Exit::Met,
        Decision::Void => Exit::Void,
    }
}

/// The runs that a path names: a result, the directory of a run, or a directory of such directories.
pub(super) fn runs_of(path: &Path) -> Result<Vec<Run>, String> {
    let shown = path.display();
    let name = |path: &Path| path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    if path.is_file() {
        let result = read_file(path).map_err(|error| error.to_string())?;
        return Ok(vec![Run { name: name(path), result }]);
    }
    if path.join("result.json").is_file() {
        return Ok(vec![Run { name: name(path), result: read(path).map_err(|error| error.to_string())? }]);
    }
    let entries = fs::read_dir(path).map_err(|error| format!("cannot read `{shown}`: {error}"))?;
    let mut directories: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("result.json").is_file())
        .collect();
    directories.sort();
    if directories.is_empty() {
        return Err(format!(
            "there is no result in `{shown}`: give the directory of a run (with its result.json), or one with such directories"
        ));
    }
    directories
        .iter()
        .map(|path| Ok(Run { name: name(path), result: read(path).map_err(|error| error.to_string())? }))
        .collect()
}
