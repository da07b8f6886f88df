//! The stream of a run: created or found, watched until it is usable, and deleted again if the run created it.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::types::{
    ConsumerStatus, MinimumThroughputBillingCommitmentInput, MinimumThroughputBillingCommitmentInputStatus,
    MinimumThroughputBillingCommitmentOutputStatus, RecordDistributionStrategy, Shard, StreamMode as SdkMode,
    StreamModeDetails, StreamStatus,
};
use tokio::time::{Instant, sleep};

use super::EngineError;
use super::put::{classify, describe};
use crate::client::{Failure, ListedShard};
use crate::kinesis::{HashKey, HashKeyRange, StreamMode};
use crate::scenario::Stream;

/// A stream that is ready for load.
#[derive(Debug, Clone)]
pub struct ReadyStream {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its shards.
    pub shards: ShardMap,
    /// Whether the run created it, and so deletes it.
    pub created: bool,
}

/// The shards of a stream by their ids.
pub type ShardMap = crate::client::ShardMap<String>;

/// A shard of the API.
fn listed(shard: &Shard) -> Option<ListedShard<String>> {
    let range = shard.hash_key_range()?;
    let start: HashKey = range.starting_hash_key().parse().ok()?;
    let end: HashKey = range.ending_hash_key().parse().ok()?;
    let parents = shard.parent_shard_id().into_iter().chain(shard.adjacent_parent_shard_id());
    Some(ListedShard {
        id: shard.shard_id().to_owned(),
        range: HashKeyRange { start, end },
        parents: parents.map(str::to_owned).collect(),
        open: shard.sequence_number_range().is_none_or(|range| range.ending_sequence_number().is_none()),
    })
}

/// Finds or creates the stream and waits until it is ACTIVE. `fresh_name` is the name of a stream to create.
///
/// If it cannot be used, what was created is deleted again.
pub async fn prepare(client: &Client, stream: &Stream, fresh_name: &str) -> Result<ReadyStream, EngineError> {
    let created = stream.name.is_none();
    let name = stream.name.as_deref().unwrap_or(fresh_name);
    let ready = make_ready(client, stream, name, created).await;
    if created && let Err(EngineError::Stream(_)) = &ready {
        // Also after a creation without an answer, which may have happened all the same.
        let _ = delete(client, name).await;
    }
    ready
}

async fn make_ready(client: &Client, stream: &Stream, name: &str, created: bool) -> Result<ReadyStream, EngineError> {
    if created {
        create(client, stream, name).await?;
    }
    let arn = wait_until_active(client, name, created, false).await?;
    let shards = list_shards(client, name).await.map(ShardMap::new)?;
    if shards.open().is_empty() {
        return Err(EngineError::Stream(format!(
            "the stream `{name}` has no open shard: name another one in stream.name"
        )));
    }
    Ok(ReadyStream { name: name.to_owned(), arn, shards, created })
}

/// Sees to it that the account has the minimum throughput billing commitment: the embedded emulator's gets it. Settings of any other
/// account are its owner's, and cost money: they are looked at and never changed.
pub async fn ensure_commitment(client: &Client, embedded: bool) -> Result<(), EngineError> {
    let failed =
        |what: String| EngineError::Stream(format!("the account has no billing commitment to count on: {what}"));
    if embedded {
        let enabled = MinimumThroughputBillingCommitmentInput::builder()
            .status(MinimumThroughputBillingCommitmentInputStatus::Enabled)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let call = || client.update_account_settings().minimum_throughput_billing_commitment(enabled.clone()).send();
        return patiently(STATUS_PATIENCE, &[], call).await.map(|_| ()).map_err(|error| failed(describe(&error)));
    }
    let call = || client.describe_account_settings().send();
    let answer = patiently(STATUS_PATIENCE, &[], call).await.map_err(|error| failed(describe(&error)))?;
    let status = answer.minimum_throughput_billing_commitment().map(|commitment| commitment.status());
    if status.is_some_and(|status| *status != MinimumThroughputBillingCommitmentOutputStatus::Disabled) {
        return Ok(());
    }
    Err(EngineError::Stream(
        "the scenario says stream.commitment = true, and the account does not have the minimum throughput billing commitment \
         (On-demand Advantage). A run never changes the settings of an account: enable it with UpdateAccountSettings if you \
         want to pay for it, or take the key and the events that need it out of the scenario"
            .to_owned(),
    ))
}

/// Deletes a stream that the run created. The run itself is over: what goes wrong is for its warnings.
pub async fn delete(client: &Client, name: &str) -> Result<(), String> {
    let call = || client.delete_stream().stream_name(name).enforce_consumer_deletion(true).send();
    match patiently(CLEANUP_PATIENCE, &["ResourceInUseException"], call).await {
        Err(error) if error.code() == Some(NOT_FOUND) => Ok(()),
        Err(error) => Err(format!(
            "The stream `{name}` of this run could not be deleted; delete it by hand: {}",
            describe(&error)
        )),
        Ok(_) => Ok(()),
    }
}

/// Registers a consumer for enhanced fan-out and waits until it is ACTIVE. Returns its ARN.
///
/// If it does not become ACTIVE, it is removed again.
pub async fn register(client: &Client, stream_arn: &str, consumer: &str) -> Result<String, EngineError> {
    let failed = |what: String| unusable(&format!("the consumer `{consumer}` cannot be registered"), &what);
    let call = || client.register_stream_consumer().stream_arn(stream_arn).consumer_name(consumer).send();
    let answer = patiently(STATUS_PATIENCE, &[], call).await.map_err(|error| failed(describe(&error)))?;
    let registered = answer.consumer().ok_or_else(|| failed("the answer names no consumer".to_owned()))?;
    let arn = registered.consumer_arn().to_owned();
    let deadline = Instant::now() + STATUS_PATIENCE;
    let mut active = *registered.consumer_status() == ConsumerStatus::Active;
    while !active && Instant::now() < deadline {
        sleep(STATUS_INTERVAL).await;
        let call = || client.describe_stream_consumer().consumer_arn(&arn).send();
        match patiently(STATUS_PATIENCE, &[NOT_FOUND], call).await {
            Ok(answer) => {
                active = answer.consumer_description().is_some_and(|c| *c.consumer_status() == ConsumerStatus::Active);
            }
            Err(error) => {
                let _ = deregister(client, &arn).await;
                return Err(failed(describe(&error)));
            }
        }
    }
    if active {
        return Ok(arn);
    }
    let _ = deregister(client, &arn).await;
    Err(failed("it did not become ACTIVE in time".to_owned()))
}

/// Removes a registered consumer. What goes wrong is for the warnings of the run.
pub async fn deregister(client: &Client, consumer_arn: &str) -> Result<(), String> {
    let call = || client.deregister_stream_consumer().consumer_arn(consumer_arn).send();
    patiently(CLEANUP_PATIENCE, &["ResourceInUseException"], call).await.map(|_| ()).map_err(|error| {
        format!("The consumer {consumer_arn} of this run could not be removed; remove it by hand: {}", describe(&error))
    })
}

/// Repeats a call while it fails in a way that passes, or with one of `codes`, for at most `patience`.
pub async fn patiently<T, E, R, F>(
    patience: Duration,
    codes: &[&str],
    mut call: impl FnMut() -> F,
) -> Result<T, SdkError<E, R>>
where
    E: ProvideErrorMetadata,
    F: Future<Output = Result<T, SdkError<E, R>>>,
{
    let deadline = Instant::now() + patience;
    loop {
        let answer = call().await;
        let Err(error) = &answer else { return answer };
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
        let passing = matches!(
            classify(error),
            Failure::Throttled | Failure::InternalFailure | Failure::Timeout | Failure::ConnectionReset
        ) || code.is_some_and(|code| codes.contains(&code));
        if !passing || Instant::now() >= deadline {
            return answer;
        }
        sleep(STATUS_INTERVAL).await;
    }
}

async fn create(client: &Client, stream: &Stream, name: &str) -> Result<(), EngineError> {
    let request = client.create_stream().stream_name(name);
    let request = match stream.mode {
        StreamMode::Provisioned => request.shard_count(i32::try_from(stream.shards).unwrap_or(i32::MAX)),
        StreamMode::OnDemand => {
            let mode = StreamModeDetails::builder().stream_mode(SdkMode::OnDemand).build();
            request.set_stream_mode_details(mode.ok())
        }
    };
    let size = i32::try_from(stream.max_record_size.0 / 1024).unwrap_or(i32::MAX);
    let request = request.set_max_record_size_in_kib((size > DEFAULT_RECORD_KIB).then_some(size));
    let auto = stream.auto_distribution.then_some(RecordDistributionStrategy::Auto);
    let request = request.set_record_distribution_strategy(auto);
    let failed = |what: String| unusable(&format!("the stream `{name}` cannot be created"), &what);
    request.send().await.map(|_| ()).map_err(|error| failed(describe(&error)))
}

/// Waits until a stream can be used, or if `settled` until no change of it is under way; gives its ARN.
pub async fn wait_until_active(
    client: &Client,
    name: &str,
    created: bool,
    settled: bool,
) -> Result<String, EngineError> {
    let failed = |what: String| unusable(&format!("the stream `{name}` is not usable"), &what);
    // A stream that was just created may not be visible everywhere yet.
    let codes: &[&str] = if created { &[NOT_FOUND] } else { &[] };
    let deadline = Instant::now() + if settled { CHANGE_PATIENCE } else { STATUS_PATIENCE };
    while Instant::now() < deadline {
        let call = || client.describe_stream_summary().stream_name(name).send();
        let answer = patiently(STATUS_PATIENCE, codes, call).await.map_err(|error| failed(describe(&error)))?;
        let summary = answer.stream_description_summary();
        // A stream of somebody else may be changing and still take load.
        let updating = if settled { StreamStatus::Active } else { StreamStatus::Updating };
        let active = summary.filter(|s| *s.stream_status() == StreamStatus::Active || *s.stream_status() == updating);
        if let Some(summary) = active {
            return Ok(summary.stream_arn().to_owned());
        }
        sleep(STATUS_INTERVAL).await;
    }
    Err(failed("it did not become ACTIVE in time".to_owned()))
}

/// All shards of a stream, closed ones included.
pub async fn list_shards(client: &Client, name: &str) -> Result<Vec<ListedShard<String>>, EngineError> {
    let failed = |what: String| unusable(&format!("the shards of `{name}` cannot be listed"), &what);
    let mut shards = Vec::new();
    let mut next_token: Option<String> = None;
    // 10,000 pages hold more shards than a stream can have; a server that goes on for ever is not followed.
    for _ in 0..10_000 {
        let token = next_token.take();
        let call = || match token.clone() {
            Some(token) => client.list_shards().next_token(token).send(),
            None => client.list_shards().stream_name(name).send(),
        };
        let answer = patiently(STATUS_PATIENCE, &[], call).await.map_err(|error| failed(describe(&error)))?;
        shards.extend(answer.shards().iter().filter_map(listed));
        match answer.next_token() {
            Some(token) => next_token = Some(token.to_owned()),
            None => break,
        }
    }
    Ok(shards)
}

/// Why a stream or consumer cannot be used, and what to do.
fn unusable(what: &str, why: &str) -> EngineError {
    EngineError::Stream(format!("{what}: {why}; {}", advice(why)))
}

/// What to do about an error of the service, which begins with its code, or about the want of an answer.
fn advice(why: &str) -> &'static str {
    match why.split(':').next().unwrap_or_default() {
        NOT_FOUND => "create it, or correct stream.name; without a name, the run makes its own stream",
        "LimitExceededException" | "SubscriberLimitExceededException" => {
            "delete what is no longer needed, wait, or ask AWS for a higher quota"
        }
        "ResourceInUseException" => "wait until it is there alone, or name another one",
        "AccessDeniedException" | "AccessDenied" => "give the credentials the permission that the message names",
        "ExpiredTokenException" | "UnrecognizedClientException" | "InvalidSignatureException" => {
            "renew the credentials, or choose others with AWS_PROFILE"
        }
        "InvalidArgumentException" | "ValidationException" | "UnknownOperationException" => {
            "change what the message names in the scenario, or use a target that supports it"
        }
        code if code.ends_with("Exception") => "correct what the message names, and run it again",
        _ => "check that the target is there and answers, and that --target names it",
    }
}

/// The largest record of a stream that does not say otherwise; emulators may not know the parameter.
const DEFAULT_RECORD_KIB: i32 = 1024;
const NOT_FOUND: &str = "ResourceNotFoundException";
/// Waiting for a state takes three minutes at most, as AWS's own waiters do (fact sheet, section 2.1).
const STATUS_PATIENCE: Duration = Duration::from_secs(180);
/// A change may take longer: an update of the shard count makes one split or merge after the other.
pub const CHANGE_PATIENCE: Duration = Duration::from_secs(15 * 60);
const STATUS_INTERVAL: Duration = Duration::from_millis(500);
/// How long the end of a run may take that tidies up.
const CLEANUP_PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_says_what_to_do() {
        for (why, cure) in [
            ("ResourceNotFoundException: Stream orders under account 0 not found.", "correct stream.name"),
            ("LimitExceededException", "a higher quota"),
            ("ExpiredTokenException: The security token included in the request is expired", "renew the credentials"),
            ("InternalFailureException: again", "run it again"),
            ("dispatch failure: io error: Connection refused", "--target names it"),
        ] {
            let text = unusable("the stream `orders` is not usable", why).to_string();
            assert!(text.starts_with(&format!("the stream `orders` is not usable: {why}; ")), "{text}");
            assert!(text.contains(cure), "{text}");
        }
    }
}
