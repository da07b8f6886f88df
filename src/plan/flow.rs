//! What each shard is offered and how much of it its write quota takes.

use crate::client::hash_key;
use crate::kinesis::{HashKeyRange, Profile, WriteLimits, WriteQuota, locate};
use crate::scenario::Scenario;
use crate::time::Time;
use crate::workload::{Schedule, Shape, Workload};

use super::packing::Packing;
use super::placement::shard_shares;

/// Steps in which a changing rate is followed: short enough for micro-bursts, and not more than this for a long load.
const SHORTEST_STEP: f64 = 0.02;
const MOST_STEPS: f64 = 200_000.0;

/// The flow to one shard, per second of the judged part of the load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ShardFlow {
    /// Records offered.
    pub records: f64,
    /// Bytes offered, partition keys included.
    pub bytes: f64,
    /// Records accepted at their first attempt.
    pub accepted: f64,
    /// Records in each Kinesis record.
    pub packed: f64,
}

impl ShardFlow {
    /// No flow.
    const fn none(packing: Packing) -> Self {
        Self { records: 0.0, bytes: 0.0, accepted: 0.0, packed: packing.records }
    }

    /// The part of what is offered that the shard takes in the long run, when its burst is spent.
    pub fn sustained(&self, profile: &Profile) -> f64 {
        let by_records = profile.write.records_per_second as f64 * self.packed / self.records;
        let by_bytes = profile.write.bytes_per_second as f64 / self.bytes;
        // A shard without load divides by zero and takes all of nothing.
        by_records.min(by_bytes).min(1.0)
    }
}

/// The seconds that are judged: the whole ones between the warm-up and the end of the load; the whole load without any.
pub(super) fn judged_seconds(scenario: &Scenario) -> (u64, u64) {
    let first = scenario.load.warm_up.as_secs_f64().ceil() as u64;
    let end = scenario.load.duration.as_secs_f64().floor() as u64;
    if first < end { (first, end) } else { (0, scenario.load.duration.as_secs_f64().ceil().max(1.0) as u64) }
}

/// The flow to each shard of a stream, by its hash keys.
///
/// A rate is a fluid of records with mean bytes of data and key, `mean`, that each shard gets its share of. Recorded arrivals are put to
/// the shards one by one when they are due. Both start with the burst unspent, and neither retries.
pub(super) fn shard_flows(
    scenario: &Scenario,
    workload: &Workload,
    profile: &Profile,
    mean: (f64, f64),
    ranges: &[HashKeyRange],
) -> Vec<ShardFlow> {
    let (first, end) = judged_seconds(scenario);
    let packing = |records: f64| Packing::new(&scenario.producer, records, mean.0, mean.1);
    match workload.schedule().rate() {
        Schedule::Constant { rate } => {
            let fluid = |share: f64| {
                let records = rate.0 * share;
                let packing = packing(records);
                let limits = packing.limits(&profile.write);
                let accepted = |seconds: u64| fluid(&limits, records, packing.record_bytes, seconds as f64);
                let accepted = (accepted(end) - accepted(first)) / (end - first) as f64;
                ShardFlow { records, bytes: records * packing.record_bytes, accepted, packed: packing.records }
            };
            shares(scenario, workload, ranges).into_iter().map(fluid).collect()
        }
        Schedule::Shaped { shape } => {
            let shares = shares(scenario, workload, ranges);
            let steps = steps(shape, (first, end));
            let offered: f64 = steps.iter().map(|step| step.offered * step.part).sum();
            shares.into_iter().map(|share| changing(&steps, share, &profile.write, packing(offered * share))).collect()
        }
        // The rate of a Poisson process is never one itself.
        Schedule::Recorded { .. } | Schedule::Poisson { .. } => {
            let mean = workload.count() as f64 / scenario.load.duration.as_secs_f64().max(1.0) / ranges.len() as f64;
            replay(workload, ranges, &profile.write, packing(mean), (first, end))
        }
    }
}

/// Share of the arrivals that each shard takes. With AUTO distribution the service deals them out in turn.
fn shares(scenario: &Scenario, workload: &Workload, ranges: &[HashKeyRange]) -> Vec<f64> {
    if scenario.stream.auto_distribution {
        return vec![1.0 / ranges.len() as f64; ranges.len()];
    }
    shard_shares(workload.keys(), ranges, workload.count())
}

/// A short time of a flow that changes.
struct Step {
    seconds: f64,
    /// Records offered to all shards.
    offered: f64,
    /// Its part of the judged seconds; zero in the warm-up.
    part: f64,
}

fn steps(shape: &Shape, (first, end): (u64, u64)) -> Vec<Step> {
    let length = (end as f64 / MOST_STEPS).max(SHORTEST_STEP);
    let step = |number: u64| {
        let (begin, until) = (number as f64 * length, ((number + 1) as f64 * length).min(end as f64));
        // The judged part begins with a whole second, and steps need not: each counts by its middle.
        let judged = (begin + until) / 2.0 >= first as f64;
        let part = if judged { 1.0 / (end - first) as f64 } else { 0.0 };
        Step { seconds: until - begin, offered: shape.due(until) - shape.due(begin), part }
    };
    (0..(end as f64 / length).ceil() as u64).map(step).collect()
}

/// The flow to a shard that gets `share` of it: in each step, the shard takes what is offered, or what its buckets hold and
/// gain.
fn changing(steps: &[Step], share: f64, write: &WriteLimits, packing: Packing) -> ShardFlow {
    let (write, record_bytes) = (packing.limits(write), packing.record_bytes);
    let (mut records, mut bytes) = (write.record_burst as f64, write.byte_burst as f64);
    let mut flow = ShardFlow::none(packing);
    for step in steps {
        let offered = step.offered * share;
        records += write.records_per_second as f64 * step.seconds;
        bytes += write.bytes_per_second as f64 * step.seconds;
        let accepted = offered.min(records).min(bytes / record_bytes.max(1.0));
        records = (records - accepted).min(write.record_burst as f64);
        bytes = (bytes - accepted * record_bytes).min(write.byte_burst as f64);
        flow.records += offered * step.part;
        flow.bytes += offered * record_bytes * step.part;
        flow.accepted += accepted * step.part;
    }
    flow
}

/// Records that a shard has taken after `seconds` of an even flow: what is offered, or what the burst and the rate allow.
fn fluid(write: &WriteLimits, records: f64, record_bytes: f64, seconds: f64) -> f64 {
    let by_records = write.records_per_second as f64 * seconds + write.record_burst as f64;
    let by_bytes = write.bytes_per_second as f64 * seconds + write.byte_burst as f64;
    (records * seconds).min(by_records).min(by_bytes / record_bytes.max(1.0))
}

fn replay(
    workload: &Workload,
    ranges: &[HashKeyRange],
    write: &WriteLimits,
    packing: Packing,
    (first, end): (u64, u64),
) -> Vec<ShardFlow> {
    let quota = WriteQuota::new(&packing.limits(write));
    let mut shards = vec![(quota, ShardFlow::none(packing)); ranges.len()];
    let part = 1.0 / (end - first) as f64;
    for arrival in (0..workload.count()).map(|index| workload.arrival(index)) {
        let bytes = u64::from(arrival.size) + arrival.key.len() as u64;
        let (quota, flow) = &mut shards[locate(ranges, hash_key(&arrival))];
        let admitted = quota.admit(arrival.intended, bytes).is_ok();
        if (Time::from_secs(first)..Time::from_secs(end)).contains(&arrival.intended) {
            flow.records += part;
            flow.bytes += bytes as f64 * part;
            flow.accepted += if admitted { part } else { 0.0 };
        }
    }
    shards.into_iter().map(|(_, flow)| flow).collect()
}
