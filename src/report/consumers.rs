//! The consumers: lag, delivery, and what they did.

use std::time::Duration;

use maud::{Markup, PreEscaped, html};

use super::charts::{Scale, Series};
use super::sections::{latency_head, latency_row, legend_of, millis, milliseconds, scale_note, time_lines};
use crate::measure::{DeliveryCheck, DeliveryFault, FaultPlace, LatencySummary, OutageRecord};
use crate::result::{ConsumerRecord, RunResult};
use crate::units;

/// Consumers: lag and delivery.
pub fn consumers(result: &RunResult) -> Markup {
    let consumers = &result.measurement.consumers;
    if consumers.is_empty() {
        return html! { section { h2 { "Consumers" } p class="note" { "The scenario has none, so delivery was not checked." } } };
    }
    let series: Vec<Series> = consumers
        .iter()
        .flat_map(|consumer| {
            let over_time = |name: &str, value: fn(&LatencySummary) -> Option<u64>| {
                let points = consumer.lag_intervals.iter().map(|(second, lag)| (*second, value(lag).map(millis)));
                Series::per_second(format!("{} {name}", consumer.name), points)
            };
            [over_time("p50", |lag| lag.p50), over_time("p99", |lag| lag.p99)]
        })
        .collect();
    html! {
        section {
            h2 { "Consumers" }
            @for pair in series.chunks(4) {
                figure {
                    (PreEscaped(time_lines(result, "End-to-end lag over time", pair, Scale::fitting(pair), &milliseconds)))
                    figcaption { (legend_of(pair)) " End-to-end lag of the records processed in each second, from the moment they were due to the moment the consumer had processed them"(scale_note(pair))"." }
                }
            }
            div class="scroll" { table {
                (latency_head("Lag"))
                tbody { @for consumer in consumers {
                    (latency_row(&consumer.name, &consumer.lag))
                    @if let Some(read) = &consumer.read_lag { (latency_row(&format!("{}: until read", consumer.name), read)) }
                } }
            } }
            h3 { "Delivery" }
            p { "Every record carries its number and a checksum. Delivered are acknowledged records that the consumer has seen." }
            div class="scroll" { table {
                thead { tr { th scope="col" { "Consumer" } th scope="col" { "Accepted" } th scope="col" { "Delivered" } th scope="col" { "Lost" } th scope="col" { "Not read by the end" } th scope="col" { "Seen again" } th scope="col" { "Seen unacknowledged" } th scope="col" { "Corrupt" } th scope="col" { "Of others" } th scope="col" { "Reading calls" } th scope="col" { "Throttled" } th scope="col" { "Failed" } } }
                tbody { @for consumer in consumers {
                    tr {
                        @let check = &consumer.delivery;
                        th scope="row" { (consumer.name) }
                        @for value in [check.accepted, check.delivered, check.lost, check.unread, check.duplicates, check.unexpected, check.corrupt, check.foreign, consumer.calls, consumer.throttled_calls, consumer.failed_calls.values().sum()] {
                            td class="number" { (units::count(value)) }
                        }
                    }
                } }
            } }
            @for consumer in consumers {
                @let check = &consumer.delivery;
                @for words in attendance(consumer) { p class="note" { (consumer.name) ": " (words) } }
                @if check.duplicates > 0 { p class="note" { (consumer.name) ": " (duplicates(check)) } }
                @if !check.in_order() { p class="note" { (consumer.name) ": " (disorder(check)) } }
                @if check.order_unchecked > 0 { p class="note" { (consumer.name) ": the order of " (units::count(check.order_unchecked)) " record(s) was not watched: there were more keys than are kept" } }
                (places(consumer))
            }
            (work(consumers))
            @for consumer in consumers { @for (reason, calls) in &consumer.failed_calls {
                p class="note" { (consumer.name) ": " (units::count(*calls)) " reading call(s) failed with " (reason) }
            } }
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
    html! {
        h3 { "Processing" }
        p { "Batches are attempts; a failed one is repeated or given up, as the scenario says. Checkpoints and lease renewals are writes to the table where a consumer notes how far it has got." }
        div class="scroll" { table {
            thead { tr { th scope="col" { "Consumer" } th scope="col" { "Type" } th scope="col" { "Batches" } th scope="col" { "Failed" } th scope="col" { "Records given up" } th scope="col" { "Time at work" } th scope="col" { "Farthest behind" } th scope="col" { "Checkpoints" } th scope="col" { "Lease renewals" } th scope="col" { "Leases taken" } } }
            tbody { @for consumer in consumers {
                tr {
                    @let work = &consumer.work;
                    th scope="row" { (consumer.name) }
                    td { (consumer.kind) }
                    @for value in [work.batches, work.failed_batches, consumer.discarded.values().sum()] { td class="number" { (units::count(value)) } }
                    td class="number" { (units::duration(work.busy)) }
                    td class="number" { (behind(consumer)) }
                    @for value in [work.checkpoints, work.lease_renewals, work.leases_taken] { td class="number" { (units::count(value)) } }
                }
            } }
        } }
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
    html! {
        details {
            summary { "Where it went wrong for " (consumer.name) }
            div class="scroll" { table {
                thead { tr { th scope="col" { "Fault" } th scope="col" { "Record" } th scope="col" { "Shard" } th scope="col" { "Partition key" } th scope="col" { "Sequence number" } } }
                tbody { @for place in &consumer.places {
                    tr {
                        th scope="row" { (fault(place.fault)) }
                        td class="number" { @match place.index { Some(index) => (index), None => "–" } }
                        td { (place.shard) }
                        td { (place.partition_key) }
                        td { (place.sequence_number.as_deref().unwrap_or("–")) }
                    }
                } }
            } }
            p class="note" { "The first of each fault; all of them are counted above." }
        }
    }
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
