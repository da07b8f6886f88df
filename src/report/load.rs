//! What was offered, and how long it took to put it.

use maud::{Markup, html};

use super::charts::{Lines, Look, Scale, Series, XAxis, legend, lines};
use super::sections::{latency_columns, latency_row, millis, milliseconds, nanos};
use super::shell::Section;
use super::table::Column::{Number, Text};
use super::table::{numbers, table};
use super::time_charts::{RunTime, figure, range, scale_in_words};
use crate::measure::{Interval, PercentilePoint};
use crate::result::RunResult;
use crate::units::{self, Bytes};

/// Records per second.
pub fn rates(result: &RunResult, time: &RunTime<'_>) -> Section {
    let intervals = &result.measurement.intervals;
    let line = |name: &str, index, value: fn(&Interval) -> u64| {
        time.line(name, index, intervals.iter().map(|i| (i.second, Some(value(i) as f64))))
    };
    let series = [
        line("offered", 0, |interval| interval.offered),
        line("accepted", 2, |interval| interval.accepted).with(Look { color: 2, dash: 1, marker: Some(2) }),
        line("throttled", 1, |interval| interval.throttled).with(Look { color: 1, dash: 0, marker: Some(1) }),
    ];
    let caption = html! { "Records per second: offered by the time they were due, accepted and throttled by the time of the answer. Throttled are attempts: a record that is throttled again and again counts each time." };
    let title = "Records offered, accepted and throttled per second";
    let columns = [
        Text("Second"),
        Number("Offered"),
        Number("Accepted"),
        Number("Throttled"),
        Number("Other errors"),
        Number("Not accepted for good"),
        Number("Bytes accepted"),
        Number("Response p50"),
        Number("Response p99"),
        Number("Longest"),
    ];
    let width = time.width();
    let rows = html! {
        @for several in intervals.chunk_by(|a, b| a.second / width == b.second / width) {
            @let sum = |value: fn(&Interval) -> u64| several.iter().map(value).sum::<u64>();
            tr {
                th scope="row" { (time.row_name(several[0].second)) }
                @for value in [sum(|i| i.offered), sum(|i| i.accepted), sum(|i| i.throttled), sum(|i| i.errors), sum(|i| i.lost)] { td class="number" { (units::count(value)) } }
                td class="number" { (Bytes(sum(|i| i.accepted_bytes))) }
                @for value in [|i: &Interval| i.response_p50, |i: &Interval| i.response_p99, |i: &Interval| i.response_max] {
                    td class="number" { (range(several.iter().filter_map(value), |value| nanos(Some(value)))) }
                }
            }
        }
    };
    Section::new(
        "load",
        "Load",
        html! {
            (time.figure(title, &series, Scale::Linear, &|v| units::number(v), &caption))
            (numbers("The numbers per second", &format!("Records and response times {}", time.rows_in_words()), &columns, &rows))
        },
    )
}

/// Put latencies over time and by percentile.
pub fn latency(result: &RunResult, time: &RunTime<'_>) -> Section {
    let intervals = &result.measurement.intervals;
    let line = |name: &str, index, value: fn(&Interval) -> Option<u64>| {
        time.line(name, index, intervals.iter().map(|i| (i.second, value(i).map(millis))))
    };
    let series = [
        line("p50", 0, |interval| interval.response_p50),
        line("p99", 1, |interval| interval.response_p99),
        line("longest", 4, |interval| interval.response_max).with(Look { color: 4, dash: 2, marker: None }),
    ];
    let caption = html! { "Response time of the records accepted in each second, from the moment they were due to the acknowledgement: median, 99th percentile and longest." };
    let curves = curves(result);
    let columns = latency_columns("Latency");
    let rows = html! {
        @for name in ["response", "lateness", "queueing", "service", "throttled", "failed"] {
            @if let Some(summary) = result.measurement.put.get(name) { (latency_row(label(name), summary)) }
        }
    };
    Section::new(
        "put-latency",
        "Put latency",
        html! {
            p { "Response is the headline: it counts from the moment a record was due. Lateness is the generator's own part of it, queueing the wait for the batch, for retries and for a free call, service the call itself." }
            (time.figure("Put response time over time", &series, Scale::Log, &milliseconds, &caption))
            (by_percentile("Put latency by percentile", &curves, &html! {
                "How long all but the slowest took, over all records due after the warm-up: each nine is as wide as the one before. "
                "Response is lateness, queueing and service of the same record together; a percentile of it is not the sum of theirs."
            }))
            (table("Put latencies, warm-up excluded", &columns, &rows))
        },
    )
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

/// Distributions by percentile: a chart, and the numbers behind it.
pub fn by_percentile(title: &str, curves: &[Series], caption: &Markup) -> Markup {
    let scale = Scale::Log;
    let chart = lines(&Lines {
        title,
        series: curves,
        scale,
        y_label: &milliseconds,
        x: XAxis::Values { name: "share of the records that took no longer", label: &percentile },
    });
    let heads: Vec<_> = [Text("Share")].into_iter().chain(curves.iter().map(|curve| Number(&curve.name))).collect();
    let points = || curves.iter().map(|curve| curve.runs.first().map_or(&[][..], Vec::as_slice));
    let longest = points().max_by_key(|points| points.len()).unwrap_or_default();
    let rows = html! {
        @for (row, (nines, _)) in longest.iter().enumerate() {
            tr {
                th scope="row" { (share(*nines)) }
                @for points in points() { td class="number" { @match points.get(row) { Some((_, value)) => (milliseconds(*value)), None => "–" } } }
            }
        }
    };
    html! {
        (figure(
            &legend(curves.iter().map(|curve| (curve.name.as_str(), curve.look))),
            &chart,
            &html! { (caption) (scale_in_words(curves, scale)) },
        ))
        @if !longest.is_empty() { (numbers("The numbers by percentile", title, &heads, &rows)) }
    }
}

/// What a latency is, in a few words.
pub(super) fn label(name: &str) -> &str {
    match name {
        "response" => "response: due → acknowledged",
        "lateness" => "lateness: needed → taken up",
        "queueing" => "queueing: taken up → sent",
        "service" => "service: sent → acknowledged",
        "throttled" => "throttled attempts: sent → refused",
        "failed" => "failed attempts: sent → error",
        other => other,
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
