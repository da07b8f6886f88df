//! The leases of the Kinesis Client Library: which worker reads which shard (fact sheet, section 9.3).
//!
//! A fleet starts with its leases spread evenly, as one that has run for a while. From then on each worker looks at the lease
//! table in its turn, every two failover times, and takes free leases up to its fair share, or one from the worker that has
//! the most.

use std::time::Duration;

use crate::time::Time;

/// A lease is renewed three times per failover time (fact sheet, section 9.3: 10 s, about every 3.3 s).
const RENEWALS_PER_FAILOVER: u32 = 3;
/// Workers look for leases to take every so many failover times.
const FAILOVERS_PER_LOOK: u32 = 2;

/// What the lease table was asked for, in items: what DynamoDB bills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeaseCounts {
    /// Renewals of leases.
    pub renewals: u64,
    /// Leases read by workers that look for some to take.
    pub reads: u64,
    /// Leases taken, also from another worker.
    pub taken: u64,
}

#[derive(Debug)]
pub(super) struct Leases {
    failover_time: Duration,
    workers: Vec<Worker>,
    pub counts: LeaseCounts,
    /// Until when renewals are counted.
    renewed: Time,
    /// Renewals due, in parts of one.
    due: f64,
}

#[derive(Debug)]
struct Worker {
    alive: bool,
    looks: Time,
}

/// A shard as the lease table has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lease {
    pub shard: usize,
    pub owner: Option<usize>,
    /// From when on anybody may take it; [`Time::NEVER`] while its owner renews it.
    pub free: Time,
}

impl Leases {
    pub fn new(workers: u32, failover_time: Duration) -> Self {
        let mut leases =
            Self { failover_time, workers: Vec::new(), counts: LeaseCounts::default(), renewed: Time::ZERO, due: 0.0 };
        leases.start(Time::ZERO, workers, false);
        leases
    }

    /// Starts `count` new workers in place of all. A fleet that starts `at_once` looks for leases at once.
    pub fn start(&mut self, now: Time, count: u32, at_once: bool) {
        let every = self.look_interval();
        // Workers are not started in the same moment: their turns are spread evenly.
        let turn = |number: u32| every.mul_f64(f64::from(number + 1) / f64::from(count.max(1)));
        let looks = |number| if at_once { now } else { now + turn(number) };
        self.workers = (0..count).map(|number| Worker { alive: true, looks: looks(number) }).collect();
    }

    fn look_interval(&self) -> Duration {
        self.failover_time * FAILOVERS_PER_LOOK
    }

    pub const fn failover_time(&self) -> Duration {
        self.failover_time
    }

    pub fn alive(&self) -> impl Iterator<Item = usize> {
        self.workers.iter().enumerate().filter(|(_, worker)| worker.alive).map(|(number, _)| number)
    }

    pub fn add_worker(&mut self, now: Time) {
        self.workers.push(Worker { alive: true, looks: now });
    }

    /// Ends the worker of this number; `false` if there is none.
    pub fn end_worker(&mut self, worker: usize) -> bool {
        let worker = self.workers.get_mut(worker).filter(|worker| worker.alive);
        worker.is_some_and(|worker| std::mem::replace(&mut worker.alive, false))
    }

    pub fn end_all(&mut self) {
        self.workers.iter_mut().for_each(|worker| worker.alive = false);
    }

    /// When the next worker looks for leases.
    pub fn wake(&self) -> Option<Time> {
        self.workers.iter().filter(|worker| worker.alive).map(|worker| worker.looks).min()
    }

    /// Counts renewals up to `now` while `held` leases were held.
    pub fn renew(&mut self, now: Time, held: usize) {
        let every = self.failover_time.as_secs_f64() / f64::from(RENEWALS_PER_FAILOVER);
        self.due += now.since(self.renewed).as_secs_f64() / every * held as f64;
        self.renewed = self.renewed.max(now);
        // A whole number but for rounding is one.
        let whole = (self.due + 1e-9).floor();
        self.counts.renewals += whole as u64;
        self.due -= whole;
    }

    /// Lets the workers whose turn it is look at the leases; gives who takes which shard.
    pub fn look(&mut self, now: Time, leases: &mut [Lease]) -> Vec<(usize, usize)> {
        let mut taken = Vec::new();
        let every = self.look_interval();
        let alive: Vec<usize> = self.alive().collect();
        let fair = leases.len().div_ceil(alive.len().max(1));
        for &number in &alive {
            if self.workers[number].looks > now {
                continue;
            }
            self.workers[number].looks = now + every;
            self.counts.reads += leases.len() as u64;
            let held = |leases: &[Lease], by: usize| leases.iter().filter(|lease| lease.owner == Some(by)).count();
            let mut own = held(leases, number);
            let mut found_free = false;
            for lease in leases.iter_mut().filter(|lease| lease.free <= now) {
                if own >= fair {
                    break;
                }
                (lease.owner, lease.free, found_free) = (Some(number), Time::NEVER, true);
                own += 1;
                taken.push((number, lease.shard));
            }
            let busiest = alive.iter().copied().max_by_key(|by| (held(leases, *by), std::cmp::Reverse(*by)));
            let Some(busiest) = busiest.filter(|by| !found_free && held(leases, *by) > own + 1) else { continue };
            if let Some(lease) = leases.iter_mut().find(|lease| lease.owner == Some(busiest)) {
                lease.owner = Some(number);
                taken.push((number, lease.shard));
            }
        }
        self.counts.taken += taken.len() as u64;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILOVER: Duration = Duration::from_secs(10);

    fn held(leases: &[Lease], owner: usize) -> usize {
        leases.iter().filter(|lease| lease.owner == Some(owner)).count()
    }

    #[test]
    fn leases_of_a_dead_worker_are_shared_by_the_others_when_they_have_run_out() {
        let mut workers = Leases::new(3, FAILOVER);
        let lease = |shard| Lease { shard, owner: Some(shard % 3), free: Time::NEVER };
        let mut leases: Vec<Lease> = (0..9).map(lease).collect();
        assert!(workers.end_worker(1) && !workers.end_worker(1));
        for lease in leases.iter_mut().filter(|lease| lease.owner == Some(1)) {
            lease.free = Time::from_secs(10);
        }
        let mut now = Time::ZERO;
        for _ in 0..8 {
            now = workers.wake().unwrap();
            workers.look(now, &mut leases);
        }
        assert_eq!((held(&leases, 0) + held(&leases, 2), held(&leases, 1)), (9, 0));
        assert!(held(&leases, 0).abs_diff(held(&leases, 2)) == 1, "{leases:?}");
        assert!(now >= Time::from_secs(10));
    }

    #[test]
    fn a_worker_that_joins_steals_one_lease_at_a_time() {
        let mut workers = Leases::new(1, FAILOVER);
        let mut leases: Vec<Lease> = (0..4).map(|shard| Lease { shard, owner: Some(0), free: Time::NEVER }).collect();
        workers.add_worker(Time::from_secs(1));
        assert_eq!(workers.look(Time::from_secs(1), &mut leases), [(1, 0)]);
        assert_eq!(workers.look(Time::from_secs(2), &mut leases), []);
        assert_eq!(workers.look(Time::from_secs(21), &mut leases), [(1, 1)]);
        // Two each: nobody has more than a fair share.
        assert_eq!(workers.look(Time::from_secs(61), &mut leases), []);
        assert_eq!(workers.counts.taken, 2);
    }

    #[test]
    fn leases_are_renewed_three_times_per_failover_time() {
        let mut workers = Leases::new(1, FAILOVER);
        for second in 1..=100 {
            workers.renew(Time::from_secs(second), 4);
        }
        assert_eq!(workers.counts.renewals, 120);
    }
}
