//! The analytical model: demand against each limit of the service (fact sheet, sections 1, 5.3 and 6).

use super::autoscaling::forecast_scaling;
use super::bounds::binding;
use super::cost_forecast::forecast_cost;
use super::cures::cures;
use super::demand::Demand;
use super::flow::{Flows, ShardFlow};
use super::frontier::frontier;
use super::lag::Reading;
use super::placement::Placement;
use super::put_latency::{batchings, mean_wait, put_forecast};
use super::sizing::Sizing;
use super::{Plan, ShardForecast};
use crate::kinesis::{HashKeyRange, Profile};
use crate::prices::Prices;
use crate::scenario::Scenario;
use crate::time::Time;
use crate::units::{Rate, Share};
use crate::workload::{Schedule, Workload};

/// Predicts what a scenario will do to its stream, from the limits of `profile`, and what it costs, at `prices`.
pub fn predict(scenario: &Scenario, profile: &Profile, prices: &Prices) -> Plan {
    let workload = scenario.workload();
    let demand = Demand::of(scenario, &workload);
    let placement = Placement::new(workload.keys(), workload.count());
    let flowing = Flows { scenario, workload: &workload, profile, demand: &demand, placement: &placement };
    let steps = flowing.steps();
    let sizing = Sizing::of(&flowing, &steps);

    let ranges = HashKeyRange::initial(demand.shards);
    let flows = flowing.shards(&ranges);
    let offered = flows.iter().map(|flow| flow.records).sum::<f64>();
    let accepted = flows.iter().map(|flow| flow.accepted).sum::<f64>();
    let overload_share = if offered > 0.0 { (1.0 - accepted / offered).max(0.0) } else { 0.0 };
    let batchings = batchings(scenario, &demand, &steps, offered);
    let reading = Reading {
        scenario,
        profile,
        flows: &flows,
        batch_wait: mean_wait(&batchings),
        record_bytes: demand.record_bytes,
        packed: demand.packed,
    };
    let delivery = reading.delivery(&demand);
    let (frontier, recommendation) = frontier(&flowing, &steps, &sizing, prices);
    let mut plan = Plan {
        required_shards: sizing.required,
        recommended_shards: sizing.recommended,
        attainable: sizing.attainable,
        salting: sizing.salting,
        scenario_shards: demand.shards,
        target_utilisation: scenario.target_utilisation,
        binding: binding(&sizing.bounds),
        bounds: sizing.bounds,
        shards: flows.iter().map(|flow| forecast(flow, profile)).collect(),
        skew: sizing.skew,
        offered_rate: Rate(offered),
        accepted_rate: Rate(accepted),
        overload_share: Share(if overload_share < 1e-9 { 0.0 } else { overload_share }),
        throttled_seconds: Share(1.0 - flows.iter().map(|flow| 1.0 - flow.throttled_seconds).product::<f64>()),
        shards_for_bursts: sizing.recommended - sizing.spread,
        records_per_kinesis_record: demand.packed,
        size_variation: (demand.record_square / demand.record_bytes.max(1.0).powi(2) - 1.0).max(0.0).sqrt(),
        put: put_forecast(&batchings, &flows, demand.packed, |flow| forecast(flow, profile).utilisation, profile),
        lags: scenario.consumers.iter().map(|consumer| reading.lag(consumer)).collect(),
        cost: forecast_cost(scenario, profile, &delivery, sizing.recommended, prices),
        frontier,
        recommendation,
        cures: Vec::new(),
        autoscaling: scenario.autoscaling.as_ref().map(|policy| forecast_scaling(policy, &flowing, &delivery, prices)),
        dispersion: dispersion(scenario, &workload),
        assumptions: assumptions(scenario, profile),
    };
    plan.cures = cures(scenario, profile, &plan);
    plan
}

/// Most seconds that are looked at for the dispersion; of a longer load, every so many of them.
const DISPERSION_SECONDS: u64 = 10_000;

/// The index of dispersion of the tenths of a second: the sum of the squared distances of their counts from the mean of their second, over
/// the sum of the counts.
fn dispersion(scenario: &Scenario, workload: &Workload) -> Option<f64> {
    if scenario.load.closed_loop.is_some() {
        return None;
    }
    let seconds = scenario.load.duration.as_secs();
    let step = seconds.div_ceil(DISPERSION_SECONDS).max(1);
    let before = |second: u64, tenth: u64| {
        let at = Time::from_millis(second * 1_000 + tenth * 100);
        workload.schedule().count_before(at).min(workload.count()) as f64
    };
    let (mut squares, mut sum) = (0.0, 0.0);
    for second in (0..seconds).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
        let edges: Vec<f64> = (0..=10).map(|tenth| before(second, tenth)).collect();
        let all = edges[10] - edges[0];
        squares += edges.windows(2).map(|pair| (pair[1] - pair[0] - all / 10.0).powi(2)).sum::<f64>();
        sum += all;
    }
    (sum > 0.0).then(|| squares / sum)
}

/// What each shard of a stream will be offered, by the hash keys of its shards.
pub fn expected_load(scenario: &Scenario, profile: &Profile, ranges: &[HashKeyRange]) -> Vec<ShardForecast> {
    let workload = scenario.workload_on(ranges);
    let demand = Demand::of(scenario, &workload);
    let placement = Placement::new(workload.keys(), workload.count());
    let flows = Flows { scenario, workload: &workload, profile, demand: &demand, placement: &placement }.shards(ranges);
    flows.iter().map(|flow| forecast(flow, profile)).collect()
}

pub(super) fn forecast(flow: &ShardFlow, profile: &Profile) -> ShardForecast {
    let by_records = flow.records / flow.packed / profile.write.records_per_second as f64;
    let by_bytes = flow.bytes / profile.write.bytes_per_second as f64;
    let refused = if flow.records > 0.0 { 1.0 - flow.accepted / flow.records } else { 0.0 };
    ShardForecast {
        records: Rate(flow.records),
        bytes: flow.bytes,
        utilisation: by_records.max(by_bytes),
        throttled: Share(refused.max(0.0)),
        throttled_seconds: Share(flow.throttled_seconds),
    }
}

fn assumptions(scenario: &Scenario, profile: &Profile) -> Vec<String> {
    let flow = match scenario.load.schedule.rate() {
        Schedule::Recorded { .. } => {
            "Each recorded arrival is put to its shard alone when it is due, and each shard starts with its burst unspent."
        }
        _ => {
            "Each shard gets its share of the rate at each moment, with the chance of which records come when, and starts with its burst \
             unspent; the shards needed are those for the busiest second."
        }
    };
    let mut assumptions = vec![
        format!("Limits and latencies are those of the profile {} of {}.", profile.name, profile.date),
        flow.to_owned(),
        "Keys are placed by their MD5 on shards of equal width, as a new stream has them.".to_owned(),
        "Retries add no load: a throttled record is counted as not accepted while load is offered.".to_owned(),
    ];
    if scenario.producer.aggregation.is_some() {
        assumptions.push(
            "An aggregate holds what comes to its shard while it lingers, up to its limits; the keys in it are all different.".to_owned(),
        );
    }
    if let Some(producers) = scenario.load.closed_loop {
        assumptions.push(format!(
            "The load is a closed loop: the rate is what Little's law makes of the batches of {producers} producers and the latency \
             of an idle stream."
        ));
    }
    if !scenario.events.is_empty() {
        assumptions.push(
            "Nothing happens during the run: the events of the scenario are not part of the prediction.".to_owned(),
        );
    }
    if scenario.stream.mode == crate::kinesis::StreamMode::OnDemand {
        assumptions.push(format!(
            "The on-demand stream keeps its {} shards: the prediction does not know how it scales.",
            scenario.stream.shards
        ));
    }
    assumptions
}
