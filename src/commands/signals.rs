//! The signals that ask a program to stop.

use tokio::signal;

/// SIGINT and SIGTERM.
#[cfg(unix)]
pub(super) struct Signals(signal::unix::Signal, signal::unix::Signal);

#[cfg(unix)]
impl Signals {
    /// Listens from now on.
    pub fn new() -> std::io::Result<Self> {
        use signal::unix::{SignalKind, signal};
        Ok(Self(signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
    }

    /// The number of the next one.
    pub async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.0.recv() => 2,
            _ = self.1.recv() => 15,
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Listens from now on.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    /// The number of SIGINT, at the next Ctrl-C.
    pub async fn next(&mut self) -> i32 {
        match signal::ctrl_c().await {
            Ok(()) => 2,
            Err(_) => std::future::pending().await,
        }
    }
}
