//! Registered consumers, and what each has got of the shards (fact sheet, section 1.4).

use std::collections::BTreeMap;

use super::api::*;
use super::profile::FanOutLimits;
use super::quota::TokenBucket;
use crate::time::Time;

/// A registered consumer of a stream.
#[derive(Debug)]
pub(super) struct RegisteredConsumer {
    pub created: Time,
    /// From when on it is ACTIVE.
    active: Time,
    /// From when on it is no more, if it is being deleted.
    gone: Option<Time>,
    /// Where each shard's subscription stands, also after it ended.
    pub shards: BTreeMap<ShardId, ShardProgress>,
    pub tags: Tags,
    pub policy: Option<String>,
}

/// What a consumer has got of one shard.
#[derive(Debug)]
pub(super) struct ShardProgress {
    /// When the last successful SubscribeToShard was answered; `None` if there was none yet.
    pub subscribed: Option<Time>,
    /// The subscription it opened; an older one has been taken over.
    pub current: Option<SubscriptionId>,
    /// Everything before this offset was pushed at least one event ago.
    pub read: u64,
    /// Calls of SubscribeToShard.
    pub calls: TokenBucket,
    /// Its own read capacity: 2 MiB/s per consumer and shard, with the debt rule of shared reads.
    pub bytes: TokenBucket,
}

impl ShardProgress {
    pub fn new(limits: &FanOutLimits) -> Self {
        let (rate, calls) = (limits.bytes_per_second, limits.subscribe_per_second);
        Self {
            subscribed: None,
            current: None,
            read: 0,
            calls: TokenBucket::new(calls, calls),
            bytes: TokenBucket::new(rate, rate),
        }
    }
}

impl RegisteredConsumer {
    pub const fn new(now: Time, active: Time, tags: Tags) -> Self {
        Self { created: now, active, gone: None, shards: BTreeMap::new(), tags, policy: None }
    }

    /// The state now; `None` once it is gone.
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
}
