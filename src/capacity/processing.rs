//! What consumers can process, as a bound.

use super::bound::{Bound, bound};
use super::bound_name::BoundName;
use crate::forecast::{largest_batch, processing_capacity};
use crate::scenario::Scenario;
use crate::units::{self, Unit};

/// The demand on the consumer whose processing is the narrowest; `None` if no consumer takes time.
pub(crate) fn processing_bound(scenario: &Scenario, busiest: f64, shards: f64) -> Option<Bound> {
    let narrowest =
        scenario.consumers.iter().min_by(|a, b| processing_capacity(a).total_cmp(&processing_capacity(b)))?;
    let capacity = processing_capacity(narrowest);
    if capacity.is_infinite() {
        return None;
    }
    let lanes = narrowest.kind.lanes();
    let note = format!(
        "records that {} can process: {lanes} batch(es) of up to {} records at a time per shard, {} a batch and {} a record",
        narrowest.name,
        units::count(largest_batch(&narrowest.kind) as u64),
        units::duration(narrowest.processing.per_batch.mean()),
        units::duration(narrowest.processing.per_record.mean())
    );
    Some(bound(BoundName::ProcessedRecords, Unit::RecordsPerSecond, busiest, capacity, shards, note))
}
