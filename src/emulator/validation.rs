//! The constraints that the API model states for the members of requests, in AWS's wording (fact sheet, sections 1.1
//! and 2.5).
//!
//! Constraints on form (lengths of names, patterns, sets of values) are part of the API's definition and stand here;
//! limits on amounts come from the profile and are arguments.

use std::fmt::{Display, Write as _};

use crate::kinesis::{ErrorKind, ServiceError};

/// Longest value that a message repeats, in characters; a peer must not make us echo megabytes.
const SHOWN_CHARS: usize = 1024;

/// What the model says about a string.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextRule {
    /// Most characters.
    pub longest: usize,
    /// What it must match; `None` if any text will do.
    pub pattern: Option<Pattern>,
}

/// A pattern of the model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pattern {
    /// As the message states it.
    pub written: &'static str,
    /// Whether a text matches it.
    pub matches: fn(&str) -> bool,
}

impl TextRule {
    /// At most `longest` characters that match a pattern.
    pub const fn new(longest: usize, written: &'static str, matches: fn(&str) -> bool) -> Self {
        Self { longest, pattern: Some(Pattern { written, matches }) }
    }

    /// At most `longest` characters of any kind.
    pub const fn any(longest: usize) -> Self {
        Self { longest, pattern: None }
    }
}

/// Names of streams, consumers and shards: 1 to 128 of `[a-zA-Z0-9_.-]`.
pub(super) const NAME: TextRule = TextRule::new(128, "[a-zA-Z0-9_.-]+", is_name);
/// Sequence numbers in requests; the pattern bounds their length.
pub(super) const SEQUENCE_NUMBER: TextRule =
    TextRule::new(usize::MAX, r"0|([1-9]\d{0,128})", |text| is_decimal(text, 129));
/// Explicit hash keys; the pattern bounds their length.
pub(super) const HASH_KEY: TextRule = TextRule::new(usize::MAX, r"0|([1-9]\d{0,38})", |text| is_decimal(text, 39));
/// Shard iterators: 1 to 512 characters.
pub(super) const SHARD_ITERATOR: TextRule = TextRule::any(512);
/// Next-tokens: 1 to 1,048,576 characters.
pub(super) const NEXT_TOKEN: TextRule = TextRule::any(1_048_576);

/// The iterator types, for GetShardIterator and SubscribeToShard.
pub(super) const ITERATOR_TYPES: &[&str] =
    &["AFTER_SEQUENCE_NUMBER", "LATEST", "AT_TIMESTAMP", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON"];
/// The modes of StreamModeDetails.
pub(super) const STREAM_MODES: &[&str] = &["PROVISIONED", "ON_DEMAND"];
/// The types of ShardFilter.
pub(super) const SHARD_FILTERS: &[&str] =
    &["AFTER_SHARD_ID", "AT_TRIM_HORIZON", "FROM_TRIM_HORIZON", "AT_LATEST", "AT_TIMESTAMP", "FROM_TIMESTAMP"];

/// The constraints that a request breaks.
#[derive(Debug, Default)]
pub(super) struct Violations(Vec<String>);

impl Violations {
    /// The member must be there.
    pub fn required<T>(&mut self, field: &str, value: &Option<T>) {
        if value.is_none() {
            self.0.push(format!("Value null at '{field}' failed to satisfy constraint: Member must not be null"));
        }
    }

    /// A string, if there, has at least one character and keeps the rule.
    pub fn text(&mut self, field: &str, value: Option<&str>, rule: TextRule) {
        let Some(value) = value else { return };
        if let Some(pattern) = rule.pattern
            && !(pattern.matches)(value)
        {
            self.add(field, value, format_args!("satisfy regular expression pattern: {}", pattern.written));
        }
        if value.is_empty() {
            self.add(field, value, "have length greater than or equal to 1");
        }
        // A text never has more characters than bytes, so that most need no counting.
        if value.len() > rule.longest && value.chars().count() > rule.longest {
            self.add(field, value, format_args!("have length less than or equal to {}", rule.longest));
        }
    }

    /// A required string that keeps the rule.
    pub fn required_text(&mut self, field: &str, value: Option<&str>, rule: TextRule) {
        self.required(field, &value);
        self.text(field, value, rule);
    }

    /// A string, if there, is one of a set.
    pub fn one_of(&mut self, field: &str, value: Option<&str>, set: &[&str]) {
        if let Some(value) = value.filter(|value| !set.contains(value)) {
            self.add(field, value, format_args!("satisfy enum value set: [{}]", set.join(", ")));
        }
    }

    /// A number, if there, lies in a range.
    pub fn range(&mut self, field: &str, value: Option<i64>, least: i64, most: i64) {
        match value {
            Some(value) if value < least => {
                self.add(field, value, format_args!("have value greater than or equal to {least}"));
            }
            Some(value) if value > most => {
                self.add(field, value, format_args!("have value less than or equal to {most}"));
            }
            _ => {}
        }
    }

    /// A list has 1 to `most` elements.
    pub fn count(&mut self, field: &str, count: usize, most: usize) {
        if count == 0 {
            self.add(field, "[]", "have length greater than or equal to 1");
        } else if count > most {
            self.add(
                field,
                format_args!("[{count} elements]"),
                format_args!("have length less than or equal to {most}"),
            );
        }
    }

    /// A blob has at most `most` bytes; the service shows a blob as its Java buffer.
    pub fn blob(&mut self, field: &str, bytes: usize, most: u64) {
        if bytes as u64 > most {
            self.add(
                field,
                format_args!("java.nio.HeapByteBuffer[pos=0 lim={bytes} cap={bytes}]"),
                format_args!("have length less than or equal to {most}"),
            );
        }
    }

    /// All of them in one message.
    ///
    /// # Errors
    /// At least one constraint is broken: `ValidationException`.
    pub fn finish(self) -> Result<(), ServiceError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let plural = if self.0.len() == 1 { "" } else { "s" };
        let message = format!("{} validation error{plural} detected: {}", self.0.len(), self.0.join("; "));
        Err(ServiceError::new(ErrorKind::Validation, message))
    }

    fn add(&mut self, field: &str, value: impl Display, constraint: impl Display) {
        let mut shown = String::new();
        // Writing to a string cannot fail; the cut-off is by characters so that it stays valid text.
        let _ = write!(shown, "{value}");
        if let Some((end, _)) = shown.char_indices().nth(SHOWN_CHARS) {
            shown.truncate(end);
        }
        self.0.push(format!("Value '{shown}' at '{field}' failed to satisfy constraint: Member must {constraint}"));
    }
}

/// Checks the size of one record: its data and its partition key together (section 1.1).
///
/// # Errors
/// It is larger than `most` bytes: `InvalidArgumentException`. The service's own wording is not known.
pub(super) fn check_record_size(data: usize, partition_key: &str, most: u64) -> Result<(), ServiceError> {
    let bytes = (data + partition_key.len()) as u64;
    if bytes <= most {
        return Ok(());
    }
    let message = format!("Record of {bytes} bytes (data and partition key) exceeds the limit of {most} bytes");
    Err(ServiceError::new(ErrorKind::InvalidArgument, message))
}

/// Checks the size of one PutRecords request: data and partition keys of all its records.
///
/// # Errors
/// It is larger than `most` bytes: `InvalidArgumentException`.
pub(super) fn check_request_size(bytes: u64, most: u64) -> Result<(), ServiceError> {
    if bytes <= most {
        return Ok(());
    }
    let message = format!("Records size exceeds {} MB limit", most >> 20);
    Err(ServiceError::new(ErrorKind::InvalidArgument, message))
}

/// Whether every character is one that names may have.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

fn is_decimal(text: &str, most_digits: usize) -> bool {
    let digits = !text.is_empty() && text.len() <= most_digits && text.bytes().all(|byte| byte.is_ascii_digit());
    digits && (text == "0" || !text.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(check: impl FnOnce(&mut Violations)) -> String {
        let mut violations = Violations::default();
        check(&mut violations);
        violations.finish().map_or_else(|error| error.message, |()| String::new())
    }

    #[test]
    fn each_constraint_has_the_wording_of_the_service() {
        let prefix = "1 validation error detected: ";
        let cases = [
            (
                message(|v| v.required("streamName", &None::<&str>)),
                "Value null at 'streamName' failed to satisfy constraint: Member must not be null",
            ),
            (
                message(|v| v.text("streamName", Some("a b"), NAME)),
                "Value 'a b' at 'streamName' failed to satisfy constraint: Member must satisfy regular expression pattern: \
                 [a-zA-Z0-9_.-]+",
            ),
            (
                message(|v| v.text("shardIterator", Some(""), SHARD_ITERATOR)),
                "Value '' at 'shardIterator' failed to satisfy constraint: Member must have length greater than or equal \
                 to 1",
            ),
            (
                message(|v| v.range("limit", Some(10_001), 1, 10_000)),
                "Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000",
            ),
            (
                message(|v| v.one_of("shardIteratorType", Some("NEWEST"), STREAM_MODES)),
                "Value 'NEWEST' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value set: \
                 [PROVISIONED, ON_DEMAND]",
            ),
            (
                message(|v| v.blob("data", 1_048_577, 1_048_576)),
                "Value 'java.nio.HeapByteBuffer[pos=0 lim=1048577 cap=1048577]' at 'data' failed to satisfy constraint: \
                 Member must have length less than or equal to 1048576",
            ),
        ];
        for (message, expected) in cases {
            assert_eq!(message, format!("{prefix}{expected}"));
        }
    }

    #[test]
    fn several_violations_are_counted_in_one_message() {
        let message = message(|v| {
            v.required_text("streamName", None, NAME);
            v.text("shardId", Some(""), NAME);
        });
        assert!(message.starts_with("3 validation errors detected: Value null at 'streamName'"), "{message}");
        assert_eq!(message.matches("; Value '' at 'shardId'").count(), 2, "{message}");
    }

    #[test]
    fn lengths_count_characters() {
        assert_eq!(message(|v| v.text("x", Some(&"é".repeat(512)), SHARD_ITERATOR)), "");
        assert_ne!(message(|v| v.text("x", Some(&"é".repeat(513)), SHARD_ITERATOR)), "");
        assert_eq!(message(|v| v.text("x", Some(&"a".repeat(128)), NAME)), "");
    }

    #[test]
    fn a_message_repeats_only_the_start_of_a_huge_value() {
        let message = message(|v| v.text("x", Some(&"é".repeat(1 << 20)), SHARD_ITERATOR));
        assert!(message.len() < 3 * SHOWN_CHARS, "{}", message.len());
    }

    #[test]
    fn numbers_are_canonical_decimals() {
        for right in ["0", "1", "49674026002850188218576229259473476449429298564223254594"] {
            assert_eq!(message(|v| v.text("n", Some(right), SEQUENCE_NUMBER)), "", "{right}");
        }
        for wrong in ["00", "01", "-1", "1.0", "x"] {
            assert_ne!(message(|v| v.text("n", Some(wrong), SEQUENCE_NUMBER)), "", "{wrong}");
            assert_ne!(message(|v| v.text("n", Some(wrong), HASH_KEY)), "", "{wrong}");
        }
        assert_ne!(message(|v| v.text("n", Some(&"1".repeat(40)), HASH_KEY)), "");
    }

    #[test]
    fn sizes_are_checked_against_the_limits_given() {
        assert!(check_record_size(9, "k", 10).is_ok());
        assert!(check_record_size(10, "k", 10).is_err());
        assert!(check_request_size(10 << 20, 10 << 20).is_ok());
        let error = check_request_size((10 << 20) + 1, 10 << 20).unwrap_err();
        assert_eq!(error.message, "Records size exceeds 10 MB limit");
    }
}
