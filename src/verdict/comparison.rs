//! The rows of prediction against measurement.

use std::time::Duration;

use super::agreement::Tolerance;
use super::expectation::Expectation;
use super::heat::{ShardHeat, fullest};
use super::measured::{Measured, mean_shards};
use super::observed::bound_rows;
use super::row::{Comparison, UTILISATION, chance_of_bytes, row, share_row};
use crate::forecast::{LagForecast, PutForecast};
use crate::measure::{ConsumerRecord, LatencySummary, OutageRecord};
use crate::prices::{HOURS_PER_MONTH, Item};
use crate::result::RunResult;
use crate::units::{self, Rate, Share};

/// Of rates: what is due or under way at the ends of the judged time. Chance adds three standard deviations of a count.
const RATE: f64 = 0.02;
/// Of throttled shares: what the forecast is held to by its tests.
const THROTTLED: Tolerance = Tolerance { relative: 0.05, absolute: 0.005 };
/// Of the seconds that throttle: those of a short run are few, and they come together.
const THROTTLED_SECONDS: Tolerance = Tolerance { relative: 0.2, absolute: 0.05 };
/// Of calls: the first and the last second are not whole.
const CALLS: Tolerance = Tolerance { relative: 0.15, absolute: 0.01 };
/// Of lags and put latencies, relative and in nanoseconds: a latency is drawn, and a batch takes its turn.
const LAG: Tolerance = Tolerance { relative: 0.2, absolute: 1e7 };
const PUT: Tolerance = Tolerance { relative: 0.25, absolute: 5e6 };
/// Of the time to catch up, relative and in seconds: polls go by their interval, and what was not noted is read again.
const CATCH_UP: Tolerance = Tolerance { relative: 0.3, absolute: 1.0 };
/// Of the cost of a run, with the chance of which records came.
const COST: f64 = 0.05;

/// Predicted and measured, side by side.
pub(super) fn comparison(
    plan: Expectation<'_>,
    result: &RunResult,
    measured: &Measured,
    heat: &[ShardHeat],
) -> Vec<Comparison> {
    let counters = &result.measurement.counters;
    let mut rows = vec![Comparison {
        name: "shards".to_owned(),
        predicted: format!(
            "{} needed, {} recommended",
            plan.capacity.required_shards, plan.capacity.recommended_shards
        ),
        measured: shards_in_words(result),
        note: Some(format!("the bound that binds is {}", plan.capacity.binding)),
        ..Comparison::default()
    }];
    let closed = result.scenario.closed_loop.map(|_| {
        "a closed loop offers no more than is accepted; the prediction is what it would offer to a stream without limits".to_owned()
    });
    let duration = measured.duration;
    rows.push(rate_row(
        "offered records",
        plan.forecast.offered_rate,
        measured.rate(measured.offered),
        true,
        duration,
        closed,
    ));
    let late = (plan.forecast.overload_share.0 > 0.0).then(|| {
        "the plan takes no retries into account: a throttled record that is accepted later while load is offered counts as accepted"
            .to_owned()
    });
    let accepted = measured.rate(measured.accepted);
    rows.push(rate_row("accepted records", plan.forecast.accepted_rate, accepted, false, duration, late));
    let share_of = |part: u64, whole: u64| (whole > 0).then(|| Share(part as f64 / whole as f64));
    let not_accepted = share_of(measured.offered.saturating_sub(measured.accepted), measured.offered);
    rows.push(share_row(
        "not accepted while load was offered",
        plan.forecast.overload_share,
        not_accepted,
        Some(THROTTLED),
        Some("records still waiting for their batch or for an answer when the load ends count here too".to_owned()),
    ));
    let at_first = share_of(measured.offered.saturating_sub(measured.accepted_at_first), measured.offered);
    rows.push(share_row(
        "not accepted at the first attempt",
        plan.forecast.overload_share,
        at_first,
        Some(THROTTLED),
        Some("retries take room from records that come for the first time, which the model leaves out".to_owned()),
    ));
    rows.push(share_row(
        "seconds that throttled",
        plan.forecast.throttled_seconds,
        (measured.seconds.0 < measured.seconds.1).then(|| Share(measured.throttled_seconds as f64 / duration)),
        Some(THROTTLED_SECONDS),
        Some("seconds in which a shard throttled an attempt, retries included".to_owned()),
    ));
    // Results of earlier versions do not tell Kinesis records from records.
    let (records, bytes) = match measured.service {
        (0, _) => (measured.accepted, measured.accepted_bytes),
        service => service,
    };
    for (name, actual) in [("write records", measured.rate(records)), ("write bytes", measured.rate(bytes))] {
        rows.extend(bound_row(plan, name, actual, result, measured));
    }
    rows.extend(hottest_row(plan, measured, heat));
    rows.extend(read_rows(plan, result, measured));
    rows.extend(bound_rows(plan, result, measured));
    let retried = counters.throttled > 0;
    if let Some(response) = result.measurement.put.get("response") {
        rows.push(put_row("put p50", plan.forecast.put.p50, response.p50, plan, retried));
        rows.push(put_row("put p99", plan.forecast.put.p99, response.p99, plan, retried));
    }
    for (forecast, consumer) in plan.forecast.lags.iter().zip(&result.measurement.consumers) {
        rows.push(lag_row(forecast.mean, &consumer.lag, &consumer.name, &forecast.note, retried));
        rows.extend(catch_up_rows(forecast, consumer));
    }
    rows.extend(cost_row(plan, result, measured));
    if counters.unknown > 0 {
        rows.push(Comparison {
            name: "records without an answer".to_owned(),
            predicted: "0".to_owned(),
            measured: units::count(counters.unknown),
            note: Some("the model has no lost answers".to_owned()),
            ..Comparison::default()
        });
    }
    rows
}

fn rate_row(
    name: &str,
    predicted: Rate,
    measured: Option<Rate>,
    higher_is_worse: bool,
    duration: f64,
    note: Option<String>,
) -> Comparison {
    let chance = 3.0 * (predicted.0 / duration.max(1.0)).sqrt();
    let tolerance = Tolerance { relative: RATE, absolute: chance };
    let text = |rate: f64| Rate(rate).to_string();
    row(name, (predicted.0, measured.map(|rate| rate.0)), text, Some((tolerance, higher_is_worse)), note)
}

/// How full a bound is, by a plan for the busiest second and by the mean of a run.
fn bound_row(
    plan: Expectation<'_>,
    name: &str,
    actual: Option<Rate>,
    result: &RunResult,
    measured: &Measured,
) -> Option<Comparison> {
    let shards = mean_shards(result, measured.seconds);
    let (bound, records) = (plan.bound(name)?, plan.bound("write records")?);
    let capacity = bound.capacity_per_shard * shards;
    let chance = if bound.unit == "bytes/s" { chance_of_bytes(plan, measured.accepted) } else { 0.0 };
    let tolerance = Tolerance { relative: UTILISATION.relative + chance, ..UTILISATION };
    let measured = actual.filter(|_| capacity > 0.0).map(|actual| Share(actual.0 / capacity));
    let busiest = records.demand * plan.forecast.records_per_kinesis_record;
    let predicted = Share(bound.utilisation.0 * plan.forecast.accepted_rate.0 / busiest);
    // Only a rate that varies has a busiest second; what overload keeps out is in the other rows.
    let peak = (busiest > plan.forecast.offered_rate.0 * 1.01)
        .then(|| format!("mean over the load; the plan sizes for the busiest second, {}", bound.utilisation));
    let resharded = result.measurement.open_shards.windows(2).any(|pair| pair[0].1 != pair[1].1);
    let resharded = resharded.then(|| {
        format!("the stream had {shards:.1} shards on average; the plan is for {}", plan.forecast.scenario_shards)
    });
    let notes: Vec<String> = [peak, resharded].into_iter().flatten().collect();
    let note = (!notes.is_empty()).then(|| notes.join("; "));
    Some(share_row(&format!("utilisation: {name}"), predicted, measured, Some(tolerance), note))
}

fn hottest_row(plan: Expectation<'_>, measured: &Measured, heat: &[ShardHeat]) -> Option<Comparison> {
    let predicted = plan.forecast.shards.iter().map(|shard| shard.utilisation).fold(0.0, f64::max);
    if heat.is_empty() {
        return None;
    }
    let chance = chance_of_bytes(plan, measured.accepted / u64::from(plan.forecast.scenario_shards.max(1)));
    let measured = fullest(heat).map(Share);
    let overloaded = predicted > 1.0;
    let note = overloaded.then(|| {
        "predicted is what the shard is offered, measured is what it accepted: a shard cannot accept much more than its limit"
            .to_owned()
    });
    let tolerance = Tolerance { relative: UTILISATION.relative + chance, ..UTILISATION };
    let tolerance = (!overloaded).then_some(tolerance);
    let row = share_row("utilisation: fullest shard", Share(predicted), measured, tolerance, note);
    Some(Comparison { difference: row.difference.filter(|_| !overloaded), ..row })
}

/// What the consumers took of what shards give to readers.
fn read_rows(plan: Expectation<'_>, result: &RunResult, measured: &Measured) -> Vec<Comparison> {
    let consumers: Vec<_> = result.scenario.consumers.iter().zip(&result.measurement.consumers).collect();
    let mean_bytes = measured.accepted_bytes as f64 / measured.accepted.max(1) as f64;
    let (first, end) = measured.seconds;
    let bytes = |consumer: &ConsumerRecord| {
        let inside = consumer.reads.iter().zip(0..).filter(|(_, second)| (first..end).contains(second));
        let read = measured.rate(inside.map(|(read, _)| read).sum()).filter(|_| !consumer.reads.is_empty());
        read.map(|rate| rate.0 * mean_bytes)
    };
    let fan_out = |wanted: bool| consumers.iter().filter(move |(asked, _)| asked.kind.is_fan_out() == wanted);
    let shared = fan_out(false).map(|(_, consumer)| bytes(consumer)).sum::<Option<f64>>();
    let widest = fan_out(true).filter_map(|(_, consumer)| bytes(consumer)).reduce(f64::max);
    let mut rows = Vec::new();
    if fan_out(false).next().is_some() {
        rows.extend(bound_row(plan, "shared read bytes", shared.map(Rate), result, measured));
        let calls = fan_out(false).map(|(_, consumer)| calls_per_second(consumer)).sum();
        rows.extend(calls_row(plan, calls, mean_shards(result, measured.seconds)));
    }
    if fan_out(true).next().is_some() {
        rows.extend(bound_row(plan, "fan-out bytes", widest.map(Rate), result, measured));
    }
    rows
}

/// Calls of a consumer over the seconds in which some were answered, warm-up and drain included.
fn calls_per_second(consumer: &ConsumerRecord) -> f64 {
    let seconds = consumer.behind.first().zip(consumer.behind.last()).map(|(first, last)| last.0 + 1 - first.0);
    seconds.map_or(0.0, |seconds| (consumer.calls - consumer.early_calls.min(consumer.calls)) as f64 / seconds as f64)
}

fn calls_row(plan: Expectation<'_>, calls: f64, shards: f64) -> Option<Comparison> {
    let bound = plan.bound("shared read calls")?;
    let capacity = bound.capacity_per_shard * shards;
    let measured = (capacity > 0.0 && calls > 0.0).then_some(Share(calls / capacity));
    let note = "calls asked for, throttled ones included; a consumer that is busy with a batch calls less".to_owned();
    Some(share_row("utilisation: shared read calls", bound.utilisation, measured, Some(CALLS), Some(note)))
}

fn put_row(name: &str, predicted: u64, measured: Option<u64>, plan: Expectation<'_>, retried: bool) -> Comparison {
    let text = |nanos: f64| units::duration(Duration::from_nanos(nanos as u64));
    let retries = if retried { "; records that were throttled waited for their retry" } else { "" };
    let note = format!("predicted from {}{retries}", plan.forecast.put.note);
    let predicted_known = plan.forecast.put != PutForecast::default();
    let judged = predicted_known.then_some((PUT, true));
    row(name, (predicted as f64, measured.map(|nanos| nanos as f64)), text, judged, Some(note))
}

fn lag_row(predicted: Option<u64>, lag: &LatencySummary, consumer: &str, note: &str, retried: bool) -> Comparison {
    let retries =
        if retried { "; records that were throttled waited for their retry, which the model leaves out" } else { "" };
    let text = |nanos: f64| units::duration(Duration::from_nanos(nanos as u64));
    let note = Some(format!("predicted from {note}{retries}"));
    let name = format!("mean lag of {consumer}");
    match predicted {
        Some(predicted) => row(&name, (predicted as f64, lag.mean), text, Some((LAG, true)), note),
        None => Comparison {
            name,
            predicted: "grows without bound".to_owned(),
            measured: lag.mean.map_or_else(|| "–".to_owned(), text),
            note,
            ..Comparison::default()
        },
    }
}

/// How long a consumer took to catch up after each of its outages.
fn catch_up_rows(forecast: &LagForecast, consumer: &ConsumerRecord) -> Vec<Comparison> {
    let text = |seconds: f64| units::duration(Duration::from_secs_f64(seconds));
    let row_of = |outage: &OutageRecord| {
        let down = outage.down?.as_secs_f64();
        let catch_up = forecast.catch_up;
        let backlog = (down - catch_up.at_once / catch_up.arriving.max(1e-9)).max(0.0);
        let predicted = catch_up.per_second_down? * backlog;
        let measured = outage.caught_up_after.map(|took| took.as_secs_f64());
        let name = format!("catch-up of {} after {}", consumer.name, text(down));
        let note = "a consumer that dies reads again what it had not noted, and only what was read before it died is not part of the backlog";
        Some(row(&name, (predicted, measured), text, Some((CATCH_UP, true)), Some(note.to_owned())))
    };
    consumer.work.outages.iter().filter_map(row_of).collect()
}

/// What the judged part of the run costs at list prices, by what was planned and by what was used.
fn cost_row(plan: Expectation<'_>, result: &RunResult, measured: &Measured) -> Option<Comparison> {
    let bill = plan.capacity.cost.bills.first()?;
    bill.total?;
    let hours = measured.duration / 3_600.0;
    let ratio = |measured: Option<Rate>, planned: f64| measured.map_or(1.0, |rate| rate.0 / planned.max(1e-9));
    let records = ratio(measured.rate(measured.accepted), plan.forecast.offered_rate.0);
    let record_bytes = plan.record_bytes()?;
    let bytes = ratio(measured.rate(measured.accepted_bytes), plan.forecast.offered_rate.0 * record_bytes);
    let shards = mean_shards(result, measured.seconds) / f64::from(bill.shards.max(1));
    let used = |item: Item| match item {
        Item::ShardHour | Item::ExtendedRetentionShardHour | Item::FanOutConsumerShardHour | Item::MetricMonth => {
            shards
        }
        Item::OnDemandStreamHour | Item::DynamodbWrites | Item::LambdaRequests => 1.0,
        Item::PutPayloadUnits => records,
        _ => bytes,
    };
    let part = hours / HOURS_PER_MONTH;
    let planned = bill.lines.iter().filter_map(|line| line.amount).sum::<f64>() * part;
    let actual = bill.lines.iter().filter_map(|line| Some(line.amount? * used(line.item))).sum::<f64>() * part;
    let note = "list prices for the time between warm-up and the end of the load, by the shards open and the records and bytes accepted; AWS bills \
                whole hours of shards, and what was not sent because of throttling costs nothing";
    let tolerance = Tolerance { relative: COST + chance_of_bytes(plan, measured.accepted), absolute: 0.0 };
    let measured = (hours > 0.0).then_some(actual);
    Some(row("cost of the run", (planned, measured), units::dollars, Some((tolerance, true)), Some(note.to_owned())))
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
