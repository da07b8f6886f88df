//! How JSON becomes values: strings are borrowed from the body, objects must be objects.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::fault::Fault;

/// A string, borrowed unless it has escapes. (`Option<Cow<str>>` alone never borrows.)
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// The text of an optional member.
pub(super) fn text<'t>(member: &'t Option<Text<'_>>) -> Option<&'t str> {
    member.as_ref().map(|text| text.0.as_ref())
}

/// A JSON object and nothing else; serde alone would take an array for a struct as well.
#[derive(Debug)]
pub(super) struct Object<T>(pub T);

/// A JSON array, of which at most [`Bounded::MOST`] elements are kept and all are counted: a body of millions of empty
/// objects must not become gigabytes.
#[derive(Debug)]
pub(super) struct Bounded<T> {
    pub elements: Vec<T>,
    pub count: usize,
}

impl<T> Bounded<T> {
    /// Far more than any request may have.
    const MOST: usize = 100_000;
}

/// Reads the body of a request.
pub(super) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Fault> {
    let Object(value) = serde_json::from_slice(body).map_err(|error| Fault::serialization(error.to_string()))?;
    Ok(value)
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Bounded<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BoundedVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for BoundedVisitor<T> {
            type Value = Bounded<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while elements.len() < Bounded::<T>::MOST {
                    let Some(element) = array.next_element()? else { break };
                    elements.push(element);
                }
                let mut count = elements.len();
                while array.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Bounded { elements, count })
            }
        }

        deserializer.deserialize_seq(BoundedVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Sample<'a> {
        #[serde(borrow)]
        stream_name: Option<Text<'a>>,
    }

    #[test]
    fn strings_without_escapes_are_borrowed() {
        let sample: Sample<'_> = read(br#"{"StreamName":"orders","Else":[1]}"#).unwrap();
        assert!(matches!(sample.stream_name, Some(Text(Cow::Borrowed("orders")))));
        let sample: Sample<'_> = read(br#"{"StreamName":"a\/b"}"#).unwrap();
        assert_eq!(text(&sample.stream_name), Some("a/b"));
        let sample: Sample<'_> = read(br#"{"StreamName":null}"#).unwrap();
        assert!(sample.stream_name.is_none());
    }

    #[test]
    fn what_is_not_an_object_is_a_serialization_exception() {
        for wrong in ["", "null", "[]", r#"["orders"]"#, "1", "{", r#"{"StreamName":1}"#, "{} {}"] {
            let fault = read::<Sample<'_>>(wrong.as_bytes()).unwrap_err();
            assert_eq!(fault.name, "SerializationException", "{wrong}");
        }
    }

    #[test]
    fn every_element_is_counted_but_not_every_one_kept() {
        let many = format!("[{}0]", "0,".repeat(Bounded::<u8>::MOST + 6));
        let bounded: Bounded<u8> = serde_json::from_str(&many).unwrap();
        assert_eq!((bounded.elements.len(), bounded.count), (Bounded::<u8>::MOST, Bounded::<u8>::MOST + 7));
    }
}
