//! What the analytical model says of the same questions, in which case a search has somewhere to begin.

use crate::kinesis::Profile;
use crate::plan::{Plan, predict};
use crate::prices::Prices;
use crate::scenario::{MOST_SHARDS, Scenario};
use crate::units::Share;

/// Factor on the load within which the model is asked.
const FARTHEST: f64 = 1_000.0;
/// How near the boundary is found.
const PRECISION: f64 = 0.001;

/// Whether the model expects a plan to meet the objectives that it has a figure for: throttling, put latency, cost, lag, of which it knows the
/// mean, which has to stay below the limit of the 99th percentile, and utilisation, by the busiest second.
fn expects(plan: &Plan, scenario: &Scenario) -> bool {
    let objectives = &scenario.objectives;
    let within = |limit: Option<std::time::Duration>, nanos: u64| {
        limit.is_none_or(|limit| u128::from(nanos) <= limit.as_nanos())
    };
    let throttled = plan.forecast.overload_share.0 <= objectives.allowed_throttling().0;
    let mean = plan.forecast.shards.iter().map(|shard| shard.records.0).sum::<f64>();
    let peak = (plan.expectation().busiest_rate().unwrap_or(0.0) / mean.max(1e-9)).max(1.0);
    let has_room = |limit: Share| plan.forecast.shards.iter().all(|shard| shard.utilisation * peak <= limit.0);
    let room = objectives.utilisation.is_none_or(has_room);
    let put = within(objectives.put_p50, plan.forecast.put.p50) && within(objectives.put_p99, plan.forecast.put.p99);
    let total = plan.capacity.cost.bills.first().and_then(|bill| bill.total);
    let cost = objectives.cost_per_month.zip(total).is_none_or(|(limit, total)| total <= limit);
    let lags = plan.forecast.lags.iter().zip(&scenario.consumers).all(|(forecast, consumer)| {
        forecast.mean.is_some_and(|mean| within(consumer.lag_p99.or(objectives.lag_p99), mean))
    });
    throttled && room && put && cost && lags
}

/// A scaling policy has no part in what is searched for, and takes its time.
fn without_policy(scenario: Scenario) -> Scenario {
    Scenario { autoscaling: None, ..scenario }
}

/// The highest factor on the load of the scenario that the model expects to meet its objectives; `None` if there is none, or if the load has no rate.
pub fn capacity(scenario: &Scenario, profile: &Profile, prices: &Prices) -> Option<f64> {
    let meets = |load: f64| {
        let scenario = without_policy(scenario.with_load(load)?);
        Some(expects(&predict(&scenario, profile, prices), &scenario))
    };
    let (mut good, mut bad) = (1.0 / FARTHEST, FARTHEST);
    if !meets(good)? {
        return None;
    }
    // From the scenario's own load, where the answer is not far.
    if meets(1.0)? {
        good = 1.0
    } else {
        bad = 1.0
    }
    while bad / good > 1.0 + PRECISION {
        let middle = (good * bad).sqrt();
        *(if meets(middle)? { &mut good } else { &mut bad }) = middle;
    }
    Some(good)
}

/// The fewest shards with which the model expects so many times the load to meet its objectives; `None` if no number does.
pub fn demand(
    with_shards: &dyn Fn(u32) -> Option<Scenario>,
    load: f64,
    profile: &Profile,
    prices: &Prices,
) -> Option<u32> {
    let meets = |shards: u32| {
        let scenario = with_shards(shards).and_then(|scenario| scenario.with_load(load)).map(without_policy);
        scenario.is_some_and(|scenario| expects(&predict(&scenario, profile, prices), &scenario))
    };
    let good =
        std::iter::successors(Some(1u32), |shards| (*shards < MOST_SHARDS).then(|| (shards * 2).min(MOST_SHARDS)))
            .find(|shards| meets(*shards))?;
    let (mut good, mut bad) = (good, good / 2);
    while good - bad > 1 {
        let middle = bad + (good - bad) / 2;
        *(if meets(middle) { &mut good } else { &mut bad }) = middle;
    }
    Some(good)
}
