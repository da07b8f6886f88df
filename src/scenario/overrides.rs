//! Overrides such as `load.rate=500/s`: values that replace those of the file.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::diagnostics::{Diagnostic, Sources};
use super::reader::{Problems, closest};

/// One part of a path, and where it is written.
type Key = (String, Range<usize>);

/// Puts the values of `overrides` into `tree`, each with its place in the text of the override.
pub(super) fn apply<'a>(tree: &mut DeTable<'a>, overrides: &'a [String], sources: &mut Sources, problems: &Problems) {
    for text in overrides {
        let start = sources.add("--set", text);
        let applied = match split(text) {
            Some((path, rest)) => insert(tree, &shift_path(path, start), value(text, rest, start)),
            None => Err(Diagnostic::new("an override is a path and a value")
                .at(Some(start..start + text.len()), "")
                .help("write it like load.rate=500/s or consumer.analytics.interval=1s")),
        };
        if let Err(problem) = applied {
            problems.report(problem);
        }
    }
}

/// The path and the start of the value. The path ends at the first `=` that makes it valid TOML, so that a quoted key
/// may contain one.
fn split(text: &str) -> Option<(Vec<Key>, usize)> {
    text.match_indices('=').find_map(|(at, _)| Some((path(&text[..at])?, at + 1)))
}

fn path(text: &str) -> Option<Vec<Key>> {
    let document = format!("{text}=0");
    let tree = DeTable::parse(&document).ok()?.into_inner();
    let mut keys = Vec::new();
    let mut table = &tree;
    loop {
        let (key, value) = table.iter().next()?;
        keys.push((key.get_ref().to_string(), key.span()));
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            DeValue::Integer(_) => return Some(keys),
            _ => return None,
        }
    }
}

fn shift_path(path: Vec<Key>, by: usize) -> Vec<Key> {
    path.into_iter().map(|(key, at)| (key, shifted(at, by))).collect()
}

/// The value that starts at `from`: TOML, or else the text itself, because a shell eats the quotes.
fn value(text: &str, from: usize, start: usize) -> Spanned<DeValue<'_>> {
    let rest = &text[from..];
    let trimmed = rest.trim();
    let start = start + from + (rest.len() - rest.trim_start().len());
    match DeValue::parse(trimmed) {
        Ok(value) => shift(value, start),
        Err(_) => Spanned::new(start..start + trimmed.len(), DeValue::String(Cow::Borrowed(trimmed))),
    }
}

/// The same value with all its places moved by `by`.
fn shift(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let at = shifted(value.span(), by);
    let moved = match value.into_inner() {
        DeValue::Array(array) => {
            let mut moved = DeArray::new();
            for element in array {
                moved.push(shift(element, by));
            }
            DeValue::Array(moved)
        }
        DeValue::Table(table) => {
            let move_entry = |(key, value): (Spanned<_>, _)| {
                let at = shifted(key.span(), by);
                (Spanned::new(at, key.into_inner()), shift(value, by))
            };
            DeValue::Table(table.into_iter().map(move_entry).collect())
        }
        scalar => scalar,
    };
    Spanned::new(at, moved)
}

fn shifted(range: Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}

fn insert<'a>(table: &mut DeTable<'a>, path: &[Key], value: Spanned<DeValue<'a>>) -> Result<(), Diagnostic> {
    let Some(((name, at), rest)) = path.split_first() else {
        return Ok(());
    };
    let key = Spanned::new(at.clone(), Cow::Owned(name.clone()));
    let Some((wanted, deeper)) = rest.split_first() else {
        table.insert(key, value);
        return Ok(());
    };
    let next = table.entry(key).or_insert_with(|| Spanned::new(at.clone(), DeValue::Table(DeTable::new())));
    let written = next.span();
    match next.get_mut() {
        DeValue::Table(inner) => insert(inner, rest, value),
        DeValue::Array(array) if !deeper.is_empty() => insert(element(array, name, wanted)?, deeper, value),
        DeValue::Array(array) => match value.into_inner() {
            DeValue::Table(table) => {
                replace(element(array, name, wanted)?, table);
                Ok(())
            }
            _ => Err(Diagnostic::new(format!("an override sets one key of one `{name}`, or all of them"))
                .at(Some(wanted.1.clone()), "")
                .help(format!("write {name}.NAME.KEY=VALUE, or {name}.NAME={{ KEY = VALUE, ... }}"))),
        },
        _ => Err(Diagnostic::new(format!("`{name}` is one value and has no keys"))
            .at(Some(at.clone()), "")
            .at(Some(written), "its value")
            .help(format!("set `{name}` as a whole"))),
    }
}

/// Puts a table in the place of another, whose name it keeps unless it has one of its own.
fn replace<'a>(old: &mut DeTable<'a>, new: DeTable<'a>) {
    let name = old.remove_entry("name");
    *old = new;
    if let Some((key, name)) = name
        && old.get("name").is_none()
    {
        old.insert(key, name);
    }
}

/// The table of `array` that is `wanted`, by its name or by its position from 0.
fn element<'t, 'a>(
    array: &'t mut DeArray<'a>,
    name: &str,
    (wanted, at): &Key,
) -> Result<&'t mut DeTable<'a>, Diagnostic> {
    let names: Vec<String> = array.iter().filter_map(element_name).map(str::to_owned).collect();
    let position = array.iter().position(|element| element_name(element) == Some(wanted.as_str()));
    let position = position.or_else(|| wanted.parse().ok());
    let found = position.and_then(|position| array.get_mut(position));
    match found.map(Spanned::get_mut) {
        Some(DeValue::Table(table)) => Ok(table),
        _ => {
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            let help = match closest(wanted, &known) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => format!("add a [[{name}]] to the scenario"),
                None => format!("there are {}; a position from 0 is possible too", known.join(", ")),
            };
            Err(Diagnostic::new(format!("no {name} is called `{wanted}`")).at(Some(at.clone()), "").help(help))
        }
    }
}

pub(super) fn element_name<'t>(element: &'t Spanned<DeValue<'_>>) -> Option<&'t str> {
    match element.get_ref() {
        DeValue::Table(table) => table.get("name")?.get_ref().as_str(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::diagnostics::Diagnostics;

    const FILE: &str =
        "seed = 1\n[load]\nrate = \"1/s\"\n[[consumer]]\nname = \"a.b\"\n[[consumer]]\nname = \"live\"\n";

    /// Applies one override; gives the tree as text and the problems.
    fn applied(text: &str) -> (String, String) {
        let overrides = [text.to_owned()];
        let mut tree = DeTable::parse(FILE).unwrap().into_inner();
        let (mut sources, problems) = (Sources::new("file.toml".into(), FILE.into()), Problems::default());
        apply(&mut tree, &overrides, &mut sources, &problems);
        let shown = show(&DeValue::Table(tree));
        (shown, Diagnostics::new(problems.into_inner(), sources).render(false))
    }

    fn show(value: &DeValue<'_>) -> String {
        match value {
            DeValue::String(text) => format!("{text:?}"),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Array(array) => {
                format!("[{}]", array.iter().map(|v| show(v.get_ref())).collect::<Vec<_>>().join(", "))
            }
            DeValue::Table(table) => {
                let entry = |(k, v): (&Spanned<_>, &Spanned<_>)| format!("{}: {}", k.get_ref(), show(v.get_ref()));
                format!("{{{}}}", table.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
            other => other.type_str().to_owned(),
        }
    }

    #[test]
    fn a_value_is_toml_or_else_text() {
        for (text, expected) in [
            ("load.rate=500/s", "rate: \"500/s\""),
            ("load.rate=\"500/s\"", "rate: \"500/s\""),
            ("load.rate = 500/s ", "rate: \"500/s\""),
            ("seed=7", "seed: 7"),
            ("question=5 things", "question: \"5 things\""),
            ("question=", "question: \"\""),
            ("question=a=b", "question: \"a=b\""),
            ("producer.retry={policy=\"none\"}", "producer: {retry: {policy: \"none\"}}"),
            ("consumer.live.limit=5", "{limit: 5, name: \"live\"}"),
            ("consumer.\"a.b\".limit=5", "{limit: 5, name: \"a.b\"}"),
            ("consumer.0.limit=5", "{limit: 5, name: \"a.b\"}"),
            ("consumer.live={limit=5}", "{limit: 5, name: \"live\"}"),
            ("consumer.live={name=\"new\"}", "{name: \"new\"}"),
        ] {
            let (tree, problems) = applied(text);
            assert!(tree.contains(expected), "{text}: {tree}");
            assert!(problems.starts_with("0 problems"), "{text}: {problems}");
        }
    }

    #[test]
    fn a_path_that_leads_nowhere_is_refused() {
        for (text, expected) in [
            ("load.rate", "an override is a path and a value"),
            ("", "an override is a path and a value"),
            ("=5", "an override is a path and a value"),
            ("#a=5", "an override is a path and a value"),
            ("load..rate=5", "an override is a path and a value"),
            ("[[consumer]]\nname=5", "an override is a path and a value"),
            ("seed.value=5", "`seed` is one value and has no keys"),
            ("consumer.live=5", "an override sets one key of one `consumer`"),
            ("consumer.life.limit=5", "did you mean `live`?"),
            ("consumer.2.limit=5", "there are a.b, live"),
            ("consumer.99999999999999999999.limit=5", "no consumer is called"),
        ] {
            let (_, problems) = applied(text);
            assert!(problems.contains(expected), "{text}: {problems}");
        }
    }

    #[test]
    fn problems_point_into_the_override() {
        let (_, problems) = applied("consumer.nobody.limit=5");
        assert!(problems.contains("--set:1:10"), "{problems}");
    }
}
