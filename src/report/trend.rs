//! The history of runs: as text, as a page with charts, as JSON, and as CSV that Apache Otava reads.

use std::fmt::Write as _;

use serde::Serialize;

use super::charts::{Scale, Series as Line};
use super::content::{Axis, Cell, Column, Depth, Figure, Head, LineFigure, Manner, Parts, Section, Source, Table};
use super::words::{NONE, outcome, pretty};
use super::{content, page, terminal};
use crate::compare::{ChangePoint, LONGEST_SERIES, SIGNIFICANCE, Series, Trend, Undated};
use crate::units::{self, Share};

/// Version of the schema of the JSON.
pub const SCHEMA_VERSION: u32 = 1;

/// What is reported.
pub struct Report<'a> {
    /// The histories.
    pub trends: &'a [Trend],
    /// Runs without a date.
    pub undated: &'a Undated,
}

impl<'a> Report<'a> {
    /// As JSON.
    pub fn json(&self) -> String {
        #[derive(Serialize)]
        struct Document<'a> {
            schema_version: u32,
            trends: &'a [Trend],
            undated: &'a Undated,
        }
        pretty(&Document { schema_version: SCHEMA_VERSION, trends: self.trends, undated: self.undated })
    }

    /// As text for a terminal.
    pub fn terminal(&self, styled: bool) -> String {
        terminal::terminal(&self.content(), Depth::Summary, styled)
    }

    /// As a page.
    pub fn html(&self) -> String {
        page::page(&self.content())
    }

    fn content(&self) -> content::Report<'a> {
        let all = |target: &str| self.trends.iter().all(|trend| trend.target == target);
        let mut parts = Parts::default();
        parts.paragraph(
            Depth::Background,
            format!(
                "Each figure is one value per run. A change point is where the runs before it and after it are more different than chance \
                 explains: E-divisive with permutation tests, each at {}. It is a notice, not a verdict.",
                Share(SIGNIFICANCE)
            ),
        );
        if !self.undated.runs.is_empty() {
            parts.note(
                Depth::Summary,
                format!(
                    "{} simulated result(s) are left out: simulated time has no date; `streamgauge compare` shows what differs between them.",
                    self.undated.runs.len()
                ),
            );
        }
        content::Report {
            title: "History of runs – streamgauge".to_owned(),
            source: if all("embedded") {
                Source::Model
            } else if all("aws") {
                Source::Aws
            } else {
                Source::Mixed
            },
            head: Head {
                kicker: "streamgauge trend".to_owned(),
                title: "History of runs".to_owned(),
                parts: parts.0,
                ..Head::default()
            },
            sections: (1..).zip(self.trends).map(|(number, trend)| history(number, trend)).collect(),
            foot: vec![outcome::written("trend", SCHEMA_VERSION)],
            page_foot: String::new(),
        }
    }

    /// One CSV file per history, and the configuration with which Apache Otava reads them.
    pub fn csv(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        let mut otava = String::from(
            "# Read by Apache Otava: otava analyze NAME, with this file as OTAVA_CONFIG and in this directory.\ntests:\n",
        );
        for (index, trend) in self.trends.iter().enumerate() {
            let name = format!("{}-{}", file_name(&trend.scenario), trend.target);
            // Names that become the same as files stay apart by their numbers.
            let taken = files.iter().any(|(file, _): &(String, Vec<u8>)| *file == format!("{name}.csv"));
            let name = if taken { format!("{name}-{}", index + 1) } else { name };
            let complete = || trend.series.iter().filter(|series| series.values.iter().all(Option::is_some));
            files.push((format!("{name}.csv"), rows(trend, &complete().collect::<Vec<_>>())));
            let _ = write!(
                otava,
                "  {name}:\n    type: csv\n    file: {name}.csv\n    time_column: time\n    attributes: [run, version]\n    csv_options:\n      \
                 delimiter: ','\n      quote_char: '\"'\n    metrics:\n"
            );
            for series in complete() {
                let direction = if series.metric.larger_is_worse() { -1 } else { 1 };
                let _ = write!(
                    otava,
                    "      {key}:\n        column: {key}\n        direction: {direction}\n        scale: 1\n",
                    key = series.metric.key()
                );
            }
        }
        files.push(("otava.yaml".to_owned(), otava.into_bytes()));
        files
    }
}

/// A row per run: when it began, which it was, which program made it, and its metrics; times in nanoseconds. Otava reads no
/// empty cells, so a metric that a run lacks is left out.
fn rows(trend: &Trend, series: &[&Series]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing into memory does not fail, and all rows have the same length.
    let _ = writer.write_record(["time", "run", "version"].into_iter().chain(series.iter().map(|s| s.metric.key())));
    for (index, started) in trend.started.iter().enumerate() {
        let value = |series: &&Series| series.values[index].map_or_else(String::new, |value| value.to_string());
        let head = [started.clone(), trend.runs[index].clone(), trend.versions[index].clone()];
        let _ = writer.write_record(head.into_iter().chain(series.iter().map(value)));
    }
    writer.into_inner().unwrap_or_default()
}

/// A name of a file, and of a test of Otava.
fn file_name(scenario: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    let name: String = scenario.chars().map(safe).collect();
    if name.is_empty() { "scenario".to_owned() } else { name }
}

fn span(trend: &Trend) -> String {
    let between = match (trend.started.first(), trend.started.last()) {
        (Some(first), Some(last)) => format!(", from {} to {}", first, last),
        _ => String::new(),
    };
    format!("{} run(s) on {}{between}", trend.runs.len(), place(trend))
}

fn place(trend: &Trend) -> &'static str {
    match trend.target {
        "embedded" => "the embedded emulator (a model of AWS, not AWS)",
        "endpoint" => "an endpoint",
        _ => "Amazon Kinesis Data Streams",
    }
}

/// The first and the last value, and the changes between them.
fn course(trend: &Trend, series: &Series) -> [String; 4] {
    let known = || series.values.iter().flatten();
    let show = |value: Option<&f64>| value.map_or_else(|| NONE.to_owned(), |value| series.metric.show(*value));
    let changes: Vec<String> = series.changes.iter().map(|change| change_words(trend, series, change)).collect();
    let changes = if changes.is_empty() { "no change".to_owned() } else { changes.join("; ") };
    [series.metric.name().to_owned(), show(known().next()), show(known().next_back()), changes]
}

fn change_words(trend: &Trend, series: &Series, change: &ChangePoint) -> String {
    let percent = (change.after / change.before - 1.0) * 100.0;
    let better = (percent > 0.0) != series.metric.larger_is_worse();
    let started = trend.started.get(change.index).map_or("", String::as_str);
    let run = trend.runs.get(change.index).map_or("", String::as_str);
    format!(
        "{percent:+.1}% ({}) from {run} on, {started}, p = {:.3}",
        if better { "better" } else { "worse" },
        change.p_value
    )
}

fn notes(trend: &Trend) -> Vec<String> {
    let mut notes = Vec::new();
    for index in &trend.scenario_changes {
        let run = trend.runs.get(*index).map_or("", String::as_str);
        notes.push(format!("The scenario reads otherwise from {run} on: a change there may be one of the load."));
    }
    for excluded in &trend.excluded {
        notes.push(format!("Left out: {} is void. {}", excluded.run, excluded.reasons.join(" ")));
    }
    if trend.runs.len() > LONGEST_SERIES {
        notes.push(format!("Changes are looked for in the newest {LONGEST_SERIES} runs."));
    }
    notes
}

fn history<'a>(number: usize, trend: &'a Trend) -> Section<'a> {
    let mut parts = Parts::default();
    parts.paragraph(Depth::Summary, format!("{}.", span(trend)));
    parts.lines(Depth::Summary, Manner::Note, notes(trend));
    let columns = [Column::name("Metric"), Column::number("First"), Column::number("Last"), Column::prose("Changes")];
    let courses = trend.series.iter().map(|series| course(trend, series).map(Cell::from));
    parts.table(Depth::Summary, Table::new("The first and the last value of each metric", columns).rows(courses));
    for series in &trend.series {
        parts.heading(Depth::Background, series.metric.name());
        parts.figure(Depth::Background, chart(trend, series));
    }
    let row = |(index, run): (usize, &String)| {
        let value =
            |series: &Series| series.values[index].map_or_else(|| NONE.to_owned(), |value| series.metric.show(value));
        let first = [run.clone(), trend.started[index].clone(), trend.versions[index].clone()];
        first.into_iter().chain(trend.series.iter().map(value)).map(Cell::from).collect::<Vec<_>>()
    };
    let first = [Column::name("Run"), Column::words("Began"), Column::words("Version")];
    let columns = first.into_iter().chain(trend.series.iter().map(|series| Column::number(series.metric.name())));
    let table = Table::new("Each run, the oldest first", columns).rows(trend.runs.iter().enumerate().map(row));
    parts.table(Depth::Background, table.unfolding("The values as a table"));
    Section::new(format!("history-{number}"), trend.scenario.as_str(), parts)
}

fn chart<'a>(trend: &Trend, series: &Series) -> Figure<'a> {
    let metric = series.metric;
    let number = |index: usize| (index + 1) as f64;
    let values = series.values.iter().enumerate().map(|(index, value)| (number(index), *value));
    // A level from each change to the next: a gap between two keeps them apart.
    let mut levels: Vec<(f64, Option<f64>)> = Vec::new();
    for (place, change) in series.changes.iter().enumerate() {
        let end = series.changes.get(place + 1).map_or(series.values.len(), |next| next.index);
        if place == 0 {
            levels.extend([(1.0, Some(change.before)), (number(change.index) - 1.0, Some(change.before)), (0.0, None)]);
        }
        levels.extend([
            (number(change.index), Some(change.after)),
            (number(end) - 1.0, Some(change.after)),
            (0.0, None),
        ]);
    }
    let mut drawn = vec![Line::with_gaps("each run", 0, values)];
    if !series.changes.is_empty() {
        drawn.push(Line::with_gaps("mean between changes", 1, levels.into_iter()).ending(Some("mean")));
    }
    let changes: Vec<String> =
        series.changes.iter().map(|change| format!(" {}.", change_words(trend, series, change))).collect();
    let caption = format!(
        "{} of each run, by the order in which they began.{}",
        metric.name(),
        if changes.is_empty() { " No change.".to_owned() } else { changes.concat() }
    );
    let lines = LineFigure {
        title: format!("{} of {}, run by run", metric.name(), trend.scenario),
        series: drawn,
        scale: Scale::Linear,
        y_label: Box::new(move |value| metric.show(value)),
        x: Axis::Values {
            name: "run",
            label: |value| if value.fract() == 0.0 { units::number(value) } else { String::new() },
        },
    };
    lines.figure(caption.into())
}
