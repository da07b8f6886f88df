//! What to take: the recommended configuration, what it was chosen from, and what would help a shard that is too full.

use super::{Axis, Cell, Column, Depth, Figure, Layout, LineFigure, Manner, Parts, Section, Table, Text};
use crate::capacity::Configuration;
use crate::plan::Plan;
use crate::report::charts::{Scale, Series};
use crate::report::words::cost::dollars;
use crate::report::words::recommendation::{cells, lines, unattainable};
use crate::units;
use crate::verdict::Cure;

/// The recommendation; nothing without configurations and without a shard that is too full.
pub fn recommendation<'a>(plan: &Plan) -> Option<Section<'a>> {
    if plan.capacity.frontier.is_empty() && plan.cures.is_empty() && plan.capacity.attainable {
        return None;
    }
    let mut parts = Parts::default();
    if let Some(words) = unattainable(plan) {
        parts.warning(Depth::Summary, words);
    }
    match &plan.recommendation {
        Some(recommendation) => {
            parts.lines(Depth::Summary, Manner::List, lines(recommendation));
            parts.lines(Depth::Report, Manner::Plain, recommendation.why.iter().map(String::as_str));
        }
        None if !plan.capacity.frontier.is_empty() => {
            parts.paragraph(Depth::Summary, "Nothing that was looked at meets the objectives.");
        }
        None => {}
    }
    if !plan.capacity.frontier.is_empty() {
        parts.heading(Depth::Report, "Cost against lag");
        parts.figure(Depth::Background, frontier(plan));
        parts.table(Depth::Report, ways(plan).unfolding("All that were looked at"));
    }
    if !plan.cures.is_empty() {
        parts.heading(Depth::Report, "What would help the fullest shard");
        parts.table(Depth::Report, cures(plan));
    }
    Some(Section::new("what-to-take", "What to take", parts))
}

fn cures(plan: &Plan) -> Table {
    let columns = [
        Column::name("What"),
        Column::number("A month"),
        Column::prose("What it costs otherwise"),
        Column::prose("To try it"),
    ];
    let row = |cure: &Cure| {
        let settings = cure
            .settings
            .iter()
            .fold(Text::default(), |text, setting| text.code(format!("--set '{setting}'")).and(" "));
        [cure.what.as_str().into(), dollars(cure.monthly).into(), cure.trade_off.as_str().into(), Cell::from(settings)]
    };
    let table = Table::new("What would help the fullest shard, the cheapest first", columns).layout(Layout::Entries);
    table.rows(plan.cures.iter().map(row))
}

fn ways(plan: &Plan) -> Table {
    let columns = [
        Column::name("Way to pay"),
        Column::number("Shards"),
        Column::words("Records"),
        Column::words("Readers"),
        Column::number("Lag"),
        Column::number("A month"),
        Column::words("Objectives"),
    ];
    let row = |way: &Configuration| {
        let mut cells = cells(way);
        if way.own {
            cells[0].push_str(" (the scenario's own)");
        }
        cells.map(Cell::from)
    };
    let best =
        plan.capacity.frontier.iter().enumerate().filter(|(_, way)| way.efficient || way.own).map(|(index, _)| index);
    let table = Table::new("Every way that was looked at", columns).rows(plan.capacity.frontier.iter().map(row));
    table
        .growing_by("ways", "that are the cheapest for each lag, or the scenario's own", best.collect())
        .whole_in("the JSON", 0)
}

fn frontier<'a>(plan: &Plan) -> Figure<'a> {
    let point = |way: &Configuration| Some((way.lag? as f64 / 1e6, way.monthly?));
    let mut front: Vec<(f64, f64)> =
        plan.capacity.frontier.iter().filter(|way| way.efficient).filter_map(point).collect();
    front.sort_by(|a, b| a.0.total_cmp(&b.0));
    let dots = |name: &str, index, ways: &dyn Fn(&&Configuration) -> bool| {
        let points = plan.capacity.frontier.iter().filter(ways).filter_map(point);
        Series::dots(name, index, points)
    };
    let series = vec![
        Series::new("the cheapest for each lag", 0, front.into_iter()).ending(None),
        dots("others", 2, &|way| !way.efficient && !way.own),
        dots("the scenario's own", 1, &|way| way.own),
    ];
    let scale = Scale::fitting(&series);
    let logarithmic = if scale == Scale::Log { " The scale of the dollars is logarithmic." } else { "" };
    let caption = format!(
        "US dollars a month, and the mean lag of the slowest consumer (or until records can be read, if nobody reads): ways to pay, to put \
         records and to read them. Those on the line are the cheapest for their lag.{logarithmic}"
    );
    let lines = LineFigure {
        title: "Dollars a month against the mean lag of the slowest consumer, of each way to set up the scenario"
            .to_owned(),
        series,
        scale,
        y_label: Box::new(units::dollars),
        x: Axis::Values { name: "mean lag of the slowest consumer, ms", label: units::number },
    };
    lines.figure(caption.into())
}
