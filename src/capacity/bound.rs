//! One limit of the service against the demand of a scenario.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Share;

/// One limit of the service against the demand of the scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bound {
    /// Short name: `write bytes`, `write records`, `shared read bytes`, …
    pub name: String,
    /// What is counted: `bytes/s`, `records/s`, `calls/s`.
    pub unit: String,
    /// What the scenario asks for over the whole stream.
    pub demand: f64,
    /// What one shard gives; what there is in all, where that does not go by shards.
    pub capacity_per_shard: f64,
    /// What the shards of the scenario give together, or the quota.
    pub capacity: f64,
    /// Demand over the capacity of the scenario's shards.
    pub utilisation: Share,
    /// Fewest shards that carry the demand if it spreads evenly; `None` where more shards do not help.
    pub shards: Option<u32>,
    /// Where the limit comes from and what the figure means.
    pub note: String,
}

impl Bound {
    /// The part of the capacity that is left; negative if more is asked for than there is.
    pub fn headroom(&self) -> Share {
        Share(1.0 - self.utilisation.0)
    }
}

/// A limit that goes by shards.
pub(crate) fn bound(name: &str, unit: &str, demand: f64, capacity: f64, shards: f64, note: String) -> Bound {
    Bound {
        name: name.to_owned(),
        unit: unit.to_owned(),
        demand,
        capacity_per_shard: capacity,
        capacity: capacity * shards,
        utilisation: Share(demand / (capacity * shards)),
        // A demand that is a whole number of shards but for rounding needs just as many.
        shards: Some((demand / capacity - 1e-9).ceil().max(1.0) as u32),
        note,
    }
}

/// A limit that does not.
pub(crate) fn quota(name: &str, unit: &str, demand: f64, capacity: f64, note: String) -> Bound {
    Bound {
        name: name.to_owned(),
        unit: unit.to_owned(),
        demand,
        capacity_per_shard: capacity,
        capacity,
        utilisation: Share(demand / capacity.max(1e-9)),
        shards: None,
        note,
    }
}
