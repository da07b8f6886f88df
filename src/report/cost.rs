//! What a scenario costs: bills, and what it costs to read sooner.

use std::fmt::Write as _;
use std::time::Duration;

use maud::{Markup, html};

use super::charts::{Chart, Look, Segment, Stack, TradeOff, TradeOffPoint, legend, legend_of_areas, stacks, trade_off};
use super::sections::{millis, milliseconds};
use super::shell::Section;
use super::table::Column::{self, Number, Text};
use super::table::{numbers, table};
use super::time_charts::figure;
use crate::capacity::{Bill, BillLine, CostForecast, ReadingCost};
use crate::plan::Plan;
use crate::prices::Item;
use crate::units;

/// The name of a bill: how it is paid for, and for how much.
pub(super) fn name(bill: &Bill, plan: &Plan) -> String {
    if bill.tariff != crate::capacity::Tariff::Provisioned {
        return bill.tariff.name().to_owned();
    }
    let recommended = if bill.shards == plan.capacity.recommended_shards { ", as recommended" } else { "" };
    format!("{}, {} shard(s){recommended}", bill.tariff.name(), units::count(bill.shards.into()))
}

pub(super) fn dollars(amount: Option<f64>) -> String {
    amount.map_or_else(|| "not known".to_owned(), units::dollars)
}

pub(super) fn lag(nanos: Option<u64>) -> String {
    nanos.map_or_else(|| "grows".to_owned(), |nanos| units::duration(Duration::from_nanos(nanos)))
}

/// The costs of a plan as text.
pub(super) fn text(plan: &Plan) -> String {
    let cost = &plan.capacity.cost;
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
pub(super) fn break_even(plan: &Plan) -> Vec<String> {
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

/// The costs of a plan on a page.
pub(super) fn section(plan: &Plan) -> Section {
    let cost = &plan.capacity.cost;
    let body = html! {
        p { "A month in " strong { (cost.region) } ", at the prices of " (cost.prices) ", in US dollars." }
        @if !cost.bills.is_empty() { (bills(plan)) }
        @if !cost.reading.is_empty() { (reading(plan)) }
        ul { @for note in &cost.notes { li { (note) } } }
    };
    Section::new("costs", "What it costs", body)
}

/// What a line of a bill is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Stream,
    Writing,
    Reading,
    Keeping,
    Beside,
}

impl Purpose {
    const ALL: [Self; 5] = [Self::Stream, Self::Writing, Self::Reading, Self::Keeping, Self::Beside];

    const fn of(item: Item) -> Self {
        match item {
            Item::ShardHour | Item::OnDemandStreamHour => Self::Stream,
            Item::PutPayloadUnits | Item::OnDemandIn | Item::AdvantageIn => Self::Writing,
            Item::FanOutConsumerShardHour
            | Item::FanOut
            | Item::OnDemandOut
            | Item::OnDemandFanOut
            | Item::AdvantageOut
            | Item::LongTermRetrieval => Self::Reading,
            Item::ExtendedRetentionShardHour
            | Item::LongTermRetention
            | Item::OnDemandExtendedRetention
            | Item::OnDemandLongTermRetention
            | Item::AdvantageRetention => Self::Keeping,
            Item::DynamodbWrites | Item::LambdaRequests | Item::MetricMonth => Self::Beside,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Stream => "the stream itself",
            Self::Writing => "writing",
            Self::Reading => "reading",
            Self::Keeping => "retention",
            Self::Beside => "beside the stream",
        }
    }
}

fn bills(plan: &Plan) -> Markup {
    let bills = &plan.capacity.cost.bills;
    let used =
        |purpose: &Purpose| bills.iter().flat_map(|bill| &bill.lines).any(|line| Purpose::of(line.item) == *purpose);
    let purposes = Purpose::ALL.iter().enumerate().filter(|(_, purpose)| used(purpose));
    let legend = legend_of_areas(purposes.map(|(color, purpose)| (color, true, purpose.words())));
    let caption = html! {
        "US dollars a month for each way to pay, by the lines of the bill; lines of one colour are for one purpose, and a gap parts them."
        @if bills.iter().any(|bill| bill.total.is_none()) { " What has no known price is left out." }
    };
    let rows = html! { @for bill in bills {
        tr {
            th scope="row" { (name(bill, plan)) }
            td class="number" { (dollars(bill.total)) }
            td class="number" { (dollars(bill.per_million_records)) }
        }
    } };
    html! {
        (figure(&legend, &chart(plan), &caption))
        (table("The ways to pay", &[Text("Way to pay"), Number("A month"), Number("Per million records")], &rows))
        @for (number, bill) in bills.iter().enumerate() {
            @if number == 0 { h3 { "The bill: " (name(bill, plan)) } (table("Each line of the bill", &BILL_COLUMNS, &lines(bill))) }
            @else { (numbers(&format!("The bill: {}", name(bill, plan)), "Each line of the bill", &BILL_COLUMNS, &lines(bill))) }
        }
    }
}

/// The bills as bars, by line.
fn chart(plan: &Plan) -> Chart {
    let stack = |bill: &Bill| {
        // Lines of one purpose stand together.
        let ordered = Purpose::ALL.iter().enumerate();
        let segments = ordered.flat_map(|(color, purpose)| {
            let lines = bill.lines.iter().filter(move |line| Purpose::of(line.item) == *purpose);
            lines.filter_map(move |line| {
                let amount = line.amount?;
                Some(Segment { color, amount, label: units::dollars(amount) })
            })
        });
        Stack { name: format!("{}: {}", dollars(bill.total), name(bill, plan)), segments: segments.collect() }
    };
    let named: Vec<String> =
        plan.capacity.cost.bills.iter().map(|bill| format!("{} {}", name(bill, plan), dollars(bill.total))).collect();
    stacks(
        &format!("What a month costs, by the way to pay. {}.", named.join("; ")),
        &plan.capacity.cost.bills.iter().map(stack).collect::<Vec<_>>(),
    )
}

const BILL_COLUMNS: [Column<'static>; 5] =
    [Text("What"), Number("How much"), Number("Price of one"), Number("A month"), Text("Source of the price")];

fn lines(bill: &Bill) -> Markup {
    html! { @for line in &bill.lines {
        @let [what, quantity, price, amount] = line_cells(line);
        tr {
            th scope="row" { (what) }
            td class="number" { (quantity) }
            td class="number" { (price) }
            td class="number" { (amount) }
            td class="why" { (line.source.as_deref().unwrap_or("–")) }
        }
    } }
}

/// What, how much, the price of one, and a month of it.
pub(super) fn line_cells(line: &BillLine) -> [String; 4] {
    let quantity = format!("{} {}", units::number(line.quantity), line.item.unit());
    [line.what.clone(), quantity, dollars(line.price), dollars(line.amount)]
}

/// Readers, lag and price by polling, lag and price by fan-out, and what 100 ms less cost each.
pub(super) fn reading_cells(row: &ReadingCost) -> [String; 6] {
    [
        row.readers.to_string(),
        lag(row.polling_lag),
        dollars(row.polling),
        lag(row.fan_out_lag),
        dollars(row.fan_out),
        dollars(row.each_100_ms),
    ]
}

/// The names of these.
pub(super) const READING_HEAD: [&str; 6] =
    ["Readers", "Polling: lag", "Polling: a month", "Fan-out: lag", "Fan-out: a month", "Each 100 ms less"];

fn reading(plan: &Plan) -> Markup {
    let cost = &plan.capacity.cost;
    let rows = html! { @for row in &cost.reading {
        @let [readers, figures @ ..] = reading_cells(row);
        tr {
            th scope="row" { (readers) }
            @for figure in figures { td class="number" { (figure) } }
        }
    } };
    let [readers, figures @ ..] = READING_HEAD;
    let columns: Vec<Column<'_>> = std::iter::once(Text(readers)).chain(figures.map(Number)).collect();
    html! {
        h3 { "Polling or enhanced fan-out" }
        p {
            "So many readers of everything on the stream of the first bill, who poll as often as the calls of a shard allow: the mean lag "
            "of each, what all of them cost, and what each of them pays a month for every 100 ms that fan-out saves. A lag grows where the "
            "shards cannot give what is read."
        }
        @for words in break_even(plan) { p class="note" { (super::sections::capital(&words)) "." } }
        (choice(cost))
        (table("Polling and enhanced fan-out by the number of readers", &columns, &rows))
    }
}

/// What the two ways to read cost against how far behind they are.
fn choice(cost: &CostForecast) -> Markup {
    let row = |index, lag: fn(&ReadingCost) -> Option<u64>, price: fn(&ReadingCost) -> Option<f64>| {
        let point = |reading: &ReadingCost| {
            let (price, value) = (price(reading)?, millis(lag(reading)?));
            Some(TradeOffPoint { price, value, label: reading.readers.to_string() })
        };
        TradeOff { look: Look::of(index), points: cost.reading.iter().filter_map(point).collect() }
    };
    let rows = [
        row(0, |reading| reading.polling_lag, |reading| reading.polling),
        row(1, |reading| reading.fan_out_lag, |reading| reading.fan_out),
    ];
    let ends = |row: &TradeOff| match (row.points.first(), row.points.last()) {
        (Some(first), Some(last)) => format!(
            "{} to {} a month at a mean lag of {} to {}",
            units::dollars(first.price),
            units::dollars(last.price),
            milliseconds(first.value),
            milliseconds(last.value)
        ),
        _ => "does not keep up, or has no known price".to_owned(),
    };
    let finding = format!(
        "Cost of reading against lag, for 1 to {} readers. Polling: {}. Enhanced fan-out: {}.",
        cost.reading.len(),
        ends(&rows[0]),
        ends(&rows[1])
    );
    let chart = trade_off(&finding, "mean lag of each reader", &rows, &milliseconds);
    let left_out = cost.reading.iter().any(|reading| reading.polling_lag.is_none() || reading.fan_out_lag.is_none());
    figure(
        &legend([("polling", rows[0].look), ("enhanced fan-out", rows[1].look)]),
        &chart,
        &html! {
            "US dollars a month for all readers, against the mean lag of each; the numbers beside the points are how many read. "
            "More pollers are slower, more fan-out consumers dearer."
            @if left_out { " Where a lag grows without end there is no point." }
        },
    )
}
