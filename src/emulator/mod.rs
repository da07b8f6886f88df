//! The emulator: [`crate::kinesis::Kinesis`] served over AWS's wire protocol on HTTP.
//!
//! Any Kinesis client that is given its URL as endpoint works with it, in JSON or CBOR. Signatures are not checked unless
//! asked for, so it belongs on the loopback interface. What is measured on it is a figure of the model, not of AWS.
//!
//! Section numbers in the docs of this module are those of the fact sheet, `docs/facts.md`.

mod activity;
mod auth;
mod buffers;
mod event_stream;
mod faults;
mod front;
mod http;
mod listener;
mod observe;
mod server;
mod service;
mod tls;
pub mod wire;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub use self::auth::Credentials;
pub use self::listener::serve;
pub use self::server::{ConnectionLimits, Server};
pub use self::service::Service;
pub use self::tls::{Tls, TlsError};
use crate::kinesis::{FaultRule, InjectedFaults, Settings, StorageUsage};

/// How much longer than the graceful shutdown the end of the thread is waited for.
const JOIN_GRACE: Duration = Duration::from_secs(3);

/// An emulator in this process, on a free port of 127.0.0.1.
///
/// It has a thread and an event loop of its own, so that it does not delay the timers of a load engine beside it.
/// Dropping it stops it.
#[derive(Debug)]
pub struct Embedded {
    address: SocketAddr,
    service: Arc<Service>,
    /// Dropping it begins the shutdown.
    shutdown: Option<oneshot::Sender<()>>,
    /// Its sender lives as long as the thread's work.
    finished: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Starts an emulator. It accepts connections when this returns.
    ///
    /// # Errors
    /// No port, event loop or thread can be had from the system.
    pub fn start(settings: Settings) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = {
            let _context = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let service = Arc::new(Service::new(settings));
        let (shutdown, stopped) = oneshot::channel::<()>();
        let (working, finished) = channel();
        let server = Arc::new(Server::new(Arc::clone(&service)));
        let thread = std::thread::Builder::new().name("emulator".to_owned()).spawn(move || {
            // Dropped last, after the runtime and all that runs on it.
            let _working = working;
            runtime.block_on(serve(listener, server, async {
                // A message and a dropped sender mean the same.
                let _ = stopped.await;
            }));
            drop(runtime);
        })?;
        Ok(Self { address, service, shutdown: Some(shutdown), finished, thread: Some(thread) })
    }

    /// The endpoint URL, such as `http://127.0.0.1:40123`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the service holds and has dropped early, in bytes and records.
    pub fn usage(&self) -> StorageUsage {
        self.service.usage()
    }

    /// What fault rules have damaged so far.
    pub fn injected_faults(&self) -> InjectedFaults {
        self.service.injected_faults()
    }

    /// Puts these fault rules in the place of those in force; their times count from now.
    pub fn set_faults(&self, rules: &[FaultRule]) {
        self.service.set_faults_from_now(rules);
    }

    /// From now on, changes of state take `scale` times as long as the profile says; 0 makes them immediate.
    pub fn set_transition_scale(&self, scale: f64) {
        self.service.set_transition_scale(scale);
    }

    /// Stops: open requests have two seconds to finish, subscriptions end. Returns after five seconds at the latest.
    pub fn stop(self) {
        // All of it happens on drop.
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        drop(self.shutdown.take());
        let grace = ConnectionLimits::default().grace + JOIN_GRACE;
        if let Err(RecvTimeoutError::Timeout) = self.finished.recv_timeout(grace) {
            // Rather leave a thread behind than hang.
            tracing::warn!("the embedded emulator did not stop in {grace:?}");
            return;
        }
        if let Some(thread) = self.thread.take() {
            // A panic there was a panic of the runtime itself; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
