//! One stream: its shards, its registered consumers and its state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::api::*;
use super::change::Pending;
use super::damage::Damage;
use super::hash_key::{HashKey, HashKeyRange, locate};
use super::latency::LatencyModel;
use super::metrics::StreamMetrics;
use super::profile::{Profile, WriteLimits};
use super::quota::TokenBucket;
use super::registered::RegisteredConsumer;
use super::scaling::Scaling;
use super::sequence::SequenceNumber;
use super::shard::{Origin, Shard};
use crate::time::Time;

/// One stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub name: String,
    pub mode: StreamMode,
    pub created: Time,
    active: Time,
    pub gone: Option<Time>,
    /// By id: every shard that ever was.
    pub shards: Vec<Shard>,
    /// The ranges of the open shards in hash key order, and their ids.
    ranges: Vec<HashKeyRange>,
    open: Vec<ShardId>,
    pub consumers: BTreeMap<String, RegisteredConsumer>,
    pub retention: Duration,
    pub encryption: Encryption,
    pub monitoring: BTreeSet<ShardMetric>,
    pub tags: Tags,
    pub policy: Option<String>,
    pub max_record_kib: u32,
    pub distribution: Distribution,
    /// Counts records; under AUTO distribution the open shards take turns.
    next_auto: usize,
    pub pending: Option<Pending>,
    pub scaling: Scaling,
    /// When what happened that may happen only so often a day.
    pub history: BTreeMap<Operation, Vec<Time>>,
    /// Calls of the control plane that are limited per stream.
    pub rates: BTreeMap<Operation, TokenBucket>,
    pub metrics: StreamMetrics,
    stored_bytes: u64,
    /// No record that is held arrived before.
    oldest: Time,
    rules: Rules,
}

/// What every shard of a stream is made with.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// Unix time of [`Time::ZERO`].
    pub epoch: Duration,
    pub profile: Arc<Profile>,
    /// The write quota; `None` if writes are not limited.
    pub write: Option<WriteLimits>,
}

impl Stream {
    pub fn new(request: &CreateStream, shards: u32, now: Time, active: Time, rules: Rules) -> Self {
        let profile = Arc::clone(&rules.profile);
        let mut stream = Self {
            name: request.stream.clone(),
            mode: request.mode,
            created: now,
            active,
            gone: None,
            shards: Vec::new(),
            ranges: Vec::new(),
            open: Vec::new(),
            consumers: BTreeMap::new(),
            retention: Duration::from_secs(u64::from(profile.stream.retention_hours) * 3600),
            encryption: Encryption::None,
            monitoring: BTreeSet::new(),
            tags: request.tags.clone(),
            policy: None,
            max_record_kib: request
                .max_record_kib
                .unwrap_or_else(|| u32::try_from(profile.request.record_bytes >> 10).unwrap_or(u32::MAX)),
            distribution: request.distribution,
            next_auto: 0,
            pending: None,
            scaling: Scaling::new(now, request.warm_throughput),
            history: BTreeMap::new(),
            rates: BTreeMap::new(),
            metrics: StreamMetrics::default(),
            stored_bytes: 0,
            oldest: Time::NEVER,
            rules,
        };
        for range in HashKeyRange::initial(shards) {
            stream.add_shard(range, Vec::new(), now);
        }
        stream.index_open();
        stream
    }

    /// The state now; `None` once the stream is gone.
    pub fn status(&self, now: Time) -> Option<Status> {
        match self.gone {
            Some(gone) if now >= gone => None,
            Some(_) => Some(Status::Deleting),
            None if now < self.active => Some(Status::Creating),
            None if self.pending.is_some() => Some(Status::Updating),
            None => Some(Status::Active),
        }
    }

    pub fn delete(&mut self, gone: Time) {
        self.gone.get_or_insert(gone);
    }

    /// Puts one record where its key belongs. The error is the shard that has no room.
    pub fn put(&mut self, now: Time, entry: &PutEntry, latency: &mut LatencyModel) -> Result<PutReceipt, ShardId> {
        let id = self.peek_destination(entry, 0);
        self.pass_turn();
        let encrypted = self.encryption != Encryption::None;
        let Some(shard) = self.shards.get_mut(id.0 as usize) else { return Err(id) };
        let before = shard.stored_bytes();
        let sequence_number = shard.admit(now, entry, encrypted, latency).map_err(|_| id)?;
        self.stored_bytes += shard.stored_bytes() - before;
        self.oldest = self.oldest.min(now);
        Ok(PutReceipt { shard: id, sequence_number })
    }

    /// Damages the record that `shard` stored last. Gives the number that it is found under, if anything could be done.
    pub fn damage_last(&mut self, now: Time, shard: ShardId, damage: Damage) -> Option<SequenceNumber> {
        let shard = self.shards.get_mut(shard.0 as usize)?;
        let before = shard.stored_bytes();
        let number = shard.damage_last(now, damage);
        self.stored_bytes += shard.stored_bytes() - before;
        number
    }

    /// Counts a record that is not stored: the next one goes to the next shard all the same.
    pub fn pass_turn(&mut self) {
        self.next_auto = self.next_auto.wrapping_add(1);
    }

    /// The open shard that would take the record if `ahead` others come before it.
    pub fn peek_destination(&self, entry: &PutEntry, ahead: usize) -> ShardId {
        let place = match self.distribution {
            Distribution::Auto => self.next_auto.wrapping_add(ahead) % self.open.len().max(1),
            Distribution::UserPartitionKey => {
                let key = entry.explicit_hash_key.unwrap_or_else(|| HashKey::of_bytes(&entry.partition_key));
                locate(&self.ranges, key)
            }
        };
        self.open.get(place).copied().unwrap_or(ShardId(0))
    }

    pub fn shard(&self, id: ShardId) -> Option<&Shard> {
        self.shards.get(id.0 as usize)
    }

    pub fn shard_mut(&mut self, id: ShardId) -> Option<&mut Shard> {
        self.shards.get_mut(id.0 as usize)
    }

    /// The open shards in hash key order.
    pub fn open_shards(&self) -> &[ShardId] {
        &self.open
    }

    pub fn open_count(&self) -> u32 {
        u32::try_from(self.open.len()).unwrap_or(u32::MAX)
    }

    /// Those that follow a closed shard.
    pub fn children(&self, parent: ShardId) -> Vec<ChildShard> {
        let children = self.shards.iter().filter(|shard| shard.parents.contains(&parent));
        children
            .map(|shard| ChildShard { shard: shard.id, parents: shard.parents.clone(), range: shard.range })
            .collect()
    }

    /// The moment before which records have expired; the creation of the stream at the earliest.
    pub fn trim_horizon(&self, now: Time) -> Time {
        let age = now.since(self.created);
        self.created + age.saturating_sub(self.retention)
    }

    /// Memory that the records take, in bytes.
    pub const fn stored_bytes(&self) -> u64 {
        self.stored_bytes
    }

    /// Drops records older than the retention.
    pub fn trim_expired(&mut self, now: Time) {
        // Every data call comes by here, and hardly one of them finds anything.
        if now.since(self.oldest) < self.retention {
            return;
        }
        self.oldest = Time::NEVER;
        for shard in &mut self.shards {
            self.stored_bytes -= shard.trim_expired(now, self.retention);
            self.oldest = self.oldest.min(shard.oldest());
        }
    }

    /// Drops what every known reader has read. Returns how many records.
    pub fn trim_read(&mut self, now: Time, iterator_life: Duration) -> u64 {
        let mut trimmed = 0;
        for shard in &mut self.shards {
            // A registered consumer that has not subscribed to the shard yet has read nothing of it.
            let read = |consumer: &RegisteredConsumer| consumer.shards.get(&shard.id).map_or(0, |p| p.read);
            let consumers = self.consumers.values().map(read).min();
            let before = shard.stored_bytes();
            trimmed += shard.trim_read(now, iterator_life, consumers);
            self.stored_bytes -= before - shard.stored_bytes();
        }
        trimmed
    }

    /// Drops the oldest records of the fullest shard until the stream holds `goal` bytes, or half of that shard is gone.
    /// Returns how many records.
    pub fn trim_fullest(&mut self, goal: u64) -> u64 {
        let mut trimmed = 0;
        let Some(fullest) = self.shards.iter_mut().max_by_key(|shard| shard.stored_bytes()) else { return 0 };
        let half = fullest.stored_bytes() / 2;
        while self.stored_bytes > goal && fullest.stored_bytes() > half {
            let before = fullest.stored_bytes();
            if !fullest.trim_oldest() {
                break;
            }
            trimmed += 1;
            self.stored_bytes -= before - fullest.stored_bytes();
        }
        trimmed
    }

    /// Opens a shard.
    pub fn add_shard(&mut self, range: HashKeyRange, parents: Vec<ShardId>, now: Time) -> ShardId {
        let id = ShardId(u32::try_from(self.shards.len()).unwrap_or(u32::MAX));
        let origin = Origin { id, range, parents, created: now };
        self.shards.push(Shard::new(origin, self.rules.epoch, self.rules.write.as_ref(), &self.rules.profile));
        id
    }

    /// Finds the open shards anew, after some were opened or closed.
    pub fn index_open(&mut self) {
        let mut open: Vec<(HashKeyRange, ShardId)> =
            self.shards.iter().filter(|shard| shard.is_open()).map(|shard| (shard.range, shard.id)).collect();
        open.sort_by_key(|(range, _)| range.start);
        (self.ranges, self.open) = open.into_iter().unzip();
    }

    pub const fn profile(&self) -> &Arc<Profile> {
        &self.rules.profile
    }
}
