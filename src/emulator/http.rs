//! HTTP: connections, routing of requests, headers of answers.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use base64_simd::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rand::{Rng as _, RngExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::service::{Answer, Service};
use super::wire::{Fault, Format, Target};
use super::{event_stream, front};

/// How long a connection may take to send the head of a request, idle time between requests included. Longer than the
/// 90 s for which the SDK's connection pool keeps an idle connection, so that the pool closes it first and no request
/// meets a closing one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(120);
/// How long the body of a request may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// How often an HTTP/2 peer is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// How long open requests may take to finish after the shutdown; then they are cut off.
pub(super) const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);
/// The pause after a connection could not be accepted (out of file descriptors, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";

/// Serves the API of `service` on `listener` until `shutdown` is done.
///
/// Speaks HTTP/1.1 and, with prior knowledge, HTTP/2. Signatures are not checked. `GET /health` answers `ok`. After
/// `shutdown`, no connection is accepted, subscriptions end, and open requests have two seconds to finish.
pub async fn serve(listener: TcpListener, service: Arc<Service>, shutdown: impl Future<Output = ()>) {
    let (closing_sender, closing) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, Arc::clone(&service), closing.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "the emulator could not accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop((listener, closing_sender));
    // What is left after the grace is aborted when the set is dropped.
    let _ = timeout(SHUTDOWN_GRACE, async { while connections.join_next().await.is_some() {} }).await;
}

async fn serve_connection(stream: TcpStream, service: Arc<Service>, closing: watch::Receiver<()>) {
    // Without it, small answers on HTTP/1.1 may wait for the peer's delayed acknowledgement.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING_INTERVAL);

    let begun = Arc::new(AtomicBool::new(false));
    let requests = hyper::service::service_fn(|request| {
        begun.store(true, Ordering::Relaxed);
        let (service, closing) = (Arc::clone(&service), closing.clone());
        respond(service, request, closing)
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), requests));
    let mut shutdown = closing.clone();
    // hyper limits the time for the head of an HTTP/1.1 request, but not that for telling the versions apart.
    let mut first_request = pin!(sleep(HEAD_TIMEOUT));
    let mut waiting = true;
    loop {
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = shutdown.changed() => break,
            () = first_request.as_mut(), if waiting => {
                waiting = false;
                if !begun.load(Ordering::Relaxed) {
                    return;
                }
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

/// The answer is that there is none: HTTP/1.1 closes the connection, HTTP/2 resets the stream.
#[derive(Debug, thiserror::Error)]
#[error("the connection breaks, as was asked")]
pub(super) struct ConnectionDropped;

/// Answers one request.
async fn respond(
    service: Arc<Service>,
    request: Request<Incoming>,
    closing: watch::Receiver<()>,
) -> Result<Response<Outgoing>, ConnectionDropped> {
    let (parts, body) = request.into_parts();
    if parts.method == Method::GET && parts.uri.path() == "/health" {
        return Ok(typed(Outgoing::whole(Bytes::from_static(b"ok")), StatusCode::OK, "text/plain"));
    }
    let mut response = match front::admit(&parts, body.is_end_stream()) {
        Ok((target, format)) => match answer(&service, target, format, &parts, body).await {
            Ok(Answer::Body(body)) => typed(Outgoing::whole(body.into()), StatusCode::OK, format.content_type()),
            Ok(Answer::Subscription(subscription)) => {
                typed(Outgoing::Events(event_stream::start(subscription, closing)), StatusCode::OK, EVENT_STREAM)
            }
            Err(fault) if fault.drops_connection() => return Err(ConnectionDropped),
            Err(fault) => typed(Outgoing::whole(fault.body(format).into()), fault.status, format.content_type()),
        },
        Err(refusal) => {
            let (body, content_type) = refusal.body();
            typed(Outgoing::whole(body.into()), refusal.fault.status, content_type)
        }
    };
    add_ids(&mut response, &service);
    Ok(response)
}

/// Reads the body, has the request handled and waits until the answer is due.
async fn answer(
    service: &Arc<Service>,
    target: Target,
    format: Format,
    parts: &Parts,
    body: Incoming,
) -> Result<Answer, Fault> {
    let body = read_body(parts, body, service.settings().profile.request.body_bytes).await?;
    let (answer, ready_at) = service.call(target, format, &body);
    drop(body);
    service.sleep_until(ready_at).await;
    answer
}

async fn read_body(parts: &Parts, body: Incoming, most: u64) -> Result<Bytes, Fault> {
    let too_large = || Fault {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        ..Fault::client("RequestEntityTooLargeException", format!("The body exceeds {most} bytes."))
    };
    let announced = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let limited = Limited::new(body, usize::try_from(most).unwrap_or(usize::MAX));
    match timeout(BODY_TIMEOUT, limited.collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Fault::serialization("The body could not be read.")),
        Err(_) => Err(Fault {
            status: StatusCode::REQUEST_TIMEOUT,
            ..Fault::client("RequestTimeoutException", "The body took too long.")
        }),
    }
}

fn typed(body: Outgoing, status: StatusCode, content_type: &'static str) -> Response<Outgoing> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Adds `x-amzn-RequestId` (a UUID) and `x-amz-id-2` (base64 of 72 bytes).
fn add_ids(response: &mut Response<Outgoing>, service: &Service) {
    let mut random = service.answer_ids();
    let mut extended = [0; 72];
    random.fill_bytes(&mut extended);
    let ids = [("x-amzn-requestid", uuid(random.random())), ("x-amz-id-2", STANDARD.encode_to_string(extended))];
    for (name, id) in ids {
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(name, value);
        }
    }
}

/// A version 4 UUID made of random bits (RFC 9562, section 5.4).
fn uuid(bits: u128) -> String {
    const VERSION: u128 = 0xf << 76;
    const VARIANT: u128 = 0b11 << 62;
    let bits = (bits & !(VERSION | VARIANT)) | 4 << 76 | 0b10 << 62;
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// The body of an answer.
enum Outgoing {
    /// Complete; `None` once it is taken.
    Whole(Option<Bytes>),
    /// Frames of an event stream, as they come.
    Events(mpsc::Receiver<Result<Bytes, ConnectionDropped>>),
}

impl Outgoing {
    fn whole(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = ConnectionDropped;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ConnectionDropped>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Events(receiver) => receiver.poll_recv(context).map(|next| next.map(|next| next.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Events(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_version_4_uuids() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
