//! The service half: Kinesis Data Streams as a state machine.
//!
//! [`Kinesis::handle`] takes the time and a request and gives the answer with the moment it is due. There is no I/O, no clock
//! and no randomness but the seed's: the same requests at the same times get the same answers. State is lazy in time (a
//! bucket refills when it is used, CREATING becomes ACTIVE when it is asked about), so the service needs no timers.
//!
//! Section numbers in the docs of this module are those of the fact sheet, `docs/facts.md`.

mod account;
mod api;
mod changes;
mod consumers;
mod control_rate;
mod damage;
mod fanout;
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
mod reshard;
mod sequence;
mod service;
mod shard;
mod slab;
mod stream;
mod streams;

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
pub use service::{Kinesis, Settings, StorageUsage, WriteLimiter};
