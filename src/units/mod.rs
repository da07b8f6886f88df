//! Bytes, rates and shares: how they are written in a scenario and shown in a report.

mod quantity;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use quantity::{Quantity, Unit};

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Bytes(pub u64);

/// Records (or calls) per second.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Rate(pub f64);

/// A part of a whole, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Share(pub f64);

/// Why a quantity could not be read, with how to write it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct UnitError {
    /// What is wrong with the text.
    pub problem: String,
    /// How to write it.
    pub help: &'static str,
}

const BYTES_HELP: &str = "write a size with its unit, such as \"1 KiB\", \"200 B\" or \"1.5 MiB\"";
const RATE_HELP: &str = "write a rate with its unit, such as \"3500/s\", \"60/min\" or \"2.5/s\"";
const SHARE_HELP: &str = "write a share as a percentage, such as \"0.1%\"";
const DURATION_HELP: &str = "write a duration with its unit, such as \"30s\", \"250ms\" or \"1m 30s\"";

impl FromStr for Bytes {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = split_number(text, BYTES_HELP)?;
        let factor = match unit {
            "B" => 1.0,
            "KiB" => 1024.0,
            "MiB" => 1024.0 * 1024.0,
            "GiB" => 1024.0 * 1024.0 * 1024.0,
            "" => return Err(UnitError::new(format!("`{text}` has no unit"), BYTES_HELP)),
            "KB" | "kB" | "MB" | "GB" => {
                return Err(UnitError::new(
                    format!("`{unit}` is ambiguous: AWS uses it for powers of 1,000 and of 1,024"),
                    "write \"KiB\", \"MiB\" or \"GiB\" (powers of 1,024), or the exact number with \"B\"",
                ));
            }
            _ => return Err(UnitError::new(format!("`{unit}` is no unit of size"), BYTES_HELP)),
        };
        let bytes = number * factor;
        if bytes.fract() != 0.0 || bytes > 2f64.powi(53) {
            return Err(UnitError::new(format!("`{text}` is not a whole number of bytes"), BYTES_HELP));
        }
        Ok(Self(bytes as u64))
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = split_number(text, RATE_HELP)?;
        let seconds = match unit {
            "/s" => 1.0,
            "/min" => 60.0,
            "/h" => 3600.0,
            "" => return Err(UnitError::new(format!("`{text}` does not say per what"), RATE_HELP)),
            _ => return Err(UnitError::new(format!("`{unit}` is no unit of rate"), RATE_HELP)),
        };
        Ok(Self(number / seconds))
    }
}

impl FromStr for Share {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = split_number(text, SHARE_HELP)?;
        if unit != "%" {
            return Err(UnitError::new(format!("`{text}` is not a percentage"), SHARE_HELP));
        }
        if number > 100.0 {
            return Err(UnitError::new(format!("`{text}` is more than the whole"), SHARE_HELP));
        }
        Ok(Self(number / 100.0))
    }
}

impl UnitError {
    fn new(problem: String, help: &'static str) -> Self {
        Self { problem, help }
    }
}

/// Reads a duration such as `"30s"`, `"250ms"` or `"1m 30s"`.
///
/// # Errors
/// A text that is no duration, or a negative one.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    if text.trim().parse::<f64>().is_ok() {
        return Err(UnitError::new(format!("`{text}` has no unit"), DURATION_HELP));
    }
    let signed: jiff::SignedDuration =
        text.trim().parse().map_err(|_| UnitError::new(format!("`{text}` is not a duration"), DURATION_HELP))?;
    Duration::try_from(signed).map_err(|_| UnitError::new(format!("`{text}` is negative"), DURATION_HELP))
}

/// Splits `"1.5 MiB"` into 1.5 and `MiB`. Underscores may group digits, as in TOML.
fn split_number<'a>(text: &'a str, help: &'static str) -> Result<(f64, &'a str), UnitError> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '_' | '-' | '+'))).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let number: f64 = digits
        .replace('_', "")
        .parse()
        .map_err(|_| UnitError::new(format!("`{text}` does not start with a number"), help))?;
    if number.is_sign_negative() && number != 0.0 {
        return Err(UnitError::new(format!("`{text}` is negative"), help));
    }
    Ok((number.abs(), unit.trim()))
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        match UNITS.iter().find(|(size, _)| self.0 >= *size) {
            Some((size, unit)) => f.pad(&format!("{} {unit}", significant(self.0 as f64 / *size as f64))),
            None => f.pad(&format!("{} B", self.0)),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/s", number(self.0)))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.0 * 100.0;
        // A share that is not nothing is never shown as nothing.
        let text = if percent == 0.0 {
            "0%".to_owned()
        } else if percent > 0.0 && percent < 0.01 {
            "<0.01%".to_owned()
        } else if percent < 0.0 && percent > -0.01 {
            ">-0.01%".to_owned()
        } else if percent.abs() < 10.0 {
            format!("{}%", trim_zeros(&format!("{percent:.2}")))
        } else {
            format!("{}%", trim_zeros(&format!("{percent:.1}")))
        };
        f.pad(&text)
    }
}

/// A duration for people: three significant digits in the largest fitting unit, such as `7.31 ms`.
pub fn duration(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    if seconds == 0.0 {
        "0 ms".to_owned()
    } else if seconds < 999.5e-9 {
        format!("{} ns", span.as_nanos())
    } else if seconds < 999.5e-6 {
        format!("{} µs", significant(seconds * 1e6))
    } else if seconds < 0.9995 {
        format!("{} ms", significant(seconds * 1e3))
    } else if seconds < 119.5 {
        format!("{} s", significant(seconds))
    } else if seconds < 7_170.0 {
        format!("{} min", significant(seconds / 60.0))
    } else {
        format!("{} h", significant(seconds / 3600.0))
    }
}

/// A number for people: whole with grouped digits from 100 on, three significant digits below.
pub fn number(value: f64) -> String {
    if value.abs() >= 99.95 { count(value.round() as u64) } else { significant(value) }
}

/// An amount of US dollars for people: to the cent, or with three significant digits below a dollar, such as `$1,204.50`.
pub fn dollars(amount: f64) -> String {
    let sign = if amount < 0.0 { "-" } else { "" };
    let amount = amount.abs();
    if amount == 0.0 {
        return "$0".to_owned();
    }
    if amount < 0.995 {
        let decimals = (2 - amount.log10().floor() as i32).clamp(2, 12) as usize;
        return format!("{sign}${amount:.decimals$}");
    }
    let cents = (amount * 100.0).round() as u64;
    format!("{sign}${}.{:02}", count(cents / 100), cents % 100)
}

/// A count with its digits in groups of three, such as `28,485`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn significant(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        _ => 2,
    };
    trim_zeros(&format!("{value:.decimals$}"))
}

fn trim_zeros(text: &str) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_exact_to_the_cent_or_to_three_digits() {
        for (amount, expected) in [
            (0.0, "$0"),
            (0.000_000_014, "$0.0000000140"),
            (0.0142, "$0.0142"),
            (0.5, "$0.500"),
            (0.996, "$1.00"),
            (10.95, "$10.95"),
            (1_204.5, "$1,204.50"),
            (2_044.199, "$2,044.20"),
            (-3.0, "-$3.00"),
        ] {
            assert_eq!(dollars(amount), expected);
        }
    }

    #[test]
    fn sizes_are_read_with_their_unit() {
        assert_eq!("1 KiB".parse(), Ok(Bytes(1024)));
        assert_eq!("1.5MiB".parse(), Ok(Bytes(1_572_864)));
        assert_eq!("1_000 B".parse(), Ok(Bytes(1000)));
        for wrong in ["", "KiB", "1", "1 KB", "-1 KiB", "0.3 B", "1 apple", "1e400 B", "99999999 GiB"] {
            assert!(wrong.parse::<Bytes>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_are_read_with_their_unit() {
        assert_eq!("3500/s".parse(), Ok(Rate(3500.0)));
        assert_eq!("60/min".parse(), Ok(Rate(1.0)));
        assert_eq!("36 /h".parse(), Ok(Rate(0.01)));
        for wrong in ["3500", "/s", "-5/s", "5/fortnight", "1.2.3/s"] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn shares_are_percentages() {
        assert_eq!("0.1%".parse(), Ok(Share(0.001)));
        for wrong in ["0.1", "101%", "-1%", "%"] {
            assert!(wrong.parse::<Share>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_read_with_their_unit() {
        assert_eq!(parse_duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        for wrong in ["30", "", "-5s", "soon", "1 fortnight"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn quantities_are_shown_with_three_significant_digits() {
        assert_eq!(Bytes(1024).to_string(), "1 KiB");
        assert_eq!(Bytes(1_600_000).to_string(), "1.53 MiB");
        assert_eq!(Rate(3500.0).to_string(), "3,500/s");
        assert_eq!(Share(0.000_001).to_string(), "<0.01%");
        assert_eq!(Share(0.12345).to_string(), "12.3%");
        assert_eq!(duration(Duration::from_micros(7_312)), "7.31 ms");
        assert_eq!(duration(Duration::from_nanos(999_600)), "1 ms");
        assert_eq!(count(28_485), "28,485");
        assert_eq!(number(99.96), "100");
    }
}
