//! GetShardIterator, GetRecords and SubscribeToShard.

use std::time::Duration;

use serde::Deserialize;

use super::json::{self, Object, Text, text};
use super::{Context, Decoded, Fault, arn, check_dry_run, check_stream, control};
use crate::emulator::token;
use crate::emulator::validation::{ITERATOR_TYPES, NAME, SEQUENCE_NUMBER, SHARD_ITERATOR, Violations};
use crate::kinesis::{Position, Request, SequenceNumber, ShardId};
use crate::time::Time;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetShardIterator<'a> {
    #[serde(borrow)]
    stream_name: Option<Text<'a>>,
    #[serde(borrow, rename = "StreamARN")]
    stream_arn: Option<Text<'a>>,
    #[serde(borrow)]
    shard_id: Option<Text<'a>>,
    #[serde(borrow)]
    shard_iterator_type: Option<Text<'a>>,
    #[serde(borrow)]
    starting_sequence_number: Option<Text<'a>>,
    timestamp: Option<f64>,
    dry_run: Option<bool>,
}

pub(super) fn get_shard_iterator(body: &[u8], context: Context<'_>) -> Result<Decoded, Fault> {
    let request: GetShardIterator<'_> = json::read(body)?;
    let mut violations = Violations::default();
    check_stream(&mut violations, &request.stream_name, &request.stream_arn);
    violations.required_text("shardId", text(&request.shard_id), NAME);
    violations.required("shardIteratorType", &request.shard_iterator_type);
    violations.one_of("shardIteratorType", text(&request.shard_iterator_type), ITERATOR_TYPES);
    violations.text("startingSequenceNumber", text(&request.starting_sequence_number), SEQUENCE_NUMBER);
    violations.finish()?;
    let stream = context.stream(&request.stream_name, &request.stream_arn)?;
    let shard = context.shard(text(&request.shard_id).unwrap_or_default(), &stream)?;
    let start = Start {
        kind: text(&request.shard_iterator_type).unwrap_or_default(),
        sequence_number: text(&request.starting_sequence_number),
        timestamp: request.timestamp,
        operation: "GetShardIterator",
    };
    let position = start.position(&stream, shard, context)?;
    check_dry_run(request.dry_run)?;
    Ok(Decoded::Request(Request::GetShardIterator { stream, shard, position }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetRecords<'a> {
    #[serde(borrow)]
    shard_iterator: Option<Text<'a>>,
    limit: Option<i64>,
    #[serde(borrow, rename = "StreamARN")]
    stream_arn: Option<Text<'a>>,
    dry_run: Option<bool>,
}

pub(super) fn get_records(body: &[u8], context: Context<'_>) -> Result<Decoded, Fault> {
    let request: GetRecords<'_> = json::read(body)?;
    let most = context.settings.profile.request.get_records;
    let mut violations = Violations::default();
    violations.required_text("shardIterator", text(&request.shard_iterator), SHARD_ITERATOR);
    violations.range("limit", request.limit, 1, i64::try_from(most).unwrap_or(i64::MAX));
    violations.text("streamARN", text(&request.stream_arn), arn::STREAM_ARN);
    violations.finish()?;
    let iterator = text(&request.shard_iterator).and_then(token::decode_iterator);
    let iterator = iterator.ok_or_else(|| Fault::invalid_argument("Invalid ShardIterator."))?;
    if request.stream_arn.is_some() && context.stream(&None, &request.stream_arn)? != iterator.stream {
        return Err(Fault::invalid_argument("StreamARN and ShardIterator must name the same stream."));
    }
    check_dry_run(request.dry_run)?;
    let limit = request.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(most);
    Ok(Decoded::Request(Request::GetRecords { iterator, limit }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SubscribeToShard<'a> {
    #[serde(borrow, rename = "ConsumerARN")]
    consumer_arn: Option<Text<'a>>,
    #[serde(borrow)]
    shard_id: Option<Text<'a>>,
    #[serde(borrow)]
    starting_position: Option<Object<StartingPosition<'a>>>,
    dry_run: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StartingPosition<'a> {
    #[serde(borrow, rename = "Type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    sequence_number: Option<Text<'a>>,
    timestamp: Option<f64>,
}

pub(super) fn subscribe_to_shard(body: &[u8], context: Context<'_>) -> Result<Decoded, Fault> {
    let request: SubscribeToShard<'_> = json::read(body)?;
    let mut violations = Violations::default();
    violations.required_text("consumerARN", text(&request.consumer_arn), arn::CONSUMER_ARN);
    violations.required_text("shardId", text(&request.shard_id), NAME);
    violations.required("startingPosition", &request.starting_position);
    let mut start = Start { kind: "", sequence_number: None, timestamp: None, operation: "SubscribeToShard" };
    if let Some(Object(position)) = &request.starting_position {
        violations.required("startingPosition.type", &position.kind);
        violations.one_of("startingPosition.type", text(&position.kind), ITERATOR_TYPES);
        violations.text("startingPosition.sequenceNumber", text(&position.sequence_number), SEQUENCE_NUMBER);
        start.kind = text(&position.kind).unwrap_or_default();
        start.sequence_number = text(&position.sequence_number);
        start.timestamp = position.timestamp;
    }
    violations.finish()?;
    let arn = text(&request.consumer_arn).unwrap_or_default();
    let (stream, consumer) = control::consumer_by_arn(arn, context)?;
    let shard = context.shard(text(&request.shard_id).unwrap_or_default(), &stream)?;
    let position = start.position(&stream, shard, context)?;
    check_dry_run(request.dry_run)?;
    Ok(Decoded::Request(Request::SubscribeToShard { stream, consumer, shard, position }))
}

/// Where reading shall start, as a request says it.
struct Start<'r> {
    kind: &'r str,
    sequence_number: Option<&'r str>,
    timestamp: Option<f64>,
    operation: &'static str,
}

impl Start<'_> {
    /// The messages are those of section 2.5.
    fn position(&self, stream: &str, shard: ShardId, context: Context<'_>) -> Result<Position, Fault> {
        let numbered = matches!(self.kind, "AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER");
        if numbered != self.sequence_number.is_some() {
            let given = if numbered { "no" } else { "also a" };
            return Err(Fault::invalid_argument(format!(
                "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) \
                 TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified {} and {given} \
                 StartingSequenceNumber.",
                self.kind
            )));
        }
        match self.kind {
            "AT_SEQUENCE_NUMBER" => self.number(stream, shard, context).map(Position::AtSequenceNumber),
            "AFTER_SEQUENCE_NUMBER" => self.number(stream, shard, context).map(Position::AfterSequenceNumber),
            "AT_TIMESTAMP" => self.moment(context).map(Position::AtTimestamp),
            "LATEST" => Ok(Position::Latest),
            _ => Ok(Position::TrimHorizon),
        }
    }

    fn number(&self, stream: &str, shard: ShardId, context: Context<'_>) -> Result<SequenceNumber, Fault> {
        let number = self.sequence_number.unwrap_or_default();
        number.parse().map_err(|_| {
            Fault::invalid_argument(format!(
                "StartingSequenceNumber {number} used in {} on shard {shard} in stream {stream} under account {} is \
                 invalid.",
                self.operation, context.settings.account
            ))
        })
    }

    fn moment(&self, context: Context<'_>) -> Result<Time, Fault> {
        let Some(seconds) = self.timestamp else {
            return Err(Fault::invalid_argument(
                "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no \
                 timestamp parameter.",
            ));
        };
        // The cast saturates; a moment before 1970 is as early as 1970.
        let millis = (seconds * 1e3).round() as u64;
        let epoch = context.settings.epoch;
        let now = u64::try_from((epoch + context.now.since(Time::ZERO)).as_millis()).unwrap_or(u64::MAX);
        if millis > now {
            return Err(Fault::invalid_argument(format!(
                "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: \
                 {millis}, currentTimestampInMillis: {now}"
            )));
        }
        Ok(Time::ZERO + Duration::from_millis(millis).saturating_sub(epoch))
    }
}
