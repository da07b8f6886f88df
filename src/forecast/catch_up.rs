//! How a consumer comes back from an outage, and what becomes of one that does not keep up.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::flow::ShardFlow;
use super::poller::pollers;
use super::processing;
use crate::kinesis::Profile;
use crate::scenario::{Action, Consumer, InterruptionKind, Scenario};
use crate::time::Time;

/// What becomes of a consumer when it has been down, on the shard that leaves it the least room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CatchUp {
    /// Records per second that it can read and process of the shard; `None` if nothing bounds it.
    pub capacity: Option<f64>,
    /// Records per second that come.
    pub arriving: f64,
    /// Seconds that it takes to catch up, for each second that it was down: `arriving / (capacity - arriving)`; `None` if it never does.
    pub per_second_down: Option<f64>,
    /// Records of a backlog that its first call brings at once, where later ones have to wait for their bytes; 0 elsewhere.
    #[serde(default)]
    pub at_once: f64,
    /// Seconds that its iterator falls behind in each second, `1 - capacity / arriving`; 0 if it keeps up.
    pub age_growth: f64,
    /// Seconds until the first record is lost to it because it is older than the retention of the stream, from when it stands still, or
    /// from now on if it does not keep up.
    pub lost_after: f64,
}

impl CatchUp {
    /// That of a consumer, by what each shard accepts in the long run.
    pub(crate) fn of(consumer: &Consumer, scenario: &Scenario, profile: &Profile, flows: &[ShardFlow]) -> Self {
        let on_shard = |flow: &ShardFlow| {
            let taken = flow.sustained(profile);
            let (records, bytes) = (flow.records * taken, flow.bytes * taken);
            (records, Capacity::of(consumer, scenario, profile, flow, records, bytes))
        };
        // The shard of which the least is left, as a share of what comes.
        let room = |(records, capacity): &(f64, Capacity)| capacity.sustained / records.max(1e-9);
        let tightest = flows.iter().map(on_shard).filter(|(records, _)| *records > 0.0);
        let (arriving, Capacity { sustained: capacity, at_once }) =
            tightest.min_by(|a, b| room(a).total_cmp(&room(b))).unwrap_or((0.0, Capacity::UNBOUNDED));
        let retention = scenario.cost.retention.as_secs_f64();
        let age_growth = if arriving > 0.0 { (1.0 - capacity / arriving).max(0.0) } else { 0.0 };
        Self {
            capacity: capacity.is_finite().then_some(capacity),
            arriving,
            per_second_down: (capacity > arriving).then(|| arriving / (capacity - arriving)),
            at_once,
            age_growth,
            lost_after: if age_growth > 0.0 { retention / age_growth } else { retention },
        }
    }
}

/// What a consumer can take of a shard while others read what comes.
struct Capacity {
    /// Records per second.
    sustained: f64,
    /// Records of its first call, where later ones have to wait for their bytes.
    at_once: f64,
}

impl Capacity {
    const UNBOUNDED: Self = Self { sustained: f64::INFINITY, at_once: 0.0 };

    fn of(
        consumer: &Consumer,
        scenario: &Scenario,
        profile: &Profile,
        flow: &ShardFlow,
        records: f64,
        bytes: f64,
    ) -> Self {
        let record_bytes = bytes / records.max(1e-9);
        let processed = processing::capacity(consumer);
        let pollers = pollers(scenario, profile);
        let Some(poller) = pollers.iter().find(|poller| poller.name == consumer.name) else {
            let pushed = profile.fan_out.bytes_per_second as f64 / record_bytes.max(1.0);
            return Self { sustained: pushed.min(processed), at_once: 0.0 };
        };
        let others = (pollers.len() - 1) as f64 * bytes;
        let shared = (profile.read.bytes_per_second as f64 - others).max(0.0) / record_bytes.max(1.0);
        let polled = poller.capacity(record_bytes * flow.packed, profile) * flow.packed;
        // One answer may have more than the bytes of a second, which the calls after it wait for (fact sheet, section 1.3).
        let binds = shared < polled && shared < processed;
        let at_once = if binds { polled * poller.interval.as_secs_f64() } else { 0.0 };
        Self { sustained: shared.min(polled).min(processed), at_once }
    }
}

/// The consumer that an outage of the scenario stops for the longest, and for how long.
pub(crate) fn longest_outage(scenario: &Scenario) -> Option<(&str, Duration)> {
    let end = Time::ZERO + scenario.load.duration + scenario.load.drain;
    let outage = |consumer: &'_ Consumer| {
        let (mut since, mut longest) = (None, Duration::ZERO);
        for event in &scenario.events {
            let Action::Consumer { consumer: name, interruption, .. } = &event.action else { continue };
            if *name != consumer.name {
                continue;
            }
            match interruption {
                InterruptionKind::Stop | InterruptionKind::Kill => since = since.or(Some(event.at)),
                InterruptionKind::Start => {
                    longest = longest.max(since.take().map_or(Duration::ZERO, |since| event.at.since(since)));
                }
                InterruptionKind::KillWorker | InterruptionKind::AddWorker => {}
            }
        }
        longest.max(since.map_or(Duration::ZERO, |since| end.since(since)))
    };
    let outages = scenario.consumers.iter().map(|consumer| (consumer.name.as_str(), outage(consumer)));
    outages.filter(|(_, outage)| !outage.is_zero()).max_by_key(|(_, outage)| *outage)
}
