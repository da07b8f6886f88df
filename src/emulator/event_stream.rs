//! What SubscribeToShard answers with: a stream of framed events (fact sheet, section 4, "Event stream").

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::{Bytes, BytesMut};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::service::{ConnectionDropped, OpenSubscription, Service};
use super::wire::{self, Fault, Format};
use crate::kinesis::SubscriptionPoll;
use crate::time::Time;

/// Frames that wait for a slow client before the service holds further ones back (section 1.4: "at most 10 payload
/// events").
const FRAMES_IN_FLIGHT: usize = 10;
/// How long after the end of a subscription's life its connection may still drain.
const DRAIN: Duration = Duration::from_secs(60);

/// A frame, or the end of the connection in the middle of the stream.
pub(super) type NextFrame = Result<Bytes, ConnectionDropped>;

/// Starts to push a subscription; the frames come out of the receiver, which ends with the subscription.
///
/// The subscription closes when the receiver is dropped, or when `closing` changes or its sender goes.
pub(super) fn start(subscription: OpenSubscription, mut closing: watch::Receiver<()>) -> mpsc::Receiver<NextFrame> {
    let (sender, receiver) = mpsc::channel(FRAMES_IN_FLIGHT);
    let service = Arc::clone(subscription.service());
    let life = service.settings().profile.fan_out.subscription_life + DRAIN;
    tokio::spawn(async move {
        tokio::select! {
            // A client that stops reading but stays connected must not hold the subscription for ever.
            _ = timeout(life, push(&service, &subscription, &sender)) => {}
            () = sender.closed() => {}
            _ = closing.changed() => {}
        }
    });
    receiver
}

/// Pushes until the subscription is over or the client is gone.
async fn push(service: &Service, subscription: &OpenSubscription, sender: &mpsc::Sender<NextFrame>) -> Option<()> {
    let format = subscription.format();
    sender.send(Ok(initial_response(format)?)).await.ok()?;
    loop {
        // Room first: what the client cannot take yet is not taken from the shard either.
        let room = sender.reserve().await.ok()?;
        // Listening starts before the poll, so that a record put between poll and wait is not missed.
        let changed = service.changed();
        match subscription.poll() {
            SubscriptionPoll::Event(event) => {
                room.send(Ok(event_frame(format, wire::event(format, &event, service.settings()))?));
                // One poll after the other is ready during a backlog; let other connections have their turn.
                tokio::task::yield_now().await;
            }
            SubscriptionPoll::Wait(until) => wait(service, until, changed).await,
            SubscriptionPoll::Ended => return Some(()),
            SubscriptionPoll::Failed(error) => {
                let fault = Fault::from(error);
                let dropped = fault.drops_connection();
                room.send(if dropped { Err(ConnectionDropped) } else { Ok(exception_frame(format, &fault)?) });
                return Some(());
            }
        }
    }
}

async fn wait(service: &Service, until: Time, changed: impl Future<Output = ()>) {
    tokio::select! {
        () = service.sleep_until(until) => {}
        () = changed => {}
    }
}

fn initial_response(format: Format) -> Option<Bytes> {
    frame(format, "event", (":event-type", "initial-response"), wire::initial_response(format))
}

fn event_frame(format: Format, payload: Vec<u8>) -> Option<Bytes> {
    frame(format, "event", (":event-type", "SubscribeToShardEvent"), payload)
}

fn exception_frame(format: Format, fault: &Fault) -> Option<Bytes> {
    let (name, payload) = wire::exception(format, fault);
    frame(format, "exception", (":exception-type", &name), payload)
}

/// One frame; `None` only if it is larger than the frame format allows.
fn frame(format: Format, kind: &'static str, typed: (&'static str, &str), payload: Vec<u8>) -> Option<Bytes> {
    let header = |name: &'static str, value: String| Header::new(name, HeaderValue::String(value.into()));
    let headers = vec![
        header(":message-type", kind.to_owned()),
        header(typed.0, typed.1.to_owned()),
        header(":content-type", format.content_type().to_owned()),
    ];
    // 16 bytes frame the message; the three headers take less than 240.
    let mut buffer = BytesMut::with_capacity(payload.len() + 256);
    write_message_to(&Message::new_from_parts(headers, payload), &mut buffer).ok()?;
    Some(buffer.freeze())
}

#[cfg(test)]
mod tests {
    use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};

    use super::*;
    use crate::kinesis::{ErrorKind, ServiceError};

    fn decode(frame: &Bytes) -> Message {
        let DecodedFrame::Complete(message) = MessageFrameDecoder::new().decode_frame(&mut frame.clone()).unwrap()
        else {
            panic!("the frame is not complete")
        };
        message
    }

    fn header<'m>(message: &'m Message, name: &str) -> &'m str {
        let header = message.headers().iter().find(|header| header.name().as_str() == name).unwrap();
        header.value().as_string().unwrap().as_str()
    }

    #[test]
    fn the_first_frame_is_the_initial_response() {
        let message = decode(&initial_response(Format::Json).unwrap());
        assert_eq!(header(&message, ":message-type"), "event");
        assert_eq!(header(&message, ":event-type"), "initial-response");
        assert_eq!(header(&message, ":content-type"), "application/x-amz-json-1.1");
        assert_eq!(message.payload().as_ref(), b"{}");
    }

    #[test]
    fn an_event_keeps_its_payload() {
        let message = decode(&event_frame(Format::Json, vec![b'x'; 2 << 20]).unwrap());
        assert_eq!(header(&message, ":event-type"), "SubscribeToShardEvent");
        assert_eq!(message.payload().len(), 2 << 20);
    }

    #[test]
    fn an_exception_names_its_type() {
        let error = ServiceError::new(ErrorKind::ResourceInUse, "taken over");
        let message = decode(&exception_frame(Format::Json, &error.into()).unwrap());
        assert_eq!(header(&message, ":message-type"), "exception");
        assert_eq!(header(&message, ":exception-type"), "ResourceInUseException");
        assert_eq!(message.payload().as_ref(), br#"{"message":"taken over"}"#);
    }

    #[test]
    fn a_damaged_frame_is_noticed() {
        let mut bytes = event_frame(Format::Json, b"{}".to_vec()).unwrap().to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        assert!(MessageFrameDecoder::new().decode_frame(&mut Bytes::from(bytes)).is_err());
    }
}
