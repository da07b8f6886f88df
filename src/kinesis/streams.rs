//! Streams: created, deleted, described and listed (fact sheet, sections 2.1 and 2.2).

use std::time::Duration;

use super::api::*;
use super::refusal::{Answer, invalid, not_found};
use super::shard::Shard;
use super::state::Kinesis;
use super::stream::Stream;
use crate::time::Time;

impl Kinesis {
    pub(super) fn create_stream(&mut self, now: Time, create: &CreateStream) -> Answer {
        let account = self.settings.account.clone();
        let (limits, on_demand) = (&self.settings.profile.stream, &self.settings.profile.on_demand);
        if self.streams.contains_key(&create.stream) {
            let message = format!("Stream {} under account {account} already exists.", create.stream);
            return Err(ServiceError::new(ErrorKind::ResourceInUse, message));
        }
        if create.tags.len() > limits.tags {
            return Err(super::labels::too_many_tags(&create.stream, &account, limits.tags));
        }
        let shards = match create.mode {
            StreamMode::OnDemand => {
                let warm = create.warm_throughput.unwrap_or(0);
                create.shards.unwrap_or(on_demand.initial_shards).max(warm)
            }
            StreamMode::Provisioned => create.shards.unwrap_or(1),
        };
        self.check_warm_throughput(now, create.mode, create.warm_throughput)?;
        if create.distribution == Distribution::Auto && create.mode == StreamMode::Provisioned {
            return Err(auto_needs_on_demand());
        }
        let in_mode = |status| self.streams.values().filter(move |stream| stream.status(now) == Some(status)).count();
        if in_mode(Status::Creating) >= limits.creating as usize {
            let message = format!(
                "Limit of streams being created at once under account {account}: {}. Wait until one is ACTIVE.",
                limits.creating
            );
            return Err(ServiceError::new(ErrorKind::LimitExceeded, message));
        }
        if create.mode == StreamMode::OnDemand {
            self.check_on_demand_quota()?;
        }
        self.check_shard_quota(shards)?;
        let active = self.transition(now, self.settings.profile.transition.create_stream);
        let stream = Stream::new(create, shards, now, active, self.rules());
        self.streams.insert(create.stream.clone(), stream);
        Ok(Response::Empty)
    }

    /// Whether the account may have one more on-demand stream.
    pub(super) fn check_on_demand_quota(&self) -> Result<(), ServiceError> {
        let limit = self.settings.profile.stream.on_demand_streams;
        if self.on_demand_streams() < limit {
            return Ok(());
        }
        let message = format!("Limit of on-demand streams under account {}: {limit}.", self.settings.account);
        Err(ServiceError::new(ErrorKind::LimitExceeded, message))
    }

    fn on_demand_streams(&self) -> u32 {
        let on_demand = self.streams.values().filter(|stream| stream.mode == StreamMode::OnDemand).count();
        u32::try_from(on_demand).unwrap_or(u32::MAX)
    }

    /// Whether the account may have `more` shards.
    pub(super) fn check_shard_quota(&self, more: u32) -> Result<(), ServiceError> {
        let open = u64::from(self.open_shards());
        let limit = u64::from(self.settings.profile.stream.shards_per_account);
        if open + u64::from(more) <= limit {
            return Ok(());
        }
        let (account, region) = (&self.settings.account, &self.settings.region);
        let message = format!(
            "This request would exceed the shard limit for the account {account} in {region}. Current shard count for the \
             account: {open}. Limit: {limit}. Number of additional shards that would have resulted from this request: \
             {more}. Refer to the AWS Service Limits page \
             (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits and how to request \
             higher limits."
        );
        Err(ServiceError::new(ErrorKind::LimitExceeded, message))
    }

    pub(super) fn delete_stream(&mut self, now: Time, name: &str, enforce_consumer_deletion: bool) -> Answer {
        let gone = self.transition(now, self.settings.profile.transition.delete_stream);
        let account = self.settings.account.clone();
        let stream = self.stream_mut(now, name)?;
        if !stream.consumers.is_empty() && !enforce_consumer_deletion {
            let message = format!("Stream {name} under account {account} has registered consumers.");
            return Err(ServiceError::new(ErrorKind::ResourceInUse, message));
        }
        stream.delete(gone);
        self.forget_at(gone);
        Ok(Response::Empty)
    }

    pub(super) fn describe_stream(&mut self, now: Time, name: &str, limit: usize, after: Option<ShardId>) -> Answer {
        let page = limit.min(self.settings.profile.stream.describe_stream_page);
        let stream = self.stream_mut(now, name)?;
        let description = describe(now, stream);
        let (shards, more) = match description.status {
            // It shows no shards yet.
            Status::Creating => (Vec::new(), false),
            _ => page_of(stream, now, ShardFilter::FromTrimHorizon, after, page),
        };
        Ok(Response::DescribeStream { description, shards, more })
    }

    pub(super) fn describe_stream_summary(&mut self, now: Time, name: &str) -> Answer {
        self.stream_mut(now, name).map(|stream| Response::DescribeStreamSummary(describe(now, stream)))
    }

    pub(super) fn list_streams(&mut self, now: Time, limit: usize, after: Option<&str>) -> Answer {
        for stream in self.streams.values_mut() {
            stream.advance(now);
        }
        let rest = || self.streams.values().filter(|stream| after.is_none_or(|after| stream.name.as_str() > after));
        let streams = rest().take(limit).map(|stream| describe(now, stream)).collect();
        Ok(Response::ListStreams { streams, more: rest().nth(limit).is_some() })
    }

    pub(super) fn list_shards(&mut self, now: Time, list: &ListShards) -> Answer {
        let limit = list.limit.min(self.settings.profile.stream.list_shards_page);
        let missing = not_found(&list.stream, &self.settings.account);
        let epoch = self.settings.epoch;
        let stream = self.usable(now, &list.stream)?;
        if list.created.is_some_and(|created| unix(epoch, created) != unix(epoch, stream.created)) {
            return Err(missing);
        }
        let (shards, more) = page_of(stream, now, list.filter, list.after, limit);
        Ok(Response::ListShards { shards, more })
    }

    pub(super) fn describe_limits(&self, _now: Time) -> Answer {
        Ok(Response::DescribeLimits(Limits {
            shard_limit: self.settings.profile.stream.shards_per_account,
            open_shards: self.open_shards(),
            on_demand_streams: self.on_demand_streams(),
            on_demand_stream_limit: self.settings.profile.stream.on_demand_streams,
        }))
    }

    pub(super) fn open_shards(&self) -> u32 {
        self.streams.values().map(Stream::open_count).sum()
    }

    /// Whether an on-demand stream may be warmed that far.
    pub(super) fn check_warm_throughput(
        &self,
        now: Time,
        mode: StreamMode,
        warm: Option<u32>,
    ) -> Result<(), ServiceError> {
        let Some(mib) = warm else { return Ok(()) };
        let most = self.settings.profile.on_demand.most_warm_mib;
        if mode != StreamMode::OnDemand {
            return Err(invalid("Warm throughput can be set for streams in ON_DEMAND mode only."));
        }
        if !self.account.is_advantage(now) {
            // The service's own wording is not known (section 10).
            let message = "Warm throughput needs the minimum throughput billing commitment of the account; enable it with \
                           UpdateAccountSettings.";
            return Err(ServiceError::new(ErrorKind::Validation, message));
        }
        if mib > most {
            return Err(invalid(format!("Warm throughput can be at most {most} MiB/s. Requested: {mib}.")));
        }
        Ok(())
    }
}

pub(super) fn auto_needs_on_demand() -> ServiceError {
    invalid("The record distribution strategy AUTO is for streams in ON_DEMAND mode only.")
}

/// Seconds since 1970.
pub(super) fn unix(epoch: Duration, time: Time) -> u64 {
    (epoch + time.since(Time::ZERO)).as_secs()
}

pub(super) fn describe(now: Time, stream: &Stream) -> StreamDescription {
    let status = stream.status(now).unwrap_or(Status::Deleting);
    StreamDescription {
        stream: stream.name.clone(),
        status,
        mode: stream.mode,
        retention_hours: u32::try_from(stream.retention.as_secs() / 3600).unwrap_or(u32::MAX),
        created: stream.created,
        encryption: stream.encryption.clone(),
        monitoring: stream.monitoring.iter().copied().collect(),
        open_shards: if status == Status::Creating { 0 } else { stream.open_count() },
        consumers: u32::try_from(stream.consumers.len()).unwrap_or(u32::MAX),
        warm_throughput: stream.scaling.warm(),
        max_record_kib: stream.max_record_kib,
        distribution: stream.distribution,
    }
}

/// Shards that the filter lets through, by id, and whether there are more than `limit`.
pub(super) fn page_of(
    stream: &Stream,
    now: Time,
    filter: ShardFilter,
    after: Option<ShardId>,
    limit: usize,
) -> (Vec<ShardDescription>, bool) {
    let horizon = stream.trim_horizon(now);
    let open_at = |shard: &Shard, at: Time| shard.created <= at && shard.closed.is_none_or(|closed| closed > at);
    let passes = |shard: &&Shard| {
        let unexpired = shard.closed.is_none_or(|closed| closed >= horizon);
        let listed = match filter {
            ShardFilter::AfterShardId(id) => shard.id > id,
            ShardFilter::AtTrimHorizon => open_at(shard, horizon),
            ShardFilter::FromTrimHorizon => true,
            ShardFilter::AtLatest => shard.is_open(),
            ShardFilter::AtTimestamp(at) => open_at(shard, at.max(horizon)),
            ShardFilter::FromTimestamp(at) => shard.closed.is_none_or(|closed| closed > at),
        };
        unexpired && listed && after.is_none_or(|after| shard.id > after)
    };
    let rest = || stream.shards.iter().filter(passes);
    let page = rest().take(limit).map(|shard| ShardDescription {
        shard: shard.id,
        parent: shard.parents.first().copied(),
        adjacent_parent: shard.parents.get(1).copied(),
        range: shard.range,
        starting_sequence_number: shard.starting_sequence_number(),
        ending_sequence_number: shard.ending_sequence_number(),
    });
    (page.collect(), rest().nth(limit).is_some())
}
