//! Why was I throttled? Every second in which a shard throttled gets the cause without which it would not have.
//!
//! The load of the second is made again from the scenario, since arrivals are a function of their number, and put to a write quota that is
//! as full as the shard's was by what it had accepted before. What the quota refuses was refused because of the load itself; what it takes
//! was refused because of retries, or of the way the records came. `docs/planner.md` states the rules.

mod cause;
mod due;
mod history;
mod moment;
mod reads;

use std::collections::BTreeMap;

pub use self::cause::{Cause, Cure, Limit, ThrottleCause};
use self::due::{Due, DueSecond};
use self::history::{History, SATURATION_SECONDS};
use self::moment::Group;
pub(crate) use self::moment::{Evidence, Moment};
use super::expectation::Expectation;
use crate::kinesis::{Profile, WriteLimits};
use crate::measure::{EventRecord, Interval};
use crate::result::RunResult;
use crate::scenario::Scenario;
use crate::time::Time;
use crate::units::{self, Share};

/// A shard is taken to be saturated from so much of its limit on: whole seconds do not end where batches do.
const SATURATED: f64 = 0.98;
/// A key that has at least this share of its shard's load is called hot.
const HOT_KEY_SHARE: f64 = 1.0 / 3.0;
/// Attempts over records due from which on retries are what fills a shard.
const STORM: f64 = 1.5;
/// Share of the records up to which what a quota refuses of the load alone is put down to the moments that are not exactly known.
const NEXT_TO_NOTHING: f64 = 0.01;

/// What throttled a run, the worst first, each with what it rests on. The throttled attempts of all causes but the reads come to those of the run.
pub(crate) fn throttle_causes(
    scenario: &Scenario,
    profile: &Profile,
    plan: Expectation<'_>,
    result: &RunResult,
) -> Vec<(ThrottleCause, Option<Evidence>)> {
    let diagnosis = Diagnosis { scenario, profile, result };
    let mut groups: BTreeMap<(Cause, Option<Limit>, String), Group> = BTreeMap::new();
    for moment in diagnosis.moments() {
        let place = diagnosis.place(&moment);
        groups.entry((moment.cause, moment.bound, place)).or_default().add(moment);
    }
    let writes = groups.into_iter().map(|((cause, bound, place), group)| {
        let found = ThrottleCause {
            seconds: group.seconds,
            window: group.window,
            throttled: group.throttled,
            evidence: group.worst.as_ref().map(|worst| diagnosis.evidence(worst)).unwrap_or_default(),
            cures: Vec::new(),
            cause,
            bound,
            place,
        };
        (found, group.worst.map(Evidence::Writes))
    });
    let reads = result.measurement.consumers.iter().filter(|consumer| consumer.throttled_calls > 0);
    let reads = reads.map(|consumer| reads::shared(consumer, result, profile, plan));
    let mut causes: Vec<(ThrottleCause, Option<Evidence>)> = writes.chain(reads).collect();
    causes.sort_by_key(|(cause, _)| (cause.cause == Cause::SharedReads, std::cmp::Reverse(cause.throttled)));
    causes
}

struct Diagnosis<'a> {
    scenario: &'a Scenario,
    profile: &'a Profile,
    result: &'a RunResult,
}

impl Diagnosis<'_> {
    /// Every second of every shard that throttled, with its cause.
    fn moments(&self) -> Vec<Moment> {
        let intervals = &self.result.measurement.intervals;
        let mut due = Due::new(self.scenario, self.result);
        let mut history = vec![History::new(&self.limits(1.0)); self.result.measurement.shards.len()];
        let mut moments = Vec::new();
        for (number, interval) in intervals.iter().enumerate() {
            let recent = &intervals[(number + 1).saturating_sub(SATURATION_SECONDS)..=number];
            let mean = recent.iter().map(|interval| interval.offered).sum::<u64>() as f64 / recent.len() as f64;
            let steadiness = mean / interval.offered.max(1) as f64;
            let throttling = interval.shards.iter().zip(0..).filter(|(cell, _)| cell.throttled > 0);
            let shards: Vec<usize> = throttling.map(|(_, shard)| shard).collect();
            for (shard, due) in due.of(interval, &shards) {
                moments.push(self.moment(interval, shard, due, steadiness, &history[shard]));
            }
            for (history, cell) in history.iter_mut().zip(&interval.shards) {
                let parts = self.result.part.of.max(1) as f64;
                let (records, bytes) = cell.taken();
                history.add(f64::from(records) * parts, f64::from(bytes) * parts, cell.throttled > 0);
            }
        }
        moments
    }

    /// The write limits in records, of which so many are in each Kinesis record.
    fn limits(&self, packed: f64) -> WriteLimits {
        let write = &self.profile.write;
        WriteLimits {
            records_per_second: (write.records_per_second as f64 * packed) as u64,
            record_burst: (write.record_burst as f64 * packed) as u64,
            ..write.clone()
        }
    }

    fn moment(&self, interval: &Interval, shard: usize, due: DueSecond, steadiness: f64, history: &History) -> Moment {
        let cell = interval.shards[shard];
        // With aggregation a Kinesis record holds some of the records.
        let (taken, _) = cell.taken();
        let packed = if taken > 0 { f64::from(cell.accepted) / f64::from(taken) } else { 1.0 };
        let limits = self.limits(packed.max(1.0));
        let parts = self.result.part.of.max(1);
        let attempts = (u64::from(taken) + u64::from(cell.throttled)) * parts;
        let utilisation =
            (due.records as f64 / limits.records_per_second as f64, due.bytes as f64 / limits.bytes_per_second as f64);
        let (cause, bound) =
            self.cause(interval.second, &due, utilisation, steadiness, &limits, attempts as f64 * packed, history);
        Moment {
            second: interval.second,
            shard,
            throttled: cell.throttled.into(),
            attempts,
            cause,
            bound,
            due,
            utilisation,
        }
    }

    #[allow(clippy::too_many_arguments, reason = "all that is known of a moment decides")]
    fn cause(
        &self,
        second: u64,
        due: &DueSecond,
        utilisation: (f64, f64),
        steadiness: f64,
        limits: &WriteLimits,
        attempted: f64,
        history: &History,
    ) -> (Cause, Option<Limit>) {
        if self.injected(second) {
            return (Cause::InjectedFault, None);
        }
        let saturation = history.saturation();
        let fullest = |by: (f64, f64)| if by.0 >= by.1 { (by.0, Limit::Records) } else { (by.1, Limit::Bytes) };
        let (needed, by_load) = fullest(utilisation);
        let (_, by_history) = fullest((utilisation.0.max(saturation.0), utilisation.1.max(saturation.1)));
        let mut quota = history.quota(limits, due.from);
        let mut refused = (0u64, None);
        for (at, bytes) in &due.arrivals {
            if quota.admit(*at, (*bytes).into()).is_err() {
                let limit = if quota.is_out_of_records(*at) { Limit::Records } else { Limit::Bytes };
                refused = (refused.0 + 1, refused.1.or(Some(limit)));
            }
        }
        // By batches and by the way to the service, records come a little otherwise than they were due.
        let storm = attempted > STORM * due.records.max(1) as f64;
        if storm && refused.0 as f64 <= NEXT_TO_NOTHING * due.arrivals.len() as f64 {
            return (Cause::RetryStorm, Some(by_history));
        }
        if refused.0 == 0 {
            return (Cause::Burst, Some(by_history));
        }
        let saturated = saturation.0.max(saturation.1) >= SATURATED;
        if needed * steadiness.min(1.0) <= 1.0 && !saturated {
            return (Cause::Burst, refused.1);
        }
        let bound = Some(if needed > 1.0 { by_load } else { by_history });
        if self.resharding(second) {
            return (Cause::Reshard, bound);
        }
        let open = f64::from(self.open_shards(second).max(1));
        let of_stream = |due: u64, limit: u64| due as f64 / (limit as f64 * open);
        let stream = of_stream(due.stream_records, limits.records_per_second)
            .max(of_stream(due.stream_bytes, limits.bytes_per_second));
        if stream > 1.0 {
            return (Cause::Overload, bound);
        }
        let without_key = needed * (1.0 - due.key_share());
        if due.key_share() >= HOT_KEY_SHARE && without_key <= 1.0 {
            return (Cause::HotKey, bound);
        }
        (Cause::HotShard, bound)
    }

    /// Whether a fault of the scenario throttles puts in this second.
    fn injected(&self, second: u64) -> bool {
        let (from, until) = (Time::from_secs(second), Time::from_secs(second + 1));
        self.scenario.faults.iter().any(|rule| rule.throttles_puts() && rule.from < until && from < rule.until)
    }

    fn resharding(&self, second: u64) -> bool {
        let (from, until) = (Time::from_secs(second), Time::from_secs(second + 1));
        let under_way = |event: &EventRecord| {
            let ended = event.until.unwrap_or(Time::NEVER);
            event.reshards && event.problem.is_none() && event.at < until && from < ended && event.at < ended
        };
        self.result.measurement.events.iter().any(under_way)
    }

    fn open_shards(&self, second: u64) -> u32 {
        let open = &self.result.measurement.open_shards;
        let known = open.iter().rev().find(|(at, _)| at.second() <= second).or_else(|| open.first());
        known.map_or(self.result.measurement.shards.len() as u32, |(_, count)| *count)
    }

    fn place(&self, moment: &Moment) -> String {
        match moment.cause {
            Cause::HotKey => format!("key {} on {}", moment.due.key, self.shard_id(moment.shard)),
            Cause::HotShard => self.shard_id(moment.shard).to_owned(),
            _ => String::new(),
        }
    }

    fn shard_id(&self, shard: usize) -> &str {
        self.result.measurement.shards.get(shard).map_or("", |shard| &shard.id)
    }

    fn evidence(&self, moment: &Moment) -> String {
        let due = &moment.due;
        let mut evidence = format!(
            "In second {}, {} was due {} new records ({} of its limit) and {} ({}); {} of {} attempts were throttled",
            moment.second,
            self.shard_id(moment.shard),
            units::count(due.records),
            Share(moment.utilisation.0),
            units::Bytes(due.bytes),
            Share(moment.utilisation.1),
            units::count(moment.throttled * self.result.part.of.max(1)),
            units::count(moment.attempts),
        );
        if moment.cause == Cause::HotKey {
            evidence += &format!(", and the key had {} of the load", Share(due.key_share()));
        }
        if moment.cause == Cause::Burst && due.busiest > 2.0 * due.records as f64 {
            evidence += &format!(
                ", and {} of the records were due within 100 ms",
                Share(due.busiest / 10.0 / due.records.max(1) as f64)
            );
        }
        let again = moment.attempts as f64 / due.records.max(1) as f64;
        if again >= 2.0 && moment.cause != Cause::RetryStorm {
            evidence += &format!("; retries made {} attempts of each record due", units::number(again));
        }
        evidence + "."
    }
}
