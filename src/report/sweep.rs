//! What a sweep gave: as a page, as a table for the terminal, as CSV and as JSON.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use maud::html;
use serde::Serialize;

use super::charts::{Grid, grid};
use super::sections::capital;
use super::shell::{Page, Section, Source, profile};
use super::table::Column::{Number, Text};
use super::table::table;
use super::terminal::printable;
use super::time_charts::figure;
use crate::kinesis::Profile;
use crate::scenario::{Objectives, Scenario};
use crate::sweep::{Axis, Cell, Outcome};
use crate::units::{self, Share};
use crate::verdict::Conclusion;

/// Version of the schema of `sweep.json`.
pub const SCHEMA_VERSION: u32 = 1;

/// A figure of each combination.
struct Figure {
    name: &'static str,
    /// What it is, for the caption of its heat map; `None` for those that have none.
    caption: Option<&'static str>,
    value: fn(&Outcome) -> Option<f64>,
    words: fn(f64) -> String,
}

const FIGURES: &[Figure] = &[
    Figure { name: "accepted", caption: None, value: |o| Some(o.accepted as f64), words: |v| units::count(v as u64) },
    Figure {
        name: "throttled",
        caption: Some("Share of the attempts that a shard throttled."),
        value: |o| Some(o.throttled),
        words: |v| Share(v).to_string(),
    },
    Figure { name: "put p50", caption: None, value: |o| o.put_p50.map(|n| n as f64), words: span },
    Figure {
        name: "put p99",
        caption: Some("99th percentile of the time from the moment a record was due to its acknowledgement."),
        value: |o| o.put_p99.map(|n| n as f64),
        words: span,
    },
    Figure {
        name: "lag p99",
        caption: Some("99th percentile of the lag of the consumer that is the furthest behind."),
        value: |o| o.lag_p99.map(|n| n as f64),
        words: span,
    },
    Figure {
        name: "fullest shard",
        caption: Some("Mean utilisation of the write capacity of the fullest shard."),
        value: |o| o.fullest_shard,
        words: |v| Share(v).to_string(),
    },
    Figure { name: "unread", caption: None, value: |o| Some(o.unread as f64), words: |v| units::count(v as u64) },
    Figure {
        name: "plan asks for",
        caption: None,
        value: |o| Some(f64::from(o.recommended_shards)),
        words: |v| units::count(v as u64),
    },
];

/// Most heat maps of one figure: those of the first two axes, for each combination of the others.
const MAPS_MAX: usize = 12;

fn span(nanos: f64) -> String {
    units::duration(Duration::from_nanos(nanos as u64))
}

fn figure_of(outcome: &Outcome, figure: &Figure) -> String {
    (figure.value)(outcome).map_or_else(|| "–".to_owned(), figure.words)
}

const fn verdict(outcome: &Outcome) -> &'static str {
    match outcome.conclusion {
        Conclusion::Met => "met",
        Conclusion::Missed => "missed",
        Conclusion::Void => "void",
    }
}

/// The sweep as JSON.
pub fn json(scenario: &Scenario, profile: &Profile, axes: &[Axis], cells: &[Cell]) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        schema_version: u32,
        scenario: &'a str,
        profile: &'a str,
        axes: Vec<&'a str>,
        cells: &'a [Cell],
    }
    let document = Document {
        schema_version: SCHEMA_VERSION,
        scenario: &scenario.name,
        profile: &profile.name,
        axes: axes.iter().map(|axis| axis.key.as_str()).collect(),
        cells,
    };
    serde_json::to_string_pretty(&document)
        .map_or_else(|error| format!("{{\"error\":\"{error}\"}}\n"), |json| json + "\n")
}

/// The sweep as CSV: a row for each combination; shares from 0 to 1, durations in nanoseconds.
pub fn csv(axes: &[Axis], cells: &[Cell]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let figures = FIGURES.iter().map(|figure| figure.name.replace(' ', "_"));
    let head = axes.iter().map(|axis| axis.key.clone()).chain(["verdict".to_owned()]).chain(figures);
    // Writing into memory does not fail, and all rows have the same length.
    let _ = writer.write_record(head);
    for cell in cells {
        let number = |figure: &Figure| {
            let value = cell.outcome.as_ref().and_then(figure.value);
            value.map_or_else(String::new, |value| value.to_string())
        };
        let word = cell.outcome.as_ref().map_or("not done", verdict).to_owned();
        let _ = writer.write_record(cell.values.iter().cloned().chain([word]).chain(FIGURES.iter().map(number)));
    }
    writer.into_inner().unwrap_or_default()
}

/// The sweep as a table for a terminal.
pub fn terminal(axes: &[Axis], cells: &[Cell], directory: &Path, styled: bool) -> String {
    let head = axes.iter().map(|axis| printable(&axis.key)).chain(["verdict".to_owned()]);
    let mut rows: Vec<Vec<String>> = vec![head.chain(FIGURES.iter().map(|f| f.name.to_owned())).collect()];
    for cell in cells {
        let values = cell.values.iter().map(|value| printable(value));
        let word = cell.outcome.as_ref().map_or("not done", verdict).to_owned();
        let figures =
            FIGURES.iter().map(|f| cell.outcome.as_ref().map_or_else(String::new, |outcome| figure_of(outcome, f)));
        rows.push(values.chain([word]).chain(figures).collect());
    }
    let widths: Vec<usize> = (0..axes.len() + 1 + FIGURES.len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    for (number, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            let padding = " ".repeat(width - cell.chars().count());
            match (styled, number > 0, cell.as_str()) {
                (true, true, "met") => format!("{padding}\u{1b}[32m{cell}\u{1b}[0m"),
                (true, true, "missed" | "void") => format!("{padding}\u{1b}[31m{cell}\u{1b}[0m"),
                (true, false, _) => format!("{padding}\u{1b}[2m{cell}\u{1b}[0m"),
                _ => format!("{padding}{cell}"),
            }
        });
        let _ = writeln!(out, "{}", cells.collect::<Vec<_>>().join("  "));
    }
    let _ = writeln!(
        out,
        "\nSimulated: a model of AWS, not AWS.\nreport  {}",
        printable(&directory.join("sweep.html").display().to_string())
    );
    out
}

/// The sweep as a page.
pub fn html(scenario: &Scenario, of: &Profile, axes: &[Axis], cells: &[Cell]) -> String {
    let missing = cells.iter().filter(|cell| cell.outcome.is_none()).count();
    let met = cells.iter().flat_map(|cell| &cell.outcome).filter(|o| o.conclusion == Conclusion::Met).count();
    let header = html! {
        p class="kicker" { "streamgauge sweep" }
        h1 { bdi { (scenario.name) } }
        @if let Some(question) = &scenario.question { p class="question" { bdi { (question) } } }
        p class="verdict" {
            (units::count(met as u64)) " of " (units::count(cells.len() as u64)) " combinations "
            @if !has_objectives(scenario) { "are valid; no objectives are set." } @else { "meet every objective." }
        }
        p class="target" {
            strong { "Simulated in virtual time" } " with the limits and latencies of the profile " (profile(&of.name))
            ". Nothing was sent: the figures are those of a model of AWS, not of AWS."
        }
        @if missing > 0 {
            p class="warning" { strong { "Interrupted. " } (units::count(missing as u64)) " combinations were not simulated." }
        }
    };
    let page = Page {
        title: &format!("{}, swept – streamgauge", scenario.name),
        source: Source::Model,
        header,
        sections: maps(axes, cells).into_iter().chain([all(axes, cells)]).collect(),
        footer: html! { p { "Written by streamgauge " (env!("CARGO_PKG_VERSION")) ", sweep schema " (SCHEMA_VERSION) ". Beside this file: sweep.csv, sweep.json and the scenario." } },
    };
    page.html()
}

fn has_objectives(scenario: &Scenario) -> bool {
    scenario.objectives != Objectives::default() || scenario.consumers.iter().any(|consumer| consumer.lag_p99.is_some())
}

/// A section with maps for each figure that has them.
fn maps(axes: &[Axis], cells: &[Cell]) -> Vec<Section> {
    let mapped = FIGURES.iter().filter_map(|figure| Some((figure, figure.caption?)));
    mapped.filter_map(|(figure, caption)| maps_of(figure, caption, axes, cells)).collect()
}

fn maps_of(of: &Figure, caption: &str, axes: &[Axis], cells: &[Cell]) -> Option<Section> {
    let (rows, second) = (axes.first()?, axes.get(1));
    let value = |cell: &Cell| cell.outcome.as_ref().and_then(of.value).map(|value| (value, (of.words)(value)));
    cells.iter().find_map(value)?;
    // One axis lies along the columns; of two, the first is the rows.
    let (row_values, columns) = second.map_or((1, rows), |second| (rows.values.len(), second));
    let others = cells.len() / (row_values * columns.values.len()).max(1);
    let body = html! {
        @for other in 0..others.min(MAPS_MAX) {
            @let of_map: Vec<&Cell> = cells.iter().skip(other).step_by(others.max(1)).collect();
            @let with = with(axes, of_map.first().copied());
            @let chart = grid(&finding(of, &with, &of_map), &Grid {
                column_name: columns.key.clone(),
                columns: columns.values.clone(),
                row_name: second.map_or_else(String::new, |_| rows.key.clone()),
                rows: second.map_or_else(Vec::new, |_| rows.values.clone()),
                cells: of_map.iter().map(|cell| value(cell)).collect(),
            });
            (figure(&html! {}, &chart, &html! {
                (caption) @if !with.is_empty() { " Here" (with) "." }
                " The darker on a light page, and the lighter on a dark one, the higher. The numbers are in " a href="#all-combinations" { "All combinations" } "."
            }))
        }
        @if others > MAPS_MAX { p class="note" { "The other " (others - MAPS_MAX) " combinations of the further values are in the table only." } }
    };
    Some(Section::new(of.name.replace(' ', "-"), capital(of.name), body))
}

/// The least and the most of a map and where they are, in words.
fn finding(of: &Figure, with: &str, cells: &[&Cell]) -> String {
    let known = || cells.iter().filter_map(|cell| Some(((of.value)(cell.outcome.as_ref()?)?, cell.values.join(", "))));
    let ends = known().min_by(|a, b| a.0.total_cmp(&b.0)).zip(known().max_by(|a, b| a.0.total_cmp(&b.0)));
    let ends = ends.map_or_else(String::new, |((least, at), (most, there))| {
        format!(" From {} ({at}) to {} ({there})", (of.words)(least), (of.words)(most))
    });
    format!("{}{with}.{ends}.", capital(of.name))
}

/// The values beyond the first two axes, in words.
fn with(axes: &[Axis], cell: Option<&Cell>) -> String {
    let values = cell.map_or(&[][..], |cell| &cell.values);
    let further: Vec<String> =
        axes.iter().zip(values).skip(2).map(|(axis, value)| format!("{} = {value}", axis.key)).collect();
    if further.is_empty() { String::new() } else { format!(" with {}", further.join(", ")) }
}

fn all(axes: &[Axis], cells: &[Cell]) -> Section {
    let rows = html! { @for cell in cells { tr {
        @for value in &cell.values { th scope="row" { (value) } }
        @match &cell.outcome {
            Some(outcome) => {
                @let met = outcome.conclusion == Conclusion::Met;
                td { span class=(if met { "pass" } else { "fail" }) { (if met { "✓ " } else { "✗ " }) (verdict(outcome)) } }
                @for f in FIGURES { td class="number" { (figure_of(outcome, f)) } }
                td class="why" { (outcome.missed.join("; ")) }
            }
            None => { td { "not done" } @for _ in FIGURES { td {} } td {} }
        }
    } } };
    let names: Vec<String> = FIGURES.iter().map(|figure| capital(figure.name)).collect();
    let columns: Vec<_> = axes
        .iter()
        .map(|axis| Text(&axis.key))
        .chain([Text("Verdict")])
        .chain(names.iter().map(|name| Number(name)))
        .chain([Text("What is missed")])
        .collect();
    Section::new(
        "all-combinations",
        "All combinations",
        table("Every combination and what came of it", &columns, &rows),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(throttled: f64) -> Outcome {
        Outcome {
            conclusion: if throttled > 0.0 { Conclusion::Missed } else { Conclusion::Met },
            missed: if throttled > 0.0 { vec!["throttled: <b>".to_owned()] } else { Vec::new() },
            offered: 1_000,
            accepted: 990,
            throttled,
            put_p50: Some(20_000_000),
            put_p99: Some(90_000_000),
            lag_p99: None,
            unread: 0,
            fullest_shard: Some(0.5),
            recommended_shards: 3,
        }
    }

    fn swept(keys: &[&str]) -> (Vec<Axis>, Vec<Cell>) {
        let axes: Vec<Axis> = keys.iter().map(|text| text.parse().unwrap()).collect();
        let cells = crate::sweep::combinations(&axes).into_iter().enumerate();
        let cell = |(number, values): (usize, Vec<String>)| Cell {
            values,
            outcome: (number != 1).then(|| outcome(number as f64 / 100.0)),
        };
        (axes, cells.map(cell).collect())
    }

    fn page(keys: &[&str]) -> String {
        let (axes, cells) = swept(keys);
        let toml = "stream.shards = 1\nload = { rate = \"1/s\", duration = \"1s\" }\nrecords.size = \"1 KiB\"\n\
                    keys = { distribution = \"uniform\", count = 2 }";
        let scenario = crate::scenario::parse(Path::new("a.toml"), toml, &[], &Profile::newest());
        let scenario = scenario.unwrap_or_else(|problems| panic!("{}", problems.render(false)));
        html(&scenario, &Profile::newest(), &axes, &cells)
    }

    #[test]
    fn there_is_a_map_per_figure_and_nothing_becomes_markup() {
        let two = page(&["stream.shards=1..3", "keys.kind=<i>,b"]);
        // Nobody read, so there is no lag to map.
        assert_eq!((two.matches("<svg").count(), two.matches("<tr>").count()), (2 * 3, 7));
        assert!(!two.contains("<i>") && !two.contains("<b>") && !two.contains("#0707") && !two.contains("#0808"));
        assert!(two.contains("1 combinations were not simulated"));
        assert_eq!(page(&["stream.shards=1..3"]).matches("<svg").count(), 2 * 3);
        let three = page(&["a=1..2", "b=1..2", "c=1..20"]);
        assert_eq!(three.matches("<svg").count(), 2 * 3 * MAPS_MAX);
        assert!(three.contains("with c = 12") && three.contains("The other 8 combinations"));
    }

    #[test]
    fn the_words_and_rows_of_a_sweep() {
        let (axes, cells) = swept(&["stream.shards=1..3", "keys.count=10"]);
        insta::assert_snapshot!("sweep", terminal(&axes, &cells, Path::new("reports/x"), false));
        let csv = String::from_utf8(csv(&axes, &cells)).unwrap();
        insta::assert_snapshot!("sweep_csv", csv);
    }
}
