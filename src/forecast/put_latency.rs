//! How long a record takes from its due moment until the service acknowledges it.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::burst::Step;
use super::demand::Demand;
use super::flow::ShardFlow;
use super::placement::normal_quantile;
use crate::kinesis::Profile;
use crate::scenario::Scenario;
use crate::time::nanos;
use crate::units;

/// Quantiles that each part of the latency is represented by, and most sums of two of them.
const QUANTILES: usize = 100;
const MOST_SAMPLES: usize = 40_000;
/// Rates are told apart to a twentieth.
const RATES_PER_E: f64 = 20.0;

/// Predicted response time of puts, nanoseconds, without retries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PutForecast {
    /// Half of the records take no longer.
    pub p50: u64,
    /// 99 of 100 records take no longer.
    pub p99: u64,
    /// How the figures are made up.
    pub note: String,
}

/// How the producer batches what comes at some rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Batching {
    /// Records in a batch.
    pub records: f64,
    /// Shortest and longest wait of a record for its batch; those between are as likely.
    pub wait: (Duration, Duration),
}

impl Batching {
    /// A batch goes out when it is full or when its first record has lingered.
    pub fn new(scenario: &Scenario, demand: &Demand, rate: f64) -> Self {
        let producer = &scenario.producer;
        let linger = producer.linger.as_secs_f64();
        let rate = rate.max(1e-9);
        let by_bytes = producer.batch_bytes.0 as f64 / demand.record_bytes.max(1.0);
        let full = by_bytes.min(producer.batch_records as f64).max(1.0);
        let fills_after = (full - 1.0) / rate;
        if fills_after <= linger {
            return Self { records: full, wait: (Duration::ZERO, Duration::from_secs_f64(fills_after)) };
        }
        // The first record waits for all of the linger, each further one for what is left of it.
        // The rate is a sum over shards: what is a whole number but for rounding is one.
        let further = (rate * linger + 1e-6).floor();
        let shortest = Duration::from_secs_f64((linger - further / rate).max(0.0));
        Self { records: further + 1.0, wait: (shortest, producer.linger) }
    }

    /// Mean wait of a record for its batch.
    pub fn mean_wait(&self) -> Duration {
        (self.wait.0 + self.wait.1) / 2
    }
}

/// How a load is batched: the share of the records that come at about some rate, and what the producer makes of it.
pub(crate) fn batchings(scenario: &Scenario, demand: &Demand, steps: &[Step], mean: f64) -> Vec<(f64, Batching)> {
    let mut rates: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
    // A closed loop has a batch ready whenever a call is over, and recorded arrivals have no rate.
    let judged = steps.iter().filter(|step| step.judged && step.offered > 0.0 && scenario.load.closed_loop.is_none());
    for step in judged {
        let rate = step.offered / step.seconds;
        let (records, weighed) = rates.entry((rate.ln() * RATES_PER_E).round() as i64).or_default();
        *records += step.offered;
        *weighed += step.offered * rate;
    }
    let all: f64 = rates.values().map(|(records, _)| records).sum();
    if all <= 0.0 {
        return vec![(1.0, Batching::new(scenario, demand, mean))];
    }
    let part = |(records, weighed): &(f64, f64)| (records / all, Batching::new(scenario, demand, weighed / records));
    rates.values().map(part).collect()
}

/// Mean wait of a record for its batch.
pub(crate) fn mean_wait(batchings: &[(f64, Batching)]) -> Duration {
    batchings.iter().map(|(share, batching)| batching.mean_wait().mul_f64(*share)).sum()
}

/// The distribution of the wait for the batch plus that of the call, which has as many records as a batch. A call takes as long as the fullest of
/// the shards makes it that most calls go to.
pub(crate) fn put_forecast(
    batchings: &[(f64, Batching)],
    flows: &[ShardFlow],
    packed: f64,
    utilisation: impl Fn(&ShardFlow) -> f64,
    profile: &Profile,
) -> PutForecast {
    let latency = &profile.latency;
    let records: f64 = flows.iter().map(|flow| flow.records).sum();
    let mean = flows.iter().map(&utilisation).sum::<f64>() / flows.len().max(1) as f64;
    let packed = packed.max(1.0);
    let quantiles = (MOST_SAMPLES / batchings.len().max(1)).isqrt().clamp(20, QUANTILES);
    let at = |number: usize| (number as f64 + 0.5) / quantiles as f64;
    let (mu, sigma) = latency.put.log_parameters();
    let mut samples: Vec<(f64, f64)> = Vec::new();
    let mut fullest_of_all = 0.0f64;
    for (share, batching) in batchings {
        let called = flows.iter().filter(|flow| flow.records * batching.records >= records * 0.5 && flow.records > 0.0);
        let fullest = called.map(&utilisation).reduce(f64::max).unwrap_or(mean);
        fullest_of_all = fullest_of_all.max(fullest);
        let sigma = sigma + latency.widening(fullest);
        let further = latency.put_per_record.as_secs_f64() * (batching.records / packed - 1.0).max(0.0);
        let (shortest, longest) = (batching.wait.0.as_secs_f64(), batching.wait.1.as_secs_f64());
        let weight = share / (quantiles * quantiles) as f64;
        for wait in (0..quantiles).map(|number| shortest + (longest - shortest) * at(number)) {
            let call = |number| (mu + sigma * normal_quantile(at(number))).exp();
            samples.extend((0..quantiles).map(|number| (wait + call(number) + further, weight)));
        }
    }
    samples.sort_by(|a, b| a.0.total_cmp(&b.0));
    let quantile = |share: f64| {
        let mut sum = 0.0;
        let reached = samples.iter().find(|(_, weight)| {
            sum += weight;
            sum >= share - 1e-9
        });
        nanos(Duration::from_secs_f64(reached.or(samples.last()).map_or(0.0, |(seconds, _)| *seconds)))
    };
    let extreme = |pick: fn(f64, f64) -> f64, value: fn(&Batching) -> f64| {
        batchings.iter().map(|(_, batching)| value(batching)).reduce(pick).unwrap_or(0.0)
    };
    let shortest = extreme(f64::min, |batching| batching.wait.0.as_secs_f64());
    let longest = extreme(f64::max, |batching| batching.wait.1.as_secs_f64());
    let largest = extreme(f64::max, |batching| batching.records) / packed;
    PutForecast {
        p50: quantile(0.5),
        p99: quantile(0.99),
        note: format!(
            "a wait of {} to {} for the batch and a call of up to {:.0} record(s) to shards that are {} full at most, without retries",
            units::duration(Duration::from_secs_f64(shortest)),
            units::duration(Duration::from_secs_f64(longest)),
            largest.max(1.0),
            units::Share(fullest_of_all)
        ),
    }
}
