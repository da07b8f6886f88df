//! Requests about streams, consumers, tags and policies that have one answer (section 2).

use super::Members;
use crate::emulator::wire::Fault;
use crate::kinesis::{CreateStream, Distribution, HashKey, Operation, Request, ShardMetric, StreamMode};

pub(super) fn request(operation: Operation, m: Members<'_>) -> Result<Request, Fault> {
    use Operation as O;
    Ok(match operation {
        O::CreateStream => Request::CreateStream(create_stream(m)),
        O::DeleteStream => {
            let enforce_consumer_deletion = m.boolean("EnforceConsumerDeletion");
            Request::DeleteStream { stream: m.stream()?, enforce_consumer_deletion }
        }
        O::DescribeStreamSummary => Request::DescribeStreamSummary { stream: m.stream()? },
        O::DescribeLimits => Request::DescribeLimits,
        O::RegisterStreamConsumer => {
            let (consumer, tags) = (m.required("ConsumerName").to_owned(), m.tags("Tags"));
            Request::RegisterStreamConsumer { stream: m.stream()?, consumer, tags }
        }
        O::DeregisterStreamConsumer => Request::DeregisterStreamConsumer(m.consumer()?),
        O::DescribeStreamConsumer => Request::DescribeStreamConsumer(m.consumer()?),
        O::SplitShard => {
            let stream = m.stream()?;
            let shard = m.shard("ShardToSplit", &stream)?;
            Request::SplitShard { stream, shard, new_starting_hash_key: new_starting_hash_key(m)? }
        }
        O::MergeShards => {
            let stream = m.stream()?;
            let shard = m.shard("ShardToMerge", &stream)?;
            let adjacent = m.shard("AdjacentShardToMerge", &stream)?;
            Request::MergeShards { stream, shard, adjacent }
        }
        O::UpdateShardCount => {
            Request::UpdateShardCount { stream: m.stream()?, target: m.count("TargetShardCount").unwrap_or_default() }
        }
        O::UpdateStreamMode => Request::UpdateStreamMode {
            stream: m.stream()?,
            mode: mode(m),
            warm_throughput: m.count("WarmThroughputMiBps"),
        },
        O::UpdateStreamWarmThroughput => {
            let warm_throughput = m.count("WarmThroughputMiBps").unwrap_or_default();
            Request::UpdateStreamWarmThroughput { stream: m.stream()?, warm_throughput }
        }
        O::UpdateMaxRecordSize => {
            let max_record_kib = m.count("MaxRecordSizeInKiB").unwrap_or_default();
            Request::UpdateMaxRecordSize { stream: m.stream()?, max_record_kib }
        }
        O::UpdateStreamRecordDistributionStrategy => {
            Request::UpdateStreamRecordDistributionStrategy { stream: m.stream()?, distribution: distribution(m) }
        }
        O::IncreaseStreamRetentionPeriod => {
            Request::IncreaseStreamRetentionPeriod { stream: m.stream()?, hours: hours(m) }
        }
        O::DecreaseStreamRetentionPeriod => {
            Request::DecreaseStreamRetentionPeriod { stream: m.stream()?, hours: hours(m) }
        }
        O::EnableEnhancedMonitoring => Request::EnableEnhancedMonitoring { stream: m.stream()?, metrics: metrics(m) },
        O::DisableEnhancedMonitoring => Request::DisableEnhancedMonitoring { stream: m.stream()?, metrics: metrics(m) },
        O::StartStreamEncryption => {
            check_encryption(m)?;
            Request::StartStreamEncryption { stream: m.stream()?, key: m.required("KeyId").to_owned() }
        }
        O::StopStreamEncryption => {
            check_encryption(m)?;
            Request::StopStreamEncryption { stream: m.stream()? }
        }
        other => return labels_or_account(other, m),
    })
}

/// Tags, policies and settings of the account.
fn labels_or_account(operation: Operation, m: Members<'_>) -> Result<Request, Fault> {
    use Operation as O;
    Ok(match operation {
        O::AddTagsToStream => Request::AddTagsToStream { stream: m.stream()?, tags: m.tags("Tags") },
        O::RemoveTagsFromStream => Request::RemoveTagsFromStream { stream: m.stream()?, keys: keys(m) },
        O::TagResource => Request::TagResource { resource: m.resource()?, tags: m.tags("Tags") },
        O::UntagResource => Request::UntagResource { resource: m.resource()?, keys: keys(m) },
        O::ListTagsForResource => Request::ListTagsForResource { resource: m.resource()? },
        O::PutResourcePolicy => {
            Request::PutResourcePolicy { resource: m.resource()?, policy: m.required("Policy").to_owned() }
        }
        O::GetResourcePolicy => Request::GetResourcePolicy { resource: m.resource()? },
        O::DeleteResourcePolicy => Request::DeleteResourcePolicy { resource: m.resource()? },
        O::DescribeAccountSettings => Request::DescribeAccountSettings,
        O::UpdateAccountSettings => {
            let commitment = m.members("MinimumThroughputBillingCommitment");
            let status = commitment.and_then(|commitment| commitment.text("Status"));
            Request::UpdateAccountSettings { minimum_throughput_billing_commitment: status == Some("ENABLED") }
        }
        // The caller keeps those that move records or list to itself.
        other => return Err(Fault::not_emulated(other)),
    })
}

fn create_stream(m: Members<'_>) -> CreateStream {
    CreateStream {
        stream: m.required("StreamName").to_owned(),
        shards: m.count("ShardCount"),
        mode: mode(m),
        tags: m.tags("Tags"),
        warm_throughput: m.count("WarmThroughputMiBps"),
        max_record_kib: m.count("MaxRecordSizeInKiB"),
        distribution: distribution(m),
    }
}

fn mode(m: Members<'_>) -> StreamMode {
    match m.members("StreamModeDetails").and_then(|details| details.text("StreamMode")) {
        Some("ON_DEMAND") => StreamMode::OnDemand,
        _ => StreamMode::Provisioned,
    }
}

fn distribution(m: Members<'_>) -> Distribution {
    match m.text("RecordDistributionStrategy") {
        Some("AUTO") => Distribution::Auto,
        _ => Distribution::UserPartitionKey,
    }
}

fn hours(m: Members<'_>) -> i32 {
    m.integer("RetentionPeriodHours").unwrap_or_default()
}

fn keys(m: Members<'_>) -> Vec<String> {
    m.texts("TagKeys").map(str::to_owned).collect()
}

/// Each metric once, in the order of the API; `ALL` stands for all of them.
fn metrics(m: Members<'_>) -> Vec<ShardMetric> {
    let asked = |metric: &ShardMetric| m.texts("ShardLevelMetrics").any(|name| name == "ALL" || name == metric.name());
    ShardMetric::ALL.into_iter().filter(asked).collect()
}

/// KMS is the only encryption that starts and stops.
fn check_encryption(m: Members<'_>) -> Result<(), Fault> {
    match m.text("EncryptionType") {
        Some("KMS") => Ok(()),
        _ => Err(Fault::invalid_argument("EncryptionType must be KMS.")),
    }
}

fn new_starting_hash_key(m: Members<'_>) -> Result<HashKey, Fault> {
    let text = m.required("NewStartingHashKey");
    text.parse().map_err(|()| {
        Fault::invalid_argument(format!(
            "Invalid NewStartingHashKey. NewStartingHashKey must be in the range: [0, 2^128-1]. Specified value was {text}"
        ))
    })
}
