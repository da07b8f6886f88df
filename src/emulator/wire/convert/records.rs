//! Requests that move records: PutRecord, PutRecords, GetShardIterator, GetRecords, SubscribeToShard (section 1).

use std::time::Duration;

use bytes::Bytes;

use super::Members;
use super::names::consumer_of;
use crate::emulator::wire::value::Value;
use crate::emulator::wire::{Fault, token};
use crate::kinesis::{HashKey, Position, PutEntry, Request, SequenceNumber, ShardId};
use crate::time::Time;

/// Most records of one GetRecords answer, and the default (section 1.3).
const RECORDS: usize = 10_000;

pub(super) fn put_record(m: Members<'_>) -> Result<Request, Fault> {
    let stream = m.stream()?;
    let ordering = |number: &str| {
        number.parse().map_err(|_| {
            let account = &m.context.settings.account;
            Fault::invalid_argument(format!(
                "ExclusiveMinimumSequenceNumber {number} used in PutRecord on stream {stream} under account {account} is \
                 invalid."
            ))
        })
    };
    let after = m.text("SequenceNumberForOrdering").map(ordering).transpose()?;
    let entry = entries(std::slice::from_ref(m.value), m)?.pop();
    let entry = entry.ok_or_else(|| Fault::serialization("Expected null"))?;
    m.check_dry_run()?;
    Ok(Request::PutRecord { stream, entry, after })
}

pub(super) fn put_records(m: Members<'_>) -> Result<Request, Fault> {
    let stream = m.stream()?;
    let entries = entries(m.list("Records"), m)?;
    m.check_dry_run()?;
    Ok(Request::PutRecords { stream, entries })
}

/// All records of a request; their data and keys share one allocation.
fn entries(records: &[Value<'_>], m: Members<'_>) -> Result<Vec<PutEntry>, Fault> {
    let members = |value| Members { value, ..m };
    let size = |record: Members<'_>| record.blob("Data").len() + record.required("PartitionKey").len();
    let mut slab = Vec::with_capacity(records.iter().map(|record| size(members(record))).sum());
    for record in records.iter().map(members) {
        slab.extend_from_slice(record.required("PartitionKey").as_bytes());
        slab.extend_from_slice(record.blob("Data"));
    }
    let mut slab = Bytes::from(slab);
    let mut entries = Vec::with_capacity(records.len());
    for record in records.iter().map(members) {
        let partition_key = slab.split_to(record.required("PartitionKey").len());
        let data = slab.split_to(record.blob("Data").len());
        let explicit_hash_key = record.text("ExplicitHashKey").map(hash_key).transpose()?;
        entries.push(PutEntry { data, padding: 0, partition_key, explicit_hash_key });
    }
    Ok(entries)
}

fn hash_key(text: &str) -> Result<HashKey, Fault> {
    text.parse().map_err(|()| {
        Fault::invalid_argument(format!(
            "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {text}"
        ))
    })
}

pub(super) fn get_shard_iterator(m: Members<'_>) -> Result<Request, Fault> {
    let stream = m.stream()?;
    let shard = m.shard("ShardId", &stream)?;
    let start = Start {
        kind: m.required("ShardIteratorType"),
        sequence_number: m.text("StartingSequenceNumber"),
        operation: "GetShardIterator",
        members: m,
    };
    let position = start.position(&stream, shard)?;
    m.check_dry_run()?;
    Ok(Request::GetShardIterator { stream, shard, position })
}

pub(super) fn get_records(m: Members<'_>) -> Result<Request, Fault> {
    let iterator = token::decode_iterator(m.required("ShardIterator"));
    let iterator = iterator.ok_or_else(|| Fault::invalid_argument("Invalid ShardIterator."))?;
    if m.text("StreamARN").is_some() && m.stream()? != iterator.stream {
        return Err(Fault::invalid_argument("StreamARN and ShardIterator must name the same stream."));
    }
    m.check_dry_run()?;
    Ok(Request::GetRecords { iterator, limit: m.limit("Limit", RECORDS, RECORDS) })
}

pub(super) fn subscribe_to_shard(m: Members<'_>) -> Result<Request, Fault> {
    let consumer = consumer_of(m.required("ConsumerARN"), m.context)?;
    let shard = m.shard("ShardId", &consumer.stream)?;
    let at = m.members("StartingPosition").unwrap_or(m);
    let start = Start {
        kind: at.required("Type"),
        sequence_number: at.text("SequenceNumber"),
        operation: "SubscribeToShard",
        members: at,
    };
    let position = start.position(&consumer.stream, shard)?;
    m.check_dry_run()?;
    Ok(Request::SubscribeToShard { consumer, shard, position })
}

/// Where reading shall start, as a request says it. The messages are those of section 2.5.
struct Start<'v> {
    kind: &'v str,
    sequence_number: Option<&'v str>,
    operation: &'static str,
    /// Those that Timestamp is one of.
    members: Members<'v>,
}

impl Start<'_> {
    fn position(&self, stream: &str, shard: ShardId) -> Result<Position, Fault> {
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
            "AT_SEQUENCE_NUMBER" => self.number(stream, shard).map(Position::AtSequenceNumber),
            "AFTER_SEQUENCE_NUMBER" => self.number(stream, shard).map(Position::AfterSequenceNumber),
            "AT_TIMESTAMP" => self.moment().map(Position::AtTimestamp),
            "LATEST" => Ok(Position::Latest),
            _ => Ok(Position::TrimHorizon),
        }
    }

    fn number(&self, stream: &str, shard: ShardId) -> Result<SequenceNumber, Fault> {
        let number = self.sequence_number.unwrap_or_default();
        number.parse().map_err(|_| {
            Fault::invalid_argument(format!(
                "StartingSequenceNumber {number} used in {} on shard {shard} in stream {stream} under account {} is \
                 invalid.",
                self.operation, self.members.context.settings.account
            ))
        })
    }

    fn moment(&self) -> Result<Time, Fault> {
        let at = self.members.millis("Timestamp").zip(self.members.moment("Timestamp"));
        let Some((millis, moment)) = at else {
            return Err(Fault::invalid_argument(
                "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no \
                 timestamp parameter.",
            ));
        };
        let context = self.members.context;
        let elapsed: Duration = context.now.since(Time::ZERO);
        let now = i64::try_from((context.settings.epoch + elapsed).as_millis()).unwrap_or(i64::MAX);
        if millis > now {
            return Err(Fault::invalid_argument(format!(
                "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: \
                 {millis}, currentTimestampInMillis: {now}"
            )));
        }
        Ok(moment)
    }
}
