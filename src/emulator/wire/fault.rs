//! Errors as they go out: HTTP status, name and message (fact sheet, section 2.5).

use std::borrow::Cow;

use hyper::StatusCode;

use crate::kinesis::{ErrorKind, ServiceError};

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::emulator) struct Fault {
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

    /// The body is not the JSON that the operation takes.
    pub fn serialization(message: impl Into<String>) -> Self {
        Self::client("SerializationException", message)
    }

    /// No such operation here.
    pub fn unknown_operation(message: impl Into<String>) -> Self {
        Self::client("UnknownOperationException", message)
    }

    /// An argument has the right form but cannot be used.
    pub fn invalid_argument(message: impl Into<String>) -> Self {
        ServiceError::new(ErrorKind::InvalidArgument, message).into()
    }

    /// The fault is ours.
    pub fn internal(message: impl Into<String>) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self { status, name: Cow::Borrowed("InternalFailure"), message: message.into() }
    }

    /// The body of the answer. Only SerializationException writes `Message` with a capital.
    pub fn body(&self) -> Vec<u8> {
        let member = if self.name == "SerializationException" { "Message" } else { "message" };
        serde_json::json!({ "__type": self.name, member: self.message }).to_string().into_bytes()
    }
}

impl From<ServiceError> for Fault {
    fn from(error: ServiceError) -> Self {
        Self::client(error.kind.name(), error.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_serialization_exceptions_have_a_capital_message() {
        let text = |fault: Fault| String::from_utf8(fault.body()).unwrap();
        assert_eq!(text(Fault::serialization("no")), r#"{"Message":"no","__type":"SerializationException"}"#);
        let error = ServiceError::new(ErrorKind::ResourceNotFound, "a \"b\"");
        assert_eq!(text(error.into()), r#"{"__type":"ResourceNotFoundException","message":"a \"b\""}"#);
    }
}
