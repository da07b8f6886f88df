//! The demand curve: what a model says as a line, and what trials found as points with their range.

use plotters::prelude::*;

use super::series::draw_marker;
use super::{Chart, Failure, GRID, INK, Look, draw, failed, font, series_color};

/// What is known of one load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DemandPoint {
    /// The load.
    pub load: f64,
    /// By the model.
    pub modelled: Option<f64>,
    /// The lowest, the middle and the highest that was found.
    pub found: Option<(f64, f64, f64)>,
}

const HEIGHT: i32 = 360;

/// Draws a demand curve; the points are in the order of their loads.
pub fn demand(finding: &str, x_name: &str, points: &[DemandPoint], label: &dyn Fn(f64) -> String) -> Chart {
    let known = points.iter().flat_map(|point| point.modelled.into_iter().chain(point.found.map(|found| found.2)));
    let y_max = known.fold(1.0, f64::max) * 1.1;
    let x_max = points.iter().map(|point| point.load).fold(1.0, f64::max) * 1.05;
    draw(
        |_| HEIGHT,
        finding,
        |canvas, room| -> Result<(), Failure> {
            let mut context = ChartBuilder::on(canvas)
                .margin(10)
                .margin_right(30)
                .x_label_area_size(50)
                .y_label_area_size(60)
                .build_cartesian_2d(0.0..x_max, 0.0..y_max)
                .map_err(failed)?;
            context
                .configure_mesh()
                .disable_x_mesh()
                .bold_line_style(GRID)
                .light_line_style(TRANSPARENT)
                .axis_style(INK)
                .label_style(font())
                .x_labels(room.of(9, 5) as usize)
                .y_labels(6)
                .x_desc(x_name)
                .axis_desc_style(font())
                .x_label_formatter(&|value| label(*value))
                .y_label_formatter(&|value| format!("{value:.0}"))
                .draw()
                .map_err(failed)?;
            let modelled = points.iter().filter_map(|point| Some((point.load, point.modelled?)));
            context.draw_series(LineSeries::new(modelled, series_color(0).stroke_width(3))).map_err(failed)?;
            let color = series_color(1);
            for point in points {
                let Some((lowest, middle, highest)) = point.found else { continue };
                let range = [(point.load, lowest), (point.load, highest)];
                context.draw_series([PathElement::new(range, color.stroke_width(3))]).map_err(failed)?;
                let at = context.backend_coord(&(point.load, middle));
                draw_marker(canvas, Look::of(1), at)?;
            }
            Ok(())
        },
    )
}
