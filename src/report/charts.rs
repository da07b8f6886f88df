//! Charts as SVG, drawn with plotters, each for a wide and for a narrow page.
//!
//! The colours are placeholders that are replaced by CSS variables, so that a chart follows the colour scheme of the page. Lines
//! differ by dashes and markers too, so that nothing depends on telling colours apart.

mod axis;
mod demand;
mod grid;
mod heat;
mod lines;
mod marks;
mod money;
#[cfg(test)]
mod palette;
mod ratios;
mod series;
mod shard_bars;

use maud::{Markup, PreEscaped, Render, html};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

pub use demand::{DemandPoint, demand};
pub use grid::{Grid, grid};
pub use heat::{HeatMap, heat_map};
pub use lines::{Lines, Scale, XAxis, lies_on_the_floor, lines, says};
pub use marks::{EventMark, Marks};
pub use money::{Segment, Stack, TradeOff, TradeOffPoint, stacks, trade_off};
pub use ratios::{RatioRow, ratios};
pub use series::{Look, Series, area_sample, sample};
pub use shard_bars::shard_bars;

/// A chart in both drawings; the page shows the one that there is room for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// For screens as wide as a page, and for paper.
    pub wide: String,
    /// For phones.
    pub narrow: String,
}

impl Chart {
    /// A sentence in the place of a chart.
    fn note(text: &str) -> Self {
        Self { wide: html! { p class="note" { (text) } }.into_string(), narrow: String::new() }
    }
}

impl Render for Chart {
    fn render(&self) -> Markup {
        html! {
            @if self.narrow.is_empty() { (PreEscaped(&self.wide)) } @else {
                div class="chart-wide" { (PreEscaped(&self.wide)) }
                div class="chart-narrow" { (PreEscaped(&self.narrow)) }
            }
        }
    }
}

/// The room that a drawing has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Wide,
    Narrow,
}

impl Room {
    /// Width of the drawing in its own units; the page scales it.
    const fn width(self) -> i32 {
        self.of(1_000, 420)
    }

    /// One of two values.
    const fn of(self, wide: i32, narrow: i32) -> i32 {
        match self {
            Self::Wide => wide,
            Self::Narrow => narrow,
        }
    }
}

/// The text colour of the page.
const INK: RGBColor = RGBColor(2, 2, 2);
/// The same on a cell of a grid, whose colour is behind it already.
const CELL_INK: RGBColor = RGBColor(2, 2, 3);
const GRID: RGBColor = RGBColor(3, 3, 3);
const WARM_UP: RGBColor = RGBColor(4, 4, 4);
const THROTTLED: RGBColor = RGBColor(5, 5, 5);
const PAPER: RGBColor = RGBColor(6, 6, 6);
const EVENT: RGBColor = RGBColor(9, 9, 9);

/// Colour of data series `index`: `--series-0` to `--series-4`.
const fn series_color(index: usize) -> RGBColor {
    RGBColor(7, 7, (index % SERIES_COLORS) as u8)
}

/// The same for a line with dash `dash`.
const fn dashed_color(index: usize, dash: usize) -> RGBColor {
    RGBColor(7, 16 + (dash % DASHES.len()) as u8, (index % SERIES_COLORS) as u8)
}

/// Colour of step `step` of the heat scale: `--heat-0` to `--heat-10`.
const fn heat_color(step: usize) -> RGBColor {
    RGBColor(8, 8, if step < HEAT_STEPS { step as u8 } else { HEAT_STEPS as u8 - 1 })
}

/// Number of colours for data series.
pub const SERIES_COLORS: usize = 5;
/// Number of steps of the heat scale.
pub const HEAT_STEPS: usize = 11;
/// Dashes of lines: the lengths of lines and gaps; the first is a whole line.
const DASHES: [&str; 4] = ["", "9 4", "2 4", "12 4 2 4"];
/// About the width of a character of the charts' font, on the safe side.
const CHARACTER: i32 = 9;
/// Distance of labels, one above the other, that keeps them apart.
const LABEL_HEIGHT: i32 = 18;

/// Draws for both rooms and finishes the SVG; a failure becomes a sentence in place of the chart. `finding` says to those who do
/// not see the chart what it shows.
fn draw(
    height: impl Fn(Room) -> i32,
    finding: &str,
    paint: impl Fn(&Canvas<'_>, Room) -> Result<(), Failure>,
) -> Chart {
    let in_room = |room: Room| {
        let size = (room.width(), height(room).max(1));
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, (size.0 as u32, size.1 as u32)).into_drawing_area();
            paint(&root, room).and_then(|()| root.present().map_err(|error| error.to_string()))?;
        }
        Ok::<_, Failure>(finish(&svg, size, finding))
    };
    match (in_room(Room::Wide), in_room(Room::Narrow)) {
        (Ok(wide), Ok(narrow)) => Chart { wide, narrow },
        (Err(error), _) | (_, Err(error)) => Chart::note(&format!("This chart could not be drawn: {error}")),
    }
}

type Canvas<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Failure = String;

/// Makes the SVG scale, follow the colour scheme, and speak to screen readers.
fn finish(svg: &str, (width, height): (i32, i32), finding: &str) -> String {
    let body = svg.split_once('>').map_or("", |(_, body)| body);
    let label = html! { span aria-label=(finding) {} }.into_string();
    let label =
        label.strip_prefix("<span ").and_then(|rest| rest.split_once("></span>")).map_or("", |(label, _)| label);
    let mut out = format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" {label} font-size=\"14\" xmlns=\"http://www.w3.org/2000/svg\">"
    );
    // What is said once for all need not be said of each element.
    let body = body
        .replace("font-family=\"sans-serif\" ", "")
        .replace("opacity=\"1\" ", "")
        .replace("font-size=\"12.096774193548388\" ", "");
    recolor(&body, &mut out);
    out
}

/// Copies an SVG and replaces its placeholder colours.
fn recolor(svg: &str, out: &mut String) {
    let mut rest = svg;
    while let Some(at) = rest.find("\"#0") {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        match from.get(..9).and_then(variable) {
            Some((variable, dash)) => {
                out.push_str("\"var(--");
                out.push_str(&variable);
                out.push_str(")\"");
                if !dash.is_empty() {
                    out.push_str(" stroke-dasharray=\"");
                    out.push_str(dash);
                    out.push('"');
                }
                rest = &from[9..];
            }
            None => {
                out.push_str("\"#0");
                rest = &from[3..];
            }
        }
    }
    out.push_str(rest);
}

/// The CSS variable of a placeholder as it stands in the SVG, and the dashes that go with it.
fn variable(quoted: &str) -> Option<(String, &'static str)> {
    let number = |range: std::ops::Range<usize>| u8::from_str_radix(quoted.get(range)?, 16).ok();
    let color = RGBColor(number(2..4)?, number(4..6)?, number(6..8)?);
    let plain = |name: &str| Some((name.to_owned(), ""));
    match color {
        INK => plain("ink"),
        CELL_INK => plain("cell-ink"),
        GRID => plain("grid"),
        WARM_UP => plain("warm-up"),
        THROTTLED => plain("throttled"),
        PAPER => plain("paper"),
        EVENT => plain("event"),
        RGBColor(7, 7, index) => Some((format!("series-{index}"), "")),
        RGBColor(7, dash @ 16.., index) => Some((format!("series-{index}"), DASHES.get(usize::from(dash - 16))?)),
        RGBColor(8, 8, step) => Some((format!("heat-{step}"), "")),
        _ => None,
    }
}

/// Text of the charts.
fn font() -> TextStyle<'static> {
    ("sans-serif", 15).into_font().color(&INK)
}

fn anchored(horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    font().pos(Pos::new(horizontal, vertical))
}

/// Writes a text.
fn write(canvas: &Canvas<'_>, words: &str, at: (i32, i32), style: TextStyle<'_>) -> Result<(), Failure> {
    canvas.draw(&Text::new(words.to_owned(), at, style)).map_err(failed)
}

/// The beginning of a text that fits into a width.
fn fitting(text: &str, width: i32) -> String {
    let most = (width / CHARACTER).max(1) as usize;
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most - 1).chain(['…']).collect() }
}

/// About the width of a text.
fn width_of(text: &str) -> i32 {
    text.chars().count() as i32 * CHARACTER
}

fn failed<E: std::fmt::Display>(error: E) -> Failure {
    error.to_string()
}

/// A text of a chart and where it stands.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Words<'a> {
    words: &'a str,
    at: (i32, i32),
}

/// The texts of an SVG.
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "of tests")]
fn texts(svg: &str) -> Vec<Words<'_>> {
    let text = |rest: &'_ str| -> Option<(i32, i32)> {
        let number = |name: &str| rest.split(&format!("{name}=\"")).nth(1)?.split('"').next()?.parse().ok();
        Some((number(" x").or_else(|| number("x"))?, number(" y")?))
    };
    svg.split("<text ")
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .map(|(attributes, rest)| Words {
            words: rest.split('<').next().unwrap_or_default().trim(),
            at: text(attributes).unwrap(),
        })
        .collect()
}
