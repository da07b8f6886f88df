//! What an interruption costs an application, and when it has made up for it.

use std::time::Duration;

use super::{Consumer, Interruption, Outage, Processor};
use crate::client::consumer::settings::ConsumerKind;
use crate::client::consumer::wire::Wire;
use crate::time::Time;

/// Whoever has processed what was the tip so long ago has caught up, or, if batches take longer, as long ago as before the outage.
const CAUGHT_UP: Duration = Duration::from_secs(1);

impl<W: Wire> Consumer<W> {
    /// Takes what happens from outside.
    pub fn handle_interruption(&mut self, now: Time, interruption: Interruption) {
        self.count_renewals(now);
        match interruption {
            Interruption::Stop | Interruption::Kill if self.running => {
                self.counts.read_everything = self.has_read_everything(now);
                self.running = false;
                self.counts.outages.push(Outage { stopped: now, started: None, caught_up: None });
                let dies = interruption == Interruption::Kill;
                let failover = self.leases.as_mut().map(|leases| {
                    leases.end_all();
                    leases.failover_time()
                });
                let free = if dies { failover.map_or(now, |failover| now + failover) } else { now };
                for number in 0..self.shards.len() {
                    self.interrupt(now, number, dies);
                    (self.shards[number].owner, self.shards[number].lease_free) = (None, free);
                }
            }
            Interruption::Start if !self.running => self.start_again(now),
            Interruption::KillWorker(worker) => self.kill_worker(now, worker as usize),
            Interruption::AddWorker if self.running => {
                if let Some(leases) = &mut self.leases {
                    leases.add_worker(now);
                    self.plan_workers();
                    self.handle_timeout(now);
                }
            }
            _ => {}
        }
    }

    /// Ends the reading of a shard. Whoever dies takes with him what is not noted.
    pub(super) fn interrupt(&mut self, now: Time, number: usize, dies: bool) {
        let shard = &mut self.shards[number];
        if shard.finished {
            return;
        }
        self.calls.extend(shard.reading.interrupt());
        shard.processor.drop_queues();
        if dies {
            shard.processor = Processor::new(self.rules.clone(), number);
            shard.to_note = None;
        } else {
            self.note(now, number, true);
        }
    }

    fn start_again(&mut self, now: Time) {
        self.running = true;
        if let Some(outage) = self.counts.outages.last_mut() {
            outage.started = Some(now);
        }
        if let (Some(leases), ConsumerKind::Kcl { workers, .. }) = (&mut self.leases, &self.application.kind) {
            leases.start(now, *workers, true);
        }
        let has_leases = self.leases.is_some();
        for number in 0..self.shards.len() {
            let shard = &mut self.shards[number];
            if shard.finished {
                continue;
            }
            // What ended in good order while the consumer stood still counts as noted.
            if let Some(sequence) = shard.processor.processed_to() {
                shard.to_note = Some(sequence);
            }
            self.note(now, number, true);
            let shard = &mut self.shards[number];
            shard.processor = Processor::new(self.rules.clone(), number);
            shard.reading.restart(now, shard.noted.clone());
            (shard.at_tip, shard.tip_age) = (None, None);
            shard.owner = (!has_leases).then_some(0);
            if shard.waits_for.is_empty() {
                self.behind.insert(number);
            }
        }
        for number in 0..self.shards.len() {
            self.advance(now, number);
        }
        self.plan_workers();
        self.handle_timeout(now);
    }

    fn kill_worker(&mut self, now: Time, worker: usize) {
        let Some(leases) = self.leases.as_mut() else { return };
        if !leases.end_worker(worker) {
            return;
        }
        let free = now + leases.failover_time();
        for number in 0..self.shards.len() {
            if self.shards[number].owner == Some(worker) {
                self.interrupt(now, number, true);
                (self.shards[number].owner, self.shards[number].lease_free) = (None, free);
            }
        }
        self.plan_workers();
    }

    /// All that was read of a shard up to its tip may be processed now: of a batch that took long, the tip was left behind meanwhile.
    pub(super) fn look_at_tip(&mut self, now: Time, number: usize) {
        let shard = &mut self.shards[number];
        if shard.tip_age.is_some() || shard.processor.pending() > 0 {
            return;
        }
        shard.tip_age = shard.at_tip.map(|at| now.since(at));
        let Some(age) = shard.tip_age else { return };
        // The first time is at the end of what was there before it.
        if self.counts.outages.is_empty() && std::mem::replace(&mut shard.was_at_tip, true) {
            self.usual_age = self.usual_age.max(age);
        }
        if age <= self.usual_age.max(CAUGHT_UP) {
            self.behind.remove(&number);
        }
    }

    /// At the end, whoever took long for his last batch has caught up if nothing came after it.
    pub(super) fn look_whether_nothing_came(&mut self) {
        let processed = |number: &usize| self.shards[*number].at_tip.zip(self.shards[*number].tip_age);
        let last = |last: Time, tip: Option<(Time, Duration)>| tip.map(|(at, age)| last.max(at + age));
        let last = self.behind.iter().map(processed).try_fold(Time::ZERO, last).filter(|_| !self.behind.is_empty());
        if let Some(outage) = self.counts.outages.last_mut().filter(|outage| self.running && outage.started.is_some()) {
            outage.caught_up = outage.caught_up.or(last);
        }
    }

    pub(super) fn look_whether_caught_up(&mut self, now: Time) {
        if self.running
            && self.behind.is_empty()
            && let Some(outage) = self.counts.outages.last_mut()
            && outage.started.is_some()
            && outage.caught_up.is_none()
        {
            outage.caught_up = Some(now);
        }
    }
}
