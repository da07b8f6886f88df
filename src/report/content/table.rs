//! Tables of a report.

use super::Depth;
use super::text::{Status, Text};

/// A cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// What stands in it.
    pub text: Text,
    /// A list below the text, in its order.
    pub items: Vec<Text>,
    /// The text where there is little room.
    pub brief: Option<String>,
}

impl<T: Into<Text>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

impl Cell {
    /// Words with what they come to.
    pub fn status(status: Status, words: impl Into<String>) -> Self {
        Text::default().status(status, words).into()
    }

    /// With fewer words where there is little room.
    pub fn or_in_brief(self, words: impl Into<String>) -> Self {
        Self { brief: Some(words.into()), ..self }
    }

    /// A list.
    pub fn list(items: Vec<Text>) -> Self {
        Self { items, ..Self::default() }
    }
}

/// What a column is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What a row is called.
    Name,
    /// Words.
    Words,
    /// Long texts.
    Prose,
    /// Numbers.
    Number,
    /// Numbers of many digits, which are seldom read.
    SmallNumber,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its head.
    pub head: String,
    /// What it is of.
    pub kind: Kind,
    /// From which depth on it is shown.
    pub depth: Depth,
    /// Whether a page sets it below the cells of the column before it.
    pub below: bool,
}

impl Column {
    fn new(head: impl Into<String>, kind: Kind) -> Self {
        Self { head: head.into(), kind, depth: Depth::Summary, below: false }
    }

    /// A column of what the rows are called.
    pub fn name(head: impl Into<String>) -> Self {
        Self::new(head, Kind::Name)
    }

    /// A column of words.
    pub fn words(head: impl Into<String>) -> Self {
        Self::new(head, Kind::Words)
    }

    /// A column of long texts.
    pub fn prose(head: impl Into<String>) -> Self {
        Self::new(head, Kind::Prose)
    }

    /// A column of numbers.
    pub fn number(head: impl Into<String>) -> Self {
        Self::new(head, Kind::Number)
    }

    /// A column of numbers of many digits.
    pub fn small_number(head: impl Into<String>) -> Self {
        Self::new(head, Kind::SmallNumber)
    }

    /// From a depth on only.
    pub fn from(self, depth: Depth) -> Self {
        Self { depth, ..self }
    }

    /// Below the column before it, on a page.
    pub fn below(self) -> Self {
        Self { below: true, ..self }
    }
}

/// How a table is written where it cannot be as wide as on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// In columns.
    Grid,
    /// A sentence for each row: `name: 5 accepted, 4 delivered`. In a terminal only; Markdown has columns.
    Sentences,
    /// An entry for each row, with a line for each of its texts.
    Entries,
}

/// What there is to know of the rows of a table that grows with the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// What the rows are.
    pub rows: &'static str,
    /// Which rows are shown where not all are, after "the 20 shards of 3,000": `that throttled the most`. Without words: the first.
    pub chosen: &'static str,
    /// The places of these rows, the most important first; empty for their own order.
    pub order: Vec<usize>,
    /// So many are shown by every writer.
    pub always: usize,
    /// What has all of them.
    pub all_in: &'static str,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What it is of.
    pub caption: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, as long as the columns are many.
    pub rows: Vec<Vec<Cell>>,
    /// How it is written where there is little room.
    pub layout: Layout,
    /// How its rows grow with the run; `None` for a table of always about the same size, which is shown whole.
    pub growth: Option<Growth>,
    /// On a page: the words on which it unfolds.
    pub unfolds: Option<String>,
}

impl Table {
    /// A table.
    pub fn new(caption: impl Into<String>, columns: impl IntoIterator<Item = Column>) -> Self {
        Self {
            caption: caption.into(),
            columns: columns.into_iter().collect(),
            rows: Vec::new(),
            layout: Layout::Grid,
            growth: None,
            unfolds: None,
        }
    }

    /// With a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let mut cells: Vec<Cell> = cells.into_iter().collect();
        cells.resize(self.columns.len(), Cell::default());
        self.rows.push(cells);
    }

    /// With rows.
    pub fn rows<R: IntoIterator<Item = Cell>>(mut self, rows: impl IntoIterator<Item = R>) -> Self {
        for row in rows {
            self.row(row);
        }
        self
    }

    /// Written otherwise where there is little room.
    pub fn layout(self, layout: Layout) -> Self {
        Self { layout, ..self }
    }

    /// One that unfolds on a page.
    pub fn unfolding(self, summary: impl Into<String>) -> Self {
        Self { unfolds: Some(summary.into()), ..self }
    }

    /// One that grows with the run, of which the first rows are the most important.
    pub fn growing(self, rows: &'static str) -> Self {
        self.growing_by(rows, "", Vec::new())
    }

    /// One that grows with the run; see [`Growth`].
    pub fn growing_by(self, rows: &'static str, chosen: &'static str, order: Vec<usize>) -> Self {
        Self { growth: Some(Growth { rows, chosen, order, always: 0, all_in: "the page" }), ..self }
    }

    /// One that grows, of which every writer shows so many rows, and which is whole elsewhere than on the page.
    pub fn whole_in(mut self, all_in: &'static str, always: usize) -> Self {
        if let Some(growth) = &mut self.growth {
            (growth.all_in, growth.always) = (all_in, always);
        }
        self
    }

    /// The rows that a writer shows who shows so many of a table that grows, and what it says of those that it leaves out.
    pub fn shown(&self, limit: usize) -> (Vec<&[Cell]>, Option<String>) {
        let all = || self.rows.iter().map(Vec::as_slice);
        let limit = limit.max(self.growth.as_ref().map_or(0, |growth| growth.always));
        let Some(growth) = self.growth.as_ref().filter(|_| self.rows.len() > limit) else {
            return (all().collect(), None);
        };
        let chosen: Vec<&[Cell]> = if growth.order.is_empty() {
            all().take(limit).collect()
        } else {
            growth.order.iter().take(limit).filter_map(|row| self.rows.get(*row)).map(Vec::as_slice).collect()
        };
        let (shown, of) = (super::count(chosen.len()), super::count(self.rows.len()));
        let words = match growth.chosen {
            "" => format!("The first {shown} {} of {of}", growth.rows),
            chosen => format!("The {shown} {} of {of} {chosen}", growth.rows),
        };
        (chosen, Some(format!("{words}; {} has all of them", growth.all_in)))
    }
}
