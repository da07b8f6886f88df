//! The plan: every limit against the demand, and what the prediction rests on.

use super::{Cell, Column, Depth, Manner, Parts, Section, Table};
use crate::capacity::Bound;
use crate::plan::Plan;
use crate::report::words::{capital, plan as words};

/// Every limit against the demand.
pub fn plan<'a>(plan: &Plan) -> Section<'a> {
    let columns = [
        Column::name("Bound"),
        Column::number("Demand"),
        Column::number("Capacity"),
        Column::number("Utilisation"),
        Column::number("Headroom"),
        Column::number("Shards"),
        Column::prose("What it is").from(Depth::Background),
    ];
    let row = |bound: &Bound| {
        let cells = std::iter::once(bound.name.to_string()).chain(words::bound(bound)).chain([bound.note.clone()]);
        cells.map(Cell::from).collect::<Vec<_>>()
    };
    let caption = "Each bound of the plan: what the scenario asks for, what there is, and the shards that it takes";
    let mut parts = Parts::default();
    parts.paragraph(Depth::Summary, words::shards(plan));
    parts.table(Depth::Report, Table::new(caption, columns).rows(plan.capacity.bounds.iter().map(row)));
    let lines = words::load(plan).into_iter().chain(words::throttling(plan)).chain(words::skew(plan));
    let lines = lines.chain(words::dispersion(plan)).chain(words::lags(plan));
    let lines = lines.map(|line| format!("{}.", capital(&line)));
    parts.lines(Depth::Report, Manner::Plain, lines);
    parts.unfolding(Depth::Report, "What the prediction rests on", plan.forecast.assumptions.iter().cloned());
    Section::new("plan", "The plan", parts)
}
