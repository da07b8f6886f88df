//! Reads a TOML table key by key, collecting problems instead of stopping at the first.

mod values;

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub(super) use values::{FromToml, LONGEST};

use self::values::kind;
use super::diagnostics::Diagnostic;
use crate::units;

/// The problems found so far.
#[derive(Debug, Default)]
pub(super) struct Problems(RefCell<Vec<Diagnostic>>);

/// Proof that a problem was reported, in place of the value that could not be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reported(());

/// A value, the path of its key, and where it is written. A default stands where its table does.
#[derive(Debug, Clone)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) path: String,
    pub(super) at: Option<Range<usize>>,
}

/// A value, or proof that its problem was reported.
pub(super) type Found<T> = Result<Placed<T>, Reported>;

/// A table that is being read. What was never asked for is reported as unknown at the end.
pub(super) struct TableReader<'a> {
    table: Option<&'a DeTable<'a>>,
    /// The path of the table with a dot at its end, empty for the whole file.
    prefix: String,
    at: Option<Range<usize>>,
    /// Set if there should be a table and its absence is already reported.
    broken: Option<Reported>,
    known: Vec<&'static str>,
    problems: &'a Problems,
}

impl Problems {
    /// Keeps a problem.
    pub(super) fn report(&self, problem: Diagnostic) -> Reported {
        self.0.borrow_mut().push(problem);
        Reported(())
    }

    /// All problems.
    pub(super) fn into_inner(self) -> Vec<Diagnostic> {
        self.0.into_inner()
    }
}

impl<T> Placed<T> {
    /// The same place with another value.
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Placed<U> {
        Placed { value: change(self.value), path: self.path, at: self.at }
    }

    /// A problem with this value: its key and what it must be.
    pub(super) fn problem(&self, rule: impl Display) -> Diagnostic {
        Diagnostic::new(format!("`{}` {rule}", self.path)).at(self.at.clone(), "")
    }
}

impl<'a> TableReader<'a> {
    /// A reader of the whole file.
    pub(super) fn root(table: &'a DeTable<'a>, problems: &'a Problems) -> Self {
        Self { table: Some(table), prefix: String::new(), at: None, broken: None, known: Vec::new(), problems }
    }

    /// A reader of the table `value`, whose path is `path`.
    pub(super) fn of(value: &'a Spanned<DeValue<'a>>, path: String, problems: &'a Problems) -> Self {
        let mut reader = Self { at: Some(value.span()), ..Self::absent(&path, problems) };
        match value.get_ref() {
            DeValue::Table(table) => reader.table = Some(table),
            other => {
                let problem = Diagnostic::new(format!("`{path}` must be a table"))
                    .at(reader.at.clone(), kind(other))
                    .help("write its keys below a header in brackets, or in braces on one line");
                reader.broken = Some(problems.report(problem));
            }
        }
        reader
    }

    fn absent(path: &str, problems: &'a Problems) -> Self {
        Self { table: None, prefix: format!("{path}."), at: None, broken: None, known: Vec::new(), problems }
    }

    /// The problems that this reader reports to.
    pub(super) fn problems(&self) -> &'a Problems {
        self.problems
    }

    /// Where the table is.
    pub(super) fn at(&self) -> Option<Range<usize>> {
        self.at.clone()
    }

    /// The table called `key`, read as empty if it is not there.
    pub(super) fn section(&mut self, key: &'static str) -> Self {
        match self.raw(key) {
            Some(value) => Self::of(value, self.path(key), self.problems),
            None => Self { broken: self.broken, ..Self::absent(&self.path(key), self.problems) },
        }
    }

    /// The table called `key`, which must be there.
    pub(super) fn required_section(&mut self, key: &'static str, help: &str) -> Self {
        let mut section = self.section(key);
        if !self.has(key) {
            let problem = Diagnostic::new(format!("the scenario has no [{key}] section")).help(help);
            section.broken = Some(self.problems.report(problem));
        }
        section
    }

    /// Whether `key` is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// Where the value of `key` is.
    pub(super) fn place(&self, key: &str) -> Option<Range<usize>> {
        self.table.and_then(|table| table.get(key)).map(Spanned::span)
    }

    /// The value of `key` as it is written.
    pub(super) fn raw(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.push(key);
        self.table.and_then(|table| table.get(key))
    }

    /// The value of `key`, which may be missing.
    pub(super) fn optional<T: FromToml>(&mut self, key: &'static str) -> Result<Option<Placed<T>>, Reported> {
        let Some(value) = self.raw(key) else {
            return self.broken.map_or(Ok(None), Err);
        };
        match T::from_toml(value.get_ref()) {
            Ok(read) => Ok(Some(Placed { value: read, path: self.path(key), at: Some(value.span()) })),
            Err(mismatch) => {
                let problem = Diagnostic::new(format!("`{}` must be {}", self.path(key), T::EXPECTED))
                    .at(Some(value.span()), mismatch.label)
                    .help(mismatch.help);
                Err(self.problems.report(problem))
            }
        }
    }

    /// The value of `key`, which must be there.
    pub(super) fn required<T: FromToml>(&mut self, key: &'static str, example: &str) -> Found<T> {
        self.optional(key)?.ok_or_else(|| self.missing(key, example))
    }

    /// The value of `key`, or `default`.
    pub(super) fn or<T: FromToml>(&mut self, key: &'static str, default: T) -> Found<T> {
        let found = self.optional(key)?;
        Ok(found.unwrap_or_else(|| Placed { value: default, path: self.path(key), at: self.at.clone() }))
    }

    /// The value of `key`, which must be one of the words of `choices`, or `default`.
    pub(super) fn choice<T: Clone>(
        &mut self,
        key: &'static str,
        choices: &[(&str, T)],
        default: Option<T>,
    ) -> Found<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let quoted = words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let Some(word) = self.optional::<String>(key)? else {
            return match default {
                Some(value) => Ok(Placed { value, path: self.path(key), at: self.at.clone() }),
                None => Err(self.missing(key, &quoted)),
            };
        };
        match choices.iter().find(|(name, _)| *name == word.value) {
            Some((_, value)) => Ok(word.map(|_| value.clone())),
            None => {
                let help = match closest(&word.value, &words) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("write one of {quoted}"),
                };
                Err(self.problems.report(word.problem(format_args!("must be one of {quoted}")).help(help)))
            }
        }
    }

    /// Refuses `key` where it has no meaning.
    pub(super) fn misplaced(&mut self, key: &'static str, reason: &str) {
        if let Some(value) = self.raw(key) {
            let problem =
                Diagnostic::new(format!("`{}` {reason}", self.path(key))).at(Some(value.span()), "").help("remove it");
            self.problems.report(problem);
        }
    }

    /// Refuses a value that is not `ok`.
    pub(super) fn check<T>(&self, found: Found<T>, ok: impl FnOnce(&T) -> bool, rule: &str, help: &str) -> Found<T> {
        let found = found?;
        if ok(&found.value) { Ok(found) } else { Err(self.problems.report(found.problem(rule).help(help))) }
    }

    /// Refuses a value outside of `range`.
    pub(super) fn within<T: PartialOrd + Display>(&self, found: Found<T>, range: RangeInclusive<T>) -> Found<T> {
        let found = found?;
        if range.contains(&found.value) {
            return Ok(found);
        }
        let (low, high) = (written(range.start()), written(range.end()));
        let help = if found.value < *range.start() {
            format!("the smallest allowed value is {low}")
        } else {
            format!("the largest allowed value is {high}")
        };
        Err(self.problems.report(found.problem(format_args!("must be from {low} to {high}")).help(help)))
    }

    /// Reports every key that was not asked for.
    pub(super) fn finish(self) {
        for (key, _) in self.table.iter().flat_map(|table| table.iter()) {
            let name = key.get_ref().as_ref();
            if self.known.contains(&name) {
                continue;
            }
            let table = self.prefix.strip_suffix('.').map_or("a scenario".to_owned(), |path| format!("`{path}`"));
            let help = match closest(name, &self.known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known keys: {}", self.known.join(", ")),
            };
            let message = format!("{table} has no key `{name}`");
            self.problems.report(Diagnostic::new(message).at(Some(key.span()), "unknown key").help(help));
        }
    }

    /// The path of `key` as `--set` takes it.
    pub(super) fn path(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    pub(super) fn missing(&self, key: &str, example: &str) -> Reported {
        self.broken.unwrap_or_else(|| {
            let message = format!("`{}` is missing", self.path(key));
            let problem =
                Diagnostic::new(message).at(self.at.clone(), "").help(format!("add `{key}`, such as {example}"));
            self.problems.report(problem)
        })
    }
}

/// A number as TOML writes it, with its digits in groups.
fn written(number: impl Display) -> String {
    let digits = number.to_string();
    digits.parse().map_or(digits, |number| units::count(number).replace(',', "_"))
}

/// The candidate that `word` is most likely meant to be.
pub(super) fn closest<'c>(word: &str, candidates: &[&'c str]) -> Option<&'c str> {
    let word = word.to_lowercase().replace('-', "_");
    let distance = |candidate: &str| strsim::damerau_levenshtein(&word, &candidate.replace('-', "_"));
    let best = candidates.iter().map(|candidate| (distance(candidate), *candidate)).min()?;
    // A third of the letters may differ; with more, the guess says more about the list than about the word.
    (best.0 <= (best.1.len() / 3).max(1)).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `text` and gives the messages with the texts that they point to.
    fn read(text: &str, read: impl FnOnce(&mut TableReader<'_>)) -> Vec<(String, String, Option<String>)> {
        let table = DeTable::parse(text).unwrap().into_inner();
        let problems = Problems::default();
        let mut reader = TableReader::root(&table, &problems);
        read(&mut reader);
        reader.finish();
        let place = |problem: &Diagnostic| problem.labels.first().map(|(place, _)| text[place.clone()].to_owned());
        let problems = problems.into_inner();
        problems.into_iter().map(|p| (p.message.clone(), place(&p).unwrap_or_default(), p.help)).collect()
    }

    #[test]
    fn unknown_keys_are_reported_with_a_guess_or_with_the_known_ones() {
        let problems = read("shrads = 4\nfoo = 1", |reader| {
            let _ = reader.or("shards", 1_u32);
            let _ = reader.or("mode", String::new());
        });
        let help: Vec<&str> = problems.iter().filter_map(|(.., help)| help.as_deref()).collect();
        assert_eq!(help, ["known keys: shards, mode", "did you mean `shards`?"]);
        assert_eq!(problems[1].1, "shrads");
    }

    #[test]
    fn a_table_of_the_wrong_type_is_reported_once() {
        let problems = read("stream = 4", |reader| {
            let mut stream = reader.section("stream");
            assert!(stream.required::<u32>("shards", "4").is_err());
            assert!(stream.optional::<u32>("other").is_err());
            stream.finish();
        });
        assert_eq!(problems.len(), 1, "{problems:?}");
    }

    #[test]
    fn the_closest_word_is_found() {
        assert_eq!(closest("provisoned", &["provisioned", "on-demand"]), Some("provisioned"));
        assert_eq!(closest("on_demand", &["provisioned", "on-demand"]), Some("on-demand"));
        assert_eq!(closest("zebra", &["provisioned", "on-demand"]), None);
        assert_eq!(closest("", &[]), None);
    }
}
