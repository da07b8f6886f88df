//! Reports as Markdown, for the summary of a CI job or a comment: the verdict first.

mod writer;

use writer::Document;

use super::content::{
    Block, Cell, Column, Depth, Head, Kind, Layout, Manner, Part, Report, Section, Span, Table, Text,
};
use super::words::printable;

/// Most rows of a table that grows with the run, and most lines of one kind; the page has all of them.
const ROWS_MAX: usize = 20;
/// What Markdown shows of a report.
pub(super) const DEPTH: Depth = Depth::Report;

/// A report as Markdown, with a first heading of that level.
pub fn markdown(report: &Report<'_>, level: usize) -> String {
    let mut out = Document::default();
    head(&mut out, &report.head, level);
    for of in &report.sections {
        section(&mut out, of, level + 1);
    }
    for line in &report.foot {
        out.paragraph(line);
    }
    out.finish()
}

fn head(out: &mut Document, head: &Head<'_>, level: usize) {
    let (verdicts, others): (Vec<_>, Vec<_>) =
        shown(&head.parts).partition(|part| matches!(part.block, Block::Paragraph(Manner::Verdict, _)));
    let banners = head.banners.as_slice();
    match banners {
        [banner] => out.heading(level, &format!("{}: {}", head.title, banner.headline())),
        _ => out.heading(level, &head.title),
    }
    for of in verdicts {
        part(out, of, level);
    }
    for banner in banners {
        if banners.len() > 1 {
            out.labelled(&format!("{}. ", banner.headline()), &banner.lines.join(" "));
            continue;
        }
        for line in banner.lines.iter().chain([&banner.rest]).filter(|line| !line.is_empty()) {
            out.paragraph(line);
        }
    }
    if let Some(question) = &head.question {
        out.labelled("Question. ", question);
    }
    for of in others {
        part(out, of, level);
    }
}

fn shown<'a, 'b>(parts: &'b [Part<'a>]) -> impl Iterator<Item = &'b Part<'a>> {
    parts.iter().filter(|part| part.depth <= DEPTH)
}

fn section(out: &mut Document, section: &Section<'_>, level: usize) {
    if shown(&section.parts).next().is_none() {
        return;
    }
    out.heading(level, &section.title);
    for of in shown(&section.parts) {
        part(out, of, level);
    }
}

fn part(out: &mut Document, part: &Part<'_>, level: usize) {
    match &part.block {
        Block::Paragraph(Manner::Verdict, words) => out.labelled("Verdict. ", &words.words()),
        Block::Paragraph(_, words) => paragraph(out, words),
        Block::Lines(Manner::Warning | Manner::Subject | Manner::Verdict, lines) => {
            for words in lines.iter().take(ROWS_MAX) {
                paragraph(out, words);
            }
            if let Some(more) = more(lines.len()) {
                out.paragraph(&more);
            }
        }
        Block::Lines(Manner::Plain | Manner::Note | Manner::List, lines) => list(out, lines),
        Block::Equation(sum) => out.paragraph(sum),
        Block::Heading(words) => out.heading(level + 1, words),
        Block::Table(of) => table(out, of),
        Block::Figure(figure) => out.paragraph(&figure.says),
        Block::Unfolding(summary, lines) => {
            out.paragraph(&format!("{summary}:"));
            list(out, lines);
        }
        Block::File(..) => {}
    }
}

fn paragraph(out: &mut Document, words: &Text) {
    match words.0.split_first() {
        Some((Span::Strong(label), rest)) => out.labelled(label, &Text(rest.to_vec()).words()),
        _ => out.paragraph(&words.words()),
    }
}

fn list(out: &mut Document, lines: &[Text]) {
    out.list(lines.iter().take(ROWS_MAX).map(Text::words).chain(more(lines.len())));
}

fn more(lines: usize) -> Option<String> {
    let more = lines.checked_sub(ROWS_MAX).filter(|more| *more > 0)?;
    Some(format!("And {} more, all of them on the page.", crate::units::count(more as u64)))
}

fn table(out: &mut Document, table: &Table) {
    let (rows, chosen) = table.shown(ROWS_MAX);
    match table.layout {
        Layout::Entries => {
            for row in rows {
                entry(out, &table.columns, row);
            }
        }
        Layout::Grid | Layout::Sentences => grid(out, &table.columns, &rows),
    }
    if let Some(chosen) = chosen {
        out.paragraph(&format!("{chosen}."));
    }
}

fn grid(out: &mut Document, columns: &[Column], rows: &[&[Cell]]) {
    let shown = |column: &Column| column.depth <= DEPTH;
    let heads = columns.iter().filter(|column| shown(column));
    let heads: Vec<(&str, bool)> =
        heads.map(|column| (column.head.as_str(), matches!(column.kind, Kind::Number | Kind::SmallNumber))).collect();
    let cells = |row: &&[Cell]| {
        let cells = columns.iter().zip(row.iter()).filter(|(column, _)| shown(column));
        cells.map(|(_, cell)| words(cell)).collect()
    };
    out.table(&heads, rows.iter().map(cells));
}

fn words(cell: &Cell) -> String {
    let items = cell.items.iter().map(Text::words);
    std::iter::once(cell.text.words()).chain(items).filter(|words| !words.is_empty()).collect::<Vec<_>>().join("; ")
}

/// A row as an entry of a list: its name, then what each column says.
fn entry(out: &mut Document, columns: &[Column], row: &[Cell]) {
    let mut name = String::new();
    let mut facts = Vec::new();
    for (column, cell) in columns.iter().zip(row).filter(|(column, _)| column.depth <= DEPTH) {
        match column.kind {
            Kind::Name => name = words(cell),
            _ if cell.text.is_empty() && cell.items.is_empty() => {}
            _ => facts.push((column.head.clone(), cell.text.words(), cell.items.iter().map(Text::words).collect())),
        }
    }
    out.entry(&printable(&name), facts);
}
