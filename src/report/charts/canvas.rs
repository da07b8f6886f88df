//! The surface that charts draw on: pixels in, SVG text out, in colours that follow the page's scheme.

use plotters::coord::Shift;
use plotters::prelude::{
    Circle, DrawingArea, DrawingAreaErrorKind, IntoDrawingArea as _, IntoFont as _, PathElement, Polygon, RGBColor,
    Rectangle, SVGBackend, ShapeStyle,
};
use plotters::style::Color as _;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Units of the SVG for one pixel. The backend knows whole numbers only; finer units keep lines smooth.
const UNITS: f64 = 10.0;

/// Size of all text in charts, pixels.
pub const TEXT_SIZE: f64 = 13.0;

/// A chart could not be drawn; the page says so in its place.
#[derive(Debug, thiserror::Error)]
#[error("the chart could not be drawn: {0}")]
pub struct ChartError(String);

impl From<DrawingAreaErrorKind<std::io::Error>> for ChartError {
    fn from(error: DrawingAreaErrorKind<std::io::Error>) -> Self {
        Self(error.to_string())
    }
}

/// A drawn chart: the content of an `<svg>` element and its `viewBox`.
#[derive(Debug)]
pub struct Drawing {
    /// The four numbers of the attribute.
    pub view_box: String,
    /// The elements inside, escaped.
    pub content: String,
}

/// A colour by its role. The style sheet gives it its value, one for each scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(u8);

/// What is written into the SVG for each role, by number.
const PAINTS: [&str; 28] = [
    "var(--ink)",
    "var(--muted)",
    "var(--grid)",
    "var(--axis)",
    "var(--warm-up)",
    "var(--offered)",
    "var(--accepted)",
    "var(--accepted-area)",
    "var(--throttled)",
    "var(--median)",
    "var(--tail)",
    "var(--longest)",
    "url(#hatch)",
    "var(--series-1)",
    "var(--series-2)",
    "var(--series-3)",
    "var(--series-4)",
    "var(--heat-0)",
    "var(--heat-1)",
    "var(--heat-2)",
    "var(--heat-3)",
    "var(--heat-4)",
    "var(--heat-5)",
    "var(--heat-6)",
    "var(--heat-7)",
    "var(--heat-8)",
    "var(--heat-9)",
    "var(--heat-10)",
];

#[allow(missing_docs, reason = "the constants are the roles of their names")]
impl Colour {
    pub const INK: Self = Self(0);
    pub const MUTED: Self = Self(1);
    pub const GRID: Self = Self(2);
    pub const AXIS: Self = Self(3);
    pub const WARM_UP: Self = Self(4);
    pub const OFFERED: Self = Self(5);
    pub const ACCEPTED: Self = Self(6);
    pub const ACCEPTED_AREA: Self = Self(7);
    pub const THROTTLED: Self = Self(8);
    pub const MEDIAN: Self = Self(9);
    pub const TAIL: Self = Self(10);
    pub const LONGEST: Self = Self(11);
    pub const HATCH: Self = Self(12);
    const FIRST_SERIES: u8 = 13;
    const FIRST_HEAT: u8 = 17;

    /// Number of colours for series of the same kind.
    pub const SERIES: usize = 4;
    /// The step of the heat scale for a full shard and beyond.
    pub const HOTTEST: u8 = 10;

    /// One of [`Self::SERIES`] colours; they repeat.
    pub const fn series(index: usize) -> Self {
        Self(Self::FIRST_SERIES + (index % Self::SERIES) as u8)
    }

    /// A step of the heat scale, 0 to [`Self::HOTTEST`].
    pub const fn heat(step: u8) -> Self {
        Self(Self::FIRST_HEAT + if step > Self::HOTTEST { Self::HOTTEST } else { step })
    }

    /// What CSS calls the colour.
    pub const fn paint(self) -> &'static str {
        PAINTS[self.0 as usize]
    }

    /// Plotters takes RGB values only: each role has one that stands for it until the drawing is done.
    const fn sentinel(self) -> RGBColor {
        RGBColor(1, 2, self.0)
    }
}

/// A point in pixels, from the top left corner.
pub type Point = (f64, f64);

/// Where a text stands relative to its point.
#[derive(Debug, Clone, Copy)]
pub enum Anchor {
    /// The point is at the left end.
    Start,
    /// The point is in the middle.
    Middle,
    /// The point is at the right end.
    End,
}

/// The surface of one chart.
pub struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

/// Draws a chart of a width and height in pixels.
pub fn draw(
    (width, height): (f64, f64),
    paint: impl FnOnce(&Canvas) -> Result<(), ChartError>,
) -> Result<Drawing, ChartError> {
    let size = ((width * UNITS).round() as u32, (height * UNITS).round() as u32);
    let mut svg = String::new();
    let canvas = Canvas { area: SVGBackend::with_string(&mut svg, size).into_drawing_area() };
    paint(&canvas)?;
    canvas.area.present()?;
    drop(canvas);
    Ok(Drawing { view_box: format!("0 0 {} {}", size.0, size.1), content: recolour(inside(&svg)) })
}

impl Canvas<'_> {
    /// Draws a line through points.
    pub fn line(&self, points: &[Point], colour: Colour, width: f64) -> Result<(), ChartError> {
        let points: Vec<_> = points.iter().copied().map(units).collect();
        Ok(self.area.draw(&PathElement::new(points, stroke(colour, width)))?)
    }

    /// Fills the area inside points.
    pub fn polygon(&self, points: &[Point], colour: Colour) -> Result<(), ChartError> {
        let points: Vec<_> = points.iter().copied().map(units).collect();
        Ok(self.area.draw(&Polygon::new(points, colour.sentinel().filled()))?)
    }

    /// Fills a rectangle between two corners.
    pub fn rectangle(&self, from: Point, to: Point, colour: Colour) -> Result<(), ChartError> {
        Ok(self.area.draw(&Rectangle::new([units(from), units(to)], colour.sentinel().filled()))?)
    }

    /// Fills a circle.
    pub fn dot(&self, centre: Point, radius: f64, colour: Colour) -> Result<(), ChartError> {
        let radius = (radius * UNITS).round() as i32;
        Ok(self.area.draw(&Circle::new(units(centre), radius, colour.sentinel().filled()))?)
    }

    /// Writes a text, vertically centred on its point.
    pub fn text(&self, text: &str, point: Point, anchor: Anchor, colour: Colour) -> Result<(), ChartError> {
        let horizontal = match anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        // The backend divides by this factor.
        let font = ("sans-serif", TEXT_SIZE * UNITS * 1.24).into_font();
        let style = plotters::style::TextStyle::from(font)
            .color(&colour.sentinel())
            .pos(Pos::new(horizontal, VPos::Center));
        Ok(self.area.draw_text(text, &style, units(point))?)
    }
}

/// A generous estimate of the width of a text, pixels: the page's font is not known here.
pub fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * TEXT_SIZE * 0.58
}

fn units((x, y): Point) -> (i32, i32) {
    ((x * UNITS).round() as i32, (y * UNITS).round() as i32)
}

fn stroke(colour: Colour, width: f64) -> ShapeStyle {
    ShapeStyle { color: colour.sentinel().to_rgba(), filled: false, stroke_width: (width * UNITS).round() as u32 }
}

/// The elements between the tags of the root: the page writes the root itself, with its role and label.
fn inside(svg: &str) -> &str {
    let from = svg.find('>').map_or(0, |position| position + 1);
    let to = svg.rfind("</svg>").unwrap_or(svg.len());
    svg.get(from..to).unwrap_or_default()
}

/// Replaces the sentinels by the page's colours and drops attributes that say what holds anyway. Texts are escaped and
/// have no plain quotation marks, so that nothing inside them is replaced.
fn recolour(svg: &str) -> String {
    let mut out = svg.replace(" opacity=\"1\"", "").replace(" stroke=\"none\"", "");
    out = out.replace(" font-family=\"sans-serif\"", "");
    for (paint, number) in PAINTS.iter().zip(0u8..) {
        let RGBColor(red, green, blue) = Colour(number).sentinel();
        out = out.replace(&format!("\"#{red:02X}{green:02X}{blue:02X}\""), &format!("\"{paint}\""));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_variables_and_text_is_escaped() {
        let drawing = draw((100.0, 50.0), |canvas| {
            canvas.rectangle((0.0, 0.0), (10.0, 10.0), Colour::heat(200))?;
            canvas.line(&[(0.0, 0.0), (1.25, 3.0)], Colour::series(5), 1.5)?;
            canvas.text("<script>\"#010200\"</script>", (5.0, 5.0), Anchor::Middle, Colour::INK)
        })
        .unwrap();
        assert_eq!(drawing.view_box, "0 0 1000 500");
        assert!(drawing.content.contains("fill=\"var(--heat-10)\""));
        assert!(drawing.content.contains("stroke=\"var(--series-2)\" stroke-width=\"15\" points=\"0,0 13,30 \""));
        assert!(drawing.content.contains("&lt;script&gt;&quot;#010200&quot;&lt;/script&gt;"));
        assert!(!drawing.content.contains("<script>") && !drawing.content.contains("<svg"));
    }
}
