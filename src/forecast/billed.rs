//! What is billed of a record (fact sheet, sections 5.1 and 5.2).

use std::ops::AddAssign;

use super::packing::Packing;

/// A PUT payload unit is a slice of a record of so many bytes: 25 KB.
pub const PAYLOAD_UNIT_BYTES: u64 = 25 << 10;
/// On-demand streams round each record up to so many bytes: 1 KB.
pub const BILLED_STEP_BYTES: u64 = 1 << 10;

/// What is billed of a record.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Billed {
    /// PUT payload units: slices of 25 KB.
    pub payload_units: f64,
    /// Bytes, rounded up to 1 KB.
    pub rounded_bytes: f64,
}

impl Billed {
    /// A Kinesis record of so many bytes.
    pub fn of(bytes: u64) -> Self {
        let rounded_bytes = (bytes.div_ceil(BILLED_STEP_BYTES).max(1) * BILLED_STEP_BYTES) as f64;
        Self { payload_units: bytes.div_ceil(PAYLOAD_UNIT_BYTES).max(1) as f64, rounded_bytes }
    }

    /// What one of `sampled` records is billed as, of which this is the sum, if they are packed.
    pub fn of_each(self, sampled: u64, packing: &Packing) -> Self {
        let (sum, parts) = if packing.records > 1.0 {
            (Self::of((packing.record_bytes * packing.records).ceil() as u64), packing.records)
        } else {
            (self, sampled.max(1) as f64)
        };
        Self { payload_units: sum.payload_units / parts, rounded_bytes: sum.rounded_bytes / parts }
    }
}

impl AddAssign for Billed {
    fn add_assign(&mut self, other: Self) {
        self.payload_units += other.payload_units;
        self.rounded_bytes += other.rounded_bytes;
    }
}
