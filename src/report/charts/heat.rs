//! The heat map of the shards, and bars of predicted against measured utilisation.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::{
    Canvas, Failure, HEAT_STEPS, INK, PAPER, THROTTLED, WIDTH, anchored, draw, failed, font, heat_color, series_color,
};
use crate::plan::{ShardForecast, ShardHeat};

const LEFT: i32 = 92;
const RIGHT: i32 = 12;
const BOTTOM: i32 = 48;
const ROWS_MAX: usize = 64;
const COLUMNS_MAX: usize = 300;

/// A cell of the heat map: the highest utilisation of what it stands for, and whether any of it was throttled.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    utilisation: f64,
    throttled: bool,
}

/// Draws utilisation per shard and second. Many shards or seconds share a cell, which then shows the highest of them.
pub fn heat_map(title: &str, heat: &[ShardHeat]) -> String {
    let seconds = heat.iter().map(|row| row.seconds.len()).max().unwrap_or(0);
    if heat.is_empty() || seconds == 0 {
        return maud::html! { p class="note" { "No second of load was recorded." } }.into_string();
    }
    let per_row = heat.len().div_ceil(ROWS_MAX);
    let per_column = seconds.div_ceil(COLUMNS_MAX);
    let (rows, columns) = (heat.len().div_ceil(per_row), seconds.div_ceil(per_column));
    let row_height = (360 / rows as i32).clamp(6, 34);
    let height = row_height * rows as i32 + BOTTOM + 8;
    draw(height as u32, title, |canvas| {
        let width = f64::from(WIDTH as i32 - LEFT - RIGHT);
        let x = |column: usize| LEFT + (width * column as f64 / columns as f64).round() as i32;
        for row in 0..rows {
            let shards = &heat[row * per_row..((row + 1) * per_row).min(heat.len())];
            let top = 4 + row as i32 * row_height;
            label_row(canvas, shards, row, rows, (top, row_height))?;
            for column in 0..columns {
                let cell = cell(shards, column * per_column..((column + 1) * per_column).min(seconds));
                draw_cell(canvas, cell, [(x(column), top), (x(column + 1), top + row_height - 1)])?;
            }
        }
        let bottom = 4 + rows as i32 * row_height;
        let step = tick(seconds);
        for second in (0..=seconds).step_by(step) {
            let at = LEFT + (width * second as f64 / (columns * per_column) as f64).round() as i32;
            let text = Text::new(format!("{second}"), (at, bottom + 6), anchored(HPos::Center, VPos::Top));
            canvas.draw(&text).map_err(failed)?;
        }
        let name = Text::new(
            "seconds since the load began",
            (WIDTH as i32 / 2 + 40, bottom + 26),
            anchored(HPos::Center, VPos::Top),
        );
        canvas.draw(&name).map_err(failed)
    })
}

fn cell(shards: &[ShardHeat], seconds: std::ops::Range<usize>) -> Cell {
    let mut cell = Cell::default();
    for shard in shards {
        for second in seconds.clone() {
            cell.utilisation = cell.utilisation.max(shard.seconds.get(second).copied().unwrap_or(0.0));
            cell.throttled |= shard.throttled.get(second).is_some_and(|throttled| *throttled > 0);
        }
    }
    cell
}

fn draw_cell(canvas: &Canvas<'_>, cell: Cell, corners: [(i32, i32); 2]) -> Result<(), Failure> {
    // Full is the last step but one; the last step is above the limit, paid from the burst.
    let step = (cell.utilisation * (HEAT_STEPS - 1) as f64).floor() as usize;
    canvas.draw(&Rectangle::new(corners, heat_color(step).filled())).map_err(failed)?;
    if cell.throttled {
        // A bar at the foot of the cell: it is seen without telling colours apart.
        let [(left, top), (right, bottom)] = corners;
        let thickness = ((bottom - top) / 3).clamp(2, 8);
        let foot = [(left, bottom - thickness), (right, bottom)];
        canvas.draw(&Rectangle::new(foot, THROTTLED.filled())).map_err(failed)?;
        let edge = [(left, bottom - thickness - 1), (right, bottom - thickness)];
        canvas.draw(&Rectangle::new(edge, PAPER.filled())).map_err(failed)?;
    }
    Ok(())
}

fn label_row(
    canvas: &Canvas<'_>,
    shards: &[ShardHeat],
    row: usize,
    rows: usize,
    (top, height): (i32, i32),
) -> Result<(), Failure> {
    // Rows too low for text are labelled now and then.
    if !row.is_multiple_of((rows * 18 / 360).max(1)) {
        return Ok(());
    }
    let label = format!("shard {}", shards.first().map_or("", |shard| short(&shard.shard)));
    let text = Text::new(label, (LEFT - 8, top + height / 2), anchored(HPos::Right, VPos::Center));
    canvas.draw(&text).map_err(failed)
}

/// `shardId-000000000003` is shown as `3`; the tables have the full name.
fn short(shard: &str) -> &str {
    let digits = shard.rsplit('-').next().unwrap_or(shard).trim_start_matches('0');
    if digits.is_empty() { "0" } else { digits }
}

/// A distance of ticks that leaves room for their labels.
fn tick(seconds: usize) -> usize {
    let wanted = seconds.div_ceil(14).max(1);
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400]
        .into_iter()
        .find(|step| *step >= wanted)
        .unwrap_or(wanted)
}

/// Draws the predicted and the measured utilisation of each shard; a line marks the limit.
pub fn bars(title: &str, predicted: &[ShardForecast], heat: &[ShardHeat]) -> String {
    const HEIGHT: i32 = 260;
    let shards = heat.len().max(1);
    let highest = predicted.iter().map(|shard| shard.utilisation).chain(heat.iter().filter_map(|shard| shard.mean));
    let top_value = highest.fold(1.0, f64::max) * 1.05;
    draw(HEIGHT as u32, title, |canvas| {
        let (floor, ceiling) = (HEIGHT - BOTTOM, 8);
        let y = |value: f64| floor - (f64::from(floor - ceiling) * value / top_value).round() as i32;
        let slot = f64::from(WIDTH as i32 - LEFT - RIGHT) / shards as f64;
        let bar = (slot * 0.36).clamp(1.0, 40.0) as i32;
        for percent in (0..=(top_value * 100.0) as i32).step_by(if top_value > 2.0 { 50 } else { 25 }) {
            let at = y(f64::from(percent) / 100.0);
            let style = if percent == 100 { INK.stroke_width(1) } else { super::GRID.stroke_width(1) };
            canvas.draw(&PathElement::new([(LEFT, at), (WIDTH as i32 - RIGHT, at)], style)).map_err(failed)?;
            let text = Text::new(format!("{percent}%"), (LEFT - 8, at), anchored(HPos::Right, VPos::Center));
            canvas.draw(&text).map_err(failed)?;
        }
        for (index, shard) in heat.iter().enumerate() {
            let middle = LEFT + (slot * (index as f64 + 0.5)) as i32;
            let forecast = predicted.get(index).map_or(0.0, |shard| shard.utilisation);
            let sides =
                [(forecast, middle - bar, middle - 1, 0), (shard.mean.unwrap_or(0.0), middle + 1, middle + bar, 1)];
            for (value, left, right, series) in sides {
                let corners = [(left, y(value)), (right, floor)];
                canvas.draw(&Rectangle::new(corners, series_color(series).filled())).map_err(failed)?;
            }
            if index.is_multiple_of((shards * 34).div_ceil(900)) {
                let label = short(&shard.shard).to_owned();
                canvas
                    .draw(&Text::new(label, (middle, floor + 6), anchored(HPos::Center, VPos::Top)))
                    .map_err(failed)?;
            }
        }
        let name = Text::new("shard", (WIDTH as i32 / 2 + 40, floor + 26), font());
        canvas.draw(&name).map_err(failed)
    })
}
