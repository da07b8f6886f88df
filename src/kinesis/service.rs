//! The service as a whole: it routes requests to the operations and decides when each answer is due.

use super::api::*;
use super::control_rate::ControlRates;
use super::fault::{Call, Part, injected};
use super::refusal::Answer;
use super::state::Kinesis;
use crate::time::Time;

impl Kinesis {
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
}
