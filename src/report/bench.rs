//! What a bench made: as a page, as CSV and as JSON.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::comparison::{banner, headline, sections, sides, where_from};
use crate::compare::{BENCH_SCHEMA_VERSION, Bench, BenchEnd, BenchRun, Metric};

/// As JSON.
pub fn json(bench: &Bench) -> String {
    serde_json::to_string_pretty(bench).map_or_else(|error| format!("{{\"error\":\"{error}\"}}\n"), |json| json + "\n")
}

/// Every run as CSV: a row for each, void ones among them; times in nanoseconds.
pub fn csv(bench: &Bench) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let columns = ["pair", "side", "place", "directory", "void"].into_iter().chain(Metric::ALL.map(Metric::key));
    // Writing into memory does not fail, and all rows have the same length.
    let _ = writer.write_record(columns);
    for run in &bench.runs {
        let value =
            |metric: Metric| run.readings.get(&metric).map_or_else(String::new, |reading| reading.value.to_string());
        let head = [
            run.pair.to_string(),
            run.side.word().to_owned(),
            run.place.to_string(),
            run.directory.clone(),
            run.void.join(" "),
        ];
        let _ = writer.write_record(head.into_iter().chain(Metric::ALL.map(value)));
    }
    writer.into_inner().unwrap_or_default()
}

/// What became of a bench without a verdict, in a sentence.
pub fn ended(bench: &Bench) -> &'static str {
    match bench.end {
        BenchEnd::Complete => "The bench is complete.",
        BenchEnd::Interrupted => "The bench was interrupted: the runs that were made are kept, and decide nothing.",
        BenchEnd::TooManyVoid => "More runs were void than may be repeated: what voids them would bias the rest.",
        BenchEnd::Failed => "A run could not be made.",
        BenchEnd::UnderWay => "The bench is under way.",
    }
}

/// As a page.
pub fn html(bench: &Bench) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(&format!("{}, compared – streamgauge", bench.scenario)))
            body {
                header {
                    p class="kicker" { "streamgauge bench" }
                    h1 { (bench.scenario) }
                    @if let Some(comparison) = &bench.comparison {
                        div class=(banner(comparison.decision)) {
                            strong { (headline(comparison)) }
                            p { (comparison.sentence) }
                        }
                        p class="target" { (sides(comparison)) "; " (where_from(comparison)) "." }
                    } @else {
                        div class="banner void" { strong { (ended(bench)) } }
                    }
                }
                main {
                    @if let Some(comparison) = &bench.comparison { (sections(comparison)) }
                    (runs(bench))
                }
                footer { p { "Written by streamgauge " (env!("CARGO_PKG_VERSION")) ", bench schema " (BENCH_SCHEMA_VERSION) ". Beside this file: pairs.csv, bench.json and every run." } }
            }
        }
    };
    page.into_string()
}

/// The head of a page that needs nothing from outside.
pub(super) fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) }
            style { (PreEscaped(include_str!("style.css"))) }
        }
    }
}

fn runs(bench: &Bench) -> Markup {
    let void = bench.runs.iter().filter(|run| !run.void.is_empty()).count();
    let cell = |run: &BenchRun, metric: Metric| {
        run.readings.get(&metric).map_or_else(|| "–".to_owned(), |reading| metric.show(reading.value))
    };
    let name = |pairs: &usize| pairs.to_string();
    html! {
        section {
            h2 { "Runs" }
            p {
                (bench.runs.len()) " runs, " (void) " of them void. Looks were fixed beforehand at "
                (bench.looks.pairs().iter().map(name).collect::<Vec<_>>().join(", ")) " pairs."
            }
            div class="scroll tall" { table {
                thead { tr {
                    @for column in ["Made", "Pair", "Side"] { th scope="col" { (column) } }
                    @for metric in Metric::ALL { th scope="col" { (metric.name()) } }
                    th scope="col" { "Void" }
                } }
                tbody { @for run in &bench.runs { tr {
                    th scope="row" { @if run.place == 0 { "before" } @else { (run.place) } }
                    td class="number" { (run.pair) }
                    td { (run.side.word()) }
                    @for metric in Metric::ALL { td class="number" { (cell(run, metric)) } }
                    td class="why" { (run.void.join(" ")) }
                } } }
            } }
        }
    }
}
