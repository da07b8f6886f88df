//! Runs side by side, as the content of a report.

use super::Run;
use super::tables::{Group, consumer_names, groups};
use crate::measure::{LatencySummary, bin_width};
use crate::report::charts::{SERIES_COLORS, Scale, Series};
use crate::report::content::latency::{by_percentile, percentile_curve};
use crate::report::content::time::{POINTS_MAX, bins_in_words, scale_in_words};
use crate::report::content::{
    Axis, Banner, Cell, Column, Depth, Figure, Head, LineFigure, Parts, Report, Section, Source, Table,
};
use crate::report::words::{millis, milliseconds, outcome};
use crate::units;

/// The report of several runs.
pub(super) fn report(runs: &[Run]) -> Report<'_> {
    let groups = groups(runs);
    let (first, last) = groups.split_at(groups.len().min(2));
    let of = |groups: &[Group]| groups.iter().map(|group| section(group, runs)).collect::<Vec<_>>();
    Report {
        title: format!("{} runs – streamgauge", runs.len()),
        source: source(runs),
        head: Head {
            kicker: "streamgauge report".to_owned(),
            title: format!("{} runs side by side", runs.len()),
            banners: runs.iter().map(banner).collect(),
            ..Head::default()
        },
        sections: of(first).into_iter().chain([charts(runs)]).chain(of(last)).collect(),
        foot: runs
            .iter()
            .map(|run| format!("{}: {}", run.label, outcome::versions(&run.result.streamgauge_version)))
            .collect(),
        page_foot: String::new(),
    }
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

fn banner(run: &Run) -> Banner {
    let verdict = &run.verdict;
    let reasons = &verdict.void_reasons;
    Banner {
        status: outcome::conclusion_status(verdict.conclusion),
        of: Some(run.label.clone()),
        words: outcome::conclusion(verdict).to_owned(),
        rest: String::new(),
        lines: if reasons.is_empty() { vec![verdict.sentence.clone()] } else { reasons.clone() },
    }
}

fn section<'a>(of: &Group, runs: &[Run]) -> Section<'a> {
    let columns = std::iter::once(Column::name("What")).chain(runs.iter().map(|run| Column::prose(&run.label)));
    let rows =
        of.rows.iter().map(|(name, cells)| std::iter::once(name).chain(cells).map(|text| Cell::from(text.as_str())));
    let mut parts = Parts::default();
    parts.paragraph(Depth::Report, of.note);
    parts.table(Depth::Summary, Table::new(format!("{} of each run", of.title), columns).rows(rows));
    let id: String =
        of.title.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    Section::new(id, of.title, parts)
}

fn charts(runs: &[Run]) -> Section<'_> {
    let mut parts = Parts::default();
    for some in runs.chunks(SERIES_COLORS) {
        let counts = [
            (
                "Records accepted per second",
                "Records accepted in each second.",
                (|i| i.accepted) as fn(&crate::measure::Interval) -> u64,
            ),
            ("Attempts throttled per second", "Attempts throttled in each second.", |i| i.throttled),
        ];
        for (title, caption, count) in counts {
            let seconds = |run: &Run| {
                run.result.measurement.intervals.iter().map(|i| (i.second, Some(count(i) as f64))).collect()
            };
            parts.figure(Depth::Background, over_time(some, title, caption, Unit::Count, &seconds));
        }
        let caption = "99th percentile of the response time of the records accepted in each second.";
        let seconds = |run: &Run| {
            run.result.measurement.intervals.iter().map(|i| (i.second, i.response_p99.map(millis))).collect()
        };
        parts.figure(Depth::Background, over_time(some, "Put p99 over time", caption, Unit::Milliseconds, &seconds));
        percentiles(&mut parts, some);
        for consumer in consumer_names(some) {
            let title = format!("Lag p99 of {consumer} over time");
            let caption = "99th percentile of the lag of the records processed in each second.";
            let seconds = |run: &Run| lags(run, consumer);
            parts.figure(Depth::Background, over_time(some, &title, caption, Unit::Milliseconds, &seconds));
        }
    }
    Section::new("curves", "Curves", parts)
}

/// A value of each second, where there is one.
type Seconds = Vec<(u64, Option<f64>)>;

fn lags(run: &Run, consumer: &str) -> Seconds {
    let record = run.result.measurement.consumers.iter().find(|record| record.name == consumer);
    let lags = record.map_or(&[] as &[(u64, LatencySummary)], |record| &record.lag_intervals);
    lags.iter().map(|(second, lag)| (*second, lag.p99.map(millis))).collect()
}

/// What the values of a figure are.
#[derive(Clone, Copy)]
enum Unit {
    Count,
    Milliseconds,
}

fn over_time<'a>(
    runs: &[Run],
    title: &str,
    caption: &str,
    unit: Unit,
    seconds: &dyn Fn(&Run) -> Seconds,
) -> Figure<'a> {
    let end = runs.iter().map(|run| run.result.load_ended.as_secs_f64()).fold(0.0, f64::max);
    let width = bin_width(end.ceil() as u64, POINTS_MAX);
    let line = |(index, run): (usize, &Run)| Series::over_time(&run.label, index, seconds(run).into_iter(), width);
    let series: Vec<Series> = runs.iter().enumerate().map(line).collect();
    let (scale, y_label): (_, fn(f64) -> String) = match unit {
        Unit::Count => (Scale::Linear, units::number),
        Unit::Milliseconds => (Scale::fitting(&series), milliseconds),
    };
    let caption = format!("{caption}{}{}", scale_in_words(&series, scale), bins_in_words(width));
    let name = "time since the load began";
    let x = Axis::Time { name, events: [].into(), warm_up: 0.0, load_ended: end, end };
    LineFigure { title: title.to_owned(), series, scale, y_label: Box::new(y_label), x }.figure(caption.into())
}

fn percentiles(parts: &mut Parts<'_>, runs: &[Run]) {
    let curve = |(index, run): (usize, &Run)| percentile_curve(&run.label, index, &run.result.measurement.put_curve);
    by_percentile(
        parts,
        "Put response time by percentile",
        runs.iter().enumerate().map(curve).collect(),
        "Response time by percentile, over all records due after the warm-up; each nine is as wide as the one before.",
    );
}
