//! Answers as JSON, written straight into one buffer.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};

use super::arn;
use crate::emulator::token::{self, ShardListToken};
use crate::kinesis::{
    ConsumerDescription, GetRecords, PutReceipt, ReadRecord, Response, ServiceError, Settings, ShardDescription,
    Status, StreamMode, StreamSummary, SubscriptionEvent,
};
use crate::time::Time;

/// Bytes of a record's JSON beside data and partition key, for the size of the buffer.
const RECORD_OVERHEAD: usize = 170;

/// The body of an answer; a void operation has an empty one. `None` for what has no body of its own: listings need what
/// was asked ([`list_shards`]), and a subscription is an event stream.
pub(in crate::emulator) fn body(response: &Response, settings: &Settings) -> Option<Vec<u8>> {
    match response {
        Response::Empty => Some(Vec::new()),
        Response::PutRecord(receipt) => Some(put_record(receipt)),
        Response::PutRecords(receipts) => Some(put_records(receipts)),
        Response::GetRecords(records) => Some(get_records(records, settings)),
        Response::GetShardIterator(iterator) => {
            json(&ShardIterator { shard_iterator: token::encode_iterator(iterator) })
        }
        Response::DescribeStreamSummary(summary) => {
            let members = StreamDescriptionSummary {
                common: StreamMembers::new(summary, settings),
                open_shard_count: summary.open_shards,
                consumer_count: summary.consumers,
            };
            json(&StreamDescriptionSummaryAnswer { stream_description_summary: members })
        }
        Response::RegisterStreamConsumer(consumer) => json(&Registered { consumer: Consumer::new(consumer, settings) }),
        Response::DescribeStreamConsumer(consumer) => json(&Described {
            consumer_description: ConsumerDetails {
                consumer: Consumer::new(consumer, settings),
                stream_arn: arn::stream(settings, &consumer.stream),
            },
        }),
        Response::ListShards { .. } | Response::SubscribeToShard(_) => None,
    }
}

/// The answer of ListShards; `more` asks for a token that names the next page.
pub(in crate::emulator) fn list_shards(stream: &str, shards: &[ShardDescription], more: bool) -> Option<Vec<u8>> {
    let last = shards.last().filter(|_| more);
    let next_token =
        last.map(|last| token::encode_shard_list(&ShardListToken { stream: stream.to_owned(), after: last.shard }));
    json(&Shards { shards: shards.iter().map(Shard::new).collect(), next_token })
}

/// The answer of DescribeStream.
pub(in crate::emulator) fn describe_stream(
    summary: &StreamSummary,
    shards: &[ShardDescription],
    more: bool,
    settings: &Settings,
) -> Option<Vec<u8>> {
    let stream_description = StreamDescription {
        common: StreamMembers::new(summary, settings),
        shards: shards.iter().map(Shard::new).collect(),
        has_more_shards: more,
    };
    json(&StreamDescriptionAnswer { stream_description })
}

/// The payload of one event of SubscribeToShard.
pub(in crate::emulator) fn subscription_event(event: &SubscriptionEvent, settings: &Settings) -> Vec<u8> {
    let mut out = Vec::with_capacity(records_size(&event.records));
    out.extend_from_slice(b"{\"Records\":");
    write_records(&mut out, &event.records, settings);
    // Writing into a vector cannot fail.
    let _ = write!(
        out,
        ",\"ContinuationSequenceNumber\":\"{}\",\"MillisBehindLatest\":{}}}",
        event.continuation, event.millis_behind_latest
    );
    out
}

fn get_records(answer: &GetRecords, settings: &Settings) -> Vec<u8> {
    let mut out = Vec::with_capacity(records_size(&answer.records));
    out.extend_from_slice(b"{\"Records\":");
    write_records(&mut out, &answer.records, settings);
    if let Some(next) = &answer.next {
        let _ = write!(out, ",\"NextShardIterator\":\"{}\"", token::encode_iterator(next));
    }
    let _ = write!(out, ",\"MillisBehindLatest\":{}}}", answer.millis_behind_latest);
    out
}

fn records_size(records: &[ReadRecord]) -> usize {
    let size = |record: &ReadRecord| record.data.len() * 4 / 3 + record.partition_key.len() + RECORD_OVERHEAD;
    // An iterator token has less than 512 characters.
    records.iter().map(size).sum::<usize>() + 640
}

fn write_records(out: &mut Vec<u8>, records: &[ReadRecord], settings: &Settings) {
    out.push(b'[');
    for (index, record) in records.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let _ = write!(
            out,
            "{{\"SequenceNumber\":\"{}\",\"ApproximateArrivalTimestamp\":{},\"Data\":\"",
            record.sequence_number,
            Timestamp::new(record.arrival, settings)
        );
        write_base64(out, &record.data);
        out.extend_from_slice(b"\",\"PartitionKey\":");
        let _ = serde_json::to_writer(&mut *out, &String::from_utf8_lossy(&record.partition_key));
        out.push(b'}');
    }
    out.push(b']');
}

fn write_base64(out: &mut Vec<u8>, data: &[u8]) {
    let start = out.len();
    out.resize(start + data.len().div_ceil(3) * 4, 0);
    // The room is exact, so that this cannot fail.
    let written = STANDARD.encode_slice(data, &mut out[start..]).unwrap_or(0);
    out.truncate(start + written);
}

fn put_record(receipt: &PutReceipt) -> Vec<u8> {
    format!("{{\"ShardId\":\"{}\",\"SequenceNumber\":\"{}\"}}", receipt.shard, receipt.sequence_number).into_bytes()
}

fn put_records(receipts: &[Result<PutReceipt, ServiceError>]) -> Vec<u8> {
    let failed = receipts.iter().filter(|receipt| receipt.is_err()).count();
    let mut out = Vec::with_capacity(receipts.len() * 128 + 64);
    let _ = write!(out, "{{\"FailedRecordCount\":{failed},\"Records\":[");
    for (index, receipt) in receipts.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match receipt {
            Ok(receipt) => out.extend_from_slice(&put_record(receipt)),
            Err(error) => {
                let _ = write!(out, "{{\"ErrorCode\":\"{}\",\"ErrorMessage\":", error.kind.name());
                let _ = serde_json::to_writer(&mut out, &error.message);
                out.push(b'}');
            }
        }
    }
    out.extend_from_slice(b"]}");
    out
}

/// Small answers go through serde.
fn json(value: &impl Serialize) -> Option<Vec<u8>> {
    serde_json::to_vec(value).ok()
}

/// Seconds since 1970 with three decimals, as the protocol writes moments.
#[derive(Clone, Copy)]
struct Timestamp {
    millis: u128,
}

impl Timestamp {
    fn new(time: Time, settings: &Settings) -> Self {
        Self { millis: (settings.epoch + time.since(Time::ZERO)).as_millis() }
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:03}", self.millis / 1000, self.millis % 1000)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A double holds today's milliseconds exactly enough: 2^53 ms are 285,000 years.
        serializer.serialize_f64(self.millis as f64 / 1e3)
    }
}

const fn status_name(status: Status) -> &'static str {
    match status {
        Status::Creating => "CREATING",
        Status::Active => "ACTIVE",
        Status::Deleting => "DELETING",
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShardIterator {
    shard_iterator: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StreamModeDetails {
    stream_mode: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShardLevelMetrics {
    shard_level_metrics: [(); 0],
}

/// What DescribeStream and DescribeStreamSummary both say.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StreamMembers<'a> {
    stream_name: &'a str,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
    stream_status: &'static str,
    stream_mode_details: StreamModeDetails,
    retention_period_hours: u32,
    stream_creation_timestamp: Timestamp,
    enhanced_monitoring: [ShardLevelMetrics; 1],
    encryption_type: &'static str,
}

impl<'a> StreamMembers<'a> {
    fn new(summary: &'a StreamSummary, settings: &Settings) -> Self {
        let stream_mode = match summary.mode {
            StreamMode::Provisioned => "PROVISIONED",
            StreamMode::OnDemand => "ON_DEMAND",
        };
        Self {
            stream_name: &summary.stream,
            stream_arn: arn::stream(settings, &summary.stream),
            stream_status: status_name(summary.status),
            stream_mode_details: StreamModeDetails { stream_mode },
            retention_period_hours: summary.retention_hours,
            stream_creation_timestamp: Timestamp::new(summary.created, settings),
            enhanced_monitoring: [ShardLevelMetrics { shard_level_metrics: [] }],
            encryption_type: "NONE",
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StreamDescriptionSummary<'a> {
    #[serde(flatten)]
    common: StreamMembers<'a>,
    open_shard_count: u32,
    consumer_count: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StreamDescriptionSummaryAnswer<'a> {
    stream_description_summary: StreamDescriptionSummary<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StreamDescription<'a> {
    #[serde(flatten)]
    common: StreamMembers<'a>,
    shards: Vec<Shard>,
    has_more_shards: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StreamDescriptionAnswer<'a> {
    stream_description: StreamDescription<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shards {
    shards: Vec<Shard>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shard {
    shard_id: String,
    hash_key_range: HashKeyRange,
    sequence_number_range: SequenceNumberRange,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct HashKeyRange {
    starting_hash_key: String,
    ending_hash_key: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SequenceNumberRange {
    starting_sequence_number: String,
}

impl Shard {
    fn new(shard: &ShardDescription) -> Self {
        Self {
            shard_id: shard.shard.to_string(),
            hash_key_range: HashKeyRange {
                starting_hash_key: shard.range.start.to_string(),
                ending_hash_key: shard.range.end.to_string(),
            },
            sequence_number_range: SequenceNumberRange {
                starting_sequence_number: shard.starting_sequence_number.to_string(),
            },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Consumer<'a> {
    consumer_name: &'a str,
    #[serde(rename = "ConsumerARN")]
    consumer_arn: String,
    consumer_status: &'static str,
    consumer_creation_timestamp: Timestamp,
}

impl<'a> Consumer<'a> {
    fn new(consumer: &'a ConsumerDescription, settings: &Settings) -> Self {
        Self {
            consumer_name: &consumer.consumer,
            consumer_arn: arn::consumer(settings, &consumer.stream, &consumer.consumer, consumer.created),
            consumer_status: status_name(consumer.status),
            consumer_creation_timestamp: Timestamp::new(consumer.created, settings),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Registered<'a> {
    consumer: Consumer<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ConsumerDetails<'a> {
    #[serde(flatten)]
    consumer: Consumer<'a>,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described<'a> {
    consumer_description: ConsumerDetails<'a>,
}
