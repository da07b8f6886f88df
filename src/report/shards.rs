//! How full each shard was.

use std::collections::HashMap;

use maud::{Markup, html};

use super::charts::{Chart, HeatMap, heat_map, legend_of_areas, shard_bars};
use super::shell::Section;
use super::table::Column::{Number, Text};
use super::table::numbers;
use super::time_charts::{RunTime, figure};
use crate::plan::Plan;
use crate::result::RunResult;
use crate::units::{self, Bytes, Share};
use crate::verdict::{ShardHeat, Verdict};

/// Where shards share rows, so many of the fullest have rows of their own.
const FULLEST: usize = 10;
/// Most shards in the table: of more, those that throttled and accepted the most.
const ROWS_MAX: usize = 2_000;
/// Most shards whose bars are drawn.
const BARS_MAX: usize = 64;

/// How full each shard was.
pub fn shards(result: &RunResult, plan: &Plan, verdict: &Verdict, time: &RunTime<'_>) -> Section {
    let heat = &verdict.heat;
    let all: Vec<&ShardHeat> = heat.iter().collect();
    let finding = finding(heat);
    let (of_all, of_fullest) = (
        format!("Utilisation of each shard in each second. {finding}"),
        format!("The fullest shards in each second. {finding}"),
    );
    let map = HeatMap { finding: of_all.trim_end(), shards: &all, marks: time.marks() };
    let body = html! {
        @if map.shards_per_row() > 1 {
            @let fullest = fullest(heat);
            @let own = HeatMap { finding: of_fullest.trim_end(), shards: &fullest, marks: time.marks() };
            (map_figure(&own, time, &html! { "The " (fullest.len()) " shards that throttled the most or were the fullest, of " (units::count(heat.len() as u64)) ", the worst first. " }))
        }
        (map_figure(&map, time, &html! { span class="finding" { (finding) } }))
        @if !heat.is_empty() && heat.len() <= BARS_MAX {
            (figure(
                &legend_of_areas([(0, false, "predicted: what the shard is offered"), (1, true, "measured: what it accepted")]),
                &bars(plan, heat),
                &html! { "Mean write utilisation of each shard from the end of the warm-up to the end of the load, in percent of its limit, which is the line." },
            ))
        }
        (numbers("The numbers per shard", &caption_of_rows(result), &[
            Text("Shard"), Number("Predicted"), Number("Measured"), Number("Accepted"), Number("Bytes"), Number("Throttled attempts"), Number("First hash key"),
        ], &rows(result, plan, verdict)))
    };
    Section::new("shards", "Shards", body)
}

/// What the rows of the table are.
fn caption_of_rows(result: &RunResult) -> String {
    let what = "mean utilisation predicted and measured, and what was accepted and throttled over the whole run";
    match result.measurement.shards.len() {
        shards if shards > ROWS_MAX => format!(
            "The {} shards of {} that throttled and accepted the most: {what}; result.json has them all",
            units::count(ROWS_MAX as u64),
            units::count(shards as u64)
        ),
        _ => format!("Each shard: {what}"),
    }
}

fn map_figure(map: &HeatMap<'_>, time: &RunTime<'_>, caption: &Markup) -> Markup {
    let (wide, narrow) = map.seconds_per_column();
    let per_row = map.shards_per_row();
    let scale = html! {
        span class="legend" {
            "0% " @for step in 0..super::charts::HEAT_STEPS { span class="swatch" style=(format!("background:var(--heat-{step})")) {} } " 100% and more; "
            span class="swatch" style="background:var(--throttled)" {} " a foot in this colour: attempts were throttled"
        }
    };
    let caption = html! {
        (scale) (caption)
        "Write utilisation per shard and second: accepted records or bytes over the shard's limit, whichever is more. At 100% a shard lives on its burst, or is full."
        @if per_row > 1 { " Each row stands for " (per_row) " neighbouring shards from the one at its left on, and shows the fullest of them in each second, and whether any was throttled." }
        @if wide > 1 || narrow > 1 {
            " Each column stands for "
            @if wide == narrow { (wide) } @else { span class="chart-wide" { (wide) } span class="chart-narrow" { (narrow) } }
            " second(s) and shows the fullest of them."
        }
        @if !time.marks().events.is_empty() { " Numbered: the " a href="#events" { "events" } "; a bar above the map while they last." }
    };
    figure(&html! {}, &heat_map(map), &caption)
}

/// Attempts that a shard throttled.
fn throttled(shard: &ShardHeat) -> u64 {
    shard.throttled.iter().map(|attempts| u64::from(*attempts)).sum()
}

/// The worst shards first.
fn fullest(heat: &[ShardHeat]) -> Vec<&ShardHeat> {
    let mut shards: Vec<(u64, &ShardHeat)> = heat.iter().map(|shard| (throttled(shard), shard)).collect();
    shards.sort_by(|(a, one), (b, other)| b.cmp(a).then(other.mean.unwrap_or(0.0).total_cmp(&one.mean.unwrap_or(0.0))));
    shards.into_iter().take(FULLEST).map(|(_, shard)| shard).collect()
}

/// What the maps show, in a sentence.
fn finding(heat: &[ShardHeat]) -> String {
    let mean = |shard: &ShardHeat| shard.mean.map_or_else(|| "–".to_owned(), |mean| Share(mean).to_string());
    let fullest = heat.iter().max_by(|a, b| a.mean.unwrap_or(0.0).total_cmp(&b.mean.unwrap_or(0.0)));
    let Some(fullest) = fullest else { return "No shard was used.".to_owned() };
    let throttling = heat.iter().filter(|shard| throttled(shard) > 0).count() as u64;
    let worst = heat.iter().max_by_key(|shard| throttled(shard)).filter(|_| throttling > 0);
    let all = units::count(heat.len() as u64);
    let throttled = match worst {
        None => format!("none of {all} shards throttled"),
        Some(worst) => {
            let seconds = worst.throttled.iter().filter(|attempts| **attempts > 0).count() as u64;
            format!(
                "{} of {all} shards throttled, {} the most: {} attempts in {} seconds",
                units::count(throttling),
                worst.shard,
                units::count(throttled(worst)),
                units::count(seconds)
            )
        }
    };
    format!(
        "The fullest shard was {}, at {} of its write capacity on average; {throttled}. ",
        fullest.shard,
        mean(fullest)
    )
}

fn bars(plan: &Plan, heat: &[ShardHeat]) -> Chart {
    let words: Vec<String> = heat
        .iter()
        .enumerate()
        .take(8)
        .map(|(index, shard)| {
            format!(
                "{} {} predicted and {} measured",
                shard.shard,
                percent(plan.forecast.shards.get(index).map(|shard| shard.utilisation)),
                percent(shard.mean)
            )
        })
        .collect();
    let more = if heat.len() > 8 { ", and so on in the table" } else { "" };
    shard_bars(
        &format!("Predicted and measured utilisation of each shard. {}{more}.", words.join("; ")),
        &plan.forecast.shards,
        heat,
    )
}

fn rows(result: &RunResult, plan: &Plan, verdict: &Verdict) -> Markup {
    // Shards that were never used have no row in the heat map, so that places differ.
    let means: HashMap<&str, Option<f64>> = verdict.heat.iter().map(|row| (row.shard.as_str(), row.mean)).collect();
    let mut shards: Vec<_> = result.measurement.shards.iter().enumerate().collect();
    if shards.len() > ROWS_MAX {
        shards.sort_by_key(|(_, shard)| std::cmp::Reverse((shard.throttled, shard.accepted)));
        shards.truncate(ROWS_MAX);
    }
    html! { @for (index, shard) in shards {
        tr {
            th scope="row" { (shard.id) }
            td class="number" { (percent(plan.forecast.shards.get(index).map(|shard| shard.utilisation))) }
            td class="number" { (percent(means.get(shard.id.as_str()).copied().flatten())) }
            td class="number" { (units::count(shard.accepted)) }
            td class="number" { (Bytes(shard.accepted_bytes)) }
            td class="number" { (units::count(shard.throttled)) }
            td class="number small" { (shard.starting_hash_key) }
        }
    } }
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| Share(value).to_string())
}
