//! What a scaling policy comes to in a month, against a fixed number of shards and on-demand.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cost::{Bill, Tariff, Usage, bill};
use super::monthly::usage;
use crate::forecast::{Curve, Delivery, Flows, Loss, ScalingMinute, ShardMinutes, fixed_for_peak, on_demand, scaled};
use crate::prices::{HOURS_PER_MONTH, Prices};
use crate::scenario::Autoscaling;
use crate::units::{self, Rate, Share};

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

/// What the policy of a scenario comes to.
pub(crate) fn forecast_scaling(
    policy: &Autoscaling,
    flows: &Flows<'_>,
    delivery: &Delivery,
    prices: &Prices,
) -> ScalingForecast {
    let curve = Curve::of(policy, flows);
    let loss = Loss::new(flows, &curve);
    let mean_rate = curve.rates.iter().sum::<f64>() / curve.rates.len().max(1) as f64;
    let usage = usage(flows.scenario, &Delivery { records: mean_rate, ..delivery.clone() });
    let bills = Bills { usage, prices, region: &flows.scenario.cost.region };
    let fixed = fixed_for_peak(flows, curve.peak_filled());

    let (scaled, course) = scaled(policy, flows, &curve);
    let mut month = Month { curve: &curve, loss, bills };
    let mut options = vec![month.option("the policy", &scaled, Tariff::Provisioned)];
    let mut numbers =
        vec![(fixed, format!("{} fixed, {} full at the peak", shards(fixed), flows.scenario.target_utilisation))];
    let own = flows.scenario.stream.shards;
    if own != fixed {
        numbers.push((own, format!("{} fixed, as in the scenario", shards(own))));
    }
    for (number, name) in numbers {
        options.push(month.option(&name, &ShardMinutes::fixed(number), Tariff::Provisioned));
    }
    let on_demand = on_demand(flows, &curve);
    options.push(month.option("on-demand Standard", &on_demand, Tariff::OnDemandStandard));
    options.push(month.option("on-demand Advantage", &on_demand, Tariff::OnDemandAdvantage));
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

/// What a month is judged by.
struct Month<'a> {
    curve: &'a Curve,
    loss: Loss<'a>,
    bills: Bills<'a>,
}

impl Month<'_> {
    fn option(&mut self, name: &str, had: &ShardMinutes, tariff: Tariff) -> ScalingOption {
        let minutes = had.shards.len().max(1) as f64;
        let mean_shards = had.shards.iter().map(|shards| f64::from(*shards)).sum::<f64>() / minutes;
        let first = (self.curve.minutes() as usize).min(had.shards.len());
        ScalingOption {
            name: name.to_owned(),
            fewest_shards: had.shards.iter().copied().min().unwrap_or_default(),
            most_shards: had.shards.iter().copied().max().unwrap_or_default(),
            shard_hours: (tariff == Tariff::Provisioned).then_some(mean_shards * HOURS_PER_MONTH),
            updates_per_day: had.updates as f64 / (minutes / (24.0 * 60.0)),
            refused_minutes: had.refused_minutes,
            throttled: self.loss.throttled(&had.shards),
            throttled_at_first: self.loss.throttled(&had.shards[..first]),
            cost: self.bills.month(tariff, mean_shards),
        }
    }
}
