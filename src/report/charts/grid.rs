//! A grid of values, each in its cell and coloured by its size.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::{CELL_INK, CHARACTER, Chart, HEAT_STEPS, PAPER, anchored, draw, failed, fitting, heat_color, write};

/// A grid: what stands along its sides and in its cells.
#[derive(Debug, Clone)]
pub struct Grid {
    /// What the columns are.
    pub column_name: String,
    /// The columns, from left to right.
    pub columns: Vec<String>,
    /// What the rows are; empty if there is one without a name.
    pub row_name: String,
    /// The rows, from top to bottom.
    pub rows: Vec<String>,
    /// The cells, row by row: a value for the colour and the text to show; `None` where there is no value.
    pub cells: Vec<Option<(f64, String)>>,
}

/// From this step of the scale on, text in the colour of the paper is read more easily than in that of ink.
pub(super) const FROM_HERE_ON_PAPER: usize = 7;
const ROW_HEIGHT: i32 = 34;
const TOP: i32 = 26;
const BOTTOM: i32 = 52;
/// The labels of rows take no more, on a wide page and on a narrow one.
const LEFT_MAX: (i32, i32) = (320, 140);

/// Draws a grid. The colours go from the smallest to the largest value.
pub fn grid(finding: &str, grid: &Grid) -> Chart {
    let (columns, rows) = (grid.columns.len().max(1) as i32, grid.rows.len().max(1) as i32);
    let longest = grid.rows.iter().map(|row| row.chars().count()).max().unwrap_or(0) as i32;
    let height = TOP + rows * ROW_HEIGHT + BOTTOM;
    let values = || grid.cells.iter().flatten().map(|(value, _)| *value);
    let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let step = |value: f64| match most > least {
        true => ((value - least) / (most - least) * (HEAT_STEPS - 1) as f64).round() as usize,
        false => 0,
    };
    draw(
        |_| height,
        finding,
        |canvas, room| {
            let left = (longest * CHARACTER + 20).clamp(20, room.of(LEFT_MAX.0, LEFT_MAX.1));
            let width = room.width() - left - 10;
            let text = |words: &str, at: (i32, i32), style: TextStyle<'_>| write(canvas, words, at, style);
            let x = |column: i32| left + width * column / columns;
            text(&fitting(&grid.row_name, room.width() - 10), (4, 4), anchored(HPos::Left, VPos::Top))?;
            for row in 0..rows {
                let top = TOP + row * ROW_HEIGHT;
                if let Some(label) = grid.rows.get(row as usize) {
                    let at = (left - 8, top + ROW_HEIGHT / 2);
                    text(&fitting(label, left - 12), at, anchored(HPos::Right, VPos::Center))?;
                }
                for column in 0..columns {
                    let Some(Some((value, words))) = grid.cells.get((row * columns + column) as usize) else {
                        continue;
                    };
                    let (step, cell) = (step(*value), [(x(column), top), (x(column + 1) - 2, top + ROW_HEIGHT - 2)]);
                    canvas.draw(&Rectangle::new(cell, heat_color(step).filled())).map_err(failed)?;
                    let ink = if step >= FROM_HERE_ON_PAPER { PAPER } else { CELL_INK };
                    let at = ((x(column) + x(column + 1)) / 2, top + ROW_HEIGHT / 2);
                    let style = anchored(HPos::Center, VPos::Center).color(&ink);
                    if words.chars().count() as i32 * CHARACTER < width / columns {
                        text(words, at, style)?;
                    }
                }
            }
            let bottom = TOP + rows * ROW_HEIGHT;
            let longest = grid.columns.iter().map(|column| column.chars().count()).max().unwrap_or(1) as i32;
            // Where labels would touch, some are left out; the table has them all.
            let every = (longest * CHARACTER + 6).div_euclid((width / columns).max(1)).max(0) as usize + 1;
            for (column, label) in grid.columns.iter().enumerate().step_by(every) {
                let at = ((x(column as i32) + x(column as i32 + 1)) / 2, bottom + 6);
                text(&fitting(label, width / columns * every as i32), at, anchored(HPos::Center, VPos::Top))?;
            }
            let at = (left + width / 2, bottom + 28);
            text(&fitting(&grid.column_name, width), at, anchored(HPos::Center, VPos::Top))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(columns: usize, rows: usize, cells: Vec<Option<(f64, String)>>) -> Grid {
        let names = |count: usize, word: &str| (0..count).map(|n| format!("{word} {n}")).collect();
        Grid {
            column_name: "columns".to_owned(),
            columns: names(columns, "c"),
            row_name: "rows".to_owned(),
            rows: names(rows, "r"),
            cells,
        }
    }

    #[test]
    fn every_value_is_in_its_colour_and_what_is_missing_is_empty() {
        let value = |value: f64| Some((value, format!("{value} %")));
        let svg = grid("title", &of(2, 2, vec![value(1.0), value(2.0), None, value(3.0)])).wide;
        for (text, color) in [("1 %", "--heat-0"), ("2 %", "--heat-5"), ("3 %", "--heat-10")] {
            assert!(svg.contains(text) && svg.contains(color), "{text}");
        }
        assert_eq!(svg.matches("--heat-").count(), 3);
    }

    #[test]
    fn any_shape_is_drawn() {
        for (columns, rows) in [(0, 0), (1, 1), (1, 300), (1_000, 1)] {
            let cells = (0..columns * rows).map(|n| Some((n as f64, "a very long text indeed".repeat(9)))).collect();
            assert!(grid("title", &of(columns, rows, cells)).narrow.contains("</svg>"), "{columns} x {rows}");
        }
    }
}
