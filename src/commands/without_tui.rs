//! The full-screen view is not in this program.

use tokio::sync::watch;

use super::without::without;
use crate::engine::{OpenShard, Progress};
use crate::view::State;

/// The screen, which is never taken.
pub(super) enum Screen {}

impl Screen {
    /// Takes no screen.
    ///
    /// # Errors
    /// There is none.
    pub fn take() -> Result<Self, String> {
        Err(without("tui", "use --progress"))
    }

    /// Never called: there is no screen.
    pub fn show(
        self,
        _: State,
        _: watch::Receiver<Progress>,
        _: &watch::Sender<bool>,
        _: impl Fn(),
        _: impl Fn(&[OpenShard]) -> Vec<String>,
    ) {
        match self {}
    }
}

/// There is nothing to give back.
pub(super) const fn give_back() {}
