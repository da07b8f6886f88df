//! The consumers: lag, delivery, and what they did.

use std::time::Duration;

use maud::{Markup, html};

use super::charts::{Look, Scale, Series};
use super::load::{by_percentile, percentile_curve};
use super::sections::{latency_columns, latency_row, millis, milliseconds};
use super::shell::Section;
use super::table::Column::{Number, Text};
use super::table::{numbers, table};
use super::time_charts::RunTime;
use crate::measure::{DeliveryCheck, DeliveryFault, FaultPlace, LatencySummary, OutageRecord};
use crate::result::{ConsumerRecord, RunResult};
use crate::units;

/// Lines of a chart: more consumers have charts of their own.
const TOGETHER: usize = 5;

/// Consumers: lag and delivery.
pub fn consumers(result: &RunResult, time: &RunTime<'_>) -> Section {
    let consumers = &result.measurement.consumers;
    let body = html! {
        @if consumers.is_empty() {
            p class="note" { "The scenario has none, so delivery was not checked." }
        } @else {
            (lags(consumers, time))
            (delivery(consumers))
            (work(consumers))
            @for consumer in consumers { @for (reason, calls) in &consumer.failed_calls {
                p class="note" { (consumer.name) ": " (units::count(*calls)) " reading call(s) failed with " (reason) }
            } }
        }
    };
    Section::new("consumers", "Consumers", body)
}

/// The lag of each over time, by percentile and in figures.
fn lags(consumers: &[ConsumerRecord], time: &RunTime<'_>) -> Markup {
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
    let rows = html! { @for consumer in consumers {
        (latency_row(&consumer.name, &consumer.lag))
        @if let Some(read) = &consumer.read_lag { (latency_row(&format!("{}: until read", consumer.name), read)) }
    } };
    html! {
        @for (part, several) in consumers.chunks(TOGETHER).enumerate() {
            @let series = over_time(several);
            (time.figure(&format!("End-to-end lag over time{}", of(part)), &series, Scale::fitting(&series), &milliseconds, &html! {
                "End-to-end lag of the records processed in each second, 99th percentile (whole lines) and, in the same colour, median (dotted), from the moment they were due to the moment the consumer had processed them."
            }))
        }
        @for (part, several) in consumers.chunks(TOGETHER).enumerate() {
            @let series = curves(several);
            @if !series.is_empty() {
                (by_percentile(&format!("End-to-end lag by percentile{}", of(part)), &series, &html! {
                    "End-to-end lag by percentile, over all records due after the warm-up: each nine is as wide as the one before."
                }))
            }
        }
        (table("End-to-end lag of each consumer, warm-up excluded", &latency_columns("Lag"), &rows))
    }
}

fn delivery(consumers: &[ConsumerRecord]) -> Markup {
    let columns = [
        Text("Consumer"),
        Number("Accepted"),
        Number("Delivered"),
        Number("Lost"),
        Number("Not read by the end"),
        Number("Seen again"),
        Number("Seen unacknowledged"),
        Number("Corrupt"),
        Number("Of others"),
        Number("Reading calls"),
        Number("Throttled"),
        Number("Failed"),
    ];
    let rows = html! { @for consumer in consumers {
        tr {
            @let check = &consumer.delivery;
            th scope="row" { (consumer.name) }
            @for value in [check.accepted, check.delivered, check.lost, check.unread, check.duplicates, check.unexpected, check.corrupt, check.foreign, consumer.calls, consumer.throttled_calls, consumer.failed_calls.values().sum()] {
                td class="number" { (units::count(value)) }
            }
        }
    } };
    html! {
        h3 { "Delivery" }
        p { "Every record carries its number and a checksum. Delivered are acknowledged records that the consumer has seen." }
        (table("What of the accepted records each consumer saw", &columns, &rows))
        @for consumer in consumers {
            @let check = &consumer.delivery;
            @for words in attendance(consumer) { p class="note" { (consumer.name) ": " (words) } }
            @if check.duplicates > 0 { p class="note" { (consumer.name) ": " (duplicates(check)) } }
            @if !check.in_order() { p class="note" { (consumer.name) ": " (disorder(check)) } }
            @if check.order_unchecked > 0 { p class="note" { (consumer.name) ": the order of " (units::count(check.order_unchecked)) " record(s) was not watched: there were more keys than are kept" } }
            (places(consumer))
        }
    }
}

/// What the consumers did beside reading; nothing if they only read.
fn work(consumers: &[ConsumerRecord]) -> Markup {
    let idle = |consumer: &ConsumerRecord| consumer.work.batches == 0 && consumer.discarded.is_empty();
    if consumers.iter().all(|consumer| idle(consumer) && consumer.work.outages.is_empty()) {
        return html! {};
    }
    let behind = |consumer: &ConsumerRecord| {
        let most = consumer.behind.iter().map(|(_, millis)| *millis).max();
        most.map_or_else(|| "–".to_owned(), |millis| units::duration(Duration::from_millis(millis)))
    };
    let columns = [
        Text("Consumer"),
        Text("Type"),
        Number("Batches"),
        Number("Failed"),
        Number("Records given up"),
        Number("Time at work"),
        Number("Farthest behind"),
        Number("Checkpoints"),
        Number("Lease renewals"),
        Number("Leases taken"),
    ];
    let rows = html! { @for consumer in consumers {
        tr {
            @let work = &consumer.work;
            th scope="row" { (consumer.name) }
            td { (consumer.kind) }
            @for value in [work.batches, work.failed_batches, consumer.discarded.values().sum()] { td class="number" { (units::count(value)) } }
            td class="number" { (units::duration(work.busy)) }
            td class="number" { (behind(consumer)) }
            @for value in [work.checkpoints, work.lease_renewals, work.leases_taken] { td class="number" { (units::count(value)) } }
        }
    } };
    html! {
        h3 { "Processing" }
        p { "Batches are attempts; a failed one is repeated or given up, as the scenario says. Checkpoints and lease renewals are writes to the table where a consumer notes how far it has got." }
        (table("What each consumer did beside reading", &columns, &rows))
        @for consumer in consumers {
            @for (reason, records) in &consumer.discarded { p class="note" { (consumer.name) ": " (units::count(*records)) " record(s) were given up: " (reason) } }
            @if consumer.on_failure_batches > 0 { p class="note" { (consumer.name) ": " (on_failure(consumer)) } }
            @for record in &consumer.work.outages { p class="note" { (consumer.name) ": " (outage(record)) } }
        }
    }
}

/// Where things went wrong; nothing if they did not.
fn places(consumer: &ConsumerRecord) -> Markup {
    if consumer.places.is_empty() {
        return html! {};
    }
    let columns = [Text("Fault"), Number("Record"), Text("Shard"), Text("Partition key"), Text("Sequence number")];
    let rows = html! { @for place in &consumer.places {
        tr {
            th scope="row" { (fault(place.fault)) }
            td class="number" { @match place.index { Some(index) => (index), None => "–" } }
            td { (place.shard) }
            td { (place.partition_key) }
            td { (place.sequence_number.as_deref().unwrap_or("–")) }
        }
    } };
    let caption = format!("The first of each fault of {}; all of them are counted above", consumer.name);
    numbers(&format!("Where it went wrong for {}", consumer.name), &caption, &columns, &rows)
}

const fn fault(fault: DeliveryFault) -> &'static str {
    match fault {
        DeliveryFault::Lost => "lost",
        DeliveryFault::Corrupt => "corrupt",
        DeliveryFault::Copy => "stored twice",
        DeliveryFault::WrittenOutOfOrder => "written out of order",
        DeliveryFault::DeliveredOutOfOrder => "delivered out of order",
    }
}

/// The place of a fault in one line.
pub(super) fn place(place: &FaultPlace) -> String {
    let index = place.index.map_or_else(String::new, |index| format!(" record {index}"));
    let sequence = place.sequence_number.as_ref().map_or_else(String::new, |number| format!(", {number}"));
    format!("{}:{index}, key {}, {}{sequence}", fault(place.fault), place.partition_key, place.shard)
}

/// When a consumer was there, if not all the time, and what its clock says of the others'.
pub(super) fn attendance(consumer: &ConsumerRecord) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(presence) = consumer.presence {
        let moment = |time: crate::time::Time| units::duration(Duration::from_nanos(time.as_nanos()));
        let span = match (presence.joined, presence.left) {
            _ if presence.never => "was never started".to_owned(),
            (None, None) => "was there all the time".to_owned(),
            (Some(joined), None) => format!("joined at {}", moment(joined)),
            (None, Some(left)) => format!("left at {}", moment(left)),
            (Some(joined), Some(left)) => format!("was there from {} until {}", moment(joined), moment(left)),
        };
        let absent = units::count(consumer.delivery.absent);
        lines.push(format!("{span}; {absent} accepted record(s) of the rest of the time, and of five seconds at its ends, are not judged"));
    }
    if consumer.lag_below_zero > 0 {
        let early = units::count(consumer.lag_below_zero);
        lines.push(format!(
            "{early} record(s) were read before they were due: the clocks differ. Their lag counts as 0"
        ));
    }
    lines
}

/// What the duplicates are.
pub(super) fn duplicates(check: &DeliveryCheck) -> String {
    let count = units::count;
    let past = match check.duplicates_past_window {
        Some(past) => format!("; {} get past an idempotent consumer with the scenario's window", count(past)),
        None => String::new(),
    };
    format!(
        "of {} duplicates {} were read again, {} are copies made by retries, {} other copies{past}",
        count(check.duplicates),
        count(check.redelivered),
        count(check.copies_by_retries),
        count(check.copies_otherwise)
    )
}

/// What is out of order.
pub(super) fn disorder(check: &DeliveryCheck) -> String {
    let (written, delivered) = (units::count(check.written_out_of_order), units::count(check.delivered_out_of_order));
    format!("{written} record(s) were written behind a later one of their key, {delivered} were delivered behind one")
}

/// What went to the on-failure destination.
fn on_failure(consumer: &ConsumerRecord) -> String {
    format!(
        "{} batch(es) with {} record(s) went to the on-failure destination, on-failure-{}.jsonl in the directory of the run",
        units::count(consumer.on_failure_batches),
        units::count(consumer.on_failure_records),
        consumer.name
    )
}

/// An interruption in words.
pub(super) fn outage(outage: &OutageRecord) -> String {
    match (outage.down, outage.caught_up_after) {
        (None, _) => "stopped, and was not started again".to_owned(),
        (Some(down), Some(after)) => {
            format!("down for {}, caught up {} after its start", units::duration(down), units::duration(after))
        }
        (Some(down), None) => format!("down for {}, and did not catch up", units::duration(down)),
    }
}
