//! Measurement: histograms, one-second intervals, the record ledger and the delivery check.
//!
//! Counters always balance, histograms are merged by adding, and nothing is averaged, clamped or dropped when it is
//! recorded; `series` makes of the seconds what charts and comparisons need.

mod attendance;
mod dead_letter;
mod delivery;
mod faults;
mod findings;
mod health;
mod interval;
mod latency;
mod measurement;
mod outcome;
mod put_recorder;
mod read_recorder;
mod reading;
mod receipts;
mod record_set;
mod recording;
mod series;
mod stream_index;
mod tenants;

pub use attendance::{Attendances, Presence};
pub use dead_letter::{DeadLetter, DeadLetters};
pub use delivery::{DeliveryCheck, Ledger};
pub use faults::{DeliveryFault, FaultPlace};
pub use findings::Finding;
pub use health::{GeneratorHealth, HealthInterval};
pub use interval::{Counters, Interval, ShardInterval};
pub use latency::{Latency, LatencyLog, LatencySummary, LogWindow, PercentilePoint};
pub use measurement::{ConsumerRecord, ConsumerWork, Ending, EventRecord, Measurement, OutageRecord, ShardRecord};
pub use outcome::{Details, Outcome};
pub use put_recorder::{PutRecorder, PutRecording};
pub use read_recorder::{ReadRecorder, ReadRecording};
pub use reading::{Delivered, ReadRecord, Reading};
pub use receipts::{Receipt, Receipts};
pub use record_set::RecordSet;
pub use recording::{ConsumerRecording, ProcessRecord, Recording, StreamRecording};
pub use series::{Bin, Estimate, bin_width, bins};
pub use stream_index::StreamIndex;
pub use tenants::{TenantRecord, TenantRecorder, TenantRecording};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kinesis::StorageUsage;

/// What the embedded emulator stored over a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct StorageUse {
    /// Most bytes of records it may hold.
    pub budget: u64,
    /// Most bytes of records it held.
    pub peak: u64,
    /// Records dropped early that every known reader had read.
    pub trimmed_read: u64,
    /// Records dropped early that some reader had not read yet: they are lost to it.
    pub trimmed_unread: u64,
}

impl From<StorageUsage> for StorageUse {
    fn from(usage: StorageUsage) -> Self {
        let StorageUsage { budget, peak, trimmed_read, trimmed_unread, .. } = usage;
        Self { budget, peak, trimmed_read, trimmed_unread }
    }
}
