//! The lag of each consumer, and what it depends on.

use std::time::Duration;

use super::capacity::forecast;
use super::cost_forecast::Delivery;
use super::demand::Demand;
use super::flow::ShardFlow;
use super::processing::Work;
use super::{CatchUp, LagForecast};
use crate::client::ConsumerKind;
use crate::kinesis::{Profile, Spread};
use crate::scenario::{Consumer, Scenario};
use crate::time::nanos;
use crate::units;

/// How fast one consumer that polls can read a shard.
pub(super) struct Poller<'a> {
    /// Name of the consumer.
    pub name: &'a str,
    /// Records that a call asks for.
    pub limit: u32,
    /// Time from call to call on a shard; longer than asked where all pollers together ask for more calls than there are.
    pub interval: Duration,
}

/// GetRecords calls per second and shard that all consumers together ask for.
pub(super) fn calls_asked(scenario: &Scenario) -> f64 {
    let calls = |kind: &ConsumerKind| kind.polls().map_or(0.0, |(interval, _)| 1.0 / interval.as_secs_f64());
    scenario.consumers.iter().map(|consumer| calls(&consumer.kind)).sum()
}

/// Those that poll.
pub(super) fn pollers<'a>(scenario: &'a Scenario, profile: &Profile) -> Vec<Poller<'a>> {
    // Pollers that ask for more calls than there are get their part of them.
    let stretch = (calls_asked(scenario) / profile.read.calls_per_second as f64).max(1.0);
    let poller = |consumer: &'a Consumer| {
        let (interval, limit) = consumer.kind.polls()?;
        Some(Poller { name: &consumer.name, limit, interval: interval.mul_f64(stretch) })
    };
    scenario.consumers.iter().filter_map(poller).collect()
}

impl Poller<'_> {
    /// Records of `record_bytes` that it can read per second from a shard: a call gives so many records or bytes at most.
    pub fn capacity(&self, record_bytes: f64, profile: &Profile) -> f64 {
        let by_bytes = profile.request.get_bytes as f64 / record_bytes.max(1.0);
        f64::from(self.limit).min(by_bytes) / self.interval.as_secs_f64()
    }
}

/// What the lag of a consumer depends on.
pub(super) struct Reading<'a> {
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
            let mean = latency.mean(spread, forecast(flow, self.profile).utilisation).as_secs_f64();
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
