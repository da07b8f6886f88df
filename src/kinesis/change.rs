//! Changes of a stream that are under way.

use super::api::{Encryption, ShardId};
use super::hash_key::HashKey;
use crate::time::Time;

/// A change under way; the stream is UPDATING until it is `due`.
#[derive(Debug)]
pub(super) struct Pending {
    pub due: Time,
    pub change: Change,
}

/// What happens when a change is due.
#[derive(Debug)]
pub(super) enum Change {
    /// It has been made already.
    Nothing,
    Reshard(Vec<Step>),
    Encryption(Encryption),
    WarmThroughput(u32, Vec<Step>),
}

/// One split or merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The second child starts at that hash key.
    Split(ShardId, HashKey),
    /// The first one is the lower.
    Merge(ShardId, ShardId),
}
