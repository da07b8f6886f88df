//! What a run is doing.

use crate::time::Time;

/// What a run is doing.
#[derive(Debug)]
pub(super) enum Phase {
    /// Load is offered.
    Offering,
    /// Load is over; answers and consumers are waited for.
    Draining {
        /// Until then at most.
        until: Time,
        /// When to look whether it is over.
        next_look: Time,
    },
    /// Nothing is waited for any more.
    Over,
}
