//! Calls per second of the control plane (fact sheet, section 2.1).

use std::collections::BTreeMap;

use super::api::Operation;
use super::quota::{Throttled, TokenBucket};
use crate::time::Time;

/// What the account has left of each operation.
#[derive(Debug)]
pub(super) struct ControlRates {
    limits: BTreeMap<Operation, u64>,
    left: BTreeMap<Operation, TokenBucket>,
}

impl ControlRates {
    pub fn new(limits: &BTreeMap<Operation, u64>) -> Self {
        Self { limits: limits.clone(), left: BTreeMap::new() }
    }

    /// Charges one call of the account.
    pub fn charge(&mut self, now: Time, operation: Operation) -> Result<(), Throttled> {
        Self::charge_one(&mut self.left, &self.limits, now, operation)
    }

    /// Charges one call. An operation without a limit is free.
    pub fn charge_one(
        left: &mut BTreeMap<Operation, TokenBucket>,
        limits: &BTreeMap<Operation, u64>,
        now: Time,
        operation: Operation,
    ) -> Result<(), Throttled> {
        let Some(&limit) = limits.get(&operation) else { return Ok(()) };
        let bucket = left.entry(operation).or_insert_with(|| TokenBucket::new(limit, limit));
        if !bucket.has(now, 1) {
            return Err(Throttled);
        }
        bucket.take(now, 1);
        Ok(())
    }
}
