//! One PutRecords call through the SDK, and what its answer means.

use std::fmt;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::primitives::Blob;
use aws_smithy_runtime_api::client::result::DispatchFailure;

use super::clock::RunClock;
use super::stream::ShardMap;
use super::wire::PutRecordsWire;
use crate::client::{Call, CallId, CallOutcome, EntryOutcome, Failure, PackedSequence, Protocol};
use crate::time::Time;
use crate::workload::Payloads;

/// A call that is over.
#[derive(Debug)]
pub struct Answer {
    /// The call.
    pub id: CallId,
    /// When it was sent.
    pub sent: Time,
    /// When its answer came, or was given up.
    pub answered: Time,
    /// How it ended.
    pub outcome: CallOutcome,
    /// What the service said if the call failed as a whole.
    pub reason: Option<String>,
}

/// Makes the calls of a run.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The SDK.
    pub client: Client,
    /// What gives records their data.
    pub payloads: Payloads,
    /// The clock of the run.
    pub clock: RunClock,
    /// Whether a call is a PutRecord with its one entry.
    pub single: bool,
    /// How PutRecords is written.
    pub protocol: Protocol,
}

impl Caller {
    /// Makes a call.
    pub async fn put(self, stream: String, call: Call, shards: ShardMap) -> Answer {
        if self.single {
            return self.put_record(stream, call, shards).await;
        }
        let (id, entries) = (call.id, call.entries.len());
        let wire = PutRecordsWire::new(self.protocol, &stream, &call.entries, &self.payloads, shards);
        let request = self.client.put_records().stream_name(stream).set_records(Some(Vec::new()));
        let sent = self.clock.now();
        let result = request.customize().interceptor(wire.clone()).send().await;
        let answered = self.clock.now();
        let (outcome, reason) = match result {
            Ok(_) => {
                let mut outcomes = wire.outcomes();
                outcomes.truncate(entries);
                (CallOutcome::Answered(outcomes), None)
            }
            Err(error) => (CallOutcome::Failed(classify(&error)), Some(describe(&error))),
        };
        Answer { id, sent, answered, outcome, reason }
    }

    async fn put_record(self, stream: String, call: Call, shards: ShardMap) -> Answer {
        let id = call.id;
        let entry = call.entries.into_iter().next();
        let request = self.client.put_record().stream_name(stream);
        let request = match entry {
            Some(entry) => request
                .partition_key(entry.key.as_ref())
                .set_explicit_hash_key(entry.explicit_hash_key.map(|key| key.to_string()))
                .data(Blob::new(Vec::from(self.payloads.bytes(entry.data)))),
            None => request,
        };
        let sent = self.clock.now();
        let result = request.send().await;
        let answered = self.clock.now();
        let (outcome, reason) = match result {
            Ok(answer) => {
                let shard = shards.index(answer.shard_id());
                let sequence = PackedSequence::new(answer.sequence_number().as_bytes());
                (CallOutcome::Answered(vec![EntryOutcome::Accepted { shard, sequence }]), None)
            }
            Err(error) => (CallOutcome::Failed(classify(&error)), Some(describe(&error))),
        };
        Answer { id, sent, answered, outcome, reason }
    }
}

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
        SdkError::ServiceError(service) => match service.err().code() {
            Some(
                "ProvisionedThroughputExceededException"
                | "LimitExceededException"
                | "ThrottlingException"
                | "KMSThrottlingException",
            ) => Failure::Throttled,
            Some("InternalFailure" | "InternalFailureException" | "ServiceUnavailable" | "InternalServerError")
            | None => Failure::InternalFailure,
            // They were valid once; those that never were (UnrecognizedClientException) are rejected for good.
            Some("ExpiredToken" | "ExpiredTokenException") => Failure::ExpiredCredentials,
            Some(_) => Failure::Rejected,
        },
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
    fn every_code_of_the_service_has_its_meaning() {
        let meaning = |code: &str| {
            let metadata = ErrorMetadata::builder().code(code).message("words").build();
            classify(&Error::service_error(PutRecordsError::generic(metadata), ()))
        };
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
        ] {
            assert_eq!(meaning(code), failure, "{code}");
        }
        let nameless = PutRecordsError::generic(ErrorMetadata::builder().build());
        assert_eq!(classify(&Error::service_error(nameless, ())), Failure::InternalFailure);
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
