//! How on-demand streams grow (fact sheet, section 2.4).

use super::api::ShardId;
use super::change::{Change, Pending, Step};
use super::hash_key::HashKey;
use super::meter::Accepted;
use super::scaling::{MINUTE, MINUTES};
use super::stream::Stream;
use crate::time::Time;

impl Stream {
    /// Forgets what the stream took so far: on-demand capacity follows what it takes from now on.
    pub(super) fn begin_scaling(&mut self, now: Time) {
        self.scaling.begin(now);
        for shard in &mut self.shards {
            shard.meter.take();
            shard.meter.note_minute(Accepted::default());
        }
    }

    /// Looks at the minutes that have ended by `now` and grows if one was too busy.
    ///
    /// Each shard is measured on its own where it matters: the busiest ones are split, in the middle of their ranges. A
    /// single hot key stays in one shard however often that is split.
    pub(super) fn scale(&mut self, now: Time) {
        while self.scaling.minute_ends <= now {
            let end = self.scaling.minute_ends;
            self.grow_if_due(end);
            self.end_minute(end);
            self.scaling.minute_ends = end + MINUTE.since(Time::ZERO);
            // A long silence need not be walked through minute by minute.
            let idle = now.since(self.scaling.minute_ends).as_secs() / 60;
            if idle > MINUTES as u64 && self.scaling.planned.is_none() {
                self.scaling.hour.clear();
                self.scaling.minute_ends = Time::from_secs(now.as_nanos() / 1_000_000_000) + MINUTE.since(Time::ZERO);
            }
        }
        self.grow_if_due(now);
    }

    fn end_minute(&mut self, end: Time) {
        let mut minute = Accepted::default();
        for shard in &mut self.shards {
            let accepted = shard.meter.take();
            shard.meter.note_minute(accepted);
            minute.records += accepted.records;
            minute.bytes += accepted.bytes;
        }
        let profile = self.profile();
        let per_shard = &profile.write;
        let asked = |used: u64, limit: u64| {
            (used as f64 / 60.0 * profile.on_demand.headroom / limit.max(1) as f64).ceil() as u32
        };
        let needed =
            asked(minute.records, per_shard.records_per_second).max(asked(minute.bytes, per_shard.bytes_per_second));
        // The largest stream takes 10 GiB/s, a MiB/s per shard, warmed or not (section 2.4).
        let needed = needed.min(profile.on_demand.most_warm_mib);
        let delay = profile.on_demand.scale_after;
        if self.scaling.hour.len() == MINUTES {
            self.scaling.hour.pop_front();
        }
        self.scaling.hour.push_back(needed);
        if needed > self.open_count() && self.scaling.planned.is_none() {
            self.scaling.planned = Some((end + delay, needed));
        }
    }

    fn grow_if_due(&mut self, now: Time) {
        // One change of shards at a time; what is planned waits for the other.
        if self.pending.is_some() {
            return;
        }
        let Some((due, _)) = self.scaling.planned.filter(|(due, _)| *due <= now) else { return };
        self.scaling.planned = None;
        let target = self.scaling.peak();
        let steps = self.busiest_splits(target.saturating_sub(self.open_count()));
        if !steps.is_empty() {
            self.pending = Some(Pending { due, change: Change::Reshard(steps) });
        }
    }

    /// Splits of the `count` busiest open shards, or of all of them if there are fewer.
    fn busiest_splits(&self, count: u32) -> Vec<Step> {
        let mut open: Vec<(u64, ShardId)> =
            self.open_shards().iter().filter_map(|id| Some((self.shard(*id)?.meter.last_minute(), *id))).collect();
        open.sort_by_key(|(load, id)| (std::cmp::Reverse(*load), *id));
        let splits = open.into_iter().take(count as usize).filter_map(|(_, id)| {
            let range = self.shard(id)?.range;
            let width = range.end.0 - range.start.0;
            (width > 1).then(|| Step::Split(id, HashKey(range.start.0 + width / 2 + 1)))
        });
        splits.collect()
    }
}
