//! Why a consumer's GetRecords calls were throttled: pollers share calls and bytes.

use super::cause::{Cause, Limit, ThrottleCause};
use super::moment::Evidence;
use crate::capacity::BoundName;
use crate::kinesis::Profile;
use crate::measure::ConsumerRecord;
use crate::result::RunResult;
use crate::units::{self, Share};
use crate::verdict::expectation::Expectation;
use crate::verdict::measured::mean_shards;

/// Seconds for which a call that got 10 MiB holds up the next ones (fact sheet, section 1.3).
const HELD_UP: u64 = 5;

/// The cause of a consumer whose calls were throttled: the limit that its shards' pollers use more of, by the plan or, after an outage, in the
/// fullest second.
pub(super) fn shared(
    consumer: &ConsumerRecord,
    result: &RunResult,
    profile: &Profile,
    plan: Expectation<'_>,
) -> (ThrottleCause, Option<Evidence>) {
    let used = |name: BoundName| plan.bound(name).map_or(0.0, |bound| bound.utilisation.0);
    let (calls, bytes) = (used(BoundName::SharedReadCalls), used(BoundName::SharedReadBytes));
    let seconds = &consumer.throttled_seconds;
    let window = seconds.first().zip(seconds.last()).map_or((0, 0), |(first, last)| (first.0, last.0));
    let record_bytes = record_bytes(result);
    let given = profile.read.bytes_per_second as f64 / record_bytes.max(f64::MIN_POSITIVE);
    let (second, fullest) = fullest_second(result, window, given);
    let bound = if calls >= bytes.max(fullest) { Limit::Calls } else { Limit::Bytes };
    let backlog = if fullest > bytes && bound == Limit::Bytes {
        format!(" In second {second} they read {} of what the shards give in one: a backlog.", Share(fullest))
    } else {
        String::new()
    };
    let cause = ThrottleCause {
        cause: Cause::SharedReads,
        bound: Some(bound),
        place: consumer.name.clone(),
        seconds: seconds.len() as u64,
        window,
        throttled: consumer.throttled_calls,
        evidence: format!(
            "{} of {} calls of GetRecords were throttled; by the plan, all consumers that poll use {} of a shard's calls and {} of its bytes.{backlog}",
            units::count(consumer.throttled_calls),
            units::count(consumer.calls),
            Share(calls),
            Share(bytes),
        ),
        cures: Vec::new(),
    };
    (cause, Some(Evidence::Reads { record_bytes: record_bytes * plan.forecast.records_per_kinesis_record }))
}

/// The second of a window, or shortly before it, in which pollers read the most, and how much that is of what the shards give in a second, each so
/// many records.
fn fullest_second(result: &RunResult, (first, last): (u64, u64), given: f64) -> (u64, f64) {
    let consumers = result.scenario.consumers.iter().zip(&result.measurement.consumers);
    let pollers: Vec<&ConsumerRecord> =
        consumers.filter(|(asked, _)| asked.kind.polls().is_some()).map(|(_, consumer)| consumer).collect();
    let full = |second: u64| {
        let read = pollers.iter().filter_map(|consumer| consumer.reads.get(usize::try_from(second).ok()?)).sum::<u64>();
        let shards = mean_shards(result, (second, second + 1)).max(1.0);
        (second, read as f64 / (shards * given))
    };
    let seconds = first.saturating_sub(HELD_UP)..=last;
    seconds.map(full).fold((first, 0.0), |most, second| if second.1 > most.1 { second } else { most })
}

/// Mean bytes of a record that was accepted, of those in an aggregate too.
fn record_bytes(result: &RunResult) -> f64 {
    let shards = &result.measurement.shards;
    let (records, bytes) =
        shards.iter().fold((0, 0), |sum, shard| (sum.0 + shard.accepted, sum.1 + shard.accepted_bytes));
    bytes as f64 / (records.max(1)) as f64
}
