//! The service behind HTTP: what it serves, to whom, and what it grants its peers.

use std::sync::Arc;
use std::time::Duration;

use super::auth::{Authority, Credentials};
use super::buffers::Buffers;
use super::observe::Counters;
use super::service::Service;
use super::tls::Tls;

/// What a server grants its peers. The defaults suit clients that behave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections that are open at once; further ones are closed at once. The system's limit of open files may be lower.
    pub connections: usize,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long a connection may stay without a request, and how long the head of one may take. Longer than the 90 s for
    /// which the SDK's connection pool keeps an idle connection, so that the pool closes it first and no request meets a
    /// closing one.
    pub idle: Duration,
    /// How long the body of a request may take.
    pub body: Duration,
    /// How long an open request may stay without any progress. Longer than a subscription lives: one to an idle shard is
    /// silent, and that is no stall.
    pub silence: Duration,
    /// How long open requests may take to finish when the connection or the server closes; then they are cut off.
    pub grace: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections: 4096,
            handshake: Duration::from_secs(10),
            idle: Duration::from_secs(120),
            body: Duration::from_secs(60),
            silence: Duration::from_secs(420),
            grace: Duration::from_secs(2),
        }
    }
}

/// The service behind HTTP: what it serves, to whom, and what it has counted.
#[derive(Debug)]
pub struct Server {
    pub(super) service: Arc<Service>,
    pub(super) limits: ConnectionLimits,
    pub(super) tls: Option<Tls>,
    /// Who may call; `None` lets everyone.
    pub(super) authority: Option<Authority>,
    pub(super) counters: Counters,
    pub(super) buffers: Arc<Buffers>,
}

impl Server {
    /// Serves `service` in cleartext to everyone who connects.
    pub fn new(service: Arc<Service>) -> Self {
        Self {
            service,
            limits: ConnectionLimits::default(),
            tls: None,
            authority: None,
            counters: Counters::default(),
            buffers: Arc::default(),
        }
    }

    /// Grants peers other limits.
    #[must_use]
    pub fn with_limits(self, limits: ConnectionLimits) -> Self {
        Self { limits, ..self }
    }

    /// Speaks TLS, and nothing else.
    #[must_use]
    pub fn with_tls(self, tls: Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// Answers only requests that are signed with `credentials`.
    #[must_use]
    pub fn with_credentials(self, credentials: Credentials) -> Self {
        let authority = Authority::new(credentials, self.service.settings().region.clone());
        Self { authority: Some(authority), ..self }
    }
}
