//! A scenario played to its stream: the flows of its shards, and what is read from them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::burst::Step;
use super::delivery::Delivery;
use super::demand::Demand;
use super::flow::{Flows, ShardFlow};
use super::lag::{LagForecast, Reading};
use super::placement::Placement;
use super::put_latency::{Batching, PutForecast, batchings, mean_wait, put_forecast};
use super::shard::ShardForecast;
use crate::kinesis::{HashKeyRange, Profile, StreamMode};
use crate::scenario::Scenario;
use crate::time::Time;
use crate::units::{Rate, Share};
use crate::workload::{Schedule, Workload};

/// What happens to the load of a scenario, by the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Forecast {
    /// Shards of the scenario.
    pub scenario_shards: u32,
    /// What each shard of the scenario will be offered, in hash key order.
    pub shards: Vec<ShardForecast>,
    /// Mean record rate from the end of the warm-up to the end of the load.
    pub offered_rate: Rate,
    /// Mean rate accepted over the same time: each shard takes what its burst and its rate allow.
    pub accepted_rate: Rate,
    /// Share of the records beyond what their shard can take: `1 - accepted_rate / offered_rate`.
    pub overload_share: Share,
    /// Share of the seconds in which a shard throttles, on average.
    #[serde(default)]
    pub throttled_seconds: Share,
    /// Predicted response time of puts.
    #[serde(default)]
    pub put: PutForecast,
    /// Predicted end-to-end lag, one entry per consumer.
    pub lags: Vec<LagForecast>,
    /// Records in each Kinesis record, on average over the shards; 1 without aggregation.
    pub records_per_kinesis_record: f64,
    /// Standard deviation of the sizes of the records over their mean.
    #[serde(default)]
    pub size_variation: f64,
    /// Index of dispersion (variance over mean) of the counts of records due in the tenths of a second, about the mean of each second;
    /// `None` where none is due or due moments depend on the answers.
    #[serde(default)]
    pub dispersion: Option<f64>,
    /// What the prediction rests on and leaves out, in full sentences.
    pub assumptions: Vec<String>,
}

/// The flows of the scenario's own shards, and how the producer batches them.
pub(crate) struct Played<'a> {
    load: &'a Flows<'a>,
    flows: Vec<ShardFlow>,
    batchings: Vec<(f64, Batching)>,
}

impl<'a> Played<'a> {
    /// Plays the load, in these steps, to the shards that the scenario begins with.
    pub fn new(load: &'a Flows<'a>, steps: &[Step]) -> Self {
        let flows = load.shards(&HashKeyRange::initial(load.demand.shards));
        let offered = flows.iter().map(|flow| flow.records).sum::<f64>();
        Self { load, batchings: batchings(load.scenario, load.demand, steps, offered), flows }
    }

    fn reading(&self) -> Reading<'_> {
        Reading {
            scenario: self.load.scenario,
            profile: self.load.profile,
            flows: &self.flows,
            batch_wait: mean_wait(&self.batchings),
            record_bytes: self.load.demand.record_bytes,
            packed: self.load.demand.packed,
        }
    }

    /// The load as its readers and its bill see it.
    pub fn delivery(&self) -> Delivery {
        self.reading().delivery(self.load.demand)
    }

    /// What happens to the load.
    pub fn forecast(&self) -> Forecast {
        let Flows { scenario, workload, profile, demand, .. } = *self.load;
        let flows = &self.flows;
        let offered = flows.iter().map(|flow| flow.records).sum::<f64>();
        let accepted = flows.iter().map(|flow| flow.accepted).sum::<f64>();
        let overload_share = if offered > 0.0 { (1.0 - accepted / offered).max(0.0) } else { 0.0 };
        let utilisation = |flow: &ShardFlow| ShardForecast::of(flow, profile).utilisation;
        let reading = self.reading();
        Forecast {
            scenario_shards: demand.shards,
            shards: flows.iter().map(|flow| ShardForecast::of(flow, profile)).collect(),
            offered_rate: Rate(offered),
            accepted_rate: Rate(accepted),
            overload_share: Share(if overload_share < 1e-9 { 0.0 } else { overload_share }),
            throttled_seconds: Share(1.0 - flows.iter().map(|flow| 1.0 - flow.throttled_seconds).product::<f64>()),
            put: put_forecast(&self.batchings, flows, demand.packed, utilisation, profile),
            lags: scenario.consumers.iter().map(|consumer| reading.lag(consumer)).collect(),
            records_per_kinesis_record: demand.packed,
            size_variation: (demand.record_square / demand.record_bytes.max(1.0).powi(2) - 1.0).max(0.0).sqrt(),
            dispersion: dispersion(scenario, workload),
            assumptions: assumptions(scenario, profile),
        }
    }
}

/// What each shard of a stream will be offered, by the hash keys of its shards.
pub fn expected_load(scenario: &Scenario, profile: &Profile, ranges: &[HashKeyRange]) -> Vec<ShardForecast> {
    let workload = scenario.workload_on(ranges);
    let demand = Demand::of(scenario, &workload);
    let placement = Placement::new(workload.keys(), workload.count());
    let flows = Flows { scenario, workload: &workload, profile, demand: &demand, placement: &placement }.shards(ranges);
    flows.iter().map(|flow| ShardForecast::of(flow, profile)).collect()
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
    if scenario.stream.mode == StreamMode::OnDemand {
        assumptions.push(format!(
            "The on-demand stream keeps its {} shards: the prediction does not know how it scales.",
            scenario.stream.shards
        ));
    }
    assumptions
}
