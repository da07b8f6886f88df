//! The history of runs: as text, as a page with charts, as JSON, and as CSV that Apache Otava reads.

use std::fmt::Write as _;

use maud::{Markup, html};
use serde::Serialize;

use super::charts::{Lines, Scale, Series as Line, XAxis, legend, lines};
use super::shell::{Page, Section, Source};
use super::table::Column::{Number, Text};
use super::table::numbers;
use super::terminal::printable;
use super::time_charts::figure;
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

impl Report<'_> {
    /// As JSON.
    pub fn json(&self) -> String {
        #[derive(Serialize)]
        struct Document<'a> {
            schema_version: u32,
            trends: &'a [Trend],
            undated: &'a Undated,
        }
        let document = Document { schema_version: SCHEMA_VERSION, trends: self.trends, undated: self.undated };
        serde_json::to_string_pretty(&document)
            .map_or_else(|error| format!("{{\"error\":\"{error}\"}}\n"), |json| json + "\n")
    }

    /// As text for a terminal.
    pub fn terminal(&self, styled: bool) -> String {
        let bold = |text: &str| if styled { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() };
        let mut out = String::new();
        for trend in self.trends {
            // Writing into a string does not fail.
            let _ = writeln!(out, "{}  {}", bold(&printable(&trend.scenario)), span(trend));
            for series in &trend.series {
                let _ = writeln!(out, "  {:<20}{}", series.metric.name(), printable(&course(trend, series)));
            }
            for note in notes(trend) {
                let _ = writeln!(out, "  {}", printable(&note));
            }
            let _ = writeln!(out);
        }
        let _ = write!(out, "{}", self.left_out());
        out
    }

    fn left_out(&self) -> String {
        match self.undated.runs.len() {
            0 => String::new(),
            runs => format!(
                "{runs} simulated result(s) are left out: simulated time has no date; `streamgauge compare` shows what differs between them.\n"
            ),
        }
    }

    /// As a page.
    pub fn html(&self) -> String {
        let header = html! {
            p class="kicker" { "streamgauge trend" }
            h1 { "History of runs" }
            p { "Each figure is one value per run. A change point is where the runs before it and after it are more different than chance explains: "
                "E-divisive with permutation tests, each at " (Share(SIGNIFICANCE)) ". It is a notice, not a verdict." }
            @if !self.undated.runs.is_empty() { p class="note" { (self.left_out()) } }
        };
        let all = |target: &str| self.trends.iter().all(|trend| trend.target == target);
        let page = Page {
            title: "History of runs – streamgauge",
            source: if all("embedded") {
                Source::Model
            } else if all("aws") {
                Source::Aws
            } else {
                Source::Mixed
            },
            header,
            sections: (1..).zip(self.trends).map(|(number, trend)| history(number, trend)).collect(),
            footer: html! { p { "Written by streamgauge " (env!("CARGO_PKG_VERSION")) ", trend schema " (SCHEMA_VERSION) "." } },
        };
        page.html()
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
        (Some(first), Some(last)) => format!(", from {} to {}", printable(first), printable(last)),
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
fn course(trend: &Trend, series: &Series) -> String {
    let known = || series.values.iter().flatten();
    let (Some(first), Some(last)) = (known().next(), known().next_back()) else { return String::new() };
    let metric = series.metric;
    let head = format!("{:>12} → {:<12}", metric.show(*first), metric.show(*last));
    let changes: Vec<String> = series.changes.iter().map(|change| change_words(trend, series, change)).collect();
    if changes.is_empty() { format!("{head}no change") } else { format!("{head}{}", changes.join("; ")) }
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

fn history(number: usize, trend: &Trend) -> Section {
    let rows = html! { @for (index, run) in trend.runs.iter().enumerate() { tr {
        th scope="row" { (run) }
        td { (trend.started[index]) }
        td { (trend.versions[index]) }
        @for series in &trend.series {
            td class="number" { @if let Some(value) = series.values[index] { (series.metric.show(value)) } @else { "–" } }
        }
    } } };
    let columns: Vec<_> = [Text("Run"), Text("Began"), Text("Version")]
        .into_iter()
        .chain(trend.series.iter().map(|series| Number(series.metric.name())))
        .collect();
    let body = html! {
        p { (span(trend)) "." }
        @for note in notes(trend) { p class="note" { (note) } }
        @for series in &trend.series { (chart(trend, series)) }
        (numbers("The values as a table", "Each run, the oldest first", &columns, &rows))
    };
    Section::new(format!("history-{number}"), trend.scenario.as_str(), body)
}

fn chart(trend: &Trend, series: &Series) -> Markup {
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
    let chart = lines(&Lines {
        title: &format!("{} of {}, run by run", metric.name(), trend.scenario),
        series: &drawn,
        scale: Scale::Linear,
        y_label: &|value| metric.show(value),
        x: XAxis::Values {
            name: "run",
            label: &|value| if value.fract() == 0.0 { units::number(value) } else { String::new() },
        },
    });
    let caption = html! {
        (metric.name()) " of each run, by the order in which they began."
        @if series.changes.is_empty() { " No change." }
        @for change in &series.changes { " " (change_words(trend, series, change)) "." }
    };
    html! {
        h3 { (metric.name()) }
        (figure(&legend(drawn.iter().map(|line| (line.name.as_str(), line.look))), &chart, &caption))
    }
}
