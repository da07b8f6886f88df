//! One stream: its shards, its registered consumers and its state.

use std::collections::BTreeMap;
use std::time::Duration;

use super::api::{ErrorKind, PutEntry, PutReceipt, ServiceError, ShardId, Status, StreamMode};
use super::fanout::RegisteredConsumer;
use super::hash_key::{HashKey, HashKeyRange, locate};
use super::latency::LatencyModel;
use super::profile::Profile;
use super::shard::Shard;
use crate::time::Time;

/// One stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub name: String,
    pub mode: StreamMode,
    pub created: Time,
    active: Time,
    gone: Option<Time>,
    /// In hash key order; shard i has id i.
    pub shards: Vec<Shard>,
    ranges: Vec<HashKeyRange>,
    pub consumers: BTreeMap<String, RegisteredConsumer>,
    pub retention: Duration,
}

/// When a stream changes state.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lifetime {
    pub created: Time,
    pub active: Time,
}

impl Stream {
    pub fn new(
        name: String,
        mode: StreamMode,
        shards: u32,
        life: Lifetime,
        epoch: Duration,
        profile: &Profile,
    ) -> Self {
        let ranges = HashKeyRange::initial(shards);
        let shards = ranges
            .iter()
            .zip(0u32..)
            .map(|(range, id)| Shard::new(ShardId(id), *range, life.created, epoch, profile))
            .collect();
        Self {
            name,
            mode,
            created: life.created,
            active: life.active,
            gone: None,
            shards,
            ranges,
            consumers: BTreeMap::new(),
            retention: Duration::from_secs(u64::from(profile.stream.retention_hours) * 3600),
        }
    }

    /// The state now; `None` once the stream is gone.
    pub fn status(&self, now: Time) -> Option<Status> {
        match self.gone {
            Some(gone) if now >= gone => None,
            Some(_) => Some(Status::Deleting),
            None if now < self.active => Some(Status::Creating),
            None => Some(Status::Active),
        }
    }

    pub fn delete(&mut self, gone: Time) {
        self.gone.get_or_insert(gone);
    }

    /// Puts one record where its key belongs.
    pub fn put(
        &mut self,
        now: Time,
        entry: PutEntry,
        latency: &LatencyModel,
        account: &str,
    ) -> Result<PutReceipt, ServiceError> {
        let key = entry.explicit_hash_key.unwrap_or_else(|| HashKey::of_bytes(&entry.partition_key));
        let shard = &mut self.shards[locate(&self.ranges, key)];
        match shard.admit(now, entry.partition_key, entry.data, latency) {
            Ok(sequence_number) => Ok(PutReceipt { shard: shard.id, sequence_number }),
            Err(_) => Err(rate_exceeded(shard.id, &self.name, account)),
        }
    }

    pub fn shard(&self, id: ShardId) -> Option<&Shard> {
        self.shards.get(id.0 as usize)
    }

    pub fn shard_mut(&mut self, id: ShardId) -> Option<&mut Shard> {
        self.shards.get_mut(id.0 as usize)
    }

    pub fn stored_bytes(&self) -> u64 {
        self.shards.iter().map(Shard::stored_bytes).sum()
    }

    pub fn trim_expired(&mut self, now: Time) {
        for shard in &mut self.shards {
            shard.trim_expired(now, self.retention);
        }
    }

    /// Drops what every known reader has read. Returns how many records.
    pub fn trim_read(&mut self, now: Time, iterator_life: Duration) -> u64 {
        let mut trimmed = 0;
        for shard in &mut self.shards {
            // A registered consumer that has not subscribed to the shard yet has read nothing of it.
            let read = |consumer: &RegisteredConsumer| consumer.shards.get(&shard.id).map_or(0, |p| p.read);
            let consumers = self.consumers.values().map(read).min();
            trimmed += shard.trim_read(now, iterator_life, consumers);
        }
        trimmed
    }
}

pub(super) fn rate_exceeded(shard: ShardId, stream: &str, account: &str) -> ServiceError {
    ServiceError::new(
        ErrorKind::ProvisionedThroughputExceeded,
        format!("Rate exceeded for shard {shard} in stream {stream} under account {account}."),
    )
}
