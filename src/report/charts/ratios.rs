//! Ratios of pairs: a row per metric, a dot per pair, the interval, and the band of what does not matter.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::{Chart, EVENT, Failure, GRID, INK, anchored, draw, failed, font, series_color};

/// A metric of the chart. All values are logarithms of ratios, positive for what is worse.
#[derive(Debug, Clone, PartialEq)]
pub struct RatioRow {
    /// Its name.
    pub name: String,
    /// One value per pair.
    pub points: Vec<f64>,
    /// The confidence interval.
    pub interval: Option<(f64, f64)>,
    /// The estimate.
    pub estimate: Option<f64>,
    /// What matters begins here, in both directions.
    pub threshold: f64,
}

const ROW_HEIGHT: i32 = 46;
/// A few wild pairs do not squeeze the others together: they are drawn at the edge.
const WIDEST: f64 = 1.2;

/// Draws the ratios of pairs.
pub fn ratios(finding: &str, rows: &[RatioRow]) -> Chart {
    let reach = |row: &RatioRow| {
        let ends = row.interval.map_or([0.0, 0.0], |(lower, upper)| [lower.abs(), upper.abs()]);
        row.points.iter().map(|point| point.abs()).chain(ends).fold(row.threshold * 1.3, f64::max)
    };
    let widest = rows.iter().map(reach).fold(0.02, f64::max).min(WIDEST) * 1.05;
    let inside = |value: f64| value.clamp(-widest, widest);
    let height = 70 + ROW_HEIGHT * rows.len().max(1) as i32;
    draw(
        |_| height,
        finding,
        |canvas, room| -> Result<(), Failure> {
            let mut context = ChartBuilder::on(canvas)
                .margin(10)
                .margin_right(30)
                .x_label_area_size(46)
                .y_label_area_size(room.of(170, 140))
                .build_cartesian_2d(-widest..widest, 0.0..rows.len().max(1) as f64)
                .map_err(failed)?;
            let middle = |index: usize| (rows.len() - index) as f64 - 0.5;
            for (index, row) in rows.iter().enumerate() {
                let (left, right) = (inside(-row.threshold), inside(row.threshold));
                let band = [(left, middle(index) - 0.38), (right, middle(index) + 0.38)];
                context.draw_series([Rectangle::new(band, EVENT.filled())]).map_err(failed)?;
            }
            context
                .configure_mesh()
                .disable_y_mesh()
                .bold_line_style(GRID)
                .light_line_style(TRANSPARENT)
                .axis_style(INK)
                .label_style(font())
                .x_labels(room.of(9, 5) as usize)
                .y_labels(0)
                .x_desc("better ← change → worse")
                .axis_desc_style(font())
                .x_label_formatter(&|value| {
                    format!("{:+.0}%", value.exp_m1() * 100.0).replace("-0%", "0%").replace("+0%", "0%")
                })
                .draw()
                .map_err(failed)?;
            let zero = [(0.0, 0.0), (0.0, rows.len().max(1) as f64)];
            context.draw_series([PathElement::new(zero, INK.stroke_width(1))]).map_err(failed)?;
            for (index, row) in rows.iter().enumerate() {
                let y = middle(index);
                let dots = row.points.iter().enumerate().map(|(pair, point)| {
                    // Dots that would hide one another lie side by side, in the order of the pairs.
                    let place = (pair as f64 + 0.5) / row.points.len() as f64 - 0.5;
                    Circle::new((inside(*point), y - place * 0.5), 3, series_color(0).filled())
                });
                context.draw_series(dots).map_err(failed)?;
                if let Some((lower, upper)) = row.interval {
                    let line = [(inside(lower), y), (inside(upper), y)];
                    context.draw_series([PathElement::new(line, series_color(1).stroke_width(3))]).map_err(failed)?;
                }
                if let Some(estimate) = row.estimate {
                    let ring = Circle::new((inside(estimate), y), 6, series_color(1).stroke_width(3));
                    context.draw_series([ring]).map_err(failed)?;
                }
                let at = context.backend_coord(&(-widest, y));
                let name = Text::new(row.name.clone(), (at.0 - 12, at.1), anchored(HPos::Right, VPos::Center));
                canvas.draw(&name).map_err(failed)?;
            }
            Ok(())
        },
    )
}
