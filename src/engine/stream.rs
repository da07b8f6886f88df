//! The stream of a run: created or found, watched until it is usable, and deleted again if the run created it.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::types::{
    MinimumThroughputBillingCommitmentInput, MinimumThroughputBillingCommitmentInputStatus,
    MinimumThroughputBillingCommitmentOutputStatus, RecordDistributionStrategy, Shard, StreamMode as SdkMode,
    StreamModeDetails, StreamStatus,
};
use tokio::time::{Instant, sleep};

use super::created::{Created, Resource};
use super::errors::{classify, describe};
use super::sdk::ShardMap;
use super::{Control, EngineError};
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

/// Finds or creates the stream and waits until it is ACTIVE, or the run is stopped. `fresh_name` is the name of a stream to create.
///
/// If it cannot be used, what was created is deleted again.
pub async fn prepare(
    client: &Client,
    stream: &Stream,
    fresh_name: &str,
    control: &mut Control,
) -> Result<ReadyStream, EngineError> {
    if let Some(name) = &stream.name {
        return tokio::select! {
            ready = wait_until_ready(client, name, false) => ready,
            () = control.stopped() => Err(EngineError::Stopped),
        };
    }
    if control.is_stopped() {
        return Err(EngineError::Stopped);
    }
    let (created, resource) = (control.created.clone(), Resource::Stream { stream: fresh_name.to_owned() });
    created.begin(&resource);
    // Also a run that is stopped waits for this answer, which comes or is given up soon: a call that is dropped may be carried out
    // later, and leave a stream that nobody deletes.
    let ready = match create(client, stream, fresh_name).await {
        Ok(()) => tokio::select! {
            ready = wait_until_ready(client, fresh_name, true) => ready,
            () = control.stopped() => Err(EngineError::Stopped),
        },
        Err(NotMade { error, perhaps: true }) => Err(error),
        Err(NotMade { error, perhaps: false }) => {
            // A stream of this name would be somebody else's.
            created.gone(&resource);
            return Err(error);
        }
    };
    if ready.is_err() {
        let _ = delete(client, fresh_name, Instant::now() + APPEARANCE, &created).await;
    }
    ready
}

async fn wait_until_ready(client: &Client, name: &str, created: bool) -> Result<ReadyStream, EngineError> {
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

/// Deletes a stream that the run created, whatever state it is in; see [`until_gone`].
pub async fn delete(client: &Client, name: &str, absent_from: Instant, created: &Created) -> Result<(), String> {
    let resource = Resource::Stream { stream: name.to_owned() };
    let call = || client.delete_stream().stream_name(name).enforce_consumer_deletion(true).send();
    // A stream that is CREATING cannot be deleted yet; one that is DELETING needs no more.
    until_gone(&resource, absent_from, created, call, || is_deleting(client, name)).await
}

/// Repeats a deletion until the resource is gone or going, something stands in its way, or the time for it is up, and takes note of what
/// became of it. That the service does not know the resource is believed from `absent_from` on: what was just created may not be
/// visible everywhere yet. What goes wrong is for the warnings of the run.
pub async fn until_gone<T, E, R, F, G>(
    resource: &Resource,
    absent_from: Instant,
    created: &Created,
    mut call: impl FnMut() -> F,
    is_going: impl Fn() -> G,
) -> Result<(), String>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
    F: Future<Output = Result<T, SdkError<E, R>>>,
    G: Future<Output = bool>,
{
    let deadline = Instant::now() + CLEANUP_PATIENCE;
    let problem = loop {
        let error = match call().await {
            Ok(_) => break None,
            Err(error) => error,
        };
        match error.code() {
            Some(NOT_FOUND) if Instant::now() >= absent_from => break None,
            Some(IN_USE) if is_going().await => break None,
            Some(NOT_FOUND | IN_USE) => {}
            _ if passes(&error, &[]) => {}
            _ => break Some(describe(&error)),
        }
        if Instant::now() >= deadline {
            break Some(describe(&error));
        }
        sleep(STATUS_INTERVAL).await;
    };
    let Some(why) = problem else {
        created.gone(resource);
        return Ok(());
    };
    created.left(resource, &why);
    Err(format!("{resource} was created by this run and could not be deleted; delete it by hand: {why}"))
}

async fn is_deleting(client: &Client, name: &str) -> bool {
    let answer = client.describe_stream_summary().stream_name(name).send().await;
    let summary = answer.ok().and_then(|answer| answer.stream_description_summary);
    summary.is_some_and(|summary| summary.stream_status == StreamStatus::Deleting)
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
        if !passes(error, codes) || Instant::now() >= deadline {
            return answer;
        }
        sleep(STATUS_INTERVAL).await;
    }
}

/// Whether a call that failed so, or with one of `codes`, may be answered the next time.
pub fn passes<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>, codes: &[&str]) -> bool {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    classify(error) == Failure::Throttled || is_uncertain(error) || code.is_some_and(|code| codes.contains(&code))
}

/// Whether a call that failed so may have been carried out.
pub fn is_uncertain<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    matches!(classify(error), Failure::InternalFailure | Failure::Timeout | Failure::ConnectionReset)
}

/// Why there is no stream, or perhaps one.
struct NotMade {
    error: EngineError,
    /// The call may have been carried out all the same.
    perhaps: bool,
}

async fn create(client: &Client, stream: &Stream, name: &str) -> Result<(), NotMade> {
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
    let answer = request.send().await.map(|_| ());
    answer.map_err(|error| NotMade { error: failed(describe(&error)), perhaps: is_uncertain(&error) })
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
pub fn unusable(what: &str, why: &str) -> EngineError {
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
pub const NOT_FOUND: &str = "ResourceNotFoundException";
/// What is being created, changed or deleted.
pub const IN_USE: &str = "ResourceInUseException";
/// Waiting for a state takes three minutes at most, as AWS's own waiters do (fact sheet, section 2.1).
pub const STATUS_PATIENCE: Duration = Duration::from_secs(180);
/// A change may take longer: an update of the shard count makes one split or merge after the other.
pub const CHANGE_PATIENCE: Duration = Duration::from_secs(15 * 60);
pub const STATUS_INTERVAL: Duration = Duration::from_millis(500);
/// How long a stream or a consumer may take until it can be deleted: as long as until it is ACTIVE.
pub const CLEANUP_PATIENCE: Duration = STATUS_PATIENCE;
/// How long what was just created may be unknown to the service.
pub const APPEARANCE: Duration = Duration::from_secs(10);

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
