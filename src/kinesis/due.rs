//! Changes that are due.

use super::api::StreamMode;
use super::change::Change;
use super::stream::Stream;
use crate::time::Time;

impl Stream {
    /// Makes the changes that are due by `now`, each at its moment.
    pub fn advance(&mut self, now: Time) {
        if self.mode == StreamMode::OnDemand && self.gone.is_none() {
            self.scale(now);
        }
        if let Some(pending) = self.pending.take_if(|pending| pending.due <= now) {
            match pending.change {
                Change::Nothing => {}
                Change::Reshard(steps) => self.reshard(&steps, pending.due),
                Change::Encryption(encryption) => self.encryption = encryption,
                Change::WarmThroughput(mib, steps) => {
                    self.reshard(&steps, pending.due);
                    self.scaling.warmed(mib);
                }
            }
        }
        self.consumers.retain(|_, consumer| consumer.status(now).is_some());
    }

    /// When the next change of the shards that is known is made; [`Time::NEVER`] if none is.
    pub fn next_change(&self) -> Time {
        let pending = self.pending.as_ref().map_or(Time::NEVER, |pending| pending.due);
        self.scaling.planned.map_or(pending, |(due, _)| due.min(pending))
    }
}
