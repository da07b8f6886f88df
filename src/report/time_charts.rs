//! Charts over the time of a run: one axis for all of them, with what happened marked on each.

use maud::{Markup, html};

use super::charts::{Chart, EventMark, Lines, Marks, Scale, Series, XAxis, legend, lies_on_the_floor, lines};
use crate::measure::bin_width;
use crate::result::RunResult;

/// Most points of a line, and most rows of a table of seconds; more seconds share them.
pub(super) const POINTS_MAX: u64 = 600;

/// The time axis of a run.
pub struct RunTime<'a> {
    result: &'a RunResult,
    events: Vec<EventMark>,
    /// How many seconds it shows: until load has ended and nothing more was recorded.
    seconds: u64,
}

impl<'a> RunTime<'a> {
    /// The time axis of a run.
    pub fn new(result: &'a RunResult) -> Self {
        let measurement = &result.measurement;
        let put = measurement.intervals.iter().map(|interval| interval.second + 1);
        let read = measurement.consumers.iter().flat_map(|c| &c.lag_intervals).map(|(second, _)| second + 1);
        let seconds = put.chain(read).fold(result.load_ended.as_secs_f64().ceil() as u64, u64::max);
        Self { result, events: super::events::marks(result), seconds }
    }

    /// What the axis marks.
    pub fn marks(&self) -> Marks<'_> {
        Marks {
            name: "time since the load began",
            events: &self.events,
            warm_up: self.result.scenario.warm_up.as_secs_f64(),
            load_ended: self.result.load_ended.as_secs_f64(),
            end: self.seconds as f64,
        }
    }

    /// How many seconds share a point of a line, or a row of a table.
    pub fn width(&self) -> u64 {
        bin_width(self.seconds, POINTS_MAX)
    }

    /// A line through a value for each second.
    pub fn line(&self, name: &str, index: usize, seconds: impl Iterator<Item = (u64, Option<f64>)>) -> Series {
        Series::over_time(name, index, seconds, self.width())
    }

    /// A chart over the run, with its legend and its caption.
    pub fn figure(
        &self,
        title: &str,
        series: &[Series],
        scale: Scale,
        y_label: &dyn Fn(f64) -> String,
        caption: &Markup,
    ) -> Markup {
        let chart = lines(&Lines { title, series, scale, y_label, x: XAxis::Time(self.marks()) });
        let caption = html! {
            (caption) (scale_in_words(series, scale)) (bins_in_words(self.width()))
            (self.marks_in_words())
        };
        // A line without a name at its end goes with another one, as the caption says.
        let named = series.iter().filter_map(|series| Some((series.end_name.as_deref()?, series.look)));
        figure(&legend(named), &chart, &caption)
    }

    /// What is marked on the axis, as far as there is something.
    fn marks_in_words(&self) -> Markup {
        html! {
            @if !self.result.scenario.warm_up.is_zero() { " Shaded grey: the warm-up." }
            @if !self.events.is_empty() { " Numbered: the " a href="#events" { "events" } "; shaded yellow while they last." }
        }
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
pub(super) fn scale_in_words(series: &[Series], scale: Scale) -> Markup {
    html! { @if scale == Scale::Log {
        " The scale is logarithmic" @if lies_on_the_floor(series) { "; what is too small for it lies on its floor" } "."
    } }
}

/// What the points of a line are that stand for `width` seconds each, for a caption.
pub(super) fn bins_in_words(width: u64) -> Markup {
    html! { @if width > 1 {
        " Each point stands for " (width) " seconds: the line is the mean of their values, the band reaches from the least to the most."
    } }
}

/// A chart with what belongs to it: the legend above it, the caption below.
pub fn figure(legend: &Markup, chart: &Chart, caption: &Markup) -> Markup {
    html! { figure { (legend) (chart) figcaption { (caption) } } }
}

/// The lowest and the highest of some values, written once if they are the same.
pub fn range<T: PartialOrd + Copy>(values: impl Iterator<Item = T>, write: impl Fn(T) -> String) -> String {
    let ends = values.fold(None, |ends: Option<(T, T)>, value| match ends {
        None => Some((value, value)),
        Some((low, high)) => Some((if value < low { value } else { low }, if value > high { value } else { high })),
    });
    match ends.map(|(low, high)| (write(low), write(high))) {
        None => "–".to_owned(),
        Some((low, high)) if low == high => low,
        Some((low, high)) => format!("{low} – {high}"),
    }
}
