//! The verdict: a plan against what a run measured.

use std::time::Duration;

use super::objectives::objectives;
use super::{Bound, Comparison, Conclusion, ObjectiveResult, ObjectiveStatus, Plan, ShardHeat, Verdict};
use crate::measure::{Ending, Interval, LatencySummary, ShardInterval};
use crate::result::RunResult;
use crate::units::{self, Rate, Share};

/// Judges a run: whether it counts, whether it meets its objectives, and where it differs from the plan.
pub fn judge(plan: &Plan, result: &RunResult) -> Verdict {
    let measured = Measured::of(result);
    let void_reasons = void_reasons(result);
    let objectives = objectives(plan, result, measured.throttled_share());
    // What could not be measured was not shown to be met.
    let met = objectives.iter().all(|objective| objective.status == ObjectiveStatus::Pass);
    let conclusion = if !void_reasons.is_empty() {
        Conclusion::Void
    } else if met && nothing_accepted(result).is_none() {
        Conclusion::Met
    } else {
        Conclusion::Missed
    };
    let heat = heat(plan, result, &measured);
    Verdict {
        sentence: sentence(conclusion, &objectives, nothing_accepted(result), &measured, &heat),
        conclusion,
        generator_notes: generator_notes(result),
        void_reasons,
        objectives,
        comparison: comparison(plan, result, &measured, &heat),
        throttling: Vec::new(),
        heat,
    }
}

/// What happened between the end of the warm-up and the end of the load.
struct Measured {
    /// First second that counts, and the first one that no longer does.
    seconds: (u64, u64),
    duration: f64,
    offered: u64,
    accepted: u64,
    accepted_bytes: u64,
    /// The same as Kinesis records: what counts for the quotas.
    service: (u64, u64),
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
            accepted_bytes: sum(|interval| interval.accepted_bytes),
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

    fn rate(&self, records: u64) -> Option<Rate> {
        (self.duration > 0.0).then(|| Rate(records as f64 / self.duration))
    }
}

fn void_reasons(result: &RunResult) -> Vec<String> {
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

/// Where the generator came near its own limits in a run that counts.
fn generator_notes(result: &RunResult) -> Vec<String> {
    let mut notes = Vec::new();
    let end = result.load_ended.second();
    if let Some(health) = &result.measurement.generator
        && let Some(used) = health.processors_used(0, end)
        && used > 0.9 * f64::from(health.processors)
    {
        notes.push(format!(
            "The generator used {used:.1} of {} processors on average: latencies may include its own waits for a processor.",
            health.processors
        ));
    }
    let most = result.scenario.max_in_flight as u64;
    let seconds = result.measurement.intervals.iter().filter(|interval| interval.second < end);
    let full = seconds.clone().filter(|interval| most > 0 && interval.open_calls >= most).count();
    if result.scenario.closed_loop.is_none() && full > 0 {
        notes.push(format!(
            "In {full} of {} seconds all {most} calls of producer.max_in_flight were under way: records waited for a free call.",
            seconds.count()
        ));
    }
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
    let capacity = |name: &str| plan.bounds.iter().find(|bound| bound.name == name).map(|b| b.capacity_per_shard);
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

/// Mean number of open shards in the seconds that are judged.
fn mean_shards(result: &RunResult, (first, end): (u64, u64)) -> f64 {
    let open = &result.measurement.open_shards;
    let all = result.measurement.shards.len() as f64;
    let (first, end) = (first as f64, end as f64);
    if open.is_empty() || first >= end {
        return open.first().map_or(all, |(_, count)| f64::from(*count));
    }
    let until = open.iter().skip(1).map(|(at, _)| at.as_secs_f64()).chain([f64::INFINITY]);
    let part = |((at, count), until): (&(crate::time::Time, u32), f64)| {
        (until.min(end) - at.as_secs_f64().max(first)).max(0.0) * f64::from(*count)
    };
    open.iter().zip(until).map(part).sum::<f64>() / (end - first)
}

/// How many shards the stream had, over the run.
fn shards_in_words(result: &RunResult) -> String {
    let mut counts: Vec<u32> = result.measurement.open_shards.iter().map(|(_, count)| *count).collect();
    counts.dedup();
    match counts.as_slice() {
        [] => format!("{} in the stream", result.measurement.shards.len()),
        [one] => format!("{one} in the stream"),
        [first, .., last] => format!("{first}, in the end {last}"),
    }
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
            format!("{}{fullest}.", reasons.join("; "))
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

fn comparison(plan: &Plan, result: &RunResult, measured: &Measured, heat: &[ShardHeat]) -> Vec<Comparison> {
    let counters = &result.measurement.counters;
    let mut rows = vec![Comparison {
        name: "shards".to_owned(),
        predicted: format!("{} needed, {} recommended", plan.required_shards, plan.recommended_shards),
        measured: shards_in_words(result),
        difference: None,
        note: Some(format!("the bound that binds is {}", plan.binding)),
    }];
    let closed = result.scenario.closed_loop.map(|_| {
        "a closed loop offers no more than is accepted; the prediction is what it would offer to a stream without limits".to_owned()
    });
    rows.push(rate_row("offered records", plan.offered_rate, measured.rate(measured.offered), closed));
    let late = (plan.overload_share.0 > 0.0).then(|| {
        "the plan takes no retries into account: a throttled record that is accepted later while load is offered counts as accepted"
            .to_owned()
    });
    rows.push(rate_row("accepted records", plan.accepted_rate, measured.rate(measured.accepted), late));
    let share_of = |part: u64, whole: u64| (whole > 0).then(|| Share(part as f64 / whole as f64));
    let not_accepted = share_of(measured.offered.saturating_sub(measured.accepted), measured.offered);
    rows.push(share_row(
        "not accepted while load was offered",
        plan.overload_share,
        not_accepted,
        Some("records still waiting for their batch or for an answer when the load ends count here too".to_owned()),
    ));
    // Results of earlier versions do not tell Kinesis records from records.
    let (records, bytes) = match measured.service {
        (0, _) => (measured.accepted, measured.accepted_bytes),
        service => service,
    };
    for (name, actual) in [("write records", measured.rate(records)), ("write bytes", measured.rate(bytes))] {
        rows.extend(bound_row(plan, name, actual, mean_shards(result, measured.seconds)));
    }
    rows.extend(hottest_row(plan, heat));
    for (forecast, consumer) in plan.lags.iter().zip(&result.measurement.consumers) {
        let retried = counters.throttled > 0;
        rows.push(lag_row(forecast.mean, &consumer.lag, &consumer.name, &forecast.note, retried));
    }
    if counters.unknown > 0 {
        rows.push(Comparison {
            name: "records without an answer".to_owned(),
            predicted: "0".to_owned(),
            measured: units::count(counters.unknown),
            difference: None,
            note: Some("the model has no lost answers".to_owned()),
        });
    }
    rows
}

fn rate_row(name: &str, predicted: Rate, measured: Option<Rate>, note: Option<String>) -> Comparison {
    Comparison {
        name: name.to_owned(),
        predicted: predicted.to_string(),
        measured: measured.map_or_else(|| "–".to_owned(), |rate| rate.to_string()),
        difference: measured.and_then(|rate| difference(predicted.0, rate.0)),
        note,
    }
}

fn share_row(name: &str, predicted: Share, measured: Option<Share>, note: Option<String>) -> Comparison {
    Comparison {
        name: name.to_owned(),
        predicted: predicted.to_string(),
        measured: measured.map_or_else(|| "–".to_owned(), |share| share.to_string()),
        difference: None,
        note,
    }
}

/// Bounds are for the busiest second; a run is compared with the mean of what is accepted.
fn bound_row(plan: &Plan, name: &str, actual: Option<Rate>, shards: f64) -> Option<Comparison> {
    let find = |name: &str| -> Option<&Bound> { plan.bounds.iter().find(|bound| bound.name == name) };
    let (bound, records) = (find(name)?, find("write records")?);
    let capacity = bound.capacity_per_shard * shards;
    let measured = actual.filter(|_| capacity > 0.0).map(|actual| Share(actual.0 / capacity));
    let busiest = records.demand * plan.records_per_kinesis_record;
    let predicted = Share(bound.utilisation.0 * plan.accepted_rate.0 / busiest);
    // Only a rate that varies has a busiest second; what overload keeps out is in the other rows.
    let peak = (busiest > plan.offered_rate.0 * 1.01)
        .then(|| format!("mean over the load; the plan sizes for the busiest second, {}", bound.utilisation));
    Some(Comparison {
        difference: measured.and_then(|measured| difference(predicted.0, measured.0)),
        ..share_row(&format!("utilisation: {name}"), predicted, measured, peak)
    })
}

fn hottest_row(plan: &Plan, heat: &[ShardHeat]) -> Option<Comparison> {
    let predicted = plan.shards.iter().map(|shard| shard.utilisation).fold(0.0, f64::max);
    if heat.is_empty() {
        return None;
    }
    let measured = fullest(heat);
    let note = (predicted > 1.0).then(|| {
        "predicted is what the shard is offered, measured is what it accepted: a shard cannot accept much more than its limit"
            .to_owned()
    });
    Some(Comparison {
        difference: measured.filter(|_| predicted <= 1.0).and_then(|measured| difference(predicted, measured)),
        ..share_row("utilisation: fullest shard", Share(predicted), measured.map(Share), note)
    })
}

fn lag_row(predicted: Option<u64>, lag: &LatencySummary, consumer: &str, note: &str, retried: bool) -> Comparison {
    let retries =
        if retried { "; records that were throttled waited for their retry, which the model leaves out" } else { "" };
    let duration = |nanos: u64| units::duration(Duration::from_nanos(nanos));
    let measured = lag.mean.map(|mean| mean.round() as u64);
    Comparison {
        name: format!("mean lag of {consumer}"),
        predicted: predicted.map_or_else(|| "grows without bound".to_owned(), duration),
        measured: measured.map_or_else(|| "–".to_owned(), duration),
        difference: predicted.zip(measured).and_then(|(p, m)| difference(p as f64, m as f64)),
        note: Some(format!("predicted from {note}{retries}")),
    }
}

fn difference(predicted: f64, measured: f64) -> Option<f64> {
    (predicted > 0.0).then(|| measured / predicted - 1.0)
}
