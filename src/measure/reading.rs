//! What one consumer reads of a run, record by record.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt::Display;
use std::hash::{BuildHasherDefault, Hasher};

use super::faults::{DeliveryFault, FaultPlace, PLACES_MAX};
use super::record_set::RecordSet;
use crate::client::{Part, aggregation};
use crate::workload::{Header, HeaderError};

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

/// Most keys of which the order is watched: 16 bytes each, and the room of the table.
pub(super) const KEYS_MAX: usize = 1_000_000;
/// Most third and further copies of records that are kept by number; second copies have a bit each.
const FURTHER_COPIES_MAX: usize = 1_000_000;

/// What one consumer has read of a run, as the delivery check compares it with what was accepted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Delivered {
    /// The run's records that it has seen.
    pub seen: RecordSet,
    /// Records seen again, in all.
    pub duplicates: u64,
    /// Of them, those that were read again, as at-least-once delivery does after an interruption.
    pub redelivered: u64,
    /// Records that were stored twice.
    pub copied: RecordSet,
    /// The numbers of those that were stored once more.
    pub copied_again: Vec<u64>,
    /// Records with a wrong checksum; an aggregate with a wrong one is one record.
    pub corrupt: u64,
    /// Records of other producers.
    pub foreign: u64,
    /// Records of the other parts of the load.
    pub of_other_parts: u64,
    /// First deliveries of records that were stored behind a later one of their key.
    pub written_out_of_order: u64,
    /// First deliveries of records that were read behind a later one of their key and shard.
    pub delivered_out_of_order: u64,
    /// First deliveries whose order was not watched: there were more keys than are kept.
    pub order_unchecked: u64,
    /// Records that came again and were no longer known to an idempotent consumer; `None` if that was not looked at.
    pub duplicates_past_window: Option<u64>,
    /// What is wrong, and where: the first places of each fault. The lost records are not among it.
    pub places: Vec<FaultPlace>,
}

/// What one consumer has read, while it goes on reading.
#[derive(Debug, Clone)]
pub struct Reading {
    run: u32,
    /// The part of the load that the run offers.
    part: Part,
    pub(super) delivered: Delivered,
    /// The highest number read of each key, by the hash of the key.
    pub(super) keys: HashMap<u64, u64, BuildHasherDefault<Hashed>>,
    marks: Marks,
    window: Option<Window>,
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
pub(super) struct Hashed(u64);

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
}

impl Reading {
    /// A consumer of run number `run` that has read nothing, and recognises the last `dedupe_window` records.
    pub fn new(run: u32, dedupe_window: Option<usize>) -> Self {
        let window = |size| Window { size, recent: VecDeque::new(), known: HashSet::new() };
        Self {
            run,
            part: Part::WHOLE,
            delivered: Delivered { duplicates_past_window: dedupe_window.map(|_| 0), ..Delivered::default() },
            keys: HashMap::default(),
            marks: Marks::default(),
            window: dedupe_window.map(window),
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
                self.delivered.foreign += 1;
                return None;
            }
            Err(HeaderError::Foreign | HeaderError::Corrupt) => {
                self.delivered.corrupt += 1;
                self.note(DeliveryFault::Corrupt, None, record);
                return None;
            }
            Ok(header) if header.index >= offered => {
                self.delivered.foreign += 1;
                return None;
            }
            Ok(header) if !self.part.has(header.index) => {
                self.delivered.of_other_parts += 1;
                return None;
            }
            Ok(header) => header,
        };
        if let Some(window) = &mut self.window {
            let passed = window.take(header.index, self.delivered.seen.contains(header.index));
            *self.delivered.duplicates_past_window.get_or_insert_default() += u64::from(passed);
        }
        if self.delivered.seen.insert(header.index) {
            self.check_order(header.index, again, record);
            return Some(header);
        }
        self.delivered.duplicates += 1;
        if again {
            self.delivered.redelivered += 1;
        } else {
            let delivered = &mut self.delivered;
            if !delivered.copied.insert(header.index) && delivered.copied_again.len() < FURTHER_COPIES_MAX {
                delivered.copied_again.push(header.index);
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
        let sets = self.delivered.seen.memory() + self.delivered.copied.memory();
        sets + keys + window + self.delivered.copied_again.capacity() * size_of::<u64>()
    }

    /// The run's records that it has seen so far.
    pub const fn seen(&self) -> &RecordSet {
        &self.delivered.seen
    }

    /// What it has read in the end.
    pub fn finish(self) -> Delivered {
        self.delivered
    }

    fn check_order(&mut self, index: u64, again: bool, record: &ReadRecord<'_>) {
        let full = self.keys.len() >= KEYS_MAX;
        let Some(highest) = self.keys.get_mut(&record.key_hash) else {
            if full {
                self.delivered.order_unchecked += 1;
            } else {
                self.keys.insert(record.key_hash, index);
            }
            return;
        };
        if index >= *highest {
            *highest = index;
        } else if again {
            // It was stored before what was read before it.
            self.delivered.delivered_out_of_order += 1;
            self.note(DeliveryFault::DeliveredOutOfOrder, Some(index), record);
        } else {
            self.delivered.written_out_of_order += 1;
            self.note(DeliveryFault::WrittenOutOfOrder, Some(index), record);
        }
    }

    fn note(&mut self, fault: DeliveryFault, index: Option<u64>, record: &ReadRecord<'_>) {
        let places = &mut self.delivered.places;
        if places.iter().filter(|place| place.fault == fault).count() < PLACES_MAX {
            places.push(FaultPlace {
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
    /// Takes in a record; whether it comes again and is no longer known.
    fn take(&mut self, index: u64, seen_before: bool) -> bool {
        if self.known.contains(&index) {
            return false;
        }
        if self.recent.len() >= self.size
            && let Some(forgotten) = self.recent.pop_front()
        {
            self.known.remove(&forgotten);
        }
        self.recent.push_back(index);
        self.known.insert(index);
        seen_before
    }
}
