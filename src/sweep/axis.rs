//! What a sweep varies: a key of the scenario and its values.

use std::str::FromStr;

/// A key of the scenario and the values that it takes in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axis {
    /// The key, such as `stream.shards`.
    pub key: String,
    /// The values as they are written, in the order given.
    pub values: Vec<String>,
}

/// Why a text is no axis.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; write it as KEY=VALUE,VALUE or KEY=FROM..TO, such as keys.exponent=0.8,1.0,1.2 or stream.shards=4..64*2")]
pub struct AxisError(String);

/// Most values of one range.
const VALUES_MAX: u64 = 1_000;

impl FromStr for Axis {
    type Err = AxisError;

    /// Values, separated by commas outside of quotes and brackets; each may be a range of whole numbers: `4..8` with all of them,
    /// `0..100/25` with every 25th, `4..64*2` each twice the one before.
    fn from_str(text: &str) -> Result<Self, AxisError> {
        let (key, list) = text.split_once('=').ok_or_else(|| AxisError(format!("`{text}` has no `=`")))?;
        let key = key.trim();
        if key.is_empty() {
            return Err(AxisError(format!("`{text}` names no key")));
        }
        let mut values: Vec<String> = Vec::new();
        for value in split(list) {
            let value = value.trim();
            if value.is_empty() {
                return Err(AxisError(format!("a value of `{key}` is missing")));
            }
            match range(value)? {
                Some(range) => values.extend(range),
                None => values.push(value.to_owned()),
            }
        }
        if let Some(twice) = values.iter().enumerate().find(|(place, value)| values[..*place].contains(value)) {
            return Err(AxisError(format!("`{key}` has the value `{}` twice", twice.1)));
        }
        Ok(Self { key: key.to_owned(), values })
    }
}

/// The parts between commas that stand outside of quotes and brackets.
fn split(list: &str) -> Vec<&str> {
    let (mut parts, mut from, mut depth, mut quote) = (Vec::new(), 0, 0i32, None);
    for (at, character) in list.char_indices() {
        match (character, quote) {
            (_, Some(open)) if character == open => quote = None,
            (_, Some(_)) => {}
            ('"' | '\'', None) => quote = Some(character),
            ('[' | '{', None) => depth += 1,
            (']' | '}', None) => depth -= 1,
            (',', None) if depth == 0 => {
                parts.push(&list[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[from..]);
    parts
}

/// The numbers of a range, or `None` if it is another value.
fn range(text: &str) -> Result<Option<Vec<String>>, AxisError> {
    let Some((from, rest)) = text.split_once("..") else { return Ok(None) };
    let (to, step) = match rest.find(['/', '*']) {
        Some(at) => (&rest[..at], Some(&rest[at..])),
        None => (rest, None),
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let (Some(from), Some(to)) = (number(from), number(to)) else { return Ok(None) };
    let bad = |problem: &str| AxisError(format!("the range `{text}` {problem}"));
    let next: Box<dyn Fn(u64) -> Option<u64>> = match step.map(|step| (step.as_bytes().first(), number(&step[1..]))) {
        None => Box::new(|value| value.checked_add(1)),
        Some((Some(b'/'), Some(step))) if step > 0 => Box::new(move |value| value.checked_add(step)),
        Some((Some(b'*'), Some(factor))) if factor > 1 && from > 0 => Box::new(move |value| value.checked_mul(factor)),
        Some(_) => {
            return Err(bad(
                "needs a step of at least 1 (`/`), or a start of at least 1 and a factor of at least 2 (`*`)",
            ));
        }
    };
    if from > to {
        return Err(bad("ends before it begins"));
    }
    let values: Vec<u64> = std::iter::successors(Some(from), |value| next(*value).filter(|next| *next <= to))
        .take(VALUES_MAX as usize + 1)
        .collect();
    if values.len() as u64 > VALUES_MAX {
        return Err(bad(&format!("has more than {VALUES_MAX} values")));
    }
    Ok(Some(values.iter().map(u64::to_string).collect()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(text: &str) -> Vec<String> {
        text.parse::<Axis>().unwrap().values
    }

    #[test]
    fn values_and_ranges() {
        assert_eq!(values("keys.exponent=0.8, 1.0,1.2"), ["0.8", "1.0", "1.2"]);
        assert_eq!(values("stream.shards=4..6"), ["4", "5", "6"]);
        assert_eq!(values("stream.shards=4..64*4,100"), ["4", "16", "64", "100"]);
        assert_eq!(values("a=0..100/50"), ["0", "50", "100"]);
        assert_eq!(values("load.rate=500/s,1000/s"), ["500/s", "1000/s"]);
        assert_eq!(
            values(r#"records.size="1 KiB",{ distribution = "uniform", min = "1 KiB", max = "2 KiB" }"#).len(),
            2
        );
    }

    #[test]
    fn what_is_no_axis_says_why() {
        for (text, problem) in [
            ("shards", "no `=`"),
            ("=1", "names no key"),
            ("a=1,,2", "missing"),
            ("a=", "missing"),
            ("a=5..4", "before it begins"),
            ("a=0..9*2", "factor"),
            ("a=1..9/0", "step"),
            ("a=1..1000000", "more than 1000"),
            ("a=1,2,1", "twice"),
        ] {
            let error = text.parse::<Axis>().unwrap_err().to_string();
            assert!(error.contains(problem) && error.contains("write it as"), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String, from: u64, to: u64, step: u64) {
            let _ = text.parse::<Axis>();
            let _ = format!("a={from}..{to}/{step}").parse::<Axis>();
            let _ = format!("a={from}..{to}*{step}").parse::<Axis>();
        }
    }
}
