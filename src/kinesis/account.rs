//! Settings of the account: the commitment that makes On-demand Advantage (fact sheet, section 2.4).

use std::time::Duration;

use super::api::{BillingCommitment, CommitmentStatus};
use crate::time::Time;

/// Settings of the account.
#[derive(Debug, Default)]
pub(super) struct Account {
    started: Option<Time>,
    earliest_end: Option<Time>,
    /// When the commitment ends or has ended; the latter if it is past.
    ends: Option<Time>,
}

impl Account {
    /// Whether the commitment holds.
    pub fn is_advantage(&self, now: Time) -> bool {
        self.started.is_some() && self.ends.is_none_or(|ends| now < ends)
    }

    pub fn commitment(&self, now: Time) -> BillingCommitment {
        let holds = self.is_advantage(now);
        let status = match (holds, self.ends) {
            (true, None) => CommitmentStatus::Enabled,
            (true, Some(_)) => CommitmentStatus::EnabledUntilEarliestAllowedEnd,
            (false, _) => CommitmentStatus::Disabled,
        };
        BillingCommitment {
            status,
            started: self.started,
            ended: self.ends.filter(|_| !holds),
            earliest_end: self.earliest_end.filter(|_| holds),
        }
    }

    /// Begins the commitment at `now`, ends it as soon as it may end, or leaves it as it is.
    pub fn set_commitment(&mut self, now: Time, commitment: bool, shortest: Duration) {
        match (commitment, self.is_advantage(now)) {
            (true, true) => self.ends = None,
            (true, false) => *self = Self { started: Some(now), earliest_end: Some(now + shortest), ends: None },
            (false, true) => self.ends = Some(self.earliest_end.unwrap_or(now).max(now)),
            (false, false) => {}
        }
    }
}
