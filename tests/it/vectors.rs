//! Test vectors of the fact sheet, section 5.4, from the scenario to the bounds and the bill.

use streamgauge::capacity::Tariff;
use streamgauge::plan::Plan;
use streamgauge::prices::Item;

use crate::support::model;

/// The vectors count no partition key; here it is one byte of the size.
fn plan(shards: u32, rate: &str, size: u32, pollers: u32) -> Plan {
    let poller = |n| format!("[[consumer]]\nname = \"c{n}\"\ntype = \"polling\"\ninterval = \"1s\"\n");
    let pollers: String = (0..pollers).map(poller).collect();
    let toml = format!(
        "stream.shards = {shards}\nload = {{ rate = \"{rate}\", duration = \"10s\" }}\nrecords.size = \"{} B\"\n\
         keys = {{ distribution = \"weighted\", weights = {{ {} }} }}\n{pollers}",
        size - 1,
        // Enough of them that none binds.
        ('a'..='z').map(|key| format!("{key} = 1")).collect::<Vec<_>>().join(", ")
    );
    model::plan(&toml)
}

#[track_caller]
fn near(value: f64, expected: f64, absolute: f64) {
    assert!((value - expected).abs() <= absolute, "{value} instead of {expected}");
}

/// How many shards a bound fills, with fractions, and how full that makes those of the scenario.
fn filled(plan: &Plan, name: &str) -> (f64, f64) {
    let bound = plan.capacity.bounds.iter().find(|bound| bound.name.words() == name).unwrap();
    (bound.demand / bound.capacity_per_shard, bound.utilisation.0)
}

#[test]
fn v1_is_bound_by_records_and_costs_what_the_calculator_says() {
    let plan = plan(10, "10000/s", 512, 4);
    for (name, shards) in [("write bytes", 4.88), ("shared read bytes", 9.76), ("write records", 10.0)] {
        let (filled, utilisation) = filled(&plan, name);
        // The calculator prints two decimals, cut off.
        near(filled, shards, 0.01);
        near(utilisation, filled / 10.0, 1e-9);
    }
    assert_eq!((plan.capacity.required_shards, plan.capacity.binding.words()), (10, "write records"));
    let bill = &plan.capacity.cost.bills[0];
    assert_eq!((bill.tariff, bill.shards), (Tariff::Provisioned, 10));
    let line = |item| bill.lines.iter().find(|line| line.item == item).unwrap();
    near(line(Item::ShardHour).amount.unwrap(), 109.50, 1e-9);
    near(line(Item::PutPayloadUnits).quantity, 26_280.0, 1e-6);
    near(line(Item::PutPayloadUnits).amount.unwrap(), 367.92, 1e-9);
    near(bill.total.unwrap(), 477.42, 1e-9);
}

#[test]
fn v3_has_two_payload_units_for_each_record() {
    let plan = plan(4, "100/s", 35 << 10, 0);
    near(filled(&plan, "write bytes").0, 3.418, 0.001);
    assert_eq!(plan.capacity.required_shards, 4);
    let bill = &plan.capacity.cost.bills[0];
    let units = bill.lines.iter().find(|line| line.item == Item::PutPayloadUnits).unwrap().quantity;
    near(units * 1e6 / 2_628_000.0, 200.0, 1e-6);
    let days = |days: f64| bill.total.unwrap() * days * 24.0 / 730.0;
    near(days(1.0), 1.44 + 0.241_92, 1e-9);
    near(days(31.0), 52.14, 0.005);
}

#[test]
fn v9_is_billed_for_five_times_its_bytes() {
    let plan = plan(4, "1000/s", 200, 1);
    let on_demand = plan.capacity.cost.bills.iter().find(|bill| bill.tariff == Tariff::OnDemandStandard).unwrap();
    let a_day = |item| on_demand.lines.iter().find(|line| line.item == item).unwrap().quantity * 24.0 / 730.0;
    near(a_day(Item::OnDemandIn), 82.397_5, 1e-4);
    near(a_day(Item::OnDemandOut), 16.093, 1e-3);
    near(a_day(Item::OnDemandIn) / a_day(Item::OnDemandOut), 5.12, 1e-6);
}
