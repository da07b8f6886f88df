//! How the records of a consumer are put into batches, by its kind.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use rand::RngExt;

use super::settings::{ConsumerKind, Processing};
use super::wire::{Received, Wire};
use crate::seed::NamedSeed;
use crate::units::Share;

/// How the records of a consumer are put into batches.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub records: usize,
    pub bytes: u64,
    pub window: Duration,
    /// A batch is what one answer brought, up to `records`.
    pub per_answer: bool,
    pub lanes: u32,
    pub bisect: bool,
    pub maximum_age: Option<Duration>,
    pub largest: u64,
    pub on_failure: bool,
    pub processing: Processing,
    pub seeds: NamedSeed,
}

/// An invocation of Lambda takes 6 MB (fact sheet, section 6).
const LAMBDA_PAYLOAD: u64 = 6_000_000;

impl Rules {
    pub fn new(kind: &ConsumerKind, processing: Processing, seeds: NamedSeed) -> Self {
        let whole_answers = Self {
            records: kind.records_per_answer() as usize,
            bytes: u64::MAX,
            window: Duration::ZERO,
            per_answer: true,
            lanes: 1,
            bisect: false,
            maximum_age: None,
            largest: u64::MAX,
            on_failure: false,
            processing,
            seeds,
        };
        match *kind {
            ConsumerKind::Polling { .. } | ConsumerKind::Efo | ConsumerKind::Kcl { .. } => whole_answers,
            ConsumerKind::Lambda {
                batch_size,
                window,
                parallelization_factor,
                bisect,
                maximum_record_age,
                on_failure,
                ..
            } => Self {
                records: batch_size as usize,
                bytes: LAMBDA_PAYLOAD,
                window,
                per_answer: false,
                lanes: parallelization_factor.max(1),
                bisect,
                maximum_age: maximum_record_age,
                largest: LAMBDA_PAYLOAD,
                on_failure,
                ..whole_answers
            },
            ConsumerKind::Firehose { buffer_interval, buffer_bytes } => Self {
                records: usize::MAX,
                bytes: buffer_bytes.0,
                window: buffer_interval,
                per_answer: false,
                ..whole_answers
            },
        }
    }

    /// Whether a record is done as soon as it is read.
    pub fn is_instant(&self) -> bool {
        let work = &self.processing;
        let free = work.per_batch.is_none() && work.per_record.is_none();
        free && self.per_answer && work.failure == Share(0.0) && work.poison == Share(0.0)
    }

    pub fn is_poison<W: Wire>(&self, record: &Received<W>) -> bool {
        if self.processing.poison.0 <= 0.0 {
            return false;
        }
        // A function of the record alone, so that it fails again when it is delivered again.
        let mut hasher = DefaultHasher::new();
        record.sequence.hash(&mut hasher);
        self.seeds.at(hasher.finish()).random::<f64>() < self.processing.poison.0
    }
}
