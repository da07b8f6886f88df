//! Aggregates that are being filled, one for each shard, as the KPL does it (fact sheet, sections 9.1 and 9.2).

use std::collections::{BTreeSet, HashMap};

use smallvec::SmallVec;

use crate::client::Aggregation;
use crate::client::aggregation;
use crate::time::Time;

/// What is put together for each shard.
#[derive(Debug)]
pub(super) struct Aggregates {
    settings: Option<Aggregation>,
    filling: HashMap<usize, Filling>,
    /// When which shard's aggregate has lingered.
    deadlines: BTreeSet<(Time, usize)>,
    /// The sum of what is being filled.
    bytes: u64,
}

#[derive(Debug)]
struct Filling {
    slots: SmallVec<[usize; 1]>,
    /// An upper bound of its size: keys that occur twice are counted twice.
    bytes: u64,
    deadline: Time,
}

/// An aggregate that is to be sent.
#[derive(Debug)]
pub(super) struct Full {
    pub slots: SmallVec<[usize; 1]>,
    pub deadline: Time,
}

impl Aggregates {
    pub fn new(settings: Option<Aggregation>) -> Self {
        Self { settings, filling: HashMap::new(), deadlines: BTreeSet::new(), bytes: 0 }
    }

    /// Adds a record with so many bytes of key, perhaps with an explicit hash key, and so many bytes of data for `shard`. Gives what is full by it, or `None` if the record goes alone.
    pub fn add(
        &mut self,
        shard: usize,
        slot: usize,
        (key, explicit, data): (usize, bool, usize),
        deadline: Time,
    ) -> Option<Vec<Full>> {
        let settings = self.settings?;
        let bytes = aggregation::record_size(key, explicit, data);
        if aggregation::OVERHEAD + bytes > settings.max_bytes.0 {
            return None;
        }
        let mut full = Vec::new();
        let fits = |filling: &Filling| {
            filling.bytes + bytes <= settings.max_bytes.0 && filling.slots.len() < settings.max_records
        };
        if self.filling.get(&shard).is_some_and(|filling| !fits(filling)) {
            full.extend(self.take(shard));
        }
        let filling = self.filling.entry(shard).or_insert_with(|| {
            self.deadlines.insert((deadline, shard));
            self.bytes += aggregation::OVERHEAD;
            Filling { slots: SmallVec::new(), bytes: aggregation::OVERHEAD, deadline }
        });
        filling.slots.push(slot);
        filling.bytes += bytes;
        self.bytes += bytes;
        if filling.slots.len() >= settings.max_records {
            full.extend(self.take(shard));
        }
        Some(full)
    }

    /// By how many bytes at most a record makes grow what is ready or being filled.
    pub fn growth(&self, key: usize, explicit: bool, data: usize) -> u64 {
        match self.settings {
            Some(_) => aggregation::OVERHEAD + aggregation::record_size(key, explicit, data),
            None => (key + data) as u64,
        }
    }

    /// How many units a record can make ready: an aggregate before it, and one of its own.
    pub const fn units_per_record(&self) -> usize {
        if self.settings.is_some() { 2 } else { 1 }
    }

    /// What is being filled, an upper bound in bytes.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// When the next aggregate has lingered.
    pub fn due(&self) -> Option<Time> {
        self.deadlines.first().map(|(due, _)| *due)
    }

    /// An aggregate that has lingered.
    pub fn pop_due(&mut self, now: Time) -> Option<Full> {
        let (_, shard) = self.deadlines.first().copied().filter(|(due, _)| *due <= now)?;
        self.take(shard)
    }

    /// All of them.
    pub fn take_all(&mut self) -> Vec<Full> {
        let shards: Vec<usize> = self.deadlines.iter().map(|(_, shard)| *shard).collect();
        shards.into_iter().filter_map(|shard| self.take(shard)).collect()
    }

    fn take(&mut self, shard: usize) -> Option<Full> {
        let filling = self.filling.remove(&shard)?;
        self.deadlines.remove(&(filling.deadline, shard));
        self.bytes -= filling.bytes;
        Some(Full { slots: filling.slots, deadline: filling.deadline })
    }
}
