//! Bounds that do not go by shards: quotas of the account, of a request, and of time.

use super::Bound;
use super::catch_up::longest_outage;
use super::demand::Demand;
use super::processing::largest_batch;
use crate::client::ConsumerKind;
use crate::kinesis::Profile;
use crate::scenario::{Consumer, Scenario};
use crate::units::{self, Share};

/// Demand on each quota.
pub(super) fn quota_bounds(scenario: &Scenario, profile: &Profile, demand: &Demand) -> Vec<Bound> {
    let mut bounds = vec![call(scenario, profile, demand)];
    let lambdas = scenario.consumers.iter().filter_map(|consumer| lambda(consumer, demand));
    bounds.extend(lambdas.max_by(|a, b| a.utilisation.0.total_cmp(&b.utilisation.0)));
    let fan_out = scenario.consumers.iter().filter(|consumer| consumer.kind.is_fan_out()).count();
    if fan_out > 0 {
        let note = format!(
            "consumers registered with the stream; {} under On-demand Advantage",
            profile.fan_out.consumers_advantage
        );
        bounds.push(quota("fan-out consumers", "consumers", fan_out as f64, profile.fan_out.consumers.into(), note));
    }
    let large = profile.stream.large_quota_regions.contains(&scenario.cost.region);
    let shards = if large { profile.stream.shards_per_account } else { profile.stream.shards_per_account_elsewhere };
    let note = format!(
        "shards of the scenario against the default quota of {}; all streams of the account share it, and AWS raises it on request",
        scenario.cost.region
    );
    bounds.push(quota("account shards", "shards", demand.shards.into(), shards.into(), note));
    let retention = scenario.cost.retention.as_secs_f64();
    if let Some((consumer, outage)) = longest_outage(scenario) {
        let note = format!("{consumer} is down for so long; what is older than the retention is lost to it");
        bounds.push(quota("retention", "s", outage.as_secs_f64(), retention, note));
    }
    bounds
}

/// The largest call that the producer makes.
fn call(scenario: &Scenario, profile: &Profile, demand: &Demand) -> Bound {
    let producer = &scenario.producer;
    let records = if producer.single { 1.0 } else { producer.batch_records as f64 };
    let bytes = (records * demand.record_bytes * demand.packed).min(producer.batch_bytes.0 as f64);
    let (most_records, most_bytes) = (profile.request.records as f64, profile.request.bytes as f64);
    let (unit, asked, most) = if bytes / most_bytes >= records / most_records {
        ("bytes/call", bytes, most_bytes)
    } else {
        ("records/call", records, most_records)
    };
    quota(
        "put call",
        unit,
        asked,
        most,
        "a full batch against what one call may have: a full one uses all of it".to_owned(),
    )
}

/// Invocations at once, by Little's law: those per second times how long one takes. Each shard has so many lanes.
fn lambda(consumer: &Consumer, demand: &Demand) -> Option<Bound> {
    let ConsumerKind::Lambda { .. } = consumer.kind else { return None };
    let work = &consumer.processing;
    let records = largest_batch(&consumer.kind);
    let seconds = work.per_batch.mean().as_secs_f64() + work.per_record.mean().as_secs_f64() * records;
    let at_once = demand.busiest / records * seconds;
    let lanes = f64::from(consumer.kind.lanes());
    let shards = f64::from(demand.shards);
    let note = format!(
        "invocations of {} at once, with full batches of {} records that take {}, against shards times parallelization factor; they count \
         towards the concurrency of the account",
        consumer.name,
        units::count(records as u64),
        units::duration(std::time::Duration::from_secs_f64(seconds))
    );
    (seconds > 0.0).then(|| super::bounds::bound("Lambda concurrency", "invocations", at_once, lanes, shards, note))
}

fn quota(name: &str, unit: &str, demand: f64, capacity: f64, note: String) -> Bound {
    Bound {
        name: name.to_owned(),
        unit: unit.to_owned(),
        demand,
        capacity_per_shard: capacity,
        capacity,
        utilisation: Share(demand / capacity.max(1e-9)),
        shards: None,
        note,
    }
}
