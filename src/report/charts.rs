//! Charts as SVG, drawn with plotters.
//!
//! The colours are placeholders that are replaced by CSS variables, so that a chart follows the colour scheme of the page.

mod demand;
mod grid;
mod heat;
mod lines;
mod ratios;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

pub use demand::{DemandPoint, demand};
pub use grid::{Grid, grid};
pub use heat::{bars, heat_map};
pub use lines::{EventMark, Lines, Marks, Scale, Series, lines};
pub use ratios::{RatioRow, ratios};

/// Width of a chart in its own units; the page scales it.
const WIDTH: u32 = 1000;

/// The text colour of the page.
const INK: RGBColor = RGBColor(2, 2, 2);
const GRID: RGBColor = RGBColor(3, 3, 3);
const WARM_UP: RGBColor = RGBColor(4, 4, 4);
const THROTTLED: RGBColor = RGBColor(5, 5, 5);
const PAPER: RGBColor = RGBColor(6, 6, 6);
const EVENT: RGBColor = RGBColor(9, 9, 9);

/// Colour of data series `index`: `--series-0` to `--series-3`.
const fn series_color(index: usize) -> RGBColor {
    RGBColor(7, 7, (index % SERIES_COLORS) as u8)
}

/// Colour of step `step` of the heat scale: `--heat-0` to `--heat-10`.
const fn heat_color(step: usize) -> RGBColor {
    RGBColor(8, 8, if step < HEAT_STEPS { step as u8 } else { HEAT_STEPS as u8 - 1 })
}

/// Number of colours for data series.
pub const SERIES_COLORS: usize = 4;
/// Number of steps of the heat scale.
pub const HEAT_STEPS: usize = 11;

/// Draws on an empty canvas and finishes the SVG; a failure becomes a sentence in place of the chart.
fn draw(height: u32, title: &str, paint: impl FnOnce(&Canvas<'_>) -> Result<(), Failure>) -> String {
    let mut svg = String::new();
    let painted = {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        paint(&root).and_then(|()| root.present().map_err(|error| error.to_string()))
    };
    match painted {
        Ok(()) => finish(&svg, height, title),
        Err(error) => maud::html! { p class="note" { "This chart could not be drawn: " (error) } }.into_string(),
    }
}

type Canvas<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Failure = String;

/// Makes the SVG scale, follow the colour scheme, and speak to screen readers.
fn finish(svg: &str, height: u32, title: &str) -> String {
    let body = svg.split_once('>').map_or("", |(_, body)| body);
    let mut out = format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\">");
    out.push_str(&maud::html! { title { (title) } }.into_string());
    let mut body = body.replace("font-family=\"sans-serif\" ", "");
    for (color, name) in [
        (INK, "ink"),
        (GRID, "grid"),
        (WARM_UP, "warm-up"),
        (THROTTLED, "throttled"),
        (PAPER, "paper"),
        (EVENT, "event"),
    ] {
        body = recolor(&body, color, name);
    }
    for index in 0..SERIES_COLORS {
        body = recolor(&body, series_color(index), &format!("series-{index}"));
    }
    for step in 0..HEAT_STEPS {
        body = recolor(&body, heat_color(step), &format!("heat-{step}"));
    }
    out.push_str(&body);
    out
}

fn recolor(svg: &str, color: RGBColor, name: &str) -> String {
    let RGBColor(r, g, b) = color;
    svg.replace(&format!("\"#{r:02X}{g:02X}{b:02X}\""), &format!("\"var(--{name})\""))
}

/// Text of the charts.
fn font() -> TextStyle<'static> {
    ("sans-serif", 15).into_font().color(&INK)
}

fn anchored(horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    font().pos(Pos::new(horizontal, vertical))
}

fn failed<E: std::fmt::Display>(error: E) -> Failure {
    error.to_string()
}
