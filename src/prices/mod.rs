//! What AWS asks for Kinesis Data Streams and for what stands beside it: a dated table with the source of each price.

mod price_list;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use price_list::{PriceListError, from_price_list};

/// Hours of a month, as AWS's calculator has them.
pub const HOURS_PER_MONTH: f64 = 730.0;

/// Prices by region. What is not in it is not known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Its name, such as `aws-prices-2026-11`.
    pub name: String,
    /// The day of its newest price, such as `2026-11-23`.
    pub date: String,
    /// Always `USD`: another currency would need other fields.
    pub currency: Currency,
    /// The prices of each region, such as `us-east-1`.
    pub regions: BTreeMap<String, BTreeMap<Item, Price>>,
}

/// The currency of a price table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Currency {
    /// US dollars.
    #[serde(rename = "USD")]
    UsDollar,
}

/// A price and where it was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// US dollars for one of [`Item::unit`].
    pub usd: f64,
    /// Where it comes from, and how sure it is.
    pub source: String,
}

/// What is billed (fact sheet, sections 5.1 and 5.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// An open shard of a provisioned stream.
    ShardHour,
    /// Slices of 25 KB of records put.
    PutPayloadUnits,
    /// A shard whose records are kept for more than a day.
    ExtendedRetentionShardHour,
    /// What a provisioned stream keeps for more than seven days.
    LongTermRetention,
    /// What is read of that.
    LongTermRetrieval,
    /// A shard that an enhanced fan-out consumer is registered for.
    FanOutConsumerShardHour,
    /// What a provisioned stream pushes to enhanced fan-out consumers.
    FanOut,
    /// An on-demand stream.
    OnDemandStreamHour,
    /// What is put on on-demand streams.
    OnDemandIn,
    /// What is read of them.
    OnDemandOut,
    /// What they push to enhanced fan-out consumers.
    OnDemandFanOut,
    /// What they keep for more than a day and up to seven.
    OnDemandExtendedRetention,
    /// What they keep for more than seven days.
    OnDemandLongTermRetention,
    /// What is put under On-demand Advantage.
    AdvantageIn,
    /// What is read under it, in either way.
    AdvantageOut,
    /// What is kept under it for more than a day.
    AdvantageRetention,
    /// Writes to the lease table of a KCL application.
    DynamodbWrites,
    /// Invocations of AWS Lambda.
    LambdaRequests,
    /// A custom metric of CloudWatch.
    MetricMonth,
}

impl Item {
    /// Every item.
    pub const ALL: [Self; 19] = [
        Self::ShardHour,
        Self::PutPayloadUnits,
        Self::ExtendedRetentionShardHour,
        Self::LongTermRetention,
        Self::LongTermRetrieval,
        Self::FanOutConsumerShardHour,
        Self::FanOut,
        Self::OnDemandStreamHour,
        Self::OnDemandIn,
        Self::OnDemandOut,
        Self::OnDemandFanOut,
        Self::OnDemandExtendedRetention,
        Self::OnDemandLongTermRetention,
        Self::AdvantageIn,
        Self::AdvantageOut,
        Self::AdvantageRetention,
        Self::DynamodbWrites,
        Self::LambdaRequests,
        Self::MetricMonth,
    ];

    /// What its price is for. A GiB is 2^30 bytes: AWS writes GB, and its published totals fit GiB best (fact sheet, section 5.4).
    pub const fn unit(self) -> &'static str {
        match self {
            Self::ShardHour | Self::ExtendedRetentionShardHour => "shard-hours",
            Self::PutPayloadUnits => "million units",
            Self::FanOutConsumerShardHour => "consumer-shard-hours",
            Self::OnDemandStreamHour => "stream-hours",
            Self::LongTermRetrieval
            | Self::FanOut
            | Self::OnDemandIn
            | Self::OnDemandOut
            | Self::OnDemandFanOut
            | Self::AdvantageIn
            | Self::AdvantageOut => "GiB",
            Self::LongTermRetention
            | Self::OnDemandExtendedRetention
            | Self::OnDemandLongTermRetention
            | Self::AdvantageRetention => "GiB-months",
            Self::DynamodbWrites => "million writes",
            Self::LambdaRequests => "million requests",
            Self::MetricMonth => "metric-months",
        }
    }

    /// The end of its usage type in the AWS price list of Kinesis, and how many of the list's units are one of ours; `None` where
    /// it is not known, or other services bill.
    pub const fn usage_type(self) -> Option<(&'static str, f64)> {
        Some(match self {
            Self::ShardHour => ("Storage-ShardHour", 1.0),
            Self::PutPayloadUnits => ("PutRequestPayloadUnits", 1e6),
            Self::ExtendedRetentionShardHour => ("Extended-ShardHour", 1.0),
            Self::LongTermRetention => ("LongTermRetention-ByteHrs", 1.0),
            Self::LongTermRetrieval => ("LongTermRetention-ReadBytes", 1.0),
            Self::FanOutConsumerShardHour => ("EnhancedFanoutHour", 1.0),
            Self::FanOut => ("ReadBytes", 1.0),
            Self::OnDemandStreamHour => ("OnDemand-StreamHour", 1.0),
            Self::OnDemandIn => ("OnDemand-BilledIncomingBytes", 1.0),
            Self::OnDemandOut => ("OnDemand-BilledOutgoingBytes", 1.0),
            Self::OnDemandFanOut => ("OnDemand-BilledOutgoingEFOBytes", 1.0),
            Self::OnDemandExtendedRetention => ("OnDemand-ExtendedRetention-ByteHrs", 1.0),
            Self::OnDemandLongTermRetention => ("OnDemand-LongTermRetention-ByteHrs", 1.0),
            Self::AdvantageIn => ("Advantage-BilledIncomingBytes", 1.0),
            Self::AdvantageOut => ("Advantage-BilledOutgoingBytes", 1.0),
            // That of retention under Advantage is not known.
            Self::AdvantageRetention | Self::DynamodbWrites | Self::LambdaRequests | Self::MetricMonth => return None,
        })
    }
}

/// The text is no price table.
#[derive(Debug, thiserror::Error)]
pub enum PricesError {
    /// It is no TOML, or a field is missing, unknown or of the wrong type.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// A price is negative, or no number.
    #[error("the price of `{item}` in {region} is {usd}; write US dollars, zero or more")]
    Price {
        /// The region.
        region: String,
        /// The item as it is written.
        item: String,
        /// What is there.
        usd: f64,
    },
}

impl Prices {
    /// The newest table that is compiled in.
    ///
    /// # Panics
    /// Never: a test reads the compiled-in text.
    #[allow(clippy::expect_used, reason = "the text is compiled in and a test reads it")]
    pub fn newest() -> Self {
        Self::parse(include_str!("../../profiles/prices-2026-11.toml")).expect("the compiled-in prices are valid")
    }

    /// Reads a table from TOML.
    ///
    /// # Errors
    /// The text is no price table.
    pub fn parse(text: &str) -> Result<Self, PricesError> {
        let prices: Self = toml::from_str(text)?;
        for (region, items) in &prices.regions {
            if let Some((item, price)) = items.iter().find(|(_, price)| !price.usd.is_finite() || price.usd < 0.0) {
                let item = toml::Value::try_from(item).ok().and_then(|name| name.as_str().map(str::to_owned));
                return Err(PricesError::Price {
                    region: region.clone(),
                    item: item.unwrap_or_default(),
                    usd: price.usd,
                });
            }
        }
        Ok(prices)
    }

    /// The same table in TOML.
    ///
    /// # Errors
    /// Never for a table that was read or made here.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }

    /// What an item costs in a region, if it is known.
    pub fn price(&self, region: &str, item: Item) -> Option<&Price> {
        self.regions.get(region)?.get(&item)
    }

    /// The prices of `newer` in place of those that both have.
    pub fn overridden_by(mut self, newer: Self) -> Self {
        for (region, items) in newer.regions {
            self.regions.entry(region).or_default().extend(items);
        }
        Self { name: format!("{} over {}", newer.name, self.name), date: newer.date, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_in_prices_are_those_of_the_fact_sheet() {
        let prices = Prices::newest();
        let usd = |region, item| prices.price(region, item).map(|price| price.usd);
        assert_eq!(usd("us-east-1", Item::ShardHour), Some(0.015));
        assert_eq!(usd("us-east-1", Item::PutPayloadUnits), Some(0.014));
        assert_eq!(usd("eu-central-1", Item::ShardHour), Some(0.018));
        // Never guessed.
        assert_eq!(usd("eu-central-1", Item::OnDemandIn), None);
        assert_eq!(usd("ap-northeast-1", Item::PutPayloadUnits), None);
        assert_eq!(usd("mars-north-1", Item::ShardHour), None);
        assert!(Item::ALL.iter().all(|item| usd("us-east-1", *item).is_some()));
        assert!(prices.regions.values().flat_map(BTreeMap::values).all(|price| !price.source.is_empty()));
    }

    #[test]
    fn a_table_survives_being_written() {
        let prices = Prices::newest();
        assert_eq!(Prices::parse(&prices.to_toml().unwrap()).unwrap(), prices);
    }

    #[test]
    fn what_is_no_price_is_refused() {
        let table = |price: &str| {
            let text = format!(
                "name = \"x\"\ndate = \"2026-01-01\"\ncurrency = \"USD\"\n[regions.r]\nshard_hour = {{ usd = {price}, source = \"s\" }}"
            );
            Prices::parse(&text)
        };
        assert!(table("0.5").is_ok());
        for wrong in ["-1.0", "nan", "inf"] {
            let error = table(wrong).unwrap_err().to_string();
            assert!(error.contains("`shard_hour` in r"), "{error}");
        }
        assert!(table("\"much\"").is_err());
        assert!(Prices::parse("name = \"x\"\ndate = \"2026-01-01\"\ncurrency = \"EUR\"\nregions = {}").is_err());
    }

    #[test]
    fn newer_prices_take_the_place_of_older_ones() {
        let newer = "name = \"mine\"\ndate = \"2027-01-01\"\ncurrency = \"USD\"\n[regions.us-east-1]\n\
                     shard_hour = { usd = 0.02, source = \"my contract\" }";
        let prices = Prices::newest().overridden_by(Prices::parse(newer).unwrap());
        assert_eq!(prices.price("us-east-1", Item::ShardHour).unwrap().usd, 0.02);
        assert_eq!(prices.price("us-east-1", Item::PutPayloadUnits).unwrap().usd, 0.014);
        assert_eq!((prices.name.as_str(), prices.date.as_str()), ("mine over aws-prices-2026-11", "2027-01-01"));
    }
}
