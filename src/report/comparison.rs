//! A comparison as text for the terminal, as Markdown, as JSON and as the sections of a page.

use super::charts::{RatioRow, ratios};
use super::content::{
    Banner, Cell, Column, Depth, Figure, Head, Manner, Parts, Report, Section, Source, Status, Table,
};
use super::words::{NONE, outcome, pretty};
use super::{markdown as md, terminal};
use crate::compare::{Assessment, Comparison, Decision, Difference, Method};
use crate::units::Share;

/// Most differences of a pair that are listed; JSON lists them all.
const MOST_LISTED: usize = 200;

/// As JSON.
pub fn json(comparison: &Comparison) -> String {
    pretty(comparison)
}

/// As text for a terminal.
pub fn text(comparison: &Comparison, styled: bool) -> String {
    terminal::terminal(&report(comparison), Depth::Report, styled)
}

/// As Markdown, for the summary of a CI job.
pub fn markdown(comparison: &Comparison) -> String {
    md::markdown(&report(comparison), 3)
}

fn report(comparison: &Comparison) -> Report<'_> {
    Report {
        title: format!("{}, compared – streamgauge", comparison.scenario),
        source: Source::from(&comparison.target),
        head: head(comparison),
        sections: sections(comparison),
        foot: Vec::new(),
        page_foot: String::new(),
    }
}

/// The verdict, the two sides and where they were made.
pub(super) fn head<'a>(comparison: &Comparison) -> Head<'a> {
    let mut parts = Parts::default();
    let subject = format!("{}; {}.", sides(comparison), outcome::measured_at(&comparison.target));
    parts.in_manner(Depth::Summary, Manner::Subject, subject);
    Head {
        title: comparison.scenario.clone(),
        banners: vec![Banner {
            status: status(comparison.decision),
            of: None,
            words: headline(comparison),
            rest: String::new(),
            lines: vec![comparison.sentence.clone()],
        }],
        parts: parts.0,
        ..Head::default()
    }
}

/// What a decision means for who asked; `None` for what decides nothing.
const fn status(decision: Decision) -> Option<Status> {
    match decision {
        Decision::Equivalent | Decision::Improved => Some(Status::Good),
        Decision::Regressed | Decision::Changed => Some(Status::Bad),
        Decision::Inconclusive => Some(Status::Unclear),
        Decision::Void => None,
    }
}

/// The chart, the table, what differs and the notes.
pub(super) fn sections<'a>(comparison: &Comparison) -> Vec<Section<'a>> {
    let mut sections = Vec::new();
    if !comparison.metrics.is_empty() {
        let mut parts = Parts::default();
        parts.figure(Depth::Background, changes(comparison));
        parts.table(Depth::Summary, metrics(comparison));
        sections.push(Section::new("changes", "Changes", parts));
    }
    let differing = comparison.pairs.iter().filter(|pair| !pair.differences.is_empty());
    for (number, pair) in (1..).zip(differing) {
        let mut parts = Parts::default();
        parts.paragraph(Depth::Summary, format!("{} → {}", pair.baseline, pair.candidate));
        parts.table(Depth::Summary, differences(&pair.differences));
        sections.push(Section::new(format!("differences-{number}"), "What differs", parts));
    }
    let notes = notes(comparison);
    if !notes.is_empty() {
        let mut parts = Parts::default();
        parts.lines(Depth::Summary, Manner::Plain, notes);
        sections.push(Section::new("notes", "Notes", parts));
    }
    sections
}

fn changes<'a>(comparison: &Comparison) -> Figure<'a> {
    let metrics = comparison.metrics.iter();
    let changes: Vec<String> =
        metrics.map(|assessment| format!("{}: {}", assessment.metric.name(), verdict_words(assessment))).collect();
    let says = format!("Change of each metric, pair by pair. {}.", changes.join("; "));
    let caption = format!(
        "A dot per pair: how much worse the candidate is than the baseline, to the right, or better, to the left. The line is the {} confidence \
         interval, the ring the Hodges-Lehmann estimate, the band the change that does not matter.",
        Share(comparison.confidence)
    );
    let (finding, rows) = (says.clone(), rows(comparison));
    Figure::new(says, caption, move || ratios(&finding, &rows))
}

fn metrics(comparison: &Comparison) -> Table {
    let columns = [
        Column::name("Metric"),
        Column::number("Baseline"),
        Column::number("Candidate"),
        Column::number("Change"),
        Column::number(format!("{} interval", Share(comparison.confidence))),
        Column::number("Matters from"),
        Column::number("p"),
        Column::prose("Verdict"),
    ];
    let row = |assessment: &Assessment| {
        let status = status(assessment.decision).unwrap_or(Status::Bad);
        let cells = std::iter::once(Cell::from(assessment.metric.name())).chain(cells(assessment).map(Cell::from));
        cells.chain([Cell::status(status, verdict_words(assessment))]).collect::<Vec<_>>()
    };
    Table::new("Each metric of the baseline and of the candidate", columns).rows(comparison.metrics.iter().map(row))
}

fn differences(differences: &[Difference]) -> Table {
    let columns =
        [Column::name("Place"), Column::number("Baseline"), Column::number("Candidate"), Column::prose("List")];
    let row = |difference: &Difference| {
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| NONE.to_owned());
        let sides = [side(&difference.baseline), side(&difference.candidate)];
        let [baseline, candidate] = sides.map(Cell::from);
        [difference.place.as_str().into(), baseline, candidate, list_words(difference).into()]
    };
    let table = Table::new("Where the results of the pair differ", columns).rows(differences.iter().map(row));
    table.growing("places").whole_in("the JSON", MOST_LISTED)
}

/// The verdict in a word, with its mark.
fn headline(comparison: &Comparison) -> String {
    let pairs = match (comparison.pairs.len(), comparison.method) {
        (_, Method::Equality) => String::new(),
        (1, _) => " (1 pair)".to_owned(),
        (pairs, _) => format!(" ({pairs} pairs)"),
    };
    format!("{}{pairs}", decision_words(comparison.decision))
}

/// The two sides.
fn sides(comparison: &Comparison) -> String {
    let side = |side: &crate::compare::Side| format!("{} (streamgauge {})", side.name, side.versions.join(", "));
    format!("baseline {}, candidate {}", side(&comparison.baseline), side(&comparison.candidate))
}

fn decision_words(decision: Decision) -> &'static str {
    match decision {
        Decision::Regressed => "✗ regressed",
        Decision::Equivalent => "✓ equivalent",
        Decision::Improved => "✓ improved",
        Decision::Inconclusive => "? inconclusive",
        Decision::Changed => "✗ changed",
        Decision::Void => "✗ void",
    }
}

fn verdict_words(assessment: &Assessment) -> String {
    let metric = assessment.metric;
    let seen = |worsening: f64| format!(", would have seen {}", signed(metric.change(worsening)));
    let detectable = match assessment.decision {
        Decision::Inconclusive => assessment.detectable.map_or_else(String::new, seen),
        _ => String::new(),
    };
    let shown = match (&assessment.not_gated, assessment.gated) {
        (Some(why), _) => format!(" (does not decide: {why})"),
        (None, false) => " (does not decide)".to_owned(),
        (None, true) => String::new(),
    };
    format!("{}{detectable}{shown}", decision_words(assessment.decision))
}

/// Baseline, candidate, change, interval, smallest effect, p-value.
fn cells(assessment: &Assessment) -> [String; 6] {
    let metric = assessment.metric;
    let value = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| metric.show(value));
    let change = |worsening: f64| signed(metric.change(worsening));
    let interval = match (assessment.lower, assessment.upper) {
        (Some(lower), Some(upper)) if metric.larger_is_worse() => format!("{} to {}", change(lower), change(upper)),
        (Some(lower), Some(upper)) => format!("{} to {}", change(upper), change(lower)),
        _ => "–".to_owned(),
    };
    let p = assessment.adjusted.or(assessment.p_value).map_or_else(|| "–".to_owned(), p_words);
    [
        value(assessment.baseline),
        value(assessment.candidate),
        assessment.estimate.map_or_else(|| "–".to_owned(), change),
        interval,
        assessment.min_effect.to_string(),
        p,
    ]
}

fn rows(comparison: &Comparison) -> Vec<RatioRow> {
    let row = |assessment: &Assessment| RatioRow {
        name: assessment.metric.name().to_owned(),
        points: assessment.worsenings.clone(),
        interval: assessment.lower.zip(assessment.upper),
        estimate: assessment.estimate,
        threshold: assessment.metric.threshold(assessment.min_effect),
    };
    comparison.metrics.iter().map(row).collect()
}

fn notes(comparison: &Comparison) -> Vec<String> {
    let excluded = comparison.excluded.iter().map(|excluded| {
        format!("Left out: the {} run {} is void. {}", excluded.side, excluded.run, excluded.reasons.join(" "))
    });
    comparison.warnings.iter().cloned().chain(excluded).collect()
}

/// How many entries of a list differ, and which is the first.
fn list_words(difference: &Difference) -> String {
    difference.list.as_ref().map_or_else(String::new, |list| {
        format!("{} of {} differ, the first is {}", list.differing, list.entries, list.first)
    })
}

/// A relative change with its sign.
fn signed(change: f64) -> String {
    let percent = change * 100.0;
    let decimals = if percent.abs() < 9.95 { 2 } else { 1 };
    let text = format!("{percent:+.decimals$}%");
    if text.trim_start_matches(['+', '-']).chars().all(|c| matches!(c, '0' | '.' | '%')) {
        "0%".to_owned()
    } else {
        text
    }
}

fn p_words(p: f64) -> String {
    if p >= 0.0995 { format!("{p:.2}") } else { format!("{p:.4}") }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::compare::{Asked, Metric, Run, Settings, compare};

    /// Ten pairs of the run of the fixture, whose candidates answer a quarter later.
    fn comparison() -> Comparison {
        let (result, _, _) = fixture::run("alerts", "Why?");
        let run = |index: u64, slower: f64| {
            let mut result = result.clone();
            let response = result.measurement.put.entry("response".to_owned()).or_default();
            let scatter = 1.0 + index as f64 / 500.0;
            let nanos = |millis: f64| Some((millis * 1e6 * slower * scatter) as u64);
            (response.count, response.p50, response.p99) = (20_000, nanos(40.0), nanos(70.0));
            response.p999 = nanos(90.0);
            Run { name: format!("pair-{:02}", index + 1), result }
        };
        let side =
            |name: &str, slower: f64| (name.to_owned(), (0..10).map(|index| run(index, slower)).collect::<Vec<_>>());
        let asked = |metric: Metric| Asked {
            metric,
            min_effect: metric.min_effect(),
            gated: matches!(metric, Metric::PutP50 | Metric::PutP99),
        };
        let settings = Settings { metrics: Metric::ALL.map(asked).to_vec(), different: false };
        compare(side("main", 1.0), side("branch", 1.25), &settings, None).unwrap()
    }

    #[test]
    fn the_words_of_a_comparison() {
        insta::assert_snapshot!("comparison", text(&comparison(), false));
        insta::assert_snapshot!("comparison_markdown", markdown(&comparison()));
    }

    #[test]
    fn the_sections_of_a_page_stand_alone() {
        let comparison = comparison();
        let page = crate::report::page::page(&report(&comparison));
        assert_eq!(page.matches("<svg").count(), page.matches("role=\"img\"").count());
        assert!(page.contains("<h2>Changes</h2>") && page.contains("✗ regressed") && !page.contains("<script"));
        assert!(!page.contains("#0707") && !page.contains("#0909"), "every placeholder colour is replaced");
    }
}
