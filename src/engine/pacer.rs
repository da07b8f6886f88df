//! The pacer: it releases each arrival when it is due.
//!
//! governor decides on the release, on a clock made of arrivals: its `now` is the integral of the target rate. On a real clock
//! governor forgives lateness (a stall of 500 ms loses the arrivals of that time) and bursts at the start. On this clock the
//! quota is always one per arrival, whatever the rate does; the burst is spent before the start, and from then on it is the
//! promise to catch up: after a stall, as many arrivals as the burst holds are released at once.

use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::time::Time;
use crate::workload::{Position, Schedule};

/// Arrivals that were released together; their numbers follow one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Those of which it makes no difference that they were not released when they were due.
    pub on_time: Range<u64>,
    /// Late, and more than the promise to catch up holds.
    pub beyond: Range<u64>,
    /// Late, and within the promise.
    pub promised: Range<u64>,
    /// Until when it made no difference.
    pub indifferent_until: Time,
    /// When they were released.
    pub at: Time,
}

impl Release {
    /// All of them.
    pub const fn arrivals(&self) -> Range<u64> {
        self.on_time.start..self.promised.end
    }
}

/// Decides which arrivals are due; a pure state machine over the schedule and governor.
#[derive(Debug)]
pub struct Pacer {
    schedule: Schedule,
    count: u64,
    next: u64,
    clock: ArrivalClock,
    limiter: RateLimiter<NotKeyed, InMemoryState, ArrivalClock, NoOpMiddleware<Nanos>>,
}

/// governor's clock: the position in the schedule, in nano-arrivals.
#[derive(Debug, Clone, Default)]
struct ArrivalClock(Arc<AtomicU64>);

impl Clock for ArrivalClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(self.0.load(Ordering::Relaxed))
    }
}

impl Pacer {
    /// A pacer for the first `count` arrivals of `schedule`. Without `catch_up` its backlog is sent in full however large it
    /// gets; else it says what is beyond so many arrivals.
    pub fn new(schedule: Schedule, count: u64, catch_up: Option<u64>) -> Self {
        let clock = ArrivalClock::default();
        let burst = u32::try_from(catch_up.unwrap_or(count)).unwrap_or(u32::MAX);
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        let one_per_arrival = Quota::with_period(Duration::from_nanos(Position::ARRIVAL))
            .unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN))
            .allow_burst(burst);
        let limiter = RateLimiter::direct_with_clock(one_per_arrival, clock.clone());
        // Primed: the burst is spent at position zero, before any arrival is due.
        let spent = limiter.check_n(burst);
        debug_assert!(matches!(spent, Ok(Ok(()))));
        Self { schedule, count, next: 0, clock, limiter }
    }

    /// The arrivals that are due at `now` and were not released before. It makes no difference whether those that were due at
    /// `indifferent_until` were released then or earlier, so they are as good as released when they were due.
    pub fn release(&mut self, indifferent_until: Time, now: Time) -> Release {
        let on_time = self.schedule.expected(indifferent_until.min(now)).arrivals().min(self.count);
        let first = self.next;
        while self.next < on_time {
            self.clock.0.store(Position::of_arrival(self.next).as_nanos(), Ordering::Relaxed);
            let released = self.limiter.check();
            debug_assert!(released.is_ok(), "an arrival that is released when it is due conforms");
            self.next += 1;
        }
        let position = self.schedule.expected(now);
        self.clock.0.store(position.as_nanos(), Ordering::Relaxed);
        let late = self.next;
        self.next = position.arrivals().min(self.count).max(late);
        let mut promised = self.next;
        while promised > late && self.limiter.check().is_ok() {
            promised -= 1;
        }
        Release {
            on_time: first..late,
            beyond: late..promised,
            promised: promised..self.next,
            indifferent_until,
            at: now,
        }
    }

    /// When the next arrival is due; `None` when all are released.
    pub fn next_due(&self) -> Option<Time> {
        (self.next < self.count).then(|| self.schedule.when(Position::of_arrival(self.next))).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Rate;
    use crate::workload::{Line, Shape};

    /// Wakes the pacer when it asks to, except that it sleeps through `stall`; returns the number released and the arrivals of
    /// the largest release.
    fn drive(rate: f64, seconds: u64, stall: Option<(Time, Time)>) -> (u64, u64) {
        drive_schedule(Schedule::constant(Rate(rate)), seconds, stall)
    }

    fn drive_schedule(schedule: Schedule, seconds: u64, stall: Option<(Time, Time)>) -> (u64, u64) {
        let count = schedule.count_before(Time::from_secs(seconds));
        let mut pacer = Pacer::new(schedule, count, None);
        let (mut released, mut largest) = (0, 0);
        while let Some(due) = pacer.next_due() {
            let now = match stall {
                Some((from, to)) if from <= due && due < to => to,
                _ => due,
            };
            let release = pacer.release(Time::ZERO, now);
            assert!(release.beyond.is_empty(), "without a limit all is promised");
            let arrivals = release.arrivals();
            assert_eq!(arrivals.start, released, "arrivals are released in order and once");
            assert!(!arrivals.is_empty(), "an arrival that is due at {now:?} is released");
            released = arrivals.end;
            largest = largest.max(arrivals.end - arrivals.start);
        }
        (released, largest)
    }

    #[test]
    fn the_issued_count_is_the_schedules() {
        for (rate, seconds, count) in
            [(1.0, 10, 10), (333.0, 10, 3_330), (7_777.0, 10, 77_770), (100_000.0, 3, 300_000)]
        {
            assert_eq!(drive(rate, seconds, None), (count, 1), "{rate}/s");
        }
    }

    #[test]
    fn a_rate_that_changes_is_issued_in_full() {
        // A ramp, a pause, and a burst: 10,000 + 0 + 20,000 arrivals.
        let line = |seconds, from, to| Line { duration: Duration::from_secs(seconds), from: Rate(from), to: Rate(to) };
        let lines = [line(10, 0.0, 2_000.0), line(5, 0.0, 0.0), line(1, 20_000.0, 20_000.0)];
        assert_eq!(drive_schedule(Schedule::shaped(Shape::new(lines)), 16, None).0, 30_000);
    }

    #[test]
    fn there_is_no_burst_at_the_start() {
        let mut pacer = Pacer::new(Schedule::constant(Rate(2_000.0)), 8_000, None);
        assert_eq!(pacer.release(Time::ZERO, Time::ZERO).arrivals(), 0..1);
        assert_eq!(pacer.release(Time::ZERO, Time::from_millis(10)).arrivals(), 1..21);
    }

    #[test]
    fn a_stall_is_caught_up_in_full() {
        let stall = (Time::from_secs(1), Time::from_millis(1_500));
        assert_eq!(drive(2_000.0, 4, Some(stall)), (8_000, 1_001));
    }

    #[test]
    fn what_a_stall_leaves_beyond_the_promise_is_told() {
        let mut pacer = Pacer::new(Schedule::constant(Rate(2_000.0)), 8_000, Some(400));
        let released = |pacer: &mut Pacer, indifferent_until, now| {
            let release = pacer.release(Time::from_millis(indifferent_until), Time::from_millis(now));
            (release.on_time.end - release.on_time.start, release.beyond, release.promised)
        };
        // The first one is due at the beginning, and so on time.
        assert_eq!(released(&mut pacer, 0, 100), (1, 1..1, 1..201));
        // 500 ms later 1,000 are due, of which the newest 400 are promised.
        assert_eq!(released(&mut pacer, 0, 600), (0, 201..801, 801..1_201));
        assert_eq!(released(&mut pacer, 0, 610), (0, 1_201..1_201, 1_201..1_221), "the promise holds again");
        assert_eq!(released(&mut pacer, 0, 810), (0, 1_221..1_221, 1_221..1_621));
        // What makes no difference until later is not late, however much it is; what came after that is.
        assert_eq!(released(&mut pacer, 1_310, 1_310), (1_000, 2_621..2_621, 2_621..2_621));
        assert_eq!(released(&mut pacer, 1_810, 2_310), (1_000, 3_621..4_221, 4_221..4_621));
    }

    #[test]
    fn governor_on_a_real_clock_would_lose_the_stall() {
        // The same stall with governor on the clock of time, as a guard of the reason for the clock of arrivals.
        let clock = governor::clock::FakeRelativeClock::default();
        let quota = Quota::per_second(NonZeroU32::new(2_000).unwrap()).allow_burst(NonZeroU32::MIN);
        let limiter = RateLimiter::direct_with_clock(quota, clock.clone());
        let mut released = 0;
        for step in 0..40_000 {
            let stalled = (10_000..15_000).contains(&step);
            released += u32::from(!stalled && limiter.check().is_ok());
            clock.advance(Duration::from_micros(100));
        }
        assert_eq!(released, 7_000);
    }

    #[test]
    fn recorded_arrivals_are_released_when_they_were() {
        let times: Vec<Time> = [5, 5, 5, 90].map(Time::from_millis).into();
        let mut pacer = Pacer::new(Schedule::recorded(times), 4, None);
        assert_eq!(pacer.release(Time::ZERO, Time::from_millis(4)).arrivals(), 0..0);
        assert_eq!(pacer.release(Time::ZERO, Time::from_millis(5)).arrivals(), 0..3);
        assert_eq!(pacer.next_due(), Some(Time::from_millis(90)));
        assert_eq!(pacer.release(Time::ZERO, Time::from_secs(1)).arrivals(), 3..4);
        assert_eq!(pacer.next_due(), None);
    }
}
