//! JSON into values.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

use super::{Budget, Value};

/// Reads a body that is one JSON value.
pub(super) fn read<'a>(body: &'a [u8], budget: &Budget) -> Result<Value<'a>, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = Element { depth: 0, budget }.deserialize(&mut deserializer);
    value.and_then(|value| deserializer.end().map(|()| value)).map_err(|error| error.to_string())
}

/// Reads one value.
#[derive(Clone, Copy)]
struct Element<'b> {
    depth: u32,
    budget: &'b Budget,
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        self.budget.take(self.depth).map_err(D::Error::custom)?;
        deserializer.deserialize_any(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = Value<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value<'de>, E> {
        Ok(Value::Integer(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value<'de>, E> {
        Ok(Value::Float(value))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Value<'de>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = array.next_element_seed(self)? {
            elements.push(element);
        }
        Ok(Value::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = object.next_key_seed(Name)? {
            members.push((name, object.next_value_seed(self)?));
        }
        Ok(Value::Map(members))
    }
}

/// Reads the name of a member, borrowed unless it has escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn read(body: &str) -> Result<Value<'_>, String> {
        super::read(body.as_bytes(), &Budget { values: Cell::new(1_000) })
    }

    #[test]
    fn values_are_read_and_borrowed() {
        let value = read(r#"{"a":"b","c\n":"d\"","e":[1,-2.5,true,null]}"#).unwrap();
        let Value::Map(members) = value else { panic!() };
        assert!(matches!(&members[0], (Cow::Borrowed("a"), Value::Text(Cow::Borrowed("b")))));
        assert_eq!(members[1], ("c\n".into(), Value::Text("d\"".into())));
        let list = vec![Value::Integer(1), Value::Float(-2.5), Value::Boolean(true), Value::Null];
        assert_eq!(members[2].1, Value::List(list));
    }

    #[test]
    fn numbers_of_any_size_are_read() {
        assert_eq!(read("18446744073709551615"), Ok(Value::Integer(i64::MAX)));
        assert_eq!(read("-9223372036854775808"), Ok(Value::Integer(i64::MIN)));
        assert!(matches!(read("123456789012345678901234567890"), Ok(Value::Float(_))));
        assert!(read("1e999").is_err());
    }

    #[test]
    fn what_is_not_one_value_is_refused() {
        for wrong in ["", "{", "{} {}", "{\"a\":}", "[1,]", "nul", "\"\\ud800\"", "{1:2}", "\u{0}"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn depth_and_number_of_values_are_bounded() {
        assert!(read(&format!("{}{}", "[".repeat(30), "]".repeat(30))).is_ok());
        assert!(read(&"[".repeat(100_000)).unwrap_err().starts_with("The body is nested too deeply."));
        assert!(read(&format!("[{}1]", "1,".repeat(1_000))).unwrap_err().starts_with("The body has too many values."));
    }
}
