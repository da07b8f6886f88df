//! `streamgauge prices`: what is known of prices, and how to know more.

use std::path::Path;

use super::{Exit, fail, print};
use crate::cli::{PricesFrom, ScenarioArgs};
use crate::prices::{Prices, from_price_list};

/// Prints a price table as TOML: that of a price list of AWS, or the compiled-in one.
pub fn prices(arguments: &PricesFrom) -> Exit {
    let prices = match &arguments.price_list {
        None => Ok(Prices::newest()),
        Some(path) => read(path).and_then(|json| {
            from_price_list(&json).map_err(|error| {
                fail(&format!("`{}`: {error}", path.display()));
                Exit::BadInput
            })
        }),
    };
    let printed = prices.and_then(|prices| match prices.to_toml() {
        Ok(toml) => print(&toml),
        Err(error) => {
            fail(&format!("the prices cannot be written as TOML: {error}; please report it with the price list"));
            Err(Exit::NotWritten)
        }
    });
    printed.err().unwrap_or(Exit::Met)
}

/// The prices to reckon with; prints what is wrong with a file of them to stderr.
pub(super) fn known_prices(arguments: &ScenarioArgs) -> Result<Prices, Exit> {
    prices_with(arguments.prices.as_deref())
}

/// The same, with the file by itself.
pub(super) fn prices_with(file: Option<&Path>) -> Result<Prices, Exit> {
    let Some(path) = file else { return Ok(Prices::newest()) };
    let prices = Prices::parse(&read(path)?).map_err(|error| {
        fail(&format!(
            "the price table `{}` cannot be used: {error}; `streamgauge prices` prints one that can",
            path.display()
        ));
        Exit::BadInput
    })?;
    Ok(Prices::newest().overridden_by(prices))
}

fn read(path: &Path) -> Result<String, Exit> {
    std::fs::read_to_string(path).map_err(|error| {
        fail(&format!("cannot read the prices `{}`: {error}; name a file that can be read", path.display()));
        Exit::BadInput
    })
}
