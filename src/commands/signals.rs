//! The signals that ask a program to stop, for what has an asynchronous runtime.

use tokio::signal;

/// SIGINT, SIGTERM, SIGQUIT and SIGHUP.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: signal::unix::Signal,
    terminate: signal::unix::Signal,
    quit: signal::unix::Signal,
    /// None if it is ignored, as under nohup.
    hangup: Option<signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    /// Listens from now on.
    pub fn new() -> std::io::Result<Self> {
        use signal::unix::{SignalKind, signal};
        let hangup = (!super::stop::is_hangup_ignored()).then(|| signal(SignalKind::hangup())).transpose()?;
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
            hangup,
        })
    }

    /// The number of the next one.
    pub async fn next(&mut self) -> i32 {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
            _ = self.quit.recv() => 3,
            _ = hangup => 1,
        }
    }

    /// The number of the next one that gives up. A terminal that closes sends SIGHUP twice, once by the shell and once by the system,
    /// and after a Ctrl-C, too: whoever closes it does not ask for a stream to be left behind.
    pub async fn again(&mut self) -> i32 {
        loop {
            let signal = self.next().await;
            if signal != 1 {
                return signal;
            }
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

    /// The same, for the one that gives up.
    pub async fn again(&mut self) -> i32 {
        self.next().await
    }
}
