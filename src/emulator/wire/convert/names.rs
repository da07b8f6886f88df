//! Which stream, shard, consumer or resource a request is about.

use super::Members;
use crate::emulator::wire::{Context, Fault, arn};
use crate::kinesis::{ConsumerName, ErrorKind, Resource, ServiceError, ShardId};

impl Members<'_> {
    /// The stream that a request names by StreamName, StreamARN or both.
    pub fn stream(self) -> Result<String, Fault> {
        let named = stream_of(self.text("StreamName"), self.text("StreamARN"), self.context)?;
        named.ok_or_else(|| {
            Fault::invalid_argument(match self.text("StreamId") {
                Some(_) => "StreamId is reserved for future use: give StreamName or StreamARN.",
                None => "Either StreamName or StreamARN must be given.",
            })
        })
    }

    /// A required shard id; one without a number is a shard that does not exist.
    pub fn shard(self, member: &str, stream: &str) -> Result<ShardId, Fault> {
        self.optional_shard(member, stream)?.ok_or_else(|| no_shard(self.required(member), stream, self.context))
    }

    /// A shard id, if it is given.
    pub fn optional_shard(self, member: &str, stream: &str) -> Result<Option<ShardId>, Fault> {
        let shard = |id: &str| id.parse().map_err(|()| no_shard(id, stream, self.context));
        self.text(member).map(shard).transpose()
    }

    /// A consumer by its ARN, by its name and the ARN of its stream, or by all of them.
    pub fn consumer(self) -> Result<ConsumerName, Fault> {
        let (name, stream) = (self.text("ConsumerName"), self.text("StreamARN"));
        let Some(consumer) = self.text("ConsumerARN") else {
            return match (name, stream) {
                (Some(name), Some(_)) => {
                    Ok(ConsumerName { stream: self.stream()?, consumer: name.to_owned(), created: None })
                }
                _ => {
                    Err(Fault::invalid_argument("Either ConsumerARN or both StreamARN and ConsumerName must be given."))
                }
            };
        };
        let consumer = consumer_of(consumer, self.context)?;
        let other_name = name.is_some_and(|name| name != consumer.consumer);
        if other_name || (stream.is_some() && self.stream()? != consumer.stream) {
            return Err(Fault::invalid_argument(
                "ConsumerARN, StreamARN and ConsumerName must name the same consumer.",
            ));
        }
        Ok(consumer)
    }

    /// What tags or a policy belong to, by its ARN.
    pub fn resource(self) -> Result<Resource, Fault> {
        let text = self.required("ResourceARN");
        if let Some((account, stream)) = arn::parse_stream(text) {
            check_account(account, stream, self.context)?;
            return Ok(Resource::Stream(stream.to_owned()));
        }
        if arn::is_not_emulated(text) {
            return Err(Fault::not_emulated(text));
        }
        consumer_of(text, self.context).map(Resource::Consumer).map_err(|fault| match fault.name.as_ref() {
            "ResourceNotFoundException" => fault,
            _ => Fault::invalid_argument("Invalid ResourceARN."),
        })
    }
}

/// The stream that a name and an ARN name; `None` if there is neither.
pub(in crate::emulator::wire) fn stream_of(
    name: Option<&str>,
    arn: Option<&str>,
    context: Context<'_>,
) -> Result<Option<String>, Fault> {
    let Some(arn) = arn else { return Ok(name.map(str::to_owned)) };
    let (account, named) = arn::parse_stream(arn).ok_or_else(|| Fault::invalid_argument("Invalid StreamARN."))?;
    check_account(account, named, context)?;
    if name.is_some_and(|name| name != named) {
        return Err(Fault::invalid_argument("StreamName and StreamARN must name the same stream."));
    }
    Ok(Some(named.to_owned()))
}

/// The consumer that an ARN names.
pub(super) fn consumer_of(arn: &str, context: Context<'_>) -> Result<ConsumerName, Fault> {
    let (account, consumer) =
        arn::parse_consumer(arn).ok_or_else(|| Fault::invalid_argument("Invalid ConsumerARN."))?;
    check_account(account, &consumer.stream, context)?;
    Ok(consumer)
}

/// Streams of other accounts are not found here.
fn check_account(account: &str, stream: &str, context: Context<'_>) -> Result<(), Fault> {
    if account == context.settings.account {
        return Ok(());
    }
    let message = format!("Stream {stream} under account {account} not found.");
    Err(ServiceError::new(ErrorKind::ResourceNotFound, message).into())
}

fn no_shard(id: &str, stream: &str, context: Context<'_>) -> Fault {
    let account = &context.settings.account;
    let message = format!("Shard {id} in stream {stream} under account {account} does not exist");
    ServiceError::new(ErrorKind::ResourceNotFound, message).into()
}
