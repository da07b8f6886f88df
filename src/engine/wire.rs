//! PutRecords written and read by this module behind the SDK's extension points: the body goes straight from the records into one
//! buffer, in JSON or CBOR, and of the answer only what says what became of them is read. Endpoints, credentials, signing, timeouts
//! and connections stay the SDK's, and so do answers that are errors.

mod cbor;
mod json;

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_kinesis::operation::put_records::{PutRecordsError, PutRecordsOutput};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextMut, BeforeSerializationInterceptorContextMut, Error, Input, Output,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::client::ser_de::{
    DeserializeResponse, SerializeRequest, SharedRequestSerializer, SharedResponseDeserializer,
};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use bytes::Bytes;

use super::sdk::ShardMap;
use crate::client::{Entry, EntryOutcome, PackedSequence, Protocol};
use crate::workload::Payloads;

/// One PutRecords call on its way through the SDK.
#[derive(Debug, Clone)]
pub(super) struct PutRecordsWire(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    protocol: Protocol,
    body: Bytes,
    shards: ShardMap,
    outcomes: Mutex<Vec<EntryOutcome>>,
}

impl PutRecordsWire {
    /// A call that puts these records into a stream.
    pub fn new(protocol: Protocol, stream: &str, entries: &[Entry], payloads: &Payloads, shards: ShardMap) -> Self {
        let body = match protocol {
            Protocol::Json => json::write(stream, entries, payloads),
            Protocol::Cbor => cbor::write(stream, entries, payloads),
        };
        Self(Arc::new(Shared { protocol, body: body.into(), shards, outcomes: Mutex::default() }))
    }

    /// What became of each record, once the call was answered with success.
    pub fn outcomes(&self) -> Vec<EntryOutcome> {
        std::mem::take(&mut self.0.outcomes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[dyn_dispatch_hint]
impl Intercept for PutRecordsWire {
    fn name(&self) -> &'static str {
        "PutRecordsWire"
    }

    fn modify_before_serialization(
        &self,
        _context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(SharedRequestSerializer::new(self.clone()));
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // The SDK knows how to read errors, as long as they are JSON.
        if context.response().status().as_u16() == 200 || self.0.protocol == Protocol::Cbor {
            config.interceptor_state().store_put(SharedResponseDeserializer::new(self.clone()));
        }
        Ok(())
    }
}

impl SerializeRequest for PutRecordsWire {
    fn serialize_input(&self, _input: Input, _config: &mut ConfigBag) -> Result<HttpRequest, BoxError> {
        let body = self.0.body.clone();
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_method("POST")?;
        request.set_uri("/")?;
        let headers = request.headers_mut();
        let content_type = match self.0.protocol {
            Protocol::Json => "application/x-amz-json-1.1",
            Protocol::Cbor => cbor::CONTENT_TYPE,
        };
        headers.insert("content-type", content_type);
        headers.insert("x-amz-target", "Kinesis_20131202.PutRecords");
        headers.insert("content-length", body.len().to_string());
        *request.body_mut() = SdkBody::from(body);
        Ok(request)
    }
}

impl DeserializeResponse for PutRecordsWire {
    fn deserialize_nonstreaming_with_config(
        &self,
        response: &HttpResponse,
        _config: &ConfigBag,
    ) -> Result<Output, OrchestratorError<Error>> {
        let body = response.body().bytes().unwrap_or_default();
        if response.status().as_u16() != 200 {
            return Err(OrchestratorError::operation(Error::erase(PutRecordsError::generic(cbor::error(body)))));
        }
        let outcomes = match self.0.protocol {
            Protocol::Json => json::read(body, &self.0.shards).map_err(OrchestratorError::other)?,
            Protocol::Cbor => cbor::read(body, &self.0.shards).map_err(OrchestratorError::other)?,
        };
        *self.0.outcomes.lock().unwrap_or_else(PoisonError::into_inner) = outcomes;
        let output = PutRecordsOutput::builder().set_records(Some(Vec::new())).build();
        output.map(Output::erase).map_err(OrchestratorError::other)
    }
}

/// What an answer says of a record.
#[derive(Debug, Clone, Copy, Default)]
struct Said<'a> {
    shard: Option<&'a str>,
    sequence: Option<&'a str>,
    error: Option<&'a str>,
}

impl Said<'_> {
    fn outcome(self, shards: &ShardMap) -> EntryOutcome {
        match self.error {
            None => EntryOutcome::Accepted {
                shard: self.shard.and_then(|id| shards.index(id)),
                sequence: self.sequence.and_then(|number| PackedSequence::new(number.as_bytes())),
            },
            Some(code) => EntryOutcome::of_code(code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str, data: &'static [u8], explicit_hash_key: Option<u128>) -> Entry {
        Entry { key: key.into(), explicit_hash_key, data: Bytes::from_static(data).into() }
    }

    /// Records with what needs care when they are written.
    pub(super) fn entries() -> [Entry; 2] {
        [entry("a\"\\\u{1}é", b"\x00\xff\x10", None), entry("b", b"", Some(u128::MAX))]
    }
}
