//! What counts as good, against what was measured.

use std::time::Duration;

use super::trend::slope;
use super::{ObjectiveResult, ObjectiveStatus, Plan};
use crate::result::{ConsumerRecord, RunResult};
use crate::scenario::Delivery;
use crate::units::{self, Share};

/// Each objective of the scenario. `throttled` is the share of the attempts since the warm-up.
pub(super) fn objectives(plan: &Plan, result: &RunResult, throttled: Option<Share>) -> Vec<ObjectiveResult> {
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
        let total = plan.cost.bills.first().and_then(|bill| bill.total);
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
        if let Some(delivery) = own.and_then(|own| own.delivery).or(objectives.delivery) {
            let check = &consumer.delivery;
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
            let name = format!("delivery to {}", consumer.name);
            results.push(objective(&name, limit, judged.then_some(found), judged.then_some(met), why_not));
        }
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
