//! What the plan says, as Markdown: bounds, what to take, and what it costs.

use super::Document;
use crate::plan::Plan;
use crate::report::sections::capital;
use crate::report::terminal::{catch_up_in_words, dispersion_in_words, quantity, skew_in_words, throttling_in_words};
use crate::report::{autoscaling, cost, recommendation};
use crate::units;

/// Most ways to set the scenario up that are listed; the page has all of them.
const WAYS_MAX: usize = 12;

pub(super) fn the_plan(out: &mut Document, plan: &Plan) {
    out.heading(3, "The plan");
    out.paragraph(&format!(
        "Shards: {} required, {} recommended ({} full at most); the scenario has {}. The bound that binds: {}.",
        units::count(plan.capacity.required_shards.into()),
        units::count(plan.capacity.recommended_shards.into()),
        plan.capacity.target_utilisation,
        units::count(plan.forecast.scenario_shards.into()),
        plan.capacity.binding
    ));
    let rows = plan.capacity.bounds.iter().map(|bound| {
        vec![
            bound.name.clone(),
            quantity(bound.demand, &bound.unit),
            quantity(bound.capacity, &bound.unit),
            bound.utilisation.to_string(),
            bound.headroom().to_string(),
            bound.shards.map_or_else(|| "–".to_owned(), |shards| units::count(shards.into())),
        ]
    });
    out.table(&["Bound", "Demand", "Capacity", "Utilisation", "Headroom", "Shards"], 5, rows);
    let words = throttling_in_words(plan).into_iter().chain(skew_in_words(plan)).chain(dispersion_in_words(plan));
    let lags = plan.forecast.lags.iter().map(|lag| format!("{}: {}", lag.consumer, catch_up_in_words(&lag.catch_up)));
    out.list(words.map(|line| capital(&line)).chain(lags));
    if let Some(why) = recommendation::unattainable(plan) {
        out.labelled("Not attainable.", &why);
    }
    what_to_take(out, plan);
    costs(out, plan);
    if plan.capacity.autoscaling.is_some() {
        out.heading(4, "Autoscaling on paper");
        out.list(autoscaling::text(plan).lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
    }
}

fn what_to_take(out: &mut Document, plan: &Plan) {
    let Some(recommendation) = &plan.recommendation else { return };
    out.heading(4, "What to take");
    out.list(recommendation::words(recommendation).into_iter().chain(recommendation.why.iter().cloned()));
    let ways = plan.capacity.frontier.iter().filter(|way| way.efficient || way.own).take(WAYS_MAX);
    let rows = ways.map(|way| {
        let mut cells = recommendation::cells(way).to_vec();
        if way.own {
            cells[0].push_str(" (the scenario's own)");
        }
        cells
    });
    out.paragraph("The cheapest for each lag, and the scenario's own:");
    out.table(&recommendation::HEADS, 0, rows);
}

fn costs(out: &mut Document, plan: &Plan) {
    if plan.capacity.cost.bills.is_empty() {
        return;
    }
    out.heading(4, "What it costs");
    let bills =
        plan.capacity.cost.bills.iter().map(|bill| {
            vec![cost::name(bill, plan), cost::dollars(bill.total), cost::dollars(bill.per_million_records)]
        });
    let head = format!("A month in {}", plan.capacity.cost.region);
    out.table(&[&head, "US dollars", "Per million records"], 2, bills);
    if let Some(bill) = plan.capacity.cost.bills.first() {
        out.paragraph(&format!("Of {}:", cost::name(bill, plan)));
        let lines = bill.lines.iter().map(|line| cost::line_cells(line).to_vec());
        out.table(&["What", "How much", "Price of one", "A month"], 3, lines);
    }
    if !plan.capacity.cost.reading.is_empty() {
        out.paragraph("So many readers of everything, by polling or by enhanced fan-out:");
        let rows = plan.capacity.cost.reading.iter().map(|row| cost::reading_cells(row).to_vec());
        out.table(&cost::READING_HEAD, 5, rows);
        out.list(cost::break_even(plan).into_iter().map(|words| capital(&words)));
    }
}
