//! Settings of the account: the commitment that makes On-demand Advantage (fact sheet, section 2.4).

use super::api::*;
use super::service::{Answer, Kinesis, invalid};
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
}

impl Kinesis {
    pub(super) fn update_account_settings(&mut self, now: Time, commitment: bool) -> Answer {
        let holds = self.account.is_advantage(now);
        let warmed = self.streams.values().any(|stream| stream.scaling.warm().is_some_and(|warm| warm.target > 0));
        if !commitment && holds && warmed {
            return Err(invalid("Set the warm throughput of all streams to 0 before ending the billing commitment."));
        }
        let account = &mut self.account;
        match (commitment, holds) {
            (true, true) => account.ends = None,
            (true, false) => {
                let earliest = now + self.settings.profile.on_demand.shortest_commitment;
                *account = Account { started: Some(now), earliest_end: Some(earliest), ends: None };
            }
            (false, true) => account.ends = Some(account.earliest_end.unwrap_or(now).max(now)),
            (false, false) => {}
        }
        Ok(Response::UpdateAccountSettings(account.commitment(now)))
    }
}
