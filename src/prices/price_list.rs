//! The AWS price list, offer `AmazonKinesis`, as a price table.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Currency, Item, Price, Prices};

/// What is read of the file: products by SKU, and for each the terms of paying as one goes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PriceList {
    offer_code: String,
    version: String,
    publication_date: String,
    products: BTreeMap<String, Product>,
    terms: Terms,
}

#[derive(Deserialize)]
struct Product {
    attributes: Attributes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attributes {
    #[serde(default)]
    region_code: String,
    #[serde(default)]
    usagetype: String,
}

#[derive(Deserialize)]
struct Terms {
    #[serde(rename = "OnDemand", default)]
    on_demand: BTreeMap<String, BTreeMap<String, Term>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Term {
    price_dimensions: BTreeMap<String, PriceDimension>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PriceDimension {
    #[serde(default)]
    begin_range: String,
    #[serde(default)]
    unit: String,
    price_per_unit: BTreeMap<String, String>,
}

/// The file is no price list of Kinesis.
#[derive(Debug, thiserror::Error)]
pub enum PriceListError {
    /// It is no JSON, or not of the documented form.
    #[error("the file is no AWS price list: {0}; get it from the price list API, offer AmazonKinesis")]
    Json(#[from] serde_json::Error),
    /// It is about something else.
    #[error("the price list is that of `{0}`; get the one of the offer AmazonKinesis")]
    OtherOffer(String),
    /// No product in it is one that is known.
    #[error(
        "the price list has no price of Kinesis Data Streams that is known here; get the offer AmazonKinesis, whole"
    )]
    Empty,
    /// A price is for something else than is billed here.
    #[error(
        "the price of {usage_type} is for each `{unit}`, not for {expected}: put it into a table for --prices by hand"
    )]
    Unit {
        /// Its usage type.
        usage_type: String,
        /// What is there.
        unit: String,
        /// What it has to be for.
        expected: &'static str,
    },
    /// A price is no number.
    #[error("the price of {usage_type} is `{price}`, which is no number; get the price list anew")]
    Price {
        /// Its usage type.
        usage_type: String,
        /// What is there.
        price: String,
    },
}

/// Makes a price table of the JSON of an AWS price list, offer `AmazonKinesis`, of one region or of all.
///
/// Of prices in steps, it takes the first step. Usage types that are not known here are left out.
///
/// # Errors
/// The file is no price list of Kinesis.
pub fn from_price_list(json: &str) -> Result<Prices, PriceListError> {
    let list: PriceList = serde_json::from_str(json)?;
    if list.offer_code != "AmazonKinesis" {
        return Err(PriceListError::OtherOffer(list.offer_code));
    }
    let mut regions: BTreeMap<String, BTreeMap<Item, Price>> = BTreeMap::new();
    for (sku, Product { attributes }) in &list.products {
        let Some((item, units)) = item(&attributes.usagetype) else { continue };
        let terms = list.terms.on_demand.get(sku).into_iter().flat_map(BTreeMap::values);
        let mut dimensions = terms.flat_map(|term| term.price_dimensions.values());
        let first_step = |dimension: &&PriceDimension| matches!(dimension.begin_range.as_str(), "0" | "");
        let Some(dimension) = dimensions.find(first_step) else { continue };
        if let Some(expected) = other_unit(item, &dimension.unit) {
            let (usage_type, unit) = (attributes.usagetype.clone(), dimension.unit.clone());
            return Err(PriceListError::Unit { usage_type, unit, expected });
        }
        let price = dimension.price_per_unit.get("USD");
        let Some(price) = price.filter(|_| !attributes.region_code.is_empty()) else { continue };
        let usd = price.parse::<f64>().ok().filter(|usd| usd.is_finite() && *usd >= 0.0);
        let usd = usd
            .ok_or_else(|| PriceListError::Price { usage_type: attributes.usagetype.clone(), price: price.clone() })?;
        let source = format!("AWS price list, offer AmazonKinesis, version {}", list.version);
        // Of a millionth of a cent, the product has digits that the price has not.
        let usd = (usd * units * 1e9).round() / 1e9;
        regions.entry(attributes.region_code.clone()).or_default().insert(item, Price { usd, source });
    }
    if regions.is_empty() {
        return Err(PriceListError::Empty);
    }
    let date: String = list.publication_date.chars().take("2026-11-23".len()).collect();
    Ok(Prices { name: format!("aws-price-list-{date}"), date, currency: Currency::UsDollar, regions })
}

/// The item of a usage type, which has a prefix in most regions (`EUC1-Storage-ShardHour`), and its units.
fn item(usage_type: &str) -> Option<(Item, f64)> {
    let found = Item::ALL.into_iter().filter_map(|item| Some((item, item.usage_type()?)));
    let fits = |(_, (end, _)): &(Item, (&str, f64))| {
        let before = usage_type.strip_suffix(end);
        before.is_some_and(|before| before.is_empty() || before.ends_with('-'))
    };
    // `OnDemand-LongTermRetention-ByteHrs` ends with the usage type of provisioned streams, too.
    let longest = found.filter(fits).max_by_key(|(_, (end, _))| end.len());
    longest.map(|(item, (_, units))| (item, units))
}

/// What the price of an item has to be for, if its unit says that it is for something else. How units are spelt is not documented: what counts is
/// whether they are of time, of bytes, of bytes over time, or of requests.
fn other_unit(item: Item, unit: &str) -> Option<&'static str> {
    let lower = unit.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let (time, gigabytes, bytes) = (has(&["hour", "hrs"]), has(&["gb", "gib", "gigabyte"]), has(&["byte"]));
    let (fits, expected) = match item.unit() {
        "GiB" => (gigabytes && !time && !has(&["mo"]), "a GB"),
        "GiB-months" => (gigabytes && !time && has(&["mo"]), "a GB over a month"),
        unit if unit.ends_with("hours") => (time && !gigabytes && !bytes, "an hour"),
        _ => (!time && !gigabytes && !bytes, "a request"),
    };
    (!fits && !unit.is_empty()).then_some(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../tests/data/price-list.json");

    #[test]
    fn a_price_list_becomes_a_table() {
        let prices = from_price_list(SAMPLE).unwrap();
        assert_eq!((prices.name.as_str(), prices.date.as_str()), ("aws-price-list-2026-07-10", "2026-07-10"));
        let usd = |region: &str, item| prices.price(region, item).map(|price| price.usd);
        assert_eq!(usd("eu-central-1", Item::ShardHour), Some(0.018));
        assert_eq!(usd("eu-central-1", Item::PutPayloadUnits), Some(0.0175));
        assert_eq!(usd("eu-central-1", Item::OnDemandLongTermRetention), Some(0.024));
        assert_eq!(usd("eu-central-1", Item::LongTermRetention), Some(0.025));
        assert_eq!(usd("eu-central-1", Item::AdvantageOut), Some(0.019));
        assert_eq!(usd("us-east-1", Item::FanOut), Some(0.013));
        assert_eq!(usd("us-east-1", Item::OnDemandOut), None);
        assert_eq!(usd("ap-northeast-1", Item::ShardHour), Some(0.0195));
        assert_eq!(prices.regions.keys().collect::<Vec<_>>(), ["ap-northeast-1", "eu-central-1", "us-east-1"]);
        let source = &prices.price("us-east-1", Item::FanOut).unwrap().source;
        assert_eq!(source, "AWS price list, offer AmazonKinesis, version 20260710120000");
        assert_eq!(Prices::parse(&prices.to_toml().unwrap()).unwrap(), prices);
    }

    #[test]
    fn every_usage_type_is_told_from_those_that_end_alike() {
        let prices = from_price_list(SAMPLE).unwrap();
        let expected = [
            (Item::ShardHour, 0.018),
            (Item::PutPayloadUnits, 0.017_5),
            (Item::ExtendedRetentionShardHour, 0.024),
            (Item::LongTermRetention, 0.025),
            (Item::LongTermRetrieval, 0.023),
            (Item::FanOutConsumerShardHour, 0.017),
            (Item::FanOut, 0.015),
            (Item::OnDemandStreamHour, 0.048),
            (Item::OnDemandIn, 0.095),
            (Item::OnDemandOut, 0.047),
            (Item::OnDemandFanOut, 0.059),
            (Item::OnDemandExtendedRetention, 0.119),
            (Item::OnDemandLongTermRetention, 0.024),
            (Item::AdvantageIn, 0.038),
            (Item::AdvantageOut, 0.019),
        ];
        let known = Item::ALL.into_iter().filter(|item| item.usage_type().is_some());
        assert_eq!(known.collect::<Vec<_>>(), expected.map(|(item, _)| item), "each has a price in the sample");
        for (item, usd) in expected {
            assert_eq!(prices.price("eu-central-1", item).map(|price| price.usd), Some(usd), "{item:?}");
        }
        assert_eq!(prices.regions["eu-central-1"].len(), expected.len());
    }

    #[test]
    fn of_steps_the_first_counts_and_what_is_unknown_is_left_out() {
        let prices = from_price_list(SAMPLE).unwrap();
        // In the file, the step that begins at 0 is not the first.
        assert_eq!(prices.price("us-east-1", Item::OnDemandIn).map(|price| price.usd), Some(0.08));
        assert_eq!(prices.regions["us-east-1"].len(), 3, "queues and channels are not known here");
        let renamed = SAMPLE.replace("EUC1-Storage-ShardHour", "EUC1-Storage-ShardHourPlus");
        assert_eq!(from_price_list(&renamed).unwrap().price("eu-central-1", Item::ShardHour), None);
        let no_dollars = SAMPLE.replace("\"USD\": \"0.0195000000\"", "\"CNY\": \"0.1400000000\"");
        assert_eq!(from_price_list(&no_dollars).unwrap().price("ap-northeast-1", Item::ShardHour), None);
    }

    #[test]
    fn a_price_for_another_unit_is_refused_and_not_misread() {
        let error = |from: &str, to: &str| {
            let changed = SAMPLE.replace(&format!("\"unit\": \"{from}\""), &format!("\"unit\": \"{to}\""));
            assert_ne!(changed, SAMPLE);
            from_price_list(&changed).unwrap_err().to_string()
        };
        assert!(error("GB-Mo", "Byte-Hrs").contains("is for each `Byte-Hrs`, not for a GB over a month"));
        assert!(error("GB", "Bytes").contains("not for a GB"));
        assert!(error("ShardHour", "GB").contains("not for an hour"));
        assert!(error("PutRequest", "GB").contains("PutRequestPayloadUnits is for each `GB`, not for a request"));
        let other_words = SAMPLE.replace("\"ShardHour\"", "\"Hrs\"").replace("\"PutRequest\"", "\"Requests\"");
        assert_eq!(from_price_list(&other_words).unwrap(), from_price_list(SAMPLE).unwrap());
    }

    #[test]
    fn what_is_no_price_list_of_kinesis_is_refused() {
        let error = |json: &str| from_price_list(json).unwrap_err().to_string();
        assert!(error("{}").contains("no AWS price list"));
        assert!(error(&SAMPLE.replace("AmazonKinesis", "AmazonEC2")).contains("AmazonEC2"));
        assert!(error(&SAMPLE.replace("0.0180000000", "free")).contains("Storage-ShardHour is `free`"));
        let empty = r#"{"offerCode":"AmazonKinesis","version":"1","publicationDate":"x","products":{},"terms":{}}"#;
        assert!(error(empty).contains("no price"));
    }
}
