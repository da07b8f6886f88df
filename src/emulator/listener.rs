//! Connections: where they come from, how many there may be, and when one has stalled.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::activity::Activity;
use super::http;
use super::server::{ConnectionLimits, Server};

/// The pause after the system could not give a connection (out of file descriptors, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often an HTTP/2 peer is asked whether it is still there; it has 20 s to answer.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// Requests open at once on an HTTP/2 connection: a consumer with enhanced fan-out has one per shard, for minutes.
const STREAMS_MAX: u32 = 4096;
/// What an HTTP/2 peer may send ahead on one request: 2 s at the write quota of two shards.
const STREAM_WINDOW: u32 = 4 << 20;
/// What an HTTP/2 peer may send ahead on all requests of a connection.
const CONNECTION_WINDOW: u32 = 16 << 20;
/// Requests that an HTTP/2 peer may take back before they were looked at; more of them close the connection
/// (CVE-2023-44487, "rapid reset").
const RESETS_MAX: usize = 64;
/// Longest head of a request, on both versions of HTTP.
const HEAD_BYTES: u32 = 64 << 10;

/// Serves on `listener` until `shutdown` is done.
///
/// Speaks HTTP/1.1 and, with prior knowledge or by ALPN, HTTP/2. After `shutdown`, no connection is accepted,
/// subscriptions end, and open requests have [`ConnectionLimits::grace`] to finish.
pub async fn serve(listener: TcpListener, server: Arc<Server>, shutdown: impl Future<Output = ()>) {
    let (closing_sender, closing) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    // Said once, until connections come again: the pauses are short.
    let mut starved = false;
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    starved = false;
                    // A connection that has ended makes room before this one is judged.
                    while connections.try_join_next().is_some() {}
                    if connections.len() < server.limits.connections {
                        connections.spawn(accept(stream, peer, Arc::clone(&server), closing.clone()));
                    } else if server.counters.refused_connections.fetch_add(1, Ordering::Relaxed) == 0 {
                        let most = server.limits.connections;
                        tracing::warn!(most, "too many connections are open: closed one; /metrics counts them");
                    }
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    if !starved {
                        tracing::warn!(%error, "the emulator cannot accept connections");
                    }
                    starved = true;
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop((listener, closing_sender));
    // What is left after the grace is aborted when the set is dropped.
    let _ = timeout(server.limits.grace, async { while connections.join_next().await.is_some() {} }).await;
}

/// Whether the peer went away before it was accepted; the next connection is not concerned.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(error.kind(), K::ConnectionAborted | K::ConnectionReset | K::ConnectionRefused | K::Interrupted)
}

async fn accept(stream: TcpStream, peer: SocketAddr, server: Arc<Server>, mut closing: watch::Receiver<()>) {
    let _counted = server.counters.open_connections.enter();
    // Without it, small answers on HTTP/1.1 may wait for the peer's delayed acknowledgement.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let local = peer.ip().to_canonical().is_loopback();
    let Some(tls) = &server.tls else { return serve_connection(stream, Arc::clone(&server), local, closing).await };
    let handshake = timeout(server.limits.handshake, tls.accept(stream));
    let handshake = tokio::select! {
        handshake = handshake => handshake,
        _ = closing.changed() => return,
    };
    if let Ok(Ok(stream)) = handshake {
        serve_connection(stream, Arc::clone(&server), local, closing).await;
    } else {
        server.counters.failed_handshakes.fetch_add(1, Ordering::Relaxed);
    }
}

/// Serves one connection until the peer closes it, it stalls, or the server closes.
pub(super) async fn serve_connection<I>(io: I, server: Arc<Server>, local: bool, closing: watch::Receiver<()>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &server.limits;
    let activity = Arc::new(Activity::new());
    let requests = hyper::service::service_fn(|request| {
        let (open, server, closing) = (activity.begin(), Arc::clone(&server), closing.clone());
        async move {
            let response = http::respond(&server, request, local, closing).await;
            response.map(|response| response.map(|body| open.track(body)))
        }
    });
    let builder = protocol(limits);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(io), requests));
    let mut shutdown = closing.clone();
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = shutdown.changed() => {}
        () = activity.stalled(limits.idle, limits.silence) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(limits.grace, connection).await;
}

fn protocol(limits: &ConnectionLimits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        // It bounds the head of a request, and what is read of a body at a time.
        .max_buf_size(HEAD_BYTES as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_pending_accept_reset_streams(RESETS_MAX)
        .max_header_list_size(HEAD_BYTES);
    builder
}

#[cfg(test)]
mod tests;
