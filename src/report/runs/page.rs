//! Runs side by side as a page.

use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

use super::Run;
use super::tables::{Table, consumer_names, tables};
use super::text::sentence;
use crate::measure::LatencySummary;
use crate::plan::Conclusion;
use crate::report::charts::{Lines, Marks, SERIES_COLORS, Scale, Series, lines};
use crate::report::page::versions;
use crate::report::sections::{legend_of, millis, milliseconds, percentile, scale_note};
use crate::units;

/// The runs as one self-contained page.
pub fn html(runs: &[Run]) -> String {
    let title = format!("{} runs – streamgauge", runs.len());
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(include_str!("../style.css"))) }
            }
            body {
                header {
                    p class="kicker" { "streamgauge report" }
                    h1 { (runs.len()) " runs side by side" }
                    @for run in runs { (banner(run)) }
                }
                main {
                    @let tables = tables(runs);
                    @for table in tables.iter().take(2) { (section(table, runs)) }
                    (charts(runs))
                    @for table in tables.iter().skip(2) { (section(table, runs)) }
                }
                footer { @for run in runs { p { (run.label) ": " (versions(&run.result.streamgauge_version)) } } }
            }
        }
    };
    page.into_string()
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

fn section(table: &Table, runs: &[Run]) -> Markup {
    markup! {
        section {
            h2 { (table.title) }
            @if !table.note.is_empty() { p { (table.note) } }
            div class="scroll" { table {
                thead { tr { th scope="col" { "What" } @for run in runs { th scope="col" { (run.label) } } } }
                tbody { @for (name, cells) in &table.rows {
                    tr { th scope="row" { (name) } @for cell in cells { td class="why" { (cell) } } }
                } }
            } }
        }
    }
}

fn charts(runs: &[Run]) -> Markup {
    markup! {
        section {
            h2 { "Curves" }
            @for some in runs.chunks(SERIES_COLORS) {
                (over_time(some, "Records accepted per second", " Records accepted in each second.", false, &|run| {
                    let intervals = run.result.measurement.intervals.iter();
                    Series::per_second(&run.label, intervals.map(|i| (i.second, Some(i.accepted as f64))))
                }))
                (over_time(some, "Attempts throttled per second", " Attempts throttled in each second.", false, &|run| {
                    let intervals = run.result.measurement.intervals.iter();
                    Series::per_second(&run.label, intervals.map(|i| (i.second, Some(i.throttled as f64))))
                }))
                (over_time(some, "Put p99 over time", " 99th percentile of the response time of the records accepted in each second", true, &|run| {
                    let intervals = run.result.measurement.intervals.iter();
                    Series::per_second(&run.label, intervals.map(|i| (i.second, i.response_p99.map(millis))))
                }))
                (by_percentile(some))
                @for consumer in consumer_names(some) {
                    (over_time(some, &format!("Lag p99 of {consumer} over time"), " 99th percentile of the lag of the records processed in each second", true, &|run| {
                        let record = run.result.measurement.consumers.iter().find(|record| record.name == consumer);
                        let lags = record.map_or(&[] as &[(u64, LatencySummary)], |record| &record.lag_intervals);
                        Series::per_second(&run.label, lags.iter().map(|(second, lag)| (*second, lag.p99.map(millis))))
                    }))
                }
            }
        }
    }
}

fn over_time(runs: &[Run], title: &str, caption: &str, latency: bool, series: &dyn Fn(&Run) -> Series) -> Markup {
    let series: Vec<Series> = runs.iter().map(series).collect();
    let end = runs.iter().map(|run| run.result.load_ended.as_secs_f64()).fold(0.0, f64::max);
    let scale = if latency { Scale::fitting(&series) } else { Scale::Linear };
    let y_label: &dyn Fn(f64) -> String = if latency { &milliseconds } else { &units::number };
    let chart = lines(&Lines {
        title,
        series: &series,
        scale,
        y_label,
        x_name: "seconds since the load began",
        x_label: &units::number,
        marks: Some(Marks { events: &[], warm_up: 0.0, load_ended: end, end }),
    });
    markup! {
        figure {
            (PreEscaped(chart))
            figcaption { (legend_of(&series)) (caption) @if latency { (scale_note(&series)) "." } }
        }
    }
}

fn by_percentile(runs: &[Run]) -> Markup {
    let curve = |run: &Run| {
        let points = run.result.measurement.put_curve.iter().filter(|point| point.quantile < 1.0);
        Series::new(&run.label, points.map(|p| (-(1.0 - p.quantile).log10(), Some(millis(p.value)))))
    };
    let series: Vec<Series> = runs.iter().map(curve).collect();
    let chart = lines(&Lines {
        title: "Put response time by percentile",
        series: &series,
        scale: Scale::fitting(&series),
        y_label: &milliseconds,
        x_name: "share of the records that were at least as fast",
        x_label: &percentile,
        marks: None,
    });
    markup! {
        figure {
            (PreEscaped(chart))
            figcaption { (legend_of(&series)) " Response time by percentile, over all records due after the warm-up; each nine is as wide as the one before" (scale_note(&series)) "." }
        }
    }
}
