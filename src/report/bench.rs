//! What a bench made: as a page, as CSV and as JSON.

use super::comparison::{head, sections};
use super::content::{Banner, Cell, Column, Depth, Head, Parts, Report, Section, Source, Table};
use super::page::page;
use super::words::{NONE, pretty};
use crate::compare::{BENCH_SCHEMA_VERSION, Bench, BenchEnd, BenchRun, Metric};

/// As JSON.
pub fn json(bench: &Bench) -> String {
    pretty(bench)
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
    let compared = bench.comparison.as_ref();
    let void =
        || Banner { status: None, of: None, words: ended(bench).to_owned(), rest: String::new(), lines: Vec::new() };
    let head = compared.map_or_else(|| Head { banners: vec![void()], ..Head::default() }, head);
    page(&Report {
        title: format!("{}, compared – streamgauge", bench.scenario),
        source: compared.map_or(Source::Mixed, |comparison| Source::from(&comparison.target)),
        head: Head { kicker: "streamgauge bench".to_owned(), title: bench.scenario.clone(), ..head },
        sections: compared.map(sections).unwrap_or_default().into_iter().chain([runs(bench)]).collect(),
        foot: vec![super::words::outcome::written("bench", BENCH_SCHEMA_VERSION)],
        page_foot: "Beside this file: pairs.csv, bench.json and every run.".to_owned(),
    })
}

fn runs<'a>(bench: &Bench) -> Section<'a> {
    let void = bench.runs.iter().filter(|run| !run.void.is_empty()).count();
    let value = |run: &BenchRun, metric: Metric| {
        run.readings.get(&metric).map_or_else(|| NONE.to_owned(), |reading| metric.show(reading.value))
    };
    let row = |run: &BenchRun| {
        let made = if run.place == 0 { "before".to_owned() } else { run.place.to_string() };
        let first = [made, run.pair.to_string(), run.side.word().to_owned()];
        let values = Metric::ALL.map(|metric| value(run, metric));
        first.into_iter().chain(values).chain([run.void.join(" ")]).map(Cell::from).collect::<Vec<_>>()
    };
    let first = [Column::name("Made"), Column::number("Pair"), Column::words("Side")];
    let values = Metric::ALL.map(|metric| Column::number(metric.name()));
    let columns = first.into_iter().chain(values).chain([Column::prose("Void")]);
    let looks: Vec<String> = bench.looks.pairs().iter().map(ToString::to_string).collect();
    let mut parts = Parts::default();
    parts.paragraph(
        Depth::Summary,
        format!(
            "{} runs, {void} of them void. Looks were fixed beforehand at {} pairs.",
            bench.runs.len(),
            looks.join(", ")
        ),
    );
    let caption = "Every run in the order in which it was made, void ones among them";
    parts.table(Depth::Summary, Table::new(caption, columns).rows(bench.runs.iter().map(row)));
    Section::new("runs", "Runs", parts)
}
