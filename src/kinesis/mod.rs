//! The service half: Kinesis Data Streams as a state machine.
//!
//! [`Kinesis::handle`] takes the time and a request and gives the answer with the moment it is due. There is no I/O, no clock
//! and no randomness but the seed's: the same requests at the same times get the same answers. State is lazy in time (a
//! bucket refills when it is used, CREATING becomes ACTIVE when it is asked about), so the service needs no timers.
//!
//! Section numbers in the docs of this module are those of the project's Kinesis fact sheet.

mod api;
mod fanout;
mod hash_key;
mod latency;
mod overview;
mod profile;
mod quota;
mod read;
mod sequence;
mod service;
mod shard;
mod stream;

pub use api::*;
pub use hash_key::{HashKey, HashKeyRange, locate};
pub use latency::LatencyModel;
pub use overview::StreamOverview;
pub use profile::{Profile, ProfileError};
pub use quota::{Throttled, WriteQuota};
pub use sequence::{InvalidSequenceNumber, SequenceNumber};
pub use service::{Kinesis, Settings, StorageUsage};
