//! The service half: Kinesis Data Streams as a state machine.
//!
//! [`Kinesis::handle`] takes the time and a request and gives the answer with the moment it is due. There is no I/O, no clock
//! and no randomness but the seed's: the same requests at the same times get the same answers. State is lazy in time (a
//! bucket refills when it is used, CREATING becomes ACTIVE when it is asked about), so the service needs no timers.
//!
//! State below, operations above; each line uses only lines before it:
//!
//! 1. terms: `shard_id` `hash_key` `sequence` `api` (requests and answers), `profile` (limits), `settings`
//! 2. one rule each: `quota` `control_rate` `meter` `latency` `metrics` `slab` `damage` `fault` `refusal`
//! 3. what is kept: `shard` `registered` (consumers) `change` `scaling` `account`, and of all of them a `stream`
//! 4. how a stream moves in time: `reshard` `on_demand` `due` `subscription`
//! 5. the service at rest: `state` (`Kinesis`), `storage` (what it holds and forgets)
//! 6. one operation after the other: `put` `read` `damaged_answer` `labels` `streams` `changes` `consumers` `account_settings`
//!    `overview`
//! 7. `service`: which request is for which operation, and when it is answered
//!
//! Section numbers in the docs of this module are those of the fact sheet, `docs/facts.md`.

mod account;
mod account_settings;
mod api;
mod change;
mod changes;
mod consumers;
mod control_rate;
mod damage;
mod damaged_answer;
mod due;
mod fault;
mod hash_key;
mod labels;
mod latency;
mod meter;
mod metrics;
mod on_demand;
mod overview;
mod profile;
mod put;
mod quota;
mod read;
mod refusal;
mod registered;
mod reshard;
mod scaling;
mod sequence;
mod service;
mod settings;
mod shard;
mod shard_id;
mod slab;
mod state;
mod storage;
mod stream;
mod streams;
mod subscription;

pub use api::*;
pub use damage::{Damage, InjectedFault, InjectedFaults};
pub use fault::{FaultKind, FaultRule};
pub use hash_key::{HashKey, HashKeyRange, locate};
pub use latency::LatencyModel;
pub use metrics::{Statistics, StreamMetric, StreamMetrics};
pub use overview::StreamOverview;
pub use profile::{LatencyProfile, Profile, ProfileError, Spread, WriteLimits};
pub use quota::{Throttled, WriteQuota};
pub use sequence::{InvalidSequenceNumber, SequenceNumber};
pub use settings::{Settings, WriteLimiter};
pub use state::{Kinesis, StorageUsage};
