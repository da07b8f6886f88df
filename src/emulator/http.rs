//! HTTP: routing of requests, bodies in and out, headers of answers.

use std::pin::Pin;
use std::task::{Context, Poll};

use base64_simd::STANDARD;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use rand::{Rng as _, RngExt as _};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::auth::Signature;
use super::buffers::Buffer;
use super::server::Server;
use super::service::{Answer, ConnectionDropped, Service};
use super::wire::{Fault, Format, Target};
use super::{event_stream, front, observe};
use crate::prometheus;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const EXTENDED_ID: HeaderName = HeaderName::from_static("x-amz-id-2");
const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";
/// How requests are counted that name no operation of ours.
const UNKNOWN_OPERATION: &str = "unknown";

/// Answers one request. `local` says whether it comes from this machine.
pub(super) async fn respond(
    server: &Server,
    request: Request<Incoming>,
    local: bool,
    closing: watch::Receiver<()>,
) -> Result<Response<Outgoing>, ConnectionDropped> {
    let (parts, body) = request.into_parts();
    if parts.method == Method::GET
        && let Some(response) = observed(server, parts.uri.path(), local)
    {
        return Ok(response);
    }
    if parts.method == Method::PUT && parts.uri.path() == "/faults" && (server.authority.is_none() || local) {
        return Ok(put_faults(server, &parts, body).await);
    }
    let (name, mut response) = match front::admit(&parts, body.is_end_stream()) {
        Ok((target, format)) => {
            let response = match answer(server, target, format, &parts, body).await {
                Ok(Answer::Body(body)) => typed(Outgoing::whole(body.into()), StatusCode::OK, format.content_type()),
                Ok(Answer::Subscription(subscription)) => {
                    typed(Outgoing::Events(event_stream::start(subscription, closing)), StatusCode::OK, EVENT_STREAM)
                }
                Err(fault) if fault.drops_connection() => return Err(ConnectionDropped),
                Err(fault) => typed(Outgoing::whole(fault.body(format).into()), fault.status, format.content_type()),
            };
            (target.name(), response)
        }
        Err(refusal) => {
            let (body, content_type) = refusal.body();
            (UNKNOWN_OPERATION, typed(Outgoing::whole(body.into()), refusal.fault.status, content_type))
        }
    };
    server.counters.answered(name, response.status().as_u16());
    add_ids(&mut response, &server.service);
    Ok(response)
}

/// What the server shows of itself at `path`, if it shows it to this peer.
///
/// `/health` says nothing that a connection does not. The others are for everyone, as the API is; where the API asks for
/// signatures, which Prometheus cannot make, they are for this machine only.
fn observed(server: &Server, path: &str, local: bool) -> Option<Response<Outgoing>> {
    let shown = server.authority.is_none() || local;
    let (body, content_type) = match path {
        "/health" => (Bytes::from_static(b"ok"), "text/plain"),
        "/metrics" if shown => (observe::metrics(&server.service, &server.counters).into(), prometheus::CONTENT_TYPE),
        "/faults" if shown => (server.service.faults().into(), "application/json"),
        "/state" if shown => (observe::state(&server.service).into(), "application/json"),
        _ => return None,
    };
    Some(typed(Outgoing::whole(body), StatusCode::OK, content_type))
}

/// Puts the fault rules of the body in the place of those in force. Whoever may call the API may do so.
async fn put_faults(server: &Server, parts: &Parts, body: Incoming) -> Response<Outgoing> {
    let put = match read_body(server, parts, body).await {
        Ok(body) => server.service.put_faults(body.as_ref()),
        Err(fault) => Err(fault.message),
    };
    match put {
        Ok(()) => typed(Outgoing::whole(Bytes::new()), StatusCode::NO_CONTENT, "application/json"),
        Err(problem) => typed(Outgoing::whole(problem.into()), StatusCode::BAD_REQUEST, "text/plain; charset=utf-8"),
    }
}

/// Reads the body, has the request handled and waits until the answer is due.
async fn answer(
    server: &Server,
    target: Target,
    format: Format,
    parts: &Parts,
    body: Incoming,
) -> Result<Answer, Fault> {
    let service = &server.service;
    // A request that cannot be authentic is not read any further.
    let signature = server.authority.as_ref().map(|_| Signature::of(parts)).transpose()?;
    let body = read_body(server, parts, body).await?;
    if let (Some(authority), Some(signature)) = (&server.authority, signature) {
        authority.verify(parts, &signature, body.as_ref(), jiff::Timestamp::now())?;
    }
    let (answer, ready_at) = service.call(target, format, body);
    service.sleep_until(ready_at).await;
    answer
}

async fn read_body(server: &Server, parts: &Parts, mut body: Incoming) -> Result<Buffer, Fault> {
    let most = server.service.settings().profile.request.body_bytes;
    let too_large = || Fault {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        ..Fault::client("RequestEntityTooLargeException", format!("The body exceeds {most} bytes."))
    };
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let announced = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let mut buffer = server.buffers.take();
    let read = async {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Fault::serialization("The body could not be read."))?;
            let Some(data) = frame.data_ref() else { continue };
            if data.len() > most - buffer.as_ref().len() {
                return Err(too_large());
            }
            // Not before something has come: an announcement costs a peer nothing.
            if buffer.as_ref().is_empty() {
                buffer.expect(announced.unwrap_or(0));
            }
            buffer.extend(data);
        }
        Ok(buffer)
    };
    timeout(server.limits.body, read).await.unwrap_or_else(|_| {
        Err(Fault {
            status: StatusCode::REQUEST_TIMEOUT,
            ..Fault::client("RequestTimeoutException", "The body took too long.")
        })
    })
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
    let ids = [(REQUEST_ID, uuid(random.random())), (EXTENDED_ID, STANDARD.encode_to_string(extended))];
    for (name, id) in ids {
        if let Ok(value) = HeaderValue::try_from(id) {
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
pub(super) enum Outgoing {
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
