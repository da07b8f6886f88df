//! The analytical model: demand against each limit of the service (fact sheet, sections 1, 5.3 and 6).

use std::time::Duration;

use super::placement::shard_shares;
use super::{Bound, LagForecast, Plan, ShardForecast};
use crate::client::ConsumerKind;
use crate::kinesis::{HashKeyRange, Profile};
use crate::scenario::Scenario;
use crate::time::{Time, nanos};
use crate::units::{self, Rate, Share};
use crate::workload::{Schedule, Workload};

/// A shard is planned to be this full at most, so that the unevenness of keys and moments has room.
const TARGET_UTILISATION: f64 = 0.8;

/// Arrivals that are looked at for the mean sizes of data and keys.
const SIZE_SAMPLE: u64 = 100_000;

/// What a scenario asks of its stream.
#[derive(Debug, Clone, Copy)]
struct Demand {
    /// Mean rate over the load.
    records: f64,
    /// Rate of the busiest second.
    busiest: f64,
    /// Mean bytes of data and key.
    record_bytes: f64,
    /// Highest share of any key.
    top_key: f64,
    seconds: f64,
    shards: u32,
}

/// Predicts what a scenario will do to its stream, from the limits of `profile`.
pub fn predict(scenario: &Scenario, profile: &Profile) -> Plan {
    let workload = scenario.workload();
    let demand = Demand::of(scenario, &workload);
    let bounds = bounds(scenario, profile, &demand);
    let required_shards = bounds.iter().filter_map(|bound| bound.shards).max().unwrap_or(1).max(1);
    let at_target = |bound: &Bound| match bound.shards {
        Some(_) => (bound.demand / bound.capacity_per_shard / TARGET_UTILISATION).ceil() as u32,
        None => 1,
    };
    let recommended_shards = bounds.iter().map(at_target).max().unwrap_or(1).max(required_shards);
    let binding = binding(&bounds);

    let ranges = HashKeyRange::initial(demand.shards);
    let shares = shard_shares(workload.keys(), &ranges, workload.count());
    let shards: Vec<ShardForecast> = shares.iter().map(|share| forecast(*share, &demand, profile)).collect();
    let accepted = shards.iter().map(|shard| accepted_rate(shard, &demand, profile)).sum::<f64>();
    let overload_share = if demand.records > 0.0 { (1.0 - accepted / demand.records).max(0.0) } else { 0.0 };
    Plan {
        required_shards,
        recommended_shards,
        scenario_shards: demand.shards,
        target_utilisation: Share(TARGET_UTILISATION),
        binding,
        bounds,
        shards,
        offered_rate: Rate(demand.records),
        accepted_rate: Rate(accepted),
        overload_share: Share(if overload_share < 1e-9 { 0.0 } else { overload_share }),
        lags: scenario
            .consumers
            .iter()
            .map(|consumer| lag(scenario, profile, &demand, &consumer.name, &consumer.kind))
            .collect(),
        assumptions: assumptions(scenario, profile),
    }
}

impl Demand {
    fn of(scenario: &Scenario, workload: &Workload) -> Self {
        let seconds = scenario.load.duration.as_secs_f64();
        let sampled = workload.count().min(SIZE_SAMPLE);
        let bytes: u64 =
            (0..sampled).map(|k| workload.arrival(k)).map(|a| u64::from(a.size) + a.key.len() as u64).sum();
        let weights = workload.keys().weights(workload.count());
        Self {
            records: workload.count() as f64 / seconds,
            busiest: busiest_second(workload.schedule(), Time::ZERO + scenario.load.duration),
            record_bytes: bytes as f64 / sampled.max(1) as f64,
            top_key: weights.iter().map(|weight| weight.share).fold(0.0, f64::max),
            seconds,
            shards: scenario.stream.shards,
        }
    }
}

fn busiest_second(schedule: &Schedule, end: Time) -> f64 {
    match schedule {
        Schedule::Constant { rate } => rate.0,
        Schedule::Recorded { times } => {
            let due = times.iter().take_while(|time| **time < end);
            let (mut most, mut current) = (0u64, (0u64, 0u64));
            for second in due.map(|time| time.second()) {
                current = if second == current.0 { (second, current.1 + 1) } else { (second, 1) };
                most = most.max(current.1);
            }
            most as f64
        }
    }
}

fn bounds(scenario: &Scenario, profile: &Profile, demand: &Demand) -> Vec<Bound> {
    let (write, read) = (&profile.write, &profile.read);
    let pollers = polling_intervals(scenario);
    let fan_out = scenario.consumers.iter().filter(|consumer| consumer.kind == ConsumerKind::Efo).count();
    let bytes = demand.busiest * demand.record_bytes;
    let shards = f64::from(demand.shards);
    let busiest = if demand.busiest > demand.records * 1.001 { " in the busiest second" } else { "" };
    let mut bounds = vec![
        bound(
            "write records",
            "records/s",
            demand.busiest,
            write.records_per_second as f64,
            shards,
            format!("records put{busiest}, against {} records/s per shard", units::count(write.records_per_second)),
        ),
        bound(
            "write bytes",
            "bytes/s",
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
    if !pollers.is_empty() {
        bounds.push(bound(
            "shared read bytes",
            "bytes/s",
            bytes * pollers.len() as f64,
            read.bytes_per_second as f64,
            shards,
            format!(
                "the same bytes read by {} polling consumer(s), which share {}/s per shard",
                pollers.len(),
                units::Bytes(read.bytes_per_second)
            ),
        ));
        let calls: f64 = pollers.iter().map(|interval| 1.0 / interval.as_secs_f64()).sum();
        bounds.push(Bound {
            shards: None,
            ..bound("shared read calls", "calls/s", calls * shards, read.calls_per_second as f64, shards, format!(
                "GetRecords calls of all polling consumers, which share {} calls/s per shard; every shard is polled, so more \
                 shards do not help", read.calls_per_second
            ))
        });
    }
    if fan_out > 0 {
        bounds.push(bound("fan-out bytes", "bytes/s", bytes, profile.fan_out.bytes_per_second as f64, shards, format!(
            "the bytes pushed to each of {fan_out} enhanced fan-out consumer(s), each of which has {}/s per shard of its own",
            units::Bytes(profile.fan_out.bytes_per_second)
        )));
    }
    bounds.push(top_key_bound(demand, profile));
    bounds
}

/// One key lives in one shard, whatever the number of shards.
fn top_key_bound(demand: &Demand, profile: &Profile) -> Bound {
    let records = demand.busiest * demand.top_key;
    let bytes = records * demand.record_bytes;
    let (by_records, by_bytes) =
        (records / profile.write.records_per_second as f64, bytes / profile.write.bytes_per_second as f64);
    let (unit, demand_of_key, capacity) = if by_records >= by_bytes {
        ("records/s", records, profile.write.records_per_second as f64)
    } else {
        ("bytes/s", bytes, profile.write.bytes_per_second as f64)
    };
    Bound {
        name: "hottest key".to_owned(),
        unit: unit.to_owned(),
        demand: demand_of_key,
        capacity_per_shard: capacity,
        utilisation: Share(by_records.max(by_bytes)),
        shards: None,
        note: format!(
            "the most frequent partition key takes {} of the records, and all of them go to one shard; more shards do not help",
            Share(demand.top_key)
        ),
    }
}

fn bound(name: &str, unit: &str, demand: f64, capacity: f64, shards: f64, note: String) -> Bound {
    Bound {
        name: name.to_owned(),
        unit: unit.to_owned(),
        demand,
        capacity_per_shard: capacity,
        utilisation: Share(demand / (capacity * shards)),
        // A demand that is a whole number of shards but for rounding needs just as many.
        shards: Some((demand / capacity - 1e-9).ceil().max(1.0) as u32),
        note,
    }
}

/// The bound that asks for the most shards; one that more shards do not help, as soon as it is more than used up.
fn binding(bounds: &[Bound]) -> String {
    let used_up = |bound: &&Bound| bound.shards.is_none() && bound.utilisation.0 > 1.0 + 1e-9;
    let fullest = |a: &&Bound, b: &&Bound| a.utilisation.0.total_cmp(&b.utilisation.0);
    let hopeless = bounds.iter().filter(used_up).max_by(fullest);
    let bound = hopeless.or_else(|| bounds.iter().filter(|bound| bound.shards.is_some()).max_by(fullest));
    bound.map_or_else(String::new, |bound| bound.name.clone())
}

fn polling_intervals(scenario: &Scenario) -> Vec<Duration> {
    let interval = |kind: &ConsumerKind| match kind {
        ConsumerKind::Polling { interval, .. } => Some(*interval),
        ConsumerKind::Efo => None,
    };
    scenario.consumers.iter().filter_map(|consumer| interval(&consumer.kind)).collect()
}

fn forecast(share: f64, demand: &Demand, profile: &Profile) -> ShardForecast {
    let records = demand.records * share;
    let bytes = records * demand.record_bytes;
    let utilisation =
        (records / profile.write.records_per_second as f64).max(bytes / profile.write.bytes_per_second as f64);
    ShardForecast { records: Rate(records), bytes, utilisation }
}

/// A full token bucket under an even flow for T seconds passes at most `rate x T + burst`.
fn accepted_rate(shard: &ShardForecast, demand: &Demand, profile: &Profile) -> f64 {
    let allowed = |rate: u64, burst: u64| rate as f64 + burst as f64 / demand.seconds;
    let write = &profile.write;
    let by_records = allowed(write.records_per_second, write.record_burst) / shard.records.0;
    let by_bytes = allowed(write.bytes_per_second, write.byte_burst) / shard.bytes;
    // A shard without load divides by zero and takes all of nothing.
    shard.records.0 * by_records.min(by_bytes).min(1.0)
}

fn lag(scenario: &Scenario, profile: &Profile, demand: &Demand, name: &str, kind: &ConsumerKind) -> LagForecast {
    let batch_wait = batch_wait(scenario, demand);
    let propagation = profile.latency.propagation.mean();
    let (mean, note) = match kind {
        ConsumerKind::Efo => {
            let keeps_up = demand.records * demand.record_bytes
                <= profile.fan_out.bytes_per_second as f64 * f64::from(demand.shards);
            let note = format!(
                "half a batch window ({}) and propagation ({})",
                units::duration(batch_wait),
                units::duration(propagation)
            );
            (keeps_up.then_some(batch_wait + propagation), note)
        }
        ConsumerKind::Polling { interval, .. } => {
            let pollers = polling_intervals(scenario);
            let calls: f64 = pollers.iter().map(|interval| 1.0 / interval.as_secs_f64()).sum();
            // Pollers that ask for more calls than there are get their part of them.
            let stretch = (calls / profile.read.calls_per_second as f64).max(1.0);
            let wait = interval.mul_f64(stretch / 2.0);
            let get = profile.latency.get.mean();
            let shared = demand.records * demand.record_bytes * pollers.len() as f64;
            let keeps_up = shared <= profile.read.bytes_per_second as f64 * f64::from(demand.shards);
            let note = format!(
                "half a batch window ({}), propagation ({}), half a polling interval ({}) and the GetRecords call ({})",
                units::duration(batch_wait),
                units::duration(propagation),
                units::duration(wait),
                units::duration(get)
            );
            (keeps_up.then_some(batch_wait + propagation + wait + get), note)
        }
    };
    LagForecast { consumer: name.to_owned(), mean: mean.map(nanos), note }
}

/// Mean wait of a record for its batch: half the time from a batch's first record until it is full or has lingered.
fn batch_wait(scenario: &Scenario, demand: &Demand) -> Duration {
    let producer = &scenario.producer;
    let by_bytes = producer.batch_bytes.0 as f64 / demand.record_bytes.max(1.0);
    let full = by_bytes.min(producer.batch_records as f64).max(1.0);
    let fills_after = (full - 1.0) / demand.records.max(1e-9);
    Duration::from_secs_f64(fills_after.min(producer.linger.as_secs_f64()) / 2.0)
}

fn assumptions(scenario: &Scenario, profile: &Profile) -> Vec<String> {
    let mut assumptions = vec![
        format!("Limits and latencies are those of the profile {} of {}.", profile.name, profile.date),
        "Load is a fluid: it flows evenly within each second, and each shard starts with its burst unspent.".to_owned(),
        "Keys are placed by their MD5 on shards of equal width, as a new stream has them.".to_owned(),
        "Retries add no load: a throttled record is counted as not accepted while load is offered.".to_owned(),
    ];
    if scenario.stream.mode == crate::kinesis::StreamMode::OnDemand {
        assumptions.push(format!(
            "The on-demand stream keeps its {} shards: scaling is not modelled in this version.",
            scenario.stream.shards
        ));
    }
    assumptions
}
