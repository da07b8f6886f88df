//! Payloads of JSON: an object with placeholders that are filled for each record.

use std::sync::Arc;

use bytes::BufMut;
use rand::RngExt as _;

use super::Arrival;
use crate::seed::NamedSeed;

/// An object with placeholders: `{{index}}`, `{{key}}`, `{{time_ms}}` (since the run began), `{{random}}` (of 32 bits).
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// What is between the braces of the object.
    pieces: Arc<[Piece]>,
}

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(String),
    Index,
    Key,
    TimeMillis,
    Random,
}

const PLACEHOLDERS: [(&str, Piece); 4] =
    [("index", Piece::Index), ("key", Piece::Key), ("time_ms", Piece::TimeMillis), ("random", Piece::Random)];

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// It has an unknown placeholder, or is not an object once they are filled.
    pub fn parse(text: &str) -> Result<Self, String> {
        let inner = text.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        let mut rest = inner.ok_or("it is not a JSON object in braces")?.trim();
        let mut pieces = Vec::new();
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or("a placeholder that begins with {{ lacks its }}")?;
            let known = PLACEHOLDERS.iter().find(|(known, _)| *known == name.trim());
            let (_, piece) = known.ok_or_else(|| {
                format!("{{{{{name}}}}} is no placeholder: there are {{{{index}}}}, {{{{key}}}}, {{{{time_ms}}}} and {{{{random}}}}")
            })?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(piece.clone());
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        let template = Self { pieces: pieces.into() };
        let mut filled = b"{".to_vec();
        template.write(&mut filled, &("1", "key", "1", "1"));
        filled.put_u8(b'}');
        match serde_json::from_slice::<serde_json::Value>(&filled) {
            Ok(_) => Ok(template),
            Err(error) => Err(format!("it is not JSON once its placeholders are filled: {error}")),
        }
    }

    /// Whether there is nothing between the braces.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Most bytes between the braces with keys of up to `longest_key` bytes, none of which JSON escapes.
    pub fn longest(&self, longest_key: usize) -> usize {
        let longest = |piece: &Piece| match piece {
            Piece::Text(text) => text.len(),
            Piece::Key => longest_key,
            Piece::Index | Piece::TimeMillis | Piece::Random => "4000000000".len(),
        };
        self.pieces.iter().map(longest).sum()
    }

    /// Fills it for an arrival.
    pub(super) fn fill(&self, blob: &mut Vec<u8>, arrival: &Arrival, seed: NamedSeed) {
        let random: u32 = if self.pieces.contains(&Piece::Random) { seed.at(arrival.index).random() } else { 0 };
        let millis = arrival.intended.as_nanos() / 1_000_000;
        let numbers = [arrival.index, millis, random.into()].map(|number| number.to_string());
        let [index, millis, random] = &numbers;
        // The text of a JSON string, without its quotes; a text always has one.
        let key = serde_json::to_string(arrival.key.as_ref()).unwrap_or_default();
        let key = key.get(1..key.len().saturating_sub(1)).unwrap_or_default();
        self.write(blob, &(index.as_str(), key, millis.as_str(), random.as_str()));
    }

    fn write(&self, blob: &mut Vec<u8>, (index, key, millis, random): &(&str, &str, &str, &str)) {
        for piece in self.pieces.iter() {
            blob.put_slice(match piece {
                Piece::Text(text) => text.as_bytes(),
                Piece::Index => index.as_bytes(),
                Piece::Key => key.as_bytes(),
                Piece::TimeMillis => millis.as_bytes(),
                Piece::Random => random.as_bytes(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use crate::time::Time;

    #[test]
    fn placeholders_are_filled_and_nested_objects_left_alone() {
        let template =
            Template::parse(r#"{ "n": {{index}}, "user": "{{key}}", "at": {"ms": {{ time_ms }}} }"#).unwrap();
        let arrival = Arrival {
            index: 7,
            intended: Time::from_millis(1_500),
            key: "a\"b".into(),
            explicit_hash_key: None,
            size: 200,
        };
        let mut blob = Vec::new();
        template.fill(&mut blob, &arrival, Seed(1).named("test"));
        assert_eq!(&blob[..], br#""n": 7, "user": "a\"b", "at": {"ms": 1500}"#);
        assert!(template.longest(4) >= blob.len());
    }

    #[test]
    fn what_is_no_template_is_refused_with_a_reason() {
        for (text, reason) in [
            ("[1]", "it is not a JSON object in braces"),
            (
                r#"{"a": {{user}}}"#,
                "{{user}} is no placeholder: there are {{index}}, {{key}}, {{time_ms}} and {{random}}",
            ),
            (r#"{"a": {{index}"#, "a placeholder that begins with {{ lacks its }}"),
        ] {
            assert_eq!(Template::parse(text).unwrap_err(), reason);
        }
        assert!(Template::parse(r#"{"a": }"#).unwrap_err().starts_with("it is not JSON once"));
        assert!(Template::parse("{}").is_ok_and(|template| template.is_empty()));
    }
}
