//! PutRecords written and read by this module behind the SDK's extension points: the body goes straight from the records into one
//! buffer, and of the answer only what says what became of them is read. Endpoints, credentials, signing, timeouts and connections
//! stay the SDK's, and so do answers that are errors.

mod answer;

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_kinesis::operation::put_records::PutRecordsOutput;
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
use base64_simd::STANDARD;
use bytes::Bytes;

use super::stream::ShardMap;
use crate::client::{Entry, EntryOutcome};
use crate::workload::Payloads;

/// One PutRecords call on its way through the SDK.
#[derive(Debug, Clone)]
pub(super) struct PutRecordsWire(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    body: Bytes,
    shards: ShardMap,
    outcomes: Mutex<Vec<EntryOutcome>>,
}

impl PutRecordsWire {
    /// A call that puts these records into a stream.
    pub fn new(stream: &str, entries: &[Entry], payloads: &Payloads, shards: ShardMap) -> Self {
        let body = write_body(stream, entries, payloads).into();
        Self(Arc::new(Shared { body, shards, outcomes: Mutex::default() }))
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
        // The SDK knows how to read errors.
        if context.response().status().as_u16() == 200 {
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
        headers.insert("content-type", "application/x-amz-json-1.1");
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
        let outcomes = answer::read(body, &self.0.shards).map_err(OrchestratorError::other)?;
        *self.0.outcomes.lock().unwrap_or_else(PoisonError::into_inner) = outcomes;
        let output = PutRecordsOutput::builder().set_records(Some(Vec::new())).build();
        output.map(Output::erase).map_err(OrchestratorError::other)
    }
}

/// The body of the call in JSON (fact sheet, section 4).
fn write_body(stream: &str, entries: &[Entry], payloads: &Payloads) -> Vec<u8> {
    /// What frames a record, with an explicit hash key and its 39 digits.
    const FRAME: usize = 100;
    let size = |entry: &Entry| STANDARD.encoded_length(entry.data.len()) + entry.key.len() + FRAME;
    let mut body = Vec::with_capacity(entries.iter().map(size).sum::<usize>() + stream.len() + FRAME);
    let mut data = Vec::new();
    body.extend_from_slice(b"{\"Records\":[");
    for (position, entry) in entries.iter().enumerate() {
        body.extend_from_slice(if position == 0 { b"{\"Data\":\"" } else { b",{\"Data\":\"" });
        data.clear();
        payloads.write(&entry.data, &mut data);
        STANDARD.encode_append(&data, &mut body);
        if let Some(key) = entry.explicit_hash_key {
            body.extend_from_slice(b"\",\"ExplicitHashKey\":\"");
            body.extend_from_slice(itoa::Buffer::new().format(key).as_bytes());
        }
        body.extend_from_slice(b"\",\"PartitionKey\":");
        write_text(&mut body, &entry.key);
        body.push(b'}');
    }
    body.extend_from_slice(b"],\"StreamName\":");
    write_text(&mut body, stream);
    body.push(b'}');
    body
}

fn write_text(body: &mut Vec<u8>, text: &str) {
    // Writing a text into a vector cannot fail.
    let _ = serde_json::to_writer(body, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use crate::workload::Filling;

    fn entry(key: &str, data: &'static [u8], explicit_hash_key: Option<u128>) -> Entry {
        Entry { key: key.into(), explicit_hash_key, data: Bytes::from_static(data).into() }
    }

    #[test]
    fn a_call_is_written_as_the_service_reads_it() {
        let entries = [entry("a\"\\\u{1}é", b"\x00\xff\x10", None), entry("b", b"", Some(u128::MAX))];
        let body: serde_json::Value =
            serde_json::from_slice(&write_body("orders", &entries, &Payloads::new(1, Seed(1), Filling::Random)))
                .unwrap();
        let expected = serde_json::json!({
            "StreamName": "orders",
            "Records": [
                { "Data": "AP8Q", "PartitionKey": "a\"\\\u{1}é" },
                { "Data": "", "PartitionKey": "b", "ExplicitHashKey": "340282366920938463463374607431768211455" },
            ],
        });
        assert_eq!(body, expected);
    }
}
