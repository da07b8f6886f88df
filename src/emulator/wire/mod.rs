//! AWS's protocols, JSON 1.1 and CBOR: requests in, answers out (fact sheet, section 4).
//!
//! A body becomes a tree of values, each value gets the type that the API model says, the constraints of the model are
//! checked, and what is left is converted into a [`Request`]. Each step words its own errors. Puts in the usual layout take
//! a shorter way to the same result.

mod arn;
mod constraints;
mod convert;
mod fast;
mod fault;
mod model;
mod page;
mod responses;
mod token;
mod types;
mod value;
mod writer;

use std::fmt;
use std::str::FromStr;

pub use self::fault::Fault;
pub use self::page::Page;
pub use self::responses::{event, exception, initial_response, response};
use crate::kinesis::{Operation, Request, Settings};
use crate::time::Time;

/// Most bytes of a text that a message repeats; a peer must not make us echo megabytes.
const SHOWN_BYTES: usize = 1024;

/// How bodies are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `application/x-amz-json-1.1`: blobs are base64, moments are seconds.
    Json,
    /// `application/x-amz-cbor-1.1`: blobs are bytes, moments are milliseconds with tag 1.
    Cbor,
}

/// An operation of the API by its name, whether the emulator serves it or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Served.
    Served(Operation),
    /// Its requests are checked, but then refused: those of queues and channels.
    NotEmulated(&'static str),
}

/// The body of a request, which the records of a put stay in.
pub trait Body: AsRef<[u8]> + AsMut<[u8]> + Send + 'static {}

impl<B: AsRef<[u8]> + AsMut<[u8]> + Send + 'static> Body for B {}

/// What a request is read against.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Account, region and epoch.
    pub settings: &'a Settings,
    /// The time of the request.
    pub now: Time,
}

/// Reads and validates the body of a request.
///
/// # Errors
/// SerializationException if the body is not what the operation takes, ValidationException if a member breaks a constraint of
/// the model, InvalidArgumentException and others if members cannot be used or do not go together.
pub fn decode(target: Target, format: Format, body: impl Body, context: Context<'_>) -> Result<Request, Fault> {
    if let (Target::Served(operation), Format::Json) = (target, format)
        && let Some(put) = fast::read(operation, body.as_ref(), context)
    {
        return put.request(body);
    }
    decode_with_care(target, format, body.as_ref(), context)
}

/// [`decode`] without the short way.
fn decode_with_care(target: Target, format: Format, body: &[u8], context: Context<'_>) -> Result<Request, Fault> {
    let name = target.name();
    let shape = model::model().input(name).ok_or_else(|| Fault::unknown_operation(format!("{name} is unknown.")))?;
    let request = types::fit(value::read(format, body)?, shape)?;
    if request == value::Value::Null {
        return Err(Fault::serialization("The body must be an object."));
    }
    constraints::check(&request, shape)?;
    match target {
        Target::Served(operation) => convert::request(operation, &request, context),
        Target::NotEmulated(name) => Err(Fault::not_emulated(name)),
    }
}

impl Format {
    /// The content type of bodies in this format.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/x-amz-json-1.1",
            Self::Cbor => "application/x-amz-cbor-1.1",
        }
    }
}

impl Target {
    /// The operations that the model has and the emulator does not serve.
    const NOT_EMULATED: [&str; 17] = [
        "AcknowledgeDeadLetterQueueRecords",
        "AcknowledgeQueueRecords",
        "CreateChannel",
        "CreateQueue",
        "DeleteChannel",
        "DeleteQueue",
        "DescribeChannel",
        "DescribeQueue",
        "ListChannels",
        "ListQueues",
        "ReceiveDeadLetterQueueRecords",
        "ReceiveQueueRecords",
        "RestoreDeadLetterQueueRecords",
        "UpdateChannel",
        "UpdateDeadLetterQueueRecordsVisibility",
        "UpdateQueue",
        "UpdateQueueRecordsVisibility",
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Served(operation) => operation.name(),
            Self::NotEmulated(name) => name,
        }
    }
}

impl FromStr for Target {
    type Err = Fault;

    fn from_str(name: &str) -> Result<Self, Fault> {
        if let Ok(operation) = name.parse() {
            return Ok(Self::Served(operation));
        }
        let known = Self::NOT_EMULATED.into_iter().find(|known| *known == name);
        known.map(Self::NotEmulated).ok_or_else(|| Fault::unknown_operation("The API has no such operation."))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The start of a text, for messages.
fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(SHOWN_BYTES)]
}

#[cfg(test)]
mod tests;
