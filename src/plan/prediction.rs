//! The plan of a scenario: what happens to its load, what that needs, and what to do (fact sheet, sections 1, 5.3 and 6).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cures::planned;
use super::recommendation::{Recommendation, recommend};
use crate::capacity::{Capacity, Sizing, frontier};
use crate::forecast::{Demand, Flows, Forecast, Placement, Played};
use crate::kinesis::Profile;
use crate::prices::Prices;
use crate::scenario::Scenario;
use crate::verdict::{Cure, Expectation};

/// What is to be expected of a scenario, and what to do about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// What the load needs, and what it costs.
    #[serde(flatten)]
    pub capacity: Capacity,
    /// What happens to the load.
    #[serde(flatten)]
    pub forecast: Forecast,
    /// The way to take; `None` if none that the model knows meets the objectives, or no price of the region is known.
    #[serde(default)]
    pub recommendation: Option<Recommendation>,
    /// What would help the fullest shard, if it is too full; the cheapest first.
    #[serde(default)]
    pub cures: Vec<Cure>,
}

impl Plan {
    /// What a run of the scenario is judged against.
    pub const fn expectation(&self) -> Expectation<'_> {
        Expectation { forecast: &self.forecast, capacity: &self.capacity }
    }
}

/// Predicts what a scenario will do to its stream, from the limits of `profile`, and what it costs, at `prices`.
pub fn predict(scenario: &Scenario, profile: &Profile, prices: &Prices) -> Plan {
    let workload = scenario.workload();
    let demand = Demand::of(scenario, &workload);
    let placement = Placement::new(workload.keys(), workload.count());
    let flows = Flows { scenario, workload: &workload, profile, demand: &demand, placement: &placement };
    let steps = flows.steps();
    let played = Played::new(&flows, &steps);
    let sizing = Sizing::of(&flows, &steps);
    let candidates = frontier(&flows, &steps, &sizing, prices);
    let recommendation = recommend(&flows, &candidates);
    let configurations = candidates.into_iter().map(|candidate| candidate.configuration).collect();
    let forecast = played.forecast();
    let capacity = Capacity::of(&flows, &played.delivery(), sizing, configurations, prices);
    let cures = planned(scenario, profile, Expectation { forecast: &forecast, capacity: &capacity });
    Plan { forecast, capacity, recommendation, cures }
}
