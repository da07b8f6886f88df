//! The real clock of a run.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use crate::time::{Time, nanos};

/// Tells the time since the run began; before that it is zero.
#[derive(Debug, Clone, Default)]
pub struct RunClock {
    began: Arc<OnceLock<Instant>>,
}

impl RunClock {
    /// A clock that begins now.
    pub fn started() -> Self {
        let clock = Self::default();
        clock.start();
        clock
    }

    /// Begins the run, if it has not begun.
    pub fn start(&self) {
        self.began.get_or_init(Instant::now);
    }

    /// The time now.
    pub fn now(&self) -> Time {
        self.began.get().map_or(Time::ZERO, |began| Time::from_nanos(nanos(began.elapsed())))
    }

    /// The time of a moment on the machine's clock; zero before the run began.
    pub fn at(&self, instant: Instant) -> Time {
        let since = self.began.get().map(|began| instant.saturating_duration_since(*began));
        since.map_or(Time::ZERO, |since| Time::from_nanos(nanos(since)))
    }

    /// The moment on the machine's clock.
    pub fn instant(&self, at: Time) -> Instant {
        let began = self.began.get().copied().unwrap_or_else(Instant::now);
        // A moment beyond the machine's clock is as good as an hour ahead: whoever waits for it asks again.
        began.checked_add(at.since(Time::ZERO)).unwrap_or_else(|| Instant::now() + std::time::Duration::from_secs(3600))
    }
}
