//! Changes of the stream that the scenario asks for, made through the SDK while load is offered.

use std::fmt;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::types::{ScalingType, StreamMode as SdkMode, StreamModeDetails};

use super::errors::describe;
use super::stream::{self, ReadyStream, patiently, wait_until_active};
use crate::kinesis::StreamMode;
use crate::run::{Change, ChangeOutcome};

/// How long a change may be refused because another one is under way, one that is not the run's own.
const PATIENCE: Duration = stream::CHANGE_PATIENCE;
/// The codes of a refusal that passes.
const BUSY: &[&str] = &["ResourceInUseException", "LimitExceededException"];

/// Changes the stream, and waits until it has changed.
pub(super) async fn change(client: Client, stream: ReadyStream, change: Change<String>) -> ChangeOutcome {
    if let Err(outcome) = begin(&client, &stream, change).await {
        return outcome;
    }
    match wait_until_active(&client, &stream.name, false, true).await {
        Ok(_) => ChangeOutcome::Done,
        Err(error) => ChangeOutcome::Unclear(error.to_string()),
    }
}

/// Makes the call that begins a change.
async fn begin(client: &Client, stream: &ReadyStream, change: Change<String>) -> Result<(), ChangeOutcome> {
    let name = &stream.name;
    match change {
        Change::SplitShard { shard, new_starting_hash_key } => {
            let key = new_starting_hash_key.to_string();
            let call = || {
                let request = client.split_shard().stream_name(name).shard_to_split(&shard);
                request.new_starting_hash_key(&key).send()
            };
            begun(patiently(PATIENCE, BUSY, call).await)
        }
        Change::MergeShards { shard, adjacent } => {
            let call = || {
                let request = client.merge_shards().stream_name(name).shard_to_merge(&shard);
                request.adjacent_shard_to_merge(&adjacent).send()
            };
            begun(patiently(PATIENCE, BUSY, call).await)
        }
        Change::UpdateShardCount { target } => {
            let target = i32::try_from(target).unwrap_or(i32::MAX);
            let call = || {
                let request = client.update_shard_count().stream_name(name).target_shard_count(target);
                request.scaling_type(ScalingType::UniformScaling).send()
            };
            begun(patiently(PATIENCE, &BUSY[..1], call).await)
        }
        Change::UpdateStreamMode { mode } => {
            let mode = match mode {
                StreamMode::OnDemand => SdkMode::OnDemand,
                StreamMode::Provisioned => SdkMode::Provisioned,
            };
            let details = StreamModeDetails::builder().stream_mode(mode).build();
            let details = details.map_err(|error| ChangeOutcome::Refused(error.to_string()))?;
            let call =
                || client.update_stream_mode().stream_arn(&stream.arn).stream_mode_details(details.clone()).send();
            begun(patiently(PATIENCE, &BUSY[..1], call).await)
        }
        Change::UpdateWarmThroughput { mib_per_second } => {
            let mib = i32::try_from(mib_per_second).unwrap_or(i32::MAX);
            let call = || client.update_stream_warm_throughput().stream_name(name).warm_throughput_mibps(mib).send();
            begun(patiently(PATIENCE, &BUSY[..1], call).await)
        }
    }
}

/// Whether a change has begun. Without an answer of the service nobody knows.
fn begun<T, E, R>(answer: Result<T, SdkError<E, R>>) -> Result<(), ChangeOutcome>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: fmt::Debug,
{
    match answer {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().is_some() => Err(ChangeOutcome::Refused(describe(&error))),
        Err(error) => Err(ChangeOutcome::Unclear(describe(&error))),
    }
}
