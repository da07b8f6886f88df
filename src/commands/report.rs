//! `streamgauge report`: what runs have written, rendered again.

use std::path::{Path, PathBuf};

use super::outcome::{charts, rendered};
use super::prices::prices_with;
use super::{Exit, fail, parse, print, styled};
use crate::cli::{Format, Report};
use crate::kinesis::Profile;
use crate::plan::{diagnose, predict};
use crate::prices::Prices;
use crate::report::runs::{self, Run};
use crate::report::{self, shards_csv};
use crate::result::{self, Files};
use crate::verdict::{Verdict, judge};

/// Renders one result, or several side by side.
pub fn report(arguments: &Report) -> Exit {
    let prices = match prices_with(arguments.prices.as_deref()) {
        Ok(prices) => prices,
        Err(exit) => return exit,
    };
    // All directories are looked at before one ends the program.
    let read: Vec<_> = arguments.directories.iter().map(|directory| load(directory, arguments, &prices)).collect();
    let Ok(mut runs) = read.into_iter().collect::<Result<Vec<Run>, Exit>>() else { return Exit::BadInput };
    label(&mut runs);
    let written = match &arguments.out {
        None => print(&to_stdout(&runs, arguments.format.unwrap_or(Format::Terminal))),
        Some(out) => to_directory(&runs, arguments, out),
    };
    written.err().unwrap_or(Exit::Met)
}

/// Reads a result; predicts and judges it again, as this version does. Prints what is wrong to stderr.
fn load(directory: &Path, arguments: &Report, prices: &Prices) -> Result<Run, Exit> {
    let profile = Profile::newest();
    let result = result::read(directory).map_err(|error| {
        fail(&format!("{error}; name the directory of a run, such as reports/20261123T153643Z-quickstart"));
        Exit::BadInput
    })?;
    let path = arguments.scenario_dir.as_deref().unwrap_or(directory).join("scenario.toml");
    let asked = &result.scenario;
    let mut scenario = parse(&path, &asked.source, &asked.overrides, &profile).inspect_err(|_| {
        fail(&format!(
            "the scenario of `{}` cannot be predicted again; if it names files, say with --scenario-dir where they lie",
            directory.display()
        ));
    })?;
    scenario.name.clone_from(&asked.name);
    let plan = predict(&scenario, &profile, prices);
    let verdict = Verdict {
        throttling: diagnose(&scenario, &profile, plan.expectation(), &result),
        ..judge(plan.expectation(), &result)
    };
    Ok(Run { label: String::new(), directory: directory.to_owned(), result, plan, verdict })
}

/// Names the runs after their directories: by the last part of the path if that tells them apart.
fn label(runs: &mut [Run]) {
    let last = |run: &Run| run.directory.file_name().map(|name| name.to_string_lossy().into_owned());
    let names: Vec<Option<String>> = runs.iter().map(last).collect();
    for (at, run) in runs.iter_mut().enumerate() {
        let alone = names.iter().filter(|name| **name == names[at]).count() == 1;
        let short = names[at].clone().filter(|_| alone);
        run.label = short.unwrap_or_else(|| run.directory.display().to_string());
    }
    // The same directory may be named twice.
    for at in 0..runs.len() {
        let before = runs[..at].iter().filter(|run| run.directory == runs[at].directory).count();
        if before > 0 {
            runs[at].label.push_str(&format!(" ({})", before + 1));
        }
    }
}

fn to_stdout(runs: &[Run], format: Format) -> String {
    let colours = styled(&std::io::stdout());
    match (runs, format) {
        ([run], Format::Terminal) => report::terminal(&run.result, &run.plan, &run.verdict, &run.directory, colours),
        (runs, Format::Terminal) => runs::terminal(runs, colours),
        (runs, format) => {
            let (_, content) = file(runs, format);
            String::from_utf8_lossy(&content).into_owned()
        }
    }
}

/// The file that a format is: its name and content.
fn file(runs: &[Run], format: Format) -> (String, Vec<u8>) {
    let (name, content) = match (runs, format) {
        ([run], Format::Html) => ("report.html", report::html(&run.result, &run.plan, &run.verdict).into_bytes()),
        ([run], Format::Markdown) => ("report.md", report::markdown(&run.result, &run.plan, &run.verdict).into_bytes()),
        ([run], Format::Junit) => {
            let of = (run.result.scenario.name.as_str(), &run.result, &run.verdict);
            ("junit.xml", report::junit([of]).into_bytes())
        }
        ([run], Format::Csv) => ("series.csv", report::series_csv(&run.result)),
        ([run], Format::Json) => {
            let json = report::json(&run.result, &run.plan, &run.verdict, &run.directory);
            ("summary.json", json.into_bytes())
        }
        ([run], Format::Terminal) => {
            let text = report::terminal(&run.result, &run.plan, &run.verdict, &run.directory, false);
            ("report.txt", text.into_bytes())
        }
        (runs, Format::Html) => ("report.html", runs::html(runs).into_bytes()),
        (runs, Format::Markdown) => ("report.md", runs::markdown(runs).into_bytes()),
        (runs, Format::Csv) => ("series.csv", runs::series_csv(runs)),
        (runs, Format::Json) => ("summary.json", runs::json(runs).into_bytes()),
        (runs, Format::Terminal) => ("report.txt", runs::terminal(runs, false).into_bytes()),
        (runs, Format::Junit) => ("junit.xml", runs::junit(runs).into_bytes()),
    };
    (name.to_owned(), content)
}

fn to_directory(runs: &[Run], arguments: &Report, out: &Path) -> Result<(), Exit> {
    let mut files: Files = match (runs, arguments.format) {
        ([run], None) => rendered(&run.result, &run.plan, &run.verdict),
        (runs, None) => [Format::Html, Format::Markdown, Format::Junit, Format::Csv].map(|f| file(runs, f)).into(),
        (runs, Some(format)) => vec![file(runs, format)],
    };
    // Here it is asked for, however long it is.
    let wants_shards = matches!(arguments.format, None | Some(Format::Csv));
    if let ([run], true) = (runs, wants_shards && !files.iter().any(|(name, _)| name == "shards.csv")) {
        files.push(("shards.csv".to_owned(), shards_csv(&run.result)));
    }
    if arguments.png {
        let (_, page) = file(runs, Format::Html);
        files.extend(charts(&String::from_utf8_lossy(&page))?);
    }
    let there: Vec<PathBuf> = files.iter().map(|(name, _)| out.join(name)).filter(|path| path.exists()).collect();
    if !there.is_empty() && !arguments.force {
        let list: Vec<String> = there.iter().map(|path| format!("`{}`", path.display())).collect();
        fail(&format!(
            "{} exist(s) already; give another directory with --out, or --force to replace",
            list.join(", ")
        ));
        return Err(Exit::BadInput);
    }
    result::write_into(out, &files).map_err(|error| {
        fail(&format!("{error}; name a directory that can be written to with --out"));
        Exit::NotWritten
    })?;
    print(
        &files
            .iter()
            .map(|(name, _)| format!("{}\n", report::printable(&out.join(name).display().to_string())))
            .collect::<String>(),
    )
}
