//! What became of each tenant's records.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::latency::{Latency, LatencySummary};
use crate::client::{FailedAttempt, Failure, Outcome, Sample};
use crate::time::Time;
use crate::workload::Tenants;

/// Records what becomes of each tenant's records.
#[derive(Debug)]
pub struct TenantRecorder {
    tenants: Tenants,
    measured_from: Time,
    records: Vec<TenantRecording>,
}

/// What was measured of a tenant.
#[derive(Debug, Clone)]
pub struct TenantRecording {
    counts: TenantRecord,
    response: Latency,
}

/// A tenant and what became of its records, warm-up included but for the response time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct TenantRecord {
    /// Its name.
    pub name: String,
    /// Its part of the arrivals, from 0 to 1.
    pub share: f64,
    /// Records that came due.
    pub offered: u64,
    /// Records that the service acknowledged.
    pub accepted: u64,
    /// Records that failed, were abandoned, or became unknown.
    pub lost: u64,
    /// Attempts that were throttled.
    pub throttled: u64,
    /// Bytes accepted, data and partition keys.
    pub accepted_bytes: u64,
    /// Acknowledged minus intended, of the records due after the warm-up.
    pub response: LatencySummary,
}

impl TenantRecorder {
    /// A recorder for a run that counts from `measured_from` on.
    pub fn new(tenants: Tenants, measured_from: Time) -> Self {
        let record = |(name, share): (&std::sync::Arc<str>, f64)| TenantRecord {
            name: name.to_string(),
            share,
            ..TenantRecord::default()
        };
        let records = tenants.names().iter().zip(tenants.shares()).map(record);
        let records = records.map(|counts| TenantRecording { counts, response: Latency::new() }).collect();
        Self { records, tenants, measured_from }
    }

    /// Record `index` is due.
    pub fn handle_arrival(&mut self, index: u64) {
        self.record(index).counts.offered += 1;
    }

    /// An attempt was not accepted.
    pub fn handle_failed_attempt(&mut self, attempt: &FailedAttempt) {
        let throttled = attempt.failure == Failure::Throttled && attempt.leads;
        self.record(attempt.index).counts.throttled += u64::from(throttled);
    }

    /// A record is done.
    pub fn handle_sample(&mut self, sample: &Sample) {
        let measured_from = self.measured_from;
        let TenantRecording { counts, response } = self.record(sample.index);
        if sample.outcome != Outcome::Accepted {
            counts.lost += 1;
            return;
        }
        counts.accepted += 1;
        counts.accepted_bytes += u64::from(sample.bytes);
        if sample.intended >= measured_from {
            response.record(sample.done.since(sample.intended));
        }
    }

    /// Ends the recording.
    pub fn finish(self) -> Vec<TenantRecording> {
        self.records
    }

    fn record(&mut self, index: u64) -> &mut TenantRecording {
        &mut self.records[self.tenants.pick(index)]
    }
}

impl TenantRecording {
    /// The tenant in figures.
    pub fn record(self) -> TenantRecord {
        TenantRecord { response: self.response.summary(), ..self.counts }
    }
}
