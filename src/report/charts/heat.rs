//! The heat map of the shards.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::lines::{left_margin, right_margin};
use super::marks::{Marks, TimeAxis};
use super::{
    Canvas, Chart, Failure, HEAT_STEPS, LABEL_HEIGHT, PAPER, Room, THROTTLED, anchored, draw, failed, heat_color,
    width_of, write,
};
use crate::measure::bin_width;
use crate::verdict::ShardHeat;

/// Utilisation per shard and second.
pub struct HeatMap<'a> {
    /// What it shows, in words.
    pub finding: &'a str,
    /// The shards, in the order of their rows.
    pub shards: &'a [&'a ShardHeat],
    /// What the time axis marks; the map reaches to its end at least.
    pub marks: Marks<'a>,
}

const BOTTOM: i32 = 50;
/// Most rows; more shards share them.
pub(super) const ROWS_MAX: usize = 64;

impl HeatMap<'_> {
    fn seconds(&self) -> usize {
        let recorded = self.shards.iter().map(|row| row.seconds.len()).max().unwrap_or(0);
        recorded.max(self.marks.end as usize)
    }

    /// How many shards share a row.
    pub fn shards_per_row(&self) -> usize {
        self.shards.len().div_ceil(ROWS_MAX).max(1)
    }

    /// How many seconds share a column, on a wide page and on a narrow one.
    pub fn seconds_per_column(&self) -> (usize, usize) {
        let of = |room: Room| bin_width(self.seconds() as u64, room.of(300, 120) as u64) as usize;
        (of(Room::Wide), of(Room::Narrow))
    }
}

/// A cell of the heat map: the highest utilisation of what it stands for, and whether any of it was throttled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cell {
    /// Step of the scale.
    step: usize,
    throttled: bool,
}

impl Cell {
    fn of(shards: &[&ShardHeat], seconds: std::ops::Range<usize>) -> Self {
        let mut highest: f64 = 0.0;
        let mut throttled = false;
        for shard in shards {
            for second in seconds.clone() {
                highest = highest.max(shard.seconds.get(second).copied().unwrap_or(0.0));
                throttled |= shard.throttled.get(second).is_some_and(|throttled| *throttled > 0);
            }
        }
        // The last step is full and more.
        let step = (highest * (HEAT_STEPS - 1) as f64).floor() as usize;
        Self { step: step.min(HEAT_STEPS - 1), throttled }
    }
}

/// Draws a heat map. Many shards or seconds share a cell, which then shows the highest of them.
pub fn heat_map(map: &HeatMap<'_>) -> Chart {
    let seconds = map.seconds();
    if map.shards.iter().all(|row| row.seconds.is_empty()) {
        return Chart::note("No second of load was recorded.");
    }
    let per_row = map.shards_per_row();
    let rows: Vec<&[&ShardHeat]> = map.shards.chunks(per_row).collect();
    let row_height = (360 / rows.len() as i32).clamp(6, 34);
    let above = map.marks.above();
    let height = above + row_height * rows.len() as i32 + BOTTOM;
    draw(
        |_| height,
        map.finding,
        |canvas, room| {
            let (left, right) = (left_margin(room), room.width() - right_margin(room));
            let per_column = room.of(map.seconds_per_column().0 as i32, map.seconds_per_column().1 as i32) as usize;
            let x = |second: usize| {
                left + (f64::from(right - left) * second.min(seconds) as f64 / seconds as f64).round() as i32
            };
            for (row, shards) in rows.iter().enumerate() {
                let top = above + row as i32 * row_height;
                label_row(canvas, room, shards, row, (left, top, row_height))?;
                let cells: Vec<Cell> = (0..seconds)
                    .step_by(per_column)
                    .map(|second| Cell::of(shards, second..(second + per_column).min(seconds)))
                    .collect();
                let mut column = 0;
                for alike in cells.chunk_by(|a, b| a == b) {
                    let corners =
                        [(x(column * per_column), top), (x((column + alike.len()) * per_column), top + row_height - 1)];
                    draw_cell(canvas, alike[0], corners)?;
                    column += alike.len();
                }
            }
            let bottom = above + rows.len() as i32 * row_height;
            let axis = TimeAxis { across: (left, right), down: (above, bottom), end: seconds as f64 };
            axis.mark(canvas, &Marks { load_ended: f64::INFINITY, ..map.marks })?;
            axis.draw(canvas, map.marks.name)
        },
    )
}

fn draw_cell(canvas: &Canvas<'_>, cell: Cell, corners: [(i32, i32); 2]) -> Result<(), Failure> {
    canvas.draw(&Rectangle::new(corners, heat_color(cell.step).filled())).map_err(failed)?;
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
    room: Room,
    shards: &[&ShardHeat],
    row: usize,
    (left, top, height): (i32, i32, i32),
) -> Result<(), Failure> {
    // Rows too low for text are labelled now and then.
    if !row.is_multiple_of((LABEL_HEIGHT as usize).div_ceil(height.max(1) as usize)) {
        return Ok(());
    }
    let number = shards.first().map_or("", |shard| short(&shard.shard));
    let named = format!("shard {number}");
    let label = if room == Room::Wide && width_of(&named) <= left { &named } else { number };
    let at = (left - 8, top + height / 2);
    write(canvas, &super::fitting(label, left - 8), at, anchored(HPos::Right, VPos::Center))
}

/// `shardId-000000000003` is shown as `3`; the tables have the full name.
pub(super) fn short(shard: &str) -> &str {
    let digits = shard.rsplit('-').next().unwrap_or(shard).trim_start_matches('0');
    if digits.is_empty() { "0" } else { digits }
}

#[cfg(test)]
mod tests {
    use super::super::{EventMark, texts};
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

    fn map(heat: &[ShardHeat], end: f64, events: &[EventMark]) -> Chart {
        let shards: Vec<&ShardHeat> = heat.iter().collect();
        let marks = Marks { name: "time", events, warm_up: 0.0, load_ended: end, end };
        heat_map(&HeatMap { finding: "map", shards: &shards, marks })
    }

    #[test]
    fn the_labels_of_the_rows_keep_their_distance() {
        for shards in 1..200 {
            let chart = map(&heat(shards, 3), 3.0, &[]);
            for (svg, prefix) in [(&chart.wide, "shard "), (&chart.narrow, "")] {
                let labels = texts(svg).into_iter().filter(|text| text.words.starts_with(prefix) && text.at.0 < 100);
                let labels = labels.filter(|text| !text.words.ends_with(" s"));
                let tops: Vec<i32> = labels.map(|text| text.at.1).collect();
                assert!(!tops.is_empty(), "{svg}");
                assert!(tops.windows(2).all(|pair| pair[1] - pair[0] >= LABEL_HEIGHT), "{shards}: {tops:?}");
            }
        }
    }

    #[test]
    fn a_single_throttled_second_of_one_of_thousands_is_seen() {
        let mut heat = heat(5_000, 3_600);
        heat[2_345].seconds[1_234] = 1.2;
        heat[2_345].throttled[1_234] = 1;
        let chart = map(&heat, 3_600.0, &[]);
        for svg in [&chart.wide, &chart.narrow] {
            assert_eq!((svg.matches("--throttled").count(), svg.matches("--heat-10").count()), (1, 1));
            assert!(svg.len() < 50_000, "{}", svg.len());
        }
    }

    #[test]
    fn what_takes_time_is_marked_from_its_beginning_to_its_end() {
        let events = [EventMark { number: 1, from: 10.0, until: Some(20.0) }];
        let with = map(&heat(2, 60), 60.0, &events).wide;
        assert!(with.contains(">\n1\n<"));
        assert_eq!(with.matches("<rect").count(), map(&heat(2, 60), 60.0, &[]).wide.matches("<rect").count() + 1);
    }
}
