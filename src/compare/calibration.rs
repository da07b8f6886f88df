//! The gate's error rates on noise that is known: a check of the whole decision, not of its parts.
//!
//! The noise is that of a benchmark on a shared machine: the environment drifts by 5 % from pair to pair, which meets both runs of a
//! pair alike, and each run differs by another 3 %. Everything is drawn from fixed seeds; the bounds are four standard
//! errors wide, so that a test that is off fails and chance does not.

use rand::RngExt;
use rand_distr::StandardNormal;

use super::*;
use crate::seed::{Rng, Seed};
use crate::units::Share;

const DRIFT: f64 = 0.05;
const RUN: f64 = 0.03;

fn normal(rng: &mut Rng) -> f64 {
    rng.sample(StandardNormal)
}

/// Pairs in which the candidate is worse by `effect`.
fn pairs(rng: &mut Rng, metric: Metric, count: usize, effect: f64) -> Vec<(f64, f64)> {
    let pair = |_| {
        let drift = DRIFT * normal(rng);
        let (a, b) = (drift + RUN * normal(rng), drift + RUN * normal(rng));
        let worse = if metric.larger_is_worse() { (1.0 + effect).ln() } else { (1.0 - effect).ln() };
        (100.0 * a.exp(), 100.0 * (b + worse).exp())
    };
    (0..count).map(pair).collect()
}

/// What a gate of so many metrics decides whose first one is worse by `effect`, and after how many pairs.
fn gate(seed: u64, metrics: usize, effect: f64, min_effect: Option<Share>, looks: &Looks) -> (Decision, usize) {
    let mut rng = Seed(seed).stream("gate", 0);
    let most = *looks.pairs().last().unwrap();
    let all: Vec<Observed> = Metric::GATED[..metrics]
        .iter()
        .enumerate()
        .map(|(index, metric)| Observed {
            asked: Asked { metric: *metric, min_effect: min_effect.unwrap_or(metric.min_effect()), gated: true },
            values: pairs(&mut rng, *metric, most, if index == 0 { effect } else { 0.0 }),
            not_gated: None,
        })
        .collect();
    let mut decided = (Decision::Inconclusive, most);
    for (look, count) in looks.pairs().iter().enumerate() {
        let first = |observed: &Observed| Observed { values: observed.values[..*count].to_vec(), ..observed.clone() };
        let assessments = assess(&all.iter().map(first).collect::<Vec<_>>(), looks.level(look));
        decided = (overall(&assessments), *count);
        if decided.0 != Decision::Inconclusive {
            break;
        }
    }
    decided
}

fn share(of: impl Iterator<Item = bool>) -> f64 {
    let (mut yes, mut all) = (0.0, 0.0);
    for one in of {
        yes += f64::from(u8::from(one));
        all += 1.0;
    }
    yes / all
}

/// Whether a share of `all` is as probable as `expected`, within four standard errors.
fn near(found: f64, expected: f64, all: f64) -> bool {
    (found - expected).abs() < 4.0 * (expected * (1.0 - expected) / all).sqrt()
}

#[test]
fn p_values_of_equal_sides_are_as_small_as_their_level_says() {
    let test = |seed: u64| {
        let mut rng = Seed(seed).stream("aa", 1);
        let values = pairs(&mut rng, Metric::PutP50, 10, 0.0);
        let worsenings: Vec<f64> = values.iter().map(|(a, b)| Metric::PutP50.worsening(*a, *b)).collect();
        SignFlip::new(&worsenings).unwrap()
    };
    let tests: Vec<SignFlip> = (0..2_000).map(test).collect();
    for level in [0.01, 0.05, 0.2] {
        // The p-values are multiples of 2^-10: the level that is reached is the multiple below.
        let reached = (level * 1024.0f64).floor() / 1024.0;
        let found = share(tests.iter().map(|test| test.p_value() <= level));
        assert!(near(found, reached, 2_000.0), "{found} at {level}");
        let missed_below = share(tests.iter().map(|test| test.lower(level).unwrap() > 0.0));
        let missed_above = share(tests.iter().map(|test| test.upper(level).unwrap() < 0.0));
        assert!(near(missed_below, reached, 2_000.0), "{missed_below} at {level}");
        assert!(near(missed_above, reached, 2_000.0), "{missed_above} at {level}");
    }
}

#[test]
fn a_gate_that_minds_the_smallest_change_raises_false_alarms_as_rarely_as_it_promises() {
    // With a smallest effect that is next to nothing, only the test stands against a false alarm.
    let tiny = Some(Share(0.001));
    let looks = Looks::once(10);
    let once = share((0..3_000).map(|seed| gate(seed, 6, 0.0, tiny, &looks).0 == Decision::Regressed));
    // Ten pairs cannot spend all of it: Holm's first step needs p <= 0.01 / 6, and one 1024th is all that fits.
    assert!(near(once, 6.0 / 1024.0, 3_000.0), "{once}");
    // Several looks together spend no more.
    let growing = Looks::growing(10, 14);
    let twice = share((0..600).map(|seed| gate(90_000 + seed, 1, 0.0, tiny, &growing).0 == Decision::Regressed));
    assert!(twice <= FALSE_ALARM + 4.0 * (FALSE_ALARM / 600.0).sqrt(), "{twice}");
}

#[test]
fn the_gate_as_it_is_hardly_ever_raises_a_false_alarm_and_misses_little() {
    let looks = Looks::once(10);
    let run = |effect: f64, from: u64, count: u64| -> Vec<(Decision, usize)> {
        (from..from + count).map(|seed| gate(seed, 6, effect, None, &looks)).collect()
    };
    let equal = run(0.0, 0, 200);
    let alarms = share(equal.iter().map(|(decision, _)| *decision == Decision::Regressed));
    assert!(alarms <= 0.01, "{alarms}");
    let worse = run(0.1, 10_000, 100);
    let caught = share(worse.iter().map(|(decision, _)| *decision == Decision::Regressed));
    assert!(caught >= 0.9, "{caught}");
    // The throughput that falls by less than matters is no regression more often than the interval misses.
    let little = run(0.03, 20_000, 100);
    let blamed = share(little.iter().map(|(decision, _)| *decision == Decision::Regressed));
    assert!(blamed <= BOUND_MISSES + 4.0 * (BOUND_MISSES / 100.0).sqrt(), "{blamed}");
}
