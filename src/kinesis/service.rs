//! The service as a whole: it routes requests to streams and decides when each answer is due.

use std::collections::BTreeMap;
use std::time::Duration;

use super::api::*;
use super::fanout::{RegisteredConsumer, ShardProgress, Subscription};
use super::latency::LatencyModel;
use super::profile::Profile;
use super::stream::{Lifetime, Stream};
use crate::seed::Seed;
use crate::time::Time;
use crate::units;

/// How a service is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Limits and latencies.
    pub profile: Profile,
    /// Seed of the latencies.
    pub seed: Seed,
    /// Unix time of [`Time::ZERO`].
    pub epoch: Duration,
    /// Most bytes of records held; beyond it, records are dropped before their retention ends.
    pub memory_budget: units::Bytes,
    /// Factor on the durations of state changes; 0 makes them immediate.
    pub transition_scale: f64,
    /// Whether answers take the profile's time.
    pub latency: bool,
    /// The account in ARNs and messages.
    pub account: String,
    /// The region in ARNs.
    pub region: String,
}

/// What the service holds and has dropped early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StorageUsage {
    /// Most bytes it may hold.
    pub budget: u64,
    /// Bytes of records held now.
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
    streams: BTreeMap<String, Stream>,
    subscriptions: BTreeMap<SubscriptionId, Subscription>,
    next_subscription: u64,
    /// Numbers iterator tokens and chains of them.
    pub(super) next_serial: u64,
    usage: StorageUsage,
}

impl Kinesis {
    /// A service without streams.
    pub fn new(settings: Settings) -> Self {
        let latency = LatencyModel::new(&settings.profile.latency, settings.seed, settings.latency);
        let usage = StorageUsage { budget: settings.memory_budget.0, ..StorageUsage::default() };
        Self {
            settings,
            latency,
            streams: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            next_subscription: 0,
            next_serial: 0,
            usage,
        }
    }

    /// How the service is set up.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What the service holds and has dropped early.
    pub const fn usage(&self) -> StorageUsage {
        self.usage
    }

    /// Takes a request at `now` and answers it.
    pub fn handle(&mut self, now: Time, request: Request) -> Reply {
        use Request as R;
        self.forget_gone_streams(now);
        let response = match request {
            R::PutRecord { stream, entry, .. } => return self.put_record(now, &stream, entry),
            R::PutRecords { stream, entries } => return self.put_records(now, &stream, entries),
            R::GetRecords { iterator, limit } => return self.get_records(now, iterator, limit),
            R::GetShardIterator { stream, shard, position } => self.get_shard_iterator(now, &stream, shard, position),
            R::CreateStream(create) => self.create_stream(now, create.stream, create.shards, create.mode),
            R::DeleteStream { stream, enforce_consumer_deletion } => {
                self.delete_stream(now, &stream, enforce_consumer_deletion)
            }
            R::DescribeStreamSummary { stream } => self.describe_stream_summary(now, &stream),
            R::DescribeStream { stream, limit, after } => self.describe_stream(now, &stream, limit, after),
            R::ListShards(list) => self.list_shards(&list.stream, list.limit, list.after),
            R::RegisterStreamConsumer { stream, consumer, .. } => self.register_consumer(now, &stream, consumer),
            R::DescribeStreamConsumer(name) => self.describe_consumer(now, &name.stream, &name.consumer),
            R::DeregisterStreamConsumer(name) => self.deregister_consumer(&name.stream, &name.consumer),
            R::SubscribeToShard { consumer, shard, position } => {
                self.subscribe(now, &consumer.stream, &consumer.consumer, shard, position)
            }
            other => Err(ServiceError::new(ErrorKind::InternalFailure, format!("{} is to come", other.operation()))),
        };
        Reply { response, ready_at: self.latency.control(now) }
    }

    /// What the subscription has for its driver at `now`.
    pub fn poll_subscription(&mut self, now: Time, id: SubscriptionId) -> SubscriptionPoll {
        let poll = self.poll_open_subscription(now, id);
        if matches!(poll, SubscriptionPoll::Ended | SubscriptionPoll::Failed(_)) {
            self.subscriptions.remove(&id);
        }
        poll
    }

    /// Forgets a subscription whose client is gone.
    pub fn close_subscription(&mut self, id: SubscriptionId) {
        self.subscriptions.remove(&id);
    }

    /// The stream, or why there is none.
    pub(super) fn stream(&self, name: &str) -> Result<&Stream, ServiceError> {
        self.streams.get(name).ok_or_else(|| not_found(name, &self.settings.account))
    }

    pub(super) fn stream_mut(&mut self, name: &str) -> Result<&mut Stream, ServiceError> {
        let account = &self.settings.account;
        self.streams.get_mut(name).ok_or_else(|| not_found(name, account))
    }

    /// The stream for a data call: one that is still being created is not found yet (section 2.2).
    pub(super) fn usable(&mut self, now: Time, name: &str) -> Result<&mut Stream, ServiceError> {
        let account = self.settings.account.clone();
        let stream = self.stream_mut(name)?;
        if stream.status(now) == Some(Status::Creating) {
            return Err(not_found(name, &account));
        }
        Ok(stream)
    }

    fn put_record(&mut self, now: Time, stream: &str, entry: PutEntry) -> Reply {
        let response = self.put(now, stream, vec![entry]).and_then(|mut receipts| match receipts.pop() {
            Some(receipt) => receipt.map(|receipt| Response::PutRecord { receipt, encryption: Encryption::None }),
            None => Ok(Response::Empty),
        });
        Reply { response, ready_at: self.latency.put(now, 1) }
    }

    fn put_records(&mut self, now: Time, stream: &str, entries: Vec<PutEntry>) -> Reply {
        let records = entries.len();
        let response = self
            .put(now, stream, entries)
            .map(|receipts| Response::PutRecords { receipts, encryption: Encryption::None });
        Reply { response, ready_at: self.latency.put(now, records) }
    }

    fn put(
        &mut self,
        now: Time,
        stream: &str,
        entries: Vec<PutEntry>,
    ) -> Result<Vec<Result<PutReceipt, ServiceError>>, ServiceError> {
        self.usable(now, stream)?;
        let Some(stream) = self.streams.get_mut(stream) else { return Ok(Vec::new()) };
        let before = stream.stored_bytes();
        let receipts =
            entries.into_iter().map(|entry| stream.put(now, entry, &self.latency, &self.settings.account)).collect();
        stream.trim_expired(now);
        self.usage.bytes = (self.usage.bytes + stream.stored_bytes()).saturating_sub(before);
        self.usage.peak = self.usage.peak.max(self.usage.bytes);
        if self.usage.bytes > self.usage.budget {
            self.trim_to_budget(now);
        }
        Ok(receipts)
    }

    /// Drops records until the budget holds: first what all readers have read, then the oldest of the fullest shard.
    fn trim_to_budget(&mut self, now: Time) {
        let iterator_life = self.settings.profile.read.iterator_life;
        for stream in self.streams.values_mut() {
            self.usage.trimmed_read += stream.trim_read(now, iterator_life);
        }
        let stored = |streams: &BTreeMap<String, Stream>| streams.values().map(Stream::stored_bytes).sum::<u64>();
        self.usage.bytes = stored(&self.streams);
        if self.usage.bytes <= self.usage.budget {
            return;
        }
        // A little more than needed, so that this does not happen at every put.
        let goal = self.usage.budget - self.usage.budget / 16;
        while self.usage.bytes > goal {
            let shards = self.streams.values_mut().flat_map(|stream| stream.shards.iter_mut());
            let Some(fullest) = shards.max_by_key(|shard| shard.stored_bytes()) else { break };
            let before = fullest.stored_bytes();
            let enough = before.saturating_sub(self.usage.bytes - goal);
            while fullest.stored_bytes() > enough.max(before / 2) && fullest.trim_oldest() {
                self.usage.trimmed_unread += 1;
            }
            if fullest.stored_bytes() == before {
                break;
            }
            self.usage.bytes = stored(&self.streams);
        }
    }

    fn create_stream(&mut self, now: Time, name: String, shards: Option<u32>, mode: StreamMode) -> Answer {
        let account = &self.settings.account;
        if self.streams.contains_key(&name) {
            let message = format!("Stream {name} under account {account} already exists.");
            return Err(ServiceError::new(ErrorKind::ResourceInUse, message));
        }
        let shards = match mode {
            StreamMode::OnDemand => shards.unwrap_or(self.settings.profile.on_demand.initial_shards),
            StreamMode::Provisioned => shards.unwrap_or(1),
        };
        let open: u64 = self.streams.values().map(|stream| stream.shards.len() as u64).sum();
        let limit = u64::from(self.settings.profile.stream.shards_per_account);
        if open + u64::from(shards) > limit {
            let message = format!(
                "This request would exceed the shard limit for the account {account} in {}. Current shard count for the \
                 account: {open}. Limit: {limit}. Number of additional shards that would have resulted from this request: \
                 {shards}. Refer to the AWS Service Limits page \
                 (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits and how to \
                 request higher limits.",
                self.settings.region
            );
            return Err(ServiceError::new(ErrorKind::LimitExceeded, message));
        }
        let active = now + self.transition(self.settings.profile.transition.create_stream);
        let life = Lifetime { created: now, active };
        let stream = Stream::new(name.clone(), mode, shards, life, self.settings.epoch, &self.settings.profile);
        self.streams.insert(name, stream);
        Ok(Response::Empty)
    }

    fn delete_stream(&mut self, now: Time, name: &str, enforce_consumer_deletion: bool) -> Answer {
        let gone = now + self.transition(self.settings.profile.transition.delete_stream);
        let account = self.settings.account.clone();
        let stream = self.stream_mut(name)?;
        if !stream.consumers.is_empty() && !enforce_consumer_deletion {
            let message = format!("Stream {name} under account {account} has registered consumers.");
            return Err(ServiceError::new(ErrorKind::ResourceInUse, message));
        }
        stream.delete(gone);
        Ok(Response::Empty)
    }

    fn describe_stream_summary(&self, now: Time, name: &str) -> Answer {
        self.description(now, name).map(Response::DescribeStreamSummary)
    }

    fn describe_stream(&self, now: Time, name: &str, limit: usize, after: Option<ShardId>) -> Answer {
        let description = self.description(now, name)?;
        match self.list_shards(name, limit, after)? {
            Response::ListShards { shards, more } => Ok(Response::DescribeStream { description, shards, more }),
            other => Ok(other),
        }
    }

    fn description(&self, now: Time, name: &str) -> Result<StreamDescription, ServiceError> {
        let stream = self.stream(name)?;
        let status = stream.status(now).unwrap_or(Status::Deleting);
        let shown = if status == Status::Creating { 0 } else { stream.shards.len() };
        Ok(StreamDescription {
            stream: stream.name.clone(),
            status,
            mode: stream.mode,
            retention_hours: u32::try_from(stream.retention.as_secs() / 3600).unwrap_or(u32::MAX),
            created: stream.created,
            encryption: Encryption::None,
            monitoring: Vec::new(),
            open_shards: u32::try_from(shown).unwrap_or(u32::MAX),
            consumers: u32::try_from(stream.consumers.len()).unwrap_or(u32::MAX),
            warm_throughput: None,
            max_record_kib: 1024,
            distribution: Distribution::UserPartitionKey,
        })
    }

    fn list_shards(&self, name: &str, limit: usize, after: Option<ShardId>) -> Answer {
        let stream = self.stream(name)?;
        let start = after.map_or(0, |shard| shard.0 as usize + 1).min(stream.shards.len());
        let page = &stream.shards[start..];
        let shards = page.iter().take(limit).map(|shard| ShardDescription {
            shard: shard.id,
            parent: None,
            adjacent_parent: None,
            range: shard.range,
            starting_sequence_number: shard.starting_sequence_number(),
            ending_sequence_number: None,
        });
        Ok(Response::ListShards { shards: shards.collect(), more: page.len() > limit })
    }

    fn register_consumer(&mut self, now: Time, name: &str, consumer: String) -> Answer {
        let active = now + self.transition(self.settings.profile.transition.register_consumer);
        let limits = self.settings.profile.fan_out.clone();
        let account = self.settings.account.clone();
        let stream = self.stream_mut(name)?;
        if stream.consumers.contains_key(&consumer) {
            let message = format!("Consumer {consumer} under stream {name}, account {account} already exists.");
            return Err(ServiceError::new(ErrorKind::ResourceInUse, message));
        }
        let creating = stream.consumers.values().filter(|c| now < c.active).count();
        if stream.consumers.len() >= limits.consumers as usize || creating >= limits.consumers_creating as usize {
            let message = format!(
                "This request would exceed the consumer limit for stream {name} under account {account}. Registered \
                 consumers: {}. Limit: {}. Consumers being created: {creating}. Limit: {}.",
                stream.consumers.len(),
                limits.consumers,
                limits.consumers_creating
            );
            return Err(ServiceError::new(ErrorKind::LimitExceeded, message));
        }
        stream.consumers.insert(consumer.clone(), RegisteredConsumer::new(now, active));
        self.consumer(now, name, &consumer).map(Response::RegisterStreamConsumer)
    }

    fn describe_consumer(&self, now: Time, name: &str, consumer: &str) -> Answer {
        self.consumer(now, name, consumer).map(Response::DescribeStreamConsumer)
    }

    fn consumer(&self, now: Time, name: &str, consumer: &str) -> Result<ConsumerDescription, ServiceError> {
        let account = &self.settings.account;
        let registered =
            self.stream(name)?.consumers.get(consumer).ok_or_else(|| consumer_not_found(name, consumer, account))?;
        let status = if now < registered.active { Status::Creating } else { Status::Active };
        Ok(ConsumerDescription {
            stream: name.to_owned(),
            consumer: consumer.to_owned(),
            status,
            created: registered.created,
        })
    }

    fn deregister_consumer(&mut self, name: &str, consumer: &str) -> Answer {
        let account = self.settings.account.clone();
        match self.stream_mut(name)?.consumers.remove(consumer) {
            Some(_) => Ok(Response::Empty),
            None => Err(consumer_not_found(name, consumer, &account)),
        }
    }

    fn subscribe(&mut self, now: Time, name: &str, consumer: &str, shard: ShardId, position: Position) -> Answer {
        let id = SubscriptionId(self.next_subscription);
        let (account, profile) = (self.settings.account.clone(), self.settings.profile.clone());
        let epoch = self.settings.epoch;
        let stream = self.usable(now, name)?;
        let Some(at) = stream.shard(shard) else { return Err(shard_not_found(name, shard, &account)) };
        let next = at.resolve(position).map_err(|message| ServiceError::new(ErrorKind::InvalidArgument, message))?;
        let Some(registered) = stream.consumers.get_mut(consumer) else {
            return Err(consumer_not_found(name, consumer, &account));
        };
        if now < registered.active {
            let message = format!(
                "Consumer {consumer} with creation timestamp {} under stream: {name} , account {account} is not in ACTIVE \
                 status.",
                (epoch + registered.created.since(Time::ZERO)).as_secs()
            );
            return Err(ServiceError::new(ErrorKind::ResourceInUse, message));
        }
        let recent = |p: &ShardProgress| now.since(p.subscribed) < profile.fan_out.resubscribe_after;
        if registered.shards.get(&shard).is_some_and(recent) {
            return Err(subscription_in_use(name, consumer, shard, &account));
        }
        registered.shards.insert(shard, ShardProgress::new(now, id, next, &profile));
        let ends = now + profile.fan_out.subscription_life;
        let (stream, consumer) = (name.to_owned(), consumer.to_owned());
        self.subscriptions.insert(id, Subscription { stream, consumer, shard, next, ends });
        self.next_subscription += 1;
        Ok(Response::SubscribeToShard(id))
    }

    fn poll_open_subscription(&mut self, now: Time, id: SubscriptionId) -> SubscriptionPoll {
        let Some(subscription) = self.subscriptions.get_mut(&id) else { return SubscriptionPoll::Ended };
        let (name, account) = (&subscription.stream, &self.settings.account);
        let stream = self.streams.get_mut(name).filter(|stream| stream.status(now) == Some(Status::Active));
        let Some(stream) = stream else { return SubscriptionPoll::Failed(not_found(name, account)) };
        let consumer = stream.consumers.get_mut(&subscription.consumer);
        let progress = consumer.and_then(|consumer| consumer.shards.get_mut(&subscription.shard));
        // A stream that was deleted and made again has neither the consumer nor, perhaps, the shard.
        let (Some(progress), Some(shard)) = (progress, stream.shards.get(subscription.shard.0 as usize)) else {
            return SubscriptionPoll::Failed(consumer_not_found(name, &subscription.consumer, account));
        };
        if progress.current != id {
            let error = subscription_in_use(name, &subscription.consumer, subscription.shard, account);
            return SubscriptionPoll::Failed(error);
        }
        subscription.poll(now, shard, progress, &self.settings.profile)
    }

    fn forget_gone_streams(&mut self, now: Time) {
        let bytes = &mut self.usage.bytes;
        self.streams.retain(|_, stream| {
            let exists = stream.status(now).is_some();
            *bytes = bytes.saturating_sub(if exists { 0 } else { stream.stored_bytes() });
            exists
        });
    }

    fn transition(&self, duration: Duration) -> Duration {
        duration.mul_f64(self.settings.transition_scale.max(0.0))
    }
}

pub(super) type Answer = Result<Response, ServiceError>;

fn not_found(stream: &str, account: &str) -> ServiceError {
    ServiceError::new(ErrorKind::ResourceNotFound, format!("Stream {stream} under account {account} not found."))
}

pub(super) fn shard_not_found(stream: &str, shard: ShardId, account: &str) -> ServiceError {
    let message = format!("Shard {shard} in stream {stream} under account {account} does not exist");
    ServiceError::new(ErrorKind::ResourceNotFound, message)
}

fn consumer_not_found(stream: &str, consumer: &str, account: &str) -> ServiceError {
    let message = format!("Consumer {consumer} under stream {stream}, account {account} not found.");
    ServiceError::new(ErrorKind::ResourceNotFound, message)
}

fn subscription_in_use(stream: &str, consumer: &str, shard: ShardId, account: &str) -> ServiceError {
    let message =
        format!("Another active subscription exists for this consumer: {account}:{stream}:{shard}:{consumer}");
    ServiceError::new(ErrorKind::ResourceInUse, message)
}
