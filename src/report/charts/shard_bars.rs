//! Bars of predicted against measured utilisation.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::heat::short;
use super::{Chart, INK, LABEL_HEIGHT, PAPER, anchored, draw, failed, series_color, width_of, write};
use crate::forecast::ShardForecast;
use crate::verdict::ShardHeat;

const BOTTOM: i32 = 50;
/// Most lines of the axis of percentages.
const PERCENT_LINES: usize = 8;

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

/// Draws the predicted (hollow) and the measured (filled) utilisation of each shard; a line marks the limit.
pub fn shard_bars(finding: &str, predicted: &[ShardForecast], heat: &[ShardHeat]) -> Chart {
    const HEIGHT: i32 = 280;
    let shards = heat.len().max(1);
    let highest = predicted.iter().map(|shard| shard.utilisation).chain(heat.iter().filter_map(|shard| shard.mean));
    let top_value = highest.fold(1.0, f64::max) * 1.05;
    draw(
        |_| HEIGHT,
        finding,
        |canvas, room| {
            let (left, right) = (room.of(92, 60), room.width() - 10);
            let (floor, ceiling) = (HEIGHT - BOTTOM, 10);
            let y = |value: f64| floor - (f64::from(floor - ceiling) * value / top_value).round() as i32;
            let slot = f64::from(right - left) / shards as f64;
            let bar = (slot * 0.36).clamp(1.0, 40.0) as i32;
            let limit = y(1.0);
            for percent in percent_lines(top_value * 100.0) {
                let at = y(percent / 100.0);
                let style = if percent == 100.0 { INK.stroke_width(1) } else { super::GRID.stroke_width(1) };
                canvas.draw(&PathElement::new([(left, at), (right, at)], style)).map_err(failed)?;
                if percent == 100.0 || (at - limit).abs() >= LABEL_HEIGHT {
                    write(canvas, &format!("{percent}%"), (left - 8, at), anchored(HPos::Right, VPos::Center))?;
                }
            }
            let longest = heat.iter().map(|shard| width_of(short(&shard.shard))).max().unwrap_or(0);
            let every = (f64::from(longest + 8) / slot).ceil().max(1.0) as usize;
            for (index, shard) in heat.iter().enumerate() {
                let middle = left + (slot * (index as f64 + 0.5)) as i32;
                let forecast = predicted.get(index).map_or(0.0, |shard| shard.utilisation);
                let hollow = [(middle - bar, y(forecast)), (middle - 1, floor)];
                canvas.draw(&Rectangle::new(hollow, PAPER.filled())).map_err(failed)?;
                canvas.draw(&Rectangle::new(hollow, series_color(0).stroke_width(2))).map_err(failed)?;
                let filled = [(middle + 1, y(shard.mean.unwrap_or(0.0))), (middle + bar, floor)];
                canvas.draw(&Rectangle::new(filled, series_color(1).filled())).map_err(failed)?;
                if index.is_multiple_of(every) {
                    write(canvas, short(&shard.shard), (middle, floor + 6), anchored(HPos::Center, VPos::Top))?;
                }
            }
            write(canvas, "shard", (i32::midpoint(left, right), floor + 28), anchored(HPos::Center, VPos::Top))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::super::texts;
    use super::*;

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
    fn the_numbers_of_the_shards_do_not_touch() {
        for shards in [1, 8, 40, 64, 200] {
            let row =
                |n| ShardHeat { shard: format!("shardId-{n:012}"), mean: None, seconds: vec![], throttled: vec![] };
            let heat: Vec<ShardHeat> = (0..shards).map(row).collect();
            let chart = shard_bars("bars", &[], &heat);
            for svg in [&chart.wide, &chart.narrow] {
                let floor = texts(svg).iter().map(|text| text.at.1).max().unwrap() - 22;
                let labels: Vec<_> = texts(svg).into_iter().filter(|text| text.at.1 == floor).collect();
                assert!(!labels.is_empty());
                for pair in labels.windows(2) {
                    assert!(pair[1].at.0 - pair[0].at.0 > width_of(pair[1].words), "{shards}: {pair:?}");
                }
            }
        }
    }
}
