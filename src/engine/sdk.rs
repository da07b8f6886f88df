//! The types of the SDK's answers, as a run takes them.

use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::Record;

use crate::client::Wire;
use crate::client::aggregation::UserRecord;
use crate::run::RunWire;

/// The shards of a stream by their ids.
pub(super) type ShardMap = crate::client::ShardMap<String>;

/// The types of the SDK's answers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sdk;

impl Wire for Sdk {
    type Shard = String;
    type Sequence = String;
    type Iterator = String;
    type Record = Record;
}

impl RunWire for Sdk {
    fn shard(name: &str) -> Option<String> {
        Some(name.to_owned())
    }

    fn sequence(number: &str) -> Option<String> {
        Some(number.to_owned())
    }

    /// Of sequence numbers of up to 76 digits. Other emulators may number their records in other ways; then nothing is told apart.
    fn order(sequence: &String) -> (u128, u128) {
        let (high, low) = sequence.split_at_checked(sequence.len().saturating_sub(38)).unwrap_or(("", sequence));
        (high.parse().unwrap_or(0), low.parse().unwrap_or(0))
    }

    fn sequence_of(record: &Record) -> String {
        record.sequence_number().to_owned()
    }

    fn partition_key(record: &Record) -> &[u8] {
        record.partition_key().unwrap_or_default().as_bytes()
    }

    fn data(record: &Record) -> &[u8] {
        record.data().as_ref()
    }

    fn unpack(mut record: Record, packed: Vec<UserRecord>) -> Vec<Record> {
        // Each gets its own; what they came in is not copied with them.
        record.data = Blob::new(Vec::new());
        let unpacked = |user: UserRecord| {
            let mut one = record.clone();
            one.partition_key = Some(user.partition_key);
            one.data = Blob::new(Vec::from(user.data));
            one
        };
        packed.into_iter().map(unpacked).collect()
    }
}
