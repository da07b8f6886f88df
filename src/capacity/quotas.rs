//! Bounds that do not go by shards: quotas of the account, of a request, and of time.

use std::time::Duration;

use super::bound::{Bound, quota};
use super::bound_name::BoundName;
use crate::client::ConsumerKind;
use crate::forecast::{Demand, longest_outage};
use crate::kinesis::{Profile, StreamMode};
use crate::scenario::{Consumer, Scenario};
use crate::units::{self, Unit};

/// Demand on each quota. `recommended` is the number of shards that the plan recommends.
pub(crate) fn quota_bounds(scenario: &Scenario, profile: &Profile, demand: &Demand, recommended: u32) -> Vec<Bound> {
    let mut bounds = vec![call(scenario, profile, demand)];
    bounds.extend(scenario.consumers.iter().filter_map(|consumer| lambda(consumer, demand)));
    let fan_out = scenario.consumers.iter().filter(|consumer| consumer.kind.is_fan_out()).count();
    if fan_out > 0 {
        let note = format!(
            "consumers registered with the stream; {} under On-demand Advantage",
            profile.fan_out.consumers_advantage
        );
        bounds.push(quota(
            BoundName::FanOutConsumers,
            Unit::Consumers,
            fan_out as f64,
            profile.fan_out.consumers.into(),
            note,
        ));
    }
    let large = profile.stream.large_quota_regions.contains(&scenario.cost.region);
    let shards = if large { profile.stream.shards_per_account } else { profile.stream.shards_per_account_elsewhere };
    let note = format!(
        "the shards of the scenario, or those recommended if they are more, against the default quota of {}; all streams of the account \
         share it, and AWS raises it on request",
        scenario.cost.region
    );
    bounds.push(quota(
        BoundName::AccountShards,
        Unit::Shards,
        demand.shards.max(recommended).into(),
        shards.into(),
        note,
    ));
    if scenario.stream.mode == StreamMode::OnDemand {
        let on_demand = &profile.on_demand;
        let most = if large { on_demand.most_bytes_per_second } else { on_demand.most_bytes_per_second_elsewhere };
        let note = format!(
            "data and partition keys against what on-demand streams take in {}; AWS raises it on request",
            scenario.cost.region
        );
        bounds.push(quota(
            BoundName::OnDemandWrites,
            Unit::BytesPerSecond,
            demand.busiest * demand.record_bytes,
            most as f64,
            note,
        ));
    }
    let retention = scenario.cost.retention.as_secs_f64();
    if let Some((consumer, outage)) = longest_outage(scenario) {
        let note = format!("{consumer} is down for so long; what is older than the retention is lost to it");
        bounds.push(quota(BoundName::Retention, Unit::Seconds, outage.as_secs_f64(), retention, note));
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
        (Unit::BytesPerCall, bytes, most_bytes)
    } else {
        (Unit::RecordsPerCall, records, most_records)
    };
    quota(
        BoundName::PutCall,
        unit,
        asked,
        most,
        "a full batch against what one call may have: a full one uses all of it".to_owned(),
    )
}

/// Invocations at once, by Little's law: those per second times how long one takes. Each shard has so many lanes, and each lane one
/// invocation at a time: where more would come, they come with more records each, until batches are full.
fn lambda(consumer: &Consumer, demand: &Demand) -> Option<Bound> {
    let ConsumerKind::Lambda { batch_size, window, .. } = consumer.kind else { return None };
    let work = &consumer.processing;
    let seconds = |records: f64| work.per_batch.mean().as_secs_f64() + work.per_record.mean().as_secs_f64() * records;
    let lanes = f64::from(consumer.kind.lanes()) * f64::from(demand.shards);
    let (most, of_lane) = (f64::from(batch_size), demand.busiest / lanes);
    // A poll or a window that finds something makes an invocation.
    let poll = consumer.kind.polls().map_or(1.0, |(interval, _)| 1.0 / interval.as_secs_f64());
    let chances = if window.is_zero() { poll } else { poll.min(1.0 / window.as_secs_f64()) };
    let usual = (of_lane / chances.min(of_lane)).clamp(1.0, most);
    let at_once = |records: f64| demand.busiest / records * seconds(records);
    let invocations = at_once(usual).min(lanes).max(at_once(most));
    let note = format!(
        "invocations of {} at once, of {} records that take {}, against shards times parallelization factor; they count towards the concurrency \
         of the account",
        consumer.name,
        units::number(usual),
        units::duration(Duration::from_secs_f64(seconds(usual)))
    );
    (invocations > 0.0).then(|| Bound {
        consumer: Some(consumer.name.clone()),
        ..quota(BoundName::LambdaConcurrency, Unit::Invocations, invocations, lanes, note)
    })
}
