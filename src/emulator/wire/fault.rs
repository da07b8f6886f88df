//! Errors as they go out: HTTP status, name and message (fact sheet, section 2.5).

use std::borrow::Cow;

use hyper::StatusCode;

use super::Format;
use super::writer::Writer;
use crate::kinesis::{ErrorKind, ServiceError};

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The HTTP status: 400 for everything the caller can mend.
    pub status: StatusCode,
    /// The name, as in `__type` and `:exception-type`.
    pub name: Cow<'static, str>,
    /// What went wrong.
    pub message: String,
}

impl Fault {
    /// An error with HTTP status 400.
    pub fn client(name: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, name: Cow::Borrowed(name), message: message.into() }
    }

    /// The body cannot be read as what the operation takes.
    pub fn serialization(message: impl Into<String>) -> Self {
        Self::client("SerializationException", message)
    }

    /// No such operation here.
    pub fn unknown_operation(message: impl Into<String>) -> Self {
        Self::client("UnknownOperationException", message)
    }

    /// The API has it and the emulator does not. The name is none of the model's and the status is 400, so that no SDK tries
    /// again and no caller takes it for the state of a resource.
    pub fn not_emulated(what: impl std::fmt::Display) -> Self {
        let message =
            format!("{what} is not emulated: this emulator serves streams and consumers, no queues or channels.");
        Self::client("UnsupportedOperationException", message)
    }

    /// An argument has the right form but cannot be used.
    pub fn invalid_argument(message: impl Into<String>) -> Self {
        ServiceError::new(ErrorKind::InvalidArgument, message).into()
    }

    /// Whether the connection is to break without an answer, instead of this being one.
    pub fn drops_connection(&self) -> bool {
        self.name == ErrorKind::ConnectionDropped.name()
    }

    /// The body of the answer. Only SerializationException writes `Message` with a capital.
    pub fn body(&self, format: Format) -> Vec<u8> {
        let member = if self.name == "SerializationException" { "Message" } else { "message" };
        let mut writer = Writer::new(format, self.message.len() + 96);
        writer.object(|w| {
            w.name("__type").text(&self.name);
            w.name(member).text(&self.message);
        });
        writer.finish()
    }
}

impl From<ServiceError> for Fault {
    fn from(error: ServiceError) -> Self {
        let status = StatusCode::from_u16(error.kind.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, ..Self::client(error.kind.name(), error.message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_serialization_exceptions_have_a_capital_message() {
        let text = |fault: Fault| String::from_utf8(fault.body(Format::Json)).unwrap();
        assert_eq!(text(Fault::serialization("no")), r#"{"__type":"SerializationException","Message":"no"}"#);
        let error = ServiceError::new(ErrorKind::ResourceNotFound, "a \"b\"");
        assert_eq!(text(error.into()), r#"{"__type":"ResourceNotFoundException","message":"a \"b\""}"#);
    }

    #[test]
    fn errors_are_written_in_the_format_of_the_request() {
        let body = Fault::client("E", "no").body(Format::Cbor);
        assert_eq!(body, b"\xbf\x66__type\x61E\x67message\x62no\xff");
    }

    #[test]
    fn the_status_is_that_of_the_error() {
        let status = |kind| Fault::from(ServiceError::new(kind, "")).status.as_u16();
        assert_eq!(status(ErrorKind::ResourceNotFound), 400);
        assert_eq!(status(ErrorKind::InternalFailure), 500);
        assert_eq!(status(ErrorKind::ServiceUnavailable), 503);
    }
}
