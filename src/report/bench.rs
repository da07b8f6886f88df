//! What a bench made: as a page, as CSV and as JSON.

use maud::html;

use super::comparison::{banner, headline, sections, sides, where_from};
use super::shell::{Page, Section, Source};
use super::table::Column::{Number, Text};
use super::table::table;
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
    let header = html! {
        p class="kicker" { "streamgauge bench" }
        h1 { bdi { (bench.scenario) } }
        @if let Some(comparison) = &bench.comparison {
            div class=(banner(comparison.decision)) {
                strong { (headline(comparison)) }
                p { (comparison.sentence) }
            }
            p class="target" { (sides(comparison)) "; " (where_from(comparison)) "." }
        } @else {
            div class="banner void" { strong { (ended(bench)) } }
        }
    };
    let compared = bench.comparison.as_ref();
    let page = Page {
        title: &format!("{}, compared – streamgauge", bench.scenario),
        source: compared.map_or(Source::Mixed, |comparison| Source::from(&comparison.target)),
        header,
        sections: compared.map(sections).unwrap_or_default().into_iter().chain([runs(bench)]).collect(),
        footer: html! { p { "Written by streamgauge " (env!("CARGO_PKG_VERSION")) ", bench schema " (BENCH_SCHEMA_VERSION) ". Beside this file: pairs.csv, bench.json and every run." } },
    };
    page.html()
}

fn runs(bench: &Bench) -> Section {
    let void = bench.runs.iter().filter(|run| !run.void.is_empty()).count();
    let cell = |run: &BenchRun, metric: Metric| {
        run.readings.get(&metric).map_or_else(|| "–".to_owned(), |reading| metric.show(reading.value))
    };
    let name = |pairs: &usize| pairs.to_string();
    let rows = html! { @for run in &bench.runs { tr {
        th scope="row" { @if run.place == 0 { "before" } @else { (run.place) } }
        td class="number" { (run.pair) }
        td { (run.side.word()) }
        @for metric in Metric::ALL { td class="number" { (cell(run, metric)) } }
        td class="why" { (run.void.join(" ")) }
    } } };
    let columns: Vec<_> = [Text("Made"), Number("Pair"), Text("Side")]
        .into_iter()
        .chain(Metric::ALL.map(|metric| Number(metric.name())))
        .chain([Text("Void")])
        .collect();
    let body = html! {
        p {
            (bench.runs.len()) " runs, " (void) " of them void. Looks were fixed beforehand at "
            (bench.looks.pairs().iter().map(name).collect::<Vec<_>>().join(", ")) " pairs."
        }
        (table("Every run in the order in which it was made, void ones among them", &columns, &rows))
    };
    Section::new("runs", "Runs", body)
}
