//! When arrivals are due: the integral of the rate and its inverse.

use std::sync::Arc;

use super::poisson::Poisson;
use super::shape::Shape;
use crate::seed::Seed;
use crate::time::Time;
use crate::units::Rate;

/// A place in the sequence of arrivals, in nano-arrivals: arrival k is at `(k + 1)` billion.
///
/// The schedule is the integral of the rate, so this is how many arrivals have come due, with fractions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(u64);

impl Position {
    /// Nano-arrivals in one arrival.
    pub const ARRIVAL: u64 = 1_000_000_000;

    /// The position at which arrival `index` comes due: one more than there were before.
    pub const fn of_arrival(index: u64) -> Self {
        Self(index.saturating_add(1).saturating_mul(Self::ARRIVAL))
    }

    /// A position by its nano-arrivals.
    pub const fn from_nanos(nano_arrivals: u64) -> Self {
        Self(nano_arrivals)
    }

    /// Nano-arrivals.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How many whole arrivals have come due.
    pub const fn arrivals(self) -> u64 {
        self.0 / Self::ARRIVAL
    }
}

/// When arrivals are due. The first one of a rate is due at once.
#[derive(Debug, Clone)]
pub enum Schedule {
    /// The same gap between all arrivals.
    Constant {
        /// Arrivals per second.
        rate: Rate,
    },
    /// A rate that changes; arrivals are evenly spaced in its integral.
    Shaped {
        /// The rate over time.
        shape: Shape,
    },
    /// A Poisson process with the rate of another schedule, which is not one of recorded moments.
    Poisson {
        /// The rate.
        rate: Box<Schedule>,
        /// The process of rate one.
        process: Poisson,
    },
    /// Recorded moments.
    Recorded {
        /// When each arrival is due, in order.
        times: Arc<[Time]>,
    },
}

impl Schedule {
    /// `rate` arrivals per second, evenly spaced. The rate is positive and finite.
    pub const fn constant(rate: Rate) -> Self {
        Self::Constant { rate }
    }

    /// A rate that changes.
    pub const fn shaped(shape: Shape) -> Self {
        Self::Shaped { shape }
    }

    /// Arrivals by chance, at the rate of `rate` at each moment.
    pub fn poisson(rate: Self, seed: Seed) -> Self {
        Self::Poisson { rate: Box::new(rate), process: Poisson::new(seed) }
    }

    /// The same with `factor` times the rate; `None` for recorded moments, which have no rate.
    pub fn scaled(&self, factor: f64) -> Option<Self> {
        Some(match self {
            Self::Constant { rate } => Self::Constant { rate: Rate(rate.0 * factor) },
            Self::Shaped { shape } => Self::Shaped { shape: shape.scaled(factor) },
            Self::Poisson { rate, process } => {
                Self::Poisson { rate: Box::new(rate.scaled(factor)?), process: process.clone() }
            }
            Self::Recorded { .. } => return None,
        })
    }

    /// The rate that arrivals come at: the schedule itself, or what a Poisson process follows.
    pub fn rate(&self) -> &Self {
        match self {
            Self::Poisson { rate, .. } => rate,
            schedule => schedule,
        }
    }

    /// How many arrivals are due in the first `seconds`, the integral of the rate; of recorded moments, how many there are.
    pub fn due(&self, seconds: f64) -> f64 {
        match self {
            Self::Constant { rate } => seconds * rate.0,
            Self::Shaped { shape } => shape.due(seconds),
            Self::Poisson { rate, .. } => rate.due(seconds),
            Self::Recorded { times } => times.partition_point(|time| time.as_secs_f64() < seconds) as f64,
        }
    }

    fn when_due(&self, due: f64) -> Option<f64> {
        match self {
            Self::Constant { rate } => Some(due / rate.0),
            Self::Shaped { shape } => shape.when(due),
            Self::Poisson { rate, .. } => rate.when_due(due),
            Self::Recorded { .. } => None,
        }
    }

    /// Recorded moments, in order.
    pub fn recorded(times: impl Into<Arc<[Time]>>) -> Self {
        Self::Recorded { times: times.into() }
    }

    /// How many arrivals have come due at `elapsed`: the integral of the rate.
    pub fn expected(&self, elapsed: Time) -> Position {
        match self {
            // f64 has 53 bits: at a million per second it resolves a thousandth of an arrival after 100 days.
            Self::Constant { rate } => self.rounded(elapsed, elapsed.as_secs_f64() * rate.0),
            Self::Shaped { shape } => self.rounded(elapsed, shape.due(elapsed.as_secs_f64())),
            Self::Poisson { rate, process } => {
                let mut count = process.count_up_to(rate.due(elapsed.as_secs_f64()));
                // Rounding to nanoseconds may put an arrival on either side of the moment.
                while self.when(Position::of_arrival(count)).is_some_and(|when| when <= elapsed) {
                    count += 1;
                }
                while count > 0 && self.when(Position::of_arrival(count - 1)).is_none_or(|when| when > elapsed) {
                    count -= 1;
                }
                Position::from_nanos(count.saturating_mul(Position::ARRIVAL))
            }
            Self::Recorded { times } => {
                let due = times.partition_point(|time| *time <= elapsed) as u64;
                Position::from_nanos(due.saturating_mul(Position::ARRIVAL))
            }
        }
    }

    /// The position after `due` arrivals, the first not counted. Rounding does not contradict [`Self::when`].
    fn rounded(&self, elapsed: Time, due: f64) -> Position {
        let position = Position::from_nanos(((due + 1.0) * Position::ARRIVAL as f64) as u64);
        let next = Position::of_arrival(position.arrivals());
        match self.when(next) {
            Some(when) if when <= elapsed => next,
            _ => position,
        }
    }

    /// When the position is reached: the inverse of [`Self::expected`]. `None` if it never is.
    pub fn when(&self, position: Position) -> Option<Time> {
        match self {
            Self::Constant { rate } => {
                let due = (position.as_nanos() as f64 / Position::ARRIVAL as f64 - 1.0).max(0.0);
                Some(Time::from_nanos((due / rate.0 * 1e9).round() as u64))
            }
            Self::Shaped { shape } => {
                let due = (position.as_nanos() as f64 / Position::ARRIVAL as f64 - 1.0).max(0.0);
                shape.when(due).map(|seconds| Time::from_nanos((seconds * 1e9).round() as u64))
            }
            Self::Poisson { rate, process } => {
                let index = position.as_nanos().div_ceil(Position::ARRIVAL).checked_sub(1)?;
                let seconds = rate.when_due(process.at(index))?;
                Some(Time::from_nanos((seconds * 1e9).round() as u64))
            }
            Self::Recorded { times } => {
                let index = position.as_nanos().div_ceil(Position::ARRIVAL).checked_sub(1)?;
                times.get(usize::try_from(index).ok()?).copied()
            }
        }
    }

    /// Number of arrivals due before `end`.
    pub fn count_before(&self, end: Time) -> u64 {
        match self {
            Self::Constant { rate } => self.due_before(end, end.as_secs_f64() * rate.0),
            Self::Shaped { shape } => self.due_before(end, shape.due(end.as_secs_f64())),
            Self::Poisson { rate, process } => {
                let about = process.count_up_to(rate.due(end.as_secs_f64())) + 1;
                self.due_before(end, about as f64)
            }
            Self::Recorded { times } => times.partition_point(|time| *time < end) as u64,
        }
    }
}

impl Schedule {
    /// How many of about `due` arrivals are due before `end`.
    fn due_before(&self, end: Time, due: f64) -> u64 {
        let mut count = due.ceil() as u64;
        while count > 0 && self.when(Position::of_arrival(count - 1)).is_none_or(|when| when >= end) {
            count -= 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use std::time::Duration;

    use super::*;
    use crate::workload::Line;

    #[test]
    fn the_issued_count_is_the_schedules_at_any_rate() {
        for (rate, seconds, count) in
            [(1.0, 10, 10), (333.0, 7, 2_331), (7_777.0, 3, 23_331), (100_000.0, 10, 1_000_000), (0.4, 10, 4)]
        {
            assert_eq!(Schedule::constant(Rate(rate)).count_before(Time::from_secs(seconds)), count, "{rate}/s");
        }
    }

    #[test]
    fn a_ramp_comes_due_with_its_integral() {
        let ramp = Line { duration: Duration::from_secs(10), from: Rate(0.0), to: Rate(100.0) };
        let schedule = Schedule::shaped(Shape::new([ramp]));
        assert_eq!(schedule.count_before(Time::from_secs(10)), 500);
        // 5 t^2 arrivals are due after t seconds.
        assert_eq!(schedule.when(Position::of_arrival(0)), Some(Time::ZERO));
        assert_eq!(schedule.when(Position::of_arrival(125)), Some(Time::from_secs(5)));
        assert_eq!(schedule.when(Position::of_arrival(501)), None);
        assert_eq!(schedule.expected(Time::from_secs(5)).arrivals(), 126);
    }

    #[test]
    fn recorded_moments_are_kept() {
        let schedule = Schedule::recorded([Time::from_millis(5), Time::from_millis(5), Time::from_millis(9)]);
        assert_eq!(schedule.when(Position::of_arrival(1)), Some(Time::from_millis(5)));
        assert_eq!(schedule.when(Position::of_arrival(3)), None);
        assert_eq!(schedule.expected(Time::from_millis(5)).arrivals(), 2);
        assert_eq!(schedule.expected(Time::from_millis(4)).arrivals(), 0);
        assert_eq!(schedule.count_before(Time::from_millis(9)), 2);
    }

    proptest! {
        #[test]
        fn a_changing_rate_is_issued_in_full_and_in_order(
            lines in prop::collection::vec((1u64..3_000, 0.0f64..2_000.0, 0.0f64..2_000.0), 1..10),
        ) {
            let line = |(millis, from, to)| Line { duration: Duration::from_millis(millis), from: Rate(from), to: Rate(to) };
            let lines: Vec<Line> = lines.into_iter().map(line).collect();
            let end = Time::ZERO + lines.iter().map(|line| line.duration).sum::<Duration>();
            let schedule = Schedule::shaped(Shape::new(lines.iter().copied()));
            let amount: f64 = lines.iter().map(|l| (l.from.0 + l.to.0) / 2.0 * l.duration.as_secs_f64()).sum();
            let count = schedule.count_before(end);
            prop_assert!((count as f64 - amount).abs() <= 1.0, "{count} of {amount}");
            let mut before = Time::ZERO;
            for index in 0..count {
                let when = schedule.when(Position::of_arrival(index)).unwrap();
                prop_assert!(when >= before && when < end);
                // When it is due, it is expected.
                prop_assert!(schedule.expected(when).arrivals() > index);
                before = when;
            }
        }

        #[test]
        fn poisson_arrivals_are_issued_in_full_and_in_order(rate in 1.0f64..3_000.0, ramp: bool, seed: u64) {
            let end = Time::from_secs(3);
            let line = Line { duration: Duration::from_secs(3), from: Rate(0.0), to: Rate(rate) };
            let base = if ramp { Schedule::shaped(Shape::new([line])) } else { Schedule::constant(Rate(rate)) };
            let schedule = Schedule::poisson(base, Seed(seed));
            let count = schedule.count_before(end);
            let expected = if ramp { rate * 1.5 } else { rate * 3.0 };
            prop_assert!((count as f64 - expected).abs() <= 7.0 * expected.sqrt() + 3.0, "{count} of {expected}");
            let mut before = Time::ZERO;
            for index in 0..count {
                let when = schedule.when(Position::of_arrival(index)).unwrap();
                prop_assert!(when >= before && when < end);
                prop_assert!(schedule.expected(when).arrivals() > index);
                before = when;
            }
            let next = schedule.when(Position::of_arrival(count));
            prop_assert!(next.is_none_or(|next| next >= end));
        }

        #[test]
        fn integral_and_inverse_agree(rate in 0.01f64..2e6, index in 0u64..100_000_000) {
            let schedule = Schedule::constant(Rate(rate));
            let when = schedule.when(Position::of_arrival(index)).unwrap();
            // At its moment the arrival is due, and a nanosecond earlier it is not.
            prop_assert!(schedule.expected(when).arrivals() > index);
            if when > Time::ZERO && rate < 1e6 {
                prop_assert!(schedule.expected(Time::from_nanos(when.as_nanos() - 2)).arrivals() <= index);
            }
        }
    }
}
