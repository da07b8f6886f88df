//! The delivery check: did every accepted record reach every consumer, once, in order and unchanged?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reading::Delivered;
use super::receipts::Receipts;
use super::record_set::RecordSet;

/// What the producers know of each record.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Records that the service acknowledged.
    pub accepted: RecordSet,
    /// Records that were sent and never answered.
    pub unknown: RecordSet,
    /// Records of which more than one attempt was made.
    pub retried: RecordSet,
    /// Where accepted records were stored, as long as not every consumer has seen them.
    pub receipts: Receipts,
}

impl Ledger {
    /// Bytes of memory that it takes.
    pub fn memory(&self) -> usize {
        let sets = self.accepted.memory() + self.unknown.memory() + self.retried.memory();
        sets + self.receipts.memory()
    }
}

/// Outcome of the delivery check for one consumer, in records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryCheck {
    /// Acknowledged by the service, while the consumer was there to read it.
    pub accepted: u64,
    /// Acknowledged while it was not there: before it joined at the tip, or after it left. Not judged.
    #[serde(default)]
    pub absent: u64,
    /// Acknowledged, and seen by the consumer at least once.
    pub delivered: u64,
    /// Acknowledged, and never seen by a consumer that has read everything: `accepted - delivered - unread`.
    pub lost: u64,
    /// Acknowledged, and not seen when the run ended: the consumer had not read everything by then.
    #[serde(default)]
    pub unread: u64,
    /// Deliveries of records that the consumer had seen before: what a naive consumer does twice.
    pub duplicates: u64,
    /// Of the duplicates, those that were read again, as at-least-once delivery does after an interruption.
    #[serde(default)]
    pub redelivered: u64,
    /// Of the duplicates, second copies that the producer's retries made.
    #[serde(default)]
    pub copies_by_retries: u64,
    /// Of the duplicates, second copies of records that were sent once.
    #[serde(default)]
    pub copies_otherwise: u64,
    /// Duplicates that get past an idempotent consumer with the scenario's `dedupe_window`; `None` without one.
    #[serde(default)]
    pub duplicates_past_window: Option<u64>,
    /// Stored behind a later record of the same key: a retry was overtaken.
    #[serde(default)]
    pub written_out_of_order: u64,
    /// Read behind a record of the same key and shard that was stored later.
    #[serde(default)]
    pub delivered_out_of_order: u64,
    /// First deliveries whose order was not watched: there were more keys than are kept.
    #[serde(default)]
    pub order_unchecked: u64,
    /// Seen although no acknowledgement came: the answer was lost, or the record was given up.
    pub unexpected: u64,
    /// Read with a wrong checksum.
    pub corrupt: u64,
    /// Read, but written by another producer.
    pub foreign: u64,
    /// Read, and written by another process that offers a part of the same load.
    #[serde(default)]
    pub of_other_parts: u64,
}

impl DeliveryCheck {
    /// Compares what was accepted with what a consumer has read. What is missing is lost only if it has read everything there
    /// was to read.
    ///
    /// `owed` are those of the accepted records that it had to see.
    pub fn new(ledger: &Ledger, owed: &RecordSet, read: &Delivered, read_everything: bool) -> Self {
        let delivered = owed.in_common(&read.seen);
        let missing = owed.len() - delivered;
        let copies = read.duplicates - read.redelivered;
        let further = read.copied_again.iter().filter(|index| ledger.retried.contains(**index)).count() as u64;
        let copies_by_retries = (read.copied.in_common(&ledger.retried) + further).min(copies);
        Self {
            accepted: owed.len(),
            absent: ledger.accepted.len() - owed.len(),
            delivered,
            lost: if read_everything { missing } else { 0 },
            unread: if read_everything { 0 } else { missing },
            duplicates: read.duplicates,
            redelivered: read.redelivered,
            copies_by_retries,
            copies_otherwise: copies - copies_by_retries,
            duplicates_past_window: read.duplicates_past_window,
            written_out_of_order: read.written_out_of_order,
            delivered_out_of_order: read.delivered_out_of_order,
            order_unchecked: read.order_unchecked,
            unexpected: read.seen.len() - ledger.accepted.in_common(&read.seen),
            corrupt: read.corrupt,
            foreign: read.foreign,
            of_other_parts: read.of_other_parts,
        }
    }

    /// Every accepted record arrived, and none was changed on the way.
    pub const fn complete(&self) -> bool {
        self.lost == 0 && self.unread == 0 && self.corrupt == 0
    }

    /// Every accepted record arrived once, and nothing else did.
    pub const fn exactly_once(&self) -> bool {
        self.complete() && self.duplicates == 0 && self.unexpected == 0
    }

    /// The records of each key arrived in the order in which they were due.
    pub const fn in_order(&self) -> bool {
        self.written_out_of_order == 0 && self.delivered_out_of_order == 0
    }
}

#[cfg(test)]
#[path = "delivery_tests.rs"]
mod tests;
