//! What counts as good, against what was measured.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expectation::Expectation;
use super::heat::ShardHeat;
use super::theil_sen::slope;
use crate::measure::DeliveryCheck;
use crate::result::{ConsumerRecord, RunResult};
use crate::scenario::{Delivery, Objectives};
use crate::units::{self, Share};

/// An objective and what was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectiveResult {
    /// What is judged, such as `put p99` or `lag p99 of fraud`.
    pub name: String,
    /// The limit, for people.
    pub limit: String,
    /// What was measured, for people.
    pub measured: String,
    /// Whether it is met.
    pub status: ObjectiveStatus,
    /// Why it could not be measured, or what to know about the figure.
    pub note: Option<String>,
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

/// Each objective of the scenario. `throttled` is the share of the attempts since the warm-up; `heat` is how full each shard was in each second, of
/// which those of `seconds` are judged.
pub(super) fn objectives(
    plan: Expectation<'_>,
    result: &RunResult,
    throttled: Option<Share>,
    heat: &[ShardHeat],
    seconds: (u64, u64),
) -> Vec<ObjectiveResult> {
    let objectives = &result.scenario.objectives;
    let response = result.measurement.put.get("response").copied().unwrap_or_default();
    let mut results = Vec::new();
    if let Some(limit) = objectives.throttled {
        let status = throttled.map(|share| share.0 <= limit.0);
        results.push(objective(
            "throttled attempts",
            &limit.to_string(),
            throttled.map(|share| share.to_string()),
            status,
            "nothing was sent after the warm-up",
        ));
    }
    if let Some(limit) = objectives.utilisation {
        results.push(utilisation(limit, heat, seconds));
    }
    for (name, limit, value) in [
        ("put p50", objectives.put_p50, response.p50),
        ("put p99", objectives.put_p99, response.p99),
        ("put p99.9", objectives.put_p999, response.p999),
    ] {
        if let Some(limit) = limit {
            results.push(latency_objective(name, limit, value, "no record was accepted after the warm-up"));
        }
    }
    if let Some(limit) = objectives.cost_per_month {
        let total = plan.capacity.cost.bills.first().and_then(|bill| bill.total);
        let predicted = total.map(|total| format!("{}, predicted", units::dollars(total)));
        let why_not = "a price is not known: see what it costs";
        results.push(objective(
            "cost a month",
            &units::dollars(limit),
            predicted,
            total.map(|total| total <= limit),
            why_not,
        ));
    }
    for consumer in &result.measurement.consumers {
        let own = result.scenario.consumers.iter().find(|asked| asked.name == consumer.name);
        if let Some(limit) = own.and_then(|own| own.lag_p99).or(objectives.lag_p99) {
            let name = format!("lag p99 of {}", consumer.name);
            results.push(latency_objective(&name, limit, consumer.lag.p99, "the consumer read no record of the run"));
        }
        if let Some(limit) = own.and_then(|own| own.lag_trend).or(objectives.lag_trend) {
            let growth = judged_trend(result, consumer);
            let shown = growth.map(|growth| format!("grows by {growth} of the time"));
            let name = format!("lag trend of {}", consumer.name);
            let why_not = "fewer than ten seconds after the warm-up in which it read something";
            results.push(objective(
                &name,
                &limit.to_string(),
                shown,
                growth.map(|growth| growth.0 <= limit.0),
                why_not,
            ));
        }
        if own.and_then(|own| own.order_per_key).unwrap_or(objectives.order_per_key) {
            let check = &consumer.delivery;
            let disorder = check.written_out_of_order + check.delivered_out_of_order;
            let watched = check.delivered > 0 && check.order_unchecked == 0;
            let found = watched.then(|| format!("{} out of order", units::count(disorder)));
            let name = format!("order for {}", consumer.name);
            let why_not = "nothing was delivered, or there were more keys than are watched";
            results.push(objective(&name, "per key", found, watched.then_some(check.in_order()), why_not));
        }
        let delivery = own.and_then(|own| own.delivery).or(objectives.delivery);
        results.extend(deliveries(objectives, delivery, &consumer.name, &consumer.delivery));
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
    let over = end.saturating_sub(first).min(UTILISATION_SECONDS as u64);
    objective(
        "utilisation of the fullest shard",
        &limit.to_string(),
        fullest.map(|value| format!("{} over {over} s", Share(value))),
        fullest.map(|value| value <= limit.0),
        "no whole second lies between the warm-up and the end of the load",
    )
}

/// What the delivery check found for a consumer, by each objective on it.
fn deliveries(
    objectives: &Objectives,
    delivery: Option<Delivery>,
    consumer: &str,
    check: &DeliveryCheck,
) -> Vec<ObjectiveResult> {
    let mut results = Vec::new();
    if let Some(delivery) = delivery {
        let (limit, met) = match delivery {
            Delivery::Complete => ("nothing lost", check.complete()),
            Delivery::ExactlyOnce => ("exactly once", check.exactly_once()),
        };
        let unread = match check.unread {
            0 => String::new(),
            unread => format!(", {} not read by the end", units::count(unread)),
        };
        let (lost, twice) = (units::count(check.lost), units::count(check.duplicates));
        let found = format!("{lost} lost, {twice} twice{unread}");
        let (why_not, judged) = ("no record was accepted", check.accepted > 0);
        let name = format!("delivery to {consumer}");
        results.push(objective(&name, limit, judged.then_some(found), judged.then_some(met), why_not));
    }
    let of_accepted = |found: u64| {
        let share = Share(found as f64 / check.accepted.max(1) as f64);
        format!("{} ({share} of {})", units::count(found), units::count(check.accepted))
    };
    if let Some(limit) = objectives.lost {
        let allowed = limit.allows(check.lost, check.accepted);
        // What was not read may be lost, too.
        let settled = !allowed || limit.allows(check.lost + check.unread, check.accepted);
        let judged = check.accepted > 0 && settled;
        let why_not = match check.unread {
            0 => "no record was accepted".to_owned(),
            unread => format!(
                "{} records were not read by the end: a longer load.drain tells whether they are lost",
                units::count(unread)
            ),
        };
        let found = judged.then(|| of_accepted(check.lost));
        results.push(objective(
            &format!("lost to {consumer}"),
            &limit.to_string(),
            found,
            judged.then_some(allowed),
            &why_not,
        ));
    }
    if let Some(limit) = objectives.duplicates {
        let judged = check.delivered > 0;
        let found = judged.then(|| of_accepted(check.duplicates));
        let met = judged.then(|| limit.allows(check.duplicates, check.accepted));
        let name = format!("duplicates to {consumer}");
        results.push(objective(&name, &limit.to_string(), found, met, "nothing was delivered"));
    }
    results
}

/// How the lag of a consumer changes in the judged part of the load: time per time, by its median in each second.
pub(super) fn judged_trend(result: &RunResult, consumer: &ConsumerRecord) -> Option<Share> {
    let judged = result.scenario.warm_up.as_secs_f64().ceil() as u64..result.load_ended.second();
    let lags = consumer.lag_intervals.iter().filter(|(second, _)| judged.contains(second));
    let points: Vec<(f64, f64)> =
        lags.filter_map(|(second, lag)| Some((*second as f64, Duration::from_nanos(lag.p50?).as_secs_f64()))).collect();
    slope(&points).map(Share)
}

fn latency_objective(name: &str, limit: Duration, value: Option<u64>, why_not: &str) -> ObjectiveResult {
    let value = value.map(Duration::from_nanos);
    objective(name, &units::duration(limit), value.map(units::duration), value.map(|value| value <= limit), why_not)
}

fn objective(name: &str, limit: &str, measured: Option<String>, met: Option<bool>, why_not: &str) -> ObjectiveResult {
    let status = match met {
        Some(true) => ObjectiveStatus::Pass,
        Some(false) => ObjectiveStatus::Fail,
        None => ObjectiveStatus::NotMeasurable,
    };
    ObjectiveResult {
        name: name.to_owned(),
        limit: limit.to_owned(),
        measured: measured.unwrap_or_else(|| "–".to_owned()),
        status,
        note: met.is_none().then(|| why_not.to_owned()),
    }
}
