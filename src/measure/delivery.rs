//! The delivery check: did every accepted record reach every consumer, once, in order and unchanged?

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt::Display;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::receipts::Receipts;
use super::record_set::RecordSet;
use crate::client::{Part, ShardMap, aggregation, hash_key};
use crate::workload::{Header, HeaderError, Workload};

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

/// A record as a consumer got it.
pub struct ReadRecord<'a> {
    /// Its shard.
    pub shard: &'a str,
    /// Which of the lanes of the consumer it goes through: those of one lane are read in the order of the shard. A consumer that
    /// processes several batches of a shard side by side has more than one.
    pub lane: u32,
    /// Its partition key, in UTF-8.
    pub partition_key: &'a [u8],
    /// A hash of it that tells keys apart; two of a million keys share one in 40 million runs.
    pub key_hash: u64,
    /// Its sequence number, for people.
    pub sequence: &'a dyn Display,
    /// Its sequence number as numbers that compare like it, and its place in an aggregate.
    pub order: Order,
    /// Its data blob.
    pub data: &'a [u8],
}

/// A sequence number as numbers that compare like it, and the place in an aggregate.
type Order = (u128, u128, u32);

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
    pub fn lost<I>(workload: &Workload, shards: &ShardMap<I>, receipts: &Receipts, index: u64) -> Self
    where
        I: Clone + Eq + Hash + Ord + ToString,
    {
        let arrival = workload.arrival(index);
        let receipt = receipts.of(index);
        let shard = receipt.map_or_else(|| shards.locate(hash_key(&arrival)), |receipt| receipt.shard as usize);
        Self {
            fault: DeliveryFault::Lost,
            index: Some(index),
            shard: shards.id(shard).map_or_else(String::new, ToString::to_string),
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
/// Most keys of which the order is watched: 16 bytes each, and the room of the table.
const KEYS_MAX: usize = 1_000_000;
/// Most third and further copies of records that are kept by number; second copies have a bit each.
const FURTHER_COPIES_MAX: usize = 1_000_000;

/// What one consumer has read.
#[derive(Debug, Clone)]
pub struct Reading {
    run: u32,
    /// The run's records that it has seen.
    pub seen: RecordSet,
    /// Records seen again, in all.
    pub duplicates: u64,
    /// Of them, those that were read again, as at-least-once delivery does after an interruption.
    pub redelivered: u64,
    /// Records that were stored twice, and the numbers of those that were stored once more.
    copied: RecordSet,
    copied_again: Vec<u64>,
    /// Records with a wrong checksum; an aggregate with a wrong one is one record.
    pub corrupt: u64,
    /// Records of other producers.
    pub foreign: u64,
    /// The part of the load that the run offers, and what it read of the others.
    part: Part,
    of_other_parts: u64,
    written_out_of_order: u64,
    delivered_out_of_order: u64,
    order_unchecked: u64,
    /// The highest number read of each key, by the hash of the key.
    keys: HashMap<u64, u64, BuildHasherDefault<Hashed>>,
    marks: Marks,
    window: Option<Window>,
    places: Vec<FaultPlace>,
}

/// The highest sequence number read of each shard, by lane.
#[derive(Debug, Clone, Default)]
struct Marks {
    shards: Vec<(String, BTreeMap<u32, Order>)>,
    places: HashMap<String, usize>,
    /// Records come in batches of one shard.
    last: usize,
}

/// The hash of what is a hash already.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = self.0.rotate_left(8) ^ number;
    }
}

/// What an idempotent consumer remembers.
#[derive(Debug, Clone)]
struct Window {
    size: usize,
    recent: VecDeque<u64>,
    known: HashSet<u64>,
    /// Records that came again and were no longer known.
    passed: u64,
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

impl Reading {
    /// A consumer of run number `run` that has read nothing, and recognises the last `dedupe_window` records.
    pub fn new(run: u32, dedupe_window: Option<usize>) -> Self {
        let window = |size| Window { size, recent: VecDeque::new(), known: HashSet::new(), passed: 0 };
        Self {
            run,
            seen: RecordSet::default(),
            duplicates: 0,
            redelivered: 0,
            copied: RecordSet::default(),
            copied_again: Vec::new(),
            corrupt: 0,
            foreign: 0,
            part: Part::WHOLE,
            of_other_parts: 0,
            written_out_of_order: 0,
            delivered_out_of_order: 0,
            order_unchecked: 0,
            keys: HashMap::default(),
            marks: Marks::default(),
            window: dedupe_window.map(window),
            places: Vec::new(),
        }
    }

    /// The same for a run that offers this part of the load: it judges the records of its own part.
    #[must_use]
    pub fn of_part(mut self, part: Part) -> Self {
        self.part = part;
        self
    }

    /// Takes in a record of which the run offers numbers below `offered`; gives its header if it belongs to the run and is
    /// seen for the first time.
    pub fn take(&mut self, record: &ReadRecord<'_>, offered: u64) -> Option<Header> {
        let again = self.marks.was_read(record);
        let header = match Header::read(record.data, self.run) {
            // Aggregates that are whole come unpacked.
            Err(HeaderError::Foreign) if !aggregation::is_damaged(record.data) => {
                self.foreign += 1;
                return None;
            }
            Err(HeaderError::Foreign | HeaderError::Corrupt) => {
                self.corrupt += 1;
                self.note(DeliveryFault::Corrupt, None, record);
                return None;
            }
            Ok(header) if header.index >= offered => {
                self.foreign += 1;
                return None;
            }
            Ok(header) if !self.part.has(header.index) => {
                self.of_other_parts += 1;
                return None;
            }
            Ok(header) => header,
        };
        if let Some(window) = &mut self.window {
            window.take(header.index, self.seen.contains(header.index));
        }
        if self.seen.insert(header.index) {
            self.check_order(header.index, again, record);
            return Some(header);
        }
        self.duplicates += 1;
        if again {
            self.redelivered += 1;
        } else {
            if !self.copied.insert(header.index) && self.copied_again.len() < FURTHER_COPIES_MAX {
                self.copied_again.push(header.index);
            }
            self.note(DeliveryFault::Copy, Some(header.index), record);
        }
        None
    }

    /// Bytes of memory that it takes, but for the places of a few faults.
    pub fn memory(&self) -> usize {
        // One byte of a table is kept beside each entry, and an eighth of its entries stays free.
        let table = |capacity: usize, entry: usize| capacity * 8 / 7 * (entry + 1);
        let keys = table(self.keys.capacity(), size_of::<(u64, u64)>());
        let window = self.window.as_ref().map_or(0, |window| {
            table(window.known.capacity(), size_of::<u64>()) + window.recent.capacity() * size_of::<u64>()
        });
        let sets = self.seen.memory() + self.copied.memory();
        sets + keys + window + self.copied_again.capacity() * size_of::<u64>()
    }

    /// What is wrong, and where; the lost records are not among it.
    pub fn places(&self) -> &[FaultPlace] {
        &self.places
    }

    fn check_order(&mut self, index: u64, again: bool, record: &ReadRecord<'_>) {
        let full = self.keys.len() >= KEYS_MAX;
        let Some(highest) = self.keys.get_mut(&record.key_hash) else {
            if full {
                self.order_unchecked += 1;
            } else {
                self.keys.insert(record.key_hash, index);
            }
            return;
        };
        if index >= *highest {
            *highest = index;
        } else if again {
            // It was stored before what was read before it.
            self.delivered_out_of_order += 1;
            self.note(DeliveryFault::DeliveredOutOfOrder, Some(index), record);
        } else {
            self.written_out_of_order += 1;
            self.note(DeliveryFault::WrittenOutOfOrder, Some(index), record);
        }
    }

    fn note(&mut self, fault: DeliveryFault, index: Option<u64>, record: &ReadRecord<'_>) {
        if self.places.iter().filter(|place| place.fault == fault).count() < PLACES_MAX {
            self.places.push(FaultPlace {
                fault,
                index,
                shard: record.shard.to_owned(),
                partition_key: String::from_utf8_lossy(record.partition_key).into_owned(),
                sequence_number: Some(record.sequence.to_string()),
            });
        }
    }
}

impl Marks {
    /// Whether this very record of the shard was read before.
    fn was_read(&mut self, record: &ReadRecord<'_>) -> bool {
        if self.shards.get(self.last).is_none_or(|(shard, _)| shard != record.shard) {
            self.last = self.places.get(record.shard).copied().unwrap_or_else(|| {
                self.places.insert(record.shard.to_owned(), self.shards.len());
                self.shards.push((record.shard.to_owned(), BTreeMap::new()));
                self.shards.len() - 1
            });
        }
        let Some((_, lanes)) = self.shards.get_mut(self.last) else { return false };
        match lanes.entry(record.lane) {
            Entry::Occupied(highest) if record.order <= *highest.get() => true,
            Entry::Occupied(mut highest) => {
                highest.insert(record.order);
                false
            }
            Entry::Vacant(first) => {
                first.insert(record.order);
                false
            }
        }
    }
}

impl Window {
    fn take(&mut self, index: u64, seen_before: bool) {
        if self.known.contains(&index) {
            return;
        }
        self.passed += u64::from(seen_before);
        if self.recent.len() >= self.size
            && let Some(forgotten) = self.recent.pop_front()
        {
            self.known.remove(&forgotten);
        }
        self.recent.push_back(index);
        self.known.insert(index);
    }
}

impl DeliveryCheck {
    /// Compares what was accepted with what a consumer has read. What is missing is lost only if it has read everything there
    /// was to read.
    ///
    /// `owed` are those of the accepted records that it had to see.
    pub fn new(ledger: &Ledger, owed: &RecordSet, reading: &Reading, read_everything: bool) -> Self {
        let delivered = owed.in_common(&reading.seen);
        let missing = owed.len() - delivered;
        let copies = reading.duplicates - reading.redelivered;
        let further = reading.copied_again.iter().filter(|index| ledger.retried.contains(**index)).count() as u64;
        let copies_by_retries = (reading.copied.in_common(&ledger.retried) + further).min(copies);
        Self {
            accepted: owed.len(),
            absent: ledger.accepted.len() - owed.len(),
            delivered,
            lost: if read_everything { missing } else { 0 },
            unread: if read_everything { 0 } else { missing },
            duplicates: reading.duplicates,
            redelivered: reading.redelivered,
            copies_by_retries,
            copies_otherwise: copies - copies_by_retries,
            duplicates_past_window: reading.window.as_ref().map(|window| window.passed),
            written_out_of_order: reading.written_out_of_order,
            delivered_out_of_order: reading.delivered_out_of_order,
            order_unchecked: reading.order_unchecked,
            unexpected: reading.seen.len() - ledger.accepted.in_common(&reading.seen),
            corrupt: reading.corrupt,
            foreign: reading.foreign,
            of_other_parts: reading.of_other_parts,
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
