//! The lines of a chart: their points, how they look, and the legend that says which is which.

use maud::{Markup, html};
use plotters::prelude::*;

use super::{Canvas, DASHES, Failure, SERIES_COLORS, failed, series_color};
use crate::measure::{Bin, bins};

/// How a line looks: by its colour, its dashes and its marker, any two of which would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Its colour, by number.
    pub color: usize,
    /// Its dashes, by number; 0 is a whole line.
    pub dash: usize,
    /// Its marker, by number; `None` without one.
    pub marker: Option<usize>,
}

/// In the place of a dash: points that no line joins.
pub const NO_LINE: usize = usize::MAX;

impl Look {
    /// The look of the line in place `index`.
    pub const fn of(index: usize) -> Self {
        Self { color: index % SERIES_COLORS, dash: index % DASHES.len(), marker: Some(index % MARKERS) }
    }
}

/// A line.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name, for the legend.
    pub name: String,
    /// How it looks.
    pub look: Look,
    /// What is written at its end, where there is room for that.
    pub end_name: Option<String>,
    /// Runs of points; a gap between two runs is a gap in the data.
    pub runs: Vec<Vec<(f64, f64)>>,
    /// Where points stand for several seconds: the least and the most of each, beside its place, in runs as above.
    pub bands: Vec<Vec<(f64, f64, f64)>>,
}

impl Series {
    /// A line through points.
    pub fn new(name: impl Into<String>, index: usize, points: impl Iterator<Item = (f64, f64)>) -> Self {
        let run: Vec<(f64, f64)> = points.collect();
        let runs = if run.is_empty() { Vec::new() } else { vec![run] };
        let name = name.into();
        Self { end_name: Some(name.clone()), name, look: Look::of(index), runs, bands: Vec::new() }
    }

    /// A line through a value for each second, or for each `width` of them: then the line is their mean, and a band reaches from the
    /// least to the most. A second without a value makes a gap.
    pub fn over_time(
        name: impl Into<String>,
        index: usize,
        seconds: impl Iterator<Item = (u64, Option<f64>)>,
        width: u64,
    ) -> Self {
        let mut series = Self::new(name, index, std::iter::empty());
        let mut next = None;
        for bin in bins(seconds, width) {
            if next != Some(bin.second) {
                series.runs.push(Vec::new());
                series.bands.push(Vec::new());
            }
            next = Some(bin.second + bin.seconds);
            series.push(&bin);
        }
        if width <= 1 {
            series.bands.clear();
        }
        series
    }

    fn push(&mut self, bin: &Bin) {
        let middle = bin.second as f64 + bin.seconds as f64 / 2.0;
        if let (Some(run), Some(band)) = (self.runs.last_mut(), self.bands.last_mut()) {
            run.push((middle, bin.mean));
            band.push((middle, bin.least, bin.most));
        }
    }

    /// A line through points; a `None` makes a gap.
    pub fn with_gaps(name: &str, index: usize, points: impl Iterator<Item = (f64, Option<f64>)>) -> Self {
        let mut runs = vec![Vec::new()];
        for (x, y) in points {
            match (y, runs.last_mut()) {
                (Some(y), Some(run)) => run.push((x, y)),
                _ => runs.push(Vec::new()),
            }
        }
        runs.retain(|run| !run.is_empty());
        Self { runs, ..Self::new(name, index, std::iter::empty()) }
    }

    /// Points that no line joins, each with its marker.
    pub fn dots(name: &str, index: usize, points: impl Iterator<Item = (f64, f64)>) -> Self {
        let runs = points.map(|point| vec![point]).collect();
        let look = Look { dash: NO_LINE, ..Look::of(index) };
        Self { runs, end_name: None, look, ..Self::new(name, index, std::iter::empty()) }
    }

    /// The same line with another look.
    pub fn with(mut self, look: Look) -> Self {
        self.look = look;
        self
    }

    /// The same line with another name at its end, or none.
    pub fn ending(mut self, name: Option<&str>) -> Self {
        self.end_name = name.map(str::to_owned);
        self
    }

    /// Every point of the line and of its band.
    pub fn values(&self) -> impl Iterator<Item = (f64, f64)> {
        let bands = self.bands.iter().flatten().flat_map(|(x, least, most)| [(*x, *least), (*x, *most)]);
        self.runs.iter().flatten().copied().chain(bands)
    }

    /// Where the line ends.
    pub fn end(&self) -> Option<(f64, f64)> {
        self.runs.last()?.last().copied()
    }

    /// Between what and what it is, in words.
    pub fn in_words(&self, label: &dyn Fn(f64) -> String) -> String {
        let values = || self.values().map(|(_, y)| y);
        let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        match most >= least {
            false => format!("{}: no value", self.name),
            true if label(least) == label(most) => format!("{}: {}", self.name, label(most)),
            true => format!("{}: {} to {}", self.name, label(least), label(most)),
        }
    }
}

/// Number of markers.
const MARKERS: usize = 5;
/// Half the size of a marker.
const HALF: i32 = 5;

/// The corners of a marker around a point; empty for the circle.
fn corners(marker: usize, (x, y): (i32, i32)) -> Vec<(i32, i32)> {
    match marker % MARKERS {
        1 => vec![(x - 4, y - 4), (x + 4, y - 4), (x + 4, y + 4), (x - 4, y + 4)],
        2 => vec![(x, y - HALF), (x + HALF, y + 4), (x - HALF, y + 4)],
        3 => vec![(x, y - 6), (x + 6, y), (x, y + 6), (x - 6, y)],
        4 => vec![(x, y + HALF), (x - HALF, y - 4), (x + HALF, y - 4)],
        _ => Vec::new(),
    }
}

/// Draws a marker.
pub(super) fn draw_marker(canvas: &Canvas<'_>, look: Look, at: (i32, i32)) -> Result<(), Failure> {
    let style = series_color(look.color).filled();
    match look.marker.map(|marker| corners(marker, at)) {
        None => Ok(()),
        Some(corners) if corners.is_empty() => canvas.draw(&Circle::new(at, 4, style)).map_err(failed),
        Some(corners) => canvas.draw(&Polygon::new(corners, style)).map_err(failed),
    }
}

/// A piece of an area: the number of its colour, and whether it is filled or only its edge drawn.
pub fn area_sample(color: usize, filled: bool) -> Markup {
    let color = format!("var(--series-{})", color % SERIES_COLORS);
    html! {
        svg class="sample" viewBox="0 0 40 14" aria-hidden="true" xmlns="http://www.w3.org/2000/svg" {
            rect x="9" y="2" width="22" height="10" fill=(if filled { &color } else { "none" }) stroke=(color) stroke-width="2" {}
        }
    }
}

/// A piece of a line with its marker.
pub fn sample(look: Look) -> Markup {
    let color = format!("var(--series-{})", look.color % SERIES_COLORS);
    let dash = DASHES[look.dash % DASHES.len()];
    html! {
        svg class="sample" viewBox="0 0 40 14" aria-hidden="true" xmlns="http://www.w3.org/2000/svg" {
            @if look.dash != NO_LINE { line x1="1" y1="7" x2="39" y2="7" stroke=(color) stroke-width="2.5" stroke-dasharray=[(!dash.is_empty()).then_some(dash)] {} }
            @if let Some(marker) = look.marker {
                @let corners = corners(marker, (20, 7));
                @if corners.is_empty() { circle cx="20" cy="7" r="4" fill=(color) {} }
                @else {
                    @let points: Vec<String> = corners.iter().map(|(x, y)| format!("{x},{y}")).collect();
                    polygon points=(points.join(" ")) fill=(color) {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_without_a_value_is_a_gap() {
        let seconds = [(0, Some(1.0)), (1, Some(2.0)), (5, Some(3.0)), (6, None)];
        let series = Series::over_time("lag", 0, seconds.into_iter(), 1);
        assert_eq!(series.runs, [vec![(0.5, 1.0), (1.5, 2.0)], vec![(5.5, 3.0)]]);
        assert!(series.bands.is_empty());
    }

    #[test]
    fn several_seconds_are_a_point_with_a_band() {
        let seconds = (0..20).map(|second| (second, Some(second as f64)));
        let series = Series::over_time("lag", 0, seconds, 10);
        assert_eq!(series.runs, [[(5.0, 4.5), (15.0, 14.5)]]);
        assert_eq!(series.bands, [[(5.0, 0.0, 9.0), (15.0, 10.0, 19.0)]]);
        assert_eq!(series.in_words(&|value| value.to_string()), "lag: 0 to 19");
    }

    #[test]
    fn neighbouring_looks_differ_in_three_ways() {
        for index in 0..12 {
            let (one, next) = (Look::of(index), Look::of(index + 1));
            assert!(one.color != next.color && one.dash != next.dash && one.marker != next.marker, "{index}");
        }
        let samples = [Look::of(0), Look::of(1)].map(|look| sample(look).into_string());
        assert!(samples[0].contains("circle") && samples[1].contains("polygon"));
    }
}
