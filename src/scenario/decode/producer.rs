//! `[producer]`: how records become API calls.

use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::fields::positive;
use crate::client::{Aggregation, ProducerSettings, Protocol, RetryPolicy};
use crate::kinesis::Profile;
use crate::scenario::reader::{Found, Placed, Reported, TableReader};
use crate::units::{Bytes, Share};

/// Every call under way costs a task and its batch.
const MOST_IN_FLIGHT: usize = 10_000;
/// The list of records that were not accepted is kept until the end of the run.
const MOST_DEAD_LETTERS: usize = 10_000_000;
/// Bounds of the KPL (fact sheet, section 9.2).
const SMALLEST_AGGREGATE: Bytes = Bytes(64);
const KPL_TIME_TO_LIVE: Duration = Duration::from_secs(30);

pub(super) fn producer(
    root: &mut TableReader<'_>,
    largest: Option<Placed<Bytes>>,
    profile: &Profile,
) -> Result<ProducerSettings, Reported> {
    let limits = &profile.request;
    let defaults = ProducerSettings::default();
    let mut reader = root.section("producer");
    let single = reader.choice("api", &[("PutRecords", false), ("PutRecord", true)], Some(false));
    let alone = single.as_ref().is_ok_and(|single| single.value);
    if alone {
        reader.misplaced("batch_records", "has no meaning for PutRecord, which takes one record");
        reader.misplaced("protocol", "has no meaning for PutRecord, which the SDK writes in JSON");
    }
    let protocols = [("json", Protocol::Json), ("cbor", Protocol::Cbor)];
    let protocol =
        if alone { unasked(defaults.protocol) } else { reader.choice("protocol", &protocols, Some(defaults.protocol)) };
    let batch_records = if alone { unasked(limits.records) } else { reader.or("batch_records", limits.records) };
    let batch_records = reader.within(batch_records, 1..=limits.records);
    let largest_bytes = largest.as_ref().map_or(Bytes(0), |largest| largest.value);
    let batch_bytes = reader.or("batch_bytes", defaults.batch_bytes.max(largest_bytes));
    let batch_bytes = reader.check(
        batch_bytes,
        |bytes| bytes.0 <= limits.bytes,
        &format!("must be at most {}", Bytes(limits.bytes)),
        "the service refuses a larger call",
    );
    let batch_bytes = holds_record(&reader, batch_bytes, largest.as_ref());
    let linger = reader.or("linger", if alone { Duration::ZERO } else { defaults.linger });
    let max_in_flight = reader.or("max_in_flight", defaults.max_in_flight);
    let max_in_flight = reader.within(max_in_flight, 1..=MOST_IN_FLIGHT);
    let buffer = reader.or("buffer", defaults.buffer);
    let buffer = holds_record(&reader, buffer, largest.as_ref());
    let timeout = reader.or("timeout", defaults.timeout);
    let timeout = positive(&reader, timeout);
    let time_to_live = reader.optional::<Duration>("time_to_live");
    let time_to_live = time_to_live.transpose().map(|found| positive(&reader, found)).transpose();
    let ordered = reader.choice("order", &[("any", false), ("per-key", true)], Some(false));
    let dead_letters = reader.or("dead_letters", defaults.dead_letters);
    let dead_letters = reader.within(dead_letters, 0..=MOST_DEAD_LETTERS);
    let aggregation = aggregation(&mut reader, profile);
    let retry = retry(&mut reader);
    reader.finish();
    let (retry, retry_budget) = retry?;
    // Without pauses and without end a record would be tried for ever.
    let forever = matches!(retry, RetryPolicy::Immediate { .. }).then_some(KPL_TIME_TO_LIVE);
    Ok(ProducerSettings {
        batch_records: batch_records?.value,
        batch_bytes: batch_bytes?.value,
        linger: linger?.value,
        max_in_flight: max_in_flight?.value,
        buffer: buffer?.value,
        timeout: timeout?.value,
        retry,
        retry_budget,
        time_to_live: time_to_live?.map(|found| found.value).or(forever),
        ordered: ordered?.value,
        single: single?.value,
        protocol: protocol?.value,
        aggregation: aggregation?,
        dead_letters: dead_letters?.value,
    })
}

/// A value that the scenario cannot give here.
fn unasked<T>(value: T) -> Found<T> {
    Ok(Placed { value, path: String::new(), at: None })
}

/// Refuses a room that the largest record does not fit into: it could never be sent.
fn holds_record(reader: &TableReader<'_>, room: Found<Bytes>, largest: Option<&Placed<Bytes>>) -> Found<Bytes> {
    let room = room?;
    let Some(largest) = largest.filter(|largest| largest.value > room.value) else {
        return Ok(room);
    };
    let problem = room
        .problem("must hold the largest record")
        .at(largest.at.clone(), format!("up to {} bytes with the key", largest.value.0))
        .help(format!("write at least \"{} B\"", largest.value.0));
    Err(reader.problems().report(problem))
}

/// `true`, or a table with its limits.
fn aggregation(producer: &mut TableReader<'_>, profile: &Profile) -> Result<Option<Aggregation>, Reported> {
    let most = Bytes(profile.request.largest_record_bytes);
    let whole = Aggregation::KPL;
    match producer.raw("aggregation").map(Spanned::get_ref) {
        Some(DeValue::Table(_)) => {}
        _ => return Ok(producer.or("aggregation", false)?.value.then_some(whole)),
    }
    let mut reader = producer.section("aggregation");
    let max_bytes = reader.or("max_bytes", whole.max_bytes);
    let max_bytes = reader.check(
        max_bytes,
        |bytes| (SMALLEST_AGGREGATE..=most).contains(bytes),
        &format!("must be from {SMALLEST_AGGREGATE} to {most}"),
        "an aggregate is one record for the service",
    );
    let max_records = reader.or("max_records", whole.max_records);
    let max_records = reader.check(
        max_records,
        |records| *records > 0,
        "must be more than zero",
        "1 packs nothing; leave it out to be bound by bytes alone",
    );
    reader.finish();
    Ok(Some(Aggregation { max_bytes: max_bytes?.value, max_records: max_records?.value }))
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Policy {
    Exponential,
    Immediate,
    None,
}

/// The policy, and the budget.
fn retry(producer: &mut TableReader<'_>) -> Result<(RetryPolicy, Option<Share>), Reported> {
    let given = producer.has("retry");
    let mut reader = producer.section("retry");
    let words = [("exponential", Policy::Exponential), ("immediate", Policy::Immediate), ("none", Policy::None)];
    let policy = reader.choice("policy", &words, (!given).then_some(Policy::Exponential));
    let kind = policy.as_ref().map_or(Policy::Exponential, |policy| policy.value);
    if kind == Policy::None {
        for key in ["base", "cap", "attempts", "budget"] {
            reader.misplaced(key, "has no meaning without retries");
        }
        reader.finish();
        return Ok((RetryPolicy::None, None));
    }
    if kind == Policy::Immediate {
        for key in ["base", "cap"] {
            reader.misplaced(key, "has no meaning for immediate retries, which do not wait");
        }
    }
    let exponential = kind == Policy::Exponential;
    let base = if exponential { reader.or("base", Duration::from_millis(50)) } else { unasked(Duration::MAX) };
    let base = positive(&reader, base);
    let cap = if exponential { reader.or("cap", Duration::from_secs(2)) } else { unasked(Duration::MAX) };
    let attempts = reader.or("attempts", if exponential { 10 } else { 1_000 });
    let attempts = reader.within(attempts, 1..=1_000);
    let budget = reader.optional::<Share>("budget");
    reader.finish();
    policy?;
    let (base, cap) = (base?, cap?);
    if cap.value < base.value {
        let problem = cap
            .problem("must not be shorter than `base`")
            .at(base.at, "the first delay")
            .help("the cap bounds every delay, and the first one is the shortest");
        return Err(producer.problems().report(problem));
    }
    let attempts = attempts?.value;
    let policy = match kind {
        Policy::Immediate => RetryPolicy::Immediate { attempts },
        _ => RetryPolicy::Exponential { base: base.value, cap: cap.value, attempts },
    };
    Ok((policy, budget?.map(|budget| budget.value)))
}
