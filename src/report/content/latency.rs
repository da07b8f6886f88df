//! How long it took to put records, and distributions of latencies in general.

use super::time::{RunTime, scale_in_words};
use super::{Axis, Cell, Column, Depth, LineFigure, Parts, Section, Table};
use crate::measure::{Interval, LatencySummary, PercentilePoint};
use crate::report::charts::{Look, Scale, Series};
use crate::report::words::{NONE, latency as label, millis, milliseconds, nanos};
use crate::result::RunResult;
use crate::units;

/// Put latencies over time and by percentile.
pub fn latency<'a>(result: &RunResult, time: &RunTime) -> Section<'a> {
    let intervals = &result.measurement.intervals;
    let line = |name: &str, index, value: fn(&Interval) -> Option<u64>| {
        time.line(name, index, intervals.iter().map(|i| (i.second, value(i).map(millis))))
    };
    let series = [
        line("p50", 0, |interval| interval.response_p50),
        line("p99", 1, |interval| interval.response_p99),
        line("longest", 4, |interval| interval.response_max).with(Look { color: 4, dash: 2, marker: None }),
    ];
    let mut parts = Parts::default();
    parts.paragraph(
        Depth::Background,
        "Response is the headline: it counts from the moment a record was due. Lateness is the generator's own part of it, queueing the wait \
         for the batch, for retries and for a free call, service the call itself.",
    );
    let figure = time.figure(
        "Put response time over time",
        series,
        Some(Scale::Log),
        milliseconds,
        "Response time of the records accepted in each second, from the moment they were due to the acknowledgement: median, 99th percentile \
         and longest.",
    );
    parts.figure(Depth::Report, figure);
    by_percentile(
        &mut parts,
        "Put latency by percentile",
        curves(result),
        "How long all but the slowest took, over all records due after the warm-up: each nine is as wide as the one before. Response is \
         lateness, queueing and service of the same record together; a percentile of it is not the sum of theirs.",
    );
    let names = ["response", "lateness", "queueing", "service", "throttled", "failed"];
    let rows = names.iter().filter_map(|name| Some((label(name).to_owned(), *result.measurement.put.get(*name)?)));
    parts.table(Depth::Summary, latencies("Put latencies, warm-up excluded", "Latency", rows));
    Section::new("put-latency", "Put latency", parts)
}

/// A table of latencies, with a name for its first column.
pub fn latencies(caption: &str, name: &str, rows: impl IntoIterator<Item = (String, LatencySummary)>) -> Table {
    let columns = [
        Column::name(name),
        Column::number("Count").from(Depth::Report),
        Column::number("Mean").from(Depth::Report),
        Column::number("p50"),
        Column::number("p90").from(Depth::Report),
        Column::number("p99"),
        Column::number("p99.9").from(Depth::Report),
        Column::number("p99.99").from(Depth::Report),
        Column::number("Longest"),
    ];
    let rows = rows.into_iter().map(|(name, summary)| {
        let figures = [summary.p50, summary.p90, summary.p99, summary.p999, summary.p9999, summary.max];
        let first = [name, units::count(summary.count), nanos(summary.mean.map(|mean| mean.round() as u64))];
        first.into_iter().chain(figures.map(nanos)).map(Cell::from).collect::<Vec<_>>()
    });
    Table::new(caption, columns).rows(rows)
}

/// The response time and its parts, as far as they were kept.
fn curves(result: &RunResult) -> Vec<Series> {
    let measurement = &result.measurement;
    let part = |name: &str| measurement.put_curves.get(name).map_or(&[][..], Vec::as_slice);
    let all = [
        ("response", measurement.put_curve.as_slice()),
        ("queueing", part("queueing")),
        ("service", part("service")),
        ("lateness", part("lateness")),
    ];
    // In virtual time nothing is ever late, and zero has no place on a logarithmic axis.
    let named = (0..).zip(all).filter(|(_, (_, curve))| curve.iter().any(|point| point.value > 0));
    named.map(|(index, (name, curve))| percentile_curve(name, index, curve)).collect()
}

/// A distribution as a line over nines; the maximum, which has infinitely many, is in the tables.
pub fn percentile_curve(name: &str, index: usize, curve: &[PercentilePoint]) -> Series {
    let below = curve.iter().filter(|point| point.quantile < 1.0);
    Series::new(name, index, below.map(|point| (-(1.0 - point.quantile).log10(), millis(point.value))))
}

/// Distributions by percentile: a figure, and the numbers behind it.
pub fn by_percentile(parts: &mut Parts<'_>, title: &str, curves: Vec<Series>, caption: &str) {
    let scale = Scale::Log;
    let points = || curves.iter().map(|curve| curve.runs.first().map_or(&[][..], Vec::as_slice));
    let longest = points().max_by_key(|points| points.len()).unwrap_or_default();
    let columns = std::iter::once(Column::name("Share")).chain(curves.iter().map(|curve| Column::number(&curve.name)));
    let row = |(row, (nines, _)): (usize, &(f64, f64))| {
        let value =
            |points: &[(f64, f64)]| points.get(row).map_or_else(|| NONE.to_owned(), |(_, value)| milliseconds(*value));
        std::iter::once(share(*nines)).chain(points().map(value)).map(Cell::from).collect::<Vec<_>>()
    };
    let numbers = Table::new(title, columns).rows(longest.iter().enumerate().map(row));
    let numbers = (!longest.is_empty()).then(|| numbers.unfolding("The numbers by percentile"));
    let caption = format!("{caption}{}", scale_in_words(&curves, scale));
    let lines = LineFigure {
        title: title.to_owned(),
        series: curves,
        scale,
        y_label: Box::new(milliseconds),
        x: Axis::Values { name: "share of the records that took no longer", label: percentile },
    };
    parts.figure(Depth::Background, lines.figure(caption.into()));
    if let Some(numbers) = numbers {
        parts.table(Depth::Background, numbers);
    }
}

/// Writes a position on the axis of nines: 1 is 90%, 2 is 99%. Ticks between them have no label.
fn percentile(nines: f64) -> String {
    if (nines - nines.round()).abs() > 1e-6 { String::new() } else { share(nines) }
}

/// A share with as many digits as its nines need.
fn share(nines: f64) -> String {
    let share = (1.0 - 10f64.powf(-nines)) * 100.0;
    let decimals = if (nines - nines.round()).abs() < 1e-6 { nines.ceil() - 2.0 } else { nines.ceil() };
    let decimals = decimals.max(0.0) as usize;
    format!("{share:.decimals$}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_the_digits_that_tell_them_apart() {
        for (nines, expected) in [
            (0.0, "0%"),
            (1.0, "90%"),
            (2.0, "99%"),
            (3.0, "99.9%"),
            (5.0, "99.999%"),
            (std::f64::consts::LOG10_2, "50.0%"),
        ] {
            assert_eq!(share(nines), expected);
        }
        assert_eq!(percentile(1.5), "");
    }
}
