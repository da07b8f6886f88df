//! What a run is judged against.

use crate::capacity::{Bound, BoundName, Capacity};
use crate::forecast::Forecast;

/// What was expected of a run: what was to happen, and what the stream takes.
#[derive(Debug, Clone, Copy)]
pub struct Expectation<'a> {
    /// What was to happen to the load.
    pub forecast: &'a Forecast,
    /// What the stream takes of it, and what it costs.
    pub capacity: &'a Capacity,
}

impl<'a> Expectation<'a> {
    /// The bound of that name, if the scenario has it.
    pub fn bound(self, name: BoundName) -> Option<&'a Bound> {
        self.capacity.bound(name)
    }

    /// Records per second that are offered in the busiest second, for which bounds are.
    pub(crate) fn busiest_rate(self) -> Option<f64> {
        Some(self.bound(BoundName::WriteRecords)?.demand * self.forecast.records_per_kinesis_record)
    }

    /// Mean bytes of a record, partition key included.
    pub(crate) fn record_bytes(self) -> Option<f64> {
        Some(self.bound(BoundName::WriteBytes)?.demand / self.busiest_rate()?.max(1e-9))
    }
}
