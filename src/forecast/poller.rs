//! How often and how fast consumers that poll read a shard.

use std::time::Duration;

use crate::client::ConsumerKind;
use crate::kinesis::Profile;
use crate::scenario::{Consumer, Scenario};

/// How fast one consumer that polls can read a shard.
pub(crate) struct Poller<'a> {
    /// Name of the consumer.
    pub name: &'a str,
    /// Records that a call asks for.
    pub limit: u32,
    /// Time from call to call on a shard; longer than asked where all pollers together ask for more calls than there are.
    pub interval: Duration,
}

/// GetRecords calls per second and shard that all consumers together ask for.
pub(crate) fn calls_asked(scenario: &Scenario) -> f64 {
    let calls = |kind: &ConsumerKind| kind.polls().map_or(0.0, |(interval, _)| 1.0 / interval.as_secs_f64());
    scenario.consumers.iter().map(|consumer| calls(&consumer.kind)).sum()
}

/// Those that poll.
pub(crate) fn pollers<'a>(scenario: &'a Scenario, profile: &Profile) -> Vec<Poller<'a>> {
    // Pollers that ask for more calls than there are get their part of them.
    let stretch = (calls_asked(scenario) / profile.read.calls_per_second as f64).max(1.0);
    let poller = |consumer: &'a Consumer| {
        let (interval, limit) = consumer.kind.polls()?;
        Some(Poller { name: &consumer.name, limit, interval: interval.mul_f64(stretch) })
    };
    scenario.consumers.iter().filter_map(poller).collect()
}

impl Poller<'_> {
    /// Records of `record_bytes` that it can read per second from a shard: a call gives so many records or bytes at most.
    pub fn capacity(&self, record_bytes: f64, profile: &Profile) -> f64 {
        let by_bytes = profile.request.get_bytes as f64 / record_bytes.max(1.0);
        f64::from(self.limit).min(by_bytes) / self.interval.as_secs_f64()
    }
}
