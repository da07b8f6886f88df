//! The lag of each consumer, and what it depends on.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::catch_up::CatchUp;
use super::delivery::Delivery;
use super::demand::Demand;
use super::flow::ShardFlow;
use super::poller::pollers;
use super::processing::Work;
use super::shard::ShardForecast;
use crate::kinesis::{Profile, Spread};
use crate::scenario::{Consumer, Scenario};
use crate::time::nanos;
use crate::units;

/// Predicted end-to-end lag of a consumer, seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LagForecast {
    /// Name of the consumer.
    pub consumer: String,
    /// Mean lag, nanoseconds; `None` where it grows without bound because the consumer cannot keep up.
    pub mean: Option<u64>,
    /// How the figure is made up.
    pub note: String,
    /// What becomes of the consumer when it has been down.
    pub catch_up: CatchUp,
}

/// What the lag of a consumer depends on.
pub(crate) struct Reading<'a> {
    pub scenario: &'a Scenario,
    pub profile: &'a Profile,
    pub flows: &'a [ShardFlow],
    pub batch_wait: Duration,
    pub record_bytes: f64,
    pub packed: f64,
}

impl Reading<'_> {
    /// The lag that is to be expected of a consumer.
    pub fn lag(&self, consumer: &Consumer) -> LagForecast {
        let propagation = self.mean_over_records(&self.profile.latency.propagation);
        let visible = self.batch_wait + propagation;
        let parts = format!(
            "the mean wait for the batch ({}), propagation ({})",
            units::duration(self.batch_wait),
            units::duration(propagation)
        );
        let records: f64 = self.flows.iter().map(|flow| flow.accepted).sum::<f64>() / self.flows.len().max(1) as f64;
        let work = Work::new(consumer, records, self.record_bytes);
        let pollers = pollers(self.scenario, self.profile);
        let (mean, note) = match pollers.iter().find(|poller| poller.name == consumer.name) {
            None => {
                let most = self.profile.fan_out.bytes_per_second as f64;
                (self.keeps_up(|_, bytes| bytes <= most).then_some(visible), parts)
            }
            Some(poller) => {
                let wait = poller.interval / 2;
                let get = self.mean_over_records(&self.profile.latency.get);
                let shared = self.profile.read.bytes_per_second as f64 / pollers.len() as f64;
                let keeps_up = self.keeps_up(|records, bytes| {
                    bytes <= shared && records <= poller.capacity(bytes / records.max(1e-9), self.profile) * self.packed
                });
                let note = format!(
                    "{parts}, half a polling interval ({}) and the GetRecords call ({})",
                    units::duration(wait),
                    units::duration(get)
                );
                (keeps_up.then_some(visible + wait + get), note)
            }
        };
        let busiest = self.flows.iter().map(|flow| flow.records * flow.sustained(self.profile)).fold(0.0, f64::max);
        let (mean, note) = work.add_to(mean, note, busiest);
        let catch_up = CatchUp::of(consumer, self.scenario, self.profile, self.flows);
        LagForecast { consumer: consumer.name.clone(), mean: mean.map(nanos), note, catch_up }
    }

    /// The load, on average over it, and how long it takes to its readers.
    pub fn delivery(&self, demand: &Demand) -> Delivery {
        Delivery {
            records: demand.mean_rate,
            record_bytes: demand.record_bytes,
            billed: demand.billed,
            packed: demand.packed,
            batch_wait: self.batch_wait,
            propagation: self.mean_over_records(&self.profile.latency.propagation),
            get: self.mean_over_records(&self.profile.latency.get),
        }
    }

    /// The mean of a latency that depends on how busy a record's shard is, over all records.
    fn mean_over_records(&self, spread: &Spread) -> Duration {
        let latency = &self.profile.latency;
        let weighed = self.flows.iter().map(|flow| {
            let mean = latency.mean(spread, ShardForecast::of(flow, self.profile).utilisation).as_secs_f64();
            (flow.records, mean * flow.records)
        });
        let (records, sum) = weighed.fold((0.0, 0.0), |(n, sum), (records, part)| (n + records, sum + part));
        if records > 0.0 { Duration::from_secs_f64(sum / records) } else { latency.mean(spread, 0.0) }
    }

    /// Whether every shard can be read as fast as it is written in the long run, in records and bytes per second.
    fn keeps_up(&self, reads: impl Fn(f64, f64) -> bool) -> bool {
        self.flows.iter().all(|flow| {
            let taken = flow.sustained(self.profile);
            reads(flow.records * taken, flow.bytes * taken)
        })
    }
}
