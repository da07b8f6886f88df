//! Which arrivals a producer takes up: all or a part of them, and what becomes of those it cannot keep up with.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units;
use crate::workload::Arrival;

/// What happens when more records are due and not sent than the load generator has promised to catch up with: after a stall of
/// the target or of the generator itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overload {
    /// All of them are sent, late. Their latency includes the wait.
    #[default]
    Send,
    /// Those beyond `catch_up` records are given up and counted as abandoned.
    Drop {
        /// Most records that may be due and not sent.
        catch_up: u64,
    },
    /// The run ends.
    Abort {
        /// Most records that may be due and not sent.
        catch_up: u64,
    },
}

impl Overload {
    /// Most records that may be due and not sent; `None` if there is no limit.
    pub const fn catch_up(self) -> Option<u64> {
        match self {
            Self::Send => None,
            Self::Drop { catch_up } | Self::Abort { catch_up } => Some(catch_up),
        }
    }
}

/// What to do with a record that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The producer takes it up.
    Send,
    /// It is given up.
    Drop,
    /// The run ends.
    Abort,
}

/// The part of a load that one of several processes offers: the arrivals whose number is `index` modulo `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// Which part, from 0.
    pub index: u64,
    /// How many there are.
    pub of: u64,
}

impl Part {
    /// The only part.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// Whether an arrival is in it.
    pub const fn has(self, arrival: u64) -> bool {
        arrival % self.of == self.index
    }
}

impl Default for Part {
    fn default() -> Self {
        Self::WHOLE
    }
}

/// Takes up the arrivals of a load.
#[derive(Debug)]
pub struct Intake {
    overload: Overload,
    part: Part,
    /// Of a closed-loop load: most records that are open at once, and the next one.
    closed: Option<(u64, u64)>,
    digest: u64,
}

impl Intake {
    /// The intake of an open-loop load.
    pub const fn open(overload: Overload, part: Part) -> Self {
        Self { overload, part, closed: None, digest: 0 }
    }

    /// The intake of a closed-loop load with at most `window` open records: a new one comes when an old one is done.
    pub const fn closed(window: u64) -> Self {
        Self { overload: Overload::Send, part: Part::WHOLE, closed: Some((window, 0)), digest: 0 }
    }

    /// Whether there are no moments at which records are due.
    pub const fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// Into how many parts the load is divided.
    pub const fn parts(&self) -> u64 {
        self.part.of
    }

    /// Why a run with so many records waiting ends.
    pub fn overload_in_words(&self, waiting: u64) -> String {
        let most = self.overload.catch_up().unwrap_or_default();
        let waiting = if waiting == u64::MAX { String::new() } else { format!(" ({})", units::count(waiting)) };
        format!(
            "more records were due and not sent{waiting} than load.catch_up allows ({}), and load.overload is \"abort\".",
            units::count(most)
        )
    }

    /// Whether this process offers an arrival.
    pub const fn is_mine(&self, index: u64) -> bool {
        self.part.has(index)
    }

    /// What to do with a record when `waiting` are due and not sent, itself included.
    pub const fn admission(&self, waiting: u64) -> Admission {
        match self.overload {
            Overload::Drop { catch_up } if waiting > catch_up => Admission::Drop,
            Overload::Abort { catch_up } if waiting > catch_up => Admission::Abort,
            _ => Admission::Send,
        }
    }

    /// The arrivals that a closed-loop load adds to `open` records.
    pub fn refill(&mut self, open: u64) -> Range<u64> {
        let Some((window, next)) = &mut self.closed else { return 0..0 };
        let first = *next;
        *next += window.saturating_sub(open);
        first..*next
    }

    /// An arrival was taken up, or given up. `source` stands for what its data are made from.
    pub fn note(&mut self, arrival: &Arrival, source: u64) {
        self.digest = self.digest.wrapping_add(arrival.digest(source));
    }

    /// The sum of the hashes of all arrivals so far; those of the parts of a load add up, wrapping, to that of the whole.
    /// `None` for a closed-loop load, whose records are due whenever there is room.
    pub const fn digest(&self) -> Option<u64> {
        if self.is_closed() { None } else { Some(self.digest) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_beyond_the_promise_is_dropped_or_ends_the_run() {
        let admission = |overload, waiting| Intake::open(overload, Part::WHOLE).admission(waiting);
        assert_eq!(admission(Overload::Send, u64::MAX), Admission::Send);
        for (overload, beyond) in
            [(Overload::Drop { catch_up: 5 }, Admission::Drop), (Overload::Abort { catch_up: 5 }, Admission::Abort)]
        {
            assert_eq!((admission(overload, 5), admission(overload, 6)), (Admission::Send, beyond));
        }
    }

    #[test]
    fn a_closed_loop_keeps_its_window_full() {
        let mut intake = Intake::closed(1_000);
        assert_eq!(
            (intake.refill(0), intake.refill(1_000), intake.refill(400)),
            (0..1_000, 1_000..1_000, 1_000..1_600)
        );
        assert_eq!(Intake::open(Overload::Send, Part::WHOLE).refill(0), 0..0);
    }

    #[test]
    fn parts_share_the_arrivals() {
        let parts = [0, 1, 2].map(|index| Part { index, of: 3 });
        assert!((0..100).all(|arrival| parts.iter().filter(|part| part.has(arrival)).count() == 1));
        assert!((0..100).all(|arrival| Part::WHOLE.has(arrival)));
    }
}
