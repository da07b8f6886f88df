//! What was offered in each second.

use super::time::RunTime;
use super::{Cell, Column, Depth, Parts, Section, Table};
use crate::measure::Interval;
use crate::report::charts::{Look, Scale};
use crate::report::words::{nanos, range};
use crate::result::RunResult;
use crate::units::{self, Bytes};

/// Records per second.
pub fn load<'a>(result: &RunResult, time: &RunTime) -> Section<'a> {
    let intervals = &result.measurement.intervals;
    let line = |name: &str, index, value: fn(&Interval) -> u64| {
        time.line(name, index, intervals.iter().map(|i| (i.second, Some(value(i) as f64))))
    };
    let series = [
        line("offered", 0, |interval| interval.offered),
        line("accepted", 2, |interval| interval.accepted).with(Look { color: 2, dash: 1, marker: Some(2) }),
        line("throttled", 1, |interval| interval.throttled).with(Look { color: 1, dash: 0, marker: Some(1) }),
    ];
    let figure = time.figure(
        "Records offered, accepted and throttled per second",
        series,
        Some(Scale::Linear),
        units::number,
        "Records per second: offered by the time they were due, accepted and throttled by the time of the answer. Throttled are attempts: a \
         record that is throttled again and again counts each time.",
    );
    let columns = [
        Column::name("Second"),
        Column::number("Offered"),
        Column::number("Accepted"),
        Column::number("Throttled"),
        Column::number("Other errors"),
        Column::number("Not accepted for good"),
        Column::number("Bytes accepted"),
        Column::number("Response p50"),
        Column::number("Response p99"),
        Column::number("Longest"),
    ];
    let width = time.width();
    let row = |several: &[Interval]| {
        let sum = |value: fn(&Interval) -> u64| several.iter().map(value).sum::<u64>();
        let counts =
            [sum(|i| i.offered), sum(|i| i.accepted), sum(|i| i.throttled), sum(|i| i.errors), sum(|i| i.lost)];
        let span =
            |value: fn(&Interval) -> Option<u64>| range(several.iter().filter_map(value), |value| nanos(Some(value)));
        let times = [span(|i| i.response_p50), span(|i| i.response_p99), span(|i| i.response_max)];
        let bytes = Bytes(sum(|i| i.accepted_bytes)).to_string();
        let cells = std::iter::once(time.row_name(several[0].second)).chain(counts.map(units::count));
        cells.chain([bytes]).chain(times).map(Cell::from).collect::<Vec<_>>()
    };
    let rows = intervals.chunk_by(|a, b| a.second / width == b.second / width).map(row);
    let table = Table::new(format!("Records and response times {}", time.rows_in_words()), columns);
    let mut parts = Parts::default();
    parts.figure(Depth::Report, figure);
    parts.table(Depth::Background, table.rows(rows).unfolding("The numbers per second"));
    Section::new("load", "Load", parts)
}
