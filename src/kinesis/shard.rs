//! One shard: its write and read quota and the records it holds.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use super::api::{Position, ReadRecord, ShardId};
use super::hash_key::HashKeyRange;
use super::latency::LatencyModel;
use super::profile::Profile;
use super::quota::{ReadQuota, Throttled, WriteQuota};
use super::sequence::SequenceNumber;
use crate::time::Time;

/// One shard of a stream.
///
/// A record is addressed by its offset: how many records the shard had stored before it.
#[derive(Debug)]
pub(super) struct Shard {
    pub id: ShardId,
    pub range: HashKeyRange,
    created_seconds: u64,
    /// Unix time of [`Time::ZERO`].
    epoch: Duration,
    write: WriteQuota,
    pub read: ReadQuota,
    records: VecDeque<StoredRecord>,
    /// Offset of the oldest record still held: the trim horizon.
    first: u64,
    stored_bytes: u64,
    last_visible: Time,
    readers: BTreeMap<u64, Reader>,
}

#[derive(Debug)]
struct StoredRecord {
    arrival: Time,
    /// From when on consumers can see it.
    visible: Time,
    partition_key: Bytes,
    data: Bytes,
}

/// A chain of iterators: what was read before `offset` will not be asked for again by it.
#[derive(Debug, Clone, Copy)]
struct Reader {
    offset: u64,
    used: Time,
}

/// Records from one place of a shard on.
#[derive(Debug)]
pub(super) struct Slice {
    pub records: Vec<ReadRecord>,
    /// Offset of the record after the last one returned.
    pub next: u64,
    pub bytes: u64,
    pub millis_behind_latest: u64,
}

impl Shard {
    pub fn new(id: ShardId, range: HashKeyRange, now: Time, epoch: Duration, profile: &Profile) -> Self {
        Self {
            id,
            range,
            created_seconds: unix_seconds(epoch, now),
            epoch,
            write: WriteQuota::new(&profile.write),
            read: ReadQuota::new(&profile.read),
            records: VecDeque::new(),
            first: 0,
            stored_bytes: 0,
            last_visible: Time::ZERO,
            readers: BTreeMap::new(),
        }
    }

    /// Takes a record if the write quota allows it.
    pub fn admit(
        &mut self,
        now: Time,
        partition_key: Bytes,
        data: Bytes,
        latency: &LatencyModel,
    ) -> Result<SequenceNumber, Throttled> {
        let bytes = (partition_key.len() + data.len()) as u64;
        self.write.admit(now, bytes)?;
        // Records become visible in the order of their sequence numbers.
        let visible = latency.visible(now, self.id.0).max(self.last_visible);
        self.last_visible = visible;
        self.records.push_back(StoredRecord { arrival: now, visible, partition_key, data });
        self.stored_bytes += bytes;
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
        let mut slice = Slice { records: Vec::new(), next: offset.max(self.first), bytes: 0, millis_behind_latest: 0 };
        while let Some(record) = self.record(slice.next).filter(|record| record.visible <= now) {
            let full = slice.records.len() >= limit || slice.bytes + record.bytes() > max_bytes;
            if full && !slice.records.is_empty() {
                slice.millis_behind_latest = now.since(record.arrival).as_millis() as u64;
                break;
            }
            slice.bytes += record.bytes();
            slice.records.push(ReadRecord {
                sequence_number: self.sequence_number(slice.next, record.arrival),
                arrival: record.arrival,
                data: record.data.clone(),
                partition_key: record.partition_key.clone(),
                encrypted: false,
            });
            slice.next += 1;
        }
        slice
    }

    /// When the record at `offset` becomes visible; `None` if it is not stored yet.
    pub fn visible_from(&self, offset: u64) -> Option<Time> {
        self.record(offset.max(self.first)).map(|record| record.visible)
    }

    /// Notes that the iterator chain `reader` has read everything before `offset`.
    pub fn note_reader(&mut self, now: Time, reader: u64, offset: u64) {
        self.readers.insert(reader, Reader { offset, used: now });
    }

    /// Drops records older than `retention`.
    pub fn trim_expired(&mut self, now: Time, retention: Duration) {
        while self.records.front().is_some_and(|record| now.since(record.arrival) >= retention) {
            self.pop();
        }
    }

    /// Drops what every live reader, and the registered consumers as given by `consumers`, have read. Returns how many.
    pub fn trim_read(&mut self, now: Time, iterator_life: Duration, consumers: Option<u64>) -> u64 {
        self.readers.retain(|_, reader| now.since(reader.used) < iterator_life);
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

    pub const fn stored_bytes(&self) -> u64 {
        self.stored_bytes
    }

    pub fn starting_sequence_number(&self) -> SequenceNumber {
        SequenceNumber { shard_created: self.created_seconds, index: 0, arrived: self.created_seconds, shard: self.id }
    }

    /// The number to continue from after everything before `offset`.
    pub fn continuation(&self, offset: u64) -> SequenceNumber {
        let arrival = offset.checked_sub(1).and_then(|last| self.record(last)).map(|record| record.arrival);
        match arrival {
            Some(arrival) => self.sequence_number(offset - 1, arrival),
            None => SequenceNumber { index: offset, ..self.starting_sequence_number() },
        }
    }

    fn pop(&mut self) {
        if let Some(record) = self.records.pop_front() {
            self.stored_bytes -= record.bytes();
            self.first += 1;
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
            arrived: unix_seconds(self.epoch, arrival),
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
    fn bytes(&self) -> u64 {
        (self.partition_key.len() + self.data.len()) as u64
    }
}

fn unix_seconds(epoch: Duration, now: Time) -> u64 {
    (epoch + now.since(Time::ZERO)).as_secs()
}
