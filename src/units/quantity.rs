//! A number with its unit.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bytes, Rate, Share, count, dollars, duration, number};

/// What a number counts or measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Unit {
    /// Records.
    #[serde(rename = "records")]
    Records,
    /// Records per second.
    #[serde(rename = "records/s")]
    RecordsPerSecond,
    /// Bytes per second.
    #[serde(rename = "bytes/s")]
    BytesPerSecond,
    /// Calls per second.
    #[serde(rename = "calls/s")]
    CallsPerSecond,
    /// Records in a call.
    #[serde(rename = "records/call")]
    RecordsPerCall,
    /// Bytes in a call.
    #[serde(rename = "bytes/call")]
    BytesPerCall,
    /// Registered consumers.
    #[serde(rename = "consumers")]
    Consumers,
    /// Shards.
    #[serde(rename = "shards")]
    Shards,
    /// Invocations at once.
    #[serde(rename = "invocations")]
    Invocations,
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
    /// Nanoseconds.
    #[serde(rename = "ns")]
    Nanoseconds,
    /// A part of one: 0.5 is half.
    #[serde(rename = "share")]
    Share,
    /// US dollars.
    #[serde(rename = "USD")]
    Dollars,
}

impl Unit {
    /// Its name in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::RecordsPerSecond => "records/s",
            Self::BytesPerSecond => "bytes/s",
            Self::CallsPerSecond => "calls/s",
            Self::RecordsPerCall => "records/call",
            Self::BytesPerCall => "bytes/call",
            Self::Consumers => "consumers",
            Self::Shards => "shards",
            Self::Invocations => "invocations",
            Self::Seconds => "s",
            Self::Nanoseconds => "ns",
            Self::Share => "share",
            Self::Dollars => "USD",
        }
    }
}

/// A number with its unit. Its words are made here alone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Quantity {
    /// The number.
    pub value: f64,
    /// What it counts or measures.
    pub unit: Unit,
}

impl Quantity {
    /// So many of a unit.
    pub const fn new(value: f64, unit: Unit) -> Self {
        Self { value, unit }
    }

    /// A time, in nanoseconds.
    pub fn time(span: Duration) -> Self {
        Self::new(span.as_nanos() as f64, Unit::Nanoseconds)
    }

    /// The words for people where a table has several units: a rate says what it counts.
    pub fn in_full(self) -> String {
        match self.unit {
            Unit::RecordsPerSecond => format!("{} rec/s", number(self.value)),
            Unit::RecordsPerCall => format!("{} rec/call", number(self.value)),
            Unit::CallsPerSecond | Unit::Consumers | Unit::Shards | Unit::Invocations | Unit::Records => {
                format!("{} {}", number(self.value), self.unit.word())
            }
            Unit::BytesPerSecond
            | Unit::BytesPerCall
            | Unit::Seconds
            | Unit::Nanoseconds
            | Unit::Share
            | Unit::Dollars => self.to_string(),
        }
    }
}

impl From<Share> for Quantity {
    fn from(share: Share) -> Self {
        Self::new(share.0, Unit::Share)
    }
}

impl From<Rate> for Quantity {
    fn from(rate: Rate) -> Self {
        Self::new(rate.0, Unit::RecordsPerSecond)
    }
}

/// The words for people, such as `42.1 ms`, `12.5%` or `$3.20`.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value;
        let bytes = || Bytes(value.round() as u64);
        f.pad(&match self.unit {
            Unit::RecordsPerSecond | Unit::CallsPerSecond => Rate(value).to_string(),
            Unit::BytesPerSecond => format!("{}/s", bytes()),
            Unit::BytesPerCall => format!("{}/call", bytes()),
            Unit::Records | Unit::RecordsPerCall | Unit::Consumers | Unit::Shards | Unit::Invocations => {
                count(value.round() as u64)
            }
            Unit::Seconds => duration(Duration::from_secs_f64(value.max(0.0))),
            Unit::Nanoseconds => duration(Duration::from_nanos(value as u64)),
            Unit::Share => Share(value).to_string(),
            Unit::Dollars => dollars(value),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_written_by_its_unit_and_named_in_json_as_in_its_words() {
        for (value, unit, words, in_full, json) in [
            (1_800.0, Unit::RecordsPerSecond, "1,800/s", "1,800 rec/s", "records/s"),
            (1_048_576.0, Unit::BytesPerSecond, "1 MiB/s", "1 MiB/s", "bytes/s"),
            (5.0, Unit::CallsPerSecond, "5/s", "5 calls/s", "calls/s"),
            (3.0, Unit::Shards, "3", "3 shards", "shards"),
            (7_310_000.0, Unit::Nanoseconds, "7.31 ms", "7.31 ms", "ns"),
            (0.125, Unit::Share, "12.5%", "12.5%", "share"),
            (3.2, Unit::Dollars, "$3.20", "$3.20", "USD"),
        ] {
            let quantity = Quantity::new(value, unit);
            assert_eq!((quantity.to_string().as_str(), quantity.in_full().as_str()), (words, in_full));
            assert_eq!(serde_json::to_value(unit).unwrap(), json);
            assert_eq!(unit.word(), json);
        }
    }
}
