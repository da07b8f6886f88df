//! Delays between attempts.

use std::time::Duration;

use rand::RngExt;

use super::RetryPolicy;
use crate::seed::{NamedSeed, Seed};

/// Draws the delays of a retry policy: exponential with full jitter, so that delay n is uniform between zero and
/// `min(cap, base x 2^(n-1))`.
#[derive(Debug, Clone)]
pub struct Backoff {
    policy: RetryPolicy,
    seeds: NamedSeed,
}

impl Backoff {
    /// The delays of `policy`; `name` keeps them apart from those of other machines.
    pub fn new(policy: RetryPolicy, seed: Seed, name: &str) -> Self {
        Self { policy, seeds: seed.named(name) }
    }

    /// The delay of record number `record` after its attempt number `attempt` (from 1) has failed; `None` if it was the last
    /// one. It does not depend on what happens to other records.
    pub fn delay(&self, record: u64, attempt: u32) -> Option<Duration> {
        match self.policy {
            RetryPolicy::None => None,
            RetryPolicy::Immediate { attempts } => (attempt < attempts).then_some(Duration::ZERO),
            RetryPolicy::Exponential { attempts, .. } if attempt >= attempts => None,
            RetryPolicy::Exponential { base, cap, .. } => {
                let doublings = attempt.saturating_sub(1).min(31);
                let bound = base.saturating_mul(1 << doublings).min(cap);
                let share: f64 = self.seeds.at(record.rotate_left(16) ^ u64::from(attempt)).random();
                Some(bound.mul_f64(share))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> RetryPolicy {
        RetryPolicy::Exponential { base: Duration::from_millis(50), cap: Duration::from_secs(2), attempts: 10 }
    }

    #[test]
    fn delays_stay_below_the_doubling_bound() {
        let backoff = Backoff::new(policy(), Seed(1), "test");
        for attempt in 1..10 {
            let bound = Duration::from_millis(50 << (attempt - 1)).min(Duration::from_secs(2));
            for record in 0..100 {
                assert!(backoff.delay(record, attempt).unwrap() <= bound);
            }
        }
    }

    #[test]
    fn jitter_is_full() {
        let backoff = Backoff::new(policy(), Seed(1), "test");
        let mean = (0..1_000).map(|record| backoff.delay(record, 1).unwrap().as_secs_f64()).sum::<f64>() / 1_000.0;
        assert!((mean - 0.025).abs() < 0.003, "{mean}");
    }

    #[test]
    fn records_draw_independently() {
        let backoff = Backoff::new(policy(), Seed(1), "test");
        assert_eq!(backoff.delay(7, 3), backoff.delay(7, 3));
        assert_ne!(backoff.delay(7, 3), backoff.delay(8, 3));
        assert_ne!(backoff.delay(7, 6).map(|d| d.mul_f64(0.125)), backoff.delay(7, 3));
    }

    #[test]
    fn attempts_are_counted_with_the_first() {
        let backoff = Backoff::new(policy(), Seed(1), "test");
        assert!(backoff.delay(0, 9).is_some());
        assert_eq!(backoff.delay(0, 10), None);
        assert_eq!(Backoff::new(RetryPolicy::None, Seed(1), "test").delay(0, 1), None);
    }
}
