//! One shard: its quotas and the records it holds.

mod damage;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use super::api::{Position, PutEntry, ReadRecord, ShardId};
use super::hash_key::HashKeyRange;
use super::latency::{LatencyModel, Propagation};
use super::meter::Meter;
use super::profile::{Profile, WriteLimits};
use super::quota::{ReadQuota, Throttled, TokenBucket, WriteQuota};
use super::sequence::SequenceNumber;
use super::slab::Slab;
use crate::time::Time;

/// One shard of a stream.
///
/// A record is addressed by its offset: how many records the shard had stored before it.
#[derive(Debug)]
pub(super) struct Shard {
    pub id: ShardId,
    pub range: HashKeyRange,
    /// One after a split, two after a merge.
    pub parents: Vec<ShardId>,
    pub created: Time,
    /// When a split or merge ended it.
    pub closed: Option<Time>,
    created_seconds: u64,
    /// Unix time of [`Time::ZERO`].
    epoch: Duration,
    write: Option<WriteQuota>,
    pub read: ReadQuota,
    pub iterators: TokenBucket,
    pub meter: Meter,
    records: VecDeque<StoredRecord>,
    slab: Slab,
    /// Offset of the oldest record still held: the trim horizon.
    first: u64,
    stored_bytes: u64,
    last_visible: Time,
    propagation: Propagation,
    readers: BTreeMap<u64, Reader>,
}

/// A record at rest. Partition key and data lie one after the other in a slab of the shard, so that the memory of a request
/// is free as soon as the request is.
#[derive(Debug)]
struct StoredRecord {
    arrival: Time,
    /// From when on consumers can see it.
    visible: Time,
    bytes: Bytes,
    key_length: u16,
    encrypted: bool,
    padding: u32,
    condition: Condition,
}

/// What a fault has done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Condition {
    #[default]
    Whole,
    /// It is not given to anybody.
    Lost,
    /// Its data are others, or another record's.
    Damaged,
}

/// About what a stored record costs beside its key and data: its place in the queue, which grows by doubling.
const RECORD_OVERHEAD: u64 = 2 * size_of::<StoredRecord>() as u64;

/// A queue of no more records keeps its memory when it empties.
const SMALL_QUEUE: usize = 1024;

/// How many chains of iterators a shard remembers before it looks for expired ones.
const READERS_BEFORE_CLEANING: usize = 64;

/// A chain of iterators: what was read before `offset` will not be asked for again by it.
#[derive(Debug, Clone, Copy)]
struct Reader {
    offset: u64,
    used: Time,
}

/// Where a shard comes from.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub id: ShardId,
    pub range: HashKeyRange,
    pub parents: Vec<ShardId>,
    pub created: Time,
}

/// Records from one place of a shard on.
#[derive(Debug)]
pub(super) struct Slice {
    pub records: Vec<ReadRecord>,
    /// Offset of the record after the last one returned.
    pub next: u64,
    pub bytes: u64,
    pub millis_behind_latest: u64,
    /// The shard is closed and all of it was read.
    pub at_end: bool,
}

impl Shard {
    pub fn new(origin: Origin, epoch: Duration, write: Option<&WriteLimits>, profile: &Profile) -> Self {
        // The first second of a child is the one after the last of its parents (section 2.3).
        let after_parents = u64::from(!origin.parents.is_empty());
        Self {
            id: origin.id,
            range: origin.range,
            created_seconds: unix_seconds(epoch, origin.created) + after_parents,
            parents: origin.parents,
            created: origin.created,
            closed: None,
            epoch,
            write: write.map(|limits| WriteQuota::starting(limits, origin.created)),
            read: ReadQuota::new(&profile.read),
            iterators: TokenBucket::new(profile.read.iterators_per_second, profile.read.iterators_per_second),
            meter: Meter::new(&profile.write),
            records: VecDeque::new(),
            slab: Slab::default(),
            first: 0,
            stored_bytes: 0,
            last_visible: Time::ZERO,
            propagation: Propagation::default(),
            readers: BTreeMap::new(),
        }
    }

    pub const fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// Takes a record if the write quota allows it.
    pub fn admit(
        &mut self,
        now: Time,
        entry: &PutEntry,
        encrypted: bool,
        latency: &mut LatencyModel,
    ) -> Result<SequenceNumber, Throttled> {
        let bytes = entry.bytes();
        if let Some(write) = &mut self.write {
            write.admit(now, bytes)?;
        }
        self.meter.count(now, bytes);
        // Records become visible in the order of their sequence numbers.
        let delay = latency.propagation(now, self.id.0, self.meter.utilisation(), &mut self.propagation);
        let visible = (now + delay).max(self.last_visible);
        self.last_visible = visible;
        let bytes_at_rest = self.slab.store(&entry.partition_key, &entry.data, self.stored_bytes);
        // The API allows 256 characters, at most 1,024 bytes.
        let key_length = u16::try_from(entry.partition_key.len()).unwrap_or(u16::MAX);
        self.records.push_back(StoredRecord {
            arrival: now,
            visible,
            bytes: bytes_at_rest,
            key_length,
            encrypted,
            padding: entry.padding,
            condition: Condition::Whole,
        });
        self.stored_bytes += bytes + RECORD_OVERHEAD;
        Ok(self.sequence_number(self.end() - 1, now))
    }

    /// Where reading from `position` starts, or why it cannot.
    pub fn resolve(&self, position: Position) -> Result<u64, String> {
        match position {
            Position::TrimHorizon => Ok(self.first),
            Position::Latest => Ok(self.end()),
            Position::AtTimestamp(at) => {
                Ok(self.first + self.records.partition_point(|record| record.arrival < at) as u64)
            }
            // The record at offset k has index k + 1; index 0 is the start of the shard, before its first record.
            Position::AtSequenceNumber(number) => {
                self.check(number).map(|()| self.held(number.index.saturating_sub(1)))
            }
            Position::AfterSequenceNumber(number) => self.check(number).map(|()| self.held(number.index)),
        }
    }

    /// The visible records from `offset` on, at most `limit` records and `max_bytes` bytes, but at least one if there is any.
    pub fn slice(&self, now: Time, offset: u64, limit: usize, max_bytes: u64) -> Slice {
        let next = offset.max(self.first);
        let mut slice = Slice { records: Vec::new(), next, bytes: 0, millis_behind_latest: 0, at_end: false };
        while let Some(record) = self.record(slice.next).filter(|record| record.visible <= now) {
            if record.condition == Condition::Lost {
                slice.next += 1;
                continue;
            }
            let full = slice.records.len() >= limit || slice.bytes + record.size() > max_bytes;
            if full && !slice.records.is_empty() {
                slice.millis_behind_latest = now.since(record.arrival).as_millis() as u64;
                break;
            }
            slice.bytes += record.size();
            let key_length = usize::from(record.key_length);
            slice.records.push(ReadRecord {
                sequence_number: self.sequence_number(slice.next, record.arrival),
                arrival: record.arrival,
                data: record.bytes.slice(key_length..),
                padding: record.padding,
                partition_key: record.bytes.slice(..key_length),
                encrypted: record.encrypted,
            });
            slice.next += 1;
        }
        slice.at_end = self.closed.is_some() && slice.next >= self.end();
        slice
    }

    /// When the record at `offset` becomes visible; `None` if it is not stored yet.
    pub fn visible_from(&self, offset: u64) -> Option<Time> {
        self.record(offset.max(self.first)).map(|record| record.visible)
    }

    /// Notes that the iterator chain `reader` has read everything before `offset`.
    pub fn note_reader(&mut self, now: Time, reader: u64, offset: u64, iterator_life: Duration) {
        if self.readers.len() >= READERS_BEFORE_CLEANING {
            self.forget_readers(now, iterator_life);
        }
        self.readers.insert(reader, Reader { offset, used: now });
    }

    /// Drops records older than `retention`. Returns the bytes set free.
    pub fn trim_expired(&mut self, now: Time, retention: Duration) -> u64 {
        let before = self.stored_bytes;
        while self.records.front().is_some_and(|record| now.since(record.arrival) >= retention) {
            self.pop();
        }
        before - self.stored_bytes
    }

    /// When the oldest record arrived; [`Time::NEVER`] if there is none.
    pub fn oldest(&self) -> Time {
        self.records.front().map_or(Time::NEVER, |record| record.arrival)
    }

    /// Drops what every live reader, and the registered consumers as given by `consumers`, have read. Returns how many.
    pub fn trim_read(&mut self, now: Time, iterator_life: Duration, consumers: Option<u64>) -> u64 {
        self.forget_readers(now, iterator_life);
        let readers = self.readers.values().map(|reader| reader.offset);
        let Some(horizon) = readers.chain(consumers).min() else { return 0 };
        let before = self.first;
        while self.first < horizon.min(self.end()) {
            self.pop();
        }
        self.first - before
    }

    /// Drops the oldest record. Returns whether there was one.
    pub fn trim_oldest(&mut self) -> bool {
        let any = !self.records.is_empty();
        self.pop();
        any
    }

    /// Memory that the records take, in bytes.
    pub const fn stored_bytes(&self) -> u64 {
        self.stored_bytes
    }

    pub fn starting_sequence_number(&self) -> SequenceNumber {
        SequenceNumber { shard_created: self.created_seconds, index: 0, arrived: self.created_seconds, shard: self.id }
    }

    /// The last number that the shard could have given; only a closed shard has one.
    pub fn ending_sequence_number(&self) -> Option<SequenceNumber> {
        let arrived = unix_seconds(self.epoch, self.closed?);
        Some(SequenceNumber { index: i64::MAX as u64, arrived, ..self.starting_sequence_number() })
    }

    /// The number to continue from after everything before `offset`.
    pub fn continuation(&self, offset: u64) -> SequenceNumber {
        let arrival = offset.checked_sub(1).and_then(|last| self.record(last)).map(|record| record.arrival);
        match arrival {
            Some(arrival) => self.sequence_number(offset - 1, arrival),
            None => SequenceNumber { index: offset, ..self.starting_sequence_number() },
        }
    }

    fn forget_readers(&mut self, now: Time, iterator_life: Duration) {
        self.readers.retain(|_, reader| now.since(reader.used) < iterator_life);
    }

    fn pop(&mut self) {
        if let Some(record) = self.records.pop_front() {
            self.stored_bytes -= record.size() + RECORD_OVERHEAD;
            self.first += 1;
        }
        // The memory of records that are gone is for those of other shards.
        if self.records.capacity() > SMALL_QUEUE && self.records.len() < self.records.capacity() / 8 {
            self.records.shrink_to(self.records.len() * 2);
        }
        if self.records.is_empty() {
            self.slab = Slab::default();
        }
    }

    fn record(&self, offset: u64) -> Option<&StoredRecord> {
        self.records.get(usize::try_from(offset.checked_sub(self.first)?).ok()?)
    }

    /// Offset of the next record to be stored.
    fn end(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    fn sequence_number(&self, offset: u64, arrival: Time) -> SequenceNumber {
        SequenceNumber {
            shard_created: self.created_seconds,
            index: offset + 1,
            // A child begins one second after its parents ended; until then its records carry its first second.
            arrived: unix_seconds(self.epoch, arrival).max(self.created_seconds),
            shard: self.id,
        }
    }

    fn check(&self, number: SequenceNumber) -> Result<(), String> {
        if number.shard == self.id {
            return Ok(());
        }
        Err(format!(
            "Invalid StartingSequenceNumber. It encodes {}, while it was used in a call to a shard with {}",
            number.shard, self.id
        ))
    }

    /// The offset, or the nearest one that is not trimmed and not in the future.
    fn held(&self, offset: u64) -> u64 {
        offset.clamp(self.first, self.end())
    }
}

impl StoredRecord {
    /// What quotas count: data and partition key.
    fn size(&self) -> u64 {
        self.bytes.len() as u64 + u64::from(self.padding)
    }
}

fn unix_seconds(epoch: Duration, now: Time) -> u64 {
    (epoch + now.since(Time::ZERO)).as_secs()
}
