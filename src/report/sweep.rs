//! What a sweep gave: as a page, as a table for the terminal, as CSV and as JSON.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::charts::{Grid, grid};
use super::content::{Column, Depth, Figure, Head, Manner, Parts, Report, Section, Source, Status, Table};
use super::words::{NONE, capital, outcome as origin, pretty};
use super::{content, page, terminal as writer};
use crate::kinesis::Profile;
use crate::scenario::{Objectives, Scenario};
use crate::sweep::{Axis, Cell, Outcome};
use crate::units::{self, Share};
use crate::verdict::Conclusion;

/// Version of the schema of `sweep.json`.
pub const SCHEMA_VERSION: u32 = 1;

/// A figure of each combination.
struct Measure {
    name: &'static str,
    /// What it is, for the caption of its heat map; `None` for those that have none.
    caption: Option<&'static str>,
    value: fn(&Outcome) -> Option<f64>,
    words: fn(f64) -> String,
}

const FIGURES: &[Measure] = &[
    Measure { name: "accepted", caption: None, value: |o| Some(o.accepted as f64), words: |v| units::count(v as u64) },
    Measure {
        name: "throttled",
        caption: Some("Share of the attempts that a shard throttled."),
        value: |o| Some(o.throttled),
        words: |v| Share(v).to_string(),
    },
    Measure { name: "put p50", caption: None, value: |o| o.put_p50.map(|n| n as f64), words: span },
    Measure {
        name: "put p99",
        caption: Some("99th percentile of the time from the moment a record was due to its acknowledgement."),
        value: |o| o.put_p99.map(|n| n as f64),
        words: span,
    },
    Measure {
        name: "lag p99",
        caption: Some("99th percentile of the lag of the consumer that is the furthest behind."),
        value: |o| o.lag_p99.map(|n| n as f64),
        words: span,
    },
    Measure {
        name: "fullest shard",
        caption: Some("Mean utilisation of the write capacity of the fullest shard."),
        value: |o| o.fullest_shard,
        words: |v| Share(v).to_string(),
    },
    Measure { name: "unread", caption: None, value: |o| Some(o.unread as f64), words: |v| units::count(v as u64) },
    Measure {
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

fn figure_of(outcome: &Outcome, figure: &Measure) -> String {
    (figure.value)(outcome).map_or_else(|| NONE.to_owned(), figure.words)
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
    pretty(&Document {
        schema_version: SCHEMA_VERSION,
        scenario: &scenario.name,
        profile: &profile.name,
        axes: axes.iter().map(|axis| axis.key.as_str()).collect(),
        cells,
    })
}

/// The sweep as CSV: a row for each combination; shares from 0 to 1, durations in nanoseconds.
pub fn csv(axes: &[Axis], cells: &[Cell]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let figures = FIGURES.iter().map(|figure| figure.name.replace(' ', "_"));
    let head = axes.iter().map(|axis| axis.key.clone()).chain(["verdict".to_owned()]).chain(figures);
    // Writing into memory does not fail, and all rows have the same length.
    let _ = writer.write_record(head);
    for cell in cells {
        let number = |figure: &Measure| {
            let value = cell.outcome.as_ref().and_then(figure.value);
            value.map_or_else(String::new, |value| value.to_string())
        };
        let word = cell.outcome.as_ref().map_or("not done", verdict).to_owned();
        let _ = writer.write_record(cell.values.iter().cloned().chain([word]).chain(FIGURES.iter().map(number)));
    }
    writer.into_inner().unwrap_or_default()
}

/// The sweep as a table for a terminal.
pub fn terminal(
    scenario: &Scenario,
    of: &Profile,
    axes: &[Axis],
    cells: &[Cell],
    directory: &Path,
    styled: bool,
) -> String {
    let table = writer::terminal(&report(scenario, of, axes, cells), Depth::Summary, styled);
    format!("{table}\n{}", writer::written(directory, "sweep.html"))
}

/// The sweep as a page.
pub fn html(scenario: &Scenario, of: &Profile, axes: &[Axis], cells: &[Cell]) -> String {
    page::page(&report(scenario, of, axes, cells))
}

fn report<'a>(scenario: &Scenario, of: &Profile, axes: &[Axis], cells: &[Cell]) -> Report<'a> {
    Report {
        title: format!("{}, swept – streamgauge", scenario.name),
        source: Source::Model,
        head: head(scenario, of, cells),
        sections: maps(axes, cells).into_iter().chain([all(axes, cells)]).collect(),
        foot: vec![origin::written("sweep", SCHEMA_VERSION)],
        page_foot: "Beside this file: sweep.csv, sweep.json and the scenario.".to_owned(),
    }
}

fn head<'a>(scenario: &Scenario, of: &Profile, cells: &[Cell]) -> Head<'a> {
    let missing = cells.iter().filter(|cell| cell.outcome.is_none()).count();
    let met = cells.iter().flat_map(|cell| &cell.outcome).filter(|o| o.conclusion == Conclusion::Met).count();
    let what = if has_objectives(scenario) { "meet every objective." } else { "are valid; no objectives are set." };
    let (met, all) = (units::count(met as u64), units::count(cells.len() as u64));
    let mut parts = Parts::default();
    parts.in_manner(Depth::Summary, Manner::Verdict, format!("{met} of {all} combinations {what}"));
    parts.in_manner(Depth::Summary, Manner::Subject, origin::simulated(&of.name));
    if missing > 0 {
        let words = format!("{} combinations were not simulated.", units::count(missing as u64));
        parts.warning(Depth::Summary, content::Text::labelled("Interrupted. ", words));
    }
    Head {
        kicker: "streamgauge sweep".to_owned(),
        title: scenario.name.clone(),
        question: scenario.question.clone(),
        parts: parts.0,
        ..Head::default()
    }
}

fn has_objectives(scenario: &Scenario) -> bool {
    scenario.objectives != Objectives::default() || scenario.consumers.iter().any(|consumer| consumer.lag_p99.is_some())
}

/// A section with maps for each figure that has them.
fn maps<'a>(axes: &[Axis], cells: &[Cell]) -> Vec<Section<'a>> {
    let mapped = FIGURES.iter().filter_map(|figure| Some((figure, figure.caption?)));
    mapped.filter_map(|(figure, caption)| maps_of(figure, caption, axes, cells)).collect()
}

fn maps_of<'a>(of: &Measure, caption: &str, axes: &[Axis], cells: &[Cell]) -> Option<Section<'a>> {
    let (rows, second) = (axes.first()?, axes.get(1));
    let value = |cell: &Cell| cell.outcome.as_ref().and_then(of.value).map(|value| (value, (of.words)(value)));
    cells.iter().find_map(value)?;
    // One axis lies along the columns; of two, the first is the rows.
    let (row_values, columns) = second.map_or((1, rows), |second| (rows.values.len(), second));
    let others = cells.len() / (row_values * columns.values.len()).max(1);
    let mut parts = Parts::default();
    for other in 0..others.min(MAPS_MAX) {
        let of_map: Vec<&Cell> = cells.iter().skip(other).step_by(others.max(1)).collect();
        let with = with(axes, of_map.first().copied());
        let here = if with.is_empty() { String::new() } else { format!(" Here{with}.") };
        let drawn = Grid {
            column_name: columns.key.clone(),
            columns: columns.values.clone(),
            row_name: second.map_or_else(String::new, |_| rows.key.clone()),
            rows: second.map_or_else(Vec::new, |_| rows.values.clone()),
            cells: of_map.iter().map(|cell| value(cell)).collect(),
        };
        let caption = content::Text::from(format!(
            "{caption}{here} The darker on a light page, and the lighter on a dark one, the higher. The numbers are in "
        ));
        let says = finding(of, &with, &of_map);
        let finding = says.clone();
        let caption = caption.link("all-combinations", "All combinations").and(".");
        parts.figure(Depth::Background, Figure::new(says, caption, move || grid(&finding, &drawn)));
    }
    if others > MAPS_MAX {
        let rest = others - MAPS_MAX;
        parts.note(
            Depth::Background,
            format!("The other {rest} combinations of the further values are in the table only."),
        );
    }
    Some(Section::new(of.name.replace(' ', "-"), capital(of.name), parts))
}

/// The least and the most of a map and where they are, in words.
fn finding(of: &Measure, with: &str, cells: &[&Cell]) -> String {
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

fn all<'a>(axes: &[Axis], cells: &[Cell]) -> Section<'a> {
    let row = |cell: &Cell| {
        let values = cell.values.iter().map(|value| content::Cell::from(value.as_str()));
        let rest = match &cell.outcome {
            Some(outcome) => {
                let met = outcome.conclusion == Conclusion::Met;
                let (status, mark) = if met { (Status::Good, "✓") } else { (Status::Bad, "✗") };
                let figures = FIGURES.iter().map(|figure| content::Cell::from(figure_of(outcome, figure)));
                let verdict = content::Cell::status(status, format!("{mark} {}", verdict(outcome)));
                std::iter::once(verdict)
                    .chain(figures)
                    .chain([content::Cell::from(outcome.missed.join("; "))])
                    .collect()
            }
            None => vec![content::Cell::from("not done")],
        };
        values.chain(rest).collect::<Vec<_>>()
    };
    let named = axes.iter().map(|axis| Column::name(&axis.key));
    let figures = FIGURES.iter().map(|figure| Column::number(capital(figure.name)));
    let columns = named.chain([Column::words("Verdict")]).chain(figures).chain([Column::prose("What is missed")]);
    let mut parts = Parts::default();
    parts.table(
        Depth::Summary,
        Table::new("Every combination and what came of it", columns).rows(cells.iter().map(row)),
    );
    Section::new("all-combinations", "All combinations", parts)
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

    fn scenario() -> Scenario {
        let toml = "stream.shards = 1\nload = { rate = \"1/s\", duration = \"1s\" }\nrecords.size = \"1 KiB\"\n\
                    keys = { distribution = \"uniform\", count = 2 }";
        let scenario = crate::scenario::parse(Path::new("a.toml"), toml, &[], &Profile::newest());
        scenario.unwrap_or_else(|problems| panic!("{}", problems.render(false)))
    }

    fn page(keys: &[&str]) -> String {
        let (axes, cells) = swept(keys);
        html(&scenario(), &Profile::newest(), &axes, &cells)
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
        insta::assert_snapshot!(
            "sweep",
            terminal(&scenario(), &Profile::newest(), &axes, &cells, Path::new("reports/x"), false)
        );
        let csv = String::from_utf8(csv(&axes, &cells)).unwrap();
        insta::assert_snapshot!("sweep_csv", csv);
    }
}
