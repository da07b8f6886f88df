//! `[autoscaling]`: a policy by which the number of shards would follow the load.

use std::time::Duration;

use crate::units::Share;

/// A scaling policy on paper: the planner says what it would come to. A run does not follow it.
#[derive(Debug, Clone, PartialEq)]
pub struct Autoscaling {
    /// How many times slower the load comes on paper: 1440 makes a day of a minute. The rates stay the same.
    pub speedup: f64,
    /// When shards are added.
    pub scale_out: ScalingRule,
    /// When shards are removed.
    pub scale_in: ScalingRule,
    /// How long nothing more happens once an update is done.
    pub cooldown: Duration,
    /// Fewest shards that it goes down to.
    pub min_shards: u32,
    /// Most shards that it goes up to.
    pub max_shards: u32,
}

/// When to change the number of shards, and by how much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScalingRule {
    /// Utilisation of the stream, by records or bytes, whichever is fuller: above it shards are added, below it removed.
    pub threshold: Share,
    /// For how many whole minutes, one after the other.
    pub minutes: u32,
    /// Factor on the number of shards: UpdateShardCount takes up to 2, and down to a half.
    pub factor: f64,
}
