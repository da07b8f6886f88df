//! A comparison as text for the terminal, as Markdown, as JSON and as the sections of a page.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::charts::{RatioRow, ratios};
use super::markdown::Document;
use super::shell::Section;
use super::shell::dated_profile;
use super::table::Column::{Number, Text};
use super::table::table as tabulated;
use super::terminal::{printable, wrapped};
use super::time_charts::figure;
use crate::compare::{Assessment, Comparison, Decision, Difference, Method};
use crate::result::TargetRecord;
use crate::units::{self, Share};

/// Most differences of a pair that the texts list; JSON lists them all.
const MOST_LISTED: usize = 200;

/// As JSON.
pub fn json(comparison: &Comparison) -> String {
    serde_json::to_string_pretty(comparison)
        .map_or_else(|error| format!("{{\"error\":\"{error}\"}}\n"), |json| json + "\n")
}

/// As text for a terminal.
pub fn text(comparison: &Comparison, styled: bool) -> String {
    let bold = |text: &str| if styled { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() };
    let mut out = String::new();
    // Writing into a string does not fail.
    let _ = writeln!(out, "{}  {}", bold(&printable(&comparison.scenario)), printable(&where_from(comparison)));
    let _ = writeln!(out, "{}", printable(&sides(comparison)));
    let _ = writeln!(out, "{}\n{}", bold(&headline(comparison)), wrapped(&comparison.sentence));
    if !comparison.metrics.is_empty() {
        let _ = writeln!(out, "\n{}", table(comparison));
    }
    for pair in comparison.pairs.iter().filter(|pair| !pair.differences.is_empty()) {
        let _ = writeln!(out, "\n  {} → {}", printable(&pair.baseline), printable(&pair.candidate));
        for difference in pair.differences.iter().take(MOST_LISTED) {
            let _ = writeln!(out, "    {}", printable(&difference_line(difference)));
        }
        let more = more(pair.differences.len());
        if !more.is_empty() {
            let _ = writeln!(out, "    {more}");
        }
    }
    for note in notes(comparison) {
        let _ = writeln!(out, "\n{}", wrapped(&note));
    }
    out
}

/// As Markdown, for the summary of a CI job.
pub fn markdown(comparison: &Comparison) -> String {
    let mut out = Document::default();
    out.heading(3, &format!("{}: {}", comparison.scenario, headline(comparison)));
    out.paragraph(&comparison.sentence);
    if !comparison.metrics.is_empty() {
        let interval = format!("{} interval", Share(comparison.confidence));
        let head = ["metric", "verdict", "baseline", "candidate", "change", &interval, "matters from", "p"];
        let row = |assessment: &Assessment| {
            let words = [assessment.metric.name().to_owned(), verdict_words(assessment)];
            words.into_iter().chain(cells(assessment)).collect::<Vec<String>>()
        };
        out.table(&head, 6, comparison.metrics.iter().map(row));
    }
    for pair in comparison.pairs.iter().filter(|pair| !pair.differences.is_empty()) {
        let row = |difference: &Difference| {
            let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".to_owned());
            vec![
                difference.place.clone(),
                list_words(difference),
                side(&difference.baseline),
                side(&difference.candidate),
            ]
        };
        let head = ["what differs", "in a list", &pair.baseline, &pair.candidate];
        out.table(&head, 2, pair.differences.iter().take(MOST_LISTED).map(row));
        let more = more(pair.differences.len());
        if !more.is_empty() {
            out.paragraph(&more);
        }
    }
    out.list(notes(comparison));
    out.paragraph(&format!("{}; {}.", sides(comparison), where_from(comparison)));
    out.finish()
}

/// The chart, the table and the notes, for a page.
pub fn sections(comparison: &Comparison) -> Vec<Section> {
    let mut sections = Vec::new();
    if !comparison.metrics.is_empty() {
        let changes: Vec<String> = comparison
            .metrics
            .iter()
            .map(|assessment| format!("{}: {}", assessment.metric.name(), verdict_words(assessment)))
            .collect();
        let finding = format!("Change of each metric, pair by pair. {}.", changes.join("; "));
        let body = html! {
            (figure(&html! {}, &ratios(&finding, &rows(comparison)), &html! {
                "A dot per pair: how much worse the candidate is than the baseline, to the right, or better, to the left. The line is the "
                (Share(comparison.confidence)) " confidence interval, the ring the Hodges-Lehmann estimate, the band the change that does not matter."
            }))
            (metrics_table(comparison))
        };
        sections.push(Section::new("changes", "Changes", body));
    }
    let differing = comparison.pairs.iter().filter(|pair| !pair.differences.is_empty());
    for (number, pair) in (1..).zip(differing) {
        let rows = html! { @for difference in pair.differences.iter().take(MOST_LISTED) { tr {
            th scope="row" { (difference.place) }
            td class="number" { (difference.baseline.as_deref().unwrap_or("–")) }
            td class="number" { (difference.candidate.as_deref().unwrap_or("–")) }
            td class="why" { (list_words(difference)) }
        } } };
        let columns = [Text("Place"), Number("Baseline"), Number("Candidate"), Text("List")];
        let body = html! {
            (tabulated("Where the results of the pair differ", &columns, &rows))
            p { (more(pair.differences.len())) }
        };
        sections.push(Section::new(format!("differences-{number}"), "What differs", body));
    }
    let notes = notes(comparison);
    if !notes.is_empty() {
        sections.push(Section::new("notes", "Notes", html! { @for note in &notes { p { (note) } } }));
    }
    sections
}

/// The verdict in a word, with its mark.
pub fn headline(comparison: &Comparison) -> String {
    let pairs = match (comparison.pairs.len(), comparison.method) {
        (_, Method::Equality) => String::new(),
        (1, _) => " (1 pair)".to_owned(),
        (pairs, _) => format!(" ({pairs} pairs)"),
    };
    format!("{}{pairs}", decision_words(comparison.decision))
}

/// The class of the banner of a verdict.
pub fn banner(decision: Decision) -> &'static str {
    match decision {
        Decision::Equivalent | Decision::Improved => "banner met",
        Decision::Regressed | Decision::Changed => "banner missed",
        Decision::Inconclusive => "warning",
        Decision::Void => "banner void",
    }
}

/// What is compared, and where it was made.
pub fn where_from(comparison: &Comparison) -> String {
    match &comparison.target {
        TargetRecord::Simulated { profile } => {
            format!("simulated ({}): a model of AWS, not AWS", dated_profile(profile))
        }
        TargetRecord::Embedded { profile } => {
            format!("measured on the embedded emulator ({}): a model of AWS, not AWS", dated_profile(profile))
        }
        TargetRecord::Endpoint { url } => format!("measured on {url}"),
        TargetRecord::Aws { region } => format!("measured on Amazon Kinesis Data Streams in {region}"),
    }
}

/// The two sides.
pub fn sides(comparison: &Comparison) -> String {
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

fn table(comparison: &Comparison) -> String {
    let interval = format!("{} interval", Share(comparison.confidence));
    let head =
        ["metric", "baseline", "candidate", "change", &interval, "matters", "p", "verdict"].map(ToOwned::to_owned);
    let row = |assessment: &Assessment| {
        let [baseline, candidate, change, interval, effect, p] = cells(assessment);
        let name = assessment.metric.name().to_owned();
        [name, baseline, candidate, change, interval, effect, p, verdict_words(assessment)]
    };
    let rows: Vec<[String; 8]> = std::iter::once(head).chain(comparison.metrics.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let line = |row: &[String; 8]| {
        let [name, cells @ .., verdict] = row;
        let mut line = format!("  {name:<width$}", width = width(0));
        for (column, cell) in (1..).zip(cells) {
            let _ = write!(line, "  {cell:>width$}", width = width(column));
        }
        format!("{line}  {verdict}")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn metrics_table(comparison: &Comparison) -> Markup {
    let rows = html! { @for assessment in &comparison.metrics { tr {
        th scope="row" { (assessment.metric.name()) }
        @for cell in cells(assessment) { td class="number" { (cell) } }
        td class="why" { span class=(match assessment.decision {
            Decision::Equivalent | Decision::Improved => "pass",
            Decision::Inconclusive => "unclear",
            _ => "fail",
        }) { (verdict_words(assessment)) } }
    } } };
    let columns = [
        Text("Metric"),
        Number("Baseline"),
        Number("Candidate"),
        Number("Change"),
        Number("Interval"),
        Number("Matters from"),
        Number("p"),
        Text("Verdict"),
    ];
    tabulated("Each metric of the baseline and of the candidate", &columns, &rows)
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

fn difference_line(difference: &Difference) -> String {
    let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".to_owned());
    let list = match list_words(difference) {
        words if words.is_empty() => words,
        words => format!("  ({words})"),
    };
    format!("{}  {} → {}{list}", difference.place, side(&difference.baseline), side(&difference.candidate))
}

/// How many entries of a list differ, and which is the first.
fn list_words(difference: &Difference) -> String {
    difference.list.as_ref().map_or_else(String::new, |list| {
        format!("{} of {} differ, the first is {}", list.differing, list.entries, list.first)
    })
}

fn more(differences: usize) -> String {
    match differences.saturating_sub(MOST_LISTED) {
        0 => String::new(),
        rest => format!("And {} more places, all of them in the JSON.", units::count(rest as u64)),
    }
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
        let page: String = sections(&comparison()).iter().map(|section| html! { (section) }.into_string()).collect();
        assert_eq!(page.matches("<svg").count(), page.matches("role=\"img\"").count());
        assert!(page.contains("<h2>Changes</h2>") && page.contains("✗ regressed") && !page.contains("<script"));
        assert!(!page.contains("#0707") && !page.contains("#0909"), "every placeholder colour is replaced");
    }
}
