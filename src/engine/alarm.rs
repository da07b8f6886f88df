//! Waits that end on time: the session's own executor.
//!
//! A timer of the runtime ends half a millisecond late at the median, a sleeping thread a tenth of one, and that by about the same
//! time again and again. So the session has a thread to itself while load is offered: it is polled when one of its tasks wakes it,
//! and when the moment comes that it waits for. For that it goes to sleep for as much less as it has overslept before.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::clock::RunClock;
use crate::time::Time;

/// The moment at which a future wants to be polled next.
#[derive(Debug, Clone)]
pub(super) struct Alarm {
    clock: RunClock,
    /// Nanoseconds of the run; the greatest number if it is not set.
    at: Arc<AtomicU64>,
}

/// The shortest sleep: what is due within it is done together, a little late. Spinning would be more exact, and cost a processor.
const GRAIN: Duration = Duration::from_micros(100);

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Alarm {
    /// An alarm that is not set.
    pub fn new(clock: RunClock) -> Self {
        Self { clock, at: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// Done when `at` has come. Only [`block_on`] polls it in time.
    pub async fn reached(&self, at: Time) {
        poll_fn(|_| {
            if self.clock.now() >= at {
                return Poll::Ready(());
            }
            self.at.fetch_min(at.as_nanos(), Ordering::Relaxed);
            Poll::Pending
        })
        .await;
    }

    /// How long it is until then; `None` if it is not set.
    fn left(&self) -> Option<Duration> {
        let at = self.at.load(Ordering::Relaxed);
        let instant = (at != u64::MAX).then(|| self.clock.instant(Time::from_nanos(at)));
        instant.map(|at| at.saturating_duration_since(Instant::now()))
    }
}

/// Runs a future on this thread, which the runtime does without meanwhile.
pub(super) fn block_on<F: Future>(alarm: &Alarm, future: F) -> F::Output {
    let _exact = ExactSleeps::begin();
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let (mut future, mut context) = (pin!(future), Context::from_waker(&waker));
    let mut oversleep = Oversleep::default();
    loop {
        alarm.at.store(u64::MAX, Ordering::Relaxed);
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        match alarm.left() {
            Some(left) => oversleep.sleep(left.max(GRAIN)),
            None => std::thread::park(),
        }
    }
}

/// By how much sleeps are too long: their running median.
#[derive(Debug, Default)]
struct Oversleep {
    usual: Duration,
}

impl Oversleep {
    const STEP: Duration = Duration::from_micros(2);
    /// A bound on the time that is spent waiting awake.
    const MOST: Duration = Duration::from_micros(200);

    /// Sleeps for `time`, or until the thread is woken.
    fn sleep(&mut self, time: Duration) {
        let began = Instant::now();
        let asleep = time.saturating_sub(self.usual);
        std::thread::park_timeout(asleep);
        let slept = began.elapsed();
        if slept < asleep {
            return;
        }
        self.note(slept - asleep);
        while began.elapsed() < time {
            std::hint::spin_loop();
        }
    }

    fn note(&mut self, oversleep: Duration) {
        let longer = oversleep > self.usual;
        let usual = if longer { self.usual + Self::STEP } else { self.usual.saturating_sub(Self::STEP) };
        self.usual = usual.min(Self::MOST);
    }
}

/// While it lives, the system does not let this thread sleep longer than it asks for, to save wakes.
struct ExactSleeps;

impl ExactSleeps {
    fn begin() -> Self {
        // Where it is refused, sleeps are less exact.
        #[cfg(target_os = "linux")]
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
        Self
    }
}

impl Drop for ExactSleeps {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        let _ = rustix::thread::set_current_timer_slack(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_of_two_moments_ends_the_wait() {
        let clock = RunClock::started();
        let alarm = Alarm::new(clock.clone());
        let soon = clock.now() + Duration::from_millis(5);
        block_on(&alarm, async {
            tokio::select! {
                () = alarm.reached(soon + Duration::from_secs(3_600)) => panic!("the later one"),
                () = alarm.reached(soon) => {}
            }
        });
        assert!(clock.now() >= soon);
    }

    #[test]
    fn what_sleeps_are_too_long_by_is_learnt() {
        let mut oversleep = Oversleep::default();
        let micros = |from: u64, to: u64| (from..to).map(Duration::from_micros);
        // One in ten is far too long, which does not matter.
        for round in 0..100 {
            micros(60, 69).for_each(|slept| oversleep.note(slept));
            oversleep.note(Duration::from_millis(round));
        }
        assert!(
            oversleep.usual >= Duration::from_micros(60) && oversleep.usual < Duration::from_micros(70),
            "{oversleep:?}"
        );
        (0..1_000).for_each(|_| oversleep.note(Duration::from_secs(1)));
        assert_eq!(oversleep.usual, Oversleep::MOST);
    }

    #[test]
    fn a_task_that_wakes_it_is_heard_while_it_waits() {
        let alarm = Alarm::new(RunClock::started());
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let waking = std::thread::spawn(move || sender.send(7));
        assert_eq!(block_on(&alarm, receiver), Ok(7));
        assert!(waking.join().unwrap().is_ok());
    }
}
