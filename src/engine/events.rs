//! Events of a run: changes of the stream that the scenario asks for, made through the SDK while load is offered.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::{ScalingType, StreamMode as SdkMode, StreamModeDetails};

use super::put::describe;
use super::stream::{self, ReadyStream, ShardMap, patiently, wait_until_active};
use crate::kinesis::StreamMode;
use crate::scenario::{Action, ShardChoice};

/// How long a change may be refused because another one is under way, one that is not the run's own.
const PATIENCE: Duration = stream::CHANGE_PATIENCE;
/// The codes of a refusal that passes.
const BUSY: &[&str] = &["ResourceInUseException", "LimitExceededException"];

/// Changes the stream, and waits until it has changed. `hottest` is the index of the shard with the most load.
///
/// # Errors
/// The service refused, in its words.
pub async fn change(client: Client, stream: ReadyStream, action: Action, hottest: usize) -> Result<(), String> {
    let name = &stream.name;
    match action {
        Action::SplitShard { shard, cut } => {
            let index = chosen(&stream.shards, shard, hottest)?;
            let id = stream.shards.id(index).ok_or("the shard is not known")?;
            let range = stream.shards.range(index).ok_or("the shard is not known")?;
            let key = range.cut(cut).to_string();
            let call = || {
                let request = client.split_shard().stream_name(name).shard_to_split(id);
                request.new_starting_hash_key(&key).send()
            };
            patiently(PATIENCE, BUSY, call).await.map_err(|error| describe(&error))?;
        }
        Action::MergeShards { shard } => {
            let index = chosen(&stream.shards, shard, hottest)?;
            let open = stream.shards.open();
            let place = open.iter().position(|open| *open == index).unwrap_or(0);
            let id = stream.shards.id(index).ok_or("the shard is not known")?;
            let next = open.get(place + 1).and_then(|next| stream.shards.id(*next));
            let next = next.ok_or("the last shard in hash key order has none after it to be merged with")?;
            let call = || {
                let request = client.merge_shards().stream_name(name).shard_to_merge(id);
                request.adjacent_shard_to_merge(next).send()
            };
            patiently(PATIENCE, BUSY, call).await.map_err(|error| describe(&error))?;
        }
        Action::UpdateShardCount { shards } => {
            let target = i32::try_from(shards).unwrap_or(i32::MAX);
            let call = || {
                let request = client.update_shard_count().stream_name(name).target_shard_count(target);
                request.scaling_type(ScalingType::UniformScaling).send()
            };
            patiently(PATIENCE, &BUSY[..1], call).await.map_err(|error| describe(&error))?;
        }
        Action::UpdateStreamMode { mode } => {
            let mode = match mode {
                StreamMode::OnDemand => SdkMode::OnDemand,
                StreamMode::Provisioned => SdkMode::Provisioned,
            };
            let details = StreamModeDetails::builder().stream_mode(mode).build().map_err(|error| error.to_string())?;
            let call =
                || client.update_stream_mode().stream_arn(&stream.arn).stream_mode_details(details.clone()).send();
            patiently(PATIENCE, &BUSY[..1], call).await.map_err(|error| describe(&error))?;
        }
        Action::UpdateWarmThroughput { mib_per_second } => {
            let mib = i32::try_from(mib_per_second).unwrap_or(i32::MAX);
            let call = || client.update_stream_warm_throughput().stream_name(name).warm_throughput_mibps(mib).send();
            patiently(PATIENCE, &BUSY[..1], call).await.map_err(|error| describe(&error))?;
        }
        // Consumers are told directly.
        Action::Consumer { .. } => {}
    }
    wait_until_active(&client, name, false, true).await.map(|_| ()).map_err(|error| error.to_string())
}

fn chosen(shards: &ShardMap, choice: ShardChoice, hottest: usize) -> Result<usize, String> {
    match choice {
        // What was hottest may have been split meanwhile.
        ShardChoice::Hottest if shards.open().contains(&hottest) => Ok(hottest),
        ShardChoice::Hottest => shards.open().first().copied().ok_or_else(|| "no shard is open".to_owned()),
        ShardChoice::Place(place) => {
            shards.open().get(place as usize).copied().ok_or_else(|| {
                format!("there are {} open shards, and this would be number {place}", shards.open().len())
            })
        }
    }
}
