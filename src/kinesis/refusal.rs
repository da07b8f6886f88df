//! Errors that several operations answer with, worded as the service words them.

use super::api::{ErrorKind, Response, ServiceError, ShardId};

/// What an operation answers.
pub(super) type Answer = Result<Response, ServiceError>;

pub(super) fn not_found(stream: &str, account: &str) -> ServiceError {
    ServiceError::new(ErrorKind::ResourceNotFound, format!("Stream {stream} under account {account} not found."))
}

pub(super) fn shard_not_found(stream: &str, shard: ShardId, account: &str) -> ServiceError {
    let message = format!("Shard {shard} in stream {stream} under account {account} does not exist");
    ServiceError::new(ErrorKind::ResourceNotFound, message)
}

pub(super) fn consumer_not_found(stream: &str, consumer: &str, account: &str) -> ServiceError {
    let message = format!("Consumer {consumer} under stream {stream}, account {account} not found.");
    ServiceError::new(ErrorKind::ResourceNotFound, message)
}

pub(super) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new(ErrorKind::InvalidArgument, message)
}

pub(super) fn rate_exceeded(shard: ShardId, stream: &str, account: &str) -> ServiceError {
    ServiceError::new(
        ErrorKind::ProvisionedThroughputExceeded,
        format!("Rate exceeded for shard {shard} in stream {stream} under account {account}."),
    )
}
