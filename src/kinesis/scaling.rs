//! What an on-demand stream remembers of its load (fact sheet, section 2.4).

use std::collections::VecDeque;

use super::api::WarmThroughput;
use crate::time::Time;

/// What an on-demand stream remembers of its load.
#[derive(Debug)]
pub(super) struct Scaling {
    /// End of the minute that is being counted.
    pub minute_ends: Time,
    /// Shards that the last sixty minutes asked for, each.
    pub hour: VecDeque<u32>,
    /// A growth that is to come: when, and to how many shards.
    pub planned: Option<(Time, u32)>,
    warm: Option<WarmThroughput>,
}

pub(super) const MINUTE: Time = Time::from_secs(60);
pub(super) const MINUTES: usize = 60;

impl Scaling {
    pub fn new(now: Time, warm: Option<u32>) -> Self {
        let warm = warm.map(|mib| WarmThroughput { target: mib, current: mib });
        Self { minute_ends: now + MINUTE.since(Time::ZERO), hour: VecDeque::new(), planned: None, warm }
    }

    /// Begins to count anew; the stream has changed its mode.
    pub fn begin(&mut self, now: Time) {
        *self = Self::new(now, None);
    }

    pub const fn warm(&self) -> Option<WarmThroughput> {
        self.warm
    }

    pub fn warming(&mut self, mib: u32) -> WarmThroughput {
        let current = self.warm.map_or(0, |warm| warm.current);
        *self.warm.insert(WarmThroughput { target: mib, current })
    }

    pub fn warmed(&mut self, mib: u32) {
        self.warm = Some(WarmThroughput { target: mib, current: mib });
    }

    /// Shards that the busiest minute of the last hour asked for.
    pub fn peak(&self) -> u32 {
        self.hour.iter().copied().max().unwrap_or(0)
    }
}
