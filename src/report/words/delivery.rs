//! What a consumer saw of the records, and what it did.

use std::time::Duration;

use crate::measure::{DeliveryCheck, DeliveryFault, OutageRecord};
use crate::result::ConsumerRecord;
use crate::units::{self, count};

/// What a fault is.
pub const fn fault(fault: DeliveryFault) -> &'static str {
    match fault {
        DeliveryFault::Lost => "lost",
        DeliveryFault::Corrupt => "corrupt",
        DeliveryFault::Copy => "stored twice",
        DeliveryFault::WrittenOutOfOrder => "written out of order",
        DeliveryFault::DeliveredOutOfOrder => "delivered out of order",
    }
}

/// What else there is to know of the records that a consumer saw, in lines.
pub fn remarks(consumer: &ConsumerRecord) -> Vec<String> {
    let check = &consumer.delivery;
    let mut lines = attendance(consumer);
    if check.duplicates > 0 {
        lines.push(duplicates(check));
    }
    if !check.in_order() {
        lines.push(disorder(check));
    }
    if check.order_unchecked > 0 {
        let records = count(check.order_unchecked);
        lines.push(format!("the order of {records} record(s) was not watched: there were more keys than are kept"));
    }
    if check.of_other_parts > 0 {
        lines.push(format!("{} record(s) of other parts of the load were read, too", count(check.of_other_parts)));
    }
    if check.unread > 0 {
        lines.push(format!("{} not read by the end; a longer load.drain would wait for them", count(check.unread)));
    }
    lines
}

/// What became of the records that a consumer was to process, in lines.
pub fn work(consumer: &ConsumerRecord) -> Vec<String> {
    let discarded = consumer.discarded.iter();
    let discarded = discarded.map(|(reason, records)| format!("{} record(s) were given up: {reason}", count(*records)));
    let on_failure = (consumer.on_failure_batches > 0).then(|| on_failure(consumer));
    discarded.chain(on_failure).chain(consumer.work.outages.iter().map(outage)).collect()
}

/// Its calls that failed, in lines.
pub fn failed_calls(consumer: &ConsumerRecord) -> Vec<String> {
    let failed = consumer.failed_calls.iter();
    failed.map(|(reason, calls)| format!("{} reading call(s) failed with {reason}", count(*calls))).collect()
}

/// When a consumer was there, if not all the time, and what its clock says of the others'.
fn attendance(consumer: &ConsumerRecord) -> Vec<String> {
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
        let absent = count(consumer.delivery.absent);
        lines.push(format!(
            "{span}; {absent} accepted record(s) of the rest of the time, and of five seconds at its ends, are not judged"
        ));
    }
    if consumer.lag_below_zero > 0 {
        let early = count(consumer.lag_below_zero);
        lines.push(format!(
            "{early} record(s) were read before they were due: the clocks differ. Their lag counts as 0"
        ));
    }
    lines
}

/// What the duplicates are.
fn duplicates(check: &DeliveryCheck) -> String {
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
fn disorder(check: &DeliveryCheck) -> String {
    let (written, delivered) = (count(check.written_out_of_order), count(check.delivered_out_of_order));
    format!("{written} record(s) were written behind a later one of their key, {delivered} were delivered behind one")
}

/// What went to the on-failure destination.
fn on_failure(consumer: &ConsumerRecord) -> String {
    format!(
        "{} batch(es) with {} record(s) went to the on-failure destination, on-failure-{}.jsonl in the directory of the run",
        count(consumer.on_failure_batches),
        count(consumer.on_failure_records),
        consumer.name
    )
}

/// An interruption in words.
fn outage(outage: &OutageRecord) -> String {
    match (outage.down, outage.caught_up_after) {
        (None, _) => "stopped, and was not started again".to_owned(),
        (Some(down), Some(after)) => {
            format!("down for {}, caught up {} after its start", units::duration(down), units::duration(after))
        }
        (Some(down), None) => format!("down for {}, and did not catch up", units::duration(down)),
    }
}
