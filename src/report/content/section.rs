//! Reports, their sections, and what those are made of.

use super::Depth;
use super::figure::Figure;
use super::table::Table;
use super::text::{Status, Text};

/// How lines are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As they are.
    Plain,
    /// Entries of a list.
    List,
    /// Beside the matter.
    Note,
    /// Whoever reads the figures has to know them.
    Warning,
    /// What a report is of.
    Subject,
    /// What it comes to.
    Verdict,
}

/// A piece of a section.
#[derive(Debug)]
pub enum Block<'a> {
    /// A sentence or more, in one piece.
    Paragraph(Manner, Text),
    /// Several of one kind.
    Lines(Manner, Vec<Text>),
    /// A sum.
    Equation(String),
    /// A heading within the section.
    Heading(String),
    /// A table.
    Table(Table),
    /// A figure.
    Figure(Box<Figure<'a>>),
    /// A list that unfolds on a page.
    Unfolding(String, Vec<Text>),
    /// A file that unfolds on a page.
    File(String, String),
}

/// A piece, and from which depth on it is shown.
#[derive(Debug)]
pub struct Part<'a> {
    /// From which depth on.
    pub depth: Depth,
    /// What it is.
    pub block: Block<'a>,
}

/// The parts of a section, or of the head of a report, as they are put together.
#[derive(Debug, Default)]
pub struct Parts<'a>(pub Vec<Part<'a>>);

impl<'a> Parts<'a> {
    fn push(&mut self, depth: Depth, block: Block<'a>) {
        self.0.push(Part { depth, block });
    }

    /// A paragraph; nothing without words.
    pub fn paragraph(&mut self, depth: Depth, text: impl Into<Text>) {
        self.in_manner(depth, Manner::Plain, text);
    }

    /// A note.
    pub fn note(&mut self, depth: Depth, text: impl Into<Text>) {
        self.in_manner(depth, Manner::Note, text);
    }

    /// A warning.
    pub fn warning(&mut self, depth: Depth, text: impl Into<Text>) {
        self.in_manner(depth, Manner::Warning, text);
    }

    /// A paragraph in some manner; nothing without words.
    pub fn in_manner(&mut self, depth: Depth, manner: Manner, text: impl Into<Text>) {
        let text = text.into();
        if !text.is_empty() {
            self.push(depth, Block::Paragraph(manner, text));
        }
    }

    /// Several lines; nothing without any.
    pub fn lines<T: Into<Text>>(&mut self, depth: Depth, manner: Manner, lines: impl IntoIterator<Item = T>) {
        let lines: Vec<Text> = lines.into_iter().map(Into::into).collect();
        if !lines.is_empty() {
            self.push(depth, Block::Lines(manner, lines));
        }
    }

    /// A sum.
    pub fn equation(&mut self, depth: Depth, sum: String) {
        self.push(depth, Block::Equation(sum));
    }

    /// A heading.
    pub fn heading(&mut self, depth: Depth, words: impl Into<String>) {
        self.push(depth, Block::Heading(words.into()));
    }

    /// A table.
    pub fn table(&mut self, depth: Depth, table: Table) {
        self.push(depth, Block::Table(table));
    }

    /// A figure.
    pub fn figure(&mut self, depth: Depth, figure: Figure<'a>) {
        self.push(depth, Block::Figure(Box::new(figure)));
    }

    /// A list that unfolds on a page.
    pub fn unfolding(&mut self, depth: Depth, summary: &str, lines: impl IntoIterator<Item = String>) {
        self.push(depth, Block::Unfolding(summary.to_owned(), lines.into_iter().map(Text::from).collect()));
    }

    /// A file that unfolds on a page.
    pub fn file(&mut self, depth: Depth, summary: &str, text: &str) {
        self.push(depth, Block::File(summary.to_owned(), text.to_owned()));
    }
}

/// A section.
#[derive(Debug)]
pub struct Section<'a> {
    /// Where links lead to.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// What stands below the heading.
    pub parts: Vec<Part<'a>>,
}

impl<'a> Section<'a> {
    /// A section.
    pub fn new(id: impl Into<String>, title: impl Into<String>, parts: Parts<'a>) -> Self {
        Self { id: id.into(), title: title.into(), parts: parts.0 }
    }
}

/// What a run, a bench or the like comes to, where it is seen first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Banner {
    /// Whether that is good; `None` for what does not count.
    pub status: Option<Status>,
    /// What it is of, where a report is of several.
    pub of: Option<String>,
    /// In a few words.
    pub words: String,
    /// What goes on behind them.
    pub rest: String,
    /// What stands below.
    pub lines: Vec<String>,
}

impl Banner {
    /// The words, behind what they are of.
    pub fn headline(&self) -> String {
        self.of.as_ref().map_or_else(|| self.words.clone(), |of| format!("{of}: {}", self.words))
    }
}

/// The head of a report.
#[derive(Debug, Default)]
pub struct Head<'a> {
    /// What kind of report it is.
    pub kicker: String,
    /// When what it is of began, behind the kicker.
    pub began: Option<String>,
    /// Its heading.
    pub title: String,
    /// Where its figures are from, in a few words; a page says it in a sentence.
    pub place: String,
    /// The question that it answers.
    pub question: Option<String>,
    /// What it comes to.
    pub banners: Vec<Banner>,
    /// What else stands there.
    pub parts: Vec<Part<'a>>,
}

/// Where figures are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The embedded emulator, or virtual time.
    Model,
    /// Somewhere else.
    Endpoint,
    /// AWS itself.
    Aws,
    /// Runs from several of these.
    Mixed,
}

/// A report.
#[derive(Debug)]
pub struct Report<'a> {
    /// The title of its page.
    pub title: String,
    /// Where its figures are from.
    pub source: Source,
    /// Its head.
    pub head: Head<'a>,
    /// Its sections, in their order.
    pub sections: Vec<Section<'a>>,
    /// Which program made it, and the like.
    pub foot: Vec<String>,
    /// What stands at the end of its page beside that.
    pub page_foot: String,
}
