//! The types of members, with the wording of AWS where one does not fit (fact sheet, section 2.5).

use std::borrow::Cow;

use base64_simd::STANDARD;

use super::model::{Kind, Shape, model};
use super::value::Value;
use super::{Fault, shown};

const LIST_FOUND: &str = "Start of list found where not expected";
const MAP_FOUND: &str = "Start of structure or map found where not expected.";

/// Makes of each value what the model says it is: texts become blobs, numbers whole, members that the model does not know
/// vanish.
///
/// # Errors
/// A value cannot be what it should be: `SerializationException`.
pub(super) fn fit<'a>(value: Value<'a>, shape: &Shape) -> Result<Value<'a>, Fault> {
    if value == Value::Null {
        return Ok(value);
    }
    match &shape.kind {
        Kind::Structure(_) | Kind::Map { .. } if matches!(value, Value::List(_)) => {
            Err(Fault::serialization(LIST_FOUND))
        }
        Kind::Structure(known) => {
            let Value::Map(given) = value else { return Err(Fault::serialization("Expected null")) };
            let mut members = Vec::with_capacity(given.len());
            for (name, value) in given {
                if let Some(member) = known.iter().find(|member| member.name == name) {
                    members.push((name, fit(value, model().shape(member.shape))?));
                }
            }
            Ok(Value::Map(members))
        }
        Kind::Map { value: shape, .. } => {
            let Value::Map(given) = value else { return Err(Fault::serialization("Expected map or null")) };
            let members = given.into_iter().map(|(name, value)| Ok((name, fit(value, model().shape(*shape))?)));
            members.collect::<Result<_, Fault>>().map(Value::Map)
        }
        Kind::List(shape) => match value {
            Value::List(elements) => {
                let elements = elements.into_iter().map(|element| fit(element, model().shape(*shape)));
                elements.collect::<Result<_, Fault>>().map(Value::List)
            }
            Value::Map(_) => Err(Fault::serialization(MAP_FOUND)),
            _ => Err(Fault::serialization("Expected list or null")),
        },
        _ => scalar(value, &shape.kind),
    }
}

fn scalar<'a>(value: Value<'a>, kind: &Kind) -> Result<Value<'a>, Fault> {
    let class = match &value {
        Value::List(_) => return Err(Fault::serialization(LIST_FOUND)),
        Value::Map(_) => return Err(Fault::serialization(MAP_FOUND)),
        Value::Null | Value::Text(_) => "java.lang.String",
        Value::Boolean(_) => "java.lang.Boolean",
        Value::Integer(_) | Value::Float(_) => "java.math.BigDecimal",
        Value::Blob(_) => "java.nio.HeapByteBuffer",
        Value::Moment(_) => "java.util.Date",
    };
    let wrong = |what: &str| Err(Fault::serialization(format!("class {class} can not be converted to {what}")));
    match kind {
        Kind::Text { .. } => match value {
            Value::Text(_) => Ok(value),
            _ => wrong("an String"),
        },
        Kind::Integer => match value {
            Value::Integer(number) => Ok(integer(number)),
            // The cast saturates; fractions are floored.
            Value::Float(number) => Ok(integer(number.floor() as i64)),
            _ => wrong("an Integer"),
        },
        Kind::Boolean => match value {
            Value::Boolean(_) => Ok(value),
            Value::Text(text) => Err(Fault::serialization(format!(
                "'{}' can not be converted to an Boolean",
                shown(&text).to_uppercase()
            ))),
            _ => wrong("an Boolean"),
        },
        Kind::Timestamp => match value {
            Value::Moment(_) => Ok(value),
            Value::Integer(seconds) => Ok(Value::Moment(seconds.saturating_mul(1_000))),
            Value::Float(seconds) => Ok(Value::Moment((seconds * 1e3).round() as i64)),
            _ => wrong("milliseconds since epoch"),
        },
        Kind::Blob => match value {
            Value::Blob(_) => Ok(value),
            Value::Text(text) => match STANDARD.decode_to_vec(text.as_bytes()) {
                Ok(blob) => Ok(Value::Blob(Cow::Owned(blob))),
                Err(_) => Err(no_base64(&text)),
            },
            _ => wrong("a Blob"),
        },
        Kind::Structure(_) | Kind::List(_) | Kind::Map { .. } => Ok(value),
    }
}

/// The API's integers have 32 bits; the nearest of them stands for others.
fn integer(number: i64) -> Value<'static> {
    Value::Integer(number.clamp(i32::MIN.into(), i32::MAX.into()))
}

/// Why a text is no base64.
fn no_base64(text: &str) -> Fault {
    let length = text.chars().count();
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    let pads = text.len() - text.trim_end_matches('=').len();
    let why = if !length.is_multiple_of(4) {
        format!("Base64 encoded length is expected a multiple of 4 bytes but found: {length}")
    } else if let Some(wrong) = text.chars().take(length - pads.min(2)).find(|c| !is_base64(*c)) {
        format!("Invalid Base64 character: '{wrong}'")
    } else {
        // As the service writes it.
        "Invalid last non-pad Base64 character dectected".to_owned()
    };
    Fault::serialization(format!("'{}' can not be converted to a Blob: {why}", shown(text)))
}
