//! The rows of prediction against measurement.

use super::agreement::Tolerance;
use super::expectation::Expectation;
use super::figure::Figure;
use super::heat::{ShardHeat, fullest};
use super::measured::{Measured, mean_shards};
use super::metric::Metric;
use super::observed::bound_rows;
use super::row::{Comparison, Judged, UTILISATION, chance_of_bytes, row, share_row};
use crate::capacity::BoundName;
use crate::forecast::{LagForecast, PutForecast};
use crate::measure::{ConsumerRecord, OutageRecord};
use crate::prices::{HOURS_PER_MONTH, Item};
use crate::result::RunResult;
use crate::units::{Quantity, Rate, Share, Unit};

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
    let mut rows = vec![shards_row(plan, result)];
    rows.extend(record_rows(plan, result, measured));
    // Results of earlier versions do not tell Kinesis records from records.
    let (records, bytes) = match measured.service {
        (0, _) => (measured.accepted, measured.accepted_bytes),
        service => service,
    };
    for (name, actual) in
        [(BoundName::WriteRecords, measured.rate(records)), (BoundName::WriteBytes, measured.rate(bytes))]
    {
        rows.extend(bound_row(plan, name, actual, result, measured));
    }
    rows.extend(hottest_row(plan, measured, heat));
    rows.extend(read_rows(plan, result, measured));
    rows.extend(bound_rows(plan, result, measured));
    let counters = &result.measurement.counters;
    let retried = counters.throttled > 0;
    if let Some(response) = result.measurement.put.get("response") {
        let put = &plan.forecast.put;
        rows.push(put_row(Metric::PutP50, put, put.p50, response.p50, retried));
        rows.push(put_row(Metric::PutP99, put, put.p99, response.p99, retried));
    }
    for (forecast, consumer) in plan.forecast.lags.iter().zip(&result.measurement.consumers) {
        rows.push(lag_row(forecast, consumer, retried));
        rows.extend(catch_up_rows(forecast, consumer));
    }
    rows.extend(cost_row(plan, result, measured));
    if counters.unknown > 0 {
        let records = |count: u64| Figure::from(Quantity::new(count as f64, Unit::Records));
        let note = "the model has no lost answers".to_owned();
        rows.push(Comparison::unjudged(Metric::RecordsWithoutAnswer, records(0), records(counters.unknown), note));
    }
    rows
}

/// The shards of the plan, and those that the stream had over the run.
fn shards_row(plan: Expectation<'_>, result: &RunResult) -> Comparison {
    let capacity = plan.capacity;
    let sizing = Figure::Sizing { required: capacity.required_shards, recommended: capacity.recommended_shards };
    let mut counts: Vec<u32> = result.measurement.open_shards.iter().map(|(_, count)| *count).collect();
    counts.dedup();
    let had = match counts.as_slice() {
        [] => Figure::OpenShards { first: result.measurement.shards.len() as u32, last: None },
        [one] => Figure::OpenShards { first: *one, last: None },
        [first, .., last] => Figure::OpenShards { first: *first, last: Some(*last) },
    };
    Comparison::unjudged(Metric::Shards, sizing, had, format!("the bound that binds is {}", capacity.binding))
}

/// What became of the records.
fn record_rows(plan: Expectation<'_>, result: &RunResult, measured: &Measured) -> Vec<Comparison> {
    let forecast = plan.forecast;
    let duration = measured.duration;
    let closed = result.scenario.closed_loop.map(|_| {
        "a closed loop offers no more than is accepted; the prediction is what it would offer to a stream without limits".to_owned()
    });
    let late = (forecast.overload_share.0 > 0.0).then(|| {
        "the plan takes no retries into account: a throttled record that is accepted later while load is offered counts as accepted"
            .to_owned()
    });
    let share_of = |part: u64| (measured.offered > 0).then(|| Share(part as f64 / measured.offered as f64));
    let not = |accepted: u64| share_of(measured.offered.saturating_sub(accepted));
    let throttled =
        (measured.seconds.0 < measured.seconds.1).then(|| Share(measured.throttled_seconds as f64 / duration));
    let share = |metric, predicted, found, tolerance, note: &str| {
        share_row(metric, predicted, found, Some(tolerance), Some(note.to_owned()))
    };
    vec![
        rate_row(
            Metric::OfferedRecords,
            forecast.offered_rate,
            measured.rate(measured.offered),
            true,
            duration,
            closed,
        ),
        rate_row(
            Metric::AcceptedRecords,
            forecast.accepted_rate,
            measured.rate(measured.accepted),
            false,
            duration,
            late,
        ),
        share(
            Metric::NotAccepted,
            forecast.overload_share,
            not(measured.accepted),
            THROTTLED,
            "records still waiting for their batch or for an answer when the load ends count here too",
        ),
        share(
            Metric::NotAcceptedAtFirst,
            forecast.overload_share,
            not(measured.accepted_at_first),
            THROTTLED,
            "retries take room from records that come for the first time, which the model leaves out",
        ),
        share(
            Metric::ThrottledSeconds,
            forecast.throttled_seconds,
            throttled,
            THROTTLED_SECONDS,
            "seconds in which a shard throttled an attempt, retries included",
        ),
    ]
}

fn rate_row(
    metric: Metric,
    predicted: Rate,
    measured: Option<Rate>,
    higher_is_worse: bool,
    duration: f64,
    note: Option<String>,
) -> Comparison {
    let chance = 3.0 * (predicted.0 / duration.max(1.0)).sqrt();
    let tolerance = Tolerance { relative: RATE, absolute: chance };
    let figures = (predicted.0, measured.map(|rate| rate.0));
    row(metric, Unit::RecordsPerSecond, figures, Some(Judged { tolerance, higher_is_worse }), note)
}

/// How full a bound is, by a plan for the busiest second and by the mean of a run.
fn bound_row(
    plan: Expectation<'_>,
    name: BoundName,
    actual: Option<Rate>,
    result: &RunResult,
    measured: &Measured,
) -> Option<Comparison> {
    let shards = mean_shards(result, measured.seconds);
    let (bound, records) = (plan.bound(name)?, plan.bound(BoundName::WriteRecords)?);
    let capacity = bound.capacity_per_shard * shards;
    let chance = if bound.unit == Unit::BytesPerSecond { chance_of_bytes(plan, measured.accepted) } else { 0.0 };
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
    Some(share_row(Metric::Utilisation { bound: name }, predicted, measured, Some(tolerance), note))
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
    let row = share_row(Metric::FullestShard, Share(predicted), measured, tolerance, note);
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
        rows.extend(bound_row(plan, BoundName::SharedReadBytes, shared.map(Rate), result, measured));
        let calls = fan_out(false).map(|(_, consumer)| calls_per_second(consumer)).sum();
        rows.extend(calls_row(plan, calls, mean_shards(result, measured.seconds)));
    }
    if fan_out(true).next().is_some() {
        rows.extend(bound_row(plan, BoundName::FanOutBytes, widest.map(Rate), result, measured));
    }
    rows
}

/// Calls of a consumer over the seconds in which some were answered, warm-up and drain included.
fn calls_per_second(consumer: &ConsumerRecord) -> f64 {
    let seconds = consumer.behind.first().zip(consumer.behind.last()).map(|(first, last)| last.0 + 1 - first.0);
    seconds.map_or(0.0, |seconds| (consumer.calls - consumer.early_calls.min(consumer.calls)) as f64 / seconds as f64)
}

fn calls_row(plan: Expectation<'_>, calls: f64, shards: f64) -> Option<Comparison> {
    let bound = plan.bound(BoundName::SharedReadCalls)?;
    let capacity = bound.capacity_per_shard * shards;
    let measured = (capacity > 0.0 && calls > 0.0).then_some(Share(calls / capacity));
    let note = "calls asked for, throttled ones included; a consumer that is busy with a batch calls less".to_owned();
    let metric = Metric::Utilisation { bound: bound.name };
    Some(share_row(metric, bound.utilisation, measured, Some(CALLS), Some(note)))
}

fn put_row(metric: Metric, put: &PutForecast, predicted: u64, measured: Option<u64>, retried: bool) -> Comparison {
    let retries = if retried { "; records that were throttled waited for their retry" } else { "" };
    let note = format!("predicted from {}{retries}", put.note);
    let judged = (*put != PutForecast::default()).then_some(Judged::within(PUT));
    let figures = (predicted as f64, measured.map(|nanos| nanos as f64));
    row(metric, Unit::Nanoseconds, figures, judged, Some(note))
}

fn lag_row(forecast: &LagForecast, consumer: &ConsumerRecord, retried: bool) -> Comparison {
    let retries =
        if retried { "; records that were throttled waited for their retry, which the model leaves out" } else { "" };
    let note = format!("predicted from {}{retries}", forecast.note);
    let metric = Metric::MeanLag { consumer: consumer.name.clone() };
    let (predicted, measured) = (forecast.mean, consumer.lag.mean);
    match predicted {
        Some(predicted) => {
            row(metric, Unit::Nanoseconds, (predicted as f64, measured), Some(Judged::within(LAG)), Some(note))
        }
        None => {
            let measured = measured.map_or(Figure::Nothing, |nanos| Quantity::new(nanos, Unit::Nanoseconds).into());
            Comparison::unjudged(metric, Figure::GrowsWithoutBound, measured, note)
        }
    }
}

/// How long a consumer took to catch up after each of its outages.
fn catch_up_rows(forecast: &LagForecast, consumer: &ConsumerRecord) -> Vec<Comparison> {
    let row_of = |outage: &OutageRecord| {
        let down = outage.down?.as_secs_f64();
        let catch_up = forecast.catch_up;
        let backlog = (down - catch_up.at_once / catch_up.arriving.max(1e-9)).max(0.0);
        let predicted = catch_up.per_second_down? * backlog;
        let measured = outage.caught_up_after.map(|took| took.as_secs_f64());
        let metric = Metric::CatchUp { consumer: consumer.name.clone(), down: Quantity::new(down, Unit::Seconds) };
        let note = "a consumer that dies reads again what it had not noted, and only what was read before it died is not part of the backlog";
        Some(row(metric, Unit::Seconds, (predicted, measured), Some(Judged::within(CATCH_UP)), Some(note.to_owned())))
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
    Some(row(
        Metric::CostOfRun,
        Unit::Dollars,
        (planned, measured),
        Some(Judged::within(tolerance)),
        Some(note.to_owned()),
    ))
}
