//! UpdateAccountSettings (fact sheet, section 2.4).

use super::api::Response;
use super::refusal::{Answer, invalid};
use super::state::Kinesis;
use crate::time::Time;

impl Kinesis {
    pub(super) fn update_account_settings(&mut self, now: Time, commitment: bool) -> Answer {
        let holds = self.account.is_advantage(now);
        let warmed = self.streams.values().any(|stream| stream.scaling.warm().is_some_and(|warm| warm.target > 0));
        if !commitment && holds && warmed {
            return Err(invalid("Set the warm throughput of all streams to 0 before ending the billing commitment."));
        }
        self.account.set_commitment(now, commitment, self.settings.profile.on_demand.shortest_commitment);
        Ok(Response::UpdateAccountSettings(self.account.commitment(now)))
    }
}
