//! How a listing goes on: what of a request its answer needs to name the next page.

use std::time::Duration;

use super::token::{self, NameToken, ShardToken};
use crate::kinesis::{ConsumerDescription, Request, ShardDescription, ShardFilter, StreamDescription};
use crate::time::Time;

/// How long a token names the next page (fact sheet, section 2.1: "NextToken expires 300 s").
pub(super) const TOKEN_LIFE: Duration = Duration::from_secs(300);

/// What a listing lists.
#[derive(Debug, Clone, PartialEq)]
pub enum Page {
    /// Nothing that goes on with a token.
    None,
    /// The shards of a stream.
    Shards {
        /// The stream.
        stream: String,
        /// Which of its shards.
        filter: ShardFilter,
    },
    /// The consumers of a stream.
    Consumers {
        /// The stream.
        stream: String,
    },
}

impl Page {
    /// What a request lists.
    pub fn of(request: &Request) -> Self {
        match request {
            Request::ListShards(list) => Self::Shards { stream: list.stream.clone(), filter: list.filter },
            Request::ListStreamConsumers { stream, .. } => Self::Consumers { stream: stream.clone() },
            _ => Self::None,
        }
    }

    /// The token after these shards.
    pub(super) fn after_shards(&self, shards: &[ShardDescription], now: Time) -> Option<String> {
        let (Self::Shards { stream, filter }, Some(last)) = (self, shards.last()) else { return None };
        let token = ShardToken { stream: stream.clone(), filter: *filter, after: last.shard, issued: now };
        Some(token::encode_shards(&token))
    }

    /// The token after these consumers.
    pub(super) fn after_consumers(&self, consumers: &[ConsumerDescription], now: Time) -> Option<String> {
        let (Self::Consumers { stream }, Some(last)) = (self, consumers.last()) else { return None };
        let token = NameToken { stream: stream.clone(), after: last.consumer.clone(), issued: now };
        Some(token::encode_consumers(&token))
    }

    /// The token after these streams.
    pub(super) fn after_streams(streams: &[StreamDescription], now: Time) -> Option<String> {
        let after = streams.last()?.stream.clone();
        Some(token::encode_streams(&NameToken { stream: String::new(), after, issued: now }))
    }
}
