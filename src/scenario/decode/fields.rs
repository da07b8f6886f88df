//! Fields that several tables of a scenario have, and the rules for them.

use std::time::Duration;

use crate::scenario::Delivery;
use crate::scenario::reader::{Found, Reported, TableReader};

/// Streams and consumers have the same rule for names.
pub(super) fn check_name(reader: &TableReader<'_>, name: Found<String>) -> Found<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    reader.check(
        name,
        |name| (1..=128).contains(&name.len()) && name.chars().all(allowed),
        "is not a valid name",
        "use 1 to 128 of the letters a-z and A-Z, digits, `_`, `.` and `-`",
    )
}

/// What the delivery check demands, if it does.
pub(super) fn delivery(reader: &mut TableReader<'_>) -> Result<Option<Delivery>, Reported> {
    let deliveries = [("complete", Some(Delivery::Complete)), ("exactly-once", Some(Delivery::ExactlyOnce))];
    reader.choice("delivery", &deliveries, Some(None)).map(|delivery| delivery.value)
}

/// Whether the records of a key must come in their order, if it is said.
pub(super) fn order_per_key(reader: &mut TableReader<'_>) -> Result<Option<bool>, Reported> {
    reader.choice("order", &[("any", Some(false)), ("per-key", Some(true))], Some(None)).map(|order| order.value)
}

/// Refuses a duration of zero.
pub(super) fn positive(reader: &TableReader<'_>, found: Found<Duration>) -> Found<Duration> {
    reader.check(found, |span| !span.is_zero(), "must be more than zero", "write a duration such as \"200ms\"")
}
