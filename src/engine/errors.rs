//! What errors of the SDK mean, and the words for them.

use std::fmt;

use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::result::DispatchFailure;

use crate::client::Failure;

/// What an error of the SDK means for the records of the call.
pub fn classify<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Failure {
    match error {
        SdkError::ConstructionFailure(_) => Failure::Rejected,
        SdkError::TimeoutError(_) => Failure::Timeout,
        // The connection broke, in whatever way: the request may have been carried out.
        SdkError::ResponseError(_) => Failure::ConnectionReset,
        SdkError::DispatchFailure(failure) if failure.is_user() => Failure::Rejected,
        SdkError::DispatchFailure(failure) if never_connected(failure) => Failure::Unreachable,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => Failure::Timeout,
        SdkError::DispatchFailure(_) => Failure::ConnectionReset,
        SdkError::ServiceError(service) => Failure::of_code(service.err().code()),
        _ => Failure::ConnectionReset,
    }
}

/// Whether no connection was made, so that nothing can have been sent.
fn never_connected(failure: &DispatchFailure) -> bool {
    let mut source = failure.as_connector_error().and_then(std::error::Error::source);
    while let Some(error) = source {
        if error.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|error| error.is_connect()) {
            return true;
        }
        if error.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused) {
            return true;
        }
        source = error.source();
    }
    false
}

/// The code and message of a service error, or the whole chain of causes of another one. Never contains credentials.
pub fn describe<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: fmt::Debug,
{
    if let SdkError::ServiceError(service) = error {
        return match (service.err().code(), service.err().message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.to_owned(),
            // Errors inside an event stream carry their code in their type alone.
            (None, _) => service.err().to_string(),
        };
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use aws_sdk_kinesis::error::ErrorMetadata;
    use aws_sdk_kinesis::operation::put_records::PutRecordsError;
    use aws_smithy_runtime_api::client::result::ConnectorError;

    use super::*;

    type Error = SdkError<PutRecordsError, ()>;

    #[test]
    fn an_error_of_the_service_means_what_its_code_says() {
        let error = |metadata: ErrorMetadata| Error::service_error(PutRecordsError::generic(metadata), ());
        let throttled = ErrorMetadata::builder().code("LimitExceededException").message("words").build();
        assert_eq!(classify(&error(throttled)), Failure::Throttled);
        assert_eq!(classify(&error(ErrorMetadata::builder().build())), Failure::InternalFailure);
    }

    #[test]
    fn every_way_to_get_no_answer_has_its_meaning() {
        let io = |kind: std::io::ErrorKind| Box::new(std::io::Error::from(kind));
        let refused = ConnectorError::io(io(std::io::ErrorKind::ConnectionRefused));
        let broken = ConnectorError::io(io(std::io::ErrorKind::ConnectionReset));
        let late = ConnectorError::timeout(io(std::io::ErrorKind::TimedOut));
        let user = ConnectorError::user("no".into());
        for (error, failure) in [
            (Error::construction_failure("no"), Failure::Rejected),
            (Error::timeout_error("late"), Failure::Timeout),
            (Error::response_error("cut off", ()), Failure::ConnectionReset),
            (Error::dispatch_failure(user), Failure::Rejected),
            (Error::dispatch_failure(refused), Failure::Unreachable),
            (Error::dispatch_failure(late), Failure::Timeout),
            (Error::dispatch_failure(broken), Failure::ConnectionReset),
        ] {
            assert_eq!(classify(&error), failure, "{error:?}");
        }
        assert!(Failure::Timeout.perhaps_stored() && Failure::ConnectionReset.perhaps_stored());
        assert!(!Failure::Unreachable.perhaps_stored(), "nothing was sent");
    }
}
