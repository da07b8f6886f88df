//! How a run is going, told once per second: nothing on the way of a record waits for it.

use std::sync::Arc;
use std::time::Duration;

use crate::kinesis::HashKeyRange;
use crate::measure::{Counters, EventRecord, HealthInterval, Interval, LatencySummary};
use crate::time::Time;

/// How a run is going.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Progress {
    /// What the run is doing.
    pub phase: Phase,
    /// The open shards of the stream in hash key order, once they are known.
    pub shards: Arc<[OpenShard]>,
    /// The time of the run.
    pub now: Time,
    /// The records so far.
    pub counters: Counters,
    /// The last second that is over. Its shards are those of `shards`, in the same order.
    pub last_second: Option<Interval>,
    /// 99th percentile of the generator's lateness over the whole run, warm-up excluded.
    pub lateness_p99: Option<Duration>,
    /// The consumers, in the scenario's order.
    pub consumers: Vec<ConsumerProgress>,
    /// What has happened so far, in the order of time.
    pub events: Vec<EventRecord>,
    /// What the load generator used of the machine in the last second that is known.
    pub generator: Option<HealthInterval>,
}

/// A shard that takes records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenShard {
    /// `shardId-…`.
    pub id: String,
    /// Its hash keys.
    pub range: HashKeyRange,
}

/// How a consumer is doing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerProgress {
    /// Its name.
    pub name: String,
    /// Its type, in a word.
    pub kind: &'static str,
    /// Records read in the last second.
    pub read_last_second: u64,
    /// Lag of the records processed in the last second.
    pub lag_last_second: LatencySummary,
    /// 99th percentile of the lag over the whole run, warm-up excluded.
    pub lag_p99: Option<Duration>,
    /// Largest MillisBehindLatest of the last second with an answer.
    pub behind: Option<Duration>,
}

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// The stream and the consumers get ready.
    #[default]
    Preparing,
    /// Load is offered.
    Load,
    /// Load is over; answers and consumers are waited for.
    Draining,
}
