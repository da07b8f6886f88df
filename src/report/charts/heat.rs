//! The heat map of the shards, and bars of predicted against measured utilisation.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::lines::{EVENT_NUMBERS, EventMark, draw_number};
use super::{
    Canvas, Failure, HEAT_STEPS, INK, PAPER, THROTTLED, WIDTH, anchored, draw, failed, font, heat_color, series_color,
};
use crate::plan::{ShardForecast, ShardHeat};

const LEFT: i32 = 92;
const RIGHT: i32 = 10;
const BOTTOM: i32 = 48;
const ROWS_MAX: usize = 64;
const COLUMNS_MAX: usize = 300;
/// Distance of labels, one above the other, that keeps them apart.
const LABEL_HEIGHT: i32 = 18;
/// Most lines of the axis of percentages.
const PERCENT_LINES: usize = 8;

/// A cell of the heat map: the highest utilisation of what it stands for, and whether any of it was throttled.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    utilisation: f64,
    throttled: bool,
}

/// Draws utilisation per shard and second, up to second `end` at least. Many shards or seconds share a cell, which then
/// shows the highest of them. `events` are marked above it.
pub fn heat_map(title: &str, heat: &[ShardHeat], end: usize, events: &[EventMark]) -> String {
    let recorded = heat.iter().map(|row| row.seconds.len()).max().unwrap_or(0);
    let seconds = recorded.max(end);
    if recorded == 0 {
        return maud::html! { p class="note" { "No second of load was recorded." } }.into_string();
    }
    let per_row = heat.len().div_ceil(ROWS_MAX);
    let per_column = seconds.div_ceil(COLUMNS_MAX);
    let (rows, columns) = (heat.len().div_ceil(per_row), seconds.div_ceil(per_column));
    let row_height = (360 / rows as i32).clamp(6, 34);
    let above = if events.is_empty() { 4 } else { EVENT_NUMBERS as i32 };
    let height = row_height * rows as i32 + BOTTOM + above + 4;
    draw(height as u32, title, |canvas| {
        let width = f64::from(WIDTH as i32 - LEFT - RIGHT);
        let x_of = |second: usize| LEFT + (width * second as f64 / seconds as f64).round() as i32;
        let x = |column: usize| x_of((column * per_column).min(seconds));
        for row in 0..rows {
            let shards = &heat[row * per_row..((row + 1) * per_row).min(heat.len())];
            let top = above + row as i32 * row_height;
            label_row(canvas, shards, row, (top, row_height))?;
            for column in 0..columns {
                let cell = cell(shards, column * per_column..((column + 1) * per_column).min(seconds));
                draw_cell(canvas, cell, [(x(column), top), (x(column + 1), top + row_height - 1)])?;
            }
        }
        let bottom = above + rows as i32 * row_height;
        let mut taken = i32::MIN;
        for event in events.iter().filter(|event| event.from <= seconds as f64) {
            let at = LEFT + (width * event.from / seconds as f64).round() as i32;
            canvas.draw(&PathElement::new([(at, above - 6), (at, bottom)], INK.stroke_width(1))).map_err(failed)?;
            draw_number(canvas, event.number, (at, above - 4), &mut taken)?;
        }
        let step = tick(seconds);
        for second in (0..=seconds).step_by(step) {
            let at = x_of(second);
            // Centred at the right edge, a label would be cut off.
            let side = if at > WIDTH as i32 - 30 { HPos::Right } else { HPos::Center };
            let text = Text::new(format!("{second}"), (at, bottom + 6), anchored(side, VPos::Top));
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
    // The last step is full and more.
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

fn label_row(canvas: &Canvas<'_>, shards: &[ShardHeat], row: usize, (top, height): (i32, i32)) -> Result<(), Failure> {
    // Rows too low for text are labelled now and then.
    if !row.is_multiple_of((LABEL_HEIGHT as usize).div_ceil(height.max(1) as usize)) {
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

/// Round percentages up to `top`, 100 among them.
fn percent_lines(top: f64) -> Vec<f64> {
    // One is left for 100%, which is no multiple of a step above it.
    let rough = top / (PERCENT_LINES - 2) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(rough);
    let mut lines: Vec<f64> = (0..PERCENT_LINES).map(|n| n as f64 * step).filter(|line| *line <= top).collect();
    if !lines.contains(&100.0) {
        lines.push(100.0);
    }
    lines
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
        let limit = y(1.0);
        for percent in percent_lines(top_value * 100.0) {
            let at = y(percent / 100.0);
            let style = if percent == 100.0 { INK.stroke_width(1) } else { super::GRID.stroke_width(1) };
            canvas.draw(&PathElement::new([(LEFT, at), (WIDTH as i32 - RIGHT, at)], style)).map_err(failed)?;
            if percent != 100.0 && (at - limit).abs() < LABEL_HEIGHT {
                continue;
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn heat(shards: usize, seconds: usize) -> Vec<ShardHeat> {
        let row = |shard| ShardHeat {
            shard: format!("shardId-{shard:012}"),
            mean: Some(0.5),
            seconds: vec![0.5; seconds],
            throttled: vec![0; seconds],
        };
        (0..shards).map(row).collect()
    }

    /// The texts of a chart with their attributes.
    fn texts(svg: &str) -> Vec<(&str, &str)> {
        let texts = svg.split("<text ").skip(1).filter_map(|rest| rest.split_once('>'));
        texts.map(|(attributes, rest)| (attributes, rest.split('<').next().unwrap_or_default().trim())).collect()
    }

    fn attribute(attributes: &str, name: &str) -> i32 {
        let value = attributes.split(&format!("{name}=\"")).nth(1).unwrap();
        value.split('"').next().unwrap().parse().unwrap()
    }

    #[test]
    fn the_lines_of_the_percentages_are_few_and_round_and_have_the_limit() {
        for top in [105.0, 130.0, 210.0, 340.0, 799.0, 1_234.0, 10_500.0, 999_999.0] {
            let lines = percent_lines(top);
            assert!((3..=PERCENT_LINES).contains(&lines.len()), "{top}: {lines:?}");
            assert!(lines.contains(&100.0), "{top}: {lines:?}");
        }
        assert_eq!(percent_lines(340.0), [0.0, 100.0, 200.0, 300.0]);
    }

    #[test]
    fn the_labels_of_the_rows_keep_their_distance() {
        for shards in 1..200 {
            let svg = heat_map("map", &heat(shards, 3), 3, &[]);
            let labels = texts(&svg).into_iter().filter(|(_, text)| text.starts_with("shard "));
            let tops: Vec<i32> = labels.map(|(attributes, _)| attribute(attributes, "y")).collect();
            assert!(tops.windows(2).all(|pair| pair[1] - pair[0] >= LABEL_HEIGHT), "{shards}: {tops:?}");
        }
    }

    #[test]
    fn the_map_spans_the_run_and_its_last_label_is_not_cut() {
        let svg = heat_map("map", &heat(2, 5), 60, &[]);
        let (attributes, _) = texts(&svg).into_iter().find(|(_, text)| *text == "60").unwrap();
        assert!(attributes.contains("text-anchor=\"end\""), "{attributes}");
        assert!(attribute(attributes, "x") <= WIDTH as i32);
    }
}
