//! The constraints of the model, in AWS's wording (fact sheet, section 2.5).

use std::borrow::Cow;
use std::fmt::{Display, Write as _};

use super::model::{Kind, Shape, model};
use super::shown;
use super::value::Value;
use crate::kinesis::{ErrorKind, ServiceError};

/// Most violations that a message lists; it counts them all.
const LISTED: usize = 10;
/// Texts of more bytes are not matched against patterns: every pattern allows less, by itself or by the limit on the length
/// that goes with it.
const MATCHED_BYTES: usize = 4 * 2048;
/// Most elements of a list or map that a message shows.
const SHOWN_ELEMENTS: usize = 100;

/// Checks a request against the constraints of its shape.
///
/// # Errors
/// Some are broken: `ValidationException` that counts them.
pub(super) fn check(request: &Value<'_>, shape: &Shape) -> Result<(), ServiceError> {
    let mut violations = Violations { path: String::new(), count: 0, listed: Vec::new() };
    violations.value(request, shape);
    violations.finish()
}

/// What is broken so far, and where the walk is.
struct Violations {
    path: String,
    count: usize,
    listed: Vec<String>,
}

impl Violations {
    fn value(&mut self, value: &Value<'_>, shape: &Shape) {
        match (&shape.kind, value) {
            (Kind::Structure(members), _) => {
                for member in members {
                    let before = self.enter(&member.shown);
                    match value.member(&member.name) {
                        Some(value) => self.value(value, model().shape(member.shape)),
                        None if member.required => self.missing(),
                        None => {}
                    }
                    self.path.truncate(before);
                }
            }
            (Kind::List(number), Value::List(elements)) => {
                self.length(value, elements.len(), shape);
                let element_shape = model().shape(*number);
                for (number, element) in (1..).zip(elements) {
                    if *element == Value::Null || !element_shape.is_scalar() {
                        self.element(number, element, element_shape);
                    }
                }
                let given = elements.iter().filter(|element| **element != Value::Null);
                self.elements(value, "Member must satisfy constraint", given, element_shape);
            }
            (Kind::Map { key, value: number }, Value::Map(members)) => {
                self.length(value, members.len(), shape);
                for (key, element) in members.iter().filter(|(_, element)| *element == Value::Null) {
                    self.element(shown(key), element, model().shape(*number));
                }
                let keys: Vec<Value<'_>> = members.iter().map(|(key, _)| Value::Text(Cow::Borrowed(key))).collect();
                self.elements(value, "Map keys must satisfy constraint", keys.iter(), model().shape(*key));
                let values = members.iter().map(|(_, element)| element).filter(|element| **element != Value::Null);
                self.elements(value, "Map value must satisfy constraint", values, model().shape(*number));
            }
            _ => {
                for constraint in broken(value, shape) {
                    self.add(value, &constraint);
                }
            }
        }
    }

    /// Checks an element with a path of its own.
    fn element(&mut self, name: impl Display, element: &Value<'_>, shape: &Shape) {
        let before = self.enter(name);
        self.path.push_str(".member");
        match element {
            Value::Null => self.missing(),
            element => self.value(element, shape),
        }
        self.path.truncate(before);
    }

    /// Scalar elements share one message, which states all their constraints.
    fn elements<'v>(
        &mut self,
        whole: &Value<'_>,
        sentence: &str,
        mut elements: impl Iterator<Item = &'v Value<'v>>,
        shape: &Shape,
    ) {
        if shape.is_scalar() && elements.any(|element| !broken(element, shape).is_empty()) {
            let all: Vec<String> =
                stated(shape).into_iter().map(|constraint| format!("Member must {constraint}")).collect();
            self.push(Some(whole), &format!("{sentence}: [{}]", all.join(", ")));
        }
    }

    fn length(&mut self, value: &Value<'_>, length: usize, shape: &Shape) {
        for constraint in length_broken(length, shape) {
            self.add(value, &constraint);
        }
    }

    fn missing(&mut self) {
        self.push(None, "Member must not be null");
    }

    fn add(&mut self, value: &Value<'_>, constraint: &str) {
        self.push(Some(value), &format!("Member must {constraint}"));
    }

    fn push(&mut self, value: Option<&Value<'_>>, sentence: &str) {
        self.count += 1;
        if self.listed.len() < LISTED {
            let value = value.map_or_else(|| "null".to_owned(), |value| format!("'{}'", text_of(value)));
            self.listed.push(format!("Value {value} at '{}' failed to satisfy constraint: {sentence}", self.path));
        }
    }

    /// Goes one step down the path and says how to come back.
    fn enter(&mut self, step: impl Display) -> usize {
        let before = self.path.len();
        let dot = if before == 0 { "" } else { "." };
        // Writing to a string cannot fail.
        let _ = write!(self.path, "{dot}{step}");
        before
    }

    fn finish(self) -> Result<(), ServiceError> {
        if self.count == 0 {
            return Ok(());
        }
        let plural = if self.count == 1 { "" } else { "s" };
        let message = format!("{} validation error{plural} detected: {}", self.count, self.listed.join("; "));
        Err(ServiceError::new(ErrorKind::Validation, message))
    }
}

/// The constraints that a scalar breaks.
fn broken(value: &Value<'_>, shape: &Shape) -> Vec<String> {
    match (&shape.kind, value) {
        (Kind::Text { pattern, set }, Value::Text(text)) => {
            let mut broken = Vec::new();
            if let Some(pattern) = pattern {
                // A text that is too long for its shape is not matched as well: that could take a while.
                let too_long = text.len() > MATCHED_BYTES;
                if (too_long && shape.most.is_none()) || (!too_long && !pattern.matches(text)) {
                    broken.push(format!("satisfy regular expression pattern: {}", pattern.written));
                }
            }
            // A text never has more characters than bytes, so that most need no counting.
            let usual = shape.least.is_none_or(|least| least <= 1) && !text.is_empty();
            if !usual || shape.most.is_some_and(|most| text.len() as i64 > most) {
                broken.extend(length_broken(text.chars().count(), shape));
            }
            if !set.is_empty() && !set.iter().any(|known| known == text) {
                broken.push(set_of(set));
            }
            broken
        }
        (Kind::Blob, Value::Blob(blob)) => length_broken(blob.len(), shape),
        (Kind::Integer, Value::Integer(number)) => {
            let too_small = shape.least.filter(|least| number < least).map(least_value);
            let too_large = shape.most.filter(|most| number > most).map(most_value);
            too_small.into_iter().chain(too_large).collect()
        }
        _ => Vec::new(),
    }
}

fn length_broken(length: usize, shape: &Shape) -> Vec<String> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let too_short = shape.least.filter(|least| length < *least).map(least_length);
    let too_long = shape.most.filter(|most| length > *most).map(most_length);
    too_short.into_iter().chain(too_long).collect()
}

/// All constraints of a scalar, in the order in which messages about elements state them.
fn stated(shape: &Shape) -> Vec<String> {
    let integer = matches!(shape.kind, Kind::Integer);
    let most = shape.most.map(if integer { most_value } else { most_length });
    let least = shape.least.map(if integer { least_value } else { least_length });
    let mut all: Vec<String> = most.into_iter().chain(least).collect();
    if let Kind::Text { pattern, set } = &shape.kind {
        all.extend(pattern.iter().map(|pattern| format!("satisfy regular expression pattern: {}", pattern.written)));
        all.extend(Some(set_of(set)).filter(|_| !set.is_empty()));
    }
    all
}

fn least_length(least: i64) -> String {
    format!("have length greater than or equal to {least}")
}

fn most_length(most: i64) -> String {
    format!("have length less than or equal to {most}")
}

fn least_value(least: i64) -> String {
    format!("have value greater than or equal to {least}")
}

fn most_value(most: i64) -> String {
    format!("have value less than or equal to {most}")
}

fn set_of(set: &[String]) -> String {
    format!("satisfy enum value set: [{}]", set.join(", "))
}

/// A value as messages show it, which is as Java does; its end may be cut off.
fn text_of(value: &Value<'_>) -> String {
    let whole = match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) | Value::Moment(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Text(text) => return shown(text).to_owned(),
        Value::Blob(blob) => format!("java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", blob.len()),
        // The service shows what only Java knows of structures.
        Value::List(elements) if elements.iter().any(|element| matches!(element, Value::Map(_) | Value::List(_))) => {
            format!("[{} elements]", elements.len())
        }
        Value::List(elements) => {
            let elements: Vec<String> = elements.iter().take(SHOWN_ELEMENTS).map(text_of).collect();
            format!("[{}]", elements.join(", "))
        }
        Value::Map(members) => {
            let members = members.iter().take(SHOWN_ELEMENTS);
            let members: Vec<String> =
                members.map(|(key, value)| format!("{}={}", shown(key), text_of(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
    };
    shown(&whole).to_owned()
}
