//! When records go out, and in which company.

use smallvec::smallvec;

use super::Producer;
use super::aggregate::Full;
use super::record::{Call, CallId, Entry, Outcome, Reason};
use super::unit::{Slot, Unit};
use crate::client::aggregation;
use crate::kinesis::HashKey;
use crate::time::Time;
use crate::workload::Data;

/// Partition key of aggregates, whose place is given by their explicit hash key, as the KPL has it.
const AGGREGATE_KEY: &str = "a";

impl Producer {
    /// The next call to make now.
    pub fn poll_call(&mut self, now: Time) -> Option<Call> {
        self.abandon_expired(now);
        if self.in_flight.len() >= self.settings.max_in_flight || self.due() > now {
            return None;
        }
        let most = self.ready.len().min(self.batch_records());
        let (mut entries, mut units, mut bytes) = (Vec::with_capacity(most), Vec::with_capacity(most), 0);
        while let Some(unit) = self.ready.front() {
            let full = units.len() >= self.batch_records() || bytes + unit.bytes > self.settings.batch_bytes.0;
            if full && !units.is_empty() {
                break;
            }
            let Some(unit) = self.ready.pop_front() else { break };
            bytes += unit.bytes;
            let first = unit.slots.first().is_some_and(|number| self.slots[*number].attempts == 0);
            self.first_attempts += u64::from(first);
            entries.push(self.entry(&unit));
            self.under_way += unit.slots.len() as u64;
            units.push(unit);
        }
        self.ready_bytes -= bytes;
        let id = CallId(self.next_call);
        self.next_call += 1;
        self.in_flight.insert(id, units);
        Some(Call { id, entries })
    }

    /// By how many bytes at most a record of `key` and `data` bytes, perhaps with an explicit hash key, makes grow what is ready or being
    /// put together.
    pub fn growth(&self, key: usize, explicit_hash_key: bool, data: usize) -> u64 {
        self.aggregates.growth(key, explicit_hash_key, data)
    }

    /// Until when it makes no difference whether the next records, of which `count` are known, are taken up: each call goes out
    /// when it would if they were taken up when they are due. `None` if none is known. It may be too early, and never is too late.
    ///
    /// `upcoming` gives when a record is due, and the sum of [`Self::growth`] over it and all before it, from any record on;
    /// `before` is that sum before the first one.
    pub fn indifferent_until(
        &self,
        count: usize,
        before: u64,
        upcoming: impl Fn(usize) -> (Time, u64),
    ) -> Option<Time> {
        let settings = &self.settings;
        let last = count.checked_sub(1)?;
        let (first_due, _) = upcoming(0);
        if settings.time_to_live.is_some() {
            // What is given up when depends on every moment.
            return Some(first_due);
        }
        let mut until = last;
        let room = self.in_flight.len() < settings.max_in_flight;
        if room {
            // The first record that may fill a batch.
            let records = self.batch_records().saturating_sub(self.ready.len());
            let by_records = records.div_ceil(self.aggregates.units_per_record()).saturating_sub(1);
            let room = settings.batch_bytes.0.saturating_sub(self.ready_bytes + self.aggregates.bytes());
            let (mut from, mut to) = (0, last.min(by_records));
            while from < to {
                let middle = (from + to) / 2;
                if upcoming(middle).1 - before < room { from = middle + 1 } else { to = middle }
            }
            until = to;
        }
        let due = upcoming(until).0;
        // Even without room for a call, an aggregate is closed when it has lingered.
        let lingers = room || settings.aggregation.is_some();
        Some(if lingers { due.min(first_due + settings.linger) } else { due })
    }

    /// Records and bytes that make a batch full.
    pub fn largest_batch(&self) -> (usize, u64) {
        (self.batch_records(), self.settings.batch_bytes.0)
    }

    pub(super) fn batch_records(&self) -> usize {
        if self.settings.single { 1 } else { self.settings.batch_records }
    }

    /// When the next batch goes out: at once if it is full, else when its oldest record has lingered.
    pub(super) fn due(&self) -> Time {
        let Some(oldest) = self.ready.front() else { return Time::NEVER };
        let full = self.ready.len() >= self.batch_records() || self.ready_bytes >= self.settings.batch_bytes.0;
        if full { Time::ZERO } else { oldest.deadline }
    }

    /// Puts a record where it waits for its first attempt: into an aggregate, or among what is ready.
    pub(super) fn enqueue(&mut self, now: Time, number: usize) {
        let slot = &self.slots[number];
        let deadline = now + self.settings.linger;
        let sizes = (slot.key.len(), slot.explicit_hash_key.is_some(), slot.data.len());
        let aggregable = matches!(slot.data, Data::Made(_));
        match aggregable.then(|| self.aggregates.add(slot.shard, number, sizes, deadline)).flatten() {
            Some(full) => full.into_iter().for_each(|full| self.make_aggregate_ready(full)),
            None => {
                let bytes = slot.bytes();
                self.make_ready(Unit { slots: smallvec![number], bytes, deadline, aggregate: None });
            }
        }
    }

    /// Packs an aggregate. It has lingered while it was filled; a single record goes as it is.
    pub(super) fn make_aggregate_ready(&mut self, Full { slots, deadline }: Full) {
        let unit = match slots.as_slice() {
            [one] => Unit { bytes: self.slots[*one].bytes(), slots, deadline, aggregate: None },
            many => {
                let record = |number: &usize| match &self.slots[*number] {
                    Slot { key, explicit_hash_key, data: Data::Made(data), .. } => {
                        Some((key.as_ref(), *explicit_hash_key, &data[..]))
                    }
                    Slot { data: Data::Unmade(_), .. } => None,
                };
                let data = aggregation::encode(many.iter().filter_map(record));
                let bytes = (data.len() + AGGREGATE_KEY.len()) as u64;
                Unit { slots, bytes, deadline, aggregate: Some(data) }
            }
        };
        self.make_ready(unit);
    }

    pub(super) fn make_ready(&mut self, unit: Unit) {
        self.ready_bytes += unit.bytes;
        self.ready.push_back(unit);
    }

    pub(super) fn entry(&self, unit: &Unit) -> Entry {
        let first = unit.slots.first().map(|number| &self.slots[*number]);
        let key = first.map_or_else(|| "".into(), |slot| slot.key.clone());
        match &unit.aggregate {
            None => Entry {
                explicit_hash_key: first.and_then(|slot| slot.explicit_hash_key),
                data: first.map_or(Data::EMPTY, |slot| slot.data.clone()),
                key,
            },
            Some(data) => Entry {
                explicit_hash_key: first.and_then(|slot| slot.explicit_hash_key).or_else(|| Some(HashKey::of(&key).0)),
                data: data.clone().into(),
                key: AGGREGATE_KEY.into(),
            },
        }
    }

    /// When the last of a unit's records has outlived its time; `None` if none ever does.
    pub(super) fn expiry(&self, unit: &Unit) -> Option<Time> {
        let time_to_live = self.settings.time_to_live?;
        unit.slots.iter().map(|number| self.slots[*number].intended + time_to_live).max()
    }

    /// Gives up what is ready and has outlived its time. The oldest are in front, but for retries, which come up soon.
    pub(super) fn abandon_expired(&mut self, now: Time) {
        while let Some(unit) = self.ready.front()
            && self.expiry(unit).is_some_and(|expiry| expiry <= now)
            && let Some(unit) = self.ready.pop_front()
        {
            self.ready_bytes -= unit.bytes;
            self.finish_unit(now, &unit, Outcome::Abandoned, Reason::TimeToLive);
        }
    }
}
