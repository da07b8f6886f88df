//! The frame of a chart: plot area, axes with their ticks, and the marks of the run's phases.

use super::canvas::{Anchor, Canvas, ChartError, Colour, TEXT_SIZE, text_width};
use super::scale::{Axis, Scale};
use crate::result::RunResult;

/// The size of a chart. Each chart is drawn twice: text that fits a desk is too small on a phone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layout {
    /// Pixels.
    pub width: f64,
    /// Pixels; some charts choose their own.
    pub height: f64,
    /// Ticks that have room on a time axis.
    pub time_ticks: usize,
}

/// For desks and paper.
pub const WIDE: Layout = Layout { width: 960.0, height: 300.0, time_ticks: 12 };
/// For phones.
pub const NARROW: Layout = Layout { width: 400.0, height: 280.0, time_ticks: 5 };

/// Room for the title of the vertical axis and for the names of the phases above the plot.
const TOP: f64 = 46.0;
/// Room for tick labels and the title of the horizontal axis below it.
const BOTTOM: f64 = 44.0;
const RIGHT: f64 = 14.0;

/// Plot area and scales of a chart.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// Left edge of the plot, pixels; the others likewise.
    pub left: f64,
    /// Right edge.
    pub right: f64,
    /// Upper edge.
    pub top: f64,
    /// Lower edge.
    pub bottom: f64,
    /// From values of the horizontal axis to pixels.
    pub x: Scale,
    /// From values of the vertical axis to pixels.
    pub y: Scale,
}

/// The phases of a run, as time charts show them.
#[derive(Debug, Clone, Copy)]
pub struct Phases {
    warm_up: f64,
    load_ended: f64,
}

impl Phases {
    /// The phases of a run.
    pub fn of(result: &RunResult) -> Self {
        Self { warm_up: result.scenario.warm_up.as_secs_f64(), load_ended: result.load_ended.as_secs_f64() }
    }

    /// Shades the warm-up; to be drawn before the data.
    pub fn shade(&self, canvas: &Canvas, frame: &Frame) -> Result<(), ChartError> {
        if self.warm_up > 0.0 {
            let right = frame.x.place(self.warm_up);
            canvas.rectangle((frame.left, frame.top), (right, frame.bottom), Colour::WARM_UP)?;
        }
        Ok(())
    }

    /// Marks and names the end of the warm-up and of the load; to be drawn over the data.
    pub fn mark(&self, canvas: &Canvas, frame: &Frame) -> Result<(), ChartError> {
        let y = frame.top - 9.0;
        let mut taken = f64::NEG_INFINITY;
        if self.warm_up > 0.0 {
            let x = frame.x.place(self.warm_up);
            canvas.line(&[(x, frame.top - 4.0), (x, frame.bottom)], Colour::MUTED, 1.0)?;
            canvas.text("warm-up", (frame.left, y), Anchor::Start, Colour::MUTED)?;
            taken = frame.left + text_width("warm-up");
        }
        if self.load_ended > 0.0 {
            let (x, name) = (frame.x.place(self.load_ended), "load ends");
            canvas.line(&[(x, frame.top - 4.0), (x, frame.bottom)], Colour::INK, 1.0)?;
            let before = x - 4.0 - text_width(name) > taken;
            if before {
                canvas.text(name, (x, y), Anchor::End, Colour::INK)?;
            } else {
                canvas.text(name, (x.max(taken + 8.0), y), Anchor::Start, Colour::INK)?;
            }
        }
        Ok(())
    }
}

impl Frame {
    /// Fits the axes into a chart.
    pub fn new(layout: Layout, x: &Axis, y: &Axis) -> Self {
        let widest = y.ticks.iter().map(|tick| text_width(&tick.label)).fold(0.0, f64::max);
        let (left, right) = (widest + 12.0, layout.width - RIGHT);
        let (top, bottom) = (TOP, layout.height - BOTTOM);
        Self { left, right, top, bottom, x: Scale::new(x, (left, right)), y: Scale::new(y, (bottom, top)) }
    }

    /// Draws the titles, the labels and the lines of the grid; to be drawn before the data.
    pub fn axes(&self, canvas: &Canvas, x: &Axis, y: &Axis) -> Result<(), ChartError> {
        for tick in &y.ticks {
            let at = self.y.place(tick.at);
            canvas.line(&[(self.left, at), (self.right, at)], Colour::GRID, 1.0)?;
            canvas.text(&tick.label, (self.left - 8.0, at), Anchor::End, Colour::MUTED)?;
        }
        canvas.text(&y.title, (0.0, TEXT_SIZE * 0.7), Anchor::Start, Colour::MUTED)?;
        self.horizontal(canvas, x)
    }

    /// Draws the horizontal axis alone. Labels that would touch the one before them are left out.
    pub fn horizontal(&self, canvas: &Canvas, axis: &Axis) -> Result<(), ChartError> {
        canvas.line(&[(self.left, self.bottom), (self.right, self.bottom)], Colour::AXIS, 1.0)?;
        let mut taken = f64::NEG_INFINITY;
        for tick in &axis.ticks {
            let at = self.x.place(tick.at);
            canvas.line(&[(at, self.bottom), (at, self.bottom + 4.0)], Colour::AXIS, 1.0)?;
            let half = text_width(&tick.label) / 2.0;
            if at - half > taken + 6.0 {
                // The outermost label may stand out by half its width, not beyond the chart.
                let centre = at.min(self.right + RIGHT - half);
                canvas.text(&tick.label, (centre, self.bottom + 14.0), Anchor::Middle, Colour::MUTED)?;
                taken = at + half;
            }
        }
        canvas.text(&axis.title, (self.right, self.bottom + 34.0), Anchor::End, Colour::MUTED)
    }

    /// Draws a named horizontal line over the data, such as an objective.
    pub fn limit(&self, canvas: &Canvas, name: &str, value: f64) -> Result<(), ChartError> {
        let at = self.y.place(value);
        canvas.line(&[(self.left, at), (self.right, at)], Colour::INK, 1.0)?;
        canvas.text(name, (self.right - 4.0, at - 9.0), Anchor::End, Colour::INK)
    }
}
