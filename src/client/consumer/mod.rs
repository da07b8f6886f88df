//! Consumers: what a consumer application asks, and does with what it gets.
//!
//! [`Consumer`] is the application: it knows the shards and their lineage, who reads which of them, and how far they are
//! processed. Below it, one part reads a shard (polling it or subscribed to it), and one processes what was read.

mod application;
mod batching;
mod fate;
mod interruption;
mod leases;
mod on_failure;
mod processing;
mod reading;
mod service_time;
mod settings;
mod wire;

#[cfg(test)]
mod tests;

pub use application::Consumer;
pub use fate::{FailureReason, Fate};
pub use interruption::{ConsumerCounts, Interruption, Outage};
pub use leases::LeaseCounts;
pub use on_failure::{FailedBatch, OnFailure};
pub use processing::{Delivery, ProcessingCounts};
pub use service_time::ServiceTime;
pub use settings::{Application, Checkpoint, ConsumerKind, Processing};
pub use wire::{Answer, Lineage, ReadCall, ReadOutcome, Received, Start, Ticket, Wire, key_hash};
