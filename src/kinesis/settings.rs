//! How a service is set up.

use std::sync::Arc;
use std::time::Duration;

use super::profile::{Profile, WriteLimits};
use crate::seed::Seed;
use crate::units;

/// How a service is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Limits and latencies.
    pub profile: Arc<Profile>,
    /// Which limits hold for writes.
    pub write_limiter: WriteLimiter,
    /// Seed of the latencies and faults.
    pub seed: Seed,
    /// Unix time of [`Time::ZERO`](crate::time::Time::ZERO).
    pub epoch: Duration,
    /// Most bytes of records held; beyond it, records are dropped before their retention ends.
    pub memory_budget: units::Bytes,
    /// Factor on the durations of state changes; 0 makes them immediate.
    pub transition_scale: f64,
    /// Whether answers take the profile's time.
    pub latency: bool,
    /// Whether calls of the control plane are limited as the profile says.
    pub control_limits: bool,
    /// The account in ARNs and messages.
    pub account: String,
    /// The region in ARNs.
    pub region: String,
}

impl Settings {
    /// The limits and latencies of a profile, changes of state at once, 256 MiB of memory, and a made-up account.
    pub fn new(profile: Profile, seed: Seed) -> Self {
        Self {
            profile: Arc::new(profile),
            write_limiter: WriteLimiter::Strict,
            seed,
            epoch: Duration::ZERO,
            memory_budget: units::Bytes(256 << 20),
            transition_scale: 0.0,
            latency: true,
            control_limits: true,
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
        }
    }
}

/// Which write limits hold for a shard (fact sheet, section 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WriteLimiter {
    /// Those that AWS states: 1,000 records/s and 1 MiB/s.
    #[default]
    Strict,
    /// What a shard was measured to take; looser than stated.
    Field,
    /// None.
    None,
}

impl Settings {
    /// The limits of writes that hold; `None` if there are none.
    pub(super) fn write_limits(&self) -> Option<&WriteLimits> {
        match self.write_limiter {
            WriteLimiter::Strict => Some(&self.profile.write),
            WriteLimiter::Field => Some(&self.profile.write_field),
            WriteLimiter::None => None,
        }
    }
}
