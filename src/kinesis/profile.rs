//! Profiles: limits and latencies of the service as dated data.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::api::Operation;
use crate::lognormal;

/// Limits and latencies of the service, valid at a date.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each field is named and sourced in profiles/*.toml")]
pub struct Profile {
    pub name: String,
    pub date: String,
    pub request: RequestLimits,
    pub write: WriteLimits,
    pub write_field: WriteLimits,
    pub read: ReadLimits,
    pub fan_out: FanOutLimits,
    pub stream: StreamLimits,
    pub reshard: ReshardLimits,
    pub on_demand: OnDemand,
    pub transition: Transitions,
    pub control_plane: ControlPlane,
    pub latency: LatencyProfile,
}

/// Limits of one request.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each field is named and sourced in profiles/*.toml")]
pub struct RequestLimits {
    pub records: usize,
    pub bytes: u64,
    pub record_bytes: u64,
    pub largest_record_bytes: u64,
    pub key_chars: usize,
    pub get_records: usize,
    pub get_bytes: u64,
    pub body_bytes: u64,
}

/// Write quota of one shard.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each field is named and sourced in profiles/*.toml")]
pub struct WriteLimits {
    pub records_per_second: u64,
    pub record_burst: u64,
    pub bytes_per_second: u64,
    pub byte_burst: u64,
}

/// Shared read quota of one shard.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each field is named and sourced in profiles/*.toml")]
pub struct ReadLimits {
    pub calls_per_second: u64,
    pub bytes_per_second: u64,
    pub iterators_per_second: u64,
    #[serde(deserialize_with = "duration")]
    pub iterator_life: Duration,
}

/// Limits of enhanced fan-out.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each field is named and sourced in profiles/*.toml")]
pub struct FanOutLimits {
    pub consumers: u32,
    pub consumers_advantage: u32,
    pub consumers_creating: u32,
    pub bytes_per_second: u64,
    #[serde(deserialize_with = "duration")]
    pub subscription_life: Duration,
    #[serde(deserialize_with = "duration")]
    pub resubscribe_after: Duration,
    pub subscribe_per_second: u64,
    pub event_bytes: u64,
    #[serde(deserialize_with = "duration")]
    pub idle_event: Duration,
}

/// Limits of streams.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each field is named and sourced in profiles/*.toml")]
pub struct StreamLimits {
    pub shards_per_account: u32,
    #[serde(default = "few_shards")]
    pub shards_per_account_elsewhere: u32,
    #[serde(default)]
    pub large_quota_regions: Vec<String>,
    pub on_demand_streams: u32,
    pub creating: u32,
    pub retention_hours: u32,
    pub longest_retention_hours: u32,
    pub tags: usize,
    pub list_shards_page: usize,
    pub describe_stream_page: usize,
}

/// The default quota of most regions, for profiles that do not say it.
const fn few_shards() -> u32 {
    1_000
}

/// How often and how far streams may change.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each field is named and sourced in profiles/*.toml")]
pub struct ReshardLimits {
    pub updates_per_day: usize,
    pub most_shards: u32,
    pub mode_switches_per_day: usize,
    pub encryption_changes_per_day: usize,
}

/// The on-demand quotas on writing (fact sheet, section 2.4), for profiles that do not say them.
const fn most_bytes() -> u64 {
    10_000_000_000
}

const fn most_bytes_elsewhere() -> u64 {
    200_000_000
}

/// How on-demand streams behave.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each field is named and sourced in profiles/*.toml")]
pub struct OnDemand {
    pub initial_shards: u32,
    pub headroom: f64,
    /// Most bytes written per second to the on-demand streams of an account, in the regions with the large quotas and elsewhere.
    #[serde(default = "most_bytes")]
    pub most_bytes_per_second: u64,
    #[serde(default = "most_bytes_elsewhere")]
    pub most_bytes_per_second_elsewhere: u64,
    #[serde(deserialize_with = "duration")]
    pub scale_after: Duration,
    pub most_warm_mib: u32,
    #[serde(deserialize_with = "duration")]
    pub shortest_commitment: Duration,
}

/// How long changes of state take.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each field is named and sourced in profiles/*.toml")]
pub struct Transitions {
    #[serde(deserialize_with = "duration")]
    pub create_stream: Duration,
    #[serde(deserialize_with = "duration")]
    pub delete_stream: Duration,
    #[serde(deserialize_with = "duration")]
    pub register_consumer: Duration,
    #[serde(deserialize_with = "duration")]
    pub deregister_consumer: Duration,
    #[serde(deserialize_with = "duration")]
    pub split_or_merge: Duration,
    #[serde(deserialize_with = "duration")]
    pub update_shard_count: Duration,
    #[serde(deserialize_with = "duration")]
    pub update_shard_count_step: Duration,
    #[serde(deserialize_with = "duration")]
    pub update_stream: Duration,
    #[serde(deserialize_with = "duration")]
    pub encryption: Duration,
    #[serde(deserialize_with = "duration")]
    pub warm_throughput: Duration,
}

/// Calls per second of the control plane.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each field is named and sourced in profiles/*.toml")]
pub struct ControlPlane {
    pub account: BTreeMap<Operation, u64>,
    pub stream: BTreeMap<Operation, u64>,
}

/// How long answers take.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each field is named and sourced in profiles/*.toml")]
pub struct LatencyProfile {
    pub put: Spread,
    #[serde(deserialize_with = "duration")]
    pub put_per_record: Duration,
    #[serde(deserialize_with = "duration")]
    pub p99_at_80_percent: Duration,
    pub get: Spread,
    pub control: Spread,
    pub propagation: Spread,
}

/// A lognormal distribution by two of its percentiles.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Half of the values are at or below.
    #[serde(deserialize_with = "duration")]
    pub median: Duration,
    /// 99 of 100 values are at or below.
    #[serde(deserialize_with = "duration")]
    pub p99: Duration,
}

/// The text is not a profile.
#[derive(Debug, thiserror::Error)]
#[error("the profile cannot be read: {0}")]
pub struct ProfileError(#[from] toml::de::Error);

impl Profile {
    /// The newest profile that is compiled in.
    ///
    /// # Panics
    /// Never: a test reads the compiled-in text.
    #[allow(clippy::expect_used, reason = "the text is compiled in and a test reads it")]
    pub fn newest() -> Self {
        Self::parse(include_str!("../../profiles/aws-2026-11.toml")).expect("the compiled-in profile is valid")
    }

    /// Reads a profile from TOML.
    ///
    /// # Errors
    /// The text is not TOML, or a field is missing, unknown or of the wrong type.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        Ok(toml::from_str(text)?)
    }
}

impl Spread {
    /// The parameters mu and sigma of the lognormal distribution of seconds: mu = ln(median),
    /// sigma = ln(p99 / median) / z(0.99) with the standard normal quantile z(0.99) = 2.3263.
    pub fn log_parameters(&self) -> (f64, f64) {
        let (median, p99) = (self.median.as_secs_f64().max(1e-9), self.p99.as_secs_f64().max(1e-9));
        (median.ln(), lognormal::sigma(p99 / median).max(0.0))
    }
}

impl LatencyProfile {
    /// By how much sigma is larger at a utilisation of the shard than in idleness.
    ///
    /// Row 3 of section 7 gives the 99th percentile of puts at 80 % of a shard's capacity; ln(p99) is taken to grow in a
    /// straight line with the utilisation, and that of reads and propagation by the same factor (I).
    pub fn widening(&self, utilisation: f64) -> f64 {
        let growth = (self.p99_at_80_percent.as_secs_f64() / self.put.p99.as_secs_f64().max(1e-9)).max(1.0);
        lognormal::sigma(growth) * utilisation.clamp(0.0, 1.0) / 0.8
    }

    /// The mean of a distribution at a utilisation of the shard: exp(mu + sigma^2 / 2).
    pub fn mean(&self, spread: &Spread, utilisation: f64) -> Duration {
        let (mu, sigma) = spread.log_parameters();
        let sigma = sigma + self.widening(utilisation);
        Duration::from_secs_f64((mu + sigma * sigma / 2.0).exp())
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    crate::units::parse_duration(&text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_in_profile_states_the_documented_limits() {
        let profile = Profile::newest();
        assert_eq!((profile.write.records_per_second, profile.write.bytes_per_second), (1_000, 1 << 20));
        assert_eq!((profile.read.calls_per_second, profile.read.bytes_per_second), (5, 2 << 20));
        assert_eq!((profile.request.records, profile.request.bytes), (500, 10 << 20));
    }

    #[test]
    fn propagation_has_the_documented_mean_at_any_load() {
        let latency = Profile::newest().latency;
        for (utilisation, expected) in [(0.0, 0.066), (0.5, 0.070), (0.8, 0.073)] {
            let mean = latency.mean(&latency.propagation, utilisation).as_secs_f64();
            assert!((mean - expected).abs() < 0.001, "{mean} at {utilisation}");
        }
    }

    #[test]
    fn an_unknown_field_is_an_error() {
        let text = include_str!("../../profiles/aws-2026-11.toml").replace("record_burst", "record_bursts");
        assert!(Profile::parse(&text).unwrap_err().to_string().contains("record_bursts"));
    }
}
