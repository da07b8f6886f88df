//! Faults on demand, as AWS's fault-injection service offers them and a few more (fact sheet, section 1.5).

use std::time::Duration;

use rand::RngExt as _;

use super::api::{ErrorKind, Operation, PutReceipt, ServiceError, ShardId};
use super::damage::{Damage, InjectedFault, InjectedFaults};
use super::sequence::SequenceNumber;
use crate::seed::{NamedSeed, Seed};
use crate::time::Time;

/// What goes wrong, when, how often and for whom.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRule {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Share of the calls concerned that it hits, 0 to 1; of damage, share of the records.
    pub probability: f64,
    /// When it begins.
    pub from: Time,
    /// When it is over; [`Time::NEVER`] if it stays.
    pub until: Time,
    /// Which operations it hits; none named means all of the data plane.
    pub operations: Vec<Operation>,
    /// Only calls on this stream; all streams if `None`.
    pub stream: Option<String>,
    /// Only what concerns this shard; all shards if `None`. Of a PutRecords call with records for the shard, InternalFailure and
    /// ProvisionedThroughputExceeded hit these records, as they do on AWS, and damage hits records anyway; everything else hits the
    /// call.
    pub shard: Option<ShardId>,
}

impl FaultRule {
    /// Whether puts are throttled by it.
    pub fn throttles_puts(&self) -> bool {
        let puts = [Operation::PutRecords, Operation::PutRecord];
        matches!(self.kind, FaultKind::Throttling | FaultKind::ProvisionedThroughputExceeded)
            && (self.operations.is_empty() || puts.iter().any(|put| self.operations.contains(put)))
    }
}

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The call fails with InternalFailure, HTTP 500.
    InternalFailure,
    /// The call fails with ServiceUnavailable, HTTP 503.
    ServiceUnavailable,
    /// The call fails with ThrottlingException.
    Throttling,
    /// The call fails with ProvisionedThroughputExceededException.
    ProvisionedThroughputExceeded,
    /// GetRecords fails with ExpiredIteratorException.
    ExpiredIterator,
    /// The call fails with ExpiredTokenException: the temporary credentials that it is signed with are no longer valid.
    ExpiredCredentials,
    /// The connection breaks and the call gets no answer. A put may have been stored all the same: half of them are.
    ConnectionDropped,
    /// The answer comes that much later.
    Delay(Duration),
    /// A record that was acknowledged is not what a consumer gets. AWS has no such fault.
    Damage(Damage),
}

impl FaultKind {
    /// A few words for charts.
    pub const fn label(self) -> &'static str {
        match self {
            Self::InternalFailure => "internal failures",
            Self::ServiceUnavailable => "service unavailable",
            Self::Throttling => "throttling",
            Self::ProvisionedThroughputExceeded => "throughput exceeded",
            Self::ExpiredIterator => "expired iterators",
            Self::ExpiredCredentials => "expired credentials",
            Self::ConnectionDropped => "connections dropped",
            Self::Delay(_) => "delay",
            Self::Damage(damage) => damage.label(),
        }
    }
}

/// The rules in force and their dice.
#[derive(Debug)]
pub(super) struct Faults {
    seed: Seed,
    /// Tosses whether a put is stored whose connection breaks, and how often it was tossed.
    coin: (NamedSeed, u64),
    rules: Vec<(FaultRule, NamedSeed, u64)>,
    /// What was damaged so far.
    pub injected: InjectedFaults,
}

/// A call that a fault may hit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'c> {
    pub now: Time,
    pub operation: Operation,
    pub stream: Option<&'c str>,
    /// The shard that the call concerns.
    pub shard: Option<ShardId>,
    pub part: Part,
}

/// What of a call a fault may hit: a put to many shards is asked about for the call, for each of its shards and for each of its
/// records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The call.
    Whole,
    /// The call, because of the shard.
    Shard,
    /// One record for the shard.
    Record,
    /// One record that was stored, or is in an answer.
    Stored,
}

/// What hits a call, or a record.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Hit {
    pub error: Option<ErrorKind>,
    pub delay: Duration,
    /// Of a record that was stored.
    pub damage: Option<Damage>,
}

impl Faults {
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            coin: (seed.named("kinesis.fault.stored"), 0),
            rules: Vec::new(),
            injected: InjectedFaults::default(),
        }
    }

    pub fn set(&mut self, rules: Vec<FaultRule>) {
        let seeded = rules.into_iter().enumerate().map(|(index, rule)| {
            let dice = self.seed.named(&format!("kinesis.fault.{index}"));
            (rule, dice, 0)
        });
        self.rules = seeded.collect();
    }

    pub fn rules(&self) -> impl Iterator<Item = &FaultRule> {
        self.rules.iter().map(|(rule, ..)| rule)
    }

    /// What hits the call. The first error wins; delays add up.
    pub fn inject(&mut self, call: Call<'_>) -> Hit {
        let mut hit = Hit::default();
        for (rule, dice, thrown) in &mut self.rules {
            if !rule.concerns(call) {
                continue;
            }
            *thrown += 1;
            if dice.at(*thrown).random::<f64>() >= rule.probability {
                continue;
            }
            match rule.kind {
                FaultKind::Delay(delay) => hit.delay += delay,
                FaultKind::Damage(damage) => hit.damage = hit.damage.or(Some(damage)),
                kind => hit.error = hit.error.or(kind.error()),
            }
        }
        hit
    }

    /// Whether any rule does damage, to records that are put or to answers.
    pub fn do_damage(&self, to_puts: bool) -> bool {
        self.rules().any(|rule| matches!(rule.kind, FaultKind::Damage(damage) if damage.is_of_puts() == to_puts))
    }

    /// Whether a put whose connection breaks is stored all the same.
    pub fn stored_all_the_same(&mut self) -> bool {
        let (coin, tossed) = &mut self.coin;
        *tossed += 1;
        coin.at(*tossed).random()
    }

    /// Notes what was done to a record that was put.
    pub fn note_injected(&mut self, damage: Damage, receipt: &PutReceipt, number: SequenceNumber, key: &[u8]) {
        self.injected.note(InjectedFault {
            damage,
            shard: receipt.shard,
            sequence_number: number,
            partition_key: String::from_utf8_lossy(key).into_owned(),
        });
    }
}

impl FaultRule {
    fn concerns(&self, call: Call<'_>) -> bool {
        let operation = if self.operations.is_empty() {
            call.operation.is_data_plane()
        } else {
            self.operations.contains(&call.operation)
        };
        let stream = self.stream.is_none() || self.stream.as_deref() == call.stream;
        let expired = self.kind == FaultKind::ExpiredIterator && call.operation != Operation::GetRecords;
        let shard = match call.part {
            Part::Whole | Part::Stored => self.shard.is_none() || self.shard == call.shard,
            Part::Shard => self.shard == call.shard && !self.kind.is_of_records(),
            Part::Record => self.shard == call.shard && self.kind.is_of_records(),
        };
        let part = match self.kind {
            FaultKind::Damage(damage) => call.part == Part::Stored && damage.is_of_puts() == call.operation.is_put(),
            _ => call.part != Part::Stored,
        };
        part && operation && stream && shard && !expired && self.from <= call.now && call.now < self.until
    }
}

impl FaultKind {
    /// Whether single records of a PutRecords call can have it.
    const fn is_of_records(self) -> bool {
        matches!(self, Self::InternalFailure | Self::ProvisionedThroughputExceeded)
    }

    /// The error, if it is one.
    const fn error(self) -> Option<ErrorKind> {
        Some(match self {
            Self::InternalFailure => ErrorKind::InternalFailure,
            Self::ServiceUnavailable => ErrorKind::ServiceUnavailable,
            Self::Throttling => ErrorKind::Throttling,
            Self::ProvisionedThroughputExceeded => ErrorKind::ProvisionedThroughputExceeded,
            Self::ExpiredIterator => ErrorKind::ExpiredIterator,
            Self::ExpiredCredentials => ErrorKind::ExpiredToken,
            Self::ConnectionDropped => ErrorKind::ConnectionDropped,
            Self::Delay(_) | Self::Damage(_) => return None,
        })
    }
}

/// The error of a call that a fault hit.
pub(super) fn injected(kind: ErrorKind) -> ServiceError {
    let message = match kind {
        ErrorKind::InternalFailure => "Internal Service Failure",
        ErrorKind::ServiceUnavailable => "Service Unavailable",
        ErrorKind::Throttling => "Rate exceeded",
        ErrorKind::ExpiredToken => "The security token included in the request is expired",
        ErrorKind::ConnectionDropped => "The connection was closed without an answer",
        _ => "Injected by a fault rule of the emulator",
    };
    ServiceError::new(kind, message)
}
