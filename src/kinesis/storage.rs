//! What the service holds: it forgets what is past its retention, and more when its memory is full.

use super::api::Status;
use super::state::Kinesis;
use super::stream::Stream;
use crate::time::Time;

impl Kinesis {
    /// Drops the records of a stream that are past their retention.
    pub(super) fn trim_expired(&mut self, now: Time, name: &str) {
        let Some(stream) = self.streams.get_mut(name) else { return };
        let before = stream.stored_bytes();
        stream.trim_expired(now);
        self.usage.bytes = self.usage.bytes.saturating_sub(before - stream.stored_bytes());
    }

    /// Notes that a stream will be gone at some moment.
    pub(super) fn forget_at(&mut self, gone: Time) {
        self.forget_at = self.forget_at.min(gone);
    }

    pub(super) fn forget_gone_streams(&mut self, now: Time) {
        if now < self.forget_at {
            return;
        }
        self.streams.retain(|_, stream| stream.status(now).is_some());
        self.count_stored_bytes();
        self.forget_at = if self.streams.values().any(|stream| stream.status(now) == Some(Status::Deleting)) {
            now
        } else {
            Time::NEVER
        };
    }

    /// Adds up what the streams hold.
    pub(super) fn count_stored_bytes(&mut self) {
        self.usage.bytes = self.streams.values().map(Stream::stored_bytes).sum();
        self.usage.peak = self.usage.peak.max(self.usage.bytes);
    }

    /// Drops records until the budget holds: first what all readers have read, then the oldest of the fullest shard.
    pub(super) fn trim_to_budget(&mut self, now: Time) {
        let iterator_life = self.settings.profile.read.iterator_life;
        for stream in self.streams.values_mut() {
            self.usage.trimmed_read += stream.trim_read(now, iterator_life);
        }
        self.count_stored_bytes();
        if self.usage.bytes <= self.usage.budget {
            return;
        }
        // A little more than needed, so that this does not happen at every put.
        let goal = self.usage.budget - self.usage.budget / 16;
        while self.usage.bytes > goal {
            let Some(fullest) = self.streams.values_mut().max_by_key(|stream| stream.stored_bytes()) else { break };
            let enough = fullest.stored_bytes().saturating_sub(self.usage.bytes - goal);
            let trimmed = fullest.trim_fullest(enough);
            self.usage.trimmed_unread += trimmed;
            self.count_stored_bytes();
            if trimmed == 0 {
                break;
            }
        }
    }
}
