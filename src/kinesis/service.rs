//! The service as a whole: it routes requests to streams and decides when each answer is due.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::account::Account;
use super::api::*;
use super::control_rate::ControlRates;
use super::damage::InjectedFaults;
use super::fanout::Subscription;
use super::fault::{Call, FaultRule, Faults, Hit, Part, injected};
use super::latency::LatencyModel;
use super::metrics::StreamMetrics;
use super::profile::{Profile, WriteLimits};
use super::stream::{Rules, Stream};
use crate::seed::Seed;
use crate::time::Time;
use crate::units;

/// How a service is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Limits and latencies.
    pub profile: Arc<Profile>,
    /// Which limits hold for writes.
    pub write_limiter: WriteLimiter,
    /// Seed of the latencies and faults.
    pub seed: Seed,
    /// Unix time of [`Time::ZERO`].
    pub epoch: Duration,
    /// Most bytes of records held; beyond it, records are dropped before their retention ends.
    pub memory_budget: units::Bytes,
    /// Factor on the durations of state changes; 0 makes them immediate.
    pub transition_scale: f64,
    /// Whether answers take the profile's time.
    pub latency: bool,
    /// Whether calls of the control plane are limited as the profile says.
    pub control_limits: bool,
    /// The account in ARNs and messages.
    pub account: String,
    /// The region in ARNs.
    pub region: String,
}

impl Settings {
    /// The limits and latencies of a profile, changes of state at once, 256 MiB of memory, and a made-up account.
    pub fn new(profile: Profile, seed: Seed) -> Self {
        Self {
            profile: Arc::new(profile),
            write_limiter: WriteLimiter::Strict,
            seed,
            epoch: Duration::ZERO,
            memory_budget: units::Bytes(256 << 20),
            transition_scale: 0.0,
            latency: true,
            control_limits: true,
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
        }
    }
}

/// Which write limits hold for a shard (fact sheet, section 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WriteLimiter {
    /// Those that AWS states: 1,000 records/s and 1 MiB/s.
    #[default]
    Strict,
    /// What a shard was measured to take; looser than stated.
    Field,
    /// None.
    None,
}

/// What the service holds and has dropped early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StorageUsage {
    /// Most bytes it may hold.
    pub budget: u64,
    /// Bytes of records held now, what it takes to keep them included.
    pub bytes: u64,
    /// Most bytes of records ever held.
    pub peak: u64,
    /// Records dropped early that every known reader had read.
    pub trimmed_read: u64,
    /// Records dropped early that some reader may still have wanted.
    pub trimmed_unread: u64,
}

/// Kinesis Data Streams, in one account and region.
#[derive(Debug)]
pub struct Kinesis {
    pub(super) settings: Settings,
    pub(super) latency: LatencyModel,
    pub(super) streams: BTreeMap<String, Stream>,
    pub(super) subscriptions: BTreeMap<SubscriptionId, Subscription>,
    pub(super) next_subscription: u64,
    /// Numbers iterator tokens and chains of them.
    pub(super) next_serial: u64,
    pub(super) usage: StorageUsage,
    pub(super) faults: Faults,
    pub(super) account: Account,
    rates: ControlRates,
    /// The metrics of streams that are gone are gone with them.
    forget_at: Time,
}

impl Kinesis {
    /// A service without streams.
    pub fn new(settings: Settings) -> Self {
        let latency = LatencyModel::new(&settings.profile.latency, settings.seed, settings.latency);
        let usage = StorageUsage { budget: settings.memory_budget.0, ..StorageUsage::default() };
        let rates = ControlRates::new(&settings.profile.control_plane.account);
        let faults = Faults::new(settings.seed);
        Self {
            settings,
            latency,
            streams: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            next_subscription: 0,
            next_serial: 0,
            usage,
            faults,
            account: Account::default(),
            rates,
            forget_at: Time::NEVER,
        }
    }

    /// How the service is set up.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// From now on, changes of state take `scale` times the profile's durations; 0 makes them immediate. What is under way keeps its
    /// time.
    pub const fn set_transition_scale(&mut self, scale: f64) {
        self.settings.transition_scale = scale;
    }

    /// Until when a stream is UPDATING, as far as it is known at `now`; `None` if no change of it is under way.
    pub fn changing_until(&mut self, now: Time, stream: &str) -> Option<Time> {
        let stream = self.streams.get_mut(stream)?;
        stream.advance(now);
        stream.pending.as_ref().map(|pending| pending.due)
    }

    /// What the service holds and has dropped early.
    pub const fn usage(&self) -> StorageUsage {
        self.usage
    }

    /// What fault rules have damaged so far.
    pub const fn injected_faults(&self) -> &InjectedFaults {
        &self.faults.injected
    }

    /// Puts these fault rules in the place of those in force.
    pub fn set_faults(&mut self, rules: Vec<FaultRule>) {
        self.faults.set(rules);
    }

    /// The fault rules in force.
    pub fn faults(&self) -> Vec<FaultRule> {
        self.faults.rules().cloned().collect()
    }

    /// What CloudWatch would show of each stream.
    pub fn metrics(&self) -> impl Iterator<Item = (&str, &StreamMetrics)> {
        self.streams.values().map(|stream| (stream.name.as_str(), &stream.metrics))
    }

    /// Takes a request at `now` and answers it.
    pub fn handle(&mut self, now: Time, request: Request) -> Reply {
        self.forget_gone_streams(now);
        let operation = request.operation();
        let hit = self.faults.inject(Call {
            now,
            operation,
            stream: request.stream(),
            shard: request.shard(),
            part: Part::Whole,
        });
        let mut reply = match hit.error {
            Some(ErrorKind::ConnectionDropped) if operation.is_put() && self.faults.stored_all_the_same() => {
                let stored = self.execute(now, operation, request);
                Reply { response: Err(injected(ErrorKind::ConnectionDropped)), ready_at: stored.ready_at }
            }
            Some(kind) => Reply { response: Err(injected(kind)), ready_at: self.latency.control(now) },
            None => self.execute(now, operation, request),
        };
        reply.ready_at = reply.ready_at + hit.delay;
        reply
    }

    fn execute(&mut self, now: Time, operation: Operation, request: Request) -> Reply {
        match request {
            Request::PutRecord { stream, entry, after } => self.put_record(now, &stream, entry, after),
            Request::PutRecords { stream, entries } => self.put_records(now, &stream, entries),
            Request::GetRecords { iterator, limit } => self.get_records(now, iterator, limit),
            other => {
                let allowed = self.charge_control_rate(now, operation, other.stream());
                let response = allowed.and_then(|()| self.control(now, other));
                Reply { response, ready_at: self.latency.control(now) }
            }
        }
    }

    fn charge_control_rate(
        &mut self,
        now: Time,
        operation: Operation,
        stream: Option<&str>,
    ) -> Result<(), ServiceError> {
        if !self.settings.control_limits {
            return Ok(());
        }
        let account = &self.settings.account;
        if self.rates.charge(now, operation).is_err() {
            let message = format!("Rate exceeded for account {account}: {operation}.");
            return Err(ServiceError::new(ErrorKind::LimitExceeded, message));
        }
        let Some(stream) = stream.and_then(|name| self.streams.get_mut(name)) else { return Ok(()) };
        let limits = &self.settings.profile.control_plane.stream;
        ControlRates::charge_one(&mut stream.rates, limits, now, operation).map_err(|_| {
            let message = format!("Rate exceeded for stream {} under account {account}.", stream.name);
            ServiceError::new(ErrorKind::LimitExceeded, message)
        })
    }

    fn control(&mut self, now: Time, request: Request) -> Answer {
        use Request as R;
        match request {
            R::GetShardIterator { stream, shard, position } => self.get_shard_iterator(now, &stream, shard, position),
            R::SubscribeToShard { consumer, shard, position } => self.subscribe(now, &consumer, shard, position),
            R::CreateStream(create) => self.create_stream(now, &create),
            R::DeleteStream { stream, enforce_consumer_deletion } => {
                self.delete_stream(now, &stream, enforce_consumer_deletion)
            }
            R::DescribeStream { stream, limit, after } => self.describe_stream(now, &stream, limit, after),
            R::DescribeStreamSummary { stream } => self.describe_stream_summary(now, &stream),
            R::ListStreams { limit, after } => self.list_streams(now, limit, after.as_deref()),
            R::ListShards(list) => self.list_shards(now, &list),
            R::DescribeLimits => self.describe_limits(now),
            R::RegisterStreamConsumer { stream, consumer, tags } => {
                self.register_consumer(now, &stream, consumer, tags)
            }
            R::DeregisterStreamConsumer(name) => self.deregister_consumer(now, &name),
            R::DescribeStreamConsumer(name) => self.describe_consumer(now, &name),
            R::ListStreamConsumers { stream, created, limit, after } => {
                self.list_consumers(now, &stream, created, limit, after.as_deref())
            }
            R::SplitShard { stream, shard, new_starting_hash_key } => {
                self.split_shard(now, &stream, shard, new_starting_hash_key)
            }
            R::MergeShards { stream, shard, adjacent } => self.merge_shards(now, &stream, shard, adjacent),
            R::UpdateShardCount { stream, target } => self.update_shard_count(now, &stream, target),
            R::UpdateStreamMode { stream, mode, warm_throughput } => {
                self.update_mode(now, &stream, mode, warm_throughput)
            }
            R::UpdateStreamWarmThroughput { stream, warm_throughput } => {
                self.update_warm_throughput(now, &stream, warm_throughput)
            }
            R::UpdateMaxRecordSize { stream, max_record_kib } => {
                self.update_max_record_size(now, &stream, max_record_kib)
            }
            R::UpdateStreamRecordDistributionStrategy { stream, distribution } => {
                self.update_distribution(now, &stream, distribution)
            }
            R::IncreaseStreamRetentionPeriod { stream, hours } => self.increase_retention(now, &stream, hours),
            R::DecreaseStreamRetentionPeriod { stream, hours } => self.decrease_retention(now, &stream, hours),
            R::EnableEnhancedMonitoring { stream, metrics } => self.update_monitoring(now, &stream, &metrics, true),
            R::DisableEnhancedMonitoring { stream, metrics } => self.update_monitoring(now, &stream, &metrics, false),
            R::StartStreamEncryption { stream, key } => self.update_encryption(now, &stream, Encryption::Kms(key)),
            R::StopStreamEncryption { stream } => self.update_encryption(now, &stream, Encryption::None),
            R::AddTagsToStream { stream, tags } => self.add_tags(now, &Resource::Stream(stream), tags),
            R::RemoveTagsFromStream { stream, keys } => self.remove_tags(now, &Resource::Stream(stream), &keys),
            R::ListTagsForStream { stream, limit, after } => {
                self.list_tags_for_stream(now, stream, limit, after.as_deref())
            }
            R::TagResource { resource, tags } => self.add_tags(now, &resource, tags),
            R::UntagResource { resource, keys } => self.remove_tags(now, &resource, &keys),
            R::ListTagsForResource { resource } => self.list_tags(now, &resource),
            R::PutResourcePolicy { resource, policy } => self.put_policy(now, &resource, Some(policy)),
            R::GetResourcePolicy { resource } => self.get_policy(now, &resource),
            R::DeleteResourcePolicy { resource } => self.put_policy(now, &resource, None),
            R::DescribeAccountSettings => Ok(Response::DescribeAccountSettings(self.account.commitment(now))),
            R::UpdateAccountSettings { minimum_throughput_billing_commitment } => {
                self.update_account_settings(now, minimum_throughput_billing_commitment)
            }
            // The data plane has been answered before.
            R::PutRecord { .. } | R::PutRecords { .. } | R::GetRecords { .. } => Ok(Response::Empty),
        }
    }

    /// The stream, with all changes made that are due, or why there is none.
    pub(super) fn stream_mut(&mut self, now: Time, name: &str) -> Result<&mut Stream, ServiceError> {
        let account = &self.settings.account;
        let stream = self.streams.get_mut(name).ok_or_else(|| not_found(name, account))?;
        stream.advance(now);
        Ok(stream)
    }

    /// The stream for a data call: one that is still being created is not found yet (section 2.2).
    pub(super) fn usable(&mut self, now: Time, name: &str) -> Result<&mut Stream, ServiceError> {
        let missing = not_found(name, &self.settings.account);
        let stream = self.stream_mut(now, name)?;
        if stream.status(now) == Some(Status::Creating) { Err(missing) } else { Ok(stream) }
    }

    /// Drops the records of a stream that are past their retention.
    pub(super) fn trim_expired(&mut self, now: Time, name: &str) {
        let Some(stream) = self.streams.get_mut(name) else { return };
        let before = stream.stored_bytes();
        stream.trim_expired(now);
        self.usage.bytes = self.usage.bytes.saturating_sub(before - stream.stored_bytes());
    }

    /// The stream for a change: it must be ACTIVE.
    pub(super) fn changeable(&mut self, now: Time, name: &str) -> Result<&mut Stream, ServiceError> {
        let account = self.settings.account.clone();
        let stream = self.stream_mut(now, name)?;
        let status = stream.status(now).unwrap_or(Status::Deleting);
        if status == Status::Active {
            return Ok(stream);
        }
        let message = format!("Stream {name} under account {account} not ACTIVE, instead in state {}", status.name());
        Err(ServiceError::new(ErrorKind::ResourceInUse, message))
    }

    /// Injects the faults that hit a shard or a record of a call.
    pub(super) fn inject(&mut self, now: Time, operation: Operation, stream: &str, shard: ShardId, part: Part) -> Hit {
        self.faults.inject(Call { now, operation, stream: Some(stream), shard: Some(shard), part })
    }

    pub(super) fn rules(&self) -> Rules {
        let profile = &self.settings.profile;
        let write: Option<&WriteLimits> = match self.settings.write_limiter {
            WriteLimiter::Strict => Some(&profile.write),
            WriteLimiter::Field => Some(&profile.write_field),
            WriteLimiter::None => None,
        };
        Rules { epoch: self.settings.epoch, profile: Arc::clone(profile), write: write.cloned() }
    }

    /// When a change that takes `duration` by the profile is made, if it begins at `now`.
    pub(super) fn transition(&self, now: Time, duration: Duration) -> Time {
        now + duration.mul_f64(self.settings.transition_scale.max(0.0))
    }

    pub(super) fn serial(&mut self) -> u64 {
        self.next_serial += 1;
        self.next_serial
    }

    /// Notes that a stream will be gone at some moment.
    pub(super) fn forget_at(&mut self, gone: Time) {
        self.forget_at = self.forget_at.min(gone);
    }

    fn forget_gone_streams(&mut self, now: Time) {
        if now < self.forget_at {
            return;
        }
        self.streams.retain(|_, stream| stream.status(now).is_some());
        self.count_stored_bytes();
        self.forget_at = if self.streams.values().any(|stream| stream.status(now) == Some(Status::Deleting)) {
            now
        } else {
            Time::NEVER
        };
    }

    /// Adds up what the streams hold.
    pub(super) fn count_stored_bytes(&mut self) {
        self.usage.bytes = self.streams.values().map(Stream::stored_bytes).sum();
        self.usage.peak = self.usage.peak.max(self.usage.bytes);
    }

    /// Drops records until the budget holds: first what all readers have read, then the oldest of the fullest shard.
    pub(super) fn trim_to_budget(&mut self, now: Time) {
        let iterator_life = self.settings.profile.read.iterator_life;
        for stream in self.streams.values_mut() {
            self.usage.trimmed_read += stream.trim_read(now, iterator_life);
        }
        self.count_stored_bytes();
        if self.usage.bytes <= self.usage.budget {
            return;
        }
        // A little more than needed, so that this does not happen at every put.
        let goal = self.usage.budget - self.usage.budget / 16;
        while self.usage.bytes > goal {
            let Some(fullest) = self.streams.values_mut().max_by_key(|stream| stream.stored_bytes()) else { break };
            let enough = fullest.stored_bytes().saturating_sub(self.usage.bytes - goal);
            let trimmed = fullest.trim_fullest(enough);
            self.usage.trimmed_unread += trimmed;
            self.count_stored_bytes();
            if trimmed == 0 {
                break;
            }
        }
    }
}

impl Request {
    /// The stream it is about, if it is about one.
    pub fn stream(&self) -> Option<&str> {
        Some(match self {
            Self::CreateStream(create) => &create.stream,
            Self::ListShards(list) => &list.stream,
            Self::GetRecords { iterator, .. } => &iterator.stream,
            Self::DeregisterStreamConsumer(name)
            | Self::DescribeStreamConsumer(name)
            | Self::SubscribeToShard { consumer: name, .. } => &name.stream,
            Self::TagResource { resource, .. }
            | Self::UntagResource { resource, .. }
            | Self::ListTagsForResource { resource }
            | Self::PutResourcePolicy { resource, .. }
            | Self::GetResourcePolicy { resource }
            | Self::DeleteResourcePolicy { resource } => resource.stream(),
            Self::DeleteStream { stream, .. }
            | Self::DescribeStream { stream, .. }
            | Self::DescribeStreamSummary { stream }
            | Self::PutRecord { stream, .. }
            | Self::PutRecords { stream, .. }
            | Self::GetShardIterator { stream, .. }
            | Self::RegisterStreamConsumer { stream, .. }
            | Self::ListStreamConsumers { stream, .. }
            | Self::SplitShard { stream, .. }
            | Self::MergeShards { stream, .. }
            | Self::UpdateShardCount { stream, .. }
            | Self::UpdateStreamMode { stream, .. }
            | Self::UpdateStreamWarmThroughput { stream, .. }
            | Self::UpdateMaxRecordSize { stream, .. }
            | Self::UpdateStreamRecordDistributionStrategy { stream, .. }
            | Self::IncreaseStreamRetentionPeriod { stream, .. }
            | Self::DecreaseStreamRetentionPeriod { stream, .. }
            | Self::EnableEnhancedMonitoring { stream, .. }
            | Self::DisableEnhancedMonitoring { stream, .. }
            | Self::StartStreamEncryption { stream, .. }
            | Self::StopStreamEncryption { stream }
            | Self::AddTagsToStream { stream, .. }
            | Self::RemoveTagsFromStream { stream, .. }
            | Self::ListTagsForStream { stream, .. } => stream,
            Self::ListStreams { .. }
            | Self::DescribeLimits
            | Self::DescribeAccountSettings
            | Self::UpdateAccountSettings { .. } => return None,
        })
    }

    /// The shard it is about, if it names one.
    const fn shard(&self) -> Option<ShardId> {
        match self {
            Self::GetRecords { iterator, .. } => Some(iterator.shard),
            Self::GetShardIterator { shard, .. }
            | Self::SubscribeToShard { shard, .. }
            | Self::SplitShard { shard, .. }
            | Self::MergeShards { shard, .. } => Some(*shard),
            _ => None,
        }
    }
}

pub(super) type Answer = Result<Response, ServiceError>;

pub(super) fn not_found(stream: &str, account: &str) -> ServiceError {
    ServiceError::new(ErrorKind::ResourceNotFound, format!("Stream {stream} under account {account} not found."))
}

pub(super) fn shard_not_found(stream: &str, shard: ShardId, account: &str) -> ServiceError {
    let message = format!("Shard {shard} in stream {stream} under account {account} does not exist");
    ServiceError::new(ErrorKind::ResourceNotFound, message)
}

pub(super) fn consumer_not_found(stream: &str, consumer: &str, account: &str) -> ServiceError {
    let message = format!("Consumer {consumer} under stream {stream}, account {account} not found.");
    ServiceError::new(ErrorKind::ResourceNotFound, message)
}

pub(super) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new(ErrorKind::InvalidArgument, message)
}

pub(super) fn rate_exceeded(shard: ShardId, stream: &str, account: &str) -> ServiceError {
    ServiceError::new(
        ErrorKind::ProvisionedThroughputExceeded,
        format!("Rate exceeded for shard {shard} in stream {stream} under account {account}."),
    )
}
