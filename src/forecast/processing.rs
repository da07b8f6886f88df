//! What consumers do with the records: how many they can take, and how long it takes (fact sheet, section 6).

use std::time::Duration;

use crate::client::ConsumerKind;
use crate::scenario::Consumer;
use crate::units;

/// The work of a consumer on one shard.
pub(crate) struct Work<'a> {
    consumer: &'a Consumer,
    /// Mean wait of a record for its batch, or its buffer, to be full.
    wait: Duration,
    /// Mean time of a batch as it usually is.
    batch: Duration,
}

/// Most records of a batch.
pub(crate) fn largest_batch(kind: &ConsumerKind) -> f64 {
    match kind {
        ConsumerKind::Lambda { batch_size, .. } => f64::from(*batch_size),
        kind => f64::from(kind.records_per_answer()),
    }
}

/// Records per second that a consumer can process of one shard, with full batches; infinite if its work takes no time.
pub(crate) fn capacity(consumer: &Consumer) -> f64 {
    let work = &consumer.processing;
    let records = largest_batch(&consumer.kind);
    let batch = work.per_batch.mean().as_secs_f64() + work.per_record.mean().as_secs_f64() * records;
    f64::from(consumer.kind.lanes()) * records / batch
}

impl<'a> Work<'a> {
    /// The work of `consumer` on a shard that takes so many records of `record_bytes` per second.
    pub fn new(consumer: &'a Consumer, records: f64, record_bytes: f64) -> Self {
        let each_lane = records / f64::from(consumer.kind.lanes());
        let fills_after = |most: f64| most / each_lane.max(1e-9);
        let (wait, arrives_in) = match consumer.kind {
            ConsumerKind::Lambda { window, batch_size, .. } => {
                let wait = window.as_secs_f64().min(fills_after(f64::from(batch_size)));
                (wait, wait.max(1.0))
            }
            ConsumerKind::Firehose { buffer_interval, buffer_bytes } => {
                let wait =
                    buffer_interval.as_secs_f64().min(fills_after(buffer_bytes.0 as f64 / record_bytes.max(1.0)));
                (wait, wait)
            }
            ref kind => (0.0, kind.polls().map_or(0.0, |(interval, _)| interval.as_secs_f64())),
        };
        let usual = (each_lane * arrives_in).clamp(1.0, largest_batch(&consumer.kind));
        let work = &consumer.processing;
        let batch = work.per_batch.mean() + work.per_record.mean().mul_f64(usual);
        Self { consumer, wait: Duration::from_secs_f64(wait / 2.0), batch }
    }

    /// The lag up to the end of the processing; `None` if the processing does not keep up with `busiest` records per second.
    pub fn add_to(&self, lag: Option<Duration>, note: String, busiest: f64) -> (Option<Duration>, String) {
        let mut note = note;
        if !self.wait.is_zero() {
            note = format!("{note}, half the wait for a full batch ({})", units::duration(self.wait));
        }
        if !self.batch.is_zero() {
            note = format!("{note}, the processing of a batch ({})", units::duration(self.batch));
        }
        let keeps_up = busiest <= capacity(self.consumer);
        (lag.filter(|_| keeps_up).map(|lag| lag + self.wait + self.batch), note)
    }
}
