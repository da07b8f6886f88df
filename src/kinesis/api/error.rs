//! Why the service refuses (fact sheet, section 2.5).

/// Why the service refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", kind.name())]
pub struct ServiceError {
    /// Which of the modelled errors.
    pub kind: ErrorKind,
    /// The text, as AWS words it (fact sheet, section 2.5).
    pub message: String,
}

/// The modelled errors that this service half gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the variants are the API's errors")]
pub enum ErrorKind {
    ResourceNotFound,
    ResourceInUse,
    LimitExceeded,
    InvalidArgument,
    Validation,
    ProvisionedThroughputExceeded,
    ExpiredIterator,
    ExpiredNextToken,
    AccessDenied,
    /// Only fault injection gives it: the credentials were valid once.
    ExpiredToken,
    /// HTTP 500.
    InternalFailure,
    /// HTTP 503.
    ServiceUnavailable,
    /// Only fault injection gives it; quotas are `LimitExceeded` and `ProvisionedThroughputExceeded`.
    Throttling,
    /// No error of the API: the connection breaks without an answer.
    ConnectionDropped,
}

impl ErrorKind {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::ResourceInUse => "ResourceInUseException",
            Self::LimitExceeded => "LimitExceededException",
            Self::InvalidArgument => "InvalidArgumentException",
            Self::Validation => "ValidationException",
            Self::ProvisionedThroughputExceeded => "ProvisionedThroughputExceededException",
            Self::ExpiredIterator => "ExpiredIteratorException",
            Self::ExpiredNextToken => "ExpiredNextTokenException",
            Self::AccessDenied => "AccessDeniedException",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::InternalFailure => "InternalFailure",
            Self::ServiceUnavailable => "ServiceUnavailable",
            Self::Throttling => "ThrottlingException",
            Self::ConnectionDropped => "ConnectionDropped",
        }
    }

    /// The status of the HTTP answer.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::InternalFailure => 500,
            Self::ServiceUnavailable => 503,
            _ => 400,
        }
    }
}

impl ServiceError {
    /// An error of `kind` saying `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}
