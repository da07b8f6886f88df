//! What a scenario sets, key by key, so that two of them can be compared.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::diagnostics::Sources;
use super::overrides::{self, element_name};
use super::reader::Problems;

/// Every value that the TOML text `source` sets, with `overrides` on top of it, by its path: `load.rate`, or `consumer.alerts.type`
/// in arrays of tables whose elements have names. What is no TOML sets nothing.
pub fn settings(source: &str, overrides: &[String]) -> BTreeMap<String, String> {
    let (tree, _) = DeTable::parse_recoverable(source);
    let mut tree = tree.into_inner();
    let mut sources = Sources::new(String::new(), source.to_owned());
    overrides::apply(&mut tree, overrides, &mut sources, &Problems::default());
    let mut settings = BTreeMap::new();
    collect("", &tree, &mut settings);
    settings
}

fn collect(prefix: &str, table: &DeTable<'_>, settings: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        collect_value(&format!("{prefix}{}", key.get_ref()), value.get_ref(), settings);
    }
}

fn collect_value(path: &str, value: &DeValue<'_>, settings: &mut BTreeMap<String, String>) {
    match value {
        DeValue::Table(table) => collect(&format!("{path}."), table, settings),
        DeValue::Array(array) if array.iter().any(|element| matches!(element.get_ref(), DeValue::Table(_))) => {
            for (number, element) in array.iter().enumerate() {
                let name = element_name(element).map_or_else(|| number.to_string(), str::to_owned);
                collect_value(&format!("{path}.{name}"), element.get_ref(), settings);
                // It is in the path.
                if element_name(element).is_some() {
                    settings.remove(&format!("{path}.{name}.name"));
                }
            }
        }
        value => {
            settings.insert(path.to_owned(), words(value));
        }
    }
}

/// A value as it is written, without quotes.
fn words(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(yes) => yes.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        DeValue::Array(array) => {
            let elements: Vec<String> = array.iter().map(|element| words(element.get_ref())).collect();
            format!("[{}]", elements.join(", "))
        }
        DeValue::Table(table) => {
            let entries = table.iter().map(|(key, value)| format!("{} = {}", key.get_ref(), words(value.get_ref())));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_a_path_and_overrides_count() {
        let source = "seed = 7\n[load]\nrate = \"5/s\"\npoints = [[\"1h\", \"2/s\"], []]\nof = { a = 1.5, b = true }\n\
                      [[consumer]]\nname = \"alerts\"\ntype = \"efo\"\n[[phase]]\nshape = \"ramp\"\n";
        let settings =
            settings(source, &["load.rate=9/s".to_owned(), "consumer.alerts.type=polling".to_owned(), "x".to_owned()]);
        let listed: Vec<String> = settings.iter().map(|(path, value)| format!("{path}={value}")).collect();
        assert_eq!(
            listed,
            [
                "consumer.alerts.type=polling",
                "load.of.a=1.5",
                "load.of.b=true",
                "load.points=[[1h, 2/s], []]",
                "load.rate=9/s",
                "phase.0.shape=ramp",
                "seed=7"
            ]
        );
    }
}
