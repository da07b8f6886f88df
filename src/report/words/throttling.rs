//! Why attempts were throttled, and what would help.

use crate::units;
use crate::verdict::{Cause, Cure, ThrottleCause};

/// The cause in a few words, with its place and the limit that was met.
pub fn title(cause: &ThrottleCause) -> String {
    let bound = cause.bound.map_or_else(String::new, |bound| format!(", by {}", bound.word()));
    let place = if cause.place.is_empty() { String::new() } else { format!(": {}", cause.place) };
    format!("{}{bound}{place}", cause.cause.words())
}

/// When it was.
pub fn window(cause: &ThrottleCause) -> String {
    match cause.window {
        (first, last) if first == last => format!("second {first}"),
        (first, last) => format!("seconds {first} to {last}"),
    }
}

/// What a cure costs.
pub fn price(cure: &Cure) -> String {
    match cure.monthly {
        Some(0.0) => "free".to_owned(),
        Some(monthly) => format!("{} a month", units::dollars(monthly)),
        None => "price not known".to_owned(),
    }
}

/// What was throttled.
pub fn unit(cause: &ThrottleCause) -> &'static str {
    if cause.cause == Cause::SharedReads { "calls" } else { "attempts" }
}
