//! Faults on demand, as AWS's fault-injection service offers them and a few more (fact sheet, section 1.5).

use std::time::Duration;

use super::api::{Operation, ShardId};
use crate::time::Time;

/// What goes wrong, when, how often and for whom.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRule {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Share of the calls concerned that it hits, 0 to 1.
    pub probability: f64,
    /// When it begins.
    pub from: Time,
    /// When it is over; [`Time::NEVER`] if it stays.
    pub until: Time,
    /// Which operations it hits; none named means all of the data plane.
    pub operations: Vec<Operation>,
    /// Only calls on this stream; all streams if `None`.
    pub stream: Option<String>,
    /// Only what concerns this shard; all shards if `None`. Of a PutRecords call, it hits the records of the shard only,
    /// except for a delay or a broken connection, which hit the call.
    pub shard: Option<ShardId>,
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
    /// The call, or each record of it, fails with ProvisionedThroughputExceededException.
    ProvisionedThroughputExceeded,
    /// GetRecords fails with ExpiredIteratorException.
    ExpiredIterator,
    /// The connection breaks and the call gets no answer. A put may have been stored all the same: half of them are.
    ConnectionDropped,
    /// The answer comes that much later.
    Delay(Duration),
}
