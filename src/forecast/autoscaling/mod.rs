//! Autoscaling on paper: the shards that a scaling policy, or an on-demand stream, would have in each minute of a month, and what they refuse.
//!
//! Time goes in minutes, which is how often Kinesis publishes its metrics. In each the load has one rate; a shard refuses the share
//! that a bucket refuses in the long run at that rate ([`super::burst`]).

mod policy;

use std::collections::{BTreeMap, VecDeque};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::policy::Scaler;
use super::flow::Flows;
use crate::kinesis::HashKeyRange;
use crate::prices::HOURS_PER_MONTH;
use crate::scenario::Autoscaling;
use crate::units::{Rate, Share};

/// Minutes of a month.
const MINUTES: u64 = (HOURS_PER_MONTH * 60.0) as u64;
/// Most points of the course that is kept.
const MOST_POINTS: u64 = 720;
/// Shards are told apart by so many shares of the load.
const MOST_CLASSES: usize = 12;
/// The peak that an on-demand stream is made for lies within so many days (fact sheet, section 2.4).
const ON_DEMAND_MEMORY_MINUTES: u64 = 30 * 24 * 60;

/// A minute, or some minutes, of the policy's course.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScalingMinute {
    /// Minutes since the period began.
    pub minute: u64,
    /// Records per second.
    pub rate: Rate,
    /// Open shards.
    pub shards: u32,
    /// Load of all shards in full ones: what an even spread would need at 100 %.
    pub filled: f64,
}

/// The load of each minute of one period.
pub(crate) struct Curve {
    /// Records per second.
    pub rates: Vec<f64>,
    /// Full shards that one record per second fills.
    filled_by_one: f64,
}

impl Curve {
    /// The load of the scenario, as fast as the policy is to see it.
    pub fn of(policy: &Autoscaling, flows: &Flows<'_>) -> Self {
        let schedule = flows.workload.schedule().rate();
        let seconds = flows.scenario.load.duration.as_secs_f64();
        let step = 60.0 / policy.speedup;
        // A rest of less than half a minute belongs to no minute.
        let minutes = (seconds / step).round().max(1.0) as u64;
        let rate = |minute: u64| {
            let (begin, end) = (minute as f64 * step, ((minute + 1) as f64 * step).min(seconds));
            (schedule.due(end) - schedule.due(begin)) / (end - begin).max(1e-9)
        };
        let busiest = flows.demand.busiest.max(1e-9);
        let filled_by_one = flows.demand.shards_filled(flows.profile) / busiest;
        Self { rates: (0..minutes).map(rate).collect(), filled_by_one }
    }

    /// Minutes of the period.
    pub fn minutes(&self) -> u64 {
        self.rates.len() as u64
    }

    fn rate(&self, minute: u64) -> f64 {
        self.rates[(minute % self.minutes()) as usize]
    }

    /// How many shards the minute would fill to the brim, if it spread evenly.
    fn filled(&self, minute: u64) -> f64 {
        self.rate(minute) * self.filled_by_one
    }

    /// The same of the fullest minute.
    pub fn peak_filled(&self) -> f64 {
        (0..self.minutes()).map(|minute| self.filled(minute)).fold(0.0, f64::max)
    }
}

/// What shards refuse, remembered by the minute of the period and their number.
pub(crate) struct Loss<'a> {
    flows: &'a Flows<'a>,
    curve: &'a Curve,
    /// By the number of shards: how many take about which share of the load.
    classes: BTreeMap<u32, Vec<(f64, f64)>>,
    known: BTreeMap<(u64, u32), Lost>,
}

/// Records refused per second; those of bytes are refused by size.
#[derive(Debug, Clone, Copy, Default)]
struct Lost {
    records: f64,
    bytes: f64,
}

impl<'a> Loss<'a> {
    /// Nothing is known of any minute yet.
    pub const fn new(flows: &'a Flows<'a>, curve: &'a Curve) -> Self {
        Self { flows, curve, classes: BTreeMap::new(), known: BTreeMap::new() }
    }

    fn of(&mut self, minute: u64, shards: u32) -> Lost {
        let minute = minute % self.curve.minutes();
        if let Some(known) = self.known.get(&(minute, shards)) {
            return *known;
        }
        let rate = self.curve.rate(minute);
        let flows = self.flows;
        let classes = self.classes.entry(shards).or_insert_with(|| classes(flows, shards));
        let mut lost = Lost::default();
        for (number, share) in classes.iter() {
            let (refused, of_bytes) = flows.lost(rate * share, *share);
            *(if of_bytes { &mut lost.bytes } else { &mut lost.records }) += number * rate * share * refused;
        }
        self.known.insert((minute, shards), lost);
        lost
    }

    /// Share of the records that are throttled in some minutes with so many shards.
    pub fn throttled(&mut self, shards: &[u32]) -> Share {
        let (mut offered, mut records, mut bytes) = (0.0, 0.0, 0.0);
        for (minute, shards) in (0u64..).zip(shards) {
            let lost = self.of(minute, *shards);
            (offered, records, bytes) = (offered + self.curve.rate(minute), records + lost.records, bytes + lost.bytes);
        }
        if offered <= 0.0 {
            return Share(0.0);
        }
        let by_bytes = self.flows.demand.records_refused(bytes / offered);
        let share = records / offered + by_bytes;
        Share(if share < 1e-9 { 0.0 } else { share })
    }
}

/// The shares of the load that so many shards take, those that are much alike together: their number and their mean, the fullest alone.
fn classes(flows: &Flows<'_>, shards: u32) -> Vec<(f64, f64)> {
    let mut shares = flows.shares(&HashKeyRange::initial(shards));
    shares.sort_by(|a, b| b.total_cmp(a));
    let alone = shares.len().min(MOST_CLASSES / 2);
    let (fullest, others) = shares.split_at(alone);
    let each = others.len().div_ceil(MOST_CLASSES / 2).max(1);
    let class = |part: &[f64]| (part.len() as f64, part.iter().sum::<f64>() / part.len() as f64);
    fullest.chunks(1).chain(others.chunks(each)).map(class).collect()
}

/// The fewest shards of which the fullest is as full as it may be at the peak; those of an even spread where no number does.
pub(crate) fn fixed_for_peak(flows: &Flows<'_>, peak_filled: f64) -> u32 {
    let target = flows.scenario.target_utilisation.0;
    let even = (peak_filled / target - 1e-9).ceil().max(1.0) as u32;
    let fits = |shards: &u32| {
        let fullest = flows.shares(&HashKeyRange::initial(*shards)).into_iter().fold(0.0, f64::max);
        fullest * peak_filled <= target + 1e-9
    };
    let next = |shards: &u32| Some(shards + (shards / 50).max(1)).filter(|next| *next <= even.saturating_mul(4));
    std::iter::successors(Some(even), next).find(fits).unwrap_or(even)
}

/// The number of shards of each minute of a month.
#[derive(Debug, Default)]
pub(crate) struct ShardMinutes {
    pub shards: Vec<u32>,
    /// Updates of the shard count.
    pub updates: u64,
    /// Minutes in which one was due that the quota of the day did not allow.
    pub refused_minutes: u64,
}

impl ShardMinutes {
    /// The same number all the time.
    pub fn fixed(number: u32) -> Self {
        Self { shards: vec![number; MINUTES as usize], ..Self::default() }
    }
}

/// The shards of a stream that the policy scales, and the last period of it.
pub(crate) fn scaled(policy: &Autoscaling, flows: &Flows<'_>, curve: &Curve) -> (ShardMinutes, Vec<ScalingMinute>) {
    let mut scaler = Scaler::new(policy, flows.profile, flows.scenario.stream.shards);
    let mut shards = Vec::with_capacity(MINUTES as usize);
    for minute in 0..MINUTES {
        let open = scaler.shards();
        shards.push(open);
        // The metrics count what was put: more than all of them take is not.
        scaler.handle_minute(minute + 1, (curve.filled(minute) / f64::from(open)).min(1.0));
    }
    let last = (MINUTES / curve.minutes()).saturating_sub(1) * curve.minutes();
    let each = curve.minutes().div_ceil(MOST_POINTS).max(1);
    let point = |begin: u64| {
        let minutes = begin..(begin + each).min(curve.minutes());
        let busiest = minutes.clone().max_by(|a, b| curve.rate(*a).total_cmp(&curve.rate(*b))).unwrap_or(begin);
        let fewest = minutes.filter_map(|minute| shards.get((last + minute) as usize)).min();
        ScalingMinute {
            minute: begin,
            rate: Rate(curve.rate(busiest)),
            shards: fewest.copied().unwrap_or_default(),
            filled: curve.filled(busiest),
        }
    };
    let course = (0..curve.minutes()).step_by(each as usize).map(point).collect();
    (ShardMinutes { updates: scaler.made, refused_minutes: scaler.refused_minutes, shards }, course)
}

/// The capacity of a new on-demand stream, in shards: so many times the highest minute that it has seen and scaled for.
pub(crate) fn on_demand(flows: &Flows<'_>, curve: &Curve) -> ShardMinutes {
    let settings = &flows.profile.on_demand;
    let delay = settings.scale_after.as_secs().div_ceil(60);
    // The minutes that may be the highest of those to come, the highest first.
    let mut candidates: VecDeque<(u64, f64)> = VecDeque::new();
    let mut capacity: Vec<u32> = Vec::with_capacity(MINUTES as usize);
    for minute in 0..MINUTES {
        if let Some(seen) = minute.checked_sub(delay) {
            // It counts what it took, and it takes what it has room for.
            let taken = curve.filled(seen).min(f64::from(capacity[seen as usize]));
            while candidates.back().is_some_and(|(_, lower)| *lower <= taken) {
                candidates.pop_back();
            }
            candidates.push_back((seen, taken));
        }
        while candidates.front().is_some_and(|(at, _)| at + ON_DEMAND_MEMORY_MINUTES < minute) {
            candidates.pop_front();
        }
        let highest = candidates.front().map_or(0.0, |(_, taken)| *taken);
        capacity.push(((highest * settings.headroom).ceil() as u32).max(settings.initial_shards));
    }
    ShardMinutes { shards: capacity, ..ShardMinutes::default() }
}
