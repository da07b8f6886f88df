//! What each shard is offered and how much of it its write quota takes.

use crate::client::hash_key;
use crate::kinesis::{HashKeyRange, Profile, WriteLimits, WriteQuota, locate};
use crate::scenario::Scenario;
use crate::time::Time;
use crate::workload::{Keys, Schedule, Workload};

use super::bucket::Bucket;
use super::burst::{Arrivals, Refused, Step, lost_in_the_long_run, refused};
use super::demand::Demand;
use super::packing::Packing;
use super::placement::Placement;

/// Steps in which a changing rate is followed: short enough for micro-bursts, and not more than this for a long load.
const SHORTEST_STEP: f64 = 0.02;
const MOST_STEPS: f64 = 200_000.0;

/// The flow to one shard, per second of the judged part of the load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ShardFlow {
    /// Records offered.
    pub records: f64,
    /// Bytes offered, partition keys included.
    pub bytes: f64,
    /// Records accepted at their first attempt.
    pub accepted: f64,
    /// Records in each Kinesis record.
    pub packed: f64,
    /// Share of the seconds in which a record is throttled.
    pub throttled_seconds: f64,
}

impl ShardFlow {
    /// No flow.
    const fn none(packing: Packing) -> Self {
        Self { records: 0.0, bytes: 0.0, accepted: 0.0, packed: packing.records, throttled_seconds: 0.0 }
    }

    /// The flow to each of so many shards if the load spread evenly and all of it were accepted.
    pub fn even(demand: &Demand, shards: u32) -> Self {
        let records = demand.mean_rate / f64::from(shards);
        let bytes = records * demand.record_bytes;
        Self { records, bytes, accepted: records, packed: demand.packed, throttled_seconds: 0.0 }
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
pub(crate) fn judged_seconds(scenario: &Scenario) -> (u64, u64) {
    let first = scenario.load.warm_up.as_secs_f64().ceil() as u64;
    let end = scenario.load.duration.as_secs_f64().floor() as u64;
    if first < end { (first, end) } else { (0, scenario.load.duration.as_secs_f64().ceil().max(1.0) as u64) }
}

/// What the flows to the shards of a stream are made of.
pub(crate) struct Flows<'a> {
    pub scenario: &'a Scenario,
    pub workload: &'a Workload,
    pub profile: &'a Profile,
    pub demand: &'a Demand,
    pub placement: &'a Placement,
}

/// Distinct parts of the load for which throttling is reckoned; those between are interpolated.
const MOST_PARTS: usize = 24;
/// And not more of them than make so many steps.
const MOST_STEPPED: usize = 200_000;

impl Flows<'_> {
    /// The flow to each shard of a stream, by its hash keys.
    ///
    /// Recorded arrivals are put to the shards one by one when they are due. Else each shard gets its share of the rate, with the chance of
    /// which key comes when. All start with the burst unspent, and nothing retries.
    pub fn shards(&self, ranges: &[HashKeyRange]) -> Vec<ShardFlow> {
        if let Schedule::Recorded { .. } = self.workload.schedule().rate() {
            let mean =
                self.workload.count() as f64 / self.scenario.load.duration.as_secs_f64().max(1.0) / ranges.len() as f64;
            let seconds = judged_seconds(self.scenario);
            return replay(self.workload, ranges, &self.profile.write, self.packing(mean), seconds);
        }
        let shares = self.shares(ranges);
        let steps = self.steps();
        let mut parts = shares.clone();
        parts.sort_by(f64::total_cmp);
        parts.dedup();
        let most_parts = (MOST_STEPPED / steps.len().max(1)).clamp(3, MOST_PARTS);
        if parts.len() > most_parts {
            let (least, most) = (parts[0], parts[parts.len() - 1]);
            let part = |number: usize| least + (most - least) * number as f64 / (most_parts - 1) as f64;
            parts = (0..most_parts).map(part).collect();
        }
        let flows: Vec<ShardFlow> = parts.iter().map(|share| self.of(&steps, *share)).collect();
        shares.iter().map(|share| between(&parts, &flows, *share)).collect()
    }

    /// How a flow to a shard is aggregated.
    pub fn packing(&self, records: f64) -> Packing {
        let (data, key) = self.demand.mean_bytes;
        Packing::new(&self.scenario.producer, records, data, key, self.demand.explicit_hash_keys)
    }

    /// Share of the arrivals that each shard takes. With AUTO distribution the service deals them out in turn.
    pub fn shares(&self, ranges: &[HashKeyRange]) -> Vec<f64> {
        if self.scenario.stream.auto_distribution {
            return vec![1.0 / ranges.len() as f64; ranges.len()];
        }
        self.placement.shares(ranges)
    }

    /// The flow to a shard that gets `share` of the load in these steps.
    pub fn of(&self, steps: &[Step], share: f64) -> ShardFlow {
        let judged = || steps.iter().filter(|step| step.judged);
        let seconds: f64 = judged().map(|step| step.seconds).sum();
        let records = judged().map(|step| step.offered).sum::<f64>() * share / seconds.max(1e-9);
        let packing = self.packing(records);
        let refused = self.refused(steps, share, packing);
        ShardFlow {
            records,
            bytes: records * packing.record_bytes,
            accepted: records * (1.0 - refused.share),
            packed: packing.records,
            throttled_seconds: refused.seconds,
        }
    }

    /// Share of the tokens that a shard refuses in the long run, of `records` per second that come to it, and whether they are bytes: the
    /// tighter limit. `part` is its share of the load.
    pub fn lost(&self, records: f64, part: f64) -> (f64, bool) {
        let packing = self.packing(records);
        let (by_records, by_bytes) = self.buckets(part, packing);
        let of_records = lost_in_the_long_run(by_records.0, by_records.1, records);
        let of_bytes = lost_in_the_long_run(by_bytes.0, by_bytes.1, records);
        if of_records >= of_bytes { (of_records, false) } else { (of_bytes, packing.records <= 1.0) }
    }

    /// The two limits of a shard that gets `share` of the load, and what takes from them.
    fn buckets(&self, share: f64, packing: Packing) -> ((Bucket, Arrivals<'_>), (Bucket, Arrivals<'_>)) {
        let limits = packing.limits(&self.profile.write);
        let dispersion = self.dispersion(share);
        let square = self.demand.record_square * (packing.record_bytes / self.demand.record_bytes.max(1.0)).powi(2);
        let bucket = |rate: u64, burst: u64| Bucket { rate: rate as f64, burst: burst as f64 };
        let bytes = (packing.record_bytes, square.max(packing.record_bytes.powi(2)));
        // What is in an aggregate is known on average only.
        let sizes: &[f64] = if packing.records > 1.0 { &[] } else { &self.demand.sizes };
        (
            (
                bucket(limits.records_per_second, limits.record_burst),
                Arrivals { tokens: (1.0, 1.0), sizes: &[], dispersion },
            ),
            (bucket(limits.bytes_per_second, limits.byte_burst), Arrivals { tokens: bytes, sizes, dispersion }),
        )
    }

    /// What the tighter of the two limits refuses.
    fn refused(&self, steps: &[Step], share: f64, packing: Packing) -> Refused {
        let ((records, counted), (bytes, weighed)) = self.buckets(share, packing);
        let by_records = refused(records, counted, steps, share);
        let mut by_bytes = refused(bytes, weighed, steps, share);
        if packing.records <= 1.0 {
            by_bytes.share = by_bytes.records.unwrap_or_else(|| self.demand.records_refused(by_bytes.share));
        }
        if by_records.share >= by_bytes.share { by_records } else { by_bytes }
    }

    /// Variance over mean of the arrivals at a shard that gets `share` of the load: those of a Poisson process are one themselves; of others, each
    /// falls to the shard with that chance, unless they go round.
    fn dispersion(&self, share: f64) -> f64 {
        match self.workload.schedule() {
            Schedule::Poisson { .. } => 1.0,
            _ if self.scenario.stream.auto_distribution => 0.0,
            _ if matches!(self.workload.keys(), Keys::Sequential { .. } | Keys::Explicit { .. }) => 0.0,
            _ => (1.0 - share).max(0.0),
        }
    }

    /// The load in steps of one rate each, of which none reaches over the end of a second.
    pub fn steps(&self) -> Vec<Step> {
        let (first, end) = judged_seconds(self.scenario);
        let schedule = self.workload.schedule().rate();
        // Recorded arrivals have no rate between one and the next.
        let recorded = matches!(schedule, Schedule::Recorded { .. });
        let each_second = (MOST_STEPS / end as f64).min(1.0 / SHORTEST_STEP).floor().max(1.0) as u64;
        let mut steps: Vec<Step> = Vec::new();
        for number in 0..end * each_second {
            let at = |number: u64| number as f64 / each_second as f64;
            let offered = if recorded { 0.0 } else { schedule.due(at(number + 1)) - schedule.due(at(number)) };
            let judged = number / each_second >= first;
            let seconds = 1.0 / each_second as f64;
            let ends_second = (number + 1).is_multiple_of(each_second);
            match steps.last_mut() {
                Some(last) if !last.ends_second && same_rate(last, offered, seconds) => {
                    last.offered += offered;
                    last.seconds += seconds;
                    last.ends_second = ends_second;
                }
                _ => steps.push(Step { seconds, offered, judged, ends_second }),
            }
        }
        if !recorded && !matches!(self.workload.schedule(), Schedule::Poisson { .. }) {
            return record_on_the_border(steps);
        }
        steps
    }
}

/// Of an evenly spaced flow that ends with a second, the last record is due on its very border and belongs to the next second, in which it may
/// be the only one.
fn record_on_the_border(steps: Vec<Step>) -> Vec<Step> {
    let mut due = 0.0;
    let mut moved = Vec::with_capacity(steps.len());
    for step in steps {
        let last: Option<&mut Step> = moved.last_mut();
        let ended = last.filter(|last| last.ends_second && last.offered >= 1.0 && step.offered == 0.0);
        if let Some(last) = ended.filter(|_| (due - f64::round(due)).abs() < 1e-6) {
            last.offered -= 1.0;
            moved.push(Step { seconds: 1e-9, offered: 1.0, judged: step.judged, ends_second: false });
        }
        due += step.offered;
        moved.push(step);
    }
    moved
}

fn same_rate(last: &Step, offered: f64, seconds: f64) -> bool {
    let (before, now) = (last.offered / last.seconds, offered / seconds);
    (before - now).abs() <= 1e-6 * before.max(now)
}

/// The flow to a shard with this share, by those of the shares next to it.
fn between(parts: &[f64], flows: &[ShardFlow], share: f64) -> ShardFlow {
    let above = parts.partition_point(|part| *part < share).min(parts.len() - 1);
    let below = above.saturating_sub(1);
    let width = parts[above] - parts[below];
    let weight = if width > 0.0 { ((share - parts[below]) / width).clamp(0.0, 1.0) } else { 1.0 };
    let mix = |value: fn(&ShardFlow) -> f64| value(&flows[below]) * (1.0 - weight) + value(&flows[above]) * weight;
    ShardFlow {
        records: mix(|flow| flow.records),
        bytes: mix(|flow| flow.bytes),
        accepted: mix(|flow| flow.accepted),
        packed: mix(|flow| flow.packed),
        throttled_seconds: mix(|flow| flow.throttled_seconds),
    }
}

/// The flow to each shard, put to its write quota record by record.
pub(crate) fn replay(
    workload: &Workload,
    ranges: &[HashKeyRange],
    write: &WriteLimits,
    packing: Packing,
    (first, end): (u64, u64),
) -> Vec<ShardFlow> {
    let quota = WriteQuota::new(&packing.limits(write));
    // With each, the last second in which it throttled.
    let mut shards = vec![(quota, ShardFlow::none(packing), None); ranges.len()];
    let part = 1.0 / (end - first) as f64;
    for arrival in (0..workload.count()).map(|index| workload.arrival(index)) {
        let bytes = u64::from(arrival.size) + arrival.key.len() as u64;
        let (quota, flow, throttled) = &mut shards[locate(ranges, hash_key(&arrival))];
        let admitted = quota.admit(arrival.intended, bytes).is_ok();
        if (Time::from_secs(first)..Time::from_secs(end)).contains(&arrival.intended) {
            flow.records += part;
            flow.bytes += bytes as f64 * part;
            flow.accepted += if admitted { part } else { 0.0 };
            let second = Some(arrival.intended.second());
            if !admitted && *throttled != second {
                flow.throttled_seconds += part;
                *throttled = second;
            }
        }
    }
    shards.into_iter().map(|(_, flow, _)| flow).collect()
}
