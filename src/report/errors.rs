//! Attempts that were not accepted: each kind counted and timed, and what became of records without an answer.

use maud::{Markup, html};

use super::sections::nanos;
use super::table::Column::{Number, Text};
use super::table::table;
use crate::measure::{LatencySummary, Measurement};
use crate::result::RunResult;
use crate::units;

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

/// The table of the report; nothing if every attempt was accepted.
pub(super) fn errors(result: &RunResult) -> Markup {
    let kinds = kinds(&result.measurement);
    let rows = html! { @for kind in &kinds {
        tr {
            th scope="row" { (kind.name) }
            td class="number" { (units::count(kind.attempts)) }
            td class="number" { (units::count(kind.times.count)) }
            @for value in [kind.times.p50, kind.times.p99, kind.times.max] { td class="number" { (nanos(value)) } }
        }
    } };
    let columns = [
        Text("Attempts not accepted"),
        Number("Count"),
        Number("Timed"),
        Number("p50"),
        Number("p99"),
        Number("Longest"),
    ];
    html! {
        @if let Some(words) = unknown(&result.measurement) { p { (words) } }
        @if !kinds.is_empty() {
            (table("Attempts that were not accepted: from sending to the answer, or to giving up, of those sent after the warm-up", &columns, &rows))
        }
    }
}

/// The same in lines for a terminal.
pub(super) fn lines(measurement: &Measurement) -> Vec<String> {
    let line = |kind: &Kind<'_>| {
        let (p50, p99, max) = (nanos(kind.times.p50), nanos(kind.times.p99), nanos(kind.times.max));
        let name = format!("{} × {}", units::count(kind.attempts), kind.name);
        format!("{name:<28} p50 {p50:>9}   p99 {p99:>9}   max {max:>9}")
    };
    unknown(measurement).into_iter().chain(kinds(measurement).iter().map(line)).collect()
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
