//! The load as its readers and its bill see it.

use std::time::Duration;

use super::billed::Billed;

/// The load of a scenario, on average, and how long it takes to its readers.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// Records per second.
    pub records: f64,
    /// Bytes that each takes.
    pub record_bytes: f64,
    /// What each is billed as.
    pub billed: Billed,
    /// Records in each Kinesis record.
    pub packed: f64,
    pub batch_wait: Duration,
    pub propagation: Duration,
    pub get: Duration,
}
