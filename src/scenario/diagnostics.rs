//! Problems of a scenario, each shown at its place in the file.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str};
use serde::Serialize;

/// One problem of a scenario: what is wrong, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong.
    pub message: String,
    /// The places that it is about, the most important one first. They count bytes through the text of the file and
    /// then through the text of each override.
    pub labels: Vec<(Range<usize>, String)>,
    /// What to do.
    pub help: Option<String>,
}

/// All problems of one scenario, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    problems: Vec<Diagnostic>,
    sources: Sources,
}

/// A place in a scenario, for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file, or `--set`.
    pub source: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is there; may be empty.
    pub label: String,
}

/// The texts that a scenario is read from, laid end to end: a position names the text and the place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sources(Vec<Source>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    name: String,
    text: String,
    start: usize,
}

impl Diagnostic {
    /// A problem without a place and without advice.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), labels: Vec::new(), help: None }
    }

    /// Adds a place, if there is one; a value that was not written has none.
    pub(super) fn at(mut self, place: Option<Range<usize>>, label: impl Into<String>) -> Self {
        self.labels.extend(place.map(|place| (place, label.into())));
        self
    }

    /// Says what to do.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl Diagnostics {
    pub(super) fn new(mut problems: Vec<Diagnostic>, sources: Sources) -> Self {
        problems.sort_by_key(|problem| problem.labels.first().map(|(place, _)| place.start));
        Self { problems, sources }
    }

    /// The problems, in the order of the file.
    pub fn problems(&self) -> &[Diagnostic] {
        &self.problems
    }

    /// Where a problem is, the most important place first.
    pub fn places(&self, problem: &Diagnostic) -> Vec<Place> {
        problem.labels.iter().filter_map(|(place, label)| self.sources.place(place.start, label)).collect()
    }

    /// The problems as text for people, with colours if `styled`.
    pub fn render(&self, styled: bool) -> String {
        let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
        let mut out = String::new();
        for problem in &self.problems {
            out.push_str(&renderer.render(&[self.sources.show(problem)]));
            out.push_str("\n\n");
        }
        let noun = if self.problems.len() == 1 { "problem" } else { "problems" };
        out.push_str(&format!("{} {noun} in {}", self.problems.len(), self.sources.file()));
        without_c1(&out)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

impl Sources {
    /// The file alone.
    pub(super) fn new(name: String, text: String) -> Self {
        Self(vec![Source { name, text, start: 0 }])
    }

    /// Adds a text and gives the position where it starts.
    pub(super) fn add(&mut self, name: &str, text: &str) -> usize {
        // One position lies between two texts, so that the end of one is not the start of the next.
        let start = self.0.last().map_or(0, |last| last.start + last.text.len() + 1);
        self.0.push(Source { name: name.to_owned(), text: text.to_owned(), start });
        start
    }

    fn file(&self) -> String {
        self.0.first().map(|source| normalize_untrusted_str(&source.name)).unwrap_or_default()
    }

    fn place(&self, position: usize, label: &str) -> Option<Place> {
        let source = self.0.get(self.index(position))?;
        let before = &source.text[..source.text.floor_char_boundary(position.saturating_sub(source.start))];
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        let line = before.matches('\n').count() + 1;
        Some(Place { source: source.name.clone(), line, column, label: label.to_owned() })
    }

    fn show<'a>(&'a self, problem: &'a Diagnostic) -> Group<'a> {
        let title = Level::ERROR.primary_title(problem.message.as_str());
        let mut group = Group::with_title(title);
        if problem.labels.is_empty() {
            group = group.element(Origin::path(self.file()));
        }
        let mut shown: Vec<usize> = Vec::new();
        for (place, _) in &problem.labels {
            let index = self.index(place.start);
            if !shown.contains(&index) {
                shown.push(index);
                group = group.elements(self.snippet(index, problem));
            }
        }
        if let Some(help) = &problem.help {
            group = group.element(Level::HELP.message(normalize_untrusted_str(help)));
        }
        group
    }

    /// The text at `index` with all labels that lie in it.
    fn snippet<'a>(
        &'a self,
        index: usize,
        problem: &'a Diagnostic,
    ) -> Option<Snippet<'a, annotate_snippets::Annotation<'a>>> {
        let source = self.0.get(index)?;
        let mut snippet = Snippet::source(source.text.as_str()).path(normalize_untrusted_str(&source.name));
        for (position, (place, label)) in problem.labels.iter().enumerate() {
            if self.index(place.start) == index {
                let kind = if position == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
                let label = Some(normalize_untrusted_str(label)).filter(|label| !label.is_empty());
                snippet = snippet.annotation(kind.span(source.clip(place)).label(label));
            }
        }
        Some(snippet)
    }

    /// The index of the text that `position` lies in.
    fn index(&self, position: usize) -> usize {
        self.0.partition_point(|source| source.start <= position).saturating_sub(1)
    }
}

/// Replaces the control characters that the renderer lets pass: U+009B is to a terminal what escape and `[` are.
fn without_c1(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '\u{80}'..='\u{9f}') { '\u{fffd}' } else { c }).collect()
}

impl Source {
    /// `place` within this text, on character boundaries and on one line: a label over many lines hides its subject.
    fn clip(&self, place: &Range<usize>) -> Range<usize> {
        let start = self.text.floor_char_boundary(place.start.saturating_sub(self.start));
        let end = self.text.ceil_char_boundary(place.end.saturating_sub(self.start)).max(start);
        let first_line = self.text[start..end].lines().next().unwrap_or_default();
        start..start + first_line.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(problems: Vec<Diagnostic>) -> String {
        let mut sources = Sources::new("load.toml".to_owned(), "rate = 1\nsize = 2\n".to_owned());
        let start = sources.add("--set", "rate=3");
        assert_eq!(start, 19);
        Diagnostics::new(problems, sources).render(false)
    }

    #[test]
    fn problems_are_shown_in_the_order_of_the_file() {
        let text = rendered(vec![
            Diagnostic::new("second").at(Some(16..17), ""),
            Diagnostic::new("first").at(Some(7..8), "here").help("do better"),
        ]);
        assert!(text.find("first") < text.find("second"), "{text}");
        assert!(text.contains("load.toml:1:8"), "{text}");
        assert!(text.contains("help: do better"), "{text}");
        assert!(text.ends_with("2 problems in load.toml"), "{text}");
    }

    #[test]
    fn a_problem_can_point_into_the_file_and_into_an_override() {
        let text = rendered(vec![Diagnostic::new("no").at(Some(24..25), "this").at(Some(16..17), "and that")]);
        assert!(text.contains("--set:1:6"), "{text}");
        assert!(text.contains("and that"), "{text}");
        assert!(text.ends_with("1 problem in load.toml"), "{text}");
    }

    #[test]
    fn places_are_lines_and_columns() {
        let mut sources = Sources::new("load.toml".to_owned(), "ä = 1\nb = ö\n".to_owned());
        let start = sources.add("--set", "rate=3");
        let problem = Diagnostic::new("no").at(Some(11..12), "this").at(Some(start + 5..start + 6), "that");
        let places = Diagnostics::new(vec![problem.clone()], sources).places(&problem);
        let places: Vec<_> = places.iter().map(|p| (p.source.as_str(), p.line, p.column, p.label.as_str())).collect();
        assert_eq!(places, [("load.toml", 2, 5, "this"), ("--set", 1, 6, "that")]);
    }

    #[test]
    fn a_problem_without_a_place_names_the_file() {
        assert!(rendered(vec![Diagnostic::new("empty")]).contains("--> load.toml"));
    }

    #[test]
    fn nothing_in_a_scenario_commands_the_terminal() {
        let evil = "\u{1b}[2J\u{9b}2J";
        let mut sources = Sources::new(format!("a{evil}.toml"), format!("b = \"{evil}\"\n"));
        sources.add(evil, evil);
        let problems = [0, 14].map(|at| Diagnostic::new(evil).at(Some(at..at + 1), evil).help(evil));
        let text = Diagnostics::new([&problems[..], &[Diagnostic::new(evil)]].concat(), sources).render(false);
        assert!(!text.contains(['\u{1b}', '\u{9b}']), "{text:?}");
        assert!(text.contains("[2J"), "{text}");
    }

    #[test]
    fn only_a_styled_text_has_colour_codes() {
        let sources = Sources::new("a".to_owned(), "b".to_owned());
        let diagnostics = Diagnostics::new(vec![Diagnostic::new("c").at(Some(0..1), "d")], sources);
        assert!(diagnostics.render(true).contains('\u{1b}'));
        assert!(!diagnostics.render(false).contains('\u{1b}'));
    }

    #[test]
    fn places_beyond_the_text_or_inside_a_character_are_moved() {
        for place in [0..1, 1..2, 2..2, 3..900, 5..5] {
            let sources = Sources::new("a".to_owned(), "aé\n".to_owned());
            let text = Diagnostics::new(vec![Diagnostic::new("c").at(Some(place), "d")], sources).render(false);
            assert!(text.contains("error: c"), "{text}");
        }
    }
}
