//! What every time axis marks: the warm-up, what happened, and the end of the load.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::axis::{merged_numbers, time_ticks};
use super::{Canvas, EVENT, Failure, INK, WARM_UP, anchored, failed, width_of, write};

/// Something that happened, by its number in the list of events. Times are seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EventMark {
    /// Its number, from 1.
    pub number: usize,
    /// When it began.
    pub from: f64,
    /// When it was over, if it took time.
    pub until: Option<f64>,
}

/// What a time axis marks.
#[derive(Debug, Clone, Copy)]
pub struct Marks<'a> {
    /// What the axis is called.
    pub name: &'a str,
    /// What happened.
    pub events: &'a [EventMark],
    /// Seconds of warm-up, shaded.
    pub warm_up: f64,
    /// When load ended, a vertical line.
    pub load_ended: f64,
    /// Where the axis ends: the same for all charts of a run, so that they can be compared.
    pub end: f64,
}

/// A time axis on a canvas: where it lies.
pub(super) struct TimeAxis {
    /// Left and right end.
    pub across: (i32, i32),
    /// Top and bottom of what stands on it.
    pub down: (i32, i32),
    /// The second at its right end.
    pub end: f64,
}

impl Marks<'_> {
    /// Room above a chart for the numbers of events.
    pub(super) const fn above(&self) -> i32 {
        if self.events.is_empty() { 10 } else { 28 }
    }
}

impl TimeAxis {
    fn x(&self, second: f64) -> i32 {
        let (left, right) = self.across;
        left + (f64::from(right - left) * (second / self.end).clamp(0.0, 1.0)).round() as i32
    }

    /// Shades what lies behind the data.
    pub fn shade(&self, canvas: &Canvas<'_>, marks: &Marks<'_>) -> Result<(), Failure> {
        let area = |from: f64, until: f64, color: RGBColor| {
            let corners = [(self.x(from), self.down.0), (self.x(until), self.down.1)];
            canvas.draw(&Rectangle::new(corners, color.filled())).map_err(failed)
        };
        if marks.warm_up > 0.0 {
            area(0.0, marks.warm_up, WARM_UP)?;
        }
        for event in marks.events {
            if let Some(until) = event.until {
                area(event.from, until, EVENT)?;
            }
        }
        Ok(())
    }

    /// Marks what lies over the data, and numbers it.
    pub fn mark(&self, canvas: &Canvas<'_>, marks: &Marks<'_>) -> Result<(), Failure> {
        let (top, bottom) = self.down;
        let mut numbers: Vec<(i32, usize)> = Vec::new();
        for event in marks.events.iter().filter(|event| event.from <= self.end) {
            let at = self.x(event.from);
            canvas
                .draw(&PathElement::new([(at, top - 4), (at, bottom)], INK.mix(0.5).stroke_width(1)))
                .map_err(failed)?;
            if let Some(until) = event.until {
                // A bar above the chart is seen where the shade is not.
                let bar = [(at, top - 4), (self.x(until), top - 2)];
                canvas.draw(&Rectangle::new(bar, INK.filled())).map_err(failed)?;
            }
            numbers.push((at, event.number));
        }
        numbers.sort_unstable();
        for (at, label) in merged_numbers(&numbers) {
            write(canvas, &label, (at, top - 5), anchored(HPos::Center, VPos::Bottom))?;
        }
        if marks.load_ended < self.end {
            self.mark_end_of_load(canvas, self.x(marks.load_ended))?;
        }
        Ok(())
    }

    fn mark_end_of_load(&self, canvas: &Canvas<'_>, at: i32) -> Result<(), Failure> {
        const WORDS: &str = "load ends";
        let (top, bottom) = self.down;
        canvas.draw(&PathElement::new([(at, top), (at, bottom)], INK.stroke_width(1))).map_err(failed)?;
        // On the left of its line, unless the labels of the axis are there.
        let crowded = at - self.across.0 < width_of(WORDS);
        let (left, side) = if crowded { (at + 6, HPos::Left) } else { (at - 6, HPos::Right) };
        write(canvas, WORDS, (left, top + 4), anchored(side, VPos::Top))
    }

    /// Draws the axis with its ticks and its name.
    pub fn draw(&self, canvas: &Canvas<'_>, name: &str) -> Result<(), Failure> {
        let (left, right) = self.across;
        let bottom = self.down.1;
        canvas.draw(&PathElement::new([(left, bottom), (right, bottom)], INK.stroke_width(1))).map_err(failed)?;
        for tick in time_ticks(self.end, right - left) {
            let at = self.x(tick.at);
            canvas.draw(&PathElement::new([(at, bottom), (at, bottom + 5)], INK.stroke_width(1))).map_err(failed)?;
            write(canvas, &tick.label, (at, bottom + 8), anchored(HPos::Center, VPos::Top))?;
        }
        let middle = i32::midpoint(left, right);
        write(canvas, name, (middle, bottom + 28), anchored(HPos::Center, VPos::Top))
    }
}
