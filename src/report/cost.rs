//! What a scenario costs: bills, and what it costs to read sooner.

use std::fmt::Write as _;
use std::time::Duration;

use maud::{Markup, html};

use crate::plan::{Bill, Plan};
use crate::units;

/// The name of a bill: how it is paid for, and for how much.
pub(super) fn name(bill: &Bill, plan: &Plan) -> String {
    if bill.tariff != crate::plan::Tariff::Provisioned {
        return bill.tariff.name().to_owned();
    }
    let recommended = if bill.shards == plan.recommended_shards { ", as recommended" } else { "" };
    format!("{}, {} shard(s){recommended}", bill.tariff.name(), units::count(bill.shards.into()))
}

pub(super) fn dollars(amount: Option<f64>) -> String {
    amount.map_or_else(|| "not known".to_owned(), units::dollars)
}

fn lag(nanos: Option<u64>) -> String {
    nanos.map_or_else(|| "grows".to_owned(), |nanos| units::duration(Duration::from_nanos(nanos)))
}

/// The costs of a plan as text.
pub(super) fn text(plan: &Plan) -> String {
    let cost = &plan.cost;
    let mut out = String::new();
    // Writing into a string does not fail.
    if !cost.bills.is_empty() {
        let _ = writeln!(out, "  a month in {:<41} {:>12} {:>20}", cost.region, "US dollars", "per million records");
    }
    for bill in &cost.bills {
        let per_million = dollars(bill.per_million_records);
        let _ = writeln!(out, "  {:<52} {:>12} {per_million:>20}", name(bill, plan), dollars(bill.total));
    }
    if let Some(own) = cost.bills.first() {
        let _ = writeln!(out, "\n  of {}:", name(own, plan));
        for line in &own.lines {
            let unit = line.item.unit();
            let quantity = format!("{} {unit} × {}", units::number(line.quantity), dollars(line.price));
            let _ = writeln!(out, "    {:<34} {quantity:>38} {:>9}", line.what, dollars(line.amount));
        }
    }
    if !cost.reading.is_empty() {
        let _ = writeln!(
            out,
            "\n  {:<10} {:>12} {:>12} {:>12} {:>12} {:>20}",
            "readers", "polling lag", "a month", "fan-out lag", "a month", "each 100 ms less"
        );
    }
    for row in &cost.reading {
        let _ = writeln!(
            out,
            "  {:<10} {:>12} {:>12} {:>12} {:>12} {:>20}",
            row.readers,
            lag(row.polling_lag),
            dollars(row.polling),
            lag(row.fan_out_lag),
            dollars(row.fan_out),
            row.each_100_ms.map_or_else(|| "–".to_owned(), units::dollars)
        );
    }
    for words in break_even(plan) {
        let _ = writeln!(out, "  {words}");
    }
    out
}

/// From how many readers on enhanced fan-out is not dearer, and which shards polling needs.
fn break_even(plan: &Plan) -> Vec<String> {
    let cost = &plan.cost;
    if cost.reading.iter().all(|row| row.polling.is_none() || row.fan_out.is_none()) {
        return Vec::new();
    }
    let further = cost.reading.iter().find(|row| row.polling_shards > plan.scenario_shards);
    let further = further.map(|row| {
        format!(
            "from {} readers on, polling needs more shards than the load does: {} for {}",
            row.readers, row.polling_shards, row.readers
        )
    });
    let even = match cost.break_even {
        Some(readers) => format!("fan-out costs no more than polling from {readers} reader(s) on"),
        None => "fan-out costs more than polling for as many readers as a stream takes".to_owned(),
    };
    further.into_iter().chain([even]).collect()
}

/// The costs of a plan on a page.
pub(super) fn section(plan: &Plan) -> Markup {
    let cost = &plan.cost;
    html! {
        section {
            h2 { "What it costs" }
            p { "A month in " strong { (cost.region) } ", at the prices of " (cost.prices) ", in US dollars." }
            @if !cost.bills.is_empty() { (bills(plan)) }
            @if let Some(own) = cost.bills.first() { (lines(own, plan)) }
            @if !cost.reading.is_empty() { (reading(plan)) }
            ul { @for note in &cost.notes { li { (note) } } }
        }
    }
}

fn bills(plan: &Plan) -> Markup {
    html! {
        div class="scroll" { table {
            thead { tr { th scope="col" { "Way to pay" } th scope="col" { "A month" } th scope="col" { "Per million records" } } }
            tbody { @for bill in &plan.cost.bills {
                tr {
                    th scope="row" { (name(bill, plan)) }
                    td class="number" { (dollars(bill.total)) }
                    td class="number" { (dollars(bill.per_million_records)) }
                }
            } }
        } }
    }
}

fn lines(bill: &Bill, plan: &Plan) -> Markup {
    html! {
        h3 { "The bill: " (name(bill, plan)) }
        div class="scroll" { table {
            thead { tr {
                th scope="col" { "What" } th scope="col" { "How much" } th scope="col" { "Price of one" } th scope="col" { "A month" }
                th scope="col" { "Source of the price" }
            } }
            tbody { @for line in &bill.lines {
                tr {
                    th scope="row" { (line.what) }
                    td class="number" { (units::number(line.quantity)) " " (line.item.unit()) }
                    td class="number" { (dollars(line.price)) }
                    td class="number" { (dollars(line.amount)) }
                    td class="why" { (line.source.as_deref().unwrap_or("–")) }
                }
            } }
        } }
    }
}

fn reading(plan: &Plan) -> Markup {
    let cost = &plan.cost;
    html! {
        h3 { "Polling or enhanced fan-out" }
        p class="note" {
            "So many readers of everything on the stream of the bill above, who poll as often as the calls of a shard allow: the mean lag "
            "of each, what all of them cost, and what each of them pays a month for every 100 ms that fan-out saves. A lag grows where the "
            "shards cannot give what is read."
        }
        @for words in break_even(plan) { p class="note" { (words) "." } }
        div class="scroll" { table {
            thead { tr {
                th scope="col" { "Readers" } th scope="col" { "Polling: lag" } th scope="col" { "Polling: a month" }
                th scope="col" { "Fan-out: lag" } th scope="col" { "Fan-out: a month" } th scope="col" { "Each 100 ms less" }
            } }
            tbody { @for row in &cost.reading {
                tr {
                    th scope="row" { (row.readers) }
                    td class="number" { (lag(row.polling_lag)) }
                    td class="number" { (dollars(row.polling)) }
                    td class="number" { (lag(row.fan_out_lag)) }
                    td class="number" { (dollars(row.fan_out)) }
                    td class="number" { (row.each_100_ms.map_or_else(|| "–".to_owned(), units::dollars)) }
                }
            } }
        } }
    }
}
