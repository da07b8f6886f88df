//! What a scenario costs: bills, and what it costs to read sooner.

use super::{Cell, Column, Depth, Figure, Key, Manner, Parts, Section, Table, Text};
use crate::capacity::{Bill, BillLine, ReadingCost};
use crate::plan::Plan;
use crate::prices::Item;
use crate::report::charts::{Look, Segment, Stack, TradeOff, TradeOffPoint, stacks, trade_off};
use crate::report::words::cost::{break_even, dollars, line_cells, name, reading_cells};
use crate::report::words::{NONE, capital, millis, milliseconds};
use crate::units;

/// What the scenario costs.
pub fn costs<'a>(plan: &Plan) -> Section<'a> {
    let cost = &plan.capacity.cost;
    let mut parts = Parts::default();
    let prices = format!(", at the prices of {}, in US dollars.", cost.prices);
    parts.paragraph(Depth::Report, Text::from("A month in ").strong(cost.region.as_str()).and(prices));
    if !cost.bills.is_empty() {
        bills(&mut parts, plan);
    }
    if !cost.reading.is_empty() {
        reading(&mut parts, plan);
    }
    parts.lines(Depth::Report, Manner::List, cost.notes.iter().map(String::as_str));
    Section::new("costs", "What it costs", parts)
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

fn bills(parts: &mut Parts<'_>, plan: &Plan) {
    let bills = &plan.capacity.cost.bills;
    let row = |bill: &Bill| [name(bill, plan), dollars(bill.total), dollars(bill.per_million_records)].map(Cell::from);
    let columns = [Column::name("Way to pay"), Column::number("A month"), Column::number("Per million records")];
    parts.figure(Depth::Background, chart(plan));
    parts.table(Depth::Report, Table::new("The ways to pay", columns).rows(bills.iter().map(row)));
    for (number, bill) in bills.iter().enumerate() {
        let (title, lines) = (format!("The bill: {}", name(bill, plan)), lines(bill));
        if number == 0 {
            parts.heading(Depth::Report, title);
            parts.table(Depth::Report, lines);
        } else {
            parts.table(Depth::Background, lines.unfolding(title));
        }
    }
}

/// The bills as bars, by line.
fn chart<'a>(plan: &Plan) -> Figure<'a> {
    let bills = &plan.capacity.cost.bills;
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
    let drawn: Vec<Stack> = bills.iter().map(stack).collect();
    let named: Vec<String> = bills.iter().map(|bill| format!("{} {}", name(bill, plan), dollars(bill.total))).collect();
    let says = format!("What a month costs, by the way to pay. {}.", named.join("; "));
    let used =
        |purpose: &Purpose| bills.iter().flat_map(|bill| &bill.lines).any(|line| Purpose::of(line.item) == *purpose);
    let purposes = Purpose::ALL.iter().enumerate().filter(|(_, purpose)| used(purpose));
    let keys: Vec<Key> = purposes.map(|(color, purpose)| Key::Area(color, true, purpose.words().to_owned())).collect();
    let left_out =
        if bills.iter().any(|bill| bill.total.is_none()) { " What has no known price is left out." } else { "" };
    let caption = format!(
        "US dollars a month for each way to pay, by the lines of the bill; lines of one colour are for one purpose, and a gap parts them.{left_out}"
    );
    let finding = says.clone();
    Figure::new(says, caption, move || stacks(&finding, &drawn)).keyed(keys)
}

fn lines(bill: &Bill) -> Table {
    let columns = [
        Column::name("What"),
        Column::number("How much"),
        Column::number("Price of one"),
        Column::number("A month"),
        Column::prose("Source of the price").from(Depth::Background),
    ];
    let row = |line: &BillLine| {
        let source = line.source.clone().unwrap_or_else(|| NONE.to_owned());
        line_cells(line).into_iter().chain([source]).map(Cell::from).collect::<Vec<_>>()
    };
    Table::new("Each line of the bill", columns).rows(bill.lines.iter().map(row))
}

fn reading(parts: &mut Parts<'_>, plan: &Plan) {
    parts.heading(Depth::Report, "Polling or enhanced fan-out");
    parts.paragraph(
        Depth::Report,
        "So many readers of everything on the stream of the first bill, who poll as often as the calls of a shard allow: the mean lag of each, \
         what all of them cost, and what each of them pays a month for every 100 ms that fan-out saves. A lag grows where the shards cannot give \
         what is read.",
    );
    let words = break_even(plan).into_iter().map(|words| format!("{}.", capital(&words)));
    parts.lines(Depth::Report, Manner::Note, words);
    parts.figure(Depth::Background, choice(&plan.capacity.cost.reading));
    let columns = [
        Column::name("Readers"),
        Column::number("Polling: lag"),
        Column::number("Polling: a month"),
        Column::number("Fan-out: lag"),
        Column::number("Fan-out: a month"),
        Column::number("Each 100 ms less"),
    ];
    let rows = plan.capacity.cost.reading.iter().map(|row| reading_cells(row).map(Cell::from));
    parts.table(Depth::Report, Table::new("Polling and enhanced fan-out by the number of readers", columns).rows(rows));
}

/// What the two ways to read cost against how far behind they are.
fn choice<'a>(reading: &[ReadingCost]) -> Figure<'a> {
    let row = |index, lag: fn(&ReadingCost) -> Option<u64>, price: fn(&ReadingCost) -> Option<f64>| {
        let point = |reading: &ReadingCost| {
            let (price, value) = (price(reading)?, millis(lag(reading)?));
            Some(TradeOffPoint { price, value, label: reading.readers.to_string() })
        };
        TradeOff { look: Look::of(index), points: reading.iter().filter_map(point).collect() }
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
    let says = format!(
        "Cost of reading against lag, for 1 to {} readers. Polling: {}. Enhanced fan-out: {}.",
        reading.len(),
        ends(&rows[0]),
        ends(&rows[1])
    );
    let grows = reading.iter().any(|reading| reading.polling_lag.is_none() || reading.fan_out_lag.is_none());
    let left_out = if grows { " Where a lag grows without end there is no point." } else { "" };
    let caption = format!(
        "US dollars a month for all readers, against the mean lag of each; the numbers beside the points are how many read. More pollers are \
         slower, more fan-out consumers dearer.{left_out}"
    );
    let keys = [Key::Line("polling".to_owned(), rows[0].look), Key::Line("enhanced fan-out".to_owned(), rows[1].look)];
    let finding = says.clone();
    Figure::new(says, caption, move || trade_off(&finding, "mean lag of each reader", &rows, &milliseconds)).keyed(keys)
}
