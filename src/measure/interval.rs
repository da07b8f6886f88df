//! Counters of a run and of each of its seconds.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The state of every record of a run.
///
/// Each record that is due is in exactly one of the last five states, so that
/// `offered = accepted + failed + abandoned + unknown + in_flight` at every moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Counters {
    /// Records that came due.
    pub offered: u64,
    /// Records that the service acknowledged.
    pub accepted: u64,
    /// Records that the service refused for good, or whose attempts are used up.
    pub failed: u64,
    /// Records given up without an attempt under way, because there was no room for them or the run ended.
    pub abandoned: u64,
    /// Records that were sent but never answered: perhaps stored, perhaps not.
    pub unknown: u64,
    /// Records still waiting or under way.
    pub in_flight: u64,
    /// Attempts to put a Kinesis record: every entry of every call.
    pub attempts: u64,
    /// Attempts that a shard throttled.
    pub throttled: u64,
    /// Attempts that failed in another way, or stayed unanswered.
    pub errors: u64,
    /// Records accepted on a later attempt than their first.
    pub retried: u64,
    /// Calls sent: PutRecords or PutRecord.
    pub calls: u64,
    /// Bytes accepted, data and partition keys.
    pub accepted_bytes: u64,
}

impl Counters {
    /// Whether each record is in exactly one state.
    pub const fn balance(&self) -> bool {
        self.offered == self.accepted + self.failed + self.abandoned + self.unknown + self.in_flight
    }
}

/// One second of a run: what happened in it (not what became of the records due in it).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Seconds since the run began; the interval covers this second.
    pub second: u64,
    /// Records that came due, by intended time.
    pub offered: u64,
    /// Records accepted.
    pub accepted: u64,
    /// Those of them that were not accepted at their first attempt.
    #[serde(default)]
    pub retried: u64,
    /// Records that failed, were abandoned, or became unknown.
    pub lost: u64,
    /// Attempts made.
    pub attempts: u64,
    /// Attempts throttled.
    pub throttled: u64,
    /// Attempts that failed in another way.
    pub errors: u64,
    /// Bytes accepted.
    pub accepted_bytes: u64,
    /// Median response time of the records accepted in this second, nanoseconds; `None` without any.
    pub response_p50: Option<u64>,
    /// 99th percentile of the same, nanoseconds.
    pub response_p99: Option<u64>,
    /// Longest of the same, nanoseconds.
    pub response_max: Option<u64>,
    /// 99th percentile of the lateness of the records taken up in this second, nanoseconds.
    #[serde(default)]
    pub lateness_p99: Option<u64>,
    /// Most calls that were under way at once.
    #[serde(default)]
    pub open_calls: u64,
    /// Per shard, in the order of the result's shards; shards without traffic at the end may be missing.
    pub shards: Vec<ShardInterval>,
}

impl ShardInterval {
    /// Kinesis records accepted and their bytes, which are the records in results that do not tell them apart.
    pub const fn taken(&self) -> (u32, u32) {
        if self.service_records == 0 { (self.accepted, self.bytes) } else { (self.service_records, self.service_bytes) }
    }
}

/// One second of one shard.
///
/// In JSON it is an array, since a long run on many shards has millions of them: `[accepted, bytes, throttled]`, followed by
/// `service_records, service_bytes` where they are not the same as records and bytes. An object with these names is read, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShardInterval {
    /// Records accepted.
    pub accepted: u32,
    /// Bytes accepted.
    pub bytes: u32,
    /// Attempts throttled.
    pub throttled: u32,
    /// Kinesis records accepted: what counts for the quotas. With aggregation there are fewer of them than records.
    pub service_records: u32,
    /// Bytes of the Kinesis records accepted.
    pub service_bytes: u32,
}

impl ShardInterval {
    /// Whether nothing happened.
    pub fn is_idle(&self) -> bool {
        *self == Self::default()
    }
}

impl Serialize for ShardInterval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (accepted, bytes, throttled) = (self.accepted, self.bytes, self.throttled);
        if (self.service_records, self.service_bytes) == (accepted, bytes) {
            (accepted, bytes, throttled).serialize(serializer)
        } else {
            (accepted, bytes, throttled, self.service_records, self.service_bytes).serialize(serializer)
        }
    }
}

impl<'d> Deserialize<'d> for ShardInterval {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}

/// Reads a cell in either form.
struct CellVisitor;

impl<'d> Visitor<'d> for CellVisitor {
    type Value = ShardInterval;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the second of a shard: an array of three or five numbers")
    }

    fn visit_seq<A: SeqAccess<'d>>(self, mut numbers: A) -> Result<ShardInterval, A::Error> {
        let mut first = [0; 3];
        for (index, number) in first.iter_mut().enumerate() {
            *number = numbers.next_element()?.ok_or_else(|| A::Error::invalid_length(index, &self))?;
        }
        let [accepted, bytes, throttled] = first;
        let service_records = numbers.next_element()?.unwrap_or(accepted);
        let service_bytes = numbers.next_element()?.unwrap_or(bytes);
        while numbers.next_element::<IgnoredAny>()?.is_some() {}
        Ok(ShardInterval { accepted, bytes, throttled, service_records, service_bytes })
    }

    fn visit_map<A: MapAccess<'d>>(self, map: A) -> Result<ShardInterval, A::Error> {
        #[derive(Deserialize)]
        struct Named {
            accepted: u32,
            bytes: u32,
            throttled: u32,
            #[serde(default)]
            service_records: u32,
            #[serde(default)]
            service_bytes: u32,
        }
        let Named { accepted, bytes, throttled, service_records, service_bytes } =
            Named::deserialize(MapAccessDeserializer::new(map))?;
        Ok(ShardInterval { accepted, bytes, throttled, service_records, service_bytes })
    }
}

impl JsonSchema for ShardInterval {
    fn schema_name() -> Cow<'static, str> {
        "ShardInterval".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "One second of one shard: records accepted, bytes accepted, attempts throttled, and where they are not the same \
                            as records and bytes, Kinesis records accepted and their bytes.",
            "type": "array",
            "items": generator.subschema_for::<u32>(),
            "minItems": 3,
            "maxItems": 5,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_short_and_comes_back_as_it_was() {
        let plain = ShardInterval { accepted: 7, bytes: 3_500, throttled: 2, service_records: 7, service_bytes: 3_500 };
        let packed = ShardInterval { service_records: 1, service_bytes: 3_600, ..plain };
        let unknown = ShardInterval { service_records: 0, service_bytes: 0, ..plain };
        for (cell, json) in [
            (plain, "[7,3500,2]"),
            (packed, "[7,3500,2,1,3600]"),
            (unknown, "[7,3500,2,0,0]"),
            (ShardInterval::default(), "[0,0,0]"),
        ] {
            assert_eq!(serde_json::to_string(&cell).unwrap(), json);
            assert_eq!(serde_json::from_str::<ShardInterval>(json).unwrap(), cell);
        }
    }

    #[test]
    fn the_form_with_names_and_a_longer_one_are_read() {
        let read = |json: &str| serde_json::from_str::<ShardInterval>(json);
        let named = read(r#"{"accepted":1,"bytes":2,"throttled":3,"more":[4]}"#).unwrap();
        assert_eq!(named, ShardInterval { accepted: 1, bytes: 2, throttled: 3, ..ShardInterval::default() });
        assert_eq!(read("[1,2,3,4,5,6]").unwrap().service_bytes, 5);
        for broken in ["[1,2]", "[]", "[1,2,-3]", "[1,2,\"3\"]", "7", "{\"accepted\":1}"] {
            assert!(read(broken).is_err(), "{broken}");
        }
    }
}
