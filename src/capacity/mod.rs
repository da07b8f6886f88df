//! What a load needs and costs: bounds, shards, bills, and ways to set up the scenario, from a forecast.

mod bound;
mod bound_name;
mod bounds;
mod cost;
mod frontier;
mod monthly;
mod processing;
mod quotas;
mod scaling;
mod sizing;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use bound::Bound;
pub use bound_name::BoundName;
pub use cost::{Bill, BillLine, Reader, Tariff, Usage, bill};
pub(crate) use frontier::{Candidate, frontier};
pub use frontier::{Configuration, ReadingChoice};
pub use monthly::{CostForecast, ReadingCost};
pub use scaling::{ScalingForecast, ScalingOption};
pub use sizing::Salting;
pub(crate) use sizing::Sizing;

use self::bounds::binding;
use self::monthly::forecast_cost;
use self::scaling::forecast_scaling;
use crate::forecast::{Delivery, Flows, SkewForecast};
use crate::prices::Prices;
use crate::units::Share;

/// What the load of a scenario needs, and what it costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Capacity {
    /// Fewest shards that carry the load if it spreads evenly, by the bound that needs the most.
    pub required_shards: u32,
    /// Shards to order: the fewest of which none is fuller than [`Capacity::target_utilisation`], with the keys where they hash to.
    pub recommended_shards: u32,
    /// Whether they do: with a key that is too hot for one shard no number does, and the recommended one is that of an even spread.
    #[serde(default = "yes")]
    pub attainable: bool,
    /// Where they do not: what spreading the keys comes to.
    #[serde(default)]
    pub salting: Option<Salting>,
    /// The utilisation that the recommendation plans for.
    pub target_utilisation: Share,
    /// Name of the bound that asks for the most shards, or of one that is more than used up and that more shards do not help.
    pub binding: BoundName,
    /// Every bound, in a fixed order.
    pub bounds: Vec<Bound>,
    /// How full the fullest shard is for other numbers of shards; `None` where partition keys do not decide it, or there are too
    /// many to place each.
    pub skew: Option<SkewForecast>,
    /// How many of the recommended shards are there for moments and not for averages.
    #[serde(default)]
    pub shards_for_bursts: u32,
    /// What it costs in a month of such load.
    pub cost: CostForecast,
    /// Ways to set up the scenario, the cheapest first.
    #[serde(default)]
    pub frontier: Vec<Configuration>,
    /// What a scaling policy would come to, if the scenario has one.
    #[serde(default)]
    pub autoscaling: Option<ScalingForecast>,
}

impl Capacity {
    /// What the load needs, by its sizing, and costs; `frontier` are the ways to set up the scenario.
    pub(crate) fn of(
        flows: &Flows<'_>,
        delivery: &Delivery,
        sizing: Sizing,
        frontier: Vec<Configuration>,
        prices: &Prices,
    ) -> Self {
        let (scenario, profile) = (flows.scenario, flows.profile);
        Self {
            required_shards: sizing.required,
            recommended_shards: sizing.recommended,
            attainable: sizing.attainable,
            salting: sizing.salting,
            target_utilisation: scenario.target_utilisation,
            binding: binding(&sizing.bounds),
            bounds: sizing.bounds,
            skew: sizing.skew,
            shards_for_bursts: sizing.recommended - sizing.spread,
            cost: forecast_cost(scenario, profile, delivery, sizing.recommended, prices),
            frontier,
            autoscaling: scenario.autoscaling.as_ref().map(|policy| forecast_scaling(policy, flows, delivery, prices)),
        }
    }

    /// The bound of that name, if the scenario has it.
    pub fn bound(&self, name: BoundName) -> Option<&Bound> {
        self.bounds.iter().find(|bound| bound.name == name)
    }
}

const fn yes() -> bool {
    true
}
