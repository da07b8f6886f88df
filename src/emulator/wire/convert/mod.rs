//! Checked requests into [`Request`]s: what members mean, and which go together (fact sheet, sections 1 to 4).

mod control;
mod listings;
mod members;
mod names;
mod records;

use self::members::Members;
use super::value::Value;
use super::{Context, Fault};
use crate::kinesis::{Operation, Request};

pub(super) use self::names::stream_of;

/// Converts the checked request of an operation.
///
/// # Errors
/// Members cannot be used or do not go together: mostly InvalidArgumentException, as section 2.5 words it.
pub(super) fn request(operation: Operation, value: &Value<'_>, context: Context<'_>) -> Result<Request, Fault> {
    use Operation as O;
    let m = Members { value, context };
    match operation {
        O::PutRecord => records::put_record(m),
        O::PutRecords => records::put_records(m),
        O::GetShardIterator => records::get_shard_iterator(m),
        O::GetRecords => records::get_records(m),
        O::SubscribeToShard => records::subscribe_to_shard(m),
        O::ListStreams => listings::list_streams(m),
        O::ListShards => listings::list_shards(m),
        O::ListStreamConsumers => listings::list_stream_consumers(m),
        O::DescribeStream => listings::describe_stream(m),
        O::ListTagsForStream => listings::list_tags_for_stream(m),
        other => control::request(other, m),
    }
}
