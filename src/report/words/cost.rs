//! What a plan costs.

use std::time::Duration;

use crate::capacity::{Bill, BillLine, ReadingCost, Tariff};
use crate::plan::Plan;
use crate::units;

/// The name of a bill: how it is paid for, and for how much.
pub fn name(bill: &Bill, plan: &Plan) -> String {
    if bill.tariff != Tariff::Provisioned {
        return bill.tariff.name().to_owned();
    }
    let recommended = if bill.shards == plan.capacity.recommended_shards { ", as recommended" } else { "" };
    format!("{}, {} shard(s){recommended}", bill.tariff.name(), units::count(bill.shards.into()))
}

/// An amount, as far as it is known.
pub fn dollars(amount: Option<f64>) -> String {
    amount.map_or_else(|| "not known".to_owned(), units::dollars)
}

/// A mean lag, if it has one.
pub fn lag(nanos: Option<u64>) -> String {
    nanos.map_or_else(|| "grows".to_owned(), |nanos| units::duration(Duration::from_nanos(nanos)))
}

/// From how many readers on enhanced fan-out is not dearer, and which shards polling needs.
pub fn break_even(plan: &Plan) -> Vec<String> {
    let cost = &plan.capacity.cost;
    if cost.reading.iter().all(|row| row.polling.is_none() || row.fan_out.is_none()) {
        return Vec::new();
    }
    let further = cost.reading.iter().find(|row| row.polling_shards > plan.forecast.scenario_shards);
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

/// What, how much, the price of one, and a month of it.
pub fn line_cells(line: &BillLine) -> [String; 4] {
    let quantity = format!("{} {}", units::number(line.quantity), line.item.unit());
    [line.what.clone(), quantity, dollars(line.price), dollars(line.amount)]
}

/// Readers, lag and price by polling, lag and price by fan-out, and what 100 ms less cost each.
pub fn reading_cells(row: &ReadingCost) -> [String; 6] {
    [
        row.readers.to_string(),
        lag(row.polling_lag),
        dollars(row.polling),
        lag(row.fan_out_lag),
        dollars(row.fan_out),
        dollars(row.each_100_ms),
    ]
}
