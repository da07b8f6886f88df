//! Loads whose rate changes: ramps, steps, spikes, waves, daily curves and micro-bursts, all made of straight lines.

use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::Duration;

use crate::seed::NamedSeed;
use crate::units::{Rate, Share};
use rand::seq::SliceRandom;

/// Straight lines per period of a sine wave. Between them the rate is off by at most `(2 pi / 64)^2 / 8`, an eighth of a
/// percent of the amplitude; over whole periods the number of arrivals is exact.
pub const LINES_PER_PERIOD: f64 = 64.0;

/// A stretch of time in which the rate goes from one value to another in a straight line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// How long.
    pub duration: Duration,
    /// The rate at its start.
    pub from: Rate,
    /// The rate at its end.
    pub to: Rate,
}

/// A rate that changes over time, as straight lines one after the other; there is no load after the last.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape(Arc<[Piece]>);

/// A line at its place.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Piece {
    /// When it begins, and how long it is, in seconds.
    begin: f64,
    seconds: f64,
    from: f64,
    to: f64,
    /// Arrivals due before it, and in it.
    before: f64,
    amount: f64,
}

/// How a period's arrivals are put at its beginning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Burst {
    /// All of them in this part of the period.
    Share(Share),
    /// In so much of the period that the counts of its tenths have this index of dispersion: their variance over their mean. Evenly
    /// spaced arrivals have 0, a Poisson process has 1.
    Dispersion(f64),
}

/// Windows of a period in which arrivals are counted for its index of dispersion.
pub const WINDOWS: f64 = 10.0;

impl Burst {
    /// The highest index of dispersion that a period of `due` arrivals can have: all of them in one of its tenths.
    pub const fn most(due: f64) -> f64 {
        due / WINDOWS * (WINDOWS - 1.0)
    }

    /// The part of a period of `due` arrivals that has them all.
    ///
    /// Let `m = due / 10` be the mean of the counts of its tenths, and `t` the length of the burst in tenths. At an even rate, `k = floor(t)`
    /// of them hold `10 m / t` arrivals, the next holds the rest, a part `f = t - k` of that, and the others hold none. So the mean square of
    /// the counts is `(k + f²) / 10 (10 m / t)²`, and the index of dispersion
    ///
    /// `D = (mean square - m²) / m = m (10 (k + f²) / t² - 1)`.
    ///
    /// It falls from `9 m` at one tenth to 0 at all ten, since its derivative has the sign of `2 k (f - 1)`: bisection finds `t`. For a burst of
    /// whole tenths, a share `s = t / 10` of the period, it is `m (1 / s - 1)`. A period that has too few arrivals for the dispersion has all of
    /// them in its first tenth.
    fn share_of(self, due: f64) -> f64 {
        let dispersion = match self {
            Self::Share(share) => return share.0,
            Self::Dispersion(dispersion) => dispersion,
        };
        let mean = due / WINDOWS;
        let of = |length: f64| {
            let rest = length.fract();
            mean * (WINDOWS * (length.floor() + rest * rest) / (length * length) - 1.0)
        };
        let (mut low, mut high) = (1.0, WINDOWS);
        for _ in 0..60 {
            let middle = (low + high) / 2.0;
            if of(middle) > dispersion { low = middle } else { high = middle }
        }
        (low + high) / 2.0 / WINDOWS
    }
}

impl Line {
    /// One rate for `duration`.
    pub const fn constant(duration: Duration, rate: Rate) -> Self {
        Self { duration, from: rate, to: rate }
    }

    /// The rates one after the other, for equal parts of `duration`.
    pub fn steps(duration: Duration, rates: &[Rate]) -> Vec<Self> {
        let part = duration.div_f64(rates.len().max(1) as f64);
        rates.iter().map(|rate| Self::constant(part, *rate)).collect()
    }

    /// Steps in an order that depends on `seed` only, so that what comes before a rate is not always the rate below it.
    pub fn shuffled_steps(duration: Duration, rates: &[Rate], seed: NamedSeed, index: u64) -> Vec<Self> {
        let mut rates = rates.to_vec();
        rates.shuffle(&mut seed.at(index));
        Self::steps(duration, &rates)
    }

    /// `base`, but `peak` from `at` on for `lasting`; what lies beyond `duration` is cut off.
    pub fn spike(duration: Duration, base: Rate, peak: Rate, at: Duration, lasting: Duration) -> Vec<Self> {
        let begin = at.min(duration);
        let end = at.saturating_add(lasting).min(duration);
        vec![Self::constant(begin, base), Self::constant(end - begin, peak), Self::constant(duration - end, base)]
    }

    /// A sine wave around `mean` that starts at it and rises first.
    pub fn sine(duration: Duration, mean: Rate, amplitude: Rate, period: Duration) -> Vec<Self> {
        let step = period.as_secs_f64() / LINES_PER_PERIOD;
        let rate = |at: f64| Rate(mean.0 + amplitude.0 * (at / period.as_secs_f64() * TAU).sin());
        sampled(duration, step, rate)
    }

    /// A curve through `points` of time and rate, in order of time, that repeats every `every`; `speedup` makes it run faster.
    pub fn curve(duration: Duration, points: &[(Duration, Rate)], every: Duration, speedup: f64) -> Vec<Self> {
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return Vec::new() };
        let mut lines = Vec::new();
        let mut left = duration.as_secs_f64();
        // The night from the last point to the first of the next day, cut at midnight.
        let night = (every.saturating_sub(last.0) + first.0).as_secs_f64();
        let until_midnight = every.saturating_sub(last.0).as_secs_f64();
        let share = if night > 0.0 { until_midnight / night } else { 0.0 };
        let midnight = Rate(last.1.0 + (first.1.0 - last.1.0) * share);
        let day = std::iter::once((Duration::ZERO, midnight)).chain(points.iter().copied()).chain([(every, midnight)]);
        let day: Vec<(Duration, Rate)> = day.collect();
        while left > 0.0 {
            for pair in day.windows(2) {
                let seconds = (pair[1].0.saturating_sub(pair[0].0)).as_secs_f64() / speedup;
                let taken = seconds.min(left);
                if taken > 0.0 {
                    let to = pair[0].1.0 + (pair[1].1.0 - pair[0].1.0) * taken / seconds;
                    lines.push(Self { duration: Duration::from_secs_f64(taken), from: pair[0].1, to: Rate(to) });
                }
                left -= taken;
            }
        }
        lines
    }

    /// The same arrivals, but all of each `period` in a first part of it, at an even rate there: the part that `burst` says.
    pub fn bursts(lines: &[Self], period: Duration, burst: Burst) -> Vec<Self> {
        let shape = Shape::new(lines.iter().copied());
        let (end, period) = (shape.seconds(), period.as_secs_f64());
        let mut bursts = Vec::new();
        let mut begin = 0.0;
        for number in 1u64.. {
            let next = (number as f64 * period).min(end);
            let due = shape.due(next) - shape.due(begin);
            let on = (next - begin) * burst.share_of(due);
            let rate = Rate(due / on);
            bursts.push(Self::constant(Duration::from_secs_f64(on), rate));
            bursts.push(Self::constant(Duration::from_secs_f64(next - begin - on), Rate(0.0)));
            begin = next;
            if begin >= end {
                break;
            }
        }
        bursts
    }
}

/// Lines between samples of a rate, every `step` seconds.
fn sampled(duration: Duration, step: f64, rate: impl Fn(f64) -> Rate) -> Vec<Line> {
    let seconds = duration.as_secs_f64();
    let count = (seconds / step).ceil().max(1.0) as u64;
    let at = |number: u64| (number as f64 * step).min(seconds);
    let line = |number: u64| {
        let (begin, end) = (at(number), at(number + 1));
        Line { duration: Duration::from_secs_f64(end - begin), from: rate(begin), to: rate(end) }
    };
    (0..count).map(line).collect()
}

impl Shape {
    /// The lines one after the other; those without length are left out.
    pub fn new(lines: impl IntoIterator<Item = Line>) -> Self {
        let (mut begin, mut before) = (0.0, 0.0);
        let mut pieces = Vec::new();
        for line in lines.into_iter().filter(|line| !line.duration.is_zero()) {
            let seconds = line.duration.as_secs_f64();
            let amount = (line.from.0 + line.to.0) / 2.0 * seconds;
            pieces.push(Piece { begin, seconds, from: line.from.0, to: line.to.0, before, amount });
            begin += seconds;
            before += amount;
        }
        Self(pieces.into())
    }

    /// The same with `factor` times the rate.
    pub fn scaled(&self, factor: f64) -> Self {
        let piece = |piece: &Piece| Piece {
            from: piece.from * factor,
            to: piece.to * factor,
            before: piece.before * factor,
            amount: piece.amount * factor,
            ..*piece
        };
        Self(self.0.iter().map(piece).collect())
    }

    /// How long there is load, in seconds.
    pub fn seconds(&self) -> f64 {
        self.0.last().map_or(0.0, |piece| piece.begin + piece.seconds)
    }

    /// Arrivals due in the first `at` seconds: the integral of the rate.
    pub fn due(&self, at: f64) -> f64 {
        let index = self.0.partition_point(|piece| piece.begin <= at);
        let Some(piece) = index.checked_sub(1).and_then(|index| self.0.get(index)) else { return 0.0 };
        let within = (at - piece.begin).min(piece.seconds);
        let slope = (piece.to - piece.from) / piece.seconds;
        piece.before + within * (piece.from + slope * within / 2.0)
    }

    /// The first moment, in seconds, at which `due` arrivals are due; `None` if there are not as many.
    pub fn when(&self, due: f64) -> Option<f64> {
        let index = self.0.partition_point(|piece| piece.before + piece.amount < due);
        let piece = self.0.get(index)?;
        let more = (due - piece.before).max(0.0);
        let slope = (piece.to - piece.from) / piece.seconds;
        // The root of `from t + slope t^2 / 2 = more`, in the form that loses no digits where the slope is small.
        let root = (piece.from * piece.from + 2.0 * slope * more).max(0.0).sqrt();
        let within = if more == 0.0 { 0.0 } else { 2.0 * more / (piece.from + root) };
        Some(piece.begin + within.min(piece.seconds))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::seed::Seed;

    const MINUTE: Duration = Duration::from_secs(60);

    fn total(lines: Vec<Line>) -> f64 {
        let shape = Shape::new(lines);
        assert!((shape.seconds() - 60.0).abs() < 1e-6, "{}", shape.seconds());
        shape.due(60.0)
    }

    #[test]
    fn each_shape_has_the_arrivals_that_its_formula_says() {
        let rate = Rate;
        assert_eq!(total(vec![Line { duration: MINUTE, from: rate(0.0), to: rate(100.0) }]), 3_000.0);
        assert!((total(Line::steps(MINUTE, &[rate(10.0), rate(20.0), rate(60.0)])) - 1_800.0).abs() < 1e-6);
        let (at, lasting) = (Duration::from_secs(50), Duration::from_secs(5));
        assert_eq!(total(Line::spike(MINUTE, rate(10.0), rate(110.0), at, lasting)), 1_100.0);
        let late = Line::spike(MINUTE, rate(10.0), rate(110.0), at, Duration::from_secs(500));
        assert_eq!(total(late), 1_600.0, "cut off at the end");
        let wave = Line::sine(MINUTE, rate(100.0), rate(80.0), Duration::from_secs(20));
        assert!((total(wave) - 6_000.0).abs() < 1e-6, "whole periods");
        // Half a period adds amplitude x period / pi.
        let half = total(Line::sine(MINUTE, rate(100.0), rate(80.0), Duration::from_secs(120)));
        assert!((half - (6_000.0 + 80.0 * 120.0 / std::f64::consts::PI)).abs() < 3.0, "{half}");
    }

    #[test]
    fn a_curve_goes_through_its_points_and_over_midnight() {
        let hour = |hours: u64| Duration::from_secs(hours * 3_600);
        let points = [(hour(6), Rate(100.0)), (hour(18), Rate(300.0))];
        // Two days in a minute.
        let lines = Line::curve(MINUTE, &points, hour(24), 2.0 * 24.0 * 60.0);
        let shape = Shape::new(lines.clone());
        let rate = |at: f64| (shape.due(at + 1e-3) - shape.due(at - 1e-3)) / 2e-3;
        for (at, expected) in [(7.5, 100.0), (15.0, 200.0), (22.5, 300.0), (30.0, 200.0), (37.5, 100.0), (52.5, 300.0)]
        {
            assert!((rate(at) - expected).abs() < 0.1, "{} at {at} s", rate(at));
        }
        assert!((total(lines) - 60.0 * 200.0).abs() < 1e-6);
    }

    #[test]
    fn bursts_keep_the_arrivals_of_each_period() {
        let ramp = [Line { duration: MINUTE, from: Rate(100.0), to: Rate(200.0) }];
        let bursts = Shape::new(Line::bursts(&ramp, Duration::from_secs(1), Burst::Share(Share(0.1))));
        let ramp = Shape::new(ramp);
        for second in 0..60 {
            let (begin, end) = (f64::from(second), f64::from(second + 1));
            let expected = ramp.due(end) - ramp.due(begin);
            assert!((bursts.due(end) - bursts.due(begin) - expected).abs() < 1e-6);
            assert!((bursts.due(begin + 0.1) - bursts.due(begin) - expected).abs() < 1e-6, "all in the first tenth");
        }
    }

    #[test]
    fn bursts_have_the_dispersion_that_is_asked_for() {
        let constant = [Line::constant(MINUTE, Rate(1_000.0))];
        for (period, asked) in [(1.0, 50.0), (1.0, 0.0), (1.0, 333.3), (1.0, 900.0), (0.5, 20.0), (4.0, 1_234.5)] {
            let shape = Shape::new(Line::bursts(&constant, Duration::from_secs_f64(period), Burst::Dispersion(asked)));
            // Arrivals are whole: those that are due are counted in each tenth of each period.
            let windows = (60.0 / period * WINDOWS) as u32;
            let due = |window: u32| (shape.due(f64::from(window) * period / WINDOWS) + 1e-6).floor();
            let counts: Vec<f64> = (0..windows).map(|window| due(window + 1) - due(window)).collect();
            let mean = counts.iter().sum::<f64>() / f64::from(windows);
            let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / f64::from(windows);
            assert!((variance / mean - asked).abs() < 0.01 * asked + 0.01, "{} for {asked}", variance / mean);
            assert!((shape.due(60.0) - 60_000.0).abs() < 1e-3);
        }
        // More than there can be is as much as there can be.
        let most = Line::bursts(&constant, Duration::from_secs(1), Burst::Dispersion(1e9));
        assert!((most[0].duration.as_secs_f64() - 0.1).abs() < 1e-6 && (Burst::most(1_000.0) - 900.0).abs() < 1e-9);
    }

    #[test]
    fn shuffled_steps_depend_on_the_seed_only() {
        let rates: Vec<Rate> = (1..10).map(|n| Rate(f64::from(n))).collect();
        let shuffled = |seed, index| Line::shuffled_steps(MINUTE, &rates, Seed(seed).named("steps"), index);
        assert_eq!(shuffled(1, 0), shuffled(1, 0));
        assert_ne!(shuffled(1, 0), shuffled(2, 0));
        assert_ne!(shuffled(1, 0), shuffled(1, 1));
        assert!((total(shuffled(1, 0)) - 300.0).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn the_integral_and_its_inverse_agree(
            lines in prop::collection::vec((1u64..20_000, 0.0f64..50_000.0, 0.0f64..50_000.0), 1..20), part in 0.0f64..1.0,
        ) {
            let line = |(millis, from, to)| Line { duration: Duration::from_millis(millis), from: Rate(from), to: Rate(to) };
            let shape = Shape::new(lines.into_iter().map(line));
            let due = shape.due(shape.seconds()) * part;
            let when = shape.when(due).unwrap();
            prop_assert!((shape.due(when) - due).abs() <= 1e-6 * due.max(1.0), "{} of {due}", shape.due(when));
            prop_assert!(when <= shape.seconds());
        }
    }
}
