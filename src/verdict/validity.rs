//! Whether a run counts, and whether its generator was at a limit of its own.

use std::time::Duration;

use crate::measure::Ending;
use crate::result::RunResult;
use crate::units;

/// Why a run does not count, in full sentences; empty for a valid run.
pub fn void_reasons(result: &RunResult) -> Vec<String> {
    let mut reasons = Vec::new();
    match &result.ending {
        Ending::Complete => {}
        Ending::Interrupted => reasons.push(format!(
            "The run was interrupted {:.1} s after it began; it was to last {}.",
            result.load_ended.as_secs_f64(),
            units::duration(result.scenario.duration)
        )),
        Ending::Aborted { reason } => reasons.push(format!("The run could not go on: {reason}")),
    }
    let counters = &result.measurement.counters;
    if !counters.balance() {
        reasons.push(format!(
            "The ledger does not balance: {} records were offered, {} are accounted for.",
            units::count(counters.offered),
            units::count(
                counters.accepted + counters.failed + counters.abandoned + counters.unknown + counters.in_flight
            )
        ));
    }
    let bound = result.scenario.lateness_bound;
    let late = result.measurement.put.get("lateness").and_then(|lateness| lateness.p99).map(Duration::from_nanos);
    if let Some(late) = late.filter(|late| *late > bound) {
        reasons.push(format!(
            "The generator, not the stream, was the limit: the 99th percentile of its lateness is {}, the scenario allows {}.{} \
             Lower the rate, use a larger machine, share the load with --part, or raise load.lateness_bound.",
            units::duration(late),
            units::duration(bound),
            cause_of_lateness(result)
        ));
    }
    reasons
}

/// What the machine says of a generator that is late.
fn cause_of_lateness(result: &RunResult) -> String {
    let Some(health) = &result.measurement.generator else { return String::new() };
    let end = result.load_ended.second();
    let (used, missed) = (health.processors_used(0, end), health.processors_missed(0, end));
    match (used, missed) {
        (Some(used), _) if used > 0.85 * f64::from(health.processors) => {
            format!(" It used {used:.1} of {} processors on average.", health.processors)
        }
        (Some(used), Some(missed)) if missed > 0.3 * used => format!(
            " Its threads used {used:.2} processors and waited for {missed:.2} more that something else held: another program, or \
             the host of this machine."
        ),
        _ => String::new(),
    }
}

/// A limit of the load generator's own that a run came to.
pub(super) struct GeneratorLimit {
    /// A few words for the sentence of the verdict; `None` where it was too seldom to explain anything.
    pub clause: Option<String>,
    /// A full sentence.
    note: String,
}

/// Tasks of a runtime that has processors enough are served within a few milliseconds.
const LATE_TASK: Duration = Duration::from_millis(50);
/// What holds in fewer of the seconds explains nothing but a few outliers.
const OFTEN: f64 = 0.1;

/// Where the load generator, and not the stream, was at its limit while load was offered.
pub(super) fn generator_limits(result: &RunResult) -> Vec<GeneratorLimit> {
    let mut limits = Vec::new();
    let end = result.load_ended.second();
    let often = |some: usize, of: usize| some as f64 >= OFTEN * of.max(1) as f64;
    if let Some(health) = &result.measurement.generator {
        let processors = health.processors;
        if let Some(used) = health.processors_used(0, end).filter(|used| *used > 0.9 * f64::from(processors)) {
            limits.push(GeneratorLimit {
                clause: Some(format!("used {used:.1} of {processors} processors")),
                note: format!(
                    "The generator used {used:.1} of {processors} processors on average: latencies may include its own waits for a \
                     processor."
                ),
            });
        }
        let (late, known, longest) = health.delayed(0, end, LATE_TASK);
        if late > 0 {
            let (bound, longest) = (units::duration(LATE_TASK), units::duration(longest));
            limits.push(GeneratorLimit {
                clause: often(late, known)
                    .then(|| format!("served its own tasks up to {longest} late in {late} of {known} seconds")),
                note: format!(
                    "In {late} of {known} seconds the runtime of calls and consumers served a task more than {bound} late, {longest} at \
                     most: latencies and lags may include that."
                ),
            });
        }
    }
    let most = result.scenario.max_in_flight as u64;
    let seconds = result.measurement.intervals.iter().filter(|interval| interval.second < end);
    let full = seconds.clone().filter(|interval| most > 0 && interval.open_calls >= most).count();
    if result.scenario.closed_loop.is_none() && full > 0 {
        let of = seconds.count();
        limits.push(GeneratorLimit {
            clause: often(full, of).then(|| {
                format!("had all {most} calls of producer.max_in_flight under way in {full} of {of} seconds")
            }),
            note: format!(
                "In {full} of {of} seconds all {most} calls of producer.max_in_flight were under way: records waited for a free call."
            ),
        });
    }
    limits
}

/// Where the generator came near its own limits in a run that counts.
pub(super) fn generator_notes(result: &RunResult) -> Vec<String> {
    let mut notes: Vec<String> = generator_limits(result).into_iter().map(|limit| limit.note).collect();
    let over = result.measurement.intervals.iter().filter(|interval| {
        interval.lateness_p99.is_some_and(|late| Duration::from_nanos(late) > result.scenario.lateness_bound)
    });
    let late: Vec<u64> = over.map(|interval| interval.second).collect();
    if let (Some(first), Some(last)) = (late.first(), late.last()) {
        notes.push(format!(
            "In {} second(s), from {first} to {last}, the generator was later than load.lateness_bound at the 99th percentile.",
            late.len()
        ));
    }
    notes
}

/// Says so if load was offered and the service took none of it.
pub(super) fn nothing_accepted(result: &RunResult) -> Option<String> {
    let counters = &result.measurement.counters;
    (counters.offered > 0 && counters.accepted == 0)
        .then(|| format!("none of the {} offered records was accepted", units::count(counters.offered)))
}
