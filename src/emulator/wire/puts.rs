//! PutRecord and PutRecords.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;

use super::json::{self, Bounded, Object, Text, text};
use super::{Context, Decoded, Fault, check_dry_run, check_stream};
use crate::emulator::validation::{
    HASH_KEY, SEQUENCE_NUMBER, TextRule, Violations, check_record_size, check_request_size,
};
use crate::kinesis::{HashKey, PutEntry, Request};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecord<'a> {
    #[serde(borrow)]
    stream_name: Option<Text<'a>>,
    #[serde(borrow, rename = "StreamARN")]
    stream_arn: Option<Text<'a>>,
    #[serde(borrow)]
    data: Option<Text<'a>>,
    #[serde(borrow)]
    partition_key: Option<Text<'a>>,
    #[serde(borrow)]
    explicit_hash_key: Option<Text<'a>>,
    #[serde(borrow)]
    sequence_number_for_ordering: Option<Text<'a>>,
    dry_run: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecords<'a> {
    #[serde(borrow)]
    stream_name: Option<Text<'a>>,
    #[serde(borrow, rename = "StreamARN")]
    stream_arn: Option<Text<'a>>,
    #[serde(borrow)]
    records: Option<Bounded<Object<Entry<'a>>>>,
    dry_run: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    #[serde(borrow)]
    data: Option<Text<'a>>,
    #[serde(borrow)]
    partition_key: Option<Text<'a>>,
    #[serde(borrow)]
    explicit_hash_key: Option<Text<'a>>,
}

pub(super) fn put_record(body: &[u8], context: Context<'_>) -> Result<Decoded, Fault> {
    let request: PutRecord<'_> = json::read(body)?;
    let blob = Bytes::from(decode_base64(text(&request.data), Vec::new())?);
    let ordering = text(&request.sequence_number_for_ordering);
    let entry = Entry {
        data: request.data,
        partition_key: request.partition_key,
        explicit_hash_key: request.explicit_hash_key,
    };
    let mut violations = Violations::default();
    check_stream(&mut violations, &request.stream_name, &request.stream_arn);
    check_entry(&mut violations, None, &entry, blob.len(), context);
    // Numbers of a shard always grow here, so that the member has nothing to change.
    violations.text("sequenceNumberForOrdering", ordering, SEQUENCE_NUMBER);
    violations.finish()?;
    let stream = context.stream(&request.stream_name, &request.stream_arn)?;
    let entry = put_entry(&entry, blob, context)?;
    check_dry_run(request.dry_run)?;
    Ok(Decoded::Request(Request::PutRecord { stream, entry }))
}

pub(super) fn put_records(body: &[u8], context: Context<'_>) -> Result<Decoded, Fault> {
    let request: PutRecords<'_> = json::read(body)?;
    let limits = &context.settings.profile.request;
    let mut violations = Violations::default();
    check_stream(&mut violations, &request.stream_name, &request.stream_arn);
    violations.required("records", &request.records);
    let mut entries = Vec::new();
    if let Some(records) = request.records {
        violations.count("records", records.count, limits.records);
        // None of too many is worth decoding: the count alone refuses them.
        if records.count <= limits.records {
            entries = records.elements;
        }
    }
    let blobs = decode_blobs(&entries)?;
    for (number, (Object(entry), blob)) in (1..).zip(entries.iter().zip(&blobs)) {
        check_entry(&mut violations, Some(number), entry, blob.len(), context);
    }
    violations.finish()?;
    let stream = context.stream(&request.stream_name, &request.stream_arn)?;
    let total: usize = entries.iter().zip(&blobs).map(|(Object(entry), blob)| blob.len() + key(entry).len()).sum();
    check_request_size(total as u64, limits.bytes)?;
    let entries = entries.iter().zip(blobs).map(|(Object(entry), blob)| put_entry(entry, blob, context));
    let entries = entries.collect::<Result<_, Fault>>()?;
    check_dry_run(request.dry_run)?;
    Ok(Decoded::Request(Request::PutRecords { stream, entries }))
}

fn key<'e>(entry: &'e Entry<'_>) -> &'e str {
    text(&entry.partition_key).unwrap_or_default()
}

/// Checks the form of one record; `number` is its place in a batch, from 1.
fn check_entry(
    violations: &mut Violations,
    number: Option<usize>,
    entry: &Entry<'_>,
    bytes: usize,
    context: Context<'_>,
) {
    let limits = &context.settings.profile.request;
    // Almost all records are right: names of members are put together only for the others.
    let named = |member: &str| match number {
        Some(number) => format!("records.{number}.member.{member}"),
        None => member.to_owned(),
    };
    let partition_key = text(&entry.partition_key);
    let usual_key = partition_key.is_some_and(|key| !key.is_empty() && key.len() <= limits.key_chars);
    if !usual_key {
        let rule = TextRule::any(limits.key_chars);
        violations.required_text(&named("partitionKey"), partition_key, rule);
    }
    if let Some(hash_key) = text(&entry.explicit_hash_key) {
        violations.text(&named("explicitHashKey"), Some(hash_key), HASH_KEY);
    }
    if entry.data.is_none() {
        violations.required(&named("data"), &entry.data);
    } else if bytes as u64 > limits.record_bytes {
        violations.blob(&named("data"), bytes, limits.record_bytes);
    }
}

/// The record of a checked entry.
fn put_entry(entry: &Entry<'_>, data: Bytes, context: Context<'_>) -> Result<PutEntry, Fault> {
    let partition_key = key(entry).to_owned();
    check_record_size(data.len(), &partition_key, context.settings.profile.request.record_bytes)?;
    let explicit_hash_key = text(&entry.explicit_hash_key).map(hash_key).transpose()?;
    Ok(PutEntry { data, partition_key, explicit_hash_key })
}

fn hash_key(text: &str) -> Result<HashKey, Fault> {
    text.parse().map_err(|()| {
        Fault::invalid_argument(format!(
            "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {text}"
        ))
    })
}

/// All blobs of a request, in one allocation. An entry without data has an empty blob; validation refuses it later.
fn decode_blobs(entries: &[Object<Entry<'_>>]) -> Result<Vec<Bytes>, Fault> {
    let estimate =
        |Object(entry): &Object<Entry<'_>>| base64::decoded_len_estimate(text(&entry.data).map_or(0, str::len));
    let mut slab = Vec::with_capacity(entries.iter().map(estimate).sum());
    let mut ends = Vec::with_capacity(entries.len());
    for Object(entry) in entries {
        slab = decode_base64(text(&entry.data), slab)?;
        ends.push(slab.len());
    }
    let slab = Bytes::from(slab);
    let starts = std::iter::once(0).chain(ends.iter().copied());
    Ok(starts.zip(&ends).map(|(start, end)| slab.slice(start..*end)).collect())
}

/// Appends what the text stands for.
fn decode_base64(text: Option<&str>, mut bytes: Vec<u8>) -> Result<Vec<u8>, Fault> {
    STANDARD
        .decode_vec(text.unwrap_or_default(), &mut bytes)
        .map_err(|error| Fault::serialization(format!("Data is not base64: {error}")))?;
    Ok(bytes)
}
