//! Changes of a stream that exists (fact sheet, sections 2.1, 2.3 and 2.4).

use std::time::Duration;

use super::api::*;
use super::change::{Change, Pending, Step};
use super::hash_key::HashKey;
use super::refusal::{Answer, invalid};
use super::state::Kinesis;
use super::stream::Stream;
use super::streams::auto_needs_on_demand;
use crate::time::Time;

const DAY: Duration = Duration::from_secs(24 * 3600);

impl Kinesis {
    pub(super) fn split_shard(&mut self, now: Time, name: &str, shard: ShardId, start: HashKey) -> Answer {
        let account = self.settings.account.clone();
        let due = self.transition(now, self.settings.profile.transition.split_or_merge);
        let stream = self.changeable(now, name)?;
        provisioned(stream, "SplitShard")?;
        let range = open_shard(stream, shard, &account)?;
        if start.0 <= range.start.0.saturating_add(1) || start >= range.end {
            return Err(invalid(format!(
                "NewStartingHashKey {start} used in SplitShard() on shard {shard} in stream {name} under account {account} \
                 is not both greater than one plus the shard's StartingHashKey {} and less than the shard's EndingHashKey \
                 {}.",
                range.start, range.end
            )));
        }
        self.check_shard_quota(1)?;
        let stream = self.changeable(now, name)?;
        stream.pending = Some(Pending { due, change: Change::Reshard(vec![Step::Split(shard, start)]) });
        Ok(Response::Empty)
    }

    pub(super) fn merge_shards(&mut self, now: Time, name: &str, shard: ShardId, adjacent: ShardId) -> Answer {
        let account = self.settings.account.clone();
        let due = self.transition(now, self.settings.profile.transition.split_or_merge);
        let stream = self.changeable(now, name)?;
        provisioned(stream, "MergeShards")?;
        let lower = open_shard(stream, shard, &account)?;
        let upper = open_shard(stream, adjacent, &account)?;
        if lower.end.0.checked_add(1) != Some(upper.start.0) {
            return Err(invalid(format!(
                "Shards {shard} and {adjacent} in stream {name} under account {account} are not an adjacent pair of shards \
                 eligible for merging"
            )));
        }
        stream.pending = Some(Pending { due, change: Change::Reshard(vec![Step::Merge(shard, adjacent)]) });
        Ok(Response::Empty)
    }

    pub(super) fn update_shard_count(&mut self, now: Time, name: &str, target: u32) -> Answer {
        let (limits, transition) = (self.settings.profile.reshard.clone(), self.settings.profile.transition.clone());
        let stream = self.changeable(now, name)?;
        provisioned(stream, "UpdateShardCount")?;
        let current = stream.open_count();
        // The service's own wording is not known (section 10); the rules are those of section 2.3.
        let refuse = |why: String| {
            Err(invalid(format!(
                "UpdateShardCount cannot take stream {name} from {current} to {target} shards: {why}."
            )))
        };
        if u64::from(target) > u64::from(current) * 2 {
            return refuse(format!("the target may be at most double the current count, {}", u64::from(current) * 2));
        }
        // How the service rounds half of an odd count is not documented; up is the side that is always allowed.
        if target < current.div_ceil(2) {
            return refuse(format!("the target must be at least half of the current count, {}", current.div_ceil(2)));
        }
        if target > limits.most_shards {
            return refuse(format!("the target may be at most {}", limits.most_shards));
        }
        let steps = stream.uniform_steps(target);
        self.check_shard_quota(most_more(&steps))?;
        self.charge_history(now, name, Operation::UpdateShardCount, limits.updates_per_day)?;
        let count = u32::try_from(steps.len()).unwrap_or(u32::MAX);
        let duration = transition.update_shard_count + transition.update_shard_count_step.saturating_mul(count);
        let due = self.transition(now, duration);
        let stream = self.changeable(now, name)?;
        stream.pending = Some(Pending { due, change: Change::Reshard(steps) });
        Ok(Response::UpdateShardCount { stream: name.to_owned(), current, target })
    }

    pub(super) fn update_mode(&mut self, now: Time, name: &str, mode: StreamMode, warm: Option<u32>) -> Answer {
        let most = self.settings.profile.reshard.mode_switches_per_day;
        let due = self.transition(now, self.settings.profile.transition.update_stream);
        self.check_warm_throughput(now, mode, warm)?;
        let stream = self.changeable(now, name)?;
        if stream.mode == mode {
            return Err(invalid(format!("Stream {name} is in {} mode already.", mode.name())));
        }
        if mode == StreamMode::OnDemand {
            self.check_on_demand_quota()?;
        }
        let open = self.changeable(now, name)?.open_count();
        let change = match warm {
            // A change of mode takes no shard away.
            Some(mib) => self.warm_up(now, name, mib, open)?,
            None => Pending { due, change: Change::Nothing },
        };
        self.charge_history(now, name, Operation::UpdateStreamMode, most)?;
        let stream = self.changeable(now, name)?;
        stream.mode = mode;
        if mode == StreamMode::Provisioned {
            stream.distribution = Distribution::UserPartitionKey;
        }
        stream.begin_scaling(now);
        if let Some(mib) = warm {
            stream.scaling.warming(mib);
        }
        stream.pending = Some(change);
        Ok(Response::Empty)
    }

    pub(super) fn update_warm_throughput(&mut self, now: Time, name: &str, mib: u32) -> Answer {
        let stream = self.changeable(now, name)?;
        let (mode, peak) = (stream.mode, stream.scaling.peak());
        self.check_warm_throughput(now, mode, Some(mib))?;
        let change = self.warm_up(now, name, mib, peak)?;
        let stream = self.changeable(now, name)?;
        let warm_throughput = stream.scaling.warming(mib);
        stream.pending = Some(change);
        Ok(Response::UpdateStreamWarmThroughput { stream: name.to_owned(), warm_throughput })
    }

    /// The change that gives a stream the shards for `mib` MiB/s, and at least `least` of them: it scales down to what the last
    /// hour needed (section 2.4).
    fn warm_up(&mut self, now: Time, name: &str, mib: u32, least: u32) -> Result<Pending, ServiceError> {
        let due = self.transition(now, self.settings.profile.transition.warm_throughput);
        let target = mib.max(least).max(self.settings.profile.on_demand.initial_shards);
        let stream = self.changeable(now, name)?;
        let steps = stream.uniform_steps(target);
        self.check_shard_quota(most_more(&steps))?;
        Ok(Pending { due, change: Change::WarmThroughput(mib, steps) })
    }

    pub(super) fn update_max_record_size(&mut self, now: Time, name: &str, kib: u32) -> Answer {
        let due = self.transition(now, self.settings.profile.transition.update_stream);
        let stream = self.changeable(now, name)?;
        stream.max_record_kib = kib;
        stream.pending = Some(Pending { due, change: Change::Nothing });
        Ok(Response::Empty)
    }

    pub(super) fn update_distribution(&mut self, now: Time, name: &str, distribution: Distribution) -> Answer {
        let stream = self.changeable(now, name)?;
        if distribution == Distribution::Auto && stream.mode == StreamMode::Provisioned {
            return Err(auto_needs_on_demand());
        }
        // It takes effect at once (section 1.5).
        stream.distribution = distribution;
        Ok(Response::Empty)
    }

    pub(super) fn increase_retention(&mut self, now: Time, name: &str, hours: i32) -> Answer {
        let most = self.settings.profile.stream.longest_retention_hours;
        let current = self.retention(now, name, hours)?;
        if i64::from(hours) > i64::from(most) {
            return Err(invalid(format!(
                "Maximum allowed retention period is {most} hours. Requested retention period ({hours} hours) is too long."
            )));
        }
        if i64::from(hours) < current {
            return Err(invalid(format!(
                "Requested retention period ({hours} hours) for stream {name} can not be shorter than existing retention \
                 period ({current} hours). Use DecreaseRetentionPeriod API."
            )));
        }
        self.set_retention(now, name, hours)
    }

    pub(super) fn decrease_retention(&mut self, now: Time, name: &str, hours: i32) -> Answer {
        let current = self.retention(now, name, hours)?;
        if i64::from(hours) > current {
            return Err(invalid(format!(
                "Requested retention period ({hours} hours) for stream {name} can not be longer than existing retention \
                 period ({current} hours). Use IncreaseRetentionPeriod API."
            )));
        }
        self.set_retention(now, name, hours)
    }

    /// The retention in hours, if the one asked for is long enough for any stream.
    fn retention(&mut self, now: Time, name: &str, asked: i32) -> Result<i64, ServiceError> {
        let least = self.settings.profile.stream.retention_hours;
        let stream = self.changeable(now, name)?;
        if i64::from(asked) < i64::from(least) {
            return Err(invalid(format!(
                "Minimum allowed retention period is {least} hours. Requested retention period ({asked} hours) is too \
                 short."
            )));
        }
        Ok(i64::try_from(stream.retention.as_secs() / 3600).unwrap_or(i64::MAX))
    }

    fn set_retention(&mut self, now: Time, name: &str, hours: i32) -> Answer {
        let due = self.transition(now, self.settings.profile.transition.update_stream);
        let stream = self.changeable(now, name)?;
        stream.retention = Duration::from_secs(u64::try_from(hours).unwrap_or(0) * 3600);
        stream.pending = Some(Pending { due, change: Change::Nothing });
        Ok(Response::Empty)
    }

    pub(super) fn update_monitoring(&mut self, now: Time, name: &str, metrics: &[ShardMetric], enable: bool) -> Answer {
        let stream = self.changeable(now, name)?;
        let current = stream.monitoring.iter().copied().collect();
        if enable {
            stream.monitoring.extend(metrics);
        } else {
            stream.monitoring.retain(|metric| !metrics.contains(metric));
        }
        let desired = stream.monitoring.iter().copied().collect();
        Ok(Response::EnhancedMonitoring { stream: name.to_owned(), current, desired })
    }

    pub(super) fn update_encryption(&mut self, now: Time, name: &str, encryption: Encryption) -> Answer {
        let most = self.settings.profile.reshard.encryption_changes_per_day;
        let due = self.transition(now, self.settings.profile.transition.encryption);
        self.changeable(now, name)?;
        // Starts and stops share one limit (section 2.1).
        self.charge_history(now, name, Operation::StartStreamEncryption, most)?;
        self.changeable(now, name)?.pending = Some(Pending { due, change: Change::Encryption(encryption) });
        Ok(Response::Empty)
    }

    /// Counts what may happen `most` times in any 24 hours.
    fn charge_history(&mut self, now: Time, name: &str, operation: Operation, most: usize) -> Result<(), ServiceError> {
        let account = self.settings.account.clone();
        let times = self.stream_mut(now, name)?.history.entry(operation).or_default();
        times.retain(|time| now.since(*time) < DAY);
        if times.len() >= most {
            let message = format!(
                "{operation} can be called {most} times in 24 hours for stream {name} under account {account}; try again \
                 later."
            );
            return Err(ServiceError::new(ErrorKind::LimitExceeded, message));
        }
        times.push(now);
        Ok(())
    }
}

/// By how many shards a stream is larger at most while the steps are taken: those on the way count, too (section 2.3).
fn most_more(steps: &[Step]) -> u32 {
    let (mut more, mut most) = (0i64, 0);
    for step in steps {
        more += match step {
            Step::Split(..) => 1,
            Step::Merge(..) => -1,
        };
        most = most.max(more);
    }
    u32::try_from(most).unwrap_or(u32::MAX)
}

fn provisioned(stream: &Stream, operation: &str) -> Result<(), ServiceError> {
    if stream.mode == StreamMode::Provisioned {
        return Ok(());
    }
    let message = format!("{operation} is not supported for stream {}: it is in ON_DEMAND mode.", stream.name);
    Err(ServiceError::new(ErrorKind::Validation, message))
}

/// The range of an open shard.
fn open_shard(stream: &Stream, id: ShardId, account: &str) -> Result<super::HashKeyRange, ServiceError> {
    let name = &stream.name;
    let shard = stream.shard(id).ok_or_else(|| {
        let message = format!("Could not find shard {id} in stream {name} under account {account}.");
        ServiceError::new(ErrorKind::ResourceNotFound, message)
    })?;
    if shard.is_open() {
        return Ok(shard.range);
    }
    let message = format!("Shard {id} in stream {name} under account {account} has already been merged or split.");
    Err(ServiceError::new(ErrorKind::ResourceInUse, message))
}
