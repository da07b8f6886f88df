//! Autoscaling on paper: what a scaling policy would come to.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::charts::{Lines, Marks, Scale, Series, XAxis, legend, lines};
use super::shell::Section;
use super::table::Column::{Number, Text};
use super::table::{numbers, table};
use super::time_charts::figure;
use crate::capacity::{ScalingForecast, ScalingOption};
use crate::plan::Plan;
use crate::units;

const HEADS: [&str; 8] = [
    "A month with",
    "Shards",
    "Shard-hours",
    "Updates a day",
    "Minutes refused",
    "Throttled",
    "In the first period",
    "US dollars",
];

/// The options as text; nothing without a policy.
pub(super) fn text(plan: &Plan) -> String {
    let Some(forecast) = &plan.capacity.autoscaling else { return String::new() };
    let mut out = String::new();
    // Writing into a string does not fail.
    let _ = writeln!(out, "  {}", in_words(forecast));
    let _ = writeln!(
        out,
        "  {:<38} {:>9} {:>11} {:>9} {:>10} {:>12}",
        HEADS[0], "shards", "shard-hours", "updates/d", "throttled", "US dollars"
    );
    for option in &forecast.options {
        let [shards, hours, updates, _, throttled, _, cost] = cells(option);
        let _ = writeln!(out, "  {:<38} {shards:>9} {hours:>11} {updates:>9} {throttled:>10} {cost:>12}", option.name);
    }
    for option in forecast.options.iter().filter(|option| option.refused_minutes > 0) {
        let _ = writeln!(
            out,
            "  {}: in {} minutes an update was due that the quota of the day did not allow",
            option.name,
            units::count(option.refused_minutes)
        );
    }
    out
}

/// The options on a page, and the course of the policy; nothing without a policy.
pub(super) fn section(plan: &Plan) -> Option<Section> {
    let forecast = plan.capacity.autoscaling.as_ref()?;
    let rows = html! { @for option in &forecast.options {
        tr {
            th scope="row" { (option.name) }
            @for cell in cells(option) { td class="number" { (cell) } }
        }
    } };
    let columns: Vec<_> = [Text(HEADS[0])].into_iter().chain(HEADS[1..].iter().map(|head| Number(head))).collect();
    let body = html! {
        p { (in_words(forecast)) " A run does not follow the policy." }
        (table("A month with the policy, and with other ways to size the stream", &columns, &rows))
        (course(forecast))
        ul { @for note in &forecast.notes { li { (note) } } }
    };
    Some(Section::new("autoscaling", "Autoscaling, on paper", body))
}

fn in_words(forecast: &ScalingForecast) -> String {
    format!(
        "The load as {} on paper, again and again for a month: {} on average, {} in the busiest minute.",
        units::duration(forecast.period),
        forecast.mean_rate,
        forecast.peak_rate
    )
}

fn cells(option: &ScalingOption) -> [String; 7] {
    let (fewest, most) = (units::count(option.fewest_shards.into()), units::count(option.most_shards.into()));
    [
        if fewest == most { fewest } else { format!("{fewest}–{most}") },
        option.shard_hours.map_or_else(|| "–".to_owned(), units::number),
        format!("{:.1}", option.updates_per_day),
        units::count(option.refused_minutes),
        option.throttled.to_string(),
        option.throttled_at_first.to_string(),
        option.cost.map_or_else(|| "not known".to_owned(), units::dollars),
    ]
}

fn course(forecast: &ScalingForecast) -> Markup {
    let seconds = |minute: u64| minute as f64 * 60.0;
    let load = forecast.course.iter().map(|point| (seconds(point.minute), point.filled));
    // Shards stay the same until they change.
    let shards = forecast.course.iter().enumerate().flat_map(|(index, point)| {
        let before = index.checked_sub(1).map(|before| forecast.course[before].shards);
        let step = before.map(|before| (seconds(point.minute), f64::from(before)));
        step.into_iter().chain([(seconds(point.minute), f64::from(point.shards))])
    });
    let series = [
        Series::new("open shards", 0, shards).ending(Some("open")),
        Series::new("shards that the load fills", 1, load).ending(Some("filled")),
    ];
    let end = forecast.course.last().map_or(0.0, |point| seconds(point.minute));
    let chart = lines(&Lines {
        title: "The open shards of the policy and the load in full shards, over the last period of the month",
        series: &series,
        scale: Scale::Linear,
        y_label: &units::number,
        x: XAxis::Time(Marks { name: "time of the period", events: &[], warm_up: 0.0, load_ended: end, end }),
    });
    let rows = html! { @for point in &forecast.course {
        tr {
            th scope="row" { (point.minute) }
            td class="number" { (point.rate) }
            td class="number" { (format!("{:.2}", point.filled)) }
            td class="number" { (point.shards) }
        }
    } };
    let columns = [Text("Minute"), Number("Records"), Number("Full shards"), Number("Open shards")];
    html! {
        (figure(&legend(series.iter().map(|series| (series.name.as_str(), series.look))), &chart, &html! {
            "The last period of the month: how many shards the policy has open, and how many the load would fill to the brim if it "
            "spread evenly, by records or bytes. Where the load is above the shards, it throttles."
        }))
        (numbers("The numbers", "The course of the policy over the last period of the month", &columns, &rows))
    }
}
