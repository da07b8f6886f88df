//! What a run has to know of a driver's records, beside what a consumer does.

use std::time::Duration;

use smallvec::{SmallVec, smallvec};

use crate::client::aggregation::{self, UserRecord};
use crate::client::{Answer, Lineage, Received, Wire, key_hash};

/// The types of one driver's answers, and what they hold.
pub trait RunWire: Wire<Shard: Ord> {
    /// The shard of this name.
    fn shard(name: &str) -> Option<Self::Shard>;
    /// The sequence number that is written like this.
    fn sequence(number: &str) -> Option<Self::Sequence>;
    /// Numbers that compare as the sequence numbers do.
    fn order(sequence: &Self::Sequence) -> (u128, u128);
    /// The sequence number of a record.
    fn sequence_of(record: &Self::Record) -> Self::Sequence;
    /// The partition key of a record, in UTF-8.
    fn partition_key(record: &Self::Record) -> &[u8];
    /// The data blob of a record.
    fn data(record: &Self::Record) -> &[u8];
    /// How many bytes data and partition key are.
    fn bytes(record: &Self::Record) -> usize {
        Self::data(record).len() + Self::partition_key(record).len()
    }
    /// The records that were `packed` in one, each with what else is said of that one.
    fn unpack(record: Self::Record, packed: Vec<UserRecord>) -> Vec<Self::Record>;
}

/// What an answer of the service brought, as it came.
#[derive(Debug)]
pub struct Read<W: RunWire> {
    /// The records, those of an aggregate as one.
    pub records: Vec<W::Record>,
    /// How far it is behind the tip of the shard: MillisBehindLatest.
    pub behind: Duration,
    /// At the end of a closed shard, those that follow it.
    pub children: Vec<Lineage<W>>,
}

impl<W: RunWire> Read<W> {
    /// The answer as a consumer takes it: aggregates are unpacked. `age` says how long the service had a record.
    pub fn answer(self, age: impl Fn(&W::Record) -> Duration) -> Answer<W> {
        let received = |(part, record): (u32, W::Record)| Received {
            sequence: W::sequence_of(&record),
            key_hash: key_hash(W::partition_key(&record)),
            bytes: u32::try_from(W::bytes(&record)).unwrap_or(u32::MAX),
            age: age(&record),
            part,
            record,
        };
        Answer {
            records: self.records.into_iter().flat_map(plain::<W>).map(received).collect(),
            behind: self.behind,
            children: self.children,
        }
    }
}

/// The record, or those that are packed in it, each with its place.
fn plain<W: RunWire>(record: W::Record) -> SmallVec<[(u32, W::Record); 1]> {
    match aggregation::decode(W::data(&record)) {
        None => smallvec![(0, record)],
        Some(packed) => (0..).zip(W::unpack(record, packed)).collect(),
    }
}
