//! What becomes of records: an attempt was accepted or not, is made again or was the last one.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::Arc;

use super::Producer;
use super::record::{CallId, CallOutcome, EntryOutcome, FailedAttempt, Failure, Outcome, Reason, Sample};
use super::sequence::PackedSequence;
use super::unit::{Slot, Unit, Waiting};
use crate::client::RetryPolicy;
use crate::time::Time;
use crate::workload::Data;

/// Retries that a budget allows whatever its share, so that a quiet producer can retry at all.
const RETRY_BUDGET_FLOOR: u64 = 10;

impl Producer {
    /// Takes the outcome of a call that was sent at `sent`. An outcome of a call that is not under way is ignored.
    pub fn handle_outcome(&mut self, now: Time, sent: Time, id: CallId, outcome: &CallOutcome) {
        let Some(units) = self.in_flight.remove(&id) else { return };
        self.under_way -= units.iter().map(|unit| unit.slots.len() as u64).sum::<u64>();
        for (position, unit) in units.into_iter().enumerate() {
            for number in &unit.slots {
                let slot = &mut self.slots[*number];
                slot.attempts += 1;
                slot.sent = Some(sent);
            }
            let failure = match outcome {
                CallOutcome::Failed(failure) => *failure,
                CallOutcome::Answered(entries) => match entries.get(position) {
                    Some(EntryOutcome::Accepted { shard, sequence }) => {
                        self.accept(now, &unit, *shard, *sequence);
                        continue;
                    }
                    Some(EntryOutcome::Throttled) => Failure::Throttled,
                    Some(EntryOutcome::InternalFailure) => Failure::InternalFailure,
                    // An answer that says nothing of a record leaves its fate open.
                    None => Failure::ConnectionReset,
                },
            };
            self.handle_failure(now, sent, unit, failure);
        }
    }

    pub(super) fn accept(&mut self, now: Time, unit: &Unit, shard: Option<usize>, sequence: Option<PackedSequence>) {
        for (position, number) in unit.slots.iter().enumerate() {
            let slot = &mut self.slots[*number];
            slot.shard = shard.unwrap_or(slot.shard);
            slot.sequence = sequence;
            self.finish_with(now, *number, Outcome::Accepted, None, (position == 0).then_some(unit.bytes));
        }
    }

    pub(super) fn handle_failure(&mut self, now: Time, sent: Time, unit: Unit, failure: Failure) {
        for (position, number) in unit.slots.iter().enumerate() {
            let slot = &mut self.slots[*number];
            slot.perhaps_stored |= failure.perhaps_stored();
            let leads = position == 0;
            let (index, shard) = (slot.index, slot.shard);
            self.failed_attempts.push_back(FailedAttempt { index, shard, sent, answered: now, failure, leads });
        }
        let reason = Reason::Attempt(failure);
        let Some(first) = unit.slots.first().map(|number| &self.slots[*number]) else { return };
        let next = if failure.may_pass() { self.backoff.delay(first.index, first.attempts) } else { None };
        let Some(delay) = next else {
            return self.finish_unit(now, &unit, Outcome::Failed, reason);
        };
        let outlived = |slot: &Slot| self.settings.time_to_live.is_some_and(|most| slot.intended + most <= now + delay);
        if unit.slots.iter().all(|number| outlived(&self.slots[*number])) {
            return self.finish_unit(now, &unit, Outcome::Abandoned, Reason::TimeToLive);
        }
        let allowed = |share: f64| RETRY_BUDGET_FLOOR + (share * self.first_attempts as f64) as u64;
        if self.settings.retry_budget.is_some_and(|share| self.retries >= allowed(share.0)) {
            return self.finish_unit(now, &unit, Outcome::Failed, Reason::RetryBudget);
        }
        self.retries += 1;
        if matches!(self.settings.retry, RetryPolicy::Immediate { .. }) {
            // As the KPL does (fact sheet, section 9.2): no pause, and half of the usual time to find company.
            self.make_ready(Unit { deadline: now + self.settings.linger / 2, ..unit });
        } else {
            self.waiting.push(Reverse(Waiting { due: now + delay, turn: self.retries, unit }));
        }
    }

    pub(super) fn finish_unit(&mut self, now: Time, unit: &Unit, outcome: Outcome, reason: Reason) {
        for (position, number) in unit.slots.iter().enumerate() {
            self.finish(now, *number, outcome, Some(reason), position == 0);
        }
    }

    pub(super) fn finish(&mut self, now: Time, number: usize, outcome: Outcome, reason: Option<Reason>, leads: bool) {
        let bytes = leads.then(|| self.slots[number].bytes());
        self.finish_with(now, number, outcome, reason, bytes);
    }

    pub(super) fn finish_with(
        &mut self,
        now: Time,
        number: usize,
        outcome: Outcome,
        reason: Option<Reason>,
        service: Option<u64>,
    ) {
        let slot = &mut self.slots[number];
        let unproven = slot.perhaps_stored && outcome != Outcome::Accepted;
        let outcome = if unproven { Outcome::Unknown } else { outcome };
        self.buffered -= slot.bytes();
        self.open -= 1;
        let sample = slot.sample(now, outcome, reason, true);
        let service_bytes = service.map(|bytes| u32::try_from(bytes).unwrap_or(u32::MAX));
        self.samples.push_back(Sample { service_bytes, ..sample });
        slot.data = Data::EMPTY;
        let key = self.settings.ordered.then(|| slot.key.clone());
        self.free.push(number);
        if let Some(key) = key {
            self.let_next_go(now, &key);
        }
    }

    /// The record of a key that was on its way is done: the next one behind it may go.
    pub(super) fn let_next_go(&mut self, now: Time, key: &Arc<str>) {
        match self.keys.get_mut(key).map(VecDeque::pop_front) {
            Some(Some(next)) => self.enqueue(now, next),
            Some(None) => {
                self.keys.remove(key);
            }
            None => {}
        }
    }
}
