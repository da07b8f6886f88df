//! `streamgauge check`: what is wrong with scenarios, and what is perhaps not meant.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::{Exit, note, print, styled, text_of};
use crate::cli::Check;
use crate::kinesis::Profile;
use crate::plan::{concerns, predict};
use crate::prices::Prices;
use crate::report::printable;
use crate::scenario::{self, Diagnostics, Place};

/// What was found in one scenario.
#[derive(Serialize)]
struct Checked {
    scenario: String,
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Problem {
    message: String,
    places: Vec<Place>,
    help: Option<String>,
}

/// Checks scenarios.
pub fn check(arguments: &Check) -> Exit {
    let (profile, prices) = (Profile::newest(), Prices::newest());
    let checked: Vec<(Checked, String)> = arguments.paths.iter().map(|path| one(path, &profile, &prices)).collect();
    let broken = checked.iter().filter(|(checked, _)| !checked.problems.is_empty()).count();
    let printed = if arguments.json {
        let found: Vec<&Checked> = checked.iter().map(|(checked, _)| checked).collect();
        print(&(serde_json::to_string_pretty(&found).unwrap_or_default() + "\n"))
    } else {
        print(&checked.iter().map(|(_, text)| text.as_str()).collect::<String>())
    };
    if let Err(exit) = printed {
        return exit;
    }
    if broken > 0 && checked.len() > 1 && !arguments.json {
        note(&format!("{broken} of {} scenarios have problems", checked.len()));
    }
    if broken > 0 { Exit::BadInput } else { Exit::Met }
}

/// What is found in a scenario, for programs and for people.
fn one(path: &Path, profile: &Profile, prices: &Prices) -> (Checked, String) {
    let name = printable(&path.display().to_string());
    let empty = || Checked { scenario: name.clone(), problems: Vec::new(), warnings: Vec::new() };
    let text = match text_of(path) {
        Ok(text) => text,
        Err(message) => {
            let shown = format!("error: {}\n\n", printable(&message));
            return (Checked { problems: vec![Problem { message, places: Vec::new(), help: None }], ..empty() }, shown);
        }
    };
    match scenario::parse(path, &text, &[], profile) {
        Err(diagnostics) => {
            let shown = format!("{}\n\n", diagnostics.render(styled(&std::io::stdout())));
            (Checked { problems: problems(&diagnostics), ..empty() }, shown)
        }
        Ok(scenario) => {
            let warnings = concerns(&scenario, &predict(&scenario, profile, prices));
            let mut shown = format!("{name}: valid\n");
            for warning in &warnings {
                // Writing to a string cannot fail.
                let _ = writeln!(shown, "  warning: {warning}");
            }
            (Checked { warnings, ..empty() }, shown)
        }
    }
}

fn problems(diagnostics: &Diagnostics) -> Vec<Problem> {
    let problem = |problem: &scenario::Diagnostic| Problem {
        message: problem.message.clone(),
        places: diagnostics.places(problem),
        help: problem.help.clone(),
    };
    diagnostics.problems().iter().map(problem).collect()
}
