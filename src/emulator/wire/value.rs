//! A body as a tree of values, before anything is known about what it should be.
//!
//! What a body can make of itself is bounded: its depth by [`DEPTH`], its number of values by [`VALUES`], and texts and blobs
//! are borrowed from it wherever the format allows.

mod cbor;
mod json;

use std::borrow::Cow;
use std::cell::Cell;

use super::{Fault, Format};

/// How deep values may lie within each other; the API needs six levels.
const DEPTH: u32 = 32;
/// How many values a body may have; the API needs 2,000 (500 records of three members).
const VALUES: usize = 100_000;

/// A value of JSON or CBOR.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Boolean(bool),
    /// A whole number; what is beyond 64 bits is the nearest that is not.
    Integer(i64),
    Float(f64),
    Text(Cow<'a, str>),
    /// CBOR writes blobs as they are; those of JSON are texts until their type is known.
    Blob(Cow<'a, [u8]>),
    /// Milliseconds since 1970. CBOR marks moments; those of JSON are numbers until their type is known.
    Moment(i64),
    List(Vec<Value<'a>>),
    /// In the order of the body; of members with the same name, the last one counts.
    Map(Vec<(Cow<'a, str>, Value<'a>)>),
}

/// Reads a body.
pub(super) fn read(format: Format, body: &[u8]) -> Result<Value<'_>, Fault> {
    let budget = Budget { values: Cell::new(VALUES) };
    let read = match format {
        Format::Json => json::read(body, &budget),
        Format::Cbor => cbor::read(body, &budget),
    };
    read.map_err(Fault::serialization)
}

impl<'a> Value<'a> {
    /// The member of a map, unless it is missing or null.
    pub fn member(&self, name: &str) -> Option<&Self> {
        let Self::Map(members) = self else { return None };
        let (_, value) = members.iter().rev().find(|(member, _)| member == name)?;
        Some(value).filter(|value| **value != Value::Null)
    }
}

/// How many values a body may still have.
struct Budget {
    values: Cell<usize>,
}

impl Budget {
    /// Takes one value at `depth` from the budget.
    fn take(&self, depth: u32) -> Result<(), &'static str> {
        if depth > DEPTH {
            return Err("The body is nested too deeply.");
        }
        let left = self.values.get().checked_sub(1).ok_or("The body has too many values.")?;
        self.values.set(left);
        Ok(())
    }
}
