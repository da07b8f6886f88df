//! What a stream costs (fact sheet, sections 5.1 to 5.5).

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::prices::{HOURS_PER_MONTH, Item, Price};

const GIB: f64 = (1u64 << 30) as f64;
const DAY: Duration = Duration::from_secs(86_400);
/// From here on, what is kept is long-term retention.
const EXTENDED_RETENTION: Duration = Duration::from_secs(7 * 86_400);
/// On-demand Advantage bills at least so many bytes a second in, and as many out: 25 MiB.
const ADVANTAGE_LEAST: f64 = (25u64 << 20) as f64;
/// A KCL worker renews each of its leases about so often, in seconds.
const LEASE_RENEWAL: f64 = 3.3;

/// What is billed of a stream, on average.
#[derive(Debug, Clone, PartialEq)]
pub struct Usage {
    /// Streams that share the load.
    pub streams: u32,
    /// Open shards of all of them.
    pub shards: u32,
    /// Records offered per second, before they are packed into Kinesis records.
    pub records: f64,
    /// PUT payload units per second.
    pub payload_units: f64,
    /// Bytes put per second.
    pub bytes: f64,
    /// The same with each Kinesis record rounded up to 1 KB, as on-demand streams bill it.
    pub rounded_bytes: f64,
    /// How long records are kept, a day at least.
    pub retention: Duration,
    /// Who reads.
    pub readers: Vec<Reader>,
    /// Shard-level metrics that are switched on.
    pub shard_level_metrics: u32,
}

/// Who reads all that is put.
#[derive(Debug, Clone, PartialEq)]
pub struct Reader {
    /// Its name.
    pub name: String,
    /// By enhanced fan-out.
    pub fan_out: bool,
    /// It keeps leases in a table, and notes there for each shard so often per second how far it has got.
    pub lease_checkpoints: Option<f64>,
    /// Invocations of AWS Lambda per second, over all shards.
    pub invocations: f64,
}

/// What is paid for by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tariff {
    /// Shard by shard.
    Provisioned,
    /// By the bytes, and the hours of each stream.
    OnDemandStandard,
    /// By the bytes, and at least 25 MiB/s of them in each direction, which all streams of the account share.
    OnDemandAdvantage,
}

impl Tariff {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Provisioned, Self::OnDemandStandard, Self::OnDemandAdvantage];

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provisioned => "provisioned",
            Self::OnDemandStandard => "on-demand Standard",
            Self::OnDemandAdvantage => "on-demand Advantage",
        }
    }
}

/// What a stream costs over some time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bill {
    /// What is paid for by.
    pub tariff: Tariff,
    /// Open shards.
    pub shards: u32,
    /// Each thing that is billed.
    pub lines: Vec<BillLine>,
    /// US dollars; `None` if the price of a line is not known.
    pub total: Option<f64>,
    /// US dollars for a million records; `None` if the price of a line is not known, or if there are no records.
    pub per_million_records: Option<f64>,
}

/// A line of a bill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BillLine {
    /// What is billed.
    pub what: String,
    /// Which price it has.
    pub item: Item,
    /// How much of it, in [`Item::unit`].
    pub quantity: f64,
    /// US dollars for one; `None` if it is not known.
    pub price: Option<f64>,
    /// US dollars for all.
    pub amount: Option<f64>,
    /// Where the price comes from.
    pub source: Option<String>,
}

/// What `usage` costs in so many hours, at the prices of a region.
pub fn bill(tariff: Tariff, usage: &Usage, prices: &BTreeMap<Item, Price>, hours: f64) -> Bill {
    let mut lines = match tariff {
        Tariff::Provisioned => provisioned(usage, hours),
        Tariff::OnDemandStandard => on_demand(usage, hours),
        Tariff::OnDemandAdvantage => advantage(usage, hours),
    };
    lines.extend(neighbours(usage, hours));
    let priced = |(what, item, quantity): (String, Item, f64)| {
        let price = prices.get(&item);
        BillLine {
            what,
            item,
            quantity,
            price: price.map(|price| price.usd),
            amount: price.map(|price| price.usd * quantity),
            source: price.map(|price| price.source.clone()),
        }
    };
    let lines: Vec<BillLine> = lines.into_iter().filter(|(.., quantity)| *quantity > 0.0).map(priced).collect();
    let total = lines.iter().map(|line| line.amount).sum::<Option<f64>>();
    let millions = usage.records * hours * 3_600.0 / 1e6;
    let per_million_records = total.filter(|_| millions > 0.0).map(|total| total / millions);
    Bill { tariff, shards: usage.shards, lines, total, per_million_records }
}

type Line = (String, Item, f64);

/// Shard-hours and PUT payload units; reading by polling is free within seven days.
fn provisioned(usage: &Usage, hours: f64) -> Vec<Line> {
    let shard_hours = f64::from(usage.shards) * hours;
    let mut lines = vec![
        (format!("{} shard(s)", usage.shards), Item::ShardHour, shard_hours),
        ("PUT payload units".to_owned(), Item::PutPayloadUnits, usage.payload_units * hours * 3_600.0 / 1e6),
    ];
    if usage.retention > DAY {
        lines.push(("retention of up to 7 days".to_owned(), Item::ExtendedRetentionShardHour, shard_hours));
        let kept = kept(usage.bytes, usage.retention, EXTENDED_RETENTION);
        lines.push(("retention beyond 7 days".to_owned(), Item::LongTermRetention, kept * hours / HOURS_PER_MONTH));
    }
    for reader in usage.readers.iter().filter(|reader| reader.fan_out) {
        let name = &reader.name;
        lines.push((format!("fan-out to {name}, its shards"), Item::FanOutConsumerShardHour, shard_hours));
        lines.push((format!("fan-out to {name}, its bytes"), Item::FanOut, gib(usage.bytes, hours)));
    }
    lines
}

fn on_demand(usage: &Usage, hours: f64) -> Vec<Line> {
    let mut lines = vec![
        (format!("{} stream(s)", usage.streams), Item::OnDemandStreamHour, f64::from(usage.streams) * hours),
        ("bytes in, each record rounded up to 1 KB".to_owned(), Item::OnDemandIn, gib(usage.rounded_bytes, hours)),
    ];
    for reader in &usage.readers {
        let item = if reader.fan_out { Item::OnDemandFanOut } else { Item::OnDemandOut };
        lines.push((format!("bytes out to {}", reader.name), item, gib(usage.bytes, hours)));
    }
    let months = hours / HOURS_PER_MONTH;
    let extended = kept(usage.rounded_bytes, usage.retention.min(EXTENDED_RETENTION), DAY);
    lines.push(("retention of up to 7 days".to_owned(), Item::OnDemandExtendedRetention, extended * months));
    let long = kept(usage.rounded_bytes, usage.retention, EXTENDED_RETENTION);
    lines.push(("retention beyond 7 days".to_owned(), Item::OnDemandLongTermRetention, long * months));
    lines
}

/// Bytes in and out, and no stream-hours; that records are rounded up here too is taken over from Standard (I).
fn advantage(usage: &Usage, hours: f64) -> Vec<Line> {
    let out = usage.bytes * usage.readers.len() as f64;
    let line = |what: &str, item, bytes: f64| {
        let least = if bytes < ADVANTAGE_LEAST { " (at least 25 MiB/s, over all streams of the account)" } else { "" };
        (format!("{what}{least}"), item, gib(bytes.max(ADVANTAGE_LEAST), hours))
    };
    let kept = kept(usage.rounded_bytes, usage.retention, DAY);
    vec![
        line("bytes in", Item::AdvantageIn, usage.rounded_bytes),
        line("bytes out", Item::AdvantageOut, out),
        ("retention beyond a day".to_owned(), Item::AdvantageRetention, kept * hours / HOURS_PER_MONTH),
    ]
}

/// What stands beside the stream: lease tables, invocations and metrics.
fn neighbours(usage: &Usage, hours: f64) -> Vec<Line> {
    let seconds = hours * 3_600.0;
    let shards = f64::from(usage.shards);
    let mut lines = Vec::new();
    for reader in &usage.readers {
        if let Some(checkpoints) = reader.lease_checkpoints {
            let writes = shards * (1.0 / LEASE_RENEWAL + checkpoints) * seconds / 1e6;
            lines.push((format!("lease table of {}", reader.name), Item::DynamodbWrites, writes));
        }
        let requests = reader.invocations * seconds / 1e6;
        lines.push((format!("invocations of {}, without their duration", reader.name), Item::LambdaRequests, requests));
    }
    let metrics = f64::from(usage.shard_level_metrics) * shards * hours / HOURS_PER_MONTH;
    lines.push(("shard-level metrics".to_owned(), Item::MetricMonth, metrics));
    lines
}

/// GiB of so many bytes per second in so many hours.
fn gib(bytes: f64, hours: f64) -> f64 {
    bytes * hours * 3_600.0 / GIB
}

/// GiB that lie there at any moment and are older than `free`.
fn kept(bytes: f64, retention: Duration, free: Duration) -> f64 {
    bytes * retention.saturating_sub(free).as_secs_f64() / GIB
}

#[cfg(test)]
#[path = "cost_tests.rs"]
mod tests;
