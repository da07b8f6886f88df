//! The service half as the simulator calls it.

use std::time::Duration;

use bytes::Bytes;

use crate::client::{Call, Entry, EntryOutcome, Failure, ListedShard, PackedSequence, ShardMap};
use crate::kinesis::{
    CreateStream, Distribution, FaultRule, HashKey, InjectedFaults, Kinesis, ListShards, Profile, PutEntry, PutReceipt,
    Reply, Request, Response, ServiceError, Settings, ShardFilter, ShardId, StorageUsage, StreamMode, SubscriptionId,
    SubscriptionPoll,
};
use crate::run::{Change, PutFailure, PutOutcome};
use crate::scenario::Scenario;
use crate::time::Time;
use crate::workload::Payloads;

/// The service is there so long before the load begins, so that consumers can get ready.
pub(super) const LEAD: Time = Time::from_secs(10);

/// When a simulation begins, as the service tells the time, since 1970: with the first of January 2026. Always the same, so that
/// the same scenario gives the same result.
pub(super) const EPOCH: Duration = Duration::from_secs(1_767_225_600);

/// Name of the stream; there is only one.
pub(super) const STREAM: &str = "simulated";

pub(super) struct Service {
    kinesis: Kinesis,
}

/// How a put call ends.
pub(super) struct PutAnswer {
    pub ready_at: Time,
    pub outcome: PutOutcome,
}

impl Service {
    pub fn new(scenario: &Scenario, profile: &Profile) -> Result<Self, String> {
        let settings =
            Settings { epoch: EPOCH, transition_scale: 0.0, ..Settings::new(profile.clone(), scenario.seed) };
        let mut service = Self { kinesis: Kinesis::new(settings) };
        if scenario.stream.commitment {
            service.ask(Time::ZERO, Request::UpdateAccountSettings { minimum_throughput_billing_commitment: true })?;
        }
        let create = match scenario.stream.mode {
            StreamMode::Provisioned => CreateStream::provisioned(STREAM, scenario.stream.shards),
            StreamMode::OnDemand => CreateStream::on_demand(STREAM),
        };
        let kib = u32::try_from(scenario.stream.max_record_size.0 / 1024).unwrap_or(u32::MAX);
        let distribution =
            if scenario.stream.auto_distribution { Distribution::Auto } else { Distribution::UserPartitionKey };
        let create = CreateStream { max_record_kib: Some(kib), distribution, ..create };
        service.ask(Time::ZERO, Request::CreateStream(create))?;
        Ok(service)
    }

    /// The answer to a request, or the words of the refusal.
    pub fn ask(&mut self, at: Time, request: Request) -> Result<Response, String> {
        self.kinesis.handle(at, request).response.map_err(|error| error.to_string())
    }

    pub fn call(&mut self, at: Time, request: Request) -> Reply {
        self.kinesis.handle(at, request)
    }

    pub fn poll_subscription(&mut self, at: Time, id: SubscriptionId) -> SubscriptionPoll {
        self.kinesis.poll_subscription(at, id)
    }

    pub fn close_subscription(&mut self, id: SubscriptionId) {
        self.kinesis.close_subscription(id);
    }

    /// Puts the faults of a scenario in force, which count from the start of the load, and lets changes take their time: the
    /// stream is there.
    pub fn begin_load(&mut self, scenario: &Scenario) {
        self.kinesis.set_transition_scale(scenario.stream.transitions);
        let rules = &scenario.faults;
        let shifted = |time: Time| if time == Time::NEVER { time } else { LEAD + time.since(Time::ZERO) };
        let rule =
            |rule: &FaultRule| FaultRule { from: shifted(rule.from), until: shifted(rule.until), ..rule.clone() };
        self.kinesis.set_faults(rules.iter().map(rule).collect());
    }

    /// Until when the stream is UPDATING, if it is.
    pub fn changing_until(&mut self, at: Time) -> Option<Time> {
        self.kinesis.changing_until(at, STREAM)
    }

    pub const fn injected_faults(&self) -> &InjectedFaults {
        self.kinesis.injected_faults()
    }

    pub const fn usage(&self) -> StorageUsage {
        self.kinesis.usage()
    }

    /// All shards, closed ones included. Looking costs no call of the quota: the simulator knows.
    pub fn list_shards(&mut self, at: Time) -> Vec<ListedShard<ShardId>> {
        let mut listed = Vec::new();
        let mut after = None;
        loop {
            let page = ListShards {
                stream: STREAM.to_owned(),
                created: None,
                filter: ShardFilter::FromTrimHorizon,
                after,
                limit: 10_000,
            };
            let Ok(Response::ListShards { shards, more }) = self.kinesis.handle(at, Request::ListShards(page)).response
            else {
                break;
            };
            after = shards.last().map(|shard| shard.shard);
            listed.extend(shards.into_iter().map(|shard| ListedShard {
                id: shard.shard,
                range: shard.range,
                parents: shard.parent.into_iter().chain(shard.adjacent_parent).collect(),
                open: shard.ending_sequence_number.is_none(),
            }));
            if !more || after.is_none() {
                break;
            }
        }
        listed
    }

    pub fn put(
        &mut self,
        at: Time,
        call: &Call,
        payloads: &Payloads,
        single: bool,
        shards: &ShardMap<ShardId>,
    ) -> PutAnswer {
        let mut entries = put_entries(call, payloads);
        let stream = STREAM.to_owned();
        let alone = if single { entries.pop() } else { None };
        let request = match alone {
            Some(entry) => Request::PutRecord { stream, entry, after: None },
            None => Request::PutRecords { stream, entries },
        };
        let reply = self.kinesis.handle(at, request);
        let outcome = match reply.response {
            Ok(Response::PutRecords { receipts, .. }) => {
                let outcome = |receipt: Result<PutReceipt, ServiceError>| match receipt {
                    Ok(receipt) => accepted(&receipt, shards),
                    Err(error) => EntryOutcome::of_code(error.kind.name()),
                };
                Ok(receipts.into_iter().map(outcome).collect())
            }
            Ok(Response::PutRecord { receipt, .. }) => Ok(vec![accepted(&receipt, shards)]),
            Ok(_) => Ok(Vec::new()),
            Err(error) => {
                Err(PutFailure { failure: Failure::of_code(Some(error.kind.name())), reason: error.to_string() })
            }
        };
        PutAnswer { ready_at: reply.ready_at, outcome }
    }

    /// Begins a change of the stream.
    pub fn change(&mut self, at: Time, change: Change<ShardId>) -> Result<(), String> {
        let stream = STREAM.to_owned();
        let request = match change {
            Change::SplitShard { shard, new_starting_hash_key } => {
                Request::SplitShard { stream, shard, new_starting_hash_key }
            }
            Change::MergeShards { shard, adjacent } => Request::MergeShards { stream, shard, adjacent },
            Change::UpdateShardCount { target } => Request::UpdateShardCount { stream, target },
            Change::UpdateStreamMode { mode } => Request::UpdateStreamMode { stream, mode, warm_throughput: None },
            Change::UpdateWarmThroughput { mib_per_second } => {
                Request::UpdateStreamWarmThroughput { stream, warm_throughput: mib_per_second }
            }
        };
        self.ask(at, request).map(|_| ())
    }
}

/// The records of a call as the service takes them. They share one piece of memory. Of the filling of a record, only how much it is
/// matters.
fn put_entries(call: &Call, payloads: &Payloads) -> Vec<PutEntry> {
    let mut memory = Vec::with_capacity(call.entries.len() * 64);
    let written = call.entries.iter().map(|entry| {
        let start = memory.len();
        memory.extend_from_slice(entry.key.as_bytes());
        let key_end = memory.len();
        let padding = payloads.write_head(&entry.data, &mut memory);
        (start, key_end, memory.len(), padding)
    });
    let written: Vec<_> = written.collect();
    let memory = Bytes::from(memory);
    let put_entry = |(entry, (start, key_end, end, padding)): (&Entry, (usize, usize, usize, u32))| PutEntry {
        data: memory.slice(key_end..end),
        padding,
        partition_key: memory.slice(start..key_end),
        explicit_hash_key: entry.explicit_hash_key.map(HashKey),
    };
    call.entries.iter().zip(written).map(put_entry).collect()
}

fn accepted(receipt: &PutReceipt, shards: &ShardMap<ShardId>) -> EntryOutcome {
    EntryOutcome::Accepted {
        shard: shards.index(&receipt.shard),
        sequence: PackedSequence::new(&receipt.sequence_number.digits()),
    }
}

/// A time of the service as a time of the run; before the run it is zero.
pub(super) fn run_time(at: Time) -> Time {
    Time::ZERO + at.since(LEAD)
}
