//! Line charts: over time, and by percentile.

use std::ops::Range;

use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::axis::{linear_ticks, log_ticks, round_step, spread};
use super::marks::{Marks, TimeAxis};
use super::series::{Series, draw_marker};
use super::{
    Canvas, Chart, Failure, GRID, INK, LABEL_HEIGHT, Room, anchored, dashed_color, draw, failed, fitting, series_color,
    width_of, write,
};

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

/// The horizontal axis.
pub enum XAxis<'a> {
    /// The time of a run, in seconds.
    Time(Marks<'a>),
    /// Anything else.
    Values {
        /// Its name.
        name: &'a str,
        /// How a value is written.
        label: &'a dyn Fn(f64) -> String,
    },
}

/// A line chart.
pub struct Lines<'a> {
    /// What it shows; begins the words for those who do not see it.
    pub title: &'a str,
    /// The lines.
    pub series: &'a [Series],
    /// The vertical scale.
    pub scale: Scale,
    /// How a value of the vertical axis is written.
    pub y_label: &'a dyn Fn(f64) -> String,
    /// The horizontal axis.
    pub x: XAxis<'a>,
}

const HEIGHT: i32 = 340;
const BOTTOM: i32 = 52;
/// Most ticks of an axis of values.
const VALUES_MOST: f64 = 10.0;
/// Longest name at the end of a line, in characters; the legend has it whole.
const END_LABEL_MAX: i32 = 14;

/// Draws a line chart; without any value it is a note.
pub fn lines(chart: &Lines<'_>) -> Chart {
    let values = || chart.series.iter().flat_map(Series::values);
    if values().next().is_none() {
        return Chart::note(&format!("{}: nothing was measured.", chart.title));
    }
    let x_max = values().map(|(x, _)| x).fold(f64::NEG_INFINITY, f64::max);
    let (x_min, x_max) = match &chart.x {
        XAxis::Time(marks) => (0.0, x_max.max(marks.end).max(1.0)),
        XAxis::Values { .. } => (values().map(|(x, _)| x).fold(f64::INFINITY, f64::min), x_max),
    };
    let x = if x_min < x_max { x_min..x_max } else { x_max - 1.0..x_max };
    let y_max = values().map(|(_, y)| y).fold(0.0, f64::max);
    let smallest = values().map(|(_, y)| y).filter(|y| *y > 0.0).fold(f64::INFINITY, f64::min);
    draw(
        |_| HEIGHT,
        &says(chart.title, chart.series, chart.y_label),
        |canvas, room| match chart.scale {
            Scale::Linear => {
                let high = if y_max > 0.0 { y_max * 1.08 } else { 1.0 };
                plot(canvas, room, chart, x.clone(), 0.0..high, &linear_ticks(high), 0.0)
            }
            Scale::Log => {
                let (low, high) = log_range(smallest, y_max);
                plot(canvas, room, chart, x.clone(), (low..high).log_scale(), &log_ticks(low, high), low)
            }
        },
    )
}

/// What a chart shows, in words.
pub fn says(title: &str, series: &[Series], y_label: &dyn Fn(f64) -> String) -> String {
    const MOST: usize = 12;
    let mut words: Vec<String> = series.iter().take(MOST).map(|s| s.in_words(y_label)).collect();
    if series.len() > MOST {
        words.push(format!("and {} more", series.len() - MOST));
    }
    if words.is_empty() { format!("{title}: nothing was measured.") } else { format!("{title}. {}.", words.join("; ")) }
}

/// What is smaller than the largest value by more than this lies on the floor of a logarithmic axis.
const LOG_SPAN: f64 = 1e4;

/// Bounds of a logarithmic axis: by 1, 2 and 5, so that little room is left over; a decade at least and [`LOG_SPAN`] at most.
fn log_range(smallest: f64, largest: f64) -> (f64, f64) {
    let smallest = if smallest.is_finite() { smallest } else { 1e-3 };
    let largest = largest.max(smallest);
    let round = |value: f64, up: bool| {
        let decade = 10f64.powf(value.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * decade);
        if up {
            steps.into_iter().find(|step| *step >= value * 0.999_999).unwrap_or(decade * 10.0)
        } else {
            steps.into_iter().rev().find(|step| *step <= value * 1.000_001).unwrap_or(decade)
        }
    };
    let high = round(largest, true);
    let low = round(smallest.max(high / LOG_SPAN), false);
    (low, high.max(low * 10.0))
}

/// Whether something is too small for a logarithmic axis and lies on its floor.
pub fn lies_on_the_floor(series: &[Series]) -> bool {
    let values = || series.iter().flat_map(Series::values).map(|(_, y)| y);
    let smallest = values().filter(|y| *y > 0.0).fold(f64::INFINITY, f64::min);
    let (low, _) = log_range(smallest, values().fold(0.0, f64::max));
    values().any(|y| y < low * 0.999_999)
}

/// Room at the right: for the names at the ends of lines, the same in all charts over time, so that they can be compared.
pub(super) const fn right_margin(room: Room) -> i32 {
    room.of(END_LABEL_MAX * super::CHARACTER + 14, 26)
}

/// Room at the left, for the labels of the vertical axis.
pub(super) const fn left_margin(room: Room) -> i32 {
    room.of(92, 78)
}

fn plot<Y>(
    canvas: &Canvas<'_>,
    room: Room,
    chart: &Lines<'_>,
    x: Range<f64>,
    y: Y,
    y_ticks: &[f64],
    floor: f64,
) -> Result<(), Failure>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let above = match &chart.x {
        XAxis::Time(marks) => marks.above(),
        XAxis::Values { .. } => 12,
    };
    let mut context = ChartBuilder::on(canvas)
        .margin_top(above)
        .margin_right(right_margin(room))
        .x_label_area_size(BOTTOM)
        .y_label_area_size(left_margin(room))
        .build_cartesian_2d(x.clone(), y)
        .map_err(failed)?;
    let (across, down) = context.plotting_area().get_pixel_range();
    let axis = TimeAxis { across: (across.start, across.end), down: (down.start, down.end), end: x.end };
    if let XAxis::Time(marks) = &chart.x {
        axis.shade(canvas, marks)?;
    }
    for tick in y_ticks {
        let at = context.backend_coord(&(x.start, *tick)).1;
        canvas.draw(&PathElement::new([(across.start, at), (across.end, at)], GRID.stroke_width(1))).map_err(failed)?;
        write(canvas, &(chart.y_label)(*tick), (across.start - 8, at), anchored(HPos::Right, VPos::Center))?;
    }
    let upright = [(across.start, down.start), (across.start, down.end)];
    canvas.draw(&PathElement::new(upright, INK.stroke_width(1))).map_err(failed)?;
    for series in chart.series {
        draw_band(&mut context, series, floor)?;
    }
    for series in chart.series {
        let style = dashed_color(series.look.color, series.look.dash).stroke_width(2);
        for run in &series.runs {
            // What is too small for a logarithmic axis lies on its floor.
            let points: Vec<(f64, f64)> = run.iter().map(|(x, y)| (*x, y.max(floor))).collect();
            if let [point] = points.as_slice() {
                context
                    .draw_series([Circle::new(*point, 2, series_color(series.look.color).filled())])
                    .map_err(failed)?;
            }
            context.draw_series(LineSeries::new(points, style)).map_err(failed)?;
        }
    }
    let place = |(x, y): (f64, f64)| context.backend_coord(&(x, y.max(floor)));
    for (index, series) in chart.series.iter().enumerate() {
        for point in marked(series, index, chart.series.len(), room) {
            draw_marker(canvas, series.look, place(point))?;
        }
    }
    match &chart.x {
        XAxis::Time(marks) => {
            axis.mark(canvas, marks)?;
            axis.draw(canvas, marks.name)?;
        }
        XAxis::Values { name, label } => draw_values(canvas, (across.start, across.end), down.end, &x, name, label)?,
    }
    if room == Room::Wide && chart.series.len() > 1 {
        name_ends(canvas, chart.series, across.end + 8, (down.start + 6, down.end - 6), &place)?;
    }
    Ok(())
}

/// Draws an axis with a tick at each round value, and labels where there is room.
fn draw_values(
    canvas: &Canvas<'_>,
    (left, right): (i32, i32),
    bottom: i32,
    x: &Range<f64>,
    name: &str,
    label: &dyn Fn(f64) -> String,
) -> Result<(), Failure> {
    canvas.draw(&PathElement::new([(left, bottom), (right, bottom)], INK.stroke_width(1))).map_err(failed)?;
    let mut taken = i32::MIN;
    let step = round_step((x.end - x.start) / VALUES_MOST);
    for number in (x.start / step).ceil() as i64..=(x.end / step).floor() as i64 {
        let value = number as f64 * step;
        let at = left + (f64::from(right - left) * (value - x.start) / (x.end - x.start)).round() as i32;
        canvas.draw(&PathElement::new([(at, bottom), (at, bottom + 5)], INK.stroke_width(1))).map_err(failed)?;
        let words = label(value);
        let half = width_of(&words) / 2;
        if at - half > taken {
            taken = at + half + super::CHARACTER;
            write(canvas, &words, (at, bottom + 8), anchored(HPos::Center, VPos::Top))?;
        }
    }
    write(canvas, name, (i32::midpoint(left, right), bottom + 28), anchored(HPos::Center, VPos::Top))
}

/// The area between the least and the most of what each point stands for.
fn draw_band<'a, X, Y>(
    context: &mut ChartContext<'a, SVGBackend<'_>, Cartesian2d<X, Y>>,
    series: &Series,
    floor: f64,
) -> Result<(), Failure>
where
    X: Ranged<ValueType = f64>,
    Y: Ranged<ValueType = f64>,
{
    for band in &series.bands {
        let there = band.iter().map(|(x, _, most)| (*x, most.max(floor)));
        let back = band.iter().rev().map(|(x, least, _)| (*x, least.max(floor)));
        let corners: Vec<(f64, f64)> = there.chain(back).collect();
        let shade = series_color(series.look.color).mix(0.22).filled();
        context.draw_series([Polygon::new(corners, shade)]).map_err(failed)?;
    }
    Ok(())
}

/// The points of a line that get a marker: a few, and other ones than those of the lines that may run beside it.
fn marked(series: &Series, index: usize, lines: usize, room: Room) -> Vec<(f64, f64)> {
    let points: Vec<(f64, f64)> = series.runs.iter().flatten().copied().collect();
    if series.end_name.is_none() && series.runs.iter().all(|run| run.len() == 1) {
        // Nothing joins them: each has its own.
        return points;
    }
    let wanted = room.of(6, 3) as usize;
    let distance = points.len().div_ceil(wanted).max(1);
    let first = distance * (2 * index + 1) / (2 * lines.max(1));
    points.into_iter().skip(first).step_by(distance).collect()
}

/// Writes the name of each line beside its end.
fn name_ends(
    canvas: &Canvas<'_>,
    series: &[Series],
    left: i32,
    within: (i32, i32),
    place: &dyn Fn((f64, f64)) -> (i32, i32),
) -> Result<(), Failure> {
    let end = |series: &'_ Series| Some((series.end_name.clone()?, series.look.color, place(series.end()?).1));
    let ends: Vec<(String, usize, i32)> = series.iter().filter_map(end).collect();
    let wanted: Vec<i32> = ends.iter().map(|(.., y)| *y).collect();
    for ((name, color, _), y) in ends.iter().zip(spread(&wanted, LABEL_HEIGHT, within)) {
        if let Some(y) = y {
            let color = series_color(*color);
            let style = anchored(HPos::Left, VPos::Center).color(&color);
            write(canvas, &fitting(name, END_LABEL_MAX * super::CHARACTER), (left, y), style)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::EventMark;
    use super::*;

    fn chart(series: &[Series], load_ended: f64) -> Chart {
        let events =
            [EventMark { number: 1, from: 20.0, until: Some(30.0) }, EventMark { number: 2, from: 20.1, until: None }];
        let marks = Marks { name: "time", events: &events, warm_up: 0.0, load_ended, end: 60.0 };
        lines(&Lines {
            title: "a chart",
            series,
            scale: Scale::Linear,
            y_label: &|value| value.to_string(),
            x: XAxis::Time(marks),
        })
    }

    fn line(name: &str, index: usize, seconds: u64, value: f64) -> Series {
        Series::over_time(name, index, (0..seconds).map(|second| (second, Some(value))), 1)
    }

    #[test]
    fn the_time_axis_spans_the_run_even_if_the_data_end_early() {
        let chart = chart(&[line("early", 0, 5, 1.0)], 60.0);
        assert!(chart.wide.contains("60 s") && chart.narrow.contains("60 s"), "{}", chart.wide);
    }

    #[test]
    fn events_that_are_close_share_a_number() {
        let svg = chart(&[line("all", 0, 60, 1.0)], 60.0).wide;
        assert!(svg.contains("var(--event)") && svg.contains(">\n1–2\n<"), "{svg}");
    }

    #[test]
    fn a_chart_without_values_is_a_note() {
        let nothing = chart(&[Series::new("none", 0, std::iter::empty())], 60.0);
        assert!(nothing.narrow.is_empty() && nothing.wide.contains("a chart: nothing was measured"));
    }

    #[test]
    fn the_end_of_a_short_load_is_named_on_its_free_side() {
        let side = |load_ended: f64| {
            let svg = chart(&[line("all", 0, 60, 1.0)], load_ended).wide;
            let before = svg.split("load ends").next().unwrap().to_owned();
            before[before.rfind("text-anchor=").unwrap()..].chars().skip(13).take(3).collect::<String>()
        };
        assert_eq!((side(2.0).as_str(), side(50.0).as_str()), ("sta", "end"));
    }

    #[test]
    fn many_lines_that_end_together_have_names_that_do_not_overlap() {
        let series: Vec<Series> =
            (0..30).map(|n| line(&format!("a consumer with a long name {n}"), n, 60, 5.0)).collect();
        let svg = chart(&series, 60.0).wide;
        let ends = super::super::texts(&svg).into_iter().filter(|text| text.words.starts_with("a consumer"));
        let mut places: Vec<i32> = ends.map(|text| text.at.1).collect();
        places.sort_unstable();
        assert!(places.len() > 10 && places.windows(2).all(|pair| pair[1] - pair[0] >= LABEL_HEIGHT), "{places:?}");
        assert!(svg.contains("a consumer wi…"), "{svg}");
    }

    #[test]
    fn the_words_for_the_chart_say_what_it_shows_and_are_no_markup() {
        let svg = chart(&[line("\"><script>", 0, 60, 7.0)], 60.0).wide;
        assert!(svg.contains("aria-label=\"a chart. &quot;&gt;&lt;script&gt;: 7.\""), "{svg}");
        assert!(!svg.contains("<script>"));
    }

    #[test]
    fn logarithmic_axes_leave_little_room_over() {
        assert_eq!(log_range(3.0, 450.0), (2.0, 500.0));
        assert_eq!(log_range(10.0, 10.0), (10.0, 100.0));
        assert_eq!(log_range(1e-6, 9.0), (1e-3, 10.0));
        assert_eq!(log_range(f64::INFINITY, 0.0), (1e-3, 1e-2));
    }
}
