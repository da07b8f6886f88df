//! Ticks of axes, and where labels go so that none lies over another.

use crate::units;

/// A place on an axis and what is written there.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    pub at: f64,
    pub label: String,
}

/// Ticks of a time axis from 0 to `end` seconds, whose labels fit side by side into `width`.
pub fn time_ticks(end: f64, width: i32) -> Vec<Tick> {
    const SECONDS: [u64; 7] = [1, 2, 5, 10, 20, 30, 60];
    const MINUTES: [u64; 6] = [60, 120, 300, 600, 1_200, 1_800];
    const HOURS: [u64; 6] = [3_600, 7_200, 14_400, 21_600, 43_200, 86_400];
    let (steps, unit, name): (&[u64], f64, &str) = match end {
        end if end < 300.0 => (&SECONDS, 1.0, "s"),
        end if end < 10_800.0 => (&MINUTES, 60.0, "min"),
        _ => (&HOURS, 3_600.0, "h"),
    };
    let label = |at: f64| format!("{} {name}", units::number(at / unit));
    let fits = |step: f64| {
        let room = f64::from(super::width_of(&label(end / step * step)) + super::CHARACTER);
        step / end * f64::from(width) >= room
    };
    let step = steps.iter().map(|step| *step as f64).find(|step| fits(*step));
    let step = step.unwrap_or_else(|| {
        let last = steps.last().map_or(1.0, |step| *step as f64);
        std::iter::successors(Some(last * 2.0), |step| Some(step * 2.0)).find(|step| fits(*step)).unwrap_or(end)
    });
    (0..=(end / step) as u64).map(|number| number as f64 * step).map(|at| Tick { at, label: label(at) }).collect()
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below a positive value.
pub fn round_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power).into_iter().find(|step| *step >= rough).unwrap_or(rough)
}

/// Round values of a linear axis from 0 to `high`.
pub fn linear_ticks(high: f64) -> Vec<f64> {
    const LINES: f64 = 6.0;
    let step = round_step(high / LINES);
    (0..=LINES as u32).map(|number| f64::from(number) * step).filter(|tick| *tick <= high).collect()
}

/// Round values of a logarithmic axis: 1, 2 and 5 of each decade where there are few, every decade or every other where there are many.
pub fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let decades = high.log10() - low.log10();
    let digits: &[f64] = if decades <= 2.1 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let every = if decades > 8.0 { 2 } else { 1 };
    let ticks =
        (first..=last).step_by(every).flat_map(|decade| digits.iter().map(move |digit| digit * 10f64.powi(decade)));
    ticks.filter(|tick| (low * 0.999_999..=high * 1.000_001).contains(tick)).collect()
}

/// Moves labels along an axis so that each keeps `distance` to its neighbours and all stay within `from..=to`, in the order of where
/// they want to be. The result is in the order of the input; `None` for a label that there is no room for.
pub fn spread(wanted: &[i32], distance: i32, (from, to): (i32, i32)) -> Vec<Option<i32>> {
    let room = ((to - from) / distance.max(1) + 1).max(0) as usize;
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|index| wanted[*index]);
    order.truncate(room);
    let mut places: Vec<i32> = order.iter().map(|index| wanted[*index].clamp(from, to.max(from))).collect();
    for index in 1..places.len() {
        places[index] = places[index].max(places[index - 1] + distance);
    }
    // What was pushed out at the end pushes back.
    let mut limit = to;
    for place in places.iter_mut().rev() {
        *place = (*place).min(limit);
        limit = *place - distance;
    }
    let mut spread = vec![None; wanted.len()];
    for (index, place) in order.into_iter().zip(places) {
        spread[index] = Some(place);
    }
    spread
}

/// Puts numbers that would lie over each other into one label: `3`, or `3–5`. The places are in ascending order and centre the labels.
pub fn merged_numbers(numbers: &[(i32, usize)]) -> Vec<(i32, String)> {
    struct Group {
        places: (i32, i32),
        numbers: (usize, usize),
    }
    impl Group {
        fn label(&self) -> String {
            match self.numbers {
                (first, last) if first == last => first.to_string(),
                (first, last) => format!("{first}–{last}"),
            }
        }
        fn centre(&self) -> i32 {
            i32::midpoint(self.places.0, self.places.1)
        }
        fn half(&self) -> i32 {
            super::width_of(&self.label()) / 2 + 3
        }
    }
    let mut groups: Vec<Group> = Vec::new();
    for (place, number) in numbers {
        groups.push(Group { places: (*place, *place), numbers: (*number, *number) });
        while let [.., before, last] = groups.as_mut_slice() {
            if before.centre() + before.half() < last.centre() - last.half() {
                break;
            }
            before.places.1 = before.places.1.max(last.places.1);
            before.numbers = (before.numbers.0.min(last.numbers.0), before.numbers.1.max(last.numbers.1));
            groups.pop();
        }
    }
    groups.iter().map(|group| (group.centre(), group.label())).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_written_in_the_unit_that_fits() {
        let labels = |end, width| time_ticks(end, width).into_iter().map(|tick| tick.label).collect::<Vec<_>>();
        assert_eq!(labels(4.5, 900), ["0 s", "1 s", "2 s", "3 s", "4 s"]);
        assert_eq!(labels(60.0, 300), ["0 s", "10 s", "20 s", "30 s", "40 s", "50 s", "60 s"]);
        assert_eq!(labels(3_600.0, 300), ["0 min", "20 min", "40 min", "60 min"]);
        assert_eq!(labels(86_400.0, 400), ["0 h", "4 h", "8 h", "12 h", "16 h", "20 h", "24 h"]);
    }

    #[test]
    fn values_are_round_and_not_too_many() {
        assert_eq!(linear_ticks(1_060.0), [0.0, 200.0, 400.0, 600.0, 800.0, 1_000.0]);
        assert_eq!(log_ticks(20.0, 500.0), [20.0, 50.0, 100.0, 200.0, 500.0]);
        assert_eq!(log_ticks(0.5, 10_000.0), [1.0, 10.0, 100.0, 1_000.0, 10_000.0]);
        for high in [1e-9, 0.3, 1.0, 7.7, 9.99, 1e12] {
            assert!((3..=7).contains(&linear_ticks(high).len()), "{high}");
            assert!((2..=8).contains(&log_ticks(high / 10.0, high).len()), "{high}");
        }
    }

    proptest! {
        #[test]
        fn ticks_fit_side_by_side(end in 1.0f64..1e8, width in 120i32..1_000) {
            let ticks = time_ticks(end, width);
            prop_assert!(ticks.last().is_some_and(|tick| tick.at <= end));
            for pair in ticks.windows(2) {
                let apart = (pair[1].at - pair[0].at) / end * f64::from(width);
                let needed = f64::from(super::super::width_of(&pair[0].label).max(super::super::width_of(&pair[1].label)));
                prop_assert!(apart >= needed, "{:?}", pair);
            }
        }

        #[test]
        fn spread_labels_keep_their_distance(wanted in prop::collection::vec(-50i32..400, 0..40), to in 0i32..400) {
            let places = spread(&wanted, 18, (0, to));
            let mut placed: Vec<i32> = places.iter().flatten().copied().collect();
            placed.sort_unstable();
            prop_assert!(placed.windows(2).all(|pair| pair[1] - pair[0] >= 18), "{:?}", placed);
            prop_assert!(placed.iter().all(|place| (0..=to).contains(place)), "{:?}", placed);
            prop_assert_eq!(placed.len(), wanted.len().min(to as usize / 18 + 1));
            // What has room stays where it wants to be.
            if let [only] = wanted.as_slice() { prop_assert_eq!(placed[0], (*only).clamp(0, to)); }
        }

        #[test]
        fn merged_numbers_do_not_overlap_and_none_is_lost(mut places in prop::collection::vec(0i32..900, 0..60)) {
            places.sort_unstable();
            let numbers: Vec<(i32, usize)> = places.iter().copied().zip(1..).collect();
            let merged = merged_numbers(&numbers);
            for pair in merged.windows(2) {
                let half = |label: &str| super::super::width_of(label) / 2;
                prop_assert!(pair[0].0 + half(&pair[0].1) < pair[1].0 - half(&pair[1].1), "{:?}", pair);
            }
            let covered: usize = merged.iter().map(|(_, label)| {
                let ends: Vec<usize> = label.split('–').map(|end| end.parse().unwrap()).collect();
                ends.last().unwrap() - ends[0] + 1
            }).sum();
            prop_assert_eq!(covered, places.len());
        }
    }
}
