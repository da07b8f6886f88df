//! Demand against each limit of the service (fact sheet, sections 1, 2 and 6).

use super::bound::{Bound, bound};
use super::bound_name::BoundName;
use super::processing::processing_bound;
use crate::forecast::{Demand, Poller, calls_asked, pollers};
use crate::kinesis::Profile;
use crate::scenario::Scenario;
use crate::units::{self, Share, Unit};
use crate::workload::Schedule;

/// Every bound, in a fixed order.
pub(crate) fn bounds(scenario: &Scenario, profile: &Profile, demand: &Demand) -> Vec<Bound> {
    let write = &profile.write;
    let bytes = demand.busiest * demand.record_bytes;
    let shards = f64::from(demand.shards);
    let busiest =
        if matches!(scenario.load.schedule.rate(), Schedule::Constant { .. }) { "" } else { " in the busiest second" };
    let mut bounds = vec![
        bound(
            BoundName::WriteRecords,
            Unit::RecordsPerSecond,
            demand.busiest / demand.packed,
            write.records_per_second as f64,
            shards,
            match demand.packed > 1.0 {
                true => format!(
                    "Kinesis records put{busiest}, with {:.1} records in each, against {} records/s per shard",
                    demand.packed,
                    units::count(write.records_per_second)
                ),
                false => format!(
                    "records put{busiest}, against {} records/s per shard",
                    units::count(write.records_per_second)
                ),
            },
        ),
        bound(
            BoundName::WriteBytes,
            Unit::BytesPerSecond,
            bytes,
            write.bytes_per_second as f64,
            shards,
            format!(
                "data and partition keys put{busiest}, {} a record on average, against {}/s per shard",
                units::Bytes(demand.record_bytes.round() as u64),
                units::Bytes(write.bytes_per_second)
            ),
        ),
    ];
    bounds.extend(read_bounds(scenario, profile, demand));
    bounds.extend(processing_bound(scenario, demand.busiest, shards));
    bounds.push(top_key_bound(demand, profile));
    bounds
}

/// What the consumers read: those that poll share a shard, and each with enhanced fan-out has it to itself.
fn read_bounds(scenario: &Scenario, profile: &Profile, demand: &Demand) -> Vec<Bound> {
    let read = &profile.read;
    let pollers = pollers(scenario, profile);
    let fan_out = scenario.consumers.iter().filter(|consumer| consumer.kind.is_fan_out()).count();
    let bytes = demand.busiest * demand.record_bytes;
    let shards = f64::from(demand.shards);
    let mut bounds = Vec::new();
    if !pollers.is_empty() {
        bounds.push(bound(
            BoundName::SharedReadBytes,
            Unit::BytesPerSecond,
            bytes * pollers.len() as f64,
            read.bytes_per_second as f64,
            shards,
            format!(
                "the same bytes read by {} polling consumer(s), which share {}/s per shard",
                pollers.len(),
                units::Bytes(read.bytes_per_second)
            ),
        ));
        bounds.extend(poll_bound(&pollers, demand, profile));
        let calls = calls_asked(scenario);
        bounds.push(Bound {
            shards: None,
            ..bound(BoundName::SharedReadCalls, Unit::CallsPerSecond, calls * shards, read.calls_per_second as f64, shards, format!(
                "GetRecords calls of all polling consumers, which share {} calls/s per shard; every shard is polled, so more \
                 shards do not help", read.calls_per_second
            ))
        });
    }
    if fan_out > 0 {
        bounds.push(bound(BoundName::FanOutBytes, Unit::BytesPerSecond, bytes, profile.fan_out.bytes_per_second as f64, shards, format!(
            "the bytes pushed to each of {fan_out} enhanced fan-out consumer(s), each of which has {}/s per shard of its own",
            units::Bytes(profile.fan_out.bytes_per_second)
        )));
    }
    bounds
}

/// One key lives in one shard, whatever the number of shards.
fn top_key_bound(demand: &Demand, profile: &Profile) -> Bound {
    let bytes = demand.busiest * demand.top_key * demand.record_bytes;
    let records = demand.busiest * demand.top_key / demand.packed;
    let (by_records, by_bytes) =
        (records / profile.write.records_per_second as f64, bytes / profile.write.bytes_per_second as f64);
    let (unit, demand_of_key, capacity) = if by_records >= by_bytes {
        (Unit::RecordsPerSecond, records, profile.write.records_per_second as f64)
    } else {
        (Unit::BytesPerSecond, bytes, profile.write.bytes_per_second as f64)
    };
    Bound {
        name: BoundName::HottestKey,
        unit,
        demand: demand_of_key,
        capacity_per_shard: capacity,
        capacity,
        utilisation: Share(by_records.max(by_bytes)),
        shards: None,
        consumer: None,
        note: format!(
            "the most frequent partition key takes {} of the records, and all of them go to one shard; more shards do not help",
            Share(demand.top_key)
        ),
    }
}

/// The bound that asks for the most shards; one that more shards do not help, as soon as it is more than used up.
pub(crate) fn binding(bounds: &[Bound]) -> BoundName {
    let used_up = |bound: &&Bound| bound.shards.is_none() && bound.utilisation.0 > 1.0 + 1e-9;
    let fullest = |a: &&Bound, b: &&Bound| a.utilisation.0.total_cmp(&b.utilisation.0);
    let hopeless = bounds.iter().filter(used_up).max_by(fullest);
    let bound = hopeless.or_else(|| bounds.iter().filter(|bound| bound.shards.is_some()).max_by(fullest));
    bound.map_or(BoundName::WriteRecords, |bound| bound.name)
}

/// What the calls of the slowest poller can fetch.
fn poll_bound(pollers: &[Poller<'_>], demand: &Demand, profile: &Profile) -> Option<Bound> {
    let capacity = |poller: &Poller<'_>| poller.capacity(demand.record_bytes * demand.packed, profile);
    let slowest = pollers.iter().min_by(|a, b| capacity(a).total_cmp(&capacity(b)))?;
    let note = format!(
        "records that {} reads: a call gives {} records or {} at most, and it makes one every {} per shard",
        slowest.name,
        units::count(slowest.limit.into()),
        units::Bytes(profile.request.get_bytes),
        units::duration(slowest.interval)
    );
    let asked = demand.busiest / demand.packed;
    Some(bound(
        BoundName::PolledRecords,
        Unit::RecordsPerSecond,
        asked,
        capacity(slowest),
        f64::from(demand.shards),
        note,
    ))
}
