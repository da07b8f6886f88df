//! What can go wrong with a record between its acknowledgement and its consumer, and where it did.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::receipts::Receipts;
use crate::client::{ShardMap, hash_key};
use crate::workload::Workload;

/// Something that went wrong with a record, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FaultPlace {
    /// What went wrong.
    pub fault: DeliveryFault,
    /// Number of the record, if it could be read.
    pub index: Option<u64>,
    /// Its shard. Of a record that was never read and whose acknowledgement is no longer kept, the shard that takes its key at the
    /// end of the run.
    pub shard: String,
    /// Its partition key.
    pub partition_key: String,
    /// Its sequence number; `None` for a record that was never read and whose acknowledgement is no longer kept.
    pub sequence_number: Option<String>,
}

impl FaultPlace {
    /// Where record `index` of a workload was stored that was never read: as the service acknowledged it, if that is still known.
    pub fn lost(workload: &Workload, shards: &ShardMap<String>, receipts: &Receipts, index: u64) -> Self {
        let arrival = workload.arrival(index);
        let receipt = receipts.of(index);
        let shard = receipt.map_or_else(|| shards.locate(hash_key(&arrival)), |receipt| receipt.shard as usize);
        Self {
            fault: DeliveryFault::Lost,
            index: Some(index),
            shard: shards.id(shard).cloned().unwrap_or_default(),
            partition_key: arrival.key.to_string(),
            sequence_number: receipt.and_then(|receipt| receipt.sequence).map(|number| number.to_string()),
        }
    }
}

/// What can go wrong between the acknowledgement of a record and its consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryFault {
    /// Never read.
    Lost,
    /// Read with a wrong checksum.
    Corrupt,
    /// Stored twice: another sequence number, the same record.
    Copy,
    /// Stored behind a later record of its key.
    WrittenOutOfOrder,
    /// Read behind a record that was stored later.
    DeliveredOutOfOrder,
}

/// Most places that are kept of each fault; all are counted.
pub(super) const PLACES_MAX: usize = 20;
