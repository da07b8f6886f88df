//! Enhanced fan-out: registered consumers and their subscriptions (fact sheet, section 1.4).

use std::collections::BTreeMap;

use super::api::*;
use super::profile::{FanOutLimits, Profile};
use super::quota::TokenBucket;
use super::stream::Stream;
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
    /// When an event without records is due, to move the continuation of a silent subscription.
    pub idle: Time,
    /// The last event told the end of the shard.
    pub finished: bool,
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

impl Subscription {
    /// What to push now: an event, or when to ask again.
    pub fn poll(&mut self, now: Time, stream: &mut Stream, profile: &Profile) -> SubscriptionPoll {
        if now >= self.ends || self.finished {
            return SubscriptionPoll::Ended;
        }
        let Some(progress) = self.progress(stream) else { return SubscriptionPoll::Ended };
        let affordable = progress.bytes.when(now, 0);
        if affordable > now {
            return SubscriptionPoll::Wait(affordable.min(self.ends));
        }
        let Some(shard) = stream.shard(self.shard) else { return SubscriptionPoll::Ended };
        let slice = shard.slice(now, self.next, profile.request.get_records, profile.fan_out.event_bytes);
        if slice.records.is_empty() && !slice.at_end && now < self.idle {
            // Behind records that are lost.
            self.next = slice.next;
            let visible = shard.visible_from(self.next).unwrap_or(Time::NEVER);
            // A change under way may close the shard.
            return SubscriptionPoll::Wait(visible.min(stream.next_change()).min(self.idle).min(self.ends));
        }
        let continuation = (!slice.at_end).then(|| shard.continuation(slice.next));
        let children = if slice.at_end { stream.children(self.shard) } else { Vec::new() };
        if let Some(progress) = self.progress(stream) {
            progress.bytes.take(now, slice.bytes);
            progress.read = self.next;
        }
        self.next = slice.next;
        self.idle = now + profile.fan_out.idle_event;
        self.finished = slice.at_end;
        SubscriptionPoll::Event(SubscriptionEvent {
            records: slice.records,
            continuation,
            millis_behind_latest: slice.millis_behind_latest,
            children,
        })
    }

    /// What its consumer has got of the shard.
    pub fn progress<'s>(&self, stream: &'s mut Stream) -> Option<&'s mut ShardProgress> {
        stream.consumers.get_mut(&self.consumer)?.shards.get_mut(&self.shard)
    }
}
