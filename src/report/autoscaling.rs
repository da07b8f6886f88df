//! Autoscaling on paper: what a scaling policy would come to.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

use super::charts::{Lines, Scale, Series, lines};
use super::sections::legend_of;
use crate::plan::{Plan, ScalingForecast, ScalingOption};
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
    let Some(forecast) = &plan.autoscaling else { return String::new() };
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

/// The options on a page, and the course of the policy.
pub(super) fn section(plan: &Plan) -> Markup {
    let Some(forecast) = &plan.autoscaling else { return html! {} };
    html! {
        section {
            h2 { "Autoscaling, on paper" }
            p { (in_words(forecast)) " A run does not follow the policy." }
            div class="scroll" { table {
                thead { tr { @for head in HEADS { th scope="col" { (head) } } } }
                tbody { @for option in &forecast.options {
                    tr {
                        th scope="row" { (option.name) }
                        @for cell in cells(option) { td class="number" { (cell) } }
                    }
                } }
            } }
            (course(forecast))
            ul { @for note in &forecast.notes { li { (note) } } }
        }
    }
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
    let hours = |minute: u64| minute as f64 / 60.0;
    let load = forecast.course.iter().map(|point| (hours(point.minute), Some(point.filled)));
    // Shards stay the same until they change.
    let shards = forecast.course.iter().enumerate().flat_map(|(index, point)| {
        let before = index.checked_sub(1).map(|before| forecast.course[before].shards);
        let step = before.map(|before| (hours(point.minute), Some(f64::from(before))));
        step.into_iter().chain([(hours(point.minute), Some(f64::from(point.shards)))])
    });
    let series = [Series::new("open shards", shards), Series::new("shards that the load fills", load)];
    let chart = lines(&Lines {
        title: "The open shards of the policy and the load in full shards, over the last period of the month",
        series: &series,
        scale: Scale::Linear,
        y_label: &units::number,
        x_name: "hours of the period",
        x_label: &units::number,
        marks: None,
    });
    html! {
        figure {
            (PreEscaped(chart))
            figcaption {
                (legend_of(&series)) " The last period of the month: how many shards the policy has open, and how many the load would fill to the brim if it "
                "spread evenly, by records or bytes. Where the load is above the shards, it throttles."
            }
        }
        details {
            summary { "The numbers" }
            div class="scroll tall" { table {
                thead { tr { @for head in ["Minute", "Records", "Full shards", "Open shards"] { th scope="col" { (head) } } } }
                tbody { @for point in &forecast.course {
                    tr {
                        th scope="row" { (point.minute) }
                        td class="number" { (point.rate) }
                        td class="number" { (format!("{:.2}", point.filled)) }
                        td class="number" { (point.shards) }
                    }
                } }
            } }
        }
    }
}
