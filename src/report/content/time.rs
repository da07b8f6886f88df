//! The time of a run: one axis for all figures over it, with what happened marked on each.

use std::rc::Rc;

use super::{Axis, Figure, LineFigure, Text, events};
use crate::measure::bin_width;
use crate::report::charts::{EventMark, Scale, Series, lies_on_the_floor};
use crate::result::RunResult;

/// Most points of a line, and most rows of a table of seconds; more seconds share them.
pub const POINTS_MAX: u64 = 600;

/// The time axis of a run.
pub struct RunTime {
    events: Rc<[EventMark]>,
    warm_up: f64,
    load_ended: f64,
    /// How many seconds it shows: until load has ended and nothing more was recorded.
    seconds: u64,
}

impl RunTime {
    /// The time axis of a run.
    pub fn new(result: &RunResult) -> Self {
        let measurement = &result.measurement;
        let put = measurement.intervals.iter().map(|interval| interval.second + 1);
        let read = measurement.consumers.iter().flat_map(|c| &c.lag_intervals).map(|(second, _)| second + 1);
        Self {
            events: events::marks(result).into(),
            warm_up: result.scenario.warm_up.as_secs_f64(),
            load_ended: result.load_ended.as_secs_f64(),
            seconds: put.chain(read).fold(result.load_ended.as_secs_f64().ceil() as u64, u64::max),
        }
    }

    /// The axis as figures take it.
    pub fn axis(&self) -> Axis {
        Axis::Time {
            name: "time since the load began",
            events: Rc::clone(&self.events),
            warm_up: self.warm_up,
            load_ended: self.load_ended,
            end: self.seconds as f64,
        }
    }

    /// How many seconds share a point of a line, or a row of a table.
    pub fn width(&self) -> u64 {
        bin_width(self.seconds, POINTS_MAX)
    }

    /// Whether something happened that the axis marks.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// A line through a value for each second.
    pub fn line(&self, name: &str, index: usize, seconds: impl Iterator<Item = (u64, Option<f64>)>) -> Series {
        Series::over_time(name, index, seconds, self.width())
    }

    /// A figure over the run.
    pub fn figure<'a>(
        &self,
        title: impl Into<String>,
        series: impl IntoIterator<Item = Series>,
        scale: Option<Scale>,
        y_label: fn(f64) -> String,
        caption: &str,
    ) -> Figure<'a> {
        let series: Vec<Series> = series.into_iter().collect();
        let scale = scale.unwrap_or_else(|| Scale::fitting(&series));
        let caption = format!("{caption}{}{}", scale_in_words(&series, scale), bins_in_words(self.width()));
        let lines = LineFigure { title: title.into(), series, scale, y_label: Box::new(y_label), x: self.axis() };
        lines.figure_of_named(self.with_marks(caption.into()))
    }

    /// A caption with what is marked on the axis, as far as there is something.
    fn with_marks(&self, mut caption: Text) -> Text {
        if self.warm_up > 0.0 {
            caption = caption.and(" Shaded grey: the warm-up.");
        }
        if self.has_events() {
            caption = caption.and(" Numbered: the ").link("events", "events").and("; shaded yellow while they last.");
        }
        caption
    }

    /// Which seconds a row of a table is of.
    pub fn row_name(&self, second: u64) -> String {
        match self.width() {
            1 => second.to_string(),
            width => format!("{} to {}", second / width * width, second / width * width + width - 1),
        }
    }

    /// What the rows of a table of seconds are, for its caption.
    pub fn rows_in_words(&self) -> String {
        match self.width() {
            1 => "per second".to_owned(),
            width => format!("per {width} seconds: sums of counts, and the lowest and the highest of what is no count"),
        }
    }
}

/// What a scale is, for a caption.
pub fn scale_in_words(series: &[Series], scale: Scale) -> &'static str {
    match scale {
        Scale::Linear => "",
        Scale::Log if lies_on_the_floor(series) => {
            " The scale is logarithmic; what is too small for it lies on its floor."
        }
        Scale::Log => " The scale is logarithmic.",
    }
}

/// What the points of a line are that stand for `width` seconds each, for a caption.
pub fn bins_in_words(width: u64) -> String {
    match width {
        1 => String::new(),
        width => format!(
            " Each point stands for {width} seconds: the line is the mean of their values, the band reaches from the least to the most."
        ),
    }
}
