//! The types that a TOML value can be read as.

use std::time::Duration;

use toml::de::DeValue;

use crate::scenario::Allowance;
use crate::units::{self, Bytes, Rate, Share, UnitError};

/// A type that a TOML value can be read as.
pub(in crate::scenario) trait FromToml: Sized {
    /// What is expected, with its article.
    const EXPECTED: &'static str;

    /// Reads `value`.
    fn from_toml(value: &DeValue<'_>) -> Result<Self, Mismatch>;
}

/// Why a value could not be read, and how to write it.
pub(in crate::scenario) struct Mismatch {
    pub(super) label: String,
    pub(super) help: String,
}

/// What kind of value this is, with its article.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

impl Mismatch {
    fn new(label: impl Into<String>, help: impl Into<String>) -> Self {
        Self { label: label.into(), help: help.into() }
    }
}

impl FromToml for String {
    const EXPECTED: &'static str = "text";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Mismatch> {
        match value {
            DeValue::String(text) => Ok(text.clone().into_owned()),
            other => Err(Mismatch::new(kind(other), "write it in quotes")),
        }
    }
}

impl FromToml for u64 {
    const EXPECTED: &'static str = "a whole number";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Mismatch> {
        whole_number(value)
    }
}

impl FromToml for u32 {
    const EXPECTED: &'static str = "a whole number";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Mismatch> {
        whole_number(value)
    }
}

impl FromToml for usize {
    const EXPECTED: &'static str = "a whole number";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Mismatch> {
        whole_number(value)
    }
}

impl FromToml for f64 {
    const EXPECTED: &'static str = "a number";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Mismatch> {
        const HELP: &str = "write a number without quotes, such as 1.5";
        let number = match value {
            DeValue::Float(number) => number.as_str().parse(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().parse(),
            other => return Err(Mismatch::new(kind(other), HELP)),
        };
        number.map_err(|_| Mismatch::new("not a number", HELP))
    }
}

impl FromToml for Rate {
    const EXPECTED: &'static str = "a rate";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Mismatch> {
        quantity(value, str::parse, |number| format!("{number}/s"))
    }
}

impl FromToml for Bytes {
    const EXPECTED: &'static str = "a size";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Mismatch> {
        quantity(value, str::parse, |number| format!("{number} B"))
    }
}

impl FromToml for Share {
    const EXPECTED: &'static str = "a share";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Mismatch> {
        // 0.25 is meant as a part of one, 25 as a part of a hundred.
        quantity(value, str::parse, |number| match number.parse::<f64>() {
            Ok(part) if number.contains('.') && part <= 1.0 => format!("{}%", part * 100.0),
            _ => format!("{number}%"),
        })
    }
}

impl FromToml for Allowance {
    const EXPECTED: &'static str = "a number of records, or a share of them";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Mismatch> {
        match value {
            DeValue::Integer(_) => whole_number(value).map(Self::Count),
            DeValue::String(text) if text.parse::<u64>().is_ok() => Ok(Self::Count(text.parse().unwrap_or(u64::MAX))),
            _ => Share::from_toml(value).map(Self::Share),
        }
    }
}

impl FromToml for Duration {
    const EXPECTED: &'static str = "a duration";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Mismatch> {
        let span = quantity(value, units::parse_duration, |number| format!("{number}s"))?;
        if span > LONGEST {
            return Err(Mismatch::new("more than 30 days", "write a duration of at most 30 days (\"720h\")"));
        }
        Ok(span)
    }
}

impl FromToml for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Mismatch> {
        match value {
            DeValue::Boolean(value) => Ok(*value),
            other => Err(Mismatch::new(kind(other), "write true or false, without quotes")),
        }
    }
}

impl<T: FromToml> FromToml for Vec<T> {
    const EXPECTED: &'static str = "a list";

    /// The first item that is wrong stands for the list.
    fn from_toml(value: &DeValue<'_>) -> Result<Self, Mismatch> {
        let DeValue::Array(items) = value else {
            return Err(Mismatch::new(kind(value), "write the items in brackets, with commas between them"));
        };
        let item = |(position, item): (usize, &toml::Spanned<DeValue<'_>>)| {
            T::from_toml(item.get_ref()).map_err(|mismatch| {
                let label = format!("item {} must be {}: {}", position + 1, T::EXPECTED, mismatch.label);
                Mismatch::new(label, mismatch.help)
            })
        };
        items.iter().enumerate().map(item).collect()
    }
}

impl FromToml for (Duration, Rate) {
    const EXPECTED: &'static str = "a time and a rate";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Mismatch> {
        match value {
            DeValue::Array(pair) if pair.len() == 2 => {
                Ok((Duration::from_toml(pair[0].get_ref())?, Rate::from_toml(pair[1].get_ref())?))
            }
            other => Err(Mismatch::new(kind(other), "write [\"6h\", \"100/s\"]")),
        }
    }
}

/// A longer time in a scenario is a slip of the pen.
pub(in crate::scenario) const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

fn whole_number<T: TryFrom<i128>>(value: &DeValue<'_>) -> Result<T, Mismatch> {
    const HELP: &str = "write a whole number without quotes, such as 4";
    let DeValue::Integer(number) = value else {
        return Err(Mismatch::new(kind(value), HELP));
    };
    let number = i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(i128::MAX);
    let label = if number < 0 { "negative" } else { "too large" };
    T::try_from(number).map_err(|_| Mismatch::new(label, HELP))
}

/// Reads a number with a unit. `write` puts a unit to a bare number, as a suggestion.
fn quantity<T>(
    value: &DeValue<'_>,
    parse: impl Fn(&str) -> Result<T, UnitError>,
    write: impl Fn(&str) -> String,
) -> Result<T, Mismatch> {
    let number = match value {
        DeValue::String(text) => return parse(text).map_err(|error| Mismatch::new(error.problem, error.help)),
        DeValue::Integer(number) => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        _ => "",
    };
    let suggestion = write(number);
    let help = match parse(&suggestion) {
        Ok(_) => format!("write \"{suggestion}\""),
        Err(error) => error.help.to_owned(),
    };
    let label = if number.is_empty() { kind(value) } else { "a number without a unit" };
    Err(Mismatch::new(label, help))
}

#[cfg(test)]
mod tests {
    use toml::de::DeValue;

    use super::*;

    fn read<T: FromToml>(text: &str) -> Result<T, Mismatch> {
        T::from_toml(DeValue::parse(text).unwrap().get_ref())
    }

    fn help_for<T: FromToml>(text: &str) -> String {
        read::<T>(text).err().unwrap().help
    }

    #[test]
    fn a_number_without_a_unit_is_suggested_with_one() {
        assert_eq!(help_for::<Rate>("3500"), "write \"3500/s\"");
        assert_eq!(help_for::<Rate>("2.5"), "write \"2.5/s\"");
        assert_eq!(help_for::<Bytes>("1_024"), "write \"1024 B\"");
        assert_eq!(help_for::<Duration>("20"), "write \"20s\"");
        assert_eq!(help_for::<Share>("0.25"), "write \"25%\"");
        assert_eq!(help_for::<Share>("25"), "write \"25%\"");
    }

    #[test]
    fn an_impossible_number_is_not_suggested() {
        assert!(help_for::<Rate>("-1").starts_with("write a rate with its unit"));
        assert!(help_for::<Rate>("nan").starts_with("write a rate with its unit"));
        assert!(help_for::<Bytes>("0.5").starts_with("write a size with its unit"));
        assert!(help_for::<Share>("[]").starts_with("write a share"));
        assert!(help_for::<Duration>("\"800h\"").contains("30 days"));
    }

    #[test]
    fn whole_numbers_are_read_in_every_notation() {
        for (text, expected) in [("255", 255), ("0xff", 255), ("1_000", 1_000), ("+7", 7)] {
            assert_eq!(read::<u32>(text).ok(), Some(expected), "{text}");
        }
        for text in ["-1", "4294967296", "99999999999999999999999999999999999999999", "1.0", "true"] {
            assert!(read::<u32>(text).is_err(), "{text}");
        }
    }
}
