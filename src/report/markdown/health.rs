//! Whether the run was steady, and what the generator took of the machine, as Markdown.

use super::Document;
use crate::report::sections::nanos;
use crate::report::steadiness;
use crate::report::time_charts::range;
use crate::result::RunResult;
use crate::units::{self, Bytes};
use crate::verdict::Verdict;

pub(super) fn steadiness_of(out: &mut Document, verdict: &Verdict) {
    let Some(steadiness) = &verdict.steadiness else { return };
    out.heading(3, "Steadiness");
    out.paragraph(&steadiness::words(steadiness));
    let rows = steadiness.rows.iter().map(|row| {
        std::iter::once(row.name.clone())
            .chain(steadiness::figures(row))
            .chain([steadiness::mark(row).to_owned()])
            .collect()
    });
    let head = ["What, mean over the seconds", "Whole, ± 95%", "First half, ± 95%", "Second half, ± 95%", "Verdict"];
    out.table(&head, 0, rows);
}

pub(super) fn generator(out: &mut Document, result: &RunResult) {
    let lateness = result.measurement.put.get("lateness").copied().unwrap_or_default();
    out.heading(3, "Generator health");
    out.paragraph(&format!(
        "Records were taken up {} late at the median, {} at the 99th percentile, {} at most; {} is allowed at the 99th percentile.",
        nanos(lateness.p50),
        nanos(lateness.p99),
        nanos(lateness.max),
        units::duration(result.scenario.lateness_bound)
    ));
    let Some(health) = &result.measurement.generator else { return };
    let seconds = &health.seconds;
    let bytes = |bytes: u64| Bytes(bytes).to_string();
    let rows = [
        (
            "processors used",
            range(seconds.iter().filter_map(|second| second.processors()), |used| format!("{used:.2}")),
        ),
        ("longest wake-up", range(seconds.iter().filter_map(|second| second.longest_wake_up), units::duration)),
        (
            "longest scheduling delay",
            range(seconds.iter().filter_map(|second| second.scheduling_delay), units::duration),
        ),
        ("resident memory", range(seconds.iter().filter_map(|second| second.resident), bytes)),
        ("allocated", range(seconds.iter().filter_map(|second| second.allocated_bytes), bytes)),
        ("sockets", range(seconds.iter().filter_map(|second| second.sockets), units::count)),
    ];
    out.paragraph(&format!("In each second, from the lowest to the highest, on {} processors:", health.processors));
    out.table(&["Of the generator", "Per second"], 1, rows.map(|(name, value)| vec![name.to_owned(), value]));
}
