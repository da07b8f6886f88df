//! What a scenario costs in a month, in every way to pay and to read.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cost::{Bill, Reader, Tariff, Usage, bill};
use crate::client::{Checkpoint, ConsumerKind};
use crate::forecast::Delivery;
use crate::kinesis::{Profile, StreamMode};
use crate::prices::{HOURS_PER_MONTH, Item, Prices};
use crate::scenario::{Consumer, Scenario};
use crate::time::nanos;

/// Readers up to which polling and fan-out are set side by side, unless the scenario has more.
const READERS: u32 = 5;

/// What a scenario costs in a month of such load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CostForecast {
    /// Region of the prices.
    pub region: String,
    /// Name and date of the price table.
    pub prices: String,
    /// How the scenario's own stream is paid for.
    pub tariff: Tariff,
    /// The scenario's own bill first, then the other ways to pay; none if no price of the region is known.
    pub bills: Vec<Bill>,
    /// What it costs to read by polling and by enhanced fan-out, by the number of readers.
    pub reading: Vec<ReadingCost>,
    /// Fewest readers of whom enhanced fan-out costs no more than polling; `None` where it does not for as many as a stream takes.
    #[serde(default)]
    pub break_even: Option<u32>,
    /// What the figures rest on and leave out, in full sentences.
    pub notes: Vec<String>,
}

/// So many readers by polling, and as many by enhanced fan-out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadingCost {
    /// Readers of all that is put.
    pub readers: u32,
    /// Mean lag of each by polling as often as they may, nanoseconds; `None` where the shards' read capacity does not do.
    pub polling_lag: Option<u64>,
    /// Shards that polling needs, if it needs more than the load does: all pollers share 2 MiB/s of each.
    #[serde(default)]
    pub polling_shards: u32,
    /// US dollars a month for reading so, those further shards included.
    pub polling: Option<f64>,
    /// Mean lag of each by enhanced fan-out, nanoseconds; `None` where its capacity does not do.
    pub fan_out_lag: Option<u64>,
    /// US dollars a month for reading so.
    pub fan_out: Option<f64>,
    /// US dollars a month that each 100 ms less of lag cost, for each reader.
    pub each_100_ms: Option<f64>,
}

/// What a scenario costs in a month, at the prices of its region.
pub(crate) fn forecast_cost(
    scenario: &Scenario,
    profile: &Profile,
    delivery: &Delivery,
    recommended_shards: u32,
    prices: &Prices,
) -> CostForecast {
    let own = match scenario.stream.mode {
        StreamMode::Provisioned => Tariff::Provisioned,
        StreamMode::OnDemand => Tariff::OnDemandStandard,
    };
    let region = &scenario.cost.region;
    let mut forecast = CostForecast {
        region: region.clone(),
        prices: format!("{} of {}", prices.name, prices.date),
        tariff: own,
        bills: Vec::new(),
        reading: Vec::new(),
        break_even: None,
        notes: notes(scenario, prices),
    };
    let Some(known) = prices.regions.get(region) else {
        forecast.notes.push(format!(
            "No prices are known for {region}, and none are guessed: `streamgauge prices` makes a file for --prices of AWS's price \
             list."
        ));
        return forecast;
    };
    let usage = usage(scenario, delivery);
    let of_month = |tariff, usage: &Usage| bill(tariff, usage, known, HOURS_PER_MONTH);
    forecast.bills.push(of_month(own, &usage));
    if scenario.stream.mode == StreamMode::OnDemand || recommended_shards != usage.shards {
        forecast.bills.push(of_month(Tariff::Provisioned, &Usage { shards: recommended_shards, ..usage.clone() }));
    }
    let others = Tariff::ALL.into_iter().filter(|tariff| *tariff != own && *tariff != Tariff::Provisioned);
    forecast.bills.extend(others.map(|tariff| of_month(tariff, &usage)));
    if forecast.bills.iter().any(|bill| bill.total.is_none()) {
        forecast
            .notes
            .push(format!("Some prices of {region} are not known: where there is no total, a line lacks its price."));
    }

    let most = (scenario.consumers.len() as u32).max(READERS);
    let reading = |readers: u32| {
        let polling_shards = match own {
            Tariff::Provisioned => {
                shards_for_pollers(delivery, readers, profile, scenario.target_utilisation.0).max(usage.shards)
            }
            _ => usage.shards,
        };
        let without = of_month(own, &Usage { readers: Vec::new(), ..usage.clone() });
        let cost = |fan_out, shards| {
            let reader = Reader { name: String::new(), fan_out, lease_checkpoints: None, invocations: 0.0 };
            let with = Usage { readers: vec![reader; readers as usize], shards, ..usage.clone() };
            more(&of_month(own, &with), &without)
        };
        let costs = (cost(false, polling_shards), cost(true, usage.shards));
        reading_cost(delivery, readers, (polling_shards, usage.shards), profile, costs)
    };
    forecast.reading = (1..=most).map(reading).collect();
    let not_dearer = |readers: &u32| {
        let row = reading(*readers);
        row.polling.zip(row.fan_out).is_some_and(|(polling, fan_out)| fan_out <= polling + 1e-9)
    };
    let takes =
        if own == Tariff::OnDemandAdvantage { profile.fan_out.consumers_advantage } else { profile.fan_out.consumers };
    forecast.break_even = (1..=takes).find(not_dearer);
    forecast
}

/// What one bill has more than another, line by line, so that a price counts only where the quantities differ.
fn more(with: &Bill, without: &Bill) -> Option<f64> {
    let quantity =
        |bill: &Bill, item| bill.lines.iter().filter(|line| line.item == item).map(|line| line.quantity).sum::<f64>();
    let mut items: Vec<_> = with.lines.iter().chain(&without.lines).map(|line| (line.item, line.price)).collect();
    items.sort_by_key(|(item, _)| *item);
    items.dedup_by_key(|(item, _)| *item);
    let difference = |(item, price): (Item, Option<f64>)| {
        let quantity = quantity(with, item) - quantity(without, item);
        if quantity.abs() < 1e-9 { Some(0.0) } else { price.map(|price| price * quantity) }
    };
    items.into_iter().map(difference).sum()
}

fn notes(scenario: &Scenario, prices: &Prices) -> Vec<String> {
    let mut notes = vec![
        format!("Prices are those of {} of {}; each has its source in the report and in --json.", prices.name, prices.date),
        "A month is 730 hours of the scenario's mean rate, around the clock; taxes, discounts and data transfer between regions are left out."
            .to_owned(),
    ];
    let has = |wanted: fn(&ConsumerKind) -> bool| scenario.consumers.iter().any(|consumer| wanted(&consumer.kind));
    if has(|kind| matches!(kind, ConsumerKind::Lambda { .. })) {
        notes.push(
            "Invocations of Lambda are estimated from batch size and window; their duration, which depends on the memory of the function, is \
             left out."
                .to_owned(),
        );
    }
    if has(|kind| matches!(kind, ConsumerKind::Firehose { .. })) {
        notes.push("What Amazon Data Firehose itself charges is left out.".to_owned());
    }
    notes
}

/// What is billed of the scenario's stream.
pub(crate) fn usage(scenario: &Scenario, delivery: &Delivery) -> Usage {
    let shards = scenario.stream.shards;
    Usage {
        streams: 1,
        shards,
        records: delivery.records,
        payload_units: delivery.records * delivery.billed.payload_units,
        bytes: delivery.records * delivery.record_bytes,
        rounded_bytes: delivery.records * delivery.billed.rounded_bytes,
        retention: scenario.cost.retention,
        readers: scenario.consumers.iter().map(|consumer| reader(consumer, scenario, delivery)).collect(),
        shard_level_metrics: scenario.cost.shard_level_metrics,
    }
}

fn reader(consumer: &Consumer, scenario: &Scenario, delivery: &Delivery) -> Reader {
    let shards = f64::from(scenario.stream.shards);
    let per_shard = delivery.records / shards;
    // Polls bring records so often; what is pushed comes with each batch that was put.
    let producer = &scenario.producer;
    let puts = (1.0 / producer.linger.as_secs_f64().max(1e-3)).max(delivery.records / producer.batch_records as f64);
    let reads = consumer.kind.polls().map_or(puts, |(interval, _)| 1.0 / interval.as_secs_f64());
    let batches = reads.min(per_shard);
    let lease_checkpoints = matches!(consumer.kind, ConsumerKind::Kcl { .. }).then_some(match consumer.checkpoint {
        Checkpoint::EachBatch => batches,
        Checkpoint::Every(span) => (1.0 / span.as_secs_f64().max(1e-3)).min(batches),
        Checkpoint::Never => 0.0,
    });
    let invocations = match consumer.kind {
        ConsumerKind::Lambda { batch_size, window, .. } => {
            let lanes = f64::from(consumer.kind.lanes());
            let of_lane = per_shard / lanes;
            let chances = if window.is_zero() { reads } else { (1.0 / window.as_secs_f64()).min(reads) };
            shards * lanes * (of_lane / f64::from(batch_size)).max(of_lane.min(chances))
        }
        _ => 0.0,
    };
    Reader { name: consumer.name.clone(), fan_out: consumer.kind.is_fan_out(), lease_checkpoints, invocations }
}

/// The shards of which so many pollers, who share the read capacity of each, read no more than the target in the long run.
fn shards_for_pollers(delivery: &Delivery, readers: u32, profile: &Profile, target: f64) -> u32 {
    let read = delivery.records * delivery.record_bytes * f64::from(readers);
    (read / profile.read.bytes_per_second as f64 / target - 1e-9).ceil().max(1.0) as u32
}

/// Both ways to read for so many readers, who poll as often as the calls of a shard allow; shards and US dollars of polling and of
/// fan-out.
fn reading_cost(
    delivery: &Delivery,
    readers: u32,
    (polling_shards, shards): (u32, u32),
    profile: &Profile,
    (polling, fan_out): (Option<f64>, Option<f64>),
) -> ReadingCost {
    let of_shard = delivery.records * delivery.record_bytes / f64::from(shards);
    let of_polled_shard = delivery.records * delivery.record_bytes / f64::from(polling_shards);
    let visible = delivery.batch_wait + delivery.propagation;
    let interval = Duration::from_secs(u64::from(readers)).div_f64(profile.read.calls_per_second as f64);
    // A call brings so many bytes or records at most.
    let by_calls = {
        let of_record = (delivery.record_bytes * delivery.packed).max(1.0);
        let bytes = profile.request.get_bytes as f64;
        bytes.min(profile.request.get_records as f64 * of_record) / interval.as_secs_f64()
    };
    let shared = profile.read.bytes_per_second as f64 / f64::from(readers);
    let polling_lag = (of_polled_shard <= shared.min(by_calls)).then_some(visible + interval / 2 + delivery.get);
    let fan_out_lag = (of_shard <= profile.fan_out.bytes_per_second as f64).then_some(visible);
    let each_100_ms = match (polling_lag, fan_out_lag, polling, fan_out) {
        (Some(slow), Some(fast), Some(polling), Some(fan_out)) if slow > fast => {
            let saved = (slow - fast).as_secs_f64() / 0.1;
            Some((fan_out - polling) / f64::from(readers) / saved)
        }
        _ => None,
    };
    ReadingCost {
        readers,
        polling_shards,
        polling_lag: polling_lag.map(nanos),
        polling,
        fan_out_lag: fan_out_lag.map(nanos),
        fan_out,
        each_100_ms,
    }
}
