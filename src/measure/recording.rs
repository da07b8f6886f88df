//! All that one process has measured of a run, or several have: what can be added up, before it is collapsed into figures.

use std::time::Duration;

use super::measurement::{ConsumerWork, Ending, EventRecord};
use super::{
    DeadLetters, GeneratorHealth, Presence, PutRecording, ReadRecording, RecordSet, StorageUse, StreamIndex,
    TenantRecording,
};
use crate::client::{OnFailure, Part, ShardMap};
use crate::kinesis::InjectedFaults;
use crate::time::Time;

/// All that was measured of a run.
#[derive(Debug, Clone)]
pub struct Recording {
    /// How the run ended.
    pub ending: Ending,
    /// When load was last offered.
    pub load_ended: Time,
    /// What was measured of each stream, in their order.
    pub streams: Vec<StreamRecording>,
    /// What was measured of each process, in the order of their parts.
    pub processes: Vec<ProcessRecord>,
}

/// What was measured of a stream.
#[derive(Debug, Clone)]
pub struct StreamRecording {
    /// Which one it is.
    pub index: StreamIndex,
    /// Its name.
    pub name: String,
    /// Its shards. All else counts them by their places here.
    pub shards: ShardMap<String>,
    /// How many shards were open, from when on.
    pub open_shards: Vec<(Time, u32)>,
    /// What became of the records put.
    pub put: PutRecording,
    /// The same for each tenant.
    pub tenants: Vec<TenantRecording>,
    /// The sum of the hashes of all records offered, wrapping; `None` for a closed-loop load.
    pub digest: Option<u64>,
    /// Records that shards accepted which were not known yet.
    pub accepted_by_new_shards: u64,
    /// Records that were not accepted.
    pub dead_letters: DeadLetters,
    /// Who read it.
    pub consumers: Vec<ConsumerRecording>,
    /// What happened, in the order of time.
    pub events: Vec<EventRecord>,
}

/// What was measured of a consumer.
#[derive(Debug, Clone)]
pub struct ConsumerRecording {
    /// The stream that it read.
    pub stream: StreamIndex,
    /// Its name.
    pub name: String,
    /// Its type, in a word.
    pub kind: String,
    /// What it read.
    pub read: ReadRecording,
    /// Which of the accepted records it had to see.
    pub owed: RecordSet,
    /// From when until when it was there; `None` if it was there all the time.
    pub presence: Option<Presence>,
    /// Whether it had read everything that there was to read, so that what is missing is lost.
    pub read_everything: bool,
    /// What it did beside reading.
    pub work: ConsumerWork,
    /// What went to its on-failure destination.
    pub on_failure: OnFailure,
}

/// What was measured of a process.
#[derive(Debug, Clone, Default)]
pub struct ProcessRecord {
    /// Which of the arrivals it offered.
    pub part: Part,
    /// When its run began, since 1970; zero for simulated time, which has no date.
    pub began: Duration,
    /// What the load generator itself did; `None` for a simulation.
    pub generator: Option<GeneratorHealth>,
    /// What its emulator or simulated service held; `None` for other targets.
    pub storage: Option<StorageUse>,
    /// What its emulator or simulated service has damaged.
    pub injected_faults: InjectedFaults,
    /// What went wrong that a reader must know of, in full sentences.
    pub warnings: Vec<String>,
}
