//! Registered consumers and their subscriptions: the calls (fact sheet, section 1.4).

use super::api::*;
use super::metrics::StreamMetric as M;
use super::refusal::{Answer, consumer_not_found, invalid, not_found, shard_not_found};
use super::registered::{RegisteredConsumer, ShardProgress};
use super::state::Kinesis;
use super::stream::Stream;
use super::subscription::Subscription;
use crate::time::Time;

impl Kinesis {
    pub(super) fn register_consumer(&mut self, now: Time, name: &str, consumer: String, tags: Tags) -> Answer {
        let active = self.transition(now, self.settings.profile.transition.register_consumer);
        let limits = &self.settings.profile.fan_out;
        let most = if self.account.is_advantage(now) { limits.consumers_advantage } else { limits.consumers };
        let most_creating = limits.consumers_creating;
        let most_tags = self.settings.profile.stream.tags;
        let account = self.settings.account.clone();
        let stream = self.usable(now, name)?;
        if tags.len() > most_tags {
            return Err(super::labels::too_many_tags(name, &account, most_tags));
        }
        if stream.consumers.contains_key(&consumer) {
            let message = format!("Consumer {consumer} under stream {name}, account {account} already exists.");
            return Err(ServiceError::new(ErrorKind::ResourceInUse, message));
        }
        let creating = stream.consumers.values().filter(|c| c.status(now) == Some(Status::Creating)).count();
        if stream.consumers.len() >= most as usize || creating >= most_creating as usize {
            let message = format!(
                "This request would exceed the consumer limit for stream {name} under account {account}. Registered \
                 consumers: {}. Limit: {most}. Consumers being created: {creating}. Limit: {most_creating}.",
                stream.consumers.len(),
            );
            return Err(ServiceError::new(ErrorKind::LimitExceeded, message));
        }
        let registered = RegisteredConsumer::new(now, active, tags);
        let description = describe(now, name, &consumer, &registered);
        stream.consumers.insert(consumer, registered);
        Ok(Response::RegisterStreamConsumer(description))
    }

    pub(super) fn deregister_consumer(&mut self, now: Time, name: &ConsumerName) -> Answer {
        let gone = self.transition(now, self.settings.profile.transition.deregister_consumer);
        self.registered(now, name)?.delete(gone);
        Ok(Response::Empty)
    }

    pub(super) fn describe_consumer(&mut self, now: Time, name: &ConsumerName) -> Answer {
        let registered = self.registered(now, name)?;
        Ok(Response::DescribeStreamConsumer(describe(now, &name.stream, &name.consumer, registered)))
    }

    pub(super) fn list_consumers(
        &mut self,
        now: Time,
        name: &str,
        created: Option<Time>,
        limit: usize,
        after: Option<&str>,
    ) -> Answer {
        let missing = not_found(name, &self.settings.account);
        let epoch = self.settings.epoch;
        let stream = self.stream_mut(now, name)?;
        if created
            .is_some_and(|created| super::streams::unix(epoch, created) != super::streams::unix(epoch, stream.created))
        {
            return Err(missing);
        }
        let rest: Vec<_> =
            stream.consumers.iter().filter(|(key, _)| after.is_none_or(|after| key.as_str() > after)).collect();
        let more = rest.len() > limit;
        let consumers = rest.into_iter().take(limit).map(|(key, consumer)| describe(now, name, key, consumer));
        Ok(Response::ListStreamConsumers { consumers: consumers.collect(), more })
    }

    pub(super) fn subscribe(&mut self, now: Time, name: &ConsumerName, shard: ShardId, position: Position) -> Answer {
        let answer = self.open_subscription(now, name, shard, position);
        if let Some(stream) = self.streams.get_mut(&name.stream) {
            let refused = answer
                .as_ref()
                .err()
                .is_some_and(|error| matches!(error.kind, ErrorKind::ResourceInUse | ErrorKind::LimitExceeded));
            stream.metrics.add(M::SubscribeToShardRateExceeded, f64::from(u8::from(refused)));
            stream.metrics.add(M::SubscribeToShardSuccess, f64::from(u8::from(answer.is_ok())));
        }
        answer
    }

    fn open_subscription(&mut self, now: Time, name: &ConsumerName, shard: ShardId, position: Position) -> Answer {
        let id = SubscriptionId(self.next_subscription);
        let (account, epoch) = (self.settings.account.clone(), self.settings.epoch);
        let limits = self.settings.profile.fan_out.clone();
        self.trim_expired(now, &name.stream);
        self.usable(now, &name.stream)?;
        let (stream, consumer) = (name.stream.clone(), name.consumer.clone());
        let registered = self.registered(now, name)?;
        let created = registered.created;
        if registered.status(now) != Some(Status::Active) {
            let message = format!(
                "Consumer {consumer} with creation timestamp {} under stream: {stream} , account {account} is not in \
                 ACTIVE status.",
                super::streams::unix(epoch, created)
            );
            return Err(ServiceError::new(ErrorKind::ResourceInUse, message));
        }
        let on = self.stream_mut(now, &stream)?;
        let Some(at) = on.shard(shard) else { return Err(shard_not_found(&stream, shard, &account)) };
        let position = at.resolve(position).map_err(invalid);
        let Some(registered) = on.consumers.get_mut(&consumer) else {
            return Err(consumer_not_found(&stream, &consumer, &account));
        };
        let progress = registered.shards.entry(shard).or_insert_with(|| ShardProgress::new(&limits));
        if progress.subscribed.is_some_and(|at| now.since(at) < limits.resubscribe_after) {
            return Err(subscription_in_use(&stream, &consumer, shard, &account));
        }
        // Calls count also if their position is refused.
        if !progress.calls.has(now, 1) {
            let message = format!(
                "Rate exceeded for consumer {consumer} and shard {shard} of stream {stream} under account {account}."
            );
            return Err(ServiceError::new(ErrorKind::LimitExceeded, message));
        }
        progress.calls.take(now, 1);
        let next = position?;
        (progress.subscribed, progress.current, progress.read) = (Some(now), Some(id), next);
        let (ends, idle) = (now + limits.subscription_life, now + limits.idle_event);
        self.subscriptions.insert(id, Subscription { stream, consumer, shard, next, ends, idle, finished: false });
        self.next_subscription += 1;
        Ok(Response::SubscribeToShard(id))
    }

    /// What the subscription has for its driver at `now`.
    pub fn poll_subscription(&mut self, now: Time, id: SubscriptionId) -> SubscriptionPoll {
        let mut poll = self.poll_open_subscription(now, id);
        self.damage_event(now, id, &mut poll);
        if let (SubscriptionPoll::Event(event), Some(subscription)) = (&poll, self.subscriptions.get(&id))
            && let Some(stream) = self.streams.get_mut(&subscription.stream)
        {
            let bytes: u64 = event.records.iter().map(ReadRecord::bytes).sum();
            stream.metrics.add(M::SubscribeToShardEventBytes, bytes as f64);
            stream.metrics.add(M::SubscribeToShardEventRecords, event.records.len() as f64);
            stream.metrics.add(M::SubscribeToShardEventMillisBehindLatest, event.millis_behind_latest as f64);
        }
        if matches!(poll, SubscriptionPoll::Ended | SubscriptionPoll::Failed(_)) {
            self.subscriptions.remove(&id);
        }
        poll
    }

    fn damage_event(&mut self, now: Time, id: SubscriptionId, poll: &mut SubscriptionPoll) {
        let SubscriptionPoll::Event(event) = poll else { return };
        let Some(subscription) = self.subscriptions.get(&id).filter(|_| self.faults.do_damage(false)) else { return };
        let (stream, shard) = (subscription.stream.clone(), subscription.shard);
        let records = std::mem::take(&mut event.records);
        event.records = self.damage_delivered(now, Operation::SubscribeToShard, &stream, shard, records);
    }

    /// Forgets a subscription whose client is gone.
    pub fn close_subscription(&mut self, id: SubscriptionId) {
        self.subscriptions.remove(&id);
    }

    fn poll_open_subscription(&mut self, now: Time, id: SubscriptionId) -> SubscriptionPoll {
        let Some(subscription) = self.subscriptions.get_mut(&id) else { return SubscriptionPoll::Ended };
        let (name, account) = (&subscription.stream, &self.settings.account);
        let exists = |stream: &&mut Stream| matches!(stream.status(now), Some(Status::Active | Status::Updating));
        if let Some(stream) = self.streams.get_mut(name) {
            stream.advance(now);
        }
        let Some(stream) = self.streams.get_mut(name).filter(exists) else {
            return SubscriptionPoll::Failed(not_found(name, account));
        };
        let active = stream.consumers.get(&subscription.consumer).and_then(|c| c.status(now)) == Some(Status::Active);
        // A stream that was deleted and made again has neither the consumer nor, perhaps, the shard.
        let current = subscription.progress(stream).filter(|_| active).map(|progress| progress.current);
        let Some(current) = current else {
            return SubscriptionPoll::Failed(consumer_not_found(name, &subscription.consumer, account));
        };
        if current != Some(id) {
            let error = subscription_in_use(name, &subscription.consumer, subscription.shard, account);
            return SubscriptionPoll::Failed(error);
        }
        subscription.poll(now, stream, &self.settings.profile)
    }

    /// The consumer of that name, if it was created when the name says.
    pub(super) fn registered(
        &mut self,
        now: Time,
        name: &ConsumerName,
    ) -> Result<&mut RegisteredConsumer, ServiceError> {
        let missing = consumer_not_found(&name.stream, &name.consumer, &self.settings.account);
        let epoch = self.settings.epoch;
        let registered = self.stream_mut(now, &name.stream)?.consumers.get_mut(&name.consumer);
        let right = |c: &&mut RegisteredConsumer| {
            name.created.is_none_or(|created| created == super::streams::unix(epoch, c.created))
        };
        registered.filter(right).ok_or(missing)
    }
}

fn describe(now: Time, stream: &str, name: &str, consumer: &RegisteredConsumer) -> ConsumerDescription {
    ConsumerDescription {
        stream: stream.to_owned(),
        consumer: name.to_owned(),
        status: consumer.status(now).unwrap_or(Status::Deleting),
        created: consumer.created,
    }
}

fn subscription_in_use(stream: &str, consumer: &str, shard: ShardId, account: &str) -> ServiceError {
    let message =
        format!("Another active subscription exists for this consumer: {account}:{stream}:{shard}:{consumer}");
    ServiceError::new(ErrorKind::ResourceInUse, message)
}
