//! Subscriptions of enhanced fan-out: what is pushed, and when (fact sheet, section 1.4).

use super::api::*;
use super::profile::Profile;
use super::registered::ShardProgress;
use super::stream::Stream;
use crate::time::Time;

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
