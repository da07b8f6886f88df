//! Tables of a terminal: columns as wide as what stands in them.

use super::style::{Style, styled};
use crate::report::content::{Cell, Column, Kind};
use crate::report::words::printable;

/// Widest cell; what is longer is cut there, and whole in the report. The one column of long texts may end a line as it likes.
const CELL_MAX: usize = 40;

/// A table in lines, each with its end.
pub fn grid(columns: &[&Column], rows: &[Vec<&Cell>], style: Style) -> String {
    let long = columns.iter().filter(|column| column.kind == Kind::Prose).count();
    let last = if long > 1 { None } else { columns.len().checked_sub(1) };
    let cells: Vec<Vec<(String, usize)>> = rows
        .iter()
        .map(|row| row.iter().enumerate().map(|(place, cell)| fitted(cell, Some(place) == last, style)).collect())
        .collect();
    let width = |column: usize| {
        let cells = cells.iter().filter_map(|row| row.get(column)).map(|(_, width)| *width);
        cells.max().unwrap_or_default().max(columns[column].head.chars().count())
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |cells: Vec<(String, usize)>| {
        let mut out = String::from(" ");
        for (((cell, width), column), wide) in cells.iter().zip(columns).zip(&widths) {
            let padding = " ".repeat(wide.saturating_sub(*width));
            let padded = match column.kind {
                Kind::Number | Kind::SmallNumber => format!(" {padding}{cell}"),
                Kind::Name | Kind::Words | Kind::Prose => format!(" {cell}{padding}"),
            };
            out.push_str(&padded);
            out.push(' ');
        }
        out.trim_end().to_owned() + "\n"
    };
    let heads = columns.iter().map(|column| {
        let head = printable(&column.head);
        (style.dim(&head), head.chars().count())
    });
    std::iter::once(line(heads.collect())).chain(cells.into_iter().map(line)).collect()
}

/// A cell and its width.
fn fitted(cell: &Cell, last: bool, style: Style) -> (String, usize) {
    let brief = cell.brief.as_ref().map(|words| words.as_str().into());
    let text = brief.as_ref().unwrap_or(&cell.text);
    let (written, width) = styled(text, style);
    if last || width <= CELL_MAX {
        return (written, width);
    }
    let cut: String = printable(&text.words()).chars().take(CELL_MAX - 1).chain(['…']).collect();
    (cut, CELL_MAX)
}
