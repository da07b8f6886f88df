//! The phrases of reports: what figures and findings are called, each in one place.

pub mod autoscaling;
pub mod cost;
pub mod delivery;
pub mod outcome;
pub mod plan;
pub mod recommendation;
pub mod steadiness;
pub mod throttling;

use std::time::Duration;

use crate::units::{self, Share};

/// What stands where there is no figure.
pub const NONE: &str = "–";

/// Text from a server or a file without what a terminal would obey.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A sentence begins with a capital; a mark before it stays.
pub fn capital(text: &str) -> String {
    let Some((at, first)) = text.char_indices().find(|(_, c)| c.is_alphanumeric()) else { return text.to_owned() };
    format!("{}{}{}", &text[..at], first.to_uppercase(), &text[at + first.len_utf8()..])
}

/// Nanoseconds as a duration.
pub fn nanos(value: Option<u64>) -> String {
    value.map_or_else(|| NONE.to_owned(), |nanos| units::duration(Duration::from_nanos(nanos)))
}

/// Nanoseconds on an axis of milliseconds.
pub fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

/// A value of an axis of milliseconds.
pub fn milliseconds(value: f64) -> String {
    units::duration(Duration::from_secs_f64((value / 1e3).max(0.0)))
}

/// A share, if there is one.
pub fn share(value: Option<f64>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| Share(value).to_string())
}

/// A count, if there is one.
pub fn count(value: Option<u64>) -> String {
    value.map_or_else(|| NONE.to_owned(), units::count)
}

/// A relative difference to a tenth of a percent, with its sign; what rounds to zero has none.
pub fn signed_percent(difference: f64) -> String {
    let written = format!("{:+.1}%", difference * 100.0);
    if written == "-0.0%" || written == "+0.0%" { "0.0%".to_owned() } else { written }
}

/// The lowest and the highest of some values, written once if they are the same.
pub fn range<T: PartialOrd + Copy>(values: impl Iterator<Item = T>, write: impl Fn(T) -> String) -> String {
    let ends = values.fold(None, |ends: Option<(T, T)>, value| match ends {
        None => Some((value, value)),
        Some((low, high)) => Some((if value < low { value } else { low }, if value > high { value } else { high })),
    });
    match ends.map(|(low, high)| (write(low), write(high))) {
        None => NONE.to_owned(),
        Some((low, high)) if low == high => low,
        Some((low, high)) => format!("{low} – {high}"),
    }
}

/// What a latency is, in a few words.
pub fn latency(name: &str) -> &str {
    match name {
        "response" => "response: due → acknowledged",
        "lateness" => "lateness: needed → taken up",
        "queueing" => "queueing: taken up → sent",
        "service" => "service: sent → acknowledged",
        "throttled" => "throttled attempts: sent → refused",
        "failed" => "failed attempts: sent → error",
        other => other,
    }
}

/// A document as JSON for people.
pub fn pretty(document: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(document)
        .map_or_else(|error| format!("{{\"error\":\"{error}\"}}\n"), |json| json + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capital_stands_behind_the_mark() {
        assert_eq!(capital("✗ objectives missed"), "✗ Objectives missed");
        assert_eq!(capital("from 4 readers on"), "From 4 readers on");
        assert_eq!((capital(""), capital("4 do")), (String::new(), "4 do".to_owned()));
    }
}
