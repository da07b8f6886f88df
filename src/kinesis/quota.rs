//! Quotas of a shard as token buckets (fact sheet, sections 1.2 and 1.3).

use super::profile::{ReadLimits, WriteLimits};
use crate::time::Time;

/// A token bucket: it holds at most `capacity` tokens, refills at `rate` per second, starts full, and is lazy in time.
///
/// The level is exact: it is counted in units of one token per nanosecond and second, so that nothing is rounded away.
#[derive(Debug, Clone)]
pub struct TokenBucket {
    rate: u64,
    capacity: u64,
    /// Tokens times [`UNIT`]; negative while a debt is paid off.
    level: i128,
    at: Time,
}

const UNIT: i128 = 1_000_000_000;

impl TokenBucket {
    /// A full bucket.
    pub fn new(rate: u64, capacity: u64) -> Self {
        Self { rate, capacity, level: i128::from(capacity) * UNIT, at: Time::ZERO }
    }

    /// Whether `tokens` are there now.
    pub fn has(&mut self, now: Time, tokens: u64) -> bool {
        self.refill(now);
        self.level >= i128::from(tokens) * UNIT
    }

    /// Takes `tokens`, into debt if they are not there.
    pub fn take(&mut self, now: Time, tokens: u64) {
        self.refill(now);
        self.level -= i128::from(tokens) * UNIT;
    }

    /// Gives up what is left. A debt stays.
    pub fn forfeit(&mut self, now: Time) {
        self.refill(now);
        self.level = self.level.min(0);
    }

    /// The first moment from `now` on at which `tokens` are there; [`Time::NEVER`] if the bucket cannot hold as many.
    pub fn when(&mut self, now: Time, tokens: u64) -> Time {
        self.refill(now);
        let missing = i128::from(tokens) * UNIT - self.level;
        if missing <= 0 {
            return now;
        }
        if self.rate == 0 || tokens > self.capacity {
            return Time::NEVER;
        }
        let rate = i128::from(self.rate);
        let nanos = (missing + rate - 1) / rate;
        u64::try_from(nanos).map_or(Time::NEVER, |nanos| Time::from_nanos(now.as_nanos().saturating_add(nanos)))
    }

    /// A clock that goes backwards refills nothing: requests may reach the lock in another order than they took their time.
    fn refill(&mut self, now: Time) {
        if now <= self.at {
            return;
        }
        let elapsed = i128::from(now.as_nanos() - self.at.as_nanos());
        let full = i128::from(self.capacity) * UNIT;
        self.level = (self.level + elapsed * i128::from(self.rate)).min(full);
        self.at = now;
    }
}

/// The write quota of a shard: records and bytes, both enforced.
#[derive(Debug, Clone)]
pub struct WriteQuota {
    records: TokenBucket,
    bytes: TokenBucket,
}

/// The shard takes no more now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttled;

impl WriteQuota {
    /// The quota of an idle shard.
    pub fn new(limits: &WriteLimits) -> Self {
        Self {
            records: TokenBucket::new(limits.records_per_second, limits.record_burst),
            bytes: TokenBucket::new(limits.bytes_per_second, limits.byte_burst),
        }
    }

    /// The quota of a shard that begins at `now`; it is full.
    pub fn starting(limits: &WriteLimits, now: Time) -> Self {
        let mut quota = Self::new(limits);
        quota.records.refill(now);
        quota.bytes.refill(now);
        quota
    }

    /// The quota of a shard that lacks so much of its burst at `now`.
    pub fn lacking(limits: &WriteLimits, now: Time, records: u64, bytes: u64) -> Self {
        let mut quota = Self::starting(limits, now);
        quota.records.take(now, records);
        quota.bytes.take(now, bytes);
        quota
    }

    /// Whether it is out of records and not only of bytes.
    pub fn is_out_of_records(&mut self, now: Time) -> bool {
        !self.records.has(now, 1)
    }

    /// Checks and charges one record of `bytes` (data and partition key) in one step, so that there is nothing to refund.
    ///
    /// # Errors
    /// Records or bytes are used up; nothing is charged.
    pub fn admit(&mut self, now: Time, bytes: u64) -> Result<(), Throttled> {
        if !(self.records.has(now, 1) && self.bytes.has(now, bytes)) {
            return Err(Throttled);
        }
        self.records.take(now, 1);
        self.bytes.take(now, bytes);
        Ok(())
    }
}

/// The read quota of a shard, shared by all callers of GetRecords.
///
/// Bytes follow the debt rule: a call may return more than the credit and goes into debt by the excess; while in debt,
/// calls throw. An answer of more than a second's worth gives up the credit, too, so that one of 10 MiB locks the shard for the
/// documented 5 s, and reading goes on at 2 MiB/s on average.
#[derive(Debug, Clone)]
pub struct ReadQuota {
    calls: TokenBucket,
    bytes: TokenBucket,
    bytes_per_second: u64,
}

impl ReadQuota {
    /// The quota of an idle shard.
    pub fn new(limits: &ReadLimits) -> Self {
        Self {
            calls: TokenBucket::new(limits.calls_per_second, limits.calls_per_second),
            bytes: TokenBucket::new(limits.bytes_per_second, limits.bytes_per_second),
            bytes_per_second: limits.bytes_per_second,
        }
    }

    /// Checks and charges one call.
    ///
    /// # Errors
    /// The calls of this second are used up, or bytes are owed from earlier answers.
    pub fn admit(&mut self, now: Time) -> Result<(), Throttled> {
        if !(self.calls.has(now, 1) && self.bytes.has(now, 0)) {
            return Err(Throttled);
        }
        self.calls.take(now, 1);
        Ok(())
    }

    /// Charges the bytes of an answer, into debt if need be.
    pub fn charge(&mut self, now: Time, bytes: u64) {
        if bytes > self.bytes_per_second {
            self.bytes.forfeit(now);
        }
        self.bytes.take(now, bytes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kinesis::Profile;

    /// Offers `per_second` records of `bytes` evenly for `seconds` and counts those admitted.
    fn admitted(per_second: u64, bytes: u64, seconds: u64) -> u64 {
        let mut quota = WriteQuota::new(&Profile::newest().write);
        let offered = per_second * seconds;
        let due = |i: u64| Time::from_nanos(i * 1_000_000_000 / per_second);
        (0..offered).filter(|i| quota.admit(due(*i), bytes).is_ok()).count() as u64
    }

    #[test]
    fn below_the_limit_everything_is_admitted() {
        assert_eq!(admitted(900, 100, 10), 9_000);
        assert_eq!(admitted(9, 104_858, 10), 90);
    }

    #[test]
    fn above_the_record_limit_the_limit_is_admitted() {
        // One burst of 1,000 at the start, then 1,000 per second.
        assert_eq!(admitted(1_500, 100, 10), 10_999);
    }

    #[test]
    fn above_the_byte_limit_the_limit_is_admitted() {
        // 15 records of 100 KiB per second for 20 s: 10 MiB of burst and 20 MiB of refill hold 307 of the 300 offered.
        assert_eq!(admitted(15, 102_400, 20), 300);
        // For 40 s: 10 MiB + 40 MiB hold 512 of 600; the last record comes 1/15 s before the end.
        assert_eq!(admitted(15, 102_400, 40), 511);
    }

    #[test]
    fn a_ten_mebibyte_answer_locks_reading_for_five_seconds() {
        let mut quota = ReadQuota::new(&Profile::newest().read);
        assert_eq!(quota.admit(Time::ZERO), Ok(()));
        quota.charge(Time::ZERO, 10 << 20);
        assert_eq!(quota.admit(Time::from_millis(4_999)), Err(Throttled));
        assert_eq!(quota.admit(Time::from_millis(5_000)), Ok(()));
    }

    #[test]
    fn five_calls_a_second_are_shared() {
        let mut quota = ReadQuota::new(&Profile::newest().read);
        let granted = (0..100).filter(|i| quota.admit(Time::from_millis(i * 100)).is_ok()).count();
        assert_eq!(granted, 54, "five at once, then one every 200 ms for 9.9 s");
    }

    proptest! {
        #[test]
        fn a_bucket_never_gives_more_than_rate_and_burst(
            rate in 1u64..10_000, capacity in 1u64..10_000, takes in prop::collection::vec((0u64..50_000_000, 1u64..100), 1..200),
        ) {
            let mut bucket = TokenBucket::new(rate, capacity);
            let (mut now, mut given) = (0u64, 0u64);
            for (pause, tokens) in takes {
                now += pause;
                let at = Time::from_nanos(now);
                if bucket.has(at, tokens) {
                    bucket.take(at, tokens);
                    given += tokens;
                }
                let most = u128::from(capacity) * 1_000_000_000 + u128::from(rate) * u128::from(now);
                prop_assert!(u128::from(given) * 1_000_000_000 <= most);
            }
        }

        #[test]
        fn when_is_the_first_moment_that_has_the_tokens(rate in 1u64..10_000, capacity in 1u64..1_000, spent in 0u64..2_000, tokens in 1u64..1_000) {
            prop_assume!(tokens <= capacity);
            let mut bucket = TokenBucket::new(rate, capacity);
            bucket.take(Time::ZERO, spent);
            let when = bucket.when(Time::ZERO, tokens);
            if when > Time::ZERO {
                prop_assert!(!bucket.clone().has(Time::from_nanos(when.as_nanos() - 1), tokens));
            }
            prop_assert!(bucket.has(when, tokens));
        }
    }
}
