//! Autoscaling on paper: what a scaling policy would make of a day or a week of load, against a fixed number of shards and on-demand.
//!
//! Time goes in minutes, which is how often Kinesis publishes its metrics. In each the load has one rate; a shard refuses the share
//! that a bucket refuses in the long run at that rate ([`super::burst`]).

mod policy;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::policy::Scaler;
use super::cost::{Bill, HOURS_PER_MONTH, Tariff, Usage, bill};
use super::cost_forecast::{Delivery, usage};
use super::flow::Flows;
use crate::kinesis::HashKeyRange;
use crate::prices::Prices;
use crate::scenario::Autoscaling;
use crate::units::{self, Rate, Share};

/// Minutes of a month.
const MINUTES: u64 = (HOURS_PER_MONTH * 60.0) as u64;
/// Most points of the course that is kept.
const MOST_POINTS: u64 = 720;
/// Shards are told apart by so many shares of the load.
const MOST_CLASSES: usize = 12;
/// The peak that an on-demand stream is made for lies within so many days (fact sheet, section 2.4).
const ON_DEMAND_MEMORY_MINUTES: u64 = 30 * 24 * 60;

/// What a scaling policy would come to in a month of such load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScalingForecast {
    /// How long the load takes on paper; it is repeated for a month.
    pub period: Duration,
    /// Mean rate, and that of the busiest minute.
    pub mean_rate: Rate,
    /// The rate of the busiest minute.
    pub peak_rate: Rate,
    /// The policy, a fixed number of shards, and on-demand.
    pub options: Vec<ScalingOption>,
    /// The last period of the policy; at most 720 points, of which each stands for some minutes with their highest rate and fewest shards.
    pub course: Vec<ScalingMinute>,
    /// What the figures rest on and leave out, in full sentences.
    pub notes: Vec<String>,
}

/// A way to have shards, over a month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScalingOption {
    /// What it is, for people.
    pub name: String,
    /// Fewest open shards; of on-demand streams, the capacity in shards.
    pub fewest_shards: u32,
    /// Most open shards.
    pub most_shards: u32,
    /// Shard-hours of the month; `None` for on-demand streams, which are not paid by them.
    pub shard_hours: Option<f64>,
    /// Updates of the shard count in a day, on average.
    pub updates_per_day: f64,
    /// Minutes of the month in which an update was due that the quota of the day did not allow.
    pub refused_minutes: u64,
    /// Share of the records that are throttled at their first attempt.
    pub throttled: Share,
    /// The same in the first period alone, when an on-demand stream is new and the policy has not yet followed the load.
    pub throttled_at_first: Share,
    /// US dollars; `None` if a price is not known.
    pub cost: Option<f64>,
}

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

/// What the policy of a scenario comes to.
pub(super) fn forecast_scaling(
    policy: &Autoscaling,
    flows: &Flows<'_>,
    delivery: &Delivery,
    prices: &Prices,
) -> ScalingForecast {
    let curve = Curve::of(policy, flows);
    let mut loss = Loss { flows, curve: &curve, classes: BTreeMap::new(), known: BTreeMap::new() };
    let mean_rate = curve.rates.iter().sum::<f64>() / curve.rates.len().max(1) as f64;
    let usage = usage(flows.scenario, &Delivery { records: mean_rate, ..delivery.clone() });
    let bills = Bills { usage, prices, region: &flows.scenario.cost.region };
    let fixed = fixed_for_peak(flows, curve.peak_filled());

    let (scaled, course) = scaled(policy, flows, &mut loss);
    let mut options = vec![scaled.option("the policy", &mut loss, &bills, Tariff::Provisioned)];
    let mut numbers =
        vec![(fixed, format!("{} fixed, {} full at the peak", shards(fixed), flows.scenario.target_utilisation))];
    let own = flows.scenario.stream.shards;
    if own != fixed {
        numbers.push((own, format!("{} fixed, as in the scenario", shards(own))));
    }
    for (number, name) in numbers {
        let months = Months { shards: vec![number; MINUTES as usize], ..Months::default() };
        options.push(months.option(&name, &mut loss, &bills, Tariff::Provisioned));
    }
    let on_demand = Months { shards: on_demand(flows, &curve), ..Months::default() };
    options.push(on_demand.option("on-demand Standard", &mut loss, &bills, Tariff::OnDemandStandard));
    options.push(on_demand.option("on-demand Advantage", &mut loss, &bills, Tariff::OnDemandAdvantage));
    ScalingForecast {
        period: Duration::from_secs_f64(curve.minutes() as f64 * 60.0),
        mean_rate: Rate(mean_rate),
        peak_rate: Rate(curve.rates.iter().copied().fold(0.0, f64::max)),
        options,
        course,
        notes: notes(flows),
    }
}

fn shards(number: u32) -> String {
    if number == 1 { "1 shard".to_owned() } else { format!("{} shards", units::count(number.into())) }
}

fn notes(flows: &Flows<'_>) -> Vec<String> {
    let profile = flows.profile;
    vec![
        format!(
            "The load is repeated for a month of 730 hours, minute by minute; the policy sees the metrics of whole minutes, begins with the \
             scenario's shards, and makes at most {} updates in 24 hours, each to twice or half the shards at most.",
            profile.reshard.updates_per_day
        ),
        format!(
            "An update takes {} and {} for each split and merge (inferred); until it is done the shards stay as they are.",
            units::duration(profile.transition.update_shard_count),
            units::duration(profile.transition.update_shard_count_step)
        ),
        format!(
            "On-demand capacity is {} times the highest minute of the last 30 days, {} after it, and begins with {} shards.",
            profile.on_demand.headroom,
            units::duration(profile.on_demand.scale_after),
            profile.on_demand.initial_shards
        ),
        "A minute has one rate: bursts within it count as chance has them, and those of the scenario are stretched like the rest of the load; retries are left out, and what is throttled is billed as if it came.".to_owned(),
    ]
}

/// The load of each minute of one period.
struct Curve {
    /// Records per second.
    rates: Vec<f64>,
    /// Full shards that one record per second fills.
    filled_by_one: f64,
}

impl Curve {
    fn of(policy: &Autoscaling, flows: &Flows<'_>) -> Self {
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

    fn minutes(&self) -> u64 {
        self.rates.len() as u64
    }

    fn rate(&self, minute: u64) -> f64 {
        self.rates[(minute % self.minutes()) as usize]
    }

    /// How many shards the minute would fill to the brim, if it spread evenly.
    fn filled(&self, minute: u64) -> f64 {
        self.rate(minute) * self.filled_by_one
    }

    fn peak_filled(&self) -> f64 {
        (0..self.minutes()).map(|minute| self.filled(minute)).fold(0.0, f64::max)
    }
}

/// What shards refuse, remembered by the minute of the period and their number.
struct Loss<'a> {
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

impl Loss<'_> {
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
    fn throttled(&mut self, shards: &[u32]) -> Share {
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
fn fixed_for_peak(flows: &Flows<'_>, peak_filled: f64) -> u32 {
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
struct Months {
    shards: Vec<u32>,
    updates: u64,
    refused_minutes: u64,
}

fn scaled(policy: &Autoscaling, flows: &Flows<'_>, loss: &mut Loss<'_>) -> (Months, Vec<ScalingMinute>) {
    let curve = loss.curve;
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
    (Months { updates: scaler.made, refused_minutes: scaler.refused_minutes, shards }, course)
}

/// The capacity of a new on-demand stream, in shards: so many times the highest minute that it has seen and scaled for.
fn on_demand(flows: &Flows<'_>, curve: &Curve) -> Vec<u32> {
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
    capacity
}

/// What is billed, and at which prices.
struct Bills<'a> {
    usage: Usage,
    prices: &'a Prices,
    region: &'a str,
}

impl Bills<'_> {
    /// US dollars of a month with so many shards on average. Bills go up in proportion to the shards, so that two of them say all.
    fn month(&self, tariff: Tariff, mean_shards: f64) -> Option<f64> {
        let known = self.prices.regions.get(self.region)?;
        let below = mean_shards.floor().max(1.0);
        let of = |shards: f64| -> Bill {
            bill(tariff, &Usage { shards: shards as u32, ..self.usage.clone() }, known, HOURS_PER_MONTH)
        };
        let (low, high) = (of(below).total?, of(below + 1.0).total?);
        Some(low + (high - low) * (mean_shards - below))
    }
}

impl Months {
    fn option(&self, name: &str, loss: &mut Loss<'_>, bills: &Bills<'_>, tariff: Tariff) -> ScalingOption {
        let minutes = self.shards.len().max(1) as f64;
        let mean_shards = self.shards.iter().map(|shards| f64::from(*shards)).sum::<f64>() / minutes;
        let first = (loss.curve.minutes() as usize).min(self.shards.len());
        ScalingOption {
            name: name.to_owned(),
            fewest_shards: self.shards.iter().copied().min().unwrap_or_default(),
            most_shards: self.shards.iter().copied().max().unwrap_or_default(),
            shard_hours: (tariff == Tariff::Provisioned).then_some(mean_shards * HOURS_PER_MONTH),
            updates_per_day: self.updates as f64 / (minutes / (24.0 * 60.0)),
            refused_minutes: self.refused_minutes,
            throttled: loss.throttled(&self.shards),
            throttled_at_first: loss.throttled(&self.shards[..first]),
            cost: bills.month(tariff, mean_shards),
        }
    }
}
