//! The types of the simulated service's answers.

use crate::client::Wire;
use crate::client::aggregation::UserRecord;
use crate::kinesis::{IteratorToken, ReadRecord, SequenceNumber, ShardId};
use crate::run::RunWire;

/// The types of the simulated service's answers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Simulated;

impl Wire for Simulated {
    type Shard = ShardId;
    type Sequence = SequenceNumber;
    type Iterator = IteratorToken;
    type Record = ReadRecord;
}

impl RunWire for Simulated {
    fn shard(name: &str) -> Option<ShardId> {
        name.parse().ok()
    }

    fn sequence(number: &str) -> Option<SequenceNumber> {
        number.parse().ok()
    }

    fn order(sequence: &SequenceNumber) -> (u128, u128) {
        (sequence.shard_created.into(), sequence.index.into())
    }

    fn sequence_of(record: &ReadRecord) -> SequenceNumber {
        record.sequence_number
    }

    fn partition_key(record: &ReadRecord) -> &[u8] {
        &record.partition_key
    }

    fn data(record: &ReadRecord) -> &[u8] {
        &record.data
    }

    fn bytes(record: &ReadRecord) -> usize {
        usize::try_from(record.bytes()).unwrap_or(usize::MAX)
    }

    fn unpack(record: ReadRecord, packed: Vec<UserRecord>) -> Vec<ReadRecord> {
        let unpacked = |user: UserRecord| ReadRecord {
            partition_key: user.partition_key.into(),
            data: user.data,
            ..record.clone()
        };
        packed.into_iter().map(unpacked).collect()
    }
}
