//! Whether something grows: a slope that single outliers do not move.

/// Fewest points of which a slope says something.
const FEWEST_POINTS: usize = 10;
/// Points that are looked at, each with each; of more, evenly spaced ones.
const MOST_POINTS: usize = 1_000;

/// The slope of points in the order of their x: the median of the slopes of all pairs (Theil 1950; Sen, J. Am. Stat. Assoc. 63, 1968), which holds
/// with up to 29 % of wild points. `None` for fewer than ten points.
pub(super) fn slope(points: &[(f64, f64)]) -> Option<f64> {
    if points.len() < FEWEST_POINTS {
        return None;
    }
    let every = points.len().div_ceil(MOST_POINTS);
    let points: Vec<(f64, f64)> = points.iter().copied().step_by(every).collect();
    let of_pair = |(a, b): (&(f64, f64), &(f64, f64))| (b.0 > a.0).then(|| (b.1 - a.1) / (b.0 - a.0));
    let pairs = points.iter().enumerate().flat_map(|(place, a)| points[place + 1..].iter().map(move |b| (a, b)));
    let mut slopes: Vec<f64> = pairs.filter_map(of_pair).collect();
    let middle = slopes.len() / 2;
    if slopes.is_empty() {
        return None;
    }
    let (below, median, _) = slopes.select_nth_unstable_by(middle, f64::total_cmp);
    let median = *median;
    // Of an even number, the mean of the two in the middle.
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some(if slopes.len().is_multiple_of(2) { (lower + median) / 2.0 } else { median })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_of_a_line_is_its_own_whatever_a_few_points_do() {
        let line = |x: u32| (f64::from(x), 3.0 + 0.25 * f64::from(x));
        let mut points: Vec<(f64, f64)> = (0..40).map(line).collect();
        assert!((slope(&points).unwrap() - 0.25).abs() < 1e-12);
        for place in [3, 11, 17, 25, 33] {
            points[place].1 = 1e6;
        }
        assert!((slope(&points).unwrap() - 0.25).abs() < 0.02, "{:?}", slope(&points));
    }

    #[test]
    fn a_few_points_say_nothing_and_many_are_thinned_out() {
        let flat = |count: u32| (0..count).map(|x| (f64::from(x), 1.0)).collect::<Vec<_>>();
        assert_eq!((slope(&flat(9)), slope(&flat(10)), slope(&flat(5_000))), (None, Some(0.0), Some(0.0)));
        let same_moment = [(1.0, 2.0); 12];
        assert_eq!(slope(&same_moment), None);
    }

    #[test]
    fn of_an_even_number_of_slopes_it_is_the_mean_of_the_middle_two() {
        // Eleven points at 0 and one far off: 55 slopes of 0 and 11 of k.
        let mut points: Vec<(f64, f64)> = (0..12).map(|x| (f64::from(x), 0.0)).collect();
        points[11].1 = 11.0;
        assert_eq!(slope(&points), Some(0.0));
    }
}
