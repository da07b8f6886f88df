//! The limits that a scenario is held against.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which limit a bound is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum BoundName {
    /// Kinesis records put per second.
    #[serde(rename = "write records")]
    WriteRecords,
    /// Data and partition keys put per second.
    #[serde(rename = "write bytes")]
    WriteBytes,
    /// Bytes read by all consumers that poll.
    #[serde(rename = "shared read bytes")]
    SharedReadBytes,
    /// Records that the slowest consumer that polls can fetch.
    #[serde(rename = "polled records")]
    PolledRecords,
    /// GetRecords calls of all consumers that poll.
    #[serde(rename = "shared read calls")]
    SharedReadCalls,
    /// Bytes pushed to each consumer with enhanced fan-out.
    #[serde(rename = "fan-out bytes")]
    FanOutBytes,
    /// Records that the slowest consumer can process.
    #[serde(rename = "processed records")]
    ProcessedRecords,
    /// What the most frequent partition key asks of its shard.
    #[serde(rename = "hottest key")]
    HottestKey,
    /// The largest call of the producer.
    #[serde(rename = "put call")]
    PutCall,
    /// Invocations of a function at once.
    #[serde(rename = "Lambda concurrency")]
    LambdaConcurrency,
    /// Consumers registered with the stream.
    #[serde(rename = "fan-out consumers")]
    FanOutConsumers,
    /// Shards of the account.
    #[serde(rename = "account shards")]
    AccountShards,
    /// Bytes put per second to a stream that scales by itself.
    #[serde(rename = "on-demand writes")]
    OnDemandWrites,
    /// The longest outage of a consumer, against how long records are kept.
    #[serde(rename = "retention")]
    Retention,
}

impl BoundName {
    /// Its name for people, which is also that in JSON.
    pub const fn words(self) -> &'static str {
        match self {
            Self::WriteRecords => "write records",
            Self::WriteBytes => "write bytes",
            Self::SharedReadBytes => "shared read bytes",
            Self::PolledRecords => "polled records",
            Self::SharedReadCalls => "shared read calls",
            Self::FanOutBytes => "fan-out bytes",
            Self::ProcessedRecords => "processed records",
            Self::HottestKey => "hottest key",
            Self::PutCall => "put call",
            Self::LambdaConcurrency => "Lambda concurrency",
            Self::FanOutConsumers => "fan-out consumers",
            Self::AccountShards => "account shards",
            Self::OnDemandWrites => "on-demand writes",
            Self::Retention => "retention",
        }
    }

    /// Whether it is about what is put to a shard.
    pub const fn is_of_writes(self) -> bool {
        matches!(self, Self::WriteRecords | Self::WriteBytes)
    }
}

impl fmt::Display for BoundName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.words())
    }
}
