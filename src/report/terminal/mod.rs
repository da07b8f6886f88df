//! Reports as text for a terminal.

mod grid;
mod style;

use std::fmt::Write as _;
use std::path::Path;

pub use style::Style;
use style::{TOGETHER, wrapped};

use super::content::{
    Banner, Block, Cell, Column, Depth, Head, Kind, Layout, Manner, Part, Report, Section, Status, Table, Text,
};
use super::words::printable;

/// Most rows of a table that grows with the run, and most lines of one kind; the page has all of them.
const ROWS_MAX: usize = 12;

/// A report down to a depth. `styled` allows colours.
pub fn terminal(report: &Report<'_>, depth: Depth, styled: bool) -> String {
    let mut out = Writer { out: String::new(), depth, style: Style { styled } };
    out.head(&report.head);
    out.sections(&report.sections);
    out.out
}

/// Sections alone, down to a depth.
pub fn sections(sections: &[Section<'_>], depth: Depth, styled: bool) -> String {
    let mut out = Writer { out: String::new(), depth, style: Style { styled } };
    out.sections(sections);
    out.out
}

/// Where a report was written, as the last line.
pub fn written(directory: &Path, file: &str) -> String {
    format!("report  {}\n", printable(&directory.join(file).display().to_string()))
}

struct Writer {
    out: String,
    depth: Depth,
    style: Style,
}

impl Writer {
    fn line(&mut self, line: &str) {
        // Writing into a string does not fail.
        let _ = writeln!(self.out, "{line}");
    }

    fn words(&mut self, words: &Text, indent: &str) {
        let lines = wrapped(words, indent, self.style);
        self.line(&lines);
    }

    fn head(&mut self, head: &Head<'_>) {
        let title = self.style.bold(&printable(&head.title));
        self.line(format!("{title}  {}", printable(&head.place)).trim_end());
        for banner in &head.banners {
            self.banner(banner);
        }
        for part in &head.parts {
            self.part(part);
        }
    }

    fn banner(&mut self, banner: &Banner) {
        let words = printable(&banner.headline());
        let words = match banner.status {
            Some(status) => self.style.status(status, &words),
            None => self.style.status(Status::Bad, &words),
        };
        self.line(&words);
        for line in &banner.lines {
            self.words(&line.as_str().into(), "  ");
        }
    }

    fn sections(&mut self, sections: &[Section<'_>]) {
        for section in sections {
            let depth = self.depth;
            if !section.parts.iter().any(|part| part.depth <= depth) {
                continue;
            }
            if !self.out.is_empty() {
                self.out.push('\n');
            }
            let title = self.style.bold(&printable(&section.title));
            self.line(&title);
            for part in &section.parts {
                self.part(part);
            }
        }
    }

    fn part(&mut self, part: &Part<'_>) {
        if part.depth > self.depth {
            return;
        }
        match &part.block {
            Block::Paragraph(_, words) => self.words(words, "  "),
            Block::Lines(Manner::List, lines) => self.lines(lines, "  · ", lines.len()),
            Block::Lines(_, lines) => self.lines(lines, "  ", ROWS_MAX),
            Block::Equation(sum) => self.words(&sum.as_str().into(), "  "),
            Block::Heading(words) => {
                let heading = self.style.bold(&printable(words));
                self.line(&format!("\n  {heading}"));
            }
            Block::Table(of) => self.table(of),
            Block::Figure(figure) => self.words(&figure.says.as_str().into(), "  "),
            Block::Unfolding(summary, lines) => {
                self.words(&format!("{summary}:").into(), "  ");
                self.lines(lines, "  · ", lines.len());
            }
            Block::File(..) => {}
        }
    }

    fn lines(&mut self, lines: &[Text], indent: &str, most: usize) {
        for words in lines.iter().take(most) {
            self.words(words, indent);
        }
        if lines.len() > most {
            let more = crate::units::count((lines.len() - most) as u64);
            self.words(&format!("And {more} more, all of them in the report.").into(), indent);
        }
    }

    fn table(&mut self, table: &Table) {
        let (rows, chosen) = table.shown(ROWS_MAX);
        let shown: Vec<usize> =
            (0..table.columns.len()).filter(|column| table.columns[*column].depth <= self.depth).collect();
        match table.layout {
            Layout::Grid => {
                let columns: Vec<&Column> = shown.iter().map(|column| &table.columns[*column]).collect();
                let rows: Vec<Vec<&Cell>> =
                    rows.iter().map(|row| shown.iter().filter_map(|column| row.get(*column)).collect()).collect();
                let grid = grid::grid(&columns, &rows, self.style);
                self.out.push_str(&grid);
            }
            Layout::Sentences => {
                for row in rows {
                    self.sentence(table, &shown, row);
                }
            }
            Layout::Entries => {
                for row in rows {
                    self.entry(table, &shown, row);
                }
            }
        }
        if let Some(chosen) = chosen {
            self.words(&format!("{chosen}.").into(), "  ");
        }
    }

    /// `name: 5 accepted, 4 delivered`.
    fn sentence(&mut self, table: &Table, shown: &[usize], row: &[Cell]) {
        let cells = shown.iter().filter_map(|column| Some((table.columns.get(*column)?, row.get(*column)?)));
        let (names, facts): (Vec<_>, Vec<_>) = cells.partition(|(column, _)| column.kind == Kind::Name);
        let names: Vec<String> = names.iter().map(|(_, cell)| cell.text.words()).collect();
        let fact = |(column, cell): &(&Column, &Cell)| match column.kind {
            Kind::Number | Kind::SmallNumber => {
                format!("{} {}", cell.text.words(), column.head.to_lowercase()).replace(' ', TOGETHER)
            }
            _ => cell.text.words(),
        };
        let facts: Vec<String> = facts.iter().map(fact).collect();
        self.words(&format!("{}: {}", names.join(", "), facts.join(", ")).into(), "  ");
    }

    /// The name of a row, and below it what each column says.
    fn entry(&mut self, table: &Table, shown: &[usize], row: &[Cell]) {
        for (column, cell) in shown.iter().filter_map(|column| Some((table.columns.get(*column)?, row.get(*column)?))) {
            if column.kind == Kind::Name {
                self.words(&cell.text, "  ");
                continue;
            }
            if cell.text.is_empty() && cell.items.is_empty() {
                continue;
            }
            let head = format!("{}: ", column.head.to_lowercase());
            let text = Text(std::iter::once(Text::from(head).0).chain([cell.text.0.clone()]).flatten().collect());
            self.words(&text, "    ");
            for (number, item) in (1..).zip(&cell.items) {
                let item = Text::from(format!("{number}. ")).0.into_iter().chain(item.0.iter().cloned());
                self.words(&Text(item.collect()), "      ");
            }
        }
    }
}
