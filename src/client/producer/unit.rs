//! What a producer holds: records, and the units that they are sent in.

use std::cmp::Ordering;
use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use super::record::{Outcome, Reason, Sample};
use super::sequence::PackedSequence;
use crate::time::Time;
use crate::workload::{Arrival, Data};

#[derive(Debug)]
pub(super) struct Slot {
    pub index: u64,
    pub intended: Time,
    pub released: Time,
    pub key: Arc<str>,
    pub explicit_hash_key: Option<u128>,
    pub data: Data,
    pub shard: usize,
    pub attempts: u32,
    pub sent: Option<Time>,
    /// An attempt was never answered, so the record may be stored whatever later attempts say.
    pub perhaps_stored: bool,
    /// The number that it was acknowledged with.
    pub sequence: Option<PackedSequence>,
}

/// What is sent as one Kinesis record.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub slots: SmallVec<[usize; 1]>,
    pub bytes: u64,
    /// When its batch must go out at the latest.
    pub deadline: Time,
    /// The data blob, if it is an aggregate.
    pub aggregate: Option<Bytes>,
}

/// A unit that waits before its next attempt. Of one moment, the one that came first is ready first.
#[derive(Debug)]
pub(super) struct Waiting {
    pub due: Time,
    pub turn: u64,
    pub unit: Unit,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due, self.turn).cmp(&(other.due, other.turn))
    }
}

impl Slot {
    pub fn new(now: Time, arrival: Arrival, data: Data, shard: usize) -> Self {
        Self {
            index: arrival.index,
            intended: arrival.intended,
            released: now,
            key: arrival.key,
            explicit_hash_key: arrival.explicit_hash_key,
            data,
            shard,
            attempts: 0,
            sent: None,
            perhaps_stored: false,
            sequence: None,
        }
    }

    pub fn bytes(&self) -> u64 {
        (self.key.len() + self.data.len()) as u64
    }

    pub fn sample(&self, now: Time, outcome: Outcome, reason: Option<Reason>, leads: bool) -> Sample {
        let bytes = u32::try_from(self.bytes()).unwrap_or(u32::MAX);
        Sample {
            index: self.index,
            intended: self.intended,
            released: self.released,
            sent: self.sent,
            done: now,
            attempts: self.attempts,
            outcome,
            reason,
            shard: self.shard,
            bytes,
            service_bytes: leads.then_some(bytes),
            sequence: self.sequence,
        }
    }
}
