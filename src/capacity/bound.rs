//! One limit of the service against the demand of a scenario.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bound_name::BoundName;
use crate::units::{Quantity, Share, Unit};

/// One limit of the service against the demand of the scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bound {
    /// Which limit it is.
    pub name: BoundName,
    /// The unit of the demand and of the capacities.
    pub unit: Unit,
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
    /// The consumer that it is about, where it is about one.
    #[serde(default)]
    pub consumer: Option<String>,
    /// Where the limit comes from and what the figure means.
    pub note: String,
}

impl Bound {
    /// What the scenario asks for over the whole stream, with its unit.
    pub const fn demanded(&self) -> Quantity {
        Quantity::new(self.demand, self.unit)
    }

    /// What there is in all, with its unit.
    pub const fn available(&self) -> Quantity {
        Quantity::new(self.capacity, self.unit)
    }

    /// The part of the capacity that is left; negative if more is asked for than there is.
    pub fn headroom(&self) -> Share {
        Share(1.0 - self.utilisation.0)
    }
}

/// A limit that goes by shards.
pub(crate) fn bound(name: BoundName, unit: Unit, demand: f64, capacity: f64, shards: f64, note: String) -> Bound {
    Bound {
        name,
        unit,
        demand,
        capacity_per_shard: capacity,
        capacity: capacity * shards,
        utilisation: Share(demand / (capacity * shards)),
        // A demand that is a whole number of shards but for rounding needs just as many.
        shards: Some((demand / capacity - 1e-9).ceil().max(1.0) as u32),
        consumer: None,
        note,
    }
}

/// A limit that does not.
pub(crate) fn quota(name: BoundName, unit: Unit, demand: f64, capacity: f64, note: String) -> Bound {
    Bound {
        name,
        unit,
        demand,
        capacity_per_shard: capacity,
        capacity,
        utilisation: Share(demand / capacity.max(1e-9)),
        shards: None,
        consumer: None,
        note,
    }
}
