//! Runs side by side as a page.

use maud::{Markup, html as markup};

use super::Run;
use super::tables::{Table, consumer_names, tables};
use super::text::sentence;
use crate::measure::{LatencySummary, bin_width};
use crate::report::charts::{Lines, Marks, SERIES_COLORS, Scale, Series, XAxis, legend, lines};
use crate::report::load::{by_percentile, percentile_curve};
use crate::report::page::versions;
use crate::report::sections::{millis, milliseconds};
use crate::report::shell::{Page, Section, Source};
use crate::report::table::Column::Text;
use crate::report::table::table;
use crate::report::time_charts::{POINTS_MAX, bins_in_words, figure, scale_in_words};
use crate::units;
use crate::verdict::Conclusion;

/// The runs as one self-contained page.
pub fn html(runs: &[Run]) -> String {
    let tables = tables(runs);
    let (first, last) = tables.split_at(tables.len().min(2));
    let of = |tables: &[Table]| tables.iter().map(|table| section(table, runs)).collect::<Vec<_>>();
    let page = Page {
        title: &format!("{} runs – streamgauge", runs.len()),
        source: source(runs),
        header: markup! {
            p class="kicker" { "streamgauge report" }
            h1 { (runs.len()) " runs side by side" }
            @for run in runs { (banner(run)) }
        },
        sections: of(first).into_iter().chain([charts(runs)]).chain(of(last)).collect(),
        footer: markup! { @for run in runs { p { (run.label) ": " (versions(&run.result.streamgauge_version)) } } },
    };
    page.html()
}

/// Where the figures of all runs are from: AWS, only if every one is.
fn source(runs: &[Run]) -> Source {
    let all = |wanted| runs.iter().all(|run| Source::from(&run.result.target) == wanted);
    match (all(Source::Aws), all(Source::Model)) {
        (true, _) => Source::Aws,
        (_, true) => Source::Model,
        _ => Source::Mixed,
    }
}

fn banner(run: &Run) -> Markup {
    let class = match run.verdict.conclusion {
        Conclusion::Met => "banner met",
        Conclusion::Missed => "banner missed",
        Conclusion::Void => "banner void",
    };
    markup! {
        div class=(class) {
            strong { (run.label) ": " (crate::report::markdown::conclusion(&run.verdict)) }
            p { (sentence(run)) }
        }
    }
}

fn section(of: &Table, runs: &[Run]) -> Section {
    let heads: Vec<_> = [Text("What")].into_iter().chain(runs.iter().map(|run| Text(&run.label))).collect();
    let rows = markup! { @for (name, cells) in &of.rows {
        tr { th scope="row" { (name) } @for cell in cells { td class="why" { (cell) } } }
    } };
    let body = markup! {
        @if !of.note.is_empty() { p { (of.note) } }
        (table(&format!("{} of each run", of.title), &heads, &rows))
    };
    let id: String =
        of.title.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    Section::new(id, of.title, body)
}

fn charts(runs: &[Run]) -> Section {
    let body = markup! {
        @for some in runs.chunks(SERIES_COLORS) {
            (over_time(some, "Records accepted per second", "Records accepted in each second.", false, &|run| {
                run.result.measurement.intervals.iter().map(|i| (i.second, Some(i.accepted as f64))).collect()
            }))
            (over_time(some, "Attempts throttled per second", "Attempts throttled in each second.", false, &|run| {
                run.result.measurement.intervals.iter().map(|i| (i.second, Some(i.throttled as f64))).collect()
            }))
            (over_time(some, "Put p99 over time", "99th percentile of the response time of the records accepted in each second.", true, &|run| {
                run.result.measurement.intervals.iter().map(|i| (i.second, i.response_p99.map(millis))).collect()
            }))
            (percentiles(some))
            @for consumer in consumer_names(some) {
                (over_time(some, &format!("Lag p99 of {consumer} over time"), "99th percentile of the lag of the records processed in each second.", true, &|run| {
                    let record = run.result.measurement.consumers.iter().find(|record| record.name == consumer);
                    let lags = record.map_or(&[] as &[(u64, LatencySummary)], |record| &record.lag_intervals);
                    lags.iter().map(|(second, lag)| (*second, lag.p99.map(millis))).collect()
                }))
            }
        }
    };
    Section::new("curves", "Curves", body)
}

/// A value of each second, where there is one.
type Seconds = Vec<(u64, Option<f64>)>;

fn over_time(runs: &[Run], title: &str, caption: &str, latency: bool, seconds: &dyn Fn(&Run) -> Seconds) -> Markup {
    let end = runs.iter().map(|run| run.result.load_ended.as_secs_f64()).fold(0.0, f64::max);
    let width = bin_width(end.ceil() as u64, POINTS_MAX);
    let line = |(index, run): (usize, &Run)| Series::over_time(&run.label, index, seconds(run).into_iter(), width);
    let series: Vec<Series> = runs.iter().enumerate().map(line).collect();
    let scale = if latency { Scale::fitting(&series) } else { Scale::Linear };
    let y_label: &dyn Fn(f64) -> String = if latency { &milliseconds } else { &units::number };
    let marks = Marks { name: "time since the load began", events: &[], warm_up: 0.0, load_ended: end, end };
    let chart = lines(&Lines { title, series: &series, scale, y_label, x: XAxis::Time(marks) });
    figure(
        &legend(series.iter().map(|series| (series.name.as_str(), series.look))),
        &chart,
        &markup! { (caption) (scale_in_words(&series, scale)) (bins_in_words(width)) },
    )
}

fn percentiles(runs: &[Run]) -> Markup {
    let curve = |(index, run): (usize, &Run)| percentile_curve(&run.label, index, &run.result.measurement.put_curve);
    let series: Vec<Series> = runs.iter().enumerate().map(curve).collect();
    by_percentile(
        "Put response time by percentile",
        &series,
        &markup! {
            "Response time by percentile, over all records due after the warm-up; each nine is as wide as the one before."
        },
    )
}
