//! The test vectors of the fact sheet, section 5.4.

use super::*;
use crate::forecast::Billed;
use crate::prices::Prices;

const MIB: f64 = (1 << 20) as f64;

fn usage(records: f64, size: u64, shards: u32, polling: usize, fan_out: usize) -> Usage {
    let billed = Billed::of(size);
    let reader = |fan_out| Reader { name: "r".into(), fan_out, lease_checkpoints: None, invocations: 0.0 };
    Usage {
        streams: 1,
        shards,
        records,
        payload_units: records * billed.payload_units,
        bytes: records * size as f64,
        rounded_bytes: records * billed.rounded_bytes,
        retention: DAY,
        readers: (0..polling).map(|_| reader(false)).chain((0..fan_out).map(|_| reader(true))).collect(),
        shard_level_metrics: 0,
    }
}

fn in_virginia(tariff: Tariff, usage: &Usage, hours: f64) -> Bill {
    bill(tariff, usage, &Prices::newest().regions["us-east-1"], hours)
}

fn dollars(tariff: Tariff, usage: &Usage, hours: f64) -> f64 {
    in_virginia(tariff, usage, hours).total.unwrap()
}

/// Within so much of what was published.
fn near(value: f64, published: f64, share: f64) {
    assert!((value / published - 1.0).abs() <= share, "{value} is not within {share} of {published}");
}

#[test]
fn v1_ten_thousand_small_records_and_four_consumers() {
    let usage = usage(10_000.0, 512, 10, 4, 0);
    let bill = in_virginia(Tariff::Provisioned, &usage, HOURS_PER_MONTH);
    let amounts: Vec<f64> = bill.lines.iter().filter_map(|line| line.amount).collect();
    assert_eq!(bill.lines[1].quantity, 26_280.0);
    near(amounts[0], 109.50, 1e-9);
    near(amounts[1], 367.92, 1e-9);
    near(bill.total.unwrap(), 477.42, 1e-9);
    near(bill.per_million_records.unwrap(), 477.42 / 26_280.0, 1e-9);
}

#[test]
fn v2_a_trickle_on_one_shard() {
    let bill = in_virginia(Tariff::Provisioned, &usage(16.67, 3_072, 1, 3, 0), HOURS_PER_MONTH);
    assert!((bill.lines[1].quantity - 43.808_760).abs() < 1e-9);
    // The vector rounds each line to a cent.
    assert!((bill.total.unwrap() - 11.56).abs() < 0.005);
}

#[test]
fn v3_records_of_two_payload_units() {
    let usage = usage(100.0, 35 << 10, 4, 0, 0);
    near(dollars(Tariff::Provisioned, &usage, 24.0), 1.44 + 0.241_92, 1e-9);
    assert!((dollars(Tariff::Provisioned, &usage, 31.0 * 24.0) - 52.14).abs() < 0.005);
}

#[test]
fn a_payload_unit_is_25_kb_of_each_record() {
    for (bytes, units) in
        [(1, 1.0), (5 << 10, 1.0), (25 << 10, 1.0), ((25 << 10) + 1, 2.0), (45 << 10, 2.0), (1_000 << 10, 40.0)]
    {
        assert_eq!(usage(1.0, bytes, 1, 0, 0).payload_units, units);
    }
}

#[test]
fn v5_a_hundred_mib_a_second_for_two_days() {
    let usage = Usage { streams: 10, ..usage(102_400.0, 1_024, 100, 1, 0) };
    near(dollars(Tariff::OnDemandStandard, &usage, 48.0), 2_044.2, 1e-4);
    near(dollars(Tariff::OnDemandAdvantage, &usage, 48.0), 810.0, 1e-4);
    // What AWS has published.
    near(dollars(Tariff::OnDemandStandard, &usage, 48.0), 2_071.75, 0.02);
    near(dollars(Tariff::OnDemandAdvantage, &usage, 48.0), 823.44, 0.02);
}

#[test]
fn v6_fifteen_mib_a_second_kept_for_two_days() {
    let usage = Usage { streams: 10, retention: 2 * DAY, ..usage(15.0 * 1_024.0, 1_024, 15, 1, 0) };
    near(dollars(Tariff::OnDemandStandard, &usage, 24.0), 176.0, 0.07);
    near(dollars(Tariff::OnDemandAdvantage, &usage, 24.0), 104.0, 0.07);
    assert_eq!(dollars(Tariff::OnDemandStandard, &usage, 24.0).round(), 166.0);
    assert_eq!(dollars(Tariff::OnDemandAdvantage, &usage, 24.0).round(), 102.0);
}

#[test]
fn v7_ten_fan_out_consumers() {
    let usage = usage(25.0 * 1_024.0, 1_024, 25, 0, 10);
    near(dollars(Tariff::OnDemandStandard, &usage, 24.0), 1_266.0, 0.04);
    near(dollars(Tariff::OnDemandAdvantage, &usage, 24.0), 419.0, 0.04);
    assert_eq!(dollars(Tariff::OnDemandStandard, &usage, 24.0).round(), 1_224.0);
    assert_eq!(dollars(Tariff::OnDemandAdvantage, &usage, 24.0).round(), 405.0);
}

#[test]
fn v8_on_demand_with_one_reader() {
    let bill = in_virginia(Tariff::OnDemandStandard, &usage(1_000.0, 3_072, 4, 1, 0), 24.0);
    let amounts: Vec<f64> = bill.lines.iter().filter_map(|line| line.amount).collect();
    near(bill.lines[1].quantity, 247.192_4, 1e-6);
    near(amounts[0], 0.96, 1e-9);
    near(amounts[1], 19.775_4, 1e-5);
    near(amounts[2], 9.887_7, 1e-5);
    near(bill.total.unwrap(), 30.623_1, 1e-5);
}

#[test]
fn v9_small_records_are_rounded_up() {
    let usage = usage(1_000.0, 200, 4, 0, 0);
    near(gib(usage.rounded_bytes, 24.0), 82.397_5, 1e-5);
    near(usage.rounded_bytes / usage.bytes, 5.12, 1e-9);
}

#[test]
fn advantage_bills_25_mib_a_second_at_least() {
    let bill = in_virginia(Tariff::OnDemandAdvantage, &usage(1.0, 1_024, 1, 1, 0), 24.0);
    near(bill.total.unwrap(), 101.25, 1e-9);
    assert!(bill.lines.iter().all(|line| line.what.contains("at least 25 MiB/s")));
}

#[test]
fn fan_out_of_a_full_shard_is_four_times_the_shard() {
    let usage = usage(1_024.0, 1_024, 1, 0, 1);
    assert_eq!(usage.bytes, MIB);
    let bill = in_virginia(Tariff::Provisioned, &usage, HOURS_PER_MONTH);
    let fan_out: f64 = bill.lines[2..].iter().filter_map(|line| line.amount).sum();
    assert!((fan_out - 44.31).abs() < 0.01, "{fan_out}");
}

#[test]
fn retention_costs_by_the_shard_and_from_a_week_on_by_the_byte() {
    let of_days = |days: u32| {
        let usage = Usage { retention: days * DAY, ..usage(1_000.0, 1_000, 2, 0, 0) };
        let bill = in_virginia(Tariff::Provisioned, &usage, HOURS_PER_MONTH);
        bill.lines[2..].iter().filter_map(|line| line.amount).sum::<f64>()
    };
    assert_eq!(of_days(1), 0.0);
    near(of_days(2), 2.0 * 730.0 * 0.02, 1e-9);
    assert_eq!(of_days(2), of_days(7));
    near(of_days(8) - of_days(7), 1e6 * 86_400.0 / GIB * 0.023, 1e-9);
}

#[test]
fn lease_tables_metrics_and_invocations_are_billed() {
    let mut usage = Usage { shard_level_metrics: 7, ..usage(1.0, 100, 1, 1, 0) };
    usage.readers[0].lease_checkpoints = Some(1.0);
    usage.readers[0].invocations = 10.0;
    let bill = in_virginia(Tariff::Provisioned, &usage, HOURS_PER_MONTH);
    let amount = |item| bill.lines.iter().find(|line| line.item == item).and_then(|line| line.amount).unwrap();
    // 0.50 dollars of renewals, and 1.64 of checkpoints each second.
    assert!((amount(Item::DynamodbWrites) - 2.14).abs() < 0.005);
    near(amount(Item::MetricMonth), 2.10, 1e-9);
    near(amount(Item::LambdaRequests), 5.256, 1e-9);
}

#[test]
fn a_price_that_is_not_known_leaves_no_total() {
    let prices = Prices::newest();
    let usage = usage(1.0, 100, 1, 0, 1);
    let bill = bill(Tariff::Provisioned, &usage, &prices.regions["eu-central-1"], HOURS_PER_MONTH);
    assert_eq!((bill.total, bill.per_million_records), (None, None));
    assert_eq!(bill.lines[0].price, Some(0.018));
    assert_eq!(bill.lines[2].price, None);
}
