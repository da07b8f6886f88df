//! Metrics of a run for Prometheus, served while it goes on.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::cannot_listen;
use crate::address::ListenAddress;
use crate::engine::Progress;
use crate::prometheus;
use crate::view::{State, metrics};

/// Serves what `progress` tells at `address`, until the runtime ends; gives the URL, and a warning if others can read it.
///
/// # Errors
/// The address cannot be listened on, in words.
pub(super) async fn serve(
    address: ListenAddress,
    state: State,
    mut progress: watch::Receiver<Progress>,
) -> Result<(String, Option<String>), String> {
    let listener =
        TcpListener::bind(address.socket()).await.map_err(|error| cannot_listen(address, &error, "--metrics"))?;
    let bound = listener.local_addr().map_err(|error| cannot_listen(address, &error, "--metrics"))?;
    let state = Arc::new(Mutex::new(state));
    let told = state.clone();
    tokio::spawn(async move {
        while progress.changed().await.is_ok() {
            let now = progress.borrow_and_update().clone();
            told.lock().unwrap_or_else(PoisonError::into_inner).handle_progress(now);
        }
    });
    tokio::spawn(accept(listener, state));
    let warning =
        format!("warning: {address} is open to the network: whoever reaches it can read the metrics of this run");
    Ok((format!("http://{bound}/metrics"), (!address.is_loopback()).then_some(warning)))
}

async fn accept(listener: TcpListener, state: Arc<Mutex<State>>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors: the load has need of them, too.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let state = state.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let answer = answer(&request, &state);
                async move { Ok::<_, Infallible>(answer) }
            });
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(HEAD_MAX);
            // Whoever scrapes comes back on another connection.
            let _ = timeout(CONNECTION_LIFE, server.serve_connection(TokioIo::new(stream), service)).await;
            drop(permit);
        });
    }
}

fn answer(request: &Request<Incoming>, state: &Mutex<State>) -> Response<Full<Bytes>> {
    let (status, body) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => {
            (StatusCode::OK, metrics::page(&state.lock().unwrap_or_else(PoisonError::into_inner)))
        }
        (_, "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, "use GET\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, "the metrics are at /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let text = if status == StatusCode::OK { prometheus::CONTENT_TYPE } else { "text/plain; charset=utf-8" };
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(text));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static("GET, HEAD"));
    }
    response
}

/// Connections at a time; those beyond wait for their turn.
const CONNECTIONS_MAX: usize = 16;
const HEAD_MAX: Duration = Duration::from_secs(10);
const CONNECTION_LIFE: Duration = Duration::from_secs(120);
