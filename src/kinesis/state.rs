//! The service at rest: its streams, its subscriptions and what is left of its quotas.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::account::Account;
use super::api::{ErrorKind, Operation, ServiceError, ShardId, Status, SubscriptionId};
use super::control_rate::ControlRates;
use super::damage::InjectedFaults;
use super::fault::{Call, FaultRule, Faults, Hit, Part};
use super::latency::LatencyModel;
use super::metrics::StreamMetrics;
use super::refusal::not_found;
use super::settings::Settings;
use super::stream::{Rules, Stream};
use super::subscription::Subscription;
use crate::time::Time;

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
    pub(super) rates: ControlRates,
    /// The metrics of streams that are gone are gone with them.
    pub(super) forget_at: Time,
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
        let settings = &self.settings;
        Rules { epoch: settings.epoch, profile: Arc::clone(&settings.profile), write: settings.write_limits().cloned() }
    }

    /// When a change that takes `duration` by the profile is made, if it begins at `now`.
    pub(super) fn transition(&self, now: Time, duration: Duration) -> Time {
        now + duration.mul_f64(self.settings.transition_scale.max(0.0))
    }

    pub(super) fn serial(&mut self) -> u64 {
        self.next_serial += 1;
        self.next_serial
    }
}
