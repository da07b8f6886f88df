//! The consumers: lag, delivery, and what they did.

use std::time::Duration;

use super::latency::{by_percentile, latencies, percentile_curve};
use super::time::RunTime;
use super::{Cell, Column, Depth, Layout, Manner, Parts, Section, Table};
use crate::measure::{FaultPlace, LatencySummary};
use crate::report::charts::{Look, Series};
use crate::report::words::{NONE, delivery as words, millis, milliseconds};
use crate::result::{ConsumerRecord, RunResult};
use crate::units;

/// Lines of a chart: more consumers have charts of their own.
const TOGETHER: usize = 5;

/// Consumers: lag and delivery.
pub fn consumers<'a>(result: &RunResult, time: &RunTime) -> Section<'a> {
    let consumers = &result.measurement.consumers;
    let mut parts = Parts::default();
    if consumers.is_empty() {
        parts.note(Depth::Summary, "The scenario has none, so delivery was not checked.");
    } else {
        lags(&mut parts, consumers, time);
        delivery(&mut parts, consumers);
        work(&mut parts, consumers);
        parts.lines(Depth::Summary, Manner::Note, of_each(consumers, words::failed_calls));
    }
    Section::new("consumers", "Consumers", parts)
}

/// Lines about each consumer, with its name.
fn of_each(consumers: &[ConsumerRecord], lines: fn(&ConsumerRecord) -> Vec<String>) -> Vec<String> {
    let named = |consumer: &ConsumerRecord| {
        lines(consumer).into_iter().map(|line| format!("{}: {line}", consumer.name)).collect::<Vec<_>>()
    };
    consumers.iter().flat_map(named).collect()
}

/// The lag of each over time, by percentile and in figures.
fn lags(parts: &mut Parts<'_>, consumers: &[ConsumerRecord], time: &RunTime) {
    let line = |consumer: &ConsumerRecord, index, percentile: &str, value: fn(&LatencySummary) -> Option<u64>| {
        let points = consumer.lag_intervals.iter().map(|(second, lag)| (*second, value(lag).map(millis)));
        time.line(&format!("{} {percentile}", consumer.name), index, points)
    };
    // The same colour and marker for both percentiles of a consumer; the median is dotted.
    let over_time = |several: &[ConsumerRecord]| -> Vec<Series> {
        let pair = |(index, consumer)| {
            let look = Look::of(index);
            let p99 =
                line(consumer, index, "p99", |lag| lag.p99).with(Look { dash: 0, ..look }).ending(Some(&consumer.name));
            let p50 = line(consumer, index, "p50", |lag| lag.p50).with(Look { dash: 2, marker: None, ..look });
            [p99, p50.ending(None)]
        };
        several.iter().enumerate().flat_map(pair).collect()
    };
    let curves = |several: &[ConsumerRecord]| -> Vec<Series> {
        let kept = several.iter().enumerate().filter(|(_, consumer)| !consumer.lag_curve.is_empty());
        kept.map(|(index, consumer)| percentile_curve(&consumer.name, index, &consumer.lag_curve)).collect()
    };
    let of = |part: usize| match consumers.len().div_ceil(TOGETHER) {
        1 => String::new(),
        parts => format!(", chart {} of {parts}", part + 1),
    };
    for (part, several) in consumers.chunks(TOGETHER).enumerate() {
        let figure = time.figure(
            format!("End-to-end lag over time{}", of(part)),
            over_time(several),
            None,
            milliseconds,
            "End-to-end lag of the records processed in each second, 99th percentile (whole lines) and, in the same colour, median (dotted), from \
             the moment they were due to the moment the consumer had processed them.",
        );
        parts.figure(Depth::Report, figure);
    }
    for (part, several) in consumers.chunks(TOGETHER).enumerate() {
        let series = curves(several);
        if !series.is_empty() {
            let title = format!("End-to-end lag by percentile{}", of(part));
            let caption = "End-to-end lag by percentile, over all records due after the warm-up: each nine is as wide as the one before.";
            by_percentile(parts, &title, series, caption);
        }
    }
    let rows = consumers.iter().flat_map(|consumer| {
        let read = consumer.read_lag.map(|lag| (format!("{}: until read", consumer.name), lag));
        std::iter::once((consumer.name.clone(), consumer.lag)).chain(read)
    });
    parts.table(Depth::Summary, latencies("End-to-end lag of each consumer, warm-up excluded", "Lag", rows));
}

fn delivery(parts: &mut Parts<'_>, consumers: &[ConsumerRecord]) {
    let columns = [
        Column::name("Consumer"),
        Column::number("Accepted"),
        Column::number("Delivered"),
        Column::number("Lost"),
        Column::number("Not read by the end"),
        Column::number("Seen again"),
        Column::number("Seen unacknowledged"),
        Column::number("Corrupt"),
        Column::number("Of others"),
        Column::number("Not judged"),
        Column::number("Reading calls").from(Depth::Report),
        Column::number("Throttled calls"),
        Column::number("Failed calls"),
    ];
    let row = |consumer: &ConsumerRecord| {
        let check = &consumer.delivery;
        let counts = [
            check.accepted,
            check.delivered,
            check.lost,
            check.unread,
            check.duplicates,
            check.unexpected,
            check.corrupt,
            check.foreign,
            check.absent,
            consumer.calls,
            consumer.throttled_calls,
            consumer.failed_calls.values().sum(),
        ];
        std::iter::once(consumer.name.clone()).chain(counts.map(units::count)).map(Cell::from).collect::<Vec<_>>()
    };
    let table = Table::new("What of the accepted records each consumer saw", columns).layout(Layout::Sentences);
    parts.heading(Depth::Background, "Delivery");
    parts.paragraph(
        Depth::Background,
        "Every record carries its number and a checksum. Delivered are acknowledged records that the consumer has seen.",
    );
    parts.table(Depth::Summary, table.rows(consumers.iter().map(row)));
    parts.lines(Depth::Summary, Manner::Note, of_each(consumers, words::remarks));
    for consumer in consumers.iter().filter(|consumer| !consumer.places.is_empty()) {
        parts.table(Depth::Summary, places(consumer));
    }
}

/// Where things went wrong.
fn places(consumer: &ConsumerRecord) -> Table {
    let columns = [
        Column::name("Fault"),
        Column::number("Record"),
        Column::words("Shard"),
        Column::words("Partition key"),
        Column::words("Sequence number"),
    ];
    let row = |place: &FaultPlace| {
        let cells = [
            words::fault(place.fault).to_owned(),
            place.index.map_or_else(|| NONE.to_owned(), |index| index.to_string()),
            place.shard.clone(),
            place.partition_key.clone(),
            place.sequence_number.clone().unwrap_or_else(|| NONE.to_owned()),
        ];
        cells.map(Cell::from)
    };
    Table::new(format!("The first of each fault of {}; all of them are counted above", consumer.name), columns)
        .rows(consumer.places.iter().map(row))
        .unfolding(format!("Where it went wrong for {}", consumer.name))
        .growing("places")
}

/// What the consumers did beside reading; nothing if they only read.
fn work(parts: &mut Parts<'_>, consumers: &[ConsumerRecord]) {
    let idle = |consumer: &ConsumerRecord| consumer.work.batches == 0 && consumer.discarded.is_empty();
    if consumers.iter().all(|consumer| idle(consumer) && consumer.work.outages.is_empty()) {
        return;
    }
    let behind = |consumer: &ConsumerRecord| {
        let most = consumer.behind.iter().map(|(_, millis)| *millis).max();
        most.map_or_else(|| NONE.to_owned(), |millis| units::duration(Duration::from_millis(millis)))
    };
    let columns = [
        Column::name("Consumer"),
        Column::words("Type"),
        Column::number("Batches"),
        Column::number("Failed"),
        Column::number("Records given up"),
        Column::number("Time at work"),
        Column::number("Farthest behind"),
        Column::number("Checkpoints"),
        Column::number("Lease renewals"),
        Column::number("Leases taken"),
    ];
    let row = |consumer: &ConsumerRecord| {
        let work = &consumer.work;
        let attempts = [work.batches, work.failed_batches, consumer.discarded.values().sum()].map(units::count);
        let table = [work.checkpoints, work.lease_renewals, work.leases_taken].map(units::count);
        let times = [units::duration(work.busy), behind(consumer)];
        let cells = [consumer.name.clone(), consumer.kind.clone()].into_iter().chain(attempts);
        cells.chain(times).chain(table).map(Cell::from).collect::<Vec<_>>()
    };
    let table = Table::new("What each consumer did beside reading", columns).layout(Layout::Sentences);
    parts.heading(Depth::Background, "Processing");
    parts.paragraph(
        Depth::Background,
        "Batches are attempts; a failed one is repeated or given up, as the scenario says. Checkpoints and lease renewals are writes to the \
         table where a consumer notes how far it has got.",
    );
    parts.table(Depth::Report, table.rows(consumers.iter().map(row)));
    parts.lines(Depth::Summary, Manner::Note, of_each(consumers, words::work));
}
