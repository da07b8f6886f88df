//! Requests that are answered page by page (sections 2.1 and 3).

use super::Members;
use crate::emulator::wire::page::TOKEN_LIFE;
use crate::emulator::wire::{Context, Fault, token};
use crate::kinesis::{ErrorKind, ListShards, Request, ServiceError, ShardFilter};
use crate::time::Time;

/// Elements of a page by default, and the most of them (section 2.1).
const STREAMS: (usize, usize) = (100, 10_000);
const DESCRIBED_SHARDS: (usize, usize) = (100, 100);
const LISTED_SHARDS: (usize, usize) = (1_000, 1_000);
const CONSUMERS: (usize, usize) = (100, 100);
const TAGS: (usize, usize) = (50, 50);

pub(super) fn list_streams(m: Members<'_>) -> Result<Request, Fault> {
    let after = match (m.text("NextToken"), m.owned("ExclusiveStartStreamName")) {
        (Some(_), Some(_)) => return Err(excludes("ExclusiveStartStreamName")),
        (Some(next), None) => {
            let page = token::decode_streams(next).ok_or_else(invalid)?;
            check_age(page.issued, m.context)?;
            Some(page.after)
        }
        (None, after) => after,
    };
    Ok(Request::ListStreams { limit: m.limit("Limit", STREAMS.0, STREAMS.1), after })
}

pub(super) fn list_stream_consumers(m: Members<'_>) -> Result<Request, Fault> {
    let stream = m.stream()?;
    let created = m.moment("StreamCreationTimestamp");
    let after = match m.text("NextToken") {
        None => None,
        Some(_) if created.is_some() => return Err(excludes("StreamCreationTimestamp")),
        Some(next) => {
            let page = token::decode_consumers(next).filter(|page| page.stream == stream).ok_or_else(invalid)?;
            check_age(page.issued, m.context)?;
            Some(page.after)
        }
    };
    let limit = m.limit("MaxResults", CONSUMERS.0, CONSUMERS.1);
    Ok(Request::ListStreamConsumers { stream, created, limit, after })
}

pub(super) fn describe_stream(m: Members<'_>) -> Result<Request, Fault> {
    let stream = m.stream()?;
    let after = m.optional_shard("ExclusiveStartShardId", &stream)?;
    Ok(Request::DescribeStream { stream, limit: m.limit("Limit", DESCRIBED_SHARDS.0, DESCRIBED_SHARDS.1), after })
}

pub(super) fn list_tags_for_stream(m: Members<'_>) -> Result<Request, Fault> {
    let (stream, after) = (m.stream()?, m.owned("ExclusiveStartTagKey"));
    Ok(Request::ListTagsForStream { stream, limit: m.limit("Limit", TAGS.0, TAGS.1), after })
}

pub(super) fn list_shards(m: Members<'_>) -> Result<Request, Fault> {
    let limit = m.limit("MaxResults", LISTED_SHARDS.0, LISTED_SHARDS.1);
    if let Some(next) = m.text("NextToken") {
        return next_shards(m, next, limit);
    }
    if [m.text("StreamName"), m.text("StreamARN"), m.text("StreamId")].iter().all(Option::is_none) {
        return Err(Fault::invalid_argument("Either NextToken or StreamName should be provided."));
    }
    let stream = m.stream()?;
    let after = m.optional_shard("ExclusiveStartShardId", &stream)?;
    let filter = match m.members("ShardFilter") {
        Some(filter) => shard_filter(filter, &stream)?,
        None => ShardFilter::FromTrimHorizon,
    };
    let created = m.moment("StreamCreationTimestamp");
    Ok(Request::ListShards(ListShards { stream, created, filter, after, limit }))
}

/// The token carries what was asked first, so that members which would ask again are refused.
fn next_shards(m: Members<'_>, next: &str, limit: usize) -> Result<Request, Fault> {
    if m.text("StreamName").is_some() {
        return Err(excludes("StreamName"));
    }
    if m.text("ExclusiveStartShardId").is_some() {
        return Err(excludes("ExclusiveStartShardId"));
    }
    if m.millis("StreamCreationTimestamp").is_some() {
        return Err(excludes("StreamCreationTimestamp"));
    }
    let page = token::decode_shards(next).ok_or_else(invalid)?;
    // SDKs send the ARN with every call, to find the endpoint of the account.
    if m.text("StreamARN").is_some() && m.stream()? != page.stream {
        return Err(Fault::invalid_argument("NextToken and StreamARN must name the same stream."));
    }
    check_age(page.issued, m.context)?;
    let after = Some(page.after);
    Ok(Request::ListShards(ListShards { stream: page.stream, created: None, filter: page.filter, after, limit }))
}

fn shard_filter(m: Members<'_>, stream: &str) -> Result<ShardFilter, Fault> {
    let kind = m.required("Type");
    let needs = |member: &str| Fault::invalid_argument(format!("A ShardFilter of type {kind} needs {member}."));
    Ok(match kind {
        "AFTER_SHARD_ID" => {
            ShardFilter::AfterShardId(m.optional_shard("ShardId", stream)?.ok_or_else(|| needs("ShardId"))?)
        }
        "AT_TIMESTAMP" => ShardFilter::AtTimestamp(m.moment("Timestamp").ok_or_else(|| needs("Timestamp"))?),
        "FROM_TIMESTAMP" => ShardFilter::FromTimestamp(m.moment("Timestamp").ok_or_else(|| needs("Timestamp"))?),
        "AT_TRIM_HORIZON" => ShardFilter::AtTrimHorizon,
        "AT_LATEST" => ShardFilter::AtLatest,
        _ => ShardFilter::FromTrimHorizon,
    })
}

fn excludes(member: &str) -> Fault {
    Fault::invalid_argument(format!("NextToken and {member} cannot be provided together."))
}

fn invalid() -> Fault {
    Fault::invalid_argument("Invalid NextToken.")
}

fn check_age(issued: Time, context: Context<'_>) -> Result<(), Fault> {
    let age = context.now.since(issued);
    if age < TOKEN_LIFE {
        return Ok(());
    }
    let message =
        format!("The NextToken was issued {} seconds ago and expired after {}.", age.as_secs(), TOKEN_LIFE.as_secs());
    Err(ServiceError::new(ErrorKind::ExpiredNextToken, message).into())
}
