//! Line charts over time, and the percentile curve.

use std::ops::Range;

use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

use super::{Canvas, EVENT, Failure, GRID, INK, WARM_UP, anchored, draw, failed, font, series_color};
use plotters::style::text_anchor::{HPos, VPos};

/// A line.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its name, for the legend.
    pub name: String,
    /// Runs of points; a gap between two runs is a gap in the data.
    pub runs: Vec<Vec<(f64, f64)>>,
}

impl Series {
    /// A line through points; a `None` makes a gap.
    pub fn new(name: impl Into<String>, points: impl Iterator<Item = (f64, Option<f64>)>) -> Self {
        let mut runs = vec![Vec::new()];
        for (x, y) in points {
            match (y, runs.last_mut()) {
                (Some(y), Some(run)) => run.push((x, y)),
                _ => runs.push(Vec::new()),
            }
        }
        runs.retain(|run| !run.is_empty());
        Self { name: name.into(), runs }
    }

    /// A line through one value per second, each in the middle of its second; a second that is missing or has no value
    /// makes a gap.
    pub fn per_second(name: impl Into<String>, seconds: impl Iterator<Item = (u64, Option<f64>)>) -> Self {
        let mut next = 0;
        let points = seconds.flat_map(|(second, value)| {
            let gap = (second > next).then_some((second as f64, None));
            next = second + 1;
            gap.into_iter().chain([(second as f64 + 0.5, value)])
        });
        Self::new(name, points)
    }

    fn values(&self) -> impl Iterator<Item = (f64, f64)> {
        self.runs.iter().flatten().copied()
    }
}

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
    /// What happened.
    pub events: &'a [EventMark],
    /// Seconds of warm-up, shaded.
    pub warm_up: f64,
    /// When load ended, a vertical line.
    pub load_ended: f64,
    /// Where the axis ends: the same for all charts of a run, so that they can be compared.
    pub end: f64,
}

/// The vertical scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// From zero.
    Linear,
    /// Logarithmic.
    Log,
}

impl Scale {
    /// Logarithmic where the values span so much that the small ones would lie on the floor.
    pub fn fitting(series: &[Series]) -> Self {
        const SPAN: f64 = 20.0;
        let values = || series.iter().flat_map(Series::values).map(|(_, y)| y).filter(|y| *y > 0.0);
        let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
        if high > low * SPAN { Self::Log } else { Self::Linear }
    }
}

/// A line chart.
pub struct Lines<'a> {
    /// What it shows, for screen readers.
    pub title: &'a str,
    /// The lines.
    pub series: &'a [Series],
    /// The vertical scale.
    pub scale: Scale,
    /// How a value of the vertical axis is written.
    pub y_label: &'a dyn Fn(f64) -> String,
    /// Name of the horizontal axis.
    pub x_name: &'a str,
    /// How a value of the horizontal axis is written.
    pub x_label: &'a dyn Fn(f64) -> String,
    /// What the time axis marks; `None` for another axis.
    pub marks: Option<Marks<'a>>,
}

const HEIGHT: u32 = 340;
/// Room above a chart for the numbers of events.
pub(super) const EVENT_NUMBERS: u32 = 28;

/// Writes the number of an event above `at`, unless the number before it, which ends at `taken`, is in the way.
pub(super) fn draw_number(canvas: &Canvas<'_>, number: usize, at: (i32, i32), taken: &mut i32) -> Result<(), Failure> {
    let text = number.to_string();
    let half = 5 * text.len() as i32;
    if at.0 - half <= *taken {
        return Ok(());
    }
    *taken = at.0 + half;
    canvas.draw(&Text::new(text, (at.0, at.1 - 4), anchored(HPos::Center, VPos::Bottom))).map_err(failed)
}

/// Room that the words "load ends" need.
const LOAD_ENDS_WIDTH: i32 = 80;

/// Draws a line chart; without any value it is a note.
pub fn lines(chart: &Lines<'_>) -> String {
    let values = || chart.series.iter().flat_map(Series::values);
    if values().next().is_none() {
        return maud::html! { p class="note" { (chart.title) ": nothing was measured." } }.into_string();
    }
    let x_max = values().map(|(x, _)| x).fold(1.0, f64::max);
    let (x_min, x_max) = match chart.marks {
        Some(marks) => (0.0, x_max.max(marks.end)),
        None => (values().map(|(x, _)| x).fold(f64::INFINITY, f64::min), x_max),
    };
    let x_min = if x_min < x_max { x_min } else { x_max - 1.0 };
    let y_max = values().map(|(_, y)| y).fold(0.0, f64::max);
    let smallest = values().map(|(_, y)| y).filter(|y| *y > 0.0).fold(f64::INFINITY, f64::min);
    draw(HEIGHT, chart.title, |canvas| match chart.scale {
        Scale::Linear => plot(canvas, chart, x_min..x_max, 0.0..if y_max > 0.0 { y_max * 1.08 } else { 1.0 }),
        Scale::Log => {
            let low = if smallest.is_finite() { decade(smallest).0 } else { 1e-3 };
            let high = decade(y_max.max(low * 10.0)).1;
            plot(canvas, chart, x_min..x_max, (low..high).log_scale())
        }
    })
}

/// The powers of ten around a positive value.
fn decade(value: f64) -> (f64, f64) {
    (10f64.powf(value.log10().floor()), 10f64.powf(value.log10().ceil()))
}

fn plot<Y>(canvas: &Canvas<'_>, chart: &Lines<'_>, x: Range<f64>, y: Y) -> Result<(), Failure>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let mut context = ChartBuilder::on(canvas)
        .margin(10)
        .margin_top(if chart.marks.is_some_and(|marks| !marks.events.is_empty()) { EVENT_NUMBERS } else { 10 })
        .x_label_area_size(46)
        .y_label_area_size(82)
        .build_cartesian_2d(x.clone(), y)
        .map_err(failed)?;
    let bottom_and_top = context.plotting_area().get_y_range();
    if let Some(marks) = chart.marks.filter(|marks| marks.warm_up > 0.0) {
        let corners = [(0.0, bottom_and_top.start), (marks.warm_up.min(x.end), bottom_and_top.end)];
        context.draw_series([Rectangle::new(corners, WARM_UP.filled())]).map_err(failed)?;
    }
    for event in chart.marks.map_or(&[] as &[EventMark], |marks| marks.events) {
        if let Some(until) = event.until {
            let corners = [(event.from, bottom_and_top.start), (until.min(x.end), bottom_and_top.end)];
            context.draw_series([Rectangle::new(corners, EVENT.filled())]).map_err(failed)?;
        }
    }
    context
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .label_style(font())
        .x_labels(if chart.marks.is_some() { 11 } else { ((x.end - x.start) as usize + 1).min(11) })
        .y_labels(6)
        .x_desc(chart.x_name)
        .axis_desc_style(font())
        .x_label_formatter(&|value| (chart.x_label)(*value))
        .y_label_formatter(&|value| (chart.y_label)(*value))
        .draw()
        .map_err(failed)?;
    for (index, series) in chart.series.iter().enumerate() {
        let style = series_color(index).stroke_width(2);
        for run in &series.runs {
            if let [point] = run.as_slice() {
                context.draw_series([Circle::new(*point, 2, series_color(index).filled())]).map_err(failed)?;
            }
            context.draw_series(LineSeries::new(run.iter().copied(), style)).map_err(failed)?;
        }
    }
    let events = chart.marks.map_or(&[] as &[EventMark], |marks| marks.events);
    let mut taken = i32::MIN;
    for event in events.iter().filter(|event| event.from <= x.end) {
        let line = [(event.from, bottom_and_top.start), (event.from, bottom_and_top.end)];
        let thin = INK.mix(0.5).stroke_width(1);
        context.draw_series([PathElement::new(line, thin)]).map_err(failed)?;
        let at = context.backend_coord(&(event.from, bottom_and_top.end));
        draw_number(canvas, event.number, at, &mut taken)?;
    }
    if let Some(marks) = chart.marks.filter(|marks| marks.load_ended < x.end) {
        let line = [(marks.load_ended, bottom_and_top.start), (marks.load_ended, bottom_and_top.end)];
        context.draw_series([PathElement::new(line, INK.stroke_width(1))]).map_err(failed)?;
        let at = context.backend_coord(&(marks.load_ended, bottom_and_top.end));
        // On the left of its line, unless the labels of the axis are there.
        let axis = context.backend_coord(&(x.start, bottom_and_top.end)).0;
        let crowded = at.0 - axis < LOAD_ENDS_WIDTH;
        let (left, side) = if crowded { (at.0 + 6, HPos::Left) } else { (at.0 - 6, HPos::Right) };
        let text = Text::new("load ends", (left, at.1 + 4), anchored(side, VPos::Top));
        canvas.draw(&text).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(series: &[Series], load_ended: f64) -> String {
        let events =
            [EventMark { number: 1, from: 20.0, until: Some(30.0) }, EventMark { number: 2, from: 20.1, until: None }];
        let marks = Marks { events: &events, warm_up: 0.0, load_ended, end: 60.0 };
        lines(&Lines {
            title: "a chart",
            series,
            scale: Scale::Linear,
            y_label: &|value| value.to_string(),
            x_name: "seconds",
            x_label: &|value| format!("at {value}"),
            marks: Some(marks),
        })
    }

    #[test]
    fn a_second_without_a_value_is_a_gap() {
        let series = Series::per_second("lag", [(0, Some(1.0)), (1, Some(2.0)), (5, Some(3.0)), (6, None)].into_iter());
        assert_eq!(series.runs, [vec![(0.5, 1.0), (1.5, 2.0)], vec![(5.5, 3.0)]]);
    }

    #[test]
    fn the_time_axis_spans_the_run_even_if_the_data_end_early() {
        let svg = chart(&[Series::per_second("early", (0..5).map(|second| (second, Some(1.0))))], 60.0);
        assert!(svg.contains("at 60"), "{svg}");
    }

    #[test]
    fn events_are_numbered_unless_their_numbers_would_overlap() {
        let svg = chart(&[Series::per_second("all", (0..60).map(|second| (second, Some(1.0))))], 60.0);
        assert!(svg.contains("var(--event)") && svg.contains(">\n1\n<") && !svg.contains(">\n2\n<"), "{svg}");
    }

    #[test]
    fn a_chart_without_values_is_a_note() {
        let nothing = chart(&[Series::per_second("none", [(3, None)].into_iter())], 60.0);
        assert!(!nothing.contains("<svg") && nothing.contains("a chart: nothing was measured"), "{nothing}");
    }

    #[test]
    fn the_end_of_a_short_load_is_named_on_its_free_side() {
        let series = [Series::per_second("all", (0..60).map(|second| (second, Some(1.0))))];
        let side = |load_ended: f64| {
            let svg = chart(&series, load_ended);
            let before = svg.split("load ends").next().unwrap().to_owned();
            before[before.rfind("text-anchor=").unwrap()..].chars().skip(13).take(3).collect::<String>()
        };
        assert_eq!((side(2.0).as_str(), side(50.0).as_str()), ("sta", "end"));
    }
}
