//! One PutRecords call through the SDK.

use std::fmt;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::primitives::Blob;

use super::clock::RunClock;
use super::errors::{classify, describe};
use super::sdk::ShardMap;
use super::wire::PutRecordsWire;
use crate::client::{Call, CallId, EntryOutcome, PackedSequence, Protocol};
use crate::run::{PutFailure, PutOutcome};
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
    pub outcome: PutOutcome,
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
        let outcome = match result {
            Ok(_) => {
                let mut outcomes = wire.outcomes();
                outcomes.truncate(entries);
                Ok(outcomes)
            }
            Err(error) => Err(failure(&error)),
        };
        Answer { id, sent, answered, outcome }
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
        let outcome = match result {
            Ok(answer) => {
                let shard = shards.index(answer.shard_id());
                let sequence = PackedSequence::new(answer.sequence_number().as_bytes());
                Ok(vec![EntryOutcome::Accepted { shard, sequence }])
            }
            Err(error) => Err(failure(&error)),
        };
        Answer { id, sent, answered, outcome }
    }
}

/// Why a call failed as a whole.
fn failure<E, R>(error: &SdkError<E, R>) -> PutFailure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: fmt::Debug,
{
    let reason = describe(error);
    tracing::debug!(reason, "a PutRecords call failed");
    match error {
        SdkError::TimeoutError(_) => PutFailure::timeout(),
        error => PutFailure { failure: classify(error), reason },
    }
}
