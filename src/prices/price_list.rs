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
        let price = dimensions.find(first_step).and_then(|dimension| dimension.price_per_unit.get("USD"));
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
        assert_eq!(usd("us-east-1", Item::OnDemandIn), None);
        let source = &prices.price("us-east-1", Item::FanOut).unwrap().source;
        assert_eq!(source, "AWS price list, offer AmazonKinesis, version 20260710120000");
        assert_eq!(Prices::parse(&prices.to_toml().unwrap()).unwrap(), prices);
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
