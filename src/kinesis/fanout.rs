//! Enhanced fan-out: registered consumers and their subscriptions (fact sheet, section 1.4).

use std::collections::BTreeMap;

use super::api::{ShardId, SubscriptionEvent, SubscriptionId, SubscriptionPoll};
use super::profile::Profile;
use super::quota::TokenBucket;
use super::shard::Shard;
use crate::time::Time;

/// A registered consumer of a stream.
#[derive(Debug)]
pub(super) struct RegisteredConsumer {
    pub created: Time,
    /// From when on it is ACTIVE.
    pub active: Time,
    /// Where each shard's subscription stands, also after it ended.
    pub shards: BTreeMap<ShardId, ShardProgress>,
}

/// What a consumer has got of one shard.
#[derive(Debug)]
pub(super) struct ShardProgress {
    /// When the last successful SubscribeToShard was answered.
    pub subscribed: Time,
    /// The subscription it opened; an older one has been taken over.
    pub current: SubscriptionId,
    /// Everything before this offset was pushed at least one event ago.
    pub read: u64,
    /// Its own read capacity: 2 MiB/s per consumer and shard, with the debt rule of shared reads.
    bytes: TokenBucket,
}

/// An open subscription.
#[derive(Debug)]
pub(super) struct Subscription {
    pub stream: String,
    pub consumer: String,
    pub shard: ShardId,
    /// Offset of the next record to push.
    pub next: u64,
    pub ends: Time,
}

impl ShardProgress {
    pub fn new(now: Time, current: SubscriptionId, next: u64, profile: &Profile) -> Self {
        let rate = profile.fan_out.bytes_per_second;
        Self { subscribed: now, current, read: next, bytes: TokenBucket::new(rate, rate) }
    }
}

impl RegisteredConsumer {
    pub const fn new(now: Time, active: Time) -> Self {
        Self { created: now, active, shards: BTreeMap::new() }
    }
}

impl Subscription {
    /// What to push now: an event, or when to ask again. The caller has checked that the subscription is current.
    pub fn poll(
        &mut self,
        now: Time,
        shard: &Shard,
        progress: &mut ShardProgress,
        profile: &Profile,
    ) -> SubscriptionPoll {
        if now >= self.ends {
            return SubscriptionPoll::Ended;
        }
        let affordable = progress.bytes.when(now, 0);
        if affordable > now {
            return SubscriptionPoll::Wait(affordable.min(self.ends));
        }
        let slice = shard.slice(now, self.next, profile.request.get_records, profile.fan_out.event_bytes);
        if slice.records.is_empty() {
            let visible = shard.visible_from(self.next).unwrap_or(Time::NEVER);
            return SubscriptionPoll::Wait(visible.min(self.ends));
        }
        progress.bytes.take(now, slice.bytes);
        progress.read = self.next;
        self.next = slice.next;
        SubscriptionPoll::Event(SubscriptionEvent {
            records: slice.records,
            continuation: Some(shard.continuation(slice.next)),
            millis_behind_latest: slice.millis_behind_latest,
            children: Vec::new(),
        })
    }
}
