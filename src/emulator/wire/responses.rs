//! Answers as bodies: members as section 4 of the fact sheet lists them. What is not set is left out.

use super::writer::Writer;
use super::{Context, Fault, Format, Page, arn, token};
use crate::kinesis::{
    BillingCommitment, ChildShard, ConsumerDescription, Encryption, ErrorKind, GetRecords, HashKeyRange, Limits,
    PutReceipt, ReadRecord, Response, ServiceError, Settings, ShardDescription, ShardMetric, StreamDescription,
    SubscriptionEvent, WarmThroughput,
};
use crate::time::Time;

/// Bytes of a record beside data and partition key, for the size of the buffer.
const RECORD_OVERHEAD: usize = 192;
/// Bytes of an answer beside its records; an iterator has less than 512 characters.
const OVERHEAD: usize = 768;
/// Bytes of the answer about one record that was put.
const RECEIPT: usize = 128;

/// The body of an answer to the request that `page` was made of. Operations without an output have an empty one, and so has
/// SubscribeToShard, whose answer is an event stream.
pub fn response(format: Format, response: &Response, page: &Page, context: Context<'_>) -> Vec<u8> {
    let mut writer = Writer::new(format, capacity(response));
    let members = Members { settings: context.settings, now: context.now, page };
    if !matches!(response, Response::Empty | Response::SubscribeToShard(_)) {
        writer.object(|w| members.write(w, response));
    }
    writer.finish()
}

/// The payload of one event of SubscribeToShard.
pub fn event(format: Format, event: &SubscriptionEvent, settings: &Settings) -> Vec<u8> {
    let mut writer = Writer::new(format, records_size(&event.records));
    writer.object(|w| {
        records(w.name("Records"), &event.records, settings);
        if let Some(continuation) = event.continuation {
            w.name("ContinuationSequenceNumber").plain(&continuation.digits());
        }
        w.name("MillisBehindLatest").number(event.millis_behind_latest);
        children(w, &event.children);
    });
    writer.finish()
}

/// The payload of the first event of every event stream.
pub fn initial_response(format: Format) -> Vec<u8> {
    let mut writer = Writer::new(format, 2);
    writer.object(|_| ());
    writer.finish()
}

/// Type and payload of an exception inside an event stream, where InternalFailure has the name of its shape.
pub fn exception(format: Format, fault: &Fault) -> (String, Vec<u8>) {
    let internal = fault.name == ErrorKind::InternalFailure.name();
    let mut writer = Writer::new(format, fault.message.len() + 32);
    writer.object(|w| w.name("message").text(&fault.message));
    (format!("{}{}", fault.name, if internal { "Exception" } else { "" }), writer.finish())
}

fn capacity(response: &Response) -> usize {
    match response {
        Response::GetRecords(answer) => records_size(&answer.records),
        Response::PutRecords { receipts, .. } => receipts.len() * RECEIPT + 64,
        Response::Empty | Response::SubscribeToShard(_) => 0,
        _ => 256,
    }
}

fn records_size(records: &[ReadRecord]) -> usize {
    let size = |record: &ReadRecord| record.data.len() * 4 / 3 + record.partition_key.len() + RECORD_OVERHEAD;
    records.iter().map(size).sum::<usize>() + OVERHEAD
}

/// What the members of an answer are written with.
struct Members<'a> {
    settings: &'a Settings,
    now: Time,
    page: &'a Page,
}

impl Members<'_> {
    fn write(&self, w: &mut Writer, response: &Response) {
        match response {
            Response::Empty | Response::SubscribeToShard(_) => {}
            Response::PutRecord { receipt: put, encryption } => {
                receipt(w, put);
                encrypted(w, encryption);
            }
            Response::PutRecords { receipts, encryption } => put_records(w, receipts, encryption),
            Response::GetShardIterator(iterator) => w.name("ShardIterator").text(&token::encode_iterator(iterator)),
            Response::GetRecords(answer) => self.get_records(w, answer),
            Response::DescribeStream { description, shards: listed, more } => {
                w.name("StreamDescription").object(|w| {
                    self.stream(w, description);
                    shards(w, listed);
                    w.name("HasMoreShards").boolean(*more);
                });
            }
            Response::DescribeStreamSummary(description) => {
                w.name("StreamDescriptionSummary").object(|w| self.summary(w, description));
            }
            Response::ListStreams { streams, more } => self.list_streams(w, streams, *more),
            Response::ListShards { shards: listed, more } => {
                shards(w, listed);
                next(w, self.page.after_shards(listed, self.now).filter(|_| *more));
            }
            Response::DescribeLimits(answer) => limits(w, *answer),
            Response::RegisterStreamConsumer(answer) => {
                w.name("Consumer").object(|w| self.consumer(w, answer));
            }
            Response::DescribeStreamConsumer(answer) => {
                w.name("ConsumerDescription").object(|w| {
                    self.consumer(w, answer);
                    w.name("StreamARN").text(&arn::stream(self.settings, &answer.stream));
                });
            }
            Response::ListStreamConsumers { consumers, more } => {
                w.name("Consumers").list(consumers, |w, consumer| w.object(|w| self.consumer(w, consumer)));
                next(w, self.page.after_consumers(consumers, self.now).filter(|_| *more));
            }
            Response::UpdateShardCount { stream, current, target } => {
                self.stream_names(w, stream);
                w.name("CurrentShardCount").number(*current);
                w.name("TargetShardCount").number(*target);
            }
            Response::UpdateStreamWarmThroughput { stream, warm_throughput: warm } => {
                self.stream_names(w, stream);
                warm_throughput(w, *warm);
            }
            Response::EnhancedMonitoring { stream, current, desired } => {
                self.stream_names(w, stream);
                metrics(w.name("CurrentShardLevelMetrics"), current);
                metrics(w.name("DesiredShardLevelMetrics"), desired);
            }
            Response::ListTagsForStream { tags: listed, more } => {
                tags(w, listed.iter().map(|(key, value)| (key, value)));
                w.name("HasMoreTags").boolean(*more);
            }
            Response::ListTagsForResource(listed) => tags(w, listed),
            Response::GetResourcePolicy(Some(policy)) => w.name("Policy").text(policy),
            Response::GetResourcePolicy(None) => {}
            Response::DescribeAccountSettings(answer) | Response::UpdateAccountSettings(answer) => {
                w.name("MinimumThroughputBillingCommitment").object(|w| self.commitment(w, answer));
            }
        }
    }

    fn get_records(&self, w: &mut Writer, answer: &GetRecords) {
        records(w.name("Records"), &answer.records, self.settings);
        if let Some(next) = &answer.next {
            w.name("NextShardIterator").text(&token::encode_iterator(next));
        }
        w.name("MillisBehindLatest").number(answer.millis_behind_latest);
        children(w, &answer.children);
    }

    fn list_streams(&self, w: &mut Writer, streams: &[StreamDescription], more: bool) {
        w.name("StreamNames").list(streams, |w, stream| w.text(&stream.stream));
        w.name("HasMoreStreams").boolean(more);
        next(w, Page::after_streams(streams, self.now).filter(|_| more));
        w.name("StreamSummaries").list(streams, |w, stream| w.object(|w| self.stream_identity(w, stream)));
    }

    /// What all descriptions of a stream say.
    fn stream_identity(&self, w: &mut Writer, description: &StreamDescription) {
        self.stream_names(w, &description.stream);
        w.name("StreamStatus").text(description.status.name());
        w.name("StreamModeDetails").object(|w| w.name("StreamMode").text(description.mode.name()));
        self.moment(w, "StreamCreationTimestamp", Some(description.created));
    }

    /// What DescribeStream and DescribeStreamSummary say.
    fn stream(&self, w: &mut Writer, description: &StreamDescription) {
        self.stream_identity(w, description);
        w.name("RetentionPeriodHours").number(description.retention_hours);
        w.name("EnhancedMonitoring").list([()], |w, ()| {
            w.object(|w| metrics(w.name("ShardLevelMetrics"), &description.monitoring));
        });
        w.name("EncryptionType").text(description.encryption.name());
        if let Encryption::Kms(key) = &description.encryption {
            w.name("KeyId").text(key);
        }
    }

    fn summary(&self, w: &mut Writer, description: &StreamDescription) {
        self.stream(w, description);
        w.name("OpenShardCount").number(description.open_shards);
        w.name("ConsumerCount").number(description.consumers);
        if let Some(warm) = description.warm_throughput {
            warm_throughput(w, warm);
        }
        w.name("MaxRecordSizeInKiB").number(description.max_record_kib);
        w.name("RecordDistributionStrategy").text(description.distribution.name());
        // Neither is emulated.
        w.name("ChannelCount").number(0u32);
        w.name("QueueCount").number(0u32);
    }

    fn stream_names(&self, w: &mut Writer, stream: &str) {
        w.name("StreamName").text(stream);
        w.name("StreamARN").text(&arn::stream(self.settings, stream));
    }

    fn consumer(&self, w: &mut Writer, consumer: &ConsumerDescription) {
        w.name("ConsumerName").text(&consumer.consumer);
        let arn = arn::consumer(self.settings, &consumer.stream, &consumer.consumer, consumer.created);
        w.name("ConsumerARN").text(&arn);
        w.name("ConsumerStatus").text(consumer.status.name());
        self.moment(w, "ConsumerCreationTimestamp", Some(consumer.created));
    }

    fn commitment(&self, w: &mut Writer, commitment: &BillingCommitment) {
        w.name("Status").text(commitment.status.name());
        self.moment(w, "StartedAt", commitment.started);
        self.moment(w, "EndedAt", commitment.ended);
        self.moment(w, "EarliestAllowedEndAt", commitment.earliest_end);
    }

    fn moment(&self, w: &mut Writer, name: &str, time: Option<Time>) {
        if let Some(time) = time {
            w.name(name).moment(millis(time, self.settings));
        }
    }
}

fn millis(time: Time, settings: &Settings) -> u64 {
    u64::try_from((settings.epoch + time.since(Time::ZERO)).as_millis()).unwrap_or(u64::MAX)
}

fn next(w: &mut Writer, token: Option<String>) {
    if let Some(token) = token {
        w.name("NextToken").text(&token);
    }
}

fn records(w: &mut Writer, records: &[ReadRecord], settings: &Settings) {
    w.list(records, |w, record| {
        w.object(|w| {
            w.name("SequenceNumber").plain(&record.sequence_number.digits());
            w.name("ApproximateArrivalTimestamp").moment(millis(record.arrival, settings));
            w.name("Data").blob(&record.data);
            if !record.partition_key.is_empty() {
                w.name("PartitionKey").text(&String::from_utf8_lossy(&record.partition_key));
            }
            if record.encrypted {
                w.name("EncryptionType").text("KMS");
            }
        });
    });
}

fn put_records(w: &mut Writer, receipts: &[Result<PutReceipt, ServiceError>], encryption: &Encryption) {
    let failed = receipts.iter().filter(|receipt| receipt.is_err()).count();
    w.name("FailedRecordCount").number(failed as u64);
    w.name("Records").list(receipts, |w, put| {
        w.object(|w| match put {
            Ok(put) => receipt(w, put),
            Err(error) => {
                w.name("ErrorCode").text(error.kind.name());
                w.name("ErrorMessage").text(&error.message);
            }
        });
    });
    encrypted(w, encryption);
}

fn receipt(w: &mut Writer, receipt: &PutReceipt) {
    w.name("ShardId").plain(&receipt.shard.name());
    w.name("SequenceNumber").plain(&receipt.sequence_number.digits());
}

fn encrypted(w: &mut Writer, encryption: &Encryption) {
    if *encryption != Encryption::None {
        w.name("EncryptionType").text(encryption.name());
    }
}

fn shards(w: &mut Writer, shards: &[ShardDescription]) {
    w.name("Shards").list(shards, |w, shard| {
        w.object(|w| {
            w.name("ShardId").plain(&shard.shard.name());
            if let Some(parent) = shard.parent {
                w.name("ParentShardId").plain(&parent.name());
            }
            if let Some(parent) = shard.adjacent_parent {
                w.name("AdjacentParentShardId").plain(&parent.name());
            }
            range(w, shard.range);
            w.name("SequenceNumberRange").object(|w| {
                w.name("StartingSequenceNumber").plain(&shard.starting_sequence_number.digits());
                if let Some(ending) = shard.ending_sequence_number {
                    w.name("EndingSequenceNumber").plain(&ending.digits());
                }
            });
        });
    });
}

/// Only the end of a closed shard has children.
fn children(w: &mut Writer, children: &[ChildShard]) {
    if children.is_empty() {
        return;
    }
    w.name("ChildShards").list(children, |w, child| {
        w.object(|w| {
            w.name("ShardId").plain(&child.shard.name());
            w.name("ParentShards").list(&child.parents, |w, parent| w.plain(&parent.name()));
            range(w, child.range);
        });
    });
}

fn range(w: &mut Writer, range: HashKeyRange) {
    w.name("HashKeyRange").object(|w| {
        w.name("StartingHashKey").text(&range.start.to_string());
        w.name("EndingHashKey").text(&range.end.to_string());
    });
}

fn limits(w: &mut Writer, limits: Limits) {
    w.name("ShardLimit").number(limits.shard_limit);
    w.name("OpenShardCount").number(limits.open_shards);
    w.name("OnDemandStreamCount").number(limits.on_demand_streams);
    w.name("OnDemandStreamCountLimit").number(limits.on_demand_stream_limit);
    // Channels are not emulated, and how many AWS allows is not known.
    w.name("ChannelCount").number(0u32);
}

fn warm_throughput(w: &mut Writer, warm: WarmThroughput) {
    w.name("WarmThroughput").object(|w| {
        w.name("TargetMiBps").number(warm.target);
        w.name("CurrentMiBps").number(warm.current);
    });
}

fn metrics(w: &mut Writer, metrics: &[ShardMetric]) {
    w.list(metrics, |w, metric| w.text(metric.name()));
}

fn tags<'t>(w: &mut Writer, tags: impl IntoIterator<Item = (&'t String, &'t String)>) {
    w.name("Tags").list(tags, |w, (key, value)| {
        w.object(|w| {
            w.name("Key").text(key);
            w.name("Value").text(value);
        });
    });
}
