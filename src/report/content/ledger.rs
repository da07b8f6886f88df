//! Where every record went, and the attempts that were not accepted: each kind counted and timed.

use super::{Cell, Column, Depth, Parts, Section, Table};
use crate::measure::{LatencySummary, Measurement};
use crate::report::words::{nanos, outcome};
use crate::result::RunResult;
use crate::units;

/// Where every record went.
pub fn ledger<'a>(result: &RunResult) -> Section<'a> {
    let counters = &result.measurement.counters;
    let mut parts = Parts::default();
    parts.equation(Depth::Summary, outcome::ledger(result));
    parts.note(
        Depth::Summary,
        format!(
            "{} attempts in {} calls: {} throttled, {} failed otherwise; {} records were accepted on a retry. The warm-up is included.",
            units::count(counters.attempts),
            units::count(counters.calls),
            units::count(counters.throttled),
            units::count(counters.errors),
            units::count(counters.retried)
        ),
    );
    parts.paragraph(Depth::Summary, unknown(&result.measurement).unwrap_or_default());
    let kinds = kinds(&result.measurement);
    if !kinds.is_empty() {
        parts.table(Depth::Summary, errors(&kinds));
    }
    Section::new("ledger", "Ledger", parts)
}

/// A kind of error.
struct Kind<'a> {
    name: &'a str,
    attempts: u64,
    /// Of the attempts sent after the warm-up.
    times: LatencySummary,
}

/// The kinds that there were, throttling first.
fn kinds(measurement: &Measurement) -> Vec<Kind<'_>> {
    let times = |name: &str| measurement.put.get(name).copied().unwrap_or_default();
    let throttled = Kind { name: "throttled", attempts: measurement.counters.throttled, times: times("throttled") };
    let others = measurement.errors_by_kind.iter().map(|(name, attempts)| Kind {
        name,
        attempts: *attempts,
        times: times(&format!("failed-{name}")),
    });
    std::iter::once(throttled).chain(others).filter(|kind| kind.attempts > 0).collect()
}

fn errors(kinds: &[Kind<'_>]) -> Table {
    let columns = [
        Column::name("Attempts not accepted"),
        Column::number("Count"),
        Column::number("Timed").from(Depth::Report),
        Column::number("p50"),
        Column::number("p99"),
        Column::number("Longest"),
    ];
    let row = |kind: &Kind<'_>| {
        let counts = [kind.attempts, kind.times.count].map(units::count);
        let times = [kind.times.p50, kind.times.p99, kind.times.max].map(nanos);
        std::iter::once(kind.name.to_owned()).chain(counts).chain(times).map(Cell::from).collect::<Vec<_>>()
    };
    let caption =
        "Attempts that were not accepted: from sending to the answer, or to giving up, of those sent after the warm-up";
    Table::new(caption, columns).rows(kinds.iter().map(row))
}

/// What is known of records that were sent and never answered.
fn unknown(measurement: &Measurement) -> Option<String> {
    let unknown = measurement.counters.unknown;
    let stored = match measurement.unknown_stored {
        Some(stored) => format!("of which {} stored (a consumer saw them)", units::count(stored)),
        None => "of which it is not known how many are stored: nobody reads".to_owned(),
    };
    (unknown > 0).then(|| format!("unknown: {}, {stored}", units::count(unknown)))
}
