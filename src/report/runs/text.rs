//! Runs side by side as Markdown and as text for a terminal.

use std::fmt::Write as _;

use super::Run;
use super::tables::tables;
use crate::report::markdown::Document;
use crate::report::page::versions;
use crate::report::terminal::printable;

/// The runs as Markdown.
pub fn markdown(runs: &[Run]) -> String {
    let mut out = Document::default();
    out.heading(2, &format!("{} runs side by side", runs.len()));
    for run in runs {
        out.labelled(&format!("{}.", run.label), &sentence(run));
    }
    let head: Vec<&str> = std::iter::once("").chain(runs.iter().map(|run| run.label.as_str())).collect();
    for table in tables(runs) {
        out.heading(3, table.title);
        if !table.note.is_empty() {
            out.paragraph(table.note);
        }
        let rows = table.rows.into_iter().map(|(name, cells)| std::iter::once(name).chain(cells).collect());
        out.table(&head, 0, rows);
    }
    out.list(runs.iter().map(|run| format!("{}: {}", run.label, versions(&run.result.streamgauge_version))));
    out.finish()
}

/// The verdict on a run in a sentence.
pub(super) fn sentence(run: &Run) -> String {
    if run.verdict.void_reasons.is_empty() { run.verdict.sentence.clone() } else { run.verdict.void_reasons.join(" ") }
}

/// The runs as a table for a terminal; `styled` allows colours.
pub fn terminal(runs: &[Run], styled: bool) -> String {
    let tables = tables(runs);
    let name_width = tables.iter().flat_map(|table| &table.rows).map(|(name, _)| width(name)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..runs.len())
        .map(|run| {
            let cells = tables.iter().flat_map(|table| &table.rows).map(|(_, cells)| width(&cells[run]));
            cells.max().unwrap_or(0).max(width(&runs[run].label)).min(CELL_WIDTH_MAX)
        })
        .collect();
    let bold = |text: &str| if styled { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() };
    let mut out = String::new();
    // Writing into a string does not fail.
    for table in &tables {
        let labels = runs.iter().zip(&widths).map(|(run, width)| format!("  {}", cell(&run.label, *width)));
        let padding = " ".repeat(name_width.saturating_sub(width(table.title)));
        let head = format!("{}{padding}{}", table.title, labels.collect::<String>());
        let _ = writeln!(out, "{}", bold(head.trim_end()));
        for (name, cells) in &table.rows {
            let cells = cells.iter().zip(&widths).map(|(text, width)| format!("  {}", cell(text, *width)));
            let line = format!("{}{}", cell(name, name_width), cells.collect::<String>());
            let _ = writeln!(out, "{}", line.trim_end());
        }
        out.push('\n');
    }
    out
}

/// Widest cell of a terminal's table; longer texts are cut there, and whole on the page.
const CELL_WIDTH_MAX: usize = 40;

fn width(text: &str) -> usize {
    text.chars().count()
}

/// A text of exactly so many characters, without what a terminal would obey.
fn cell(text: &str, width: usize) -> String {
    let mut cut: String = printable(text).chars().take(width).collect();
    if text.chars().count() > width {
        cut.pop();
        cut.push('…');
    }
    format!("{cut:width$}")
}
