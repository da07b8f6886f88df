//! Change points of a series by E-divisive, as published.
//!
//! D. S. Matteson and N. A. James, "A nonparametric approach for multiple change point analysis of multivariate data", Journal of the
//! American Statistical Association 109, 2014. Two neighbouring pieces X (n values) and Y (m values) of a series are as different as their
//! energy distance says: Q = mn/(m+n) · (2·E|X-Y| - E|X-X'| - E|Y-Y'|), each mean over pairs of different places. The split
//! of one of the segments with the largest Q is the next change point, if a permutation test within the segments says that it
//! is no chance; then the segments are split again. The end of Y is free, so that a later change does not hide an earlier one.

use rand::seq::SliceRandom;
use serde::Serialize;

use crate::seed::Seed;

/// The fewest values of a segment.
pub const SHORTEST_SEGMENT: usize = 3;
/// Permutations of each test.
const PERMUTATIONS: u32 = 499;
/// The level of each test: the chance of a change point in a series that has none.
pub const SIGNIFICANCE: f64 = 0.01;
/// The longest series that is searched: the time goes with the square of the length.
pub const LONGEST_SERIES: usize = 500;

/// Where a series changes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ChangePoint {
    /// The first value after the change, from 0.
    pub index: usize,
    /// The p-value of the permutation test.
    pub p_value: f64,
    /// Mean of the segment before it.
    pub before: f64,
    /// Mean of the segment that begins with it.
    pub after: f64,
}

/// The change points of a series, in its order. The same series and seed give the same change points. Of a series longer than
/// [`LONGEST_SERIES`] the newest values are searched.
pub fn change_points(series: &[f64], seed: Seed) -> Vec<ChangePoint> {
    let skipped = series.len().saturating_sub(LONGEST_SERIES);
    let values = &series[skipped..];
    let mut bounds = vec![0, values.len()];
    let mut found: Vec<(usize, f64)> = Vec::new();
    while let Some(split) = best_split(values, &bounds) {
        let Some(p_value) = significance(values, &bounds, split.divergence, seed, found.len() as u64) else { break };
        found.push((split.at, p_value));
        bounds.push(split.at);
        bounds.sort_unstable();
    }
    found.sort_unstable_by_key(|(index, _)| *index);
    let mean = |from: usize, to: usize| values[from..to].iter().sum::<f64>() / (to - from) as f64;
    let point = |(index, p_value): &(usize, f64)| {
        let place = bounds.iter().position(|bound| bound == index)?;
        let (from, to) = (*bounds.get(place.checked_sub(1)?)?, *bounds.get(place + 1)?);
        Some(ChangePoint {
            index: index + skipped,
            p_value: *p_value,
            before: mean(from, *index),
            after: mean(*index, to),
        })
    };
    found.iter().filter_map(point).collect()
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Split {
    at: usize,
    divergence: f64,
}

/// The best split of any segment; `None` if all are too short.
fn best_split(values: &[f64], bounds: &[usize]) -> Option<Split> {
    let segments = bounds.windows(2).filter_map(|bound| {
        let split = split_segment(&values[bound[0]..bound[1]])?;
        Some(Split { at: split.at + bound[0], ..split })
    });
    segments.reduce(|best, split| if split.divergence > best.divergence { split } else { best })
}

/// The best split of one segment, over all ends of its second piece. The sums of distances grow with the end of the second piece, one
/// value at a time, for all splits at once: the time goes with the square of the length.
fn split_segment(values: &[f64]) -> Option<Split> {
    let length = values.len();
    // By the place of the split: distances within the first piece, between the pieces, and within the second.
    let (mut first, mut between, mut second) = (vec![0.0; length + 1], vec![0.0; length + 1], vec![0.0; length + 1]);
    let mut best: Option<Split> = None;
    for (end, newest) in (1..).zip(values) {
        let mut before = 0.0;
        let all: f64 = values[..end].iter().map(|value| (value - newest).abs()).sum();
        for at in 1..end {
            before += (values[at - 1] - newest).abs();
            between[at] += before;
            second[at] += all - before;
            if at < SHORTEST_SEGMENT || end - at < SHORTEST_SEGMENT {
                continue;
            }
            let divergence = divergence(at, end - at, between[at], first[at], second[at]);
            if best.is_none_or(|best| divergence > best.divergence) {
                best = Some(Split { at, divergence });
            }
        }
        first[end] = first[end - 1] + all;
    }
    best
}

/// Q of pieces of `n` and `m` values, from the sums of the distances between them and within each.
fn divergence(n: usize, m: usize, between: f64, first: f64, second: f64) -> f64 {
    let (n, m) = (n as f64, m as f64);
    let pairs = |count: f64| count * (count - 1.0) / 2.0;
    n * m / (n + m) * (2.0 * between / (n * m) - first / pairs(n) - second / pairs(m))
}

/// The p-value of a divergence, if it is significant: how often the values of each segment, in another order, have a split as good.
fn significance(values: &[f64], bounds: &[usize], divergence: f64, seed: Seed, test: u64) -> Option<f64> {
    let mut rng = seed.stream("change points", test);
    let as_good = |reached: u32| f64::from(reached + 1) / f64::from(PERMUTATIONS + 1);
    let mut reached = 0;
    let mut shuffled = values.to_vec();
    for _ in 0..PERMUTATIONS {
        for bound in bounds.windows(2) {
            shuffled[bound[0]..bound[1]].shuffle(&mut rng);
        }
        // What differs by rounding alone is as good.
        let tolerance = divergence.abs() * 1e-9;
        reached +=
            u32::from(best_split(&shuffled, bounds).is_some_and(|best| best.divergence >= divergence - tolerance));
        if as_good(reached) > SIGNIFICANCE {
            return None;
        }
    }
    Some(as_good(reached))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::RngExt;
    use rand_distr::StandardNormal;

    use super::*;

    /// Normal noise around levels: how many values at each.
    fn series(seed: u64, levels: &[(usize, f64)]) -> Vec<f64> {
        let mut rng = Seed(seed).stream("series", 0);
        let level = |(count, level): &(usize, f64)| vec![*level; *count];
        levels.iter().flat_map(level).map(|level| level + rng.sample::<f64, _>(StandardNormal)).collect()
    }

    fn places(series: &[f64]) -> Vec<usize> {
        change_points(series, Seed(1)).iter().map(|point| point.index).collect()
    }

    /// As published, with every sum written out.
    fn published(values: &[f64]) -> Option<(usize, f64)> {
        let mean = |x: &[f64], y: &[f64], same: bool| {
            let mut sum = 0.0;
            let mut count = 0.0;
            for (i, a) in x.iter().enumerate() {
                for b in &y[if same { i + 1 } else { 0 }..] {
                    sum += (a - b).abs();
                    count += 1.0;
                }
            }
            sum / count
        };
        let mut best: Option<(usize, f64)> = None;
        for at in SHORTEST_SEGMENT..values.len() {
            for end in at + SHORTEST_SEGMENT..=values.len() {
                let (x, y) = (&values[..at], &values[at..end]);
                let energy = 2.0 * mean(x, y, false) - mean(x, x, true) - mean(y, y, true);
                let q = (x.len() * y.len()) as f64 / (x.len() + y.len()) as f64 * energy;
                if best.is_none_or(|(_, most)| q > most + 1e-12) {
                    best = Some((at, q));
                }
            }
        }
        best
    }

    #[test]
    fn known_changes_are_found_where_they_are() {
        assert_eq!(places(&series(3, &[(20, 0.0), (20, 8.0)])), [20]);
        assert_eq!(places(&series(4, &[(15, 0.0), (15, 8.0), (15, 0.0)])), [15, 30]);
        let steps = places(&series(5, &[(12, 0.0), (12, 7.0), (12, 14.0), (12, 3.0)]));
        assert_eq!(steps, [12, 24, 36]);
    }

    #[test]
    fn a_change_of_scatter_alone_is_a_change() {
        let mut values = series(6, &[(60, 0.0)]);
        values.iter_mut().skip(30).for_each(|value| *value *= 12.0);
        let found = places(&values);
        assert!(found.len() == 1 && found[0].abs_diff(30) <= 3, "{found:?}");
    }

    #[test]
    fn the_means_beside_a_change_are_those_of_its_segments() {
        let mut values = vec![10.0; 10];
        values.extend([20.0; 10]);
        let found = change_points(&values, Seed(0));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].index, found[0].before, found[0].after), (10, 10.0, 20.0));
        assert_eq!(found[0].p_value, 1.0 / 500.0);
    }

    #[test]
    fn a_series_without_a_change_has_one_as_rarely_as_the_level_says() {
        let alarms = (0..150).filter(|seed| !places(&series(1_000 + seed, &[(20, 0.0)])).is_empty()).count();
        // The level is 1 %: that eight of 150 are alarms has a chance below one in 5,000.
        assert!(alarms <= 7, "{alarms} of 150");
        assert!(places(&[7.0; 40]).is_empty());
    }

    #[test]
    fn short_series_have_none() {
        assert!(places(&[]).is_empty() && places(&[1.0]).is_empty() && places(&[1.0, 1.0, 9.0, 9.0, 9.0]).is_empty());
    }

    #[test]
    fn a_long_series_is_searched_at_its_end() {
        let mut values = vec![0.0; LONGEST_SERIES];
        values.extend(vec![5.0; 8]);
        let found = change_points(&values, Seed(0));
        assert_eq!(found.iter().map(|point| point.index).collect::<Vec<_>>(), [LONGEST_SERIES]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_sums_that_grow_are_those_that_are_published(values in prop::collection::vec(-1e3f64..1e3, 0..16)) {
            match (split_segment(&values), published(&values)) {
                (None, None) => {}
                (Some(split), Some((_, most))) => prop_assert!((split.divergence - most).abs() < 1e-6, "{:?} {}", split, most),
                (found, expected) => prop_assert!(false, "{:?} {:?}", found, expected),
            }
        }

        #[test]
        fn scale_and_place_do_not_matter(seed in 0u64..50, scale in 0.01f64..100.0, shift in -1e3f64..1e3) {
            let values = series(seed, &[(10, 0.0), (10, 6.0)]);
            let moved: Vec<f64> = values.iter().map(|value| value * scale + shift).collect();
            prop_assert_eq!(places(&values), places(&moved));
        }
    }
}
