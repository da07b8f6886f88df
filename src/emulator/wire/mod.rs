//! AWS's JSON 1.1 protocol: operations in, answers out (fact sheet, section 4).

pub(super) mod arn;
mod control;
mod fault;
mod json;
mod puts;
mod reads;
pub(super) mod responses;

use std::str::FromStr;

use self::json::{Text, text};
use super::validation::Violations;
use crate::kinesis::{ErrorKind, Request, ServiceError, Settings, ShardId};
use crate::time::Time;

pub(super) use self::fault::Fault;

/// The operations that the emulator serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the API")]
pub(super) enum Operation {
    CreateStream,
    DeleteStream,
    DescribeStream,
    DescribeStreamSummary,
    ListShards,
    PutRecord,
    PutRecords,
    GetShardIterator,
    GetRecords,
    RegisterStreamConsumer,
    DescribeStreamConsumer,
    DeregisterStreamConsumer,
    SubscribeToShard,
}

impl FromStr for Operation {
    type Err = Fault;

    fn from_str(name: &str) -> Result<Self, Fault> {
        Ok(match name {
            "CreateStream" => Self::CreateStream,
            "DeleteStream" => Self::DeleteStream,
            "DescribeStream" => Self::DescribeStream,
            "DescribeStreamSummary" => Self::DescribeStreamSummary,
            "ListShards" => Self::ListShards,
            "PutRecord" => Self::PutRecord,
            "PutRecords" => Self::PutRecords,
            "GetShardIterator" => Self::GetShardIterator,
            "GetRecords" => Self::GetRecords,
            "RegisterStreamConsumer" => Self::RegisterStreamConsumer,
            "DescribeStreamConsumer" => Self::DescribeStreamConsumer,
            "DeregisterStreamConsumer" => Self::DeregisterStreamConsumer,
            "SubscribeToShard" => Self::SubscribeToShard,
            _ => return Err(Fault::unknown_operation("The emulator does not serve this operation.")),
        })
    }
}

/// A request that was understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Decoded {
    /// One request to the service half.
    Request(Request),
    /// A page of shards; what was asked is needed again to name the next page.
    ListShards { stream: String, max_results: usize, after: Option<ShardId> },
    /// DescribeStreamSummary and ListShards in one answer.
    DescribeStream { stream: String, limit: usize, after: Option<ShardId> },
}

/// What a request is read against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    /// Limits, account, region and epoch.
    pub settings: &'a Settings,
    /// The time of the request.
    pub now: Time,
}

/// Reads and validates the body of a request.
///
/// # Errors
/// SerializationException if the body is not the JSON of the operation, ValidationException if a member breaks a
/// constraint of the model, InvalidArgumentException if members do not go together.
pub(super) fn decode(operation: Operation, body: &[u8], context: Context<'_>) -> Result<Decoded, Fault> {
    match operation {
        Operation::CreateStream => control::create_stream(body),
        Operation::DeleteStream => control::delete_stream(body, context),
        Operation::DescribeStream => control::describe_stream(body, context),
        Operation::DescribeStreamSummary => control::describe_stream_summary(body, context),
        Operation::ListShards => control::list_shards(body, context),
        Operation::RegisterStreamConsumer => control::register_stream_consumer(body, context),
        Operation::DescribeStreamConsumer => control::describe_stream_consumer(body, context),
        Operation::DeregisterStreamConsumer => control::deregister_stream_consumer(body, context),
        Operation::PutRecord => puts::put_record(body, context),
        Operation::PutRecords => puts::put_records(body, context),
        Operation::GetShardIterator => reads::get_shard_iterator(body, context),
        Operation::GetRecords => reads::get_records(body, context),
        Operation::SubscribeToShard => reads::subscribe_to_shard(body, context),
    }
}

impl Context<'_> {
    /// The stream that a request names by StreamName, StreamARN or both.
    fn stream(self, name: &Option<Text<'_>>, arn: &Option<Text<'_>>) -> Result<String, Fault> {
        let Some(arn) = text(arn) else {
            let name =
                text(name).ok_or_else(|| Fault::invalid_argument("Either StreamName or StreamARN must be given."))?;
            return Ok(name.to_owned());
        };
        let (account, named) = arn::parse_stream(arn).ok_or_else(|| Fault::invalid_argument("Invalid StreamARN."))?;
        self.check_account(account, named)?;
        if text(name).is_some_and(|name| name != named) {
            return Err(Fault::invalid_argument("StreamName and StreamARN must name the same stream."));
        }
        Ok(named.to_owned())
    }

    /// Streams of other accounts are not found here.
    fn check_account(self, account: &str, stream: &str) -> Result<(), Fault> {
        if account == self.settings.account {
            return Ok(());
        }
        let message = format!("Stream {stream} under account {account} not found.");
        Err(ServiceError::new(ErrorKind::ResourceNotFound, message).into())
    }

    /// Reads a shard id; one without a number is a shard that does not exist.
    fn shard(self, id: &str, stream: &str) -> Result<ShardId, Fault> {
        id.parse().map_err(|()| {
            let account = &self.settings.account;
            let message = format!("Shard {id} in stream {stream} under account {account} does not exist");
            ServiceError::new(ErrorKind::ResourceNotFound, message).into()
        })
    }
}

/// Checks the members that name a stream.
fn check_stream(violations: &mut Violations, name: &Option<Text<'_>>, arn: &Option<Text<'_>>) {
    violations.text("streamName", text(name), super::validation::NAME);
    violations.text("streamARN", text(arn), arn::STREAM_ARN);
}

/// A dry run changes nothing: its outcome is an error even if all is well (fact sheet, section 1.1).
fn check_dry_run(asked: Option<bool>) -> Result<(), Fault> {
    if asked == Some(true) {
        return Err(Fault::client("DryRunOperationException", "The request is well-formed; DryRun was set."));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
