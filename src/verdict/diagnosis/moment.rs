//! One shard in one second in which it throttled.

use super::cause::{Cause, Limit};
use super::due::DueSecond;

/// One shard in one second in which it throttled.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    pub second: u64,
    pub shard: usize,
    pub throttled: u64,
    /// Attempts made again and for the first time: what was accepted and what was throttled.
    pub attempts: u64,
    pub cause: Cause,
    pub bound: Option<Limit>,
    pub due: DueSecond,
    /// Utilisation of the shard by the records due: by number and by bytes.
    pub utilisation: (f64, f64),
}

/// The moments of a cause.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub seconds: u64,
    pub window: (u64, u64),
    pub throttled: u64,
    pub worst: Option<Moment>,
}

impl Group {
    pub fn add(&mut self, moment: Moment) {
        let second = moment.second;
        self.window =
            if self.seconds == 0 { (second, second) } else { (self.window.0.min(second), self.window.1.max(second)) };
        self.seconds += 1;
        self.throttled += moment.throttled;
        if self.worst.as_ref().is_none_or(|worst| worst.throttled < moment.throttled) {
            self.worst = Some(moment);
        }
    }
}

/// What a cause rests on: what a cure has to change.
#[derive(Debug, Clone)]
pub(crate) enum Evidence {
    /// The shard and second with the most throttled attempts.
    Writes(Moment),
    /// The mean bytes of a record that readers get.
    Reads {
        /// Those of a Kinesis record.
        record_bytes: f64,
    },
}
