//! Why attempts were throttled.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Throttled attempts that have one cause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThrottleCause {
    /// What it is.
    pub cause: Cause,
    /// The limit that was met; `None` where it was none of the service.
    pub bound: Option<Limit>,
    /// The shard, the key or the consumer; empty where it is the stream.
    pub place: String,
    /// Seconds in which it struck, each shard's for itself.
    pub seconds: u64,
    /// The first and the last of these seconds.
    pub window: (u64, u64),
    /// Attempts, or reading calls, that were throttled in them.
    pub throttled: u64,
    /// What the second with the most of them looked like, in a full sentence.
    pub evidence: String,
    /// What would help, the cheapest first.
    pub cures: Vec<Cure>,
}

/// Why a shard throttles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The scenario injects it.
    InjectedFault,
    /// The load of the second is more than all shards take, however it is spread.
    Overload,
    /// More keys fall to the shard than it takes, while the stream has room.
    HotShard,
    /// One partition key fills the shard, while the stream has room.
    HotKey,
    /// The shard has room over ten seconds, but not for the moment in which the records came.
    Burst,
    /// The load itself would have been taken; attempts again at what was refused before were too many.
    RetryStorm,
    /// A reshard was under way that would have brought relief.
    Reshard,
    /// Consumers that poll share the calls and the bytes of a shard.
    SharedReads,
}

impl Cause {
    /// A few words for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::InjectedFault => "injected fault",
            Self::Overload => "stream too small",
            Self::HotShard => "hot shard",
            Self::HotKey => "hot key",
            Self::Burst => "burst",
            Self::RetryStorm => "retry storm",
            Self::Reshard => "reshard in progress",
            Self::SharedReads => "shared read quota",
        }
    }
}

/// A limit of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// Records per second.
    Records,
    /// Bytes per second.
    Bytes,
    /// Calls per second.
    Calls,
}

impl Limit {
    /// A word for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Bytes => "bytes",
            Self::Calls => "calls",
        }
    }
}

/// Something that would help.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cure {
    /// What to do.
    pub what: String,
    /// US dollars a month that it costs; `None` if a price is not known.
    pub monthly: Option<f64>,
    /// What it costs otherwise.
    pub trade_off: String,
    /// Keys of the scenario, as `--set` takes them, that try it.
    pub settings: Vec<String>,
}
