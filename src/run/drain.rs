//! When a run is over: the end of its load, and the wait for answers and consumers.

use std::time::Duration;

use super::phase::Phase;
use super::{Run, RunWire};
use crate::measure::Ending;
use crate::time::Time;

impl<W: RunWire> Run<'_, W> {
    /// Whether load is offered.
    pub const fn is_offering(&self) -> bool {
        matches!(self.phase, Phase::Offering)
    }

    /// Whether nothing is waited for any more.
    pub const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// How the run ends, as far as it is known.
    pub const fn ending(&self) -> &Ending {
        &self.ending
    }

    /// Until when a run waits at most whose load is over.
    pub const fn deadline(&self) -> Option<Time> {
        match self.phase {
            Phase::Draining { until, .. } => Some(until),
            Phase::Offering | Phase::Over => None,
        }
    }

    /// All load was offered.
    pub fn handle_load_end(&mut self, now: Time) {
        self.end_load(now, Ending::Complete);
    }

    /// The run is to end before its time. What is under way still gets its answer, for a few seconds; whoever interrupts it once more
    /// wants its end.
    pub fn handle_interruption(&mut self, now: Time) {
        match self.phase {
            Phase::Offering => self.end_load(now, Ending::Interrupted),
            Phase::Draining { .. } if self.ending == Ending::Complete => {
                (self.ending, self.phase) = (Ending::Interrupted, Phase::Over);
            }
            Phase::Draining { .. } | Phase::Over => {}
        }
    }

    /// Ends the load.
    pub(super) fn end_load(&mut self, now: Time, ending: Ending) {
        if !self.is_offering() {
            return;
        }
        let mut patience = self.scenario.load.drain;
        if ending != Ending::Complete {
            // Whoever pressed Ctrl-C wants the terminal back; what is under way still gets its answer.
            self.producing.producer.abandon(now);
            patience = patience.min(INTERRUPTED_DRAIN);
            self.load_ended = now;
        }
        let from = self.load_ended.max(now);
        self.phase = Phase::Draining { until: from + patience, next_look: from };
        self.ending = ending;
    }

    /// Looks whether a drain is over: every record is done and every consumer has read what was accepted, or the time for it is up. It
    /// is asked often, and looks now and then. Whether it has looked.
    pub fn look(&mut self, now: Time) -> bool {
        let Phase::Draining { until, next_look } = self.phase else { return false };
        let expired = now >= until;
        if !expired && now < next_look {
            return false;
        }
        self.note_accepted(now);
        self.phase = if expired || self.is_done() {
            Phase::Over
        } else {
            Phase::Draining { until, next_look: now + DRAIN_CHECK }
        };
        true
    }

    /// Whether every record is done and every consumer has read what was accepted.
    pub fn is_done(&self) -> bool {
        let open = self.producing.producer.open_records();
        open == 0 && self.consumers.have_read_all(self.producing.recorder.ledger())
    }
}

/// How often a drain looks whether it is over.
const DRAIN_CHECK: Duration = Duration::from_millis(100);
/// How long a run that was interrupted or aborted waits for what is under way.
const INTERRUPTED_DRAIN: Duration = Duration::from_secs(3);
