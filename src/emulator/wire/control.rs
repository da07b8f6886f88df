//! Requests about streams, shards and consumers.

use serde::Deserialize;

use super::json::{self, Object, Text, text};
use super::{Context, Decoded, Fault, arn, check_stream};
use crate::emulator::token;
use crate::emulator::validation::{NAME, NEXT_TOKEN, SHARD_FILTERS, STREAM_MODES, Violations};
use crate::kinesis::{Request, ShardId, StreamMode};

/// Most shards in one answer, of the API's definition; the model's default is the same for ListShards.
const SHARDS_IN_AN_ANSWER: i64 = 10_000;
const LIST_SHARDS_DEFAULT: i64 = 1_000;
const DESCRIBE_STREAM_DEFAULT: i64 = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateStream<'a> {
    #[serde(borrow)]
    stream_name: Option<Text<'a>>,
    shard_count: Option<i64>,
    #[serde(borrow)]
    stream_mode_details: Option<Object<StreamModeDetails<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamModeDetails<'a> {
    #[serde(borrow)]
    stream_mode: Option<Text<'a>>,
}

pub(super) fn create_stream(body: &[u8]) -> Result<Decoded, Fault> {
    let request: CreateStream<'_> = json::read(body)?;
    let mut violations = Violations::default();
    violations.required_text("streamName", text(&request.stream_name), NAME);
    violations.range("shardCount", request.shard_count, 1, i64::from(i32::MAX));
    let mut mode = StreamMode::Provisioned;
    if let Some(Object(details)) = &request.stream_mode_details {
        let named = text(&details.stream_mode);
        violations.required("streamModeDetails.streamMode", &named);
        violations.one_of("streamModeDetails.streamMode", named, STREAM_MODES);
        if named == Some("ON_DEMAND") {
            mode = StreamMode::OnDemand;
        }
    }
    violations.finish()?;
    let stream = text(&request.stream_name).unwrap_or_default().to_owned();
    let shards = request.shard_count.and_then(|count| u32::try_from(count).ok());
    Ok(Decoded::Request(Request::CreateStream { stream, shards, mode }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamRequest<'a> {
    #[serde(borrow)]
    stream_name: Option<Text<'a>>,
    #[serde(borrow, rename = "StreamARN")]
    stream_arn: Option<Text<'a>>,
    enforce_consumer_deletion: Option<bool>,
    limit: Option<i64>,
    #[serde(borrow)]
    exclusive_start_shard_id: Option<Text<'a>>,
}

pub(super) fn delete_stream(body: &[u8], context: Context<'_>) -> Result<Decoded, Fault> {
    let request: StreamRequest<'_> = json::read(body)?;
    let stream = named_stream(&request, context, Violations::default())?;
    let enforce_consumer_deletion = request.enforce_consumer_deletion.unwrap_or(false);
    Ok(Decoded::Request(Request::DeleteStream { stream, enforce_consumer_deletion }))
}

pub(super) fn describe_stream_summary(body: &[u8], context: Context<'_>) -> Result<Decoded, Fault> {
    let request: StreamRequest<'_> = json::read(body)?;
    let stream = named_stream(&request, context, Violations::default())?;
    Ok(Decoded::Request(Request::DescribeStreamSummary { stream }))
}

pub(super) fn describe_stream(body: &[u8], context: Context<'_>) -> Result<Decoded, Fault> {
    let request: StreamRequest<'_> = json::read(body)?;
    let mut violations = Violations::default();
    violations.range("limit", request.limit, 1, SHARDS_IN_AN_ANSWER);
    violations.text("exclusiveStartShardId", text(&request.exclusive_start_shard_id), NAME);
    let stream = named_stream(&request, context, violations)?;
    let limit = usize::try_from(request.limit.unwrap_or(DESCRIBE_STREAM_DEFAULT)).unwrap_or(0);
    let after = start_after(text(&request.exclusive_start_shard_id), &stream, context)?;
    Ok(Decoded::DescribeStream { stream, limit, after })
}

fn named_stream(
    request: &StreamRequest<'_>,
    context: Context<'_>,
    mut violations: Violations,
) -> Result<String, Fault> {
    check_stream(&mut violations, &request.stream_name, &request.stream_arn);
    violations.finish()?;
    context.stream(&request.stream_name, &request.stream_arn)
}

fn start_after(shard: Option<&str>, stream: &str, context: Context<'_>) -> Result<Option<ShardId>, Fault> {
    shard.map(|id| context.shard(id, stream)).transpose()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListShards<'a> {
    #[serde(borrow)]
    stream_name: Option<Text<'a>>,
    #[serde(borrow, rename = "StreamARN")]
    stream_arn: Option<Text<'a>>,
    #[serde(borrow)]
    next_token: Option<Text<'a>>,
    #[serde(borrow)]
    exclusive_start_shard_id: Option<Text<'a>>,
    max_results: Option<i64>,
    #[serde(borrow)]
    shard_filter: Option<Object<ShardFilter<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ShardFilter<'a> {
    #[serde(borrow, rename = "Type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    shard_id: Option<Text<'a>>,
}

pub(super) fn list_shards(body: &[u8], context: Context<'_>) -> Result<Decoded, Fault> {
    let request: ListShards<'_> = json::read(body)?;
    let mut violations = Violations::default();
    check_stream(&mut violations, &request.stream_name, &request.stream_arn);
    violations.text("nextToken", text(&request.next_token), NEXT_TOKEN);
    violations.text("exclusiveStartShardId", text(&request.exclusive_start_shard_id), NAME);
    violations.range("maxResults", request.max_results, 1, SHARDS_IN_AN_ANSWER);
    if let Some(Object(filter)) = &request.shard_filter {
        violations.required("shardFilter.type", &filter.kind);
        violations.one_of("shardFilter.type", text(&filter.kind), SHARD_FILTERS);
        violations.text("shardFilter.shardId", text(&filter.shard_id), NAME);
    }
    violations.finish()?;

    let max_results = usize::try_from(request.max_results.unwrap_or(LIST_SHARDS_DEFAULT)).unwrap_or(0);
    if let Some(next) = text(&request.next_token) {
        if request.stream_name.is_some() {
            return Err(Fault::invalid_argument("NextToken and StreamName cannot be provided together."));
        }
        let page = token::decode_shard_list(next).ok_or_else(|| Fault::invalid_argument("NextToken is invalid."))?;
        return Ok(Decoded::ListShards { stream: page.stream, max_results, after: Some(page.after) });
    }
    if request.stream_name.is_none() && request.stream_arn.is_none() {
        return Err(Fault::invalid_argument("Either NextToken or StreamName should be provided."));
    }
    let stream = context.stream(&request.stream_name, &request.stream_arn)?;
    let after = text(&request.exclusive_start_shard_id).or_else(|| filtered_start(&request));
    let after = start_after(after, &stream, context)?;
    Ok(Decoded::ListShards { stream, max_results, after })
}

/// Shards do not split or merge here, so that of all filters only this one leaves any shard out.
fn filtered_start<'r>(request: &'r ListShards<'_>) -> Option<&'r str> {
    let Object(filter) = request.shard_filter.as_ref()?;
    text(&filter.shard_id).filter(|_| text(&filter.kind) == Some("AFTER_SHARD_ID"))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ConsumerRequest<'a> {
    #[serde(borrow, rename = "StreamARN")]
    stream_arn: Option<Text<'a>>,
    #[serde(borrow)]
    consumer_name: Option<Text<'a>>,
    #[serde(borrow, rename = "ConsumerARN")]
    consumer_arn: Option<Text<'a>>,
}

pub(super) fn register_stream_consumer(body: &[u8], context: Context<'_>) -> Result<Decoded, Fault> {
    let request: ConsumerRequest<'_> = json::read(body)?;
    let mut violations = Violations::default();
    violations.required_text("streamARN", text(&request.stream_arn), arn::STREAM_ARN);
    violations.required_text("consumerName", text(&request.consumer_name), NAME);
    violations.finish()?;
    let stream = context.stream(&None, &request.stream_arn)?;
    let consumer = text(&request.consumer_name).unwrap_or_default().to_owned();
    Ok(Decoded::Request(Request::RegisterStreamConsumer { stream, consumer }))
}

pub(super) fn describe_stream_consumer(body: &[u8], context: Context<'_>) -> Result<Decoded, Fault> {
    let (stream, consumer) = named_consumer(body, context)?;
    Ok(Decoded::Request(Request::DescribeStreamConsumer { stream, consumer }))
}

pub(super) fn deregister_stream_consumer(body: &[u8], context: Context<'_>) -> Result<Decoded, Fault> {
    let (stream, consumer) = named_consumer(body, context)?;
    Ok(Decoded::Request(Request::DeregisterStreamConsumer { stream, consumer }))
}

/// A consumer by its ARN, or by its name and the ARN of its stream.
fn named_consumer(body: &[u8], context: Context<'_>) -> Result<(String, String), Fault> {
    let request: ConsumerRequest<'_> = json::read(body)?;
    let mut violations = Violations::default();
    violations.text("streamARN", text(&request.stream_arn), arn::STREAM_ARN);
    violations.text("consumerName", text(&request.consumer_name), NAME);
    violations.text("consumerARN", text(&request.consumer_arn), arn::CONSUMER_ARN);
    violations.finish()?;
    if let Some(arn) = text(&request.consumer_arn) {
        return consumer_by_arn(arn, context);
    }
    match (text(&request.consumer_name), &request.stream_arn) {
        (Some(consumer), Some(_)) => Ok((context.stream(&None, &request.stream_arn)?, consumer.to_owned())),
        _ => Err(Fault::invalid_argument("Either ConsumerARN or both StreamARN and ConsumerName must be given.")),
    }
}

/// Stream and consumer that a consumer ARN names.
pub(super) fn consumer_by_arn(arn: &str, context: Context<'_>) -> Result<(String, String), Fault> {
    let (account, stream, consumer) =
        arn::parse_consumer(arn).ok_or_else(|| Fault::invalid_argument("Invalid ConsumerARN."))?;
    context.check_account(account, stream)?;
    Ok((stream.to_owned(), consumer.to_owned()))
}
