//! The API model: what each member of each request may be, read once from `api-2013-12-02.toml`.
//!
//! `.ci/model` compares that file with the model that AWS publishes in botocore.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use regex_lite::Regex;
use serde::Deserialize;

static MODEL: LazyLock<Model> = LazyLock::new(compiled_in);

/// What requests are checked against.
#[derive(Debug)]
pub(super) struct Model {
    shapes: Vec<Shape>,
    numbers: BTreeMap<String, ShapeNumber>,
}

/// The place of a shape in the model.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShapeNumber(usize);

/// One type of the API.
#[derive(Debug)]
pub(super) struct Shape {
    pub kind: Kind,
    /// Least length of texts, blobs, lists and maps; least value of integers.
    pub least: Option<i64>,
    /// The greatest of the same.
    pub most: Option<i64>,
}

/// What a shape is made of.
#[derive(Debug)]
pub(super) enum Kind {
    Structure(Vec<Member>),
    List(ShapeNumber),
    Map { key: ShapeNumber, value: ShapeNumber },
    Text { pattern: Option<Pattern>, set: Vec<String> },
    Integer,
    Boolean,
    Blob,
    Timestamp,
}

/// A member of a structure.
#[derive(Debug)]
pub(super) struct Member {
    /// As requests write it.
    pub name: String,
    /// As messages write it: `streamName`.
    pub shown: String,
    pub shape: ShapeNumber,
    pub required: bool,
}

/// A regular expression that the whole text must match.
#[derive(Debug)]
pub(super) struct Pattern {
    /// As the model, and with it the messages, write it.
    pub written: String,
    compiled: OnceLock<Option<Regex>>,
}

/// The model.
pub(super) fn model() -> &'static Model {
    &MODEL
}

impl Model {
    /// What an operation takes; `None` if the API has no such operation.
    pub fn input(&self, operation: &str) -> Option<&Shape> {
        self.numbers.get(&format!("{operation}Input")).map(|number| self.shape(*number))
    }

    /// The shape of that number.
    pub fn shape(&self, number: ShapeNumber) -> &Shape {
        &self.shapes[number.0]
    }
}

impl Shape {
    /// Whether it is made of one value, not of several.
    pub const fn is_scalar(&self) -> bool {
        !matches!(self.kind, Kind::Structure(_) | Kind::List(_) | Kind::Map { .. })
    }
}

impl Pattern {
    /// Whether the whole of `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| Regex::new(&format!("^(?:{})$", self.written)).ok());
        // A test compiles every pattern; one that could not be would refuse nothing.
        compiled.as_ref().is_none_or(|regex| regex.is_match(text))
    }
}

/// The file, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    structures: BTreeMap<String, Vec<String>>,
    lists: BTreeMap<String, Row>,
    maps: BTreeMap<String, Row>,
    strings: BTreeMap<String, Row>,
    integers: BTreeMap<String, Row>,
    blobs: BTreeMap<String, Row>,
    booleans: BTreeMap<String, Row>,
    timestamps: BTreeMap<String, Row>,
}

/// A shape that is no structure.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    min: Option<i64>,
    max: Option<i64>,
    pattern: Option<String>,
    #[serde(rename = "enum", default)]
    set: Vec<String>,
    element: Option<String>,
    key: Option<String>,
    value: Option<String>,
}

#[allow(clippy::expect_used, reason = "the text is compiled in and a test reads it")]
fn compiled_in() -> Model {
    read(include_str!("api-2013-12-02.toml")).expect("the compiled-in API model is valid")
}

fn read(text: &str) -> Option<Model> {
    let file: File = toml::from_str(text).ok()?;
    let rows = [&file.lists, &file.maps, &file.strings, &file.integers, &file.blobs, &file.booleans, &file.timestamps];
    let names = file.structures.keys().chain(rows.into_iter().flat_map(BTreeMap::keys));
    let numbers: BTreeMap<String, ShapeNumber> = names.cloned().zip((0..).map(ShapeNumber)).collect();
    let number = |name: Option<&String>| numbers.get(name?).copied();

    // In the order of the numbers.
    let mut shapes = Vec::with_capacity(numbers.len());
    for members in file.structures.values() {
        let members = members.iter().map(|written| member(written, &numbers)).collect::<Option<_>>()?;
        shapes.push(Shape { kind: Kind::Structure(members), least: None, most: None });
    }
    let mut push = |row: &Row, kind| shapes.push(Shape { kind, least: row.min, most: row.max });
    for row in file.lists.values() {
        push(row, Kind::List(number(row.element.as_ref())?));
    }
    for row in file.maps.values() {
        push(row, Kind::Map { key: number(row.key.as_ref())?, value: number(row.value.as_ref())? });
    }
    for row in file.strings.values() {
        let pattern = row.pattern.clone().map(|written| Pattern { written, compiled: OnceLock::new() });
        push(row, Kind::Text { pattern, set: row.set.clone() });
    }
    file.integers.values().for_each(|row| push(row, Kind::Integer));
    file.blobs.values().for_each(|row| push(row, Kind::Blob));
    file.booleans.values().for_each(|row| push(row, Kind::Boolean));
    file.timestamps.values().for_each(|row| push(row, Kind::Timestamp));
    Some(Model { shapes, numbers })
}

/// Reads `Name:Shape!`.
fn member(written: &str, numbers: &BTreeMap<String, ShapeNumber>) -> Option<Member> {
    let (written, required) = written.strip_suffix('!').map_or((written, false), |rest| (rest, true));
    let (name, shape) = written.split_once(':').unwrap_or((written, written));
    let mut shown = name.to_owned();
    shown.get_mut(..1)?.make_ascii_lowercase();
    Some(Member { name: name.to_owned(), shown, shape: *numbers.get(shape)?, required })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinesis::Operation;

    #[test]
    fn every_operation_of_the_service_half_is_in_the_model() {
        for operation in Operation::ALL {
            assert!(model().input(operation.name()).is_some(), "{operation}");
        }
        assert!(model().input("CreateQueue").is_some());
        assert!(model().input("SplitTheAtom").is_none());
    }

    #[test]
    fn every_pattern_compiles_and_is_anchored() {
        let mut patterns = 0;
        for shape in &model().shapes {
            if let Kind::Text { pattern: Some(pattern), .. } = &shape.kind {
                patterns += 1;
                assert!(Regex::new(&pattern.written).is_ok(), "{}", pattern.written);
            }
        }
        assert!(patterns > 15, "{patterns}");
        let pattern = Pattern { written: "a|b+".to_owned(), compiled: OnceLock::new() };
        assert!(pattern.matches("bb") && !pattern.matches("ab") && !pattern.matches("b\n"));
    }

    #[test]
    fn members_say_their_shape_and_how_messages_show_them() {
        let Some(Shape { kind: Kind::Structure(members), .. }) = model().input("PutRecord") else { panic!() };
        let ordering = members.iter().find(|member| member.name == "SequenceNumberForOrdering").unwrap();
        assert_eq!((ordering.shown.as_str(), ordering.required), ("sequenceNumberForOrdering", false));
        assert!(members.iter().any(|member| member.name == "Data" && member.required));
    }
}
