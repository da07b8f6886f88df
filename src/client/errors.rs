//! What an error of the service means, by its code: one table for the SDK's answers and for those of the simulated service.

use super::consumer::{ReadOutcome, Wire};
use super::producer::{EntryOutcome, Failure};

/// The code with which the service refuses an iterator that is older than five minutes.
const EXPIRED_ITERATOR: &str = "ExpiredIteratorException";
/// The code with which a shard refuses what is beyond its quota.
const THROTTLED: &str = "ProvisionedThroughputExceededException";

impl Failure {
    /// What the refusal of a whole call means for its records. An answer without a code comes from something that broke on the
    /// way.
    pub fn of_code(code: Option<&str>) -> Self {
        match code {
            Some(THROTTLED | "LimitExceededException" | "ThrottlingException" | "KMSThrottlingException") => {
                Self::Throttled
            }
            Some("InternalFailure" | "InternalFailureException" | "ServiceUnavailable" | "InternalServerError")
            | None => Self::InternalFailure,
            // They were valid once; those that never were (UnrecognizedClientException) are rejected for good.
            Some("ExpiredToken" | "ExpiredTokenException") => Self::ExpiredCredentials,
            // No code of the API: the service half breaks the connection without an answer.
            Some("ConnectionDropped") => Self::ConnectionReset,
            Some(_) => Self::Rejected,
        }
    }
}

impl EntryOutcome {
    /// What became of a record that an answer has this error code for.
    pub fn of_code(code: &str) -> Self {
        if code == THROTTLED { Self::Throttled } else { Self::InternalFailure }
    }
}

impl<W: Wire> ReadOutcome<W> {
    /// How a reading call ended that failed in this way, with this code.
    pub fn of_failure(failure: Failure, code: &str) -> Self {
        match failure {
            Failure::Throttled => Self::Throttled,
            _ if code == EXPIRED_ITERATOR => Self::ExpiredIterator,
            _ => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinesis::ErrorKind;

    #[test]
    fn every_code_of_the_service_has_its_meaning() {
        for (code, failure) in [
            ("ProvisionedThroughputExceededException", Failure::Throttled),
            ("LimitExceededException", Failure::Throttled),
            ("ThrottlingException", Failure::Throttled),
            ("KMSThrottlingException", Failure::Throttled),
            ("InternalFailure", Failure::InternalFailure),
            ("InternalFailureException", Failure::InternalFailure),
            ("InternalServerError", Failure::InternalFailure),
            ("ServiceUnavailable", Failure::InternalFailure),
            ("ExpiredTokenException", Failure::ExpiredCredentials),
            ("ExpiredToken", Failure::ExpiredCredentials),
            ("UnrecognizedClientException", Failure::Rejected),
            ("InvalidSignatureException", Failure::Rejected),
            ("RequestExpired", Failure::Rejected),
            ("AccessDeniedException", Failure::Rejected),
            ("ResourceNotFoundException", Failure::Rejected),
            ("InvalidArgumentException", Failure::Rejected),
            ("KMSDisabledException", Failure::Rejected),
            ("ExpiredIteratorException", Failure::Rejected),
        ] {
            assert_eq!(Failure::of_code(Some(code)), failure, "{code}");
        }
        assert_eq!(Failure::of_code(None), Failure::InternalFailure);
    }

    #[test]
    fn the_errors_of_the_service_half_have_their_meaning() {
        for (kind, failure) in [
            (ErrorKind::ProvisionedThroughputExceeded, Failure::Throttled),
            (ErrorKind::LimitExceeded, Failure::Throttled),
            (ErrorKind::Throttling, Failure::Throttled),
            (ErrorKind::InternalFailure, Failure::InternalFailure),
            (ErrorKind::ServiceUnavailable, Failure::InternalFailure),
            (ErrorKind::ConnectionDropped, Failure::ConnectionReset),
            (ErrorKind::ExpiredToken, Failure::ExpiredCredentials),
            (ErrorKind::ResourceNotFound, Failure::Rejected),
            (ErrorKind::InvalidArgument, Failure::Rejected),
            (ErrorKind::Validation, Failure::Rejected),
            (ErrorKind::AccessDenied, Failure::Rejected),
            (ErrorKind::ExpiredIterator, Failure::Rejected),
        ] {
            assert_eq!(Failure::of_code(Some(kind.name())), failure, "{kind:?}");
        }
    }
}
