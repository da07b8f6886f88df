//! What things cost: bills as stacked bars, and the cost of reading against its lag.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::series::draw_marker;
use super::{
    CHARACTER, Canvas, Chart, Failure, GRID, INK, LABEL_HEIGHT, Look, PAPER, anchored, dashed_color, draw, failed,
    fitting, font, series_color, width_of, write,
};
use crate::units;

/// A part of a bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Its colour, by number.
    pub color: usize,
    /// How long it is.
    pub amount: f64,
    /// What may be written into it.
    pub label: String,
}

/// A bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// What stands above it.
    pub name: String,
    /// Its parts, from left to right.
    pub segments: Vec<Segment>,
}

/// Most bars; they are few, since there are few ways to pay.
const STACKS_MAX: usize = 12;
const BAR: i32 = 26;
const ROW: i32 = BAR + LABEL_HEIGHT + 14;
const MARGIN: i32 = 6;

/// Draws bars, each a stack of amounts of one unit, to one scale from zero.
pub fn stacks(finding: &str, stacks: &[Stack]) -> Chart {
    let stacks = &stacks[..stacks.len().min(STACKS_MAX)];
    let total = |stack: &Stack| stack.segments.iter().map(|segment| segment.amount).sum::<f64>();
    let most = stacks.iter().map(total).fold(0.0, f64::max);
    if most <= 0.0 {
        return Chart::note("Nothing is billed.");
    }
    let height = ROW * stacks.len() as i32;
    draw(
        |_| height,
        finding,
        |canvas, room| {
            let (left, right) = (MARGIN, room.width() - MARGIN);
            for (row, stack) in (0..).zip(stacks) {
                let top = row * ROW;
                let name = fitting(&stack.name, right - left);
                write(canvas, &name, (left, top + 2), anchored(HPos::Left, VPos::Top))?;
                let bar = top + LABEL_HEIGHT + 4;
                let x = |amount: f64| left + (f64::from(right - left) * amount / most).round() as i32;
                let mut before = 0.0;
                for segment in &stack.segments {
                    let (from, to) = (x(before), x(before + segment.amount));
                    before += segment.amount;
                    draw_segment(canvas, segment, [(from, bar), (to, bar + BAR)])?;
                }
            }
            Ok(())
        },
    )
}

fn draw_segment(canvas: &Canvas<'_>, segment: &Segment, corners: [(i32, i32); 2]) -> Result<(), Failure> {
    let [(from, top), (to, bottom)] = corners;
    if to <= from {
        return Ok(());
    }
    canvas.draw(&Rectangle::new(corners, series_color(segment.color).filled())).map_err(failed)?;
    // A gap tells parts of one colour apart.
    canvas.draw(&Rectangle::new(corners, PAPER.stroke_width(1))).map_err(failed)?;
    if width_of(&segment.label) + CHARACTER <= to - from {
        let at = (i32::midpoint(from, to), i32::midpoint(top, bottom));
        write(canvas, &segment.label, at, anchored(HPos::Center, VPos::Center).color(&PAPER))?;
    }
    Ok(())
}

/// What is got for a price.
#[derive(Debug, Clone, PartialEq)]
pub struct TradeOffPoint {
    /// What it is got by.
    pub price: f64,
    /// What is got.
    pub value: f64,
    /// What is written beside it.
    pub label: String,
}

/// A row of choices.
#[derive(Debug, Clone, PartialEq)]
pub struct TradeOff {
    /// How the row looks.
    pub look: Look,
    /// The choices, in their order.
    pub points: Vec<TradeOffPoint>,
}

/// Draws prices (upwards, US dollars) against values (to the right, milliseconds); choices of one row are joined.
pub fn trade_off(finding: &str, x_name: &str, rows: &[TradeOff], x_label: &dyn Fn(f64) -> String) -> Chart {
    const HEIGHT: i32 = 340;
    let points = || rows.iter().flat_map(|row| &row.points);
    let x_max = points().map(|point| point.value).fold(0.0, f64::max) * 1.1;
    let y_max = points().map(|point| point.price).fold(0.0, f64::max) * 1.12;
    if x_max <= 0.0 {
        return Chart::note("There is nothing to choose from.");
    }
    let y_max = if y_max > 0.0 { y_max } else { 1.0 };
    draw(
        |_| HEIGHT,
        finding,
        |canvas, room| {
            let mut context = ChartBuilder::on(canvas)
                .margin_top(12)
                .margin_right(30)
                .margin_left(4)
                .x_label_area_size(50)
                .y_label_area_size(room.of(82, 70))
                .build_cartesian_2d(0.0..x_max, 0.0..y_max)
                .map_err(failed)?;
            context
                .configure_mesh()
                .bold_line_style(GRID)
                .light_line_style(TRANSPARENT)
                .axis_style(INK)
                .label_style(font())
                .axis_desc_style(font())
                .x_labels(room.of(9, 5) as usize)
                .y_labels(6)
                .x_desc(x_name)
                .x_label_formatter(&|value| x_label(*value))
                .y_label_formatter(&|value| format!("${}", units::number(*value)))
                .draw()
                .map_err(failed)?;
            for row in rows {
                let line = row.points.iter().map(|point| (point.value, point.price));
                let style = dashed_color(row.look.color, row.look.dash).stroke_width(2);
                context.draw_series(LineSeries::new(line, style)).map_err(failed)?;
            }
            let mut taken: Vec<[i32; 4]> = Vec::new();
            for row in rows {
                // Beside a row that goes up, above one that is level.
                let level = row.points.windows(2).all(|pair| pair[0].price == pair[1].price);
                for point in &row.points {
                    let at = context.backend_coord(&(point.value, point.price));
                    draw_marker(canvas, row.look, at)?;
                    label_point(canvas, &point.label, at, room.width(), level, &mut taken)?;
                }
            }
            Ok(())
        },
    )
}

/// Writes beside a point, if there is room that no other label has taken.
fn label_point(
    canvas: &Canvas<'_>,
    label: &str,
    (x, y): (i32, i32),
    width: i32,
    level: bool,
    taken: &mut Vec<[i32; 4]>,
) -> Result<(), Failure> {
    let (half, size) = (width_of(label) / 2, width_of(label));
    let above = [x - half, y - LABEL_HEIGHT - 6, x + half, y - 6];
    let right = [x + 10, y - LABEL_HEIGHT / 2, x + 10 + size, y + LABEL_HEIGHT / 2];
    let free = |place: &[i32; 4]| {
        let apart =
            |other: &[i32; 4]| place[2] < other[0] || other[2] < place[0] || place[3] < other[1] || other[3] < place[1];
        place[0] >= 0 && place[2] <= width && place[1] >= 0 && taken.iter().all(apart)
    };
    let Some(place) = (if level { [above, right] } else { [right, above] }).into_iter().find(free) else {
        return Ok(());
    };
    let at = (i32::midpoint(place[0], place[2]), i32::midpoint(place[1], place[3]));
    taken.push(place);
    write(canvas, label, at, anchored(HPos::Center, VPos::Center))
}

#[cfg(test)]
mod tests {
    use super::super::texts;
    use super::*;

    fn segment(amount: f64) -> Segment {
        Segment { color: 0, amount, label: "$12.34".to_owned() }
    }

    #[test]
    fn bars_are_to_scale_and_write_only_where_there_is_room() {
        let bars = [
            Stack { name: "one".to_owned(), segments: vec![segment(100.0), segment(1.0)] },
            Stack { name: "two".to_owned(), segments: vec![segment(50.0)] },
        ];
        let svg = stacks("costs", &bars).wide;
        assert_eq!(texts(&svg).iter().filter(|text| text.words == "$12.34").count(), 2);
        let widths: Vec<i32> = svg
            .split("<rect ")
            .skip(1)
            .filter(|rect| rect.contains("fill=\"var(--series-0)\""))
            .map(|rect| rect.split("width=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap())
            .collect();
        assert!((widths[0] - 2 * widths[2]).abs() < 25 && (9..=11).contains(&widths[1]), "{widths:?}");
        assert!(stacks("nothing", &[]).wide.contains("Nothing is billed"));
    }

    #[test]
    fn labels_of_points_that_lie_together_do_not_overlap() {
        for count in [1, 5, 12, 40] {
            let points = |price: f64| {
                let point =
                    |n| TradeOffPoint { price: price * f64::from(n), value: 100.0, label: format!("{n} readers") };
                (1..=count).map(point).collect()
            };
            let rows = [0.0, 1.0].map(|price| TradeOff { look: Look::of(0), points: points(price) });
            let chart = trade_off("choice", "lag", &rows, &|value| value.to_string());
            for svg in [&chart.wide, &chart.narrow] {
                let labels: Vec<_> = texts(svg).into_iter().filter(|text| text.words.ends_with("readers")).collect();
                assert!(!labels.is_empty());
                for (index, one) in labels.iter().enumerate() {
                    for other in &labels[..index] {
                        let apart = (one.at.0 - other.at.0).abs() > width_of("1 readers")
                            || (one.at.1 - other.at.1).abs() >= LABEL_HEIGHT - 1;
                        assert!(apart, "{one:?} {other:?}");
                    }
                }
            }
        }
    }
}
