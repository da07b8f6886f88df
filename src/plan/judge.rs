//! The verdict: a plan against what a run measured.

use std::time::Duration;

use super::agreement::Calibration;
use super::comparison::comparison;
use super::objectives::objectives;
use super::steadiness::Steadiness;
use super::{Conclusion, ObjectiveResult, ObjectiveStatus, Plan, ShardHeat, Verdict};
use crate::measure::{Ending, Interval, ShardInterval};
use crate::result::RunResult;
use crate::units::{self, Rate, Share};

/// Judges a run: whether it counts, whether it meets its objectives, and where it differs from the plan.
pub fn judge(plan: &Plan, result: &RunResult) -> Verdict {
    let measured = Measured::of(result);
    let void_reasons = void_reasons(result);
    let heat = heat(plan, result, &measured);
    let objectives = objectives(plan, result, measured.throttled_share(), &heat, measured.seconds);
    // What could not be measured was not shown to be met.
    let met = objectives.iter().all(|objective| objective.status == ObjectiveStatus::Pass);
    let conclusion = if !void_reasons.is_empty() {
        Conclusion::Void
    } else if met && nothing_accepted(result).is_none() {
        Conclusion::Met
    } else {
        Conclusion::Missed
    };
    let comparison = comparison(plan, result, &measured, &heat);
    Verdict {
        sentence: sentence(
            conclusion,
            &objectives,
            nothing_accepted(result),
            &measured,
            &heat,
            &generator_limits(result),
        ),
        conclusion,
        generator_notes: generator_notes(result),
        void_reasons,
        objectives,
        calibration: Calibration::of(&comparison),
        comparison,
        throttling: Vec::new(),
        steadiness: Steadiness::of(result, measured.seconds),
        heat,
    }
}

/// What happened between the end of the warm-up and the end of the load.
pub(super) struct Measured {
    /// First second that counts, and the first one that no longer does.
    pub seconds: (u64, u64),
    pub duration: f64,
    pub offered: u64,
    pub accepted: u64,
    /// Those accepted at their first attempt.
    pub accepted_at_first: u64,
    pub accepted_bytes: u64,
    /// The same as Kinesis records: what counts for the quotas.
    pub service: (u64, u64),
    /// Seconds in which an attempt was throttled.
    pub throttled_seconds: u64,
    attempts: u64,
    throttled: u64,
}

impl Measured {
    fn of(result: &RunResult) -> Self {
        // Only whole seconds count, so that rates are over known times.
        let first = result.scenario.warm_up.as_secs_f64().ceil() as u64;
        let end = result.load_ended.as_secs_f64().floor() as u64;
        let inside = |interval: &&Interval| (first..end).contains(&interval.second);
        let intervals: Vec<&Interval> = result.measurement.intervals.iter().filter(inside).collect();
        let sum = |value: fn(&Interval) -> u64| intervals.iter().map(|interval| value(interval)).sum();
        // Objectives on throttling look at everything after the warm-up, the drain included.
        let after_warm_up = || result.measurement.intervals.iter().filter(|interval| interval.second >= first);
        Self {
            seconds: (first, end),
            duration: end.saturating_sub(first) as f64,
            offered: sum(|interval| interval.offered),
            accepted: sum(|interval| interval.accepted),
            accepted_at_first: sum(|interval| interval.accepted - interval.retried.min(interval.accepted)),
            accepted_bytes: sum(|interval| interval.accepted_bytes),
            throttled_seconds: sum(|interval| u64::from(interval.throttled > 0)),
            service: (
                sum(|interval| interval.shards.iter().map(|shard| u64::from(shard.service_records)).sum()),
                sum(|interval| interval.shards.iter().map(|shard| u64::from(shard.service_bytes)).sum()),
            ),
            attempts: after_warm_up().map(|interval| interval.attempts).sum(),
            throttled: after_warm_up().map(|interval| interval.throttled).sum(),
        }
    }

    fn throttled_share(&self) -> Option<Share> {
        (self.attempts > 0).then(|| Share(self.throttled as f64 / self.attempts as f64))
    }

    pub fn rate(&self, records: u64) -> Option<Rate> {
        (self.duration > 0.0).then(|| Rate(records as f64 / self.duration))
    }
}

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
struct GeneratorLimit {
    /// A few words for the sentence of the verdict; `None` where it was too seldom to explain anything.
    clause: Option<String>,
    /// A full sentence.
    note: String,
}

/// Tasks of a runtime that has processors enough are served within a few milliseconds.
const LATE_TASK: Duration = Duration::from_millis(50);
/// What holds in fewer of the seconds explains nothing but a few outliers.
const OFTEN: f64 = 0.1;

/// Where the load generator, and not the stream, was at its limit while load was offered.
fn generator_limits(result: &RunResult) -> Vec<GeneratorLimit> {
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
fn generator_notes(result: &RunResult) -> Vec<String> {
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
fn nothing_accepted(result: &RunResult) -> Option<String> {
    let counters = &result.measurement.counters;
    (counters.offered > 0 && counters.accepted == 0)
        .then(|| format!("none of the {} offered records was accepted", units::count(counters.offered)))
}

fn heat(plan: &Plan, result: &RunResult, measured: &Measured) -> Vec<ShardHeat> {
    let capacity = |name: &str| plan.bound(name).map(|bound| bound.capacity_per_shard);
    let records = capacity("write records").unwrap_or(f64::INFINITY);
    let bytes = capacity("write bytes").unwrap_or(f64::INFINITY);
    let (first, end) = measured.seconds;
    let shard_heat = |(index, shard): (usize, &crate::result::ShardRecord)| {
        let cells =
            result.measurement.intervals.iter().map(|interval| interval.shards.get(index).copied().unwrap_or_default());
        let cells: Vec<_> = cells.collect();
        let seconds: Vec<f64> = cells.iter().map(|cell| utilisation(cell, records, bytes)).collect();
        let judged: Vec<f64> = seconds
            .iter()
            .zip(0u64..)
            .filter(|(_, second)| (first..end).contains(second))
            .map(|(value, _)| *value)
            .collect();
        let mean = (!judged.is_empty()).then(|| judged.iter().sum::<f64>() / judged.len() as f64);
        ShardHeat {
            shard: shard.id.clone(),
            mean,
            seconds,
            throttled: cells.iter().map(|cell| cell.throttled).collect(),
        }
    };
    // UpdateShardCount makes shards that it closes again in the same moment: they have nothing to show.
    let was_used = |(index, shard): &(usize, &crate::result::ShardRecord)| {
        *index < plan.shards.len() || shard.accepted + shard.throttled > 0
    };
    result.measurement.shards.iter().enumerate().filter(was_used).map(shard_heat).collect()
}

/// How full a shard was in a second.
fn utilisation(cell: &ShardInterval, records: f64, bytes: f64) -> f64 {
    let (taken, size) = cell.taken();
    (f64::from(taken) / records).max(f64::from(size) / bytes)
}

/// Mean utilisation of the fullest shard, if a second was judged.
pub(super) fn fullest(heat: &[ShardHeat]) -> Option<f64> {
    heat.iter().filter_map(|shard| shard.mean).max_by(f64::total_cmp)
}

fn sentence(
    conclusion: Conclusion,
    objectives: &[ObjectiveResult],
    nothing_accepted: Option<String>,
    measured: &Measured,
    heat: &[ShardHeat],
    limits: &[GeneratorLimit],
) -> String {
    let throttled = match measured.throttled_share() {
        Some(share) if share.0 > 0.0 => format!("{share} of the attempts were throttled"),
        Some(_) => "nothing was throttled".to_owned(),
        None => "nothing was sent after the warm-up".to_owned(),
    };
    let fullest = fullest(heat)
        .map_or_else(String::new, |mean| format!("; the fullest shard ran at {} of its write capacity", Share(mean)));
    match conclusion {
        Conclusion::Void => "The run is void: its figures do not count.".to_owned(),
        Conclusion::Met if objectives.is_empty() => format!("No objectives are set; {throttled}{fullest}."),
        Conclusion::Met if objectives.len() == 1 => format!("The one objective is met: {throttled}{fullest}."),
        Conclusion::Met => format!("All {} objectives are met: {throttled}{fullest}.", objectives.len()),
        Conclusion::Missed => {
            let missed = counted(objectives, ObjectiveStatus::Fail, "missed", |o| {
                format!("{} is {} (limit {})", o.name, o.measured, o.limit)
            });
            let unmeasured = counted(objectives, ObjectiveStatus::NotMeasurable, "could not be measured", |o| {
                format!("{} ({})", o.name, o.note.as_deref().unwrap_or("no figure"))
            });
            let mut reasons: Vec<String> = [nothing_accepted, missed, unmeasured].into_iter().flatten().collect();
            if let Some(letter) = reasons.first_mut().and_then(|reason| reason.get_mut(..1)) {
                letter.make_ascii_uppercase();
            }
            let clauses: Vec<&str> = limits.iter().filter_map(|limit| limit.clause.as_deref()).collect();
            let generator = if clauses.is_empty() {
                String::new()
            } else {
                format!(
                    " The load generator was at its own limit, and may be the cause instead of the stream: it {}.",
                    clauses.join(", and ")
                )
            };
            format!("{}{fullest}.{generator}", reasons.join("; "))
        }
    }
}

/// How many objectives have a status, and which; `None` without any.
fn counted(
    objectives: &[ObjectiveResult],
    status: ObjectiveStatus,
    what: &str,
    describe: impl Fn(&ObjectiveResult) -> String,
) -> Option<String> {
    let described: Vec<String> = objectives.iter().filter(|o| o.status == status).map(describe).collect();
    (!described.is_empty())
        .then(|| format!("{} of {} objectives {what}: {}", described.len(), objectives.len(), described.join(", ")))
}
