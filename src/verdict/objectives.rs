//! What counts as good, against what was measured.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expectation::Expectation;
use super::figure::Figure;
use super::heat::ShardHeat;
use super::measured::Measured;
use super::metric::Metric;
use super::theil_sen::slope;
use crate::measure::DeliveryCheck;
use crate::result::{ConsumerRecord, RunResult};
use crate::scenario::{Allowance, Delivery, Objectives};
use crate::units::{self, Quantity, Share, Unit};

/// An objective and what was measured.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(into = "ObjectiveRecord")]
#[schemars(with = "ObjectiveRecord")]
pub struct ObjectiveResult {
    /// What is judged.
    pub metric: Metric,
    /// The limit.
    pub limit: Figure,
    /// What was measured.
    pub measured: Figure,
    /// Whether it is met.
    pub status: ObjectiveStatus,
    /// Why it could not be measured, or what to know about the figure.
    pub note: Option<String>,
}

/// An [`ObjectiveResult`] as JSON: the words, and beside them the numbers with their units.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ObjectiveResult")]
struct ObjectiveRecord {
    /// What is judged.
    metric: Metric,
    /// Its name for people, such as `put p99` or `lag p99 of fraud`.
    name: String,
    /// The limit, for people.
    limit: String,
    /// The same as a number; null where it is not one.
    limit_quantity: Option<Quantity>,
    /// What was measured, for people.
    measured: String,
    /// The same as a number; null where it is not one.
    measured_quantity: Option<Quantity>,
    /// Whether it is met.
    status: ObjectiveStatus,
    /// Why it could not be measured, or what to know about the figure.
    note: Option<String>,
}

impl From<ObjectiveResult> for ObjectiveRecord {
    fn from(objective: ObjectiveResult) -> Self {
        let ObjectiveResult { metric, limit, measured, status, note } = objective;
        Self {
            name: metric.to_string(),
            metric,
            limit: limit.to_string(),
            limit_quantity: limit.quantity(),
            measured: measured.to_string(),
            measured_quantity: measured.quantity(),
            status,
            note,
        }
    }
}

/// Whether an objective is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectiveStatus {
    /// It is.
    Pass,
    /// It is not.
    Fail,
    /// The run does not allow to say.
    NotMeasurable,
}

/// Seconds over which the utilisation of a shard is looked at: in a single one, chance makes as much as the load.
const UTILISATION_SECONDS: usize = 10;

/// Each objective of the scenario; `heat` is how full each shard was in each second.
pub(super) fn objectives(
    plan: Expectation<'_>,
    result: &RunResult,
    measured: &Measured,
    heat: &[ShardHeat],
) -> Vec<ObjectiveResult> {
    let objectives = &result.scenario.objectives;
    let mut results = Vec::new();
    if let Some(limit) = objectives.throttled {
        let throttled = measured.throttled_share();
        let found = throttled.map(|share| (share.into(), share.0 <= limit.0));
        results.push(objective(Metric::ThrottledAttempts, limit, found, "nothing was sent after the warm-up"));
    }
    if let Some(limit) = objectives.utilisation {
        results.push(utilisation(limit, heat, measured.seconds));
    }
    results.extend(puts(objectives, result));
    if let Some(limit) = objectives.cost_per_month {
        let dollars = |amount| Quantity::new(amount, Unit::Dollars);
        let total = plan.capacity.cost.bills.first().and_then(|bill| bill.total);
        let found = total.map(|total| (Figure::Predicted(dollars(total)), total <= limit));
        results.push(objective(Metric::CostPerMonth, dollars(limit), found, "a price is not known: see what it costs"));
    }
    results.extend(result.measurement.consumers.iter().flat_map(|consumer| of_consumer(objectives, result, consumer)));
    results
}

/// Response times of puts.
fn puts(objectives: &Objectives, result: &RunResult) -> Vec<ObjectiveResult> {
    let response = result.measurement.put.get("response").copied().unwrap_or_default();
    let asked = [
        (Metric::PutP50, objectives.put_p50, response.p50),
        (Metric::PutP99, objectives.put_p99, response.p99),
        (Metric::PutP999, objectives.put_p999, response.p999),
    ];
    let judged = |(metric, limit, value): (Metric, Option<Duration>, Option<u64>)| {
        Some(latency(metric, limit?, value, "no record was accepted after the warm-up"))
    };
    asked.into_iter().filter_map(judged).collect()
}

/// The objectives on one consumer: its own, else those of the scenario.
fn of_consumer(objectives: &Objectives, result: &RunResult, consumer: &ConsumerRecord) -> Vec<ObjectiveResult> {
    let own = result.scenario.consumers.iter().find(|asked| asked.name == consumer.name);
    let name = || consumer.name.clone();
    let mut results = Vec::new();
    if let Some(limit) = own.and_then(|own| own.lag_p99).or(objectives.lag_p99) {
        let metric = Metric::LagP99 { consumer: name() };
        results.push(latency(metric, limit, consumer.lag.p99, "the consumer read no record of the run"));
    }
    if let Some(limit) = own.and_then(|own| own.lag_trend).or(objectives.lag_trend) {
        let found = judged_trend(result, consumer).map(|growth| (Figure::Growth(growth), growth.0 <= limit.0));
        let why_not = "fewer than ten seconds after the warm-up in which it read something";
        results.push(objective(Metric::LagTrend { consumer: name() }, limit, found, why_not));
    }
    let check = &consumer.delivery;
    if own.and_then(|own| own.order_per_key).unwrap_or(objectives.order_per_key) {
        let disorder = check.written_out_of_order + check.delivered_out_of_order;
        let watched = check.delivered > 0 && check.order_unchecked == 0;
        let found = watched.then(|| (Figure::Disorder(disorder), check.in_order()));
        let why_not = "nothing was delivered, or there were more keys than are watched";
        results.push(objective(Metric::Order { consumer: name() }, Figure::OrderPerKey, found, why_not));
    }
    if let Some(promise) = own.and_then(|own| own.delivery).or(objectives.delivery) {
        let met = match promise {
            Delivery::Complete => check.complete(),
            Delivery::ExactlyOnce => check.exactly_once(),
        };
        let (lost, duplicates, unread) = (check.lost, check.duplicates, check.unread);
        let found = (check.accepted > 0).then_some((Figure::Delivered { lost, duplicates, unread }, met));
        let metric = Metric::Delivery { consumer: name() };
        results.push(objective(metric, Figure::Promise(promise), found, "no record was accepted"));
    }
    results.extend(objectives.lost.map(|limit| lost(limit, name(), check)));
    if let Some(limit) = objectives.duplicates {
        let part = Figure::Part { records: check.duplicates, of: check.accepted };
        let found = (check.delivered > 0).then(|| (part, limit.allows(check.duplicates, check.accepted)));
        let metric = Metric::Duplicates { consumer: name() };
        results.push(objective(metric, Figure::Allowed(limit), found, "nothing was delivered"));
    }
    results
}

/// The fullest shard over ten whole seconds.
fn utilisation(limit: Share, heat: &[ShardHeat], (first, end): (u64, u64)) -> ObjectiveResult {
    let fullest = heat.iter().filter_map(|shard| {
        let judged = shard.seconds.get(first as usize..(end as usize).min(shard.seconds.len()))?;
        let means = judged.windows(UTILISATION_SECONDS.min(judged.len().max(1)));
        means.map(|window| window.iter().sum::<f64>() / window.len() as f64).max_by(f64::total_cmp)
    });
    let fullest = fullest.max_by(f64::total_cmp);
    let seconds = end.saturating_sub(first).min(UTILISATION_SECONDS as u64);
    let figure = |value| Figure::Over { quantity: Share(value).into(), seconds };
    objective(
        Metric::FullestShardBriefly,
        limit,
        fullest.map(|value| (figure(value), value <= limit.0)),
        "no whole second lies between the warm-up and the end of the load",
    )
}

/// Records that a consumer never got.
fn lost(limit: Allowance, consumer: String, check: &DeliveryCheck) -> ObjectiveResult {
    let allowed = limit.allows(check.lost, check.accepted);
    // What was not read may be lost, too.
    let settled = !allowed || limit.allows(check.lost + check.unread, check.accepted);
    let part = Figure::Part { records: check.lost, of: check.accepted };
    let found = (check.accepted > 0 && settled).then_some((part, allowed));
    let why_not = match check.unread {
        0 => "no record was accepted".to_owned(),
        unread => format!(
            "{} records were not read by the end: a longer load.drain tells whether they are lost",
            units::count(unread)
        ),
    };
    objective(Metric::Lost { consumer }, Figure::Allowed(limit), found, &why_not)
}

/// How the lag of a consumer changes in the judged part of the load: time per time, by its median in each second.
pub(super) fn judged_trend(result: &RunResult, consumer: &ConsumerRecord) -> Option<Share> {
    let judged = result.scenario.warm_up.as_secs_f64().ceil() as u64..result.load_ended.second();
    let lags = consumer.lag_intervals.iter().filter(|(second, _)| judged.contains(second));
    let points: Vec<(f64, f64)> =
        lags.filter_map(|(second, lag)| Some((*second as f64, Duration::from_nanos(lag.p50?).as_secs_f64()))).collect();
    slope(&points).map(Share)
}

fn latency(metric: Metric, limit: Duration, value: Option<u64>, why_not: &str) -> ObjectiveResult {
    let value = value.map(Duration::from_nanos);
    let found = value.map(|value| (Quantity::time(value).into(), value <= limit));
    objective(metric, Quantity::time(limit), found, why_not)
}

/// An objective; `found` is the figure and whether it meets the limit.
fn objective(
    metric: Metric,
    limit: impl Into<Figure>,
    found: Option<(Figure, bool)>,
    why_not: &str,
) -> ObjectiveResult {
    let status = match found {
        Some((_, true)) => ObjectiveStatus::Pass,
        Some((_, false)) => ObjectiveStatus::Fail,
        None => ObjectiveStatus::NotMeasurable,
    };
    let note = found.is_none().then(|| why_not.to_owned());
    let measured = found.map_or(Figure::Nothing, |(figure, _)| figure);
    ObjectiveResult { metric, limit: limit.into(), measured, status, note }
}
