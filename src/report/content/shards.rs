//! How full each shard was.

use std::collections::HashMap;
use std::rc::Rc;

use super::time::RunTime;
use super::{Axis, Cell, Column, Depth, Figure, Key, Parts, Section, Span, Table, Text};
use crate::plan::Plan;
use crate::report::charts::{HEAT_STEPS, HeatMap, Marks, heat_map, shard_bars};
use crate::report::words::{NONE, share};
use crate::result::{RunResult, ShardRecord};
use crate::units::{self, Bytes};
use crate::verdict::{ShardHeat, Verdict};

/// Where shards share rows, so many of the fullest have rows of their own.
const FULLEST: usize = 10;
/// Most shards whose bars are drawn.
const BARS_MAX: usize = 64;

/// How full each shard was.
pub fn shards<'a>(result: &'a RunResult, plan: &'a Plan, verdict: &'a Verdict, time: &RunTime) -> Section<'a> {
    let heat = &verdict.heat;
    let all: Vec<&ShardHeat> = heat.iter().collect();
    let finding = finding(heat);
    let of_all = format!("Utilisation of each shard in each second. {finding}");
    let mut parts = Parts::default();
    let map = Map::new(of_all.trim_end(), all, time);
    if map.with(|map| map.shards_per_row()) > 1 {
        let fullest = fullest(heat);
        let which = format!(
            "The {} shards that throttled the most or were the fullest, of {}, the worst first. ",
            fullest.len(),
            units::count(heat.len() as u64)
        );
        let own = Map::new(format!("The fullest shards in each second. {finding}").trim_end(), fullest, time);
        parts.figure(Depth::Background, own.figure(time, &which, None));
    }
    parts.figure(Depth::Summary, map.figure(time, "", Some(finding)));
    if !heat.is_empty() && heat.len() <= BARS_MAX {
        parts.figure(Depth::Background, bars(plan, heat));
    }
    if !result.measurement.shards.is_empty() {
        parts.table(Depth::Report, numbers(result, plan, verdict).unfolding("The numbers per shard"));
    }
    Section::new("shards", "Shards", parts)
}

/// A heat map on its way to a figure.
struct Map<'a> {
    finding: String,
    shards: Vec<&'a ShardHeat>,
    axis: Axis,
}

impl<'a> Map<'a> {
    fn new(finding: &str, shards: Vec<&'a ShardHeat>, time: &RunTime) -> Self {
        Self { finding: finding.to_owned(), shards, axis: time.axis() }
    }

    fn with<T>(&self, read: impl FnOnce(&HeatMap<'_>) -> T) -> T {
        let none: Rc<[_]> = Rc::new([]);
        let (name, events, [warm_up, load_ended, end]) = match &self.axis {
            Axis::Time { name, events, warm_up, load_ended, end } => (*name, events, [*warm_up, *load_ended, *end]),
            Axis::Values { name, .. } => (*name, &none, [0.0; 3]),
        };
        let marks = Marks { name, events, warm_up, load_ended, end };
        read(&HeatMap { finding: &self.finding, shards: &self.shards, marks })
    }

    fn figure(self, time: &RunTime, which: &str, finding: Option<String>) -> Figure<'a> {
        let (wide, narrow) = self.with(|map| map.seconds_per_column());
        let per_row = self.with(|map| map.shards_per_row());
        let mut caption = Text::from(format!(
            "{which}Write utilisation per shard and second: accepted records or bytes over the shard's limit, whichever is more. At 100% a shard \
             lives on its burst, or is full."
        ));
        if per_row > 1 {
            caption = caption.and(format!(
                " Each row stands for {per_row} neighbouring shards from the one at its left on, and shows the fullest of them in each second, and \
                 whether any was throttled."
            ));
        }
        if wide > 1 || narrow > 1 {
            caption = caption.and(" Each column stands for ");
            caption = if wide == narrow {
                caption.and(wide.to_string())
            } else {
                caption.with(Span::Wide(wide.to_string())).with(Span::Narrow(narrow.to_string()))
            };
            caption = caption.and(" second(s) and shows the fullest of them.");
        }
        if time.has_events() {
            caption =
                caption.and(" Numbered: the ").link("events", "events").and("; a bar above the map while they last.");
        }
        let says = self.finding.clone();
        let mut figure = Figure::new(says, caption, move || self.with(heat_map));
        (figure.scale, figure.finding) = (scale(), finding);
        figure
    }
}

/// The scale of the colours.
fn scale() -> Text {
    let steps = (0..HEAT_STEPS).fold(Text::from("0% "), |text, step| text.with(Span::Swatch(format!("heat-{step}"))));
    let steps = steps.and(" 100% and more; ").with(Span::Swatch("throttled".to_owned()));
    steps.and(" a foot in this colour: attempts were throttled")
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
        share(fullest.mean)
    )
}

fn bars<'a>(plan: &'a Plan, heat: &'a [ShardHeat]) -> Figure<'a> {
    let predicted = |index: usize| share(plan.forecast.shards.get(index).map(|shard| shard.utilisation));
    let words = |(index, shard): (usize, &ShardHeat)| {
        format!("{} {} predicted and {} measured", shard.shard, predicted(index), share(shard.mean))
    };
    let words: Vec<String> = heat.iter().enumerate().take(8).map(words).collect();
    let more = if heat.len() > 8 { ", and so on in the table" } else { "" };
    let says = format!("Predicted and measured utilisation of each shard. {}{more}.", words.join("; "));
    let finding = says.clone();
    let caption = "Mean write utilisation of each shard from the end of the warm-up to the end of the load, in percent of its limit, which is the \
                   line.";
    Figure::new(says, caption, move || shard_bars(&finding, &plan.forecast.shards, heat)).keyed([
        Key::Area(0, false, "predicted: what the shard is offered".to_owned()),
        Key::Area(1, true, "measured: what it accepted".to_owned()),
    ])
}

fn numbers(result: &RunResult, plan: &Plan, verdict: &Verdict) -> Table {
    // Shards that were never used have no row in the heat map, so that places differ.
    let means: HashMap<&str, Option<f64>> = verdict.heat.iter().map(|row| (row.shard.as_str(), row.mean)).collect();
    let shards = &result.measurement.shards;
    let mut order: Vec<usize> = (0..shards.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse((shards[*index].throttled, shards[*index].accepted)));
    let row = |(index, shard): (usize, &ShardRecord)| {
        let cells = [
            shard.id.clone(),
            share(plan.forecast.shards.get(index).map(|shard| shard.utilisation)),
            means.get(shard.id.as_str()).map_or_else(|| NONE.to_owned(), |mean| share(*mean)),
            units::count(shard.accepted),
            Bytes(shard.accepted_bytes).to_string(),
            units::count(shard.throttled),
            shard.starting_hash_key.clone(),
        ];
        cells.map(Cell::from)
    };
    let columns = [
        Column::name("Shard"),
        Column::number("Predicted"),
        Column::number("Measured"),
        Column::number("Accepted"),
        Column::number("Bytes"),
        Column::number("Throttled attempts"),
        Column::small_number("First hash key").from(Depth::Background),
    ];
    let caption =
        "Each shard: mean utilisation predicted and measured, and what was accepted and throttled over the whole run";
    let table = Table::new(caption, columns).rows(shards.iter().enumerate().map(row));
    table.growing_by("shards", "that throttled and accepted the most", order).whole_in("result.json", 0)
}
