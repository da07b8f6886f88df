//! From values to pixels, and the values worth a tick.

use std::time::Duration;

use crate::units;

/// A mapping of values onto a line of pixels.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    logarithmic: bool,
    from: f64,
    to: f64,
    pixels: (f64, f64),
}

/// The extent of an axis and its ticks.
#[derive(Debug, Clone)]
pub struct Axis {
    /// What the figures are, with their unit.
    pub title: String,
    /// Values at both ends.
    pub ends: (f64, f64),
    /// Whether equal factors are equal distances.
    pub logarithmic: bool,
    /// The labelled values.
    pub ticks: Vec<Tick>,
}

/// A labelled value.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// The value.
    pub at: f64,
    /// How it is written.
    pub label: String,
}

/// Longest label steps of a time axis, seconds.
const TIME_STEPS: [u64; 18] =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400];

impl Scale {
    /// Maps an axis onto pixels.
    pub fn new(axis: &Axis, pixels: (f64, f64)) -> Self {
        Self { logarithmic: axis.logarithmic, from: axis.ends.0, to: axis.ends.1, pixels }
    }

    /// The pixel of a value; values beyond an end are drawn at the end.
    pub fn place(&self, value: f64) -> f64 {
        let share = if self.logarithmic {
            (value.max(f64::MIN_POSITIVE).ln() - self.from.ln()) / (self.to.ln() - self.from.ln())
        } else {
            (value - self.from) / (self.to - self.from)
        };
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        self.pixels.0 + share * (self.pixels.1 - self.pixels.0)
    }
}

/// An axis from zero to a round value at or above `max`.
pub fn linear(title: &str, max: f64, label: fn(f64) -> String) -> Axis {
    let step = round_step(max / 5.0).max(1.0);
    let steps = (max / step - 1e-9).ceil().clamp(1.0, 12.0) as u32;
    let ticks: Vec<Tick> = (0..=steps).map(|n| f64::from(n) * step).map(|at| Tick { at, label: label(at) }).collect();
    Axis { title: title.to_owned(), ends: (0.0, f64::from(steps) * step), logarithmic: false, ticks }
}

/// A logarithmic axis of durations in nanoseconds that has both values inside.
pub fn durations(title: &str, values: impl Iterator<Item = u64>) -> Axis {
    let (mut min, mut max) = (f64::INFINITY, 0.0f64);
    for value in values.filter(|value| *value > 0) {
        (min, max) = (min.min(value as f64), max.max(value as f64));
    }
    if max == 0.0 {
        (min, max) = (1e6, 1e9);
    }
    let candidates: Vec<f64> = (0..20).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power))).collect();
    let below = candidates.iter().rposition(|value| *value <= min).unwrap_or(0);
    let above = candidates.iter().position(|value| *value >= max).unwrap_or(candidates.len() - 1);
    // A flat line is drawn in the middle of something, not on the edge of nothing.
    let (below, above) = if above - below < 2 { (below.saturating_sub(1), above + 1) } else { (below, above) };
    let above = above.min(candidates.len() - 1);
    let decades = candidates[above].log10() - candidates[below].log10();
    let labelled = |value: f64| decades < 2.7 || (value.log10().fract().abs() < 1e-9);
    let ticks = candidates[below..=above].iter().filter(|value| labelled(**value));
    Axis {
        title: title.to_owned(),
        ends: (candidates[below], candidates[above]),
        logarithmic: true,
        ticks: ticks.map(|at| Tick { at: *at, label: units::duration(Duration::from_nanos(*at as u64)) }).collect(),
    }
}

/// An axis of seconds since the run began, with at most `most` ticks.
pub fn time(seconds: f64, most: usize, note: &str) -> Axis {
    let wanted = seconds / most.max(1) as f64;
    let days = || (wanted / 86_400.0).ceil() as u64 * 86_400;
    let step = TIME_STEPS.iter().copied().find(|step| *step as f64 >= wanted).unwrap_or_else(days).max(1);
    let (unit, label): (&str, fn(u64) -> String) = if seconds <= 180.0 {
        ("s", |second| second.to_string())
    } else if seconds <= 7_200.0 {
        ("min:s", |second| format!("{}:{:02}", second / 60, second % 60))
    } else {
        ("h:min", |second| format!("{}:{:02}", second / 3_600, second / 60 % 60))
    };
    let ticks = (0..=(seconds / step as f64) as u64).map(|n| n * step);
    Axis {
        title: format!("time since the run began, {unit}{note}"),
        ends: (0.0, seconds),
        logarithmic: false,
        ticks: ticks.map(|second| Tick { at: second as f64, label: label(second) }).collect(),
    }
}

/// An axis of percentiles that stretches towards the tail: each nine takes the same width.
pub fn percentiles(title: &str, nines: f64) -> Axis {
    let mut ticks = vec![Tick { at: 0.0, label: "0%".to_owned() }, Tick { at: nines_of(0.5), label: "50%".to_owned() }];
    ticks.extend((1..=nines as i32).map(|nines| {
        let decimals = (nines - 2).max(0) as usize;
        let percent = 100.0 - 100.0 / 10f64.powi(nines);
        Tick { at: f64::from(nines), label: format!("{percent:.decimals$}%") }
    }));
    Axis { title: title.to_owned(), ends: (0.0, nines), logarithmic: false, ticks }
}

/// How many nines a share has: 0.9 has one, 0.99 has two.
pub fn nines_of(quantile: f64) -> f64 {
    -(1.0 - quantile).log10()
}

/// The value of 1, 2 or 5 times a power of ten that is at or above `wanted`.
fn round_step(wanted: f64) -> f64 {
    if wanted.is_nan() || wanted <= 0.0 || !wanted.is_finite() {
        return 1.0;
    }
    let power = 10f64.powf(wanted.log10().floor());
    [1.0, 2.0, 5.0].iter().map(|digit| digit * power).find(|step| *step >= wanted * (1.0 - 1e-9)).unwrap_or(power * 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn linear_ticks_are_round_and_hold_the_maximum() {
        let axis = linear("", 2_134.0, units::number);
        assert_eq!(labels(&axis), ["0", "500", "1,000", "1,500", "2,000", "2,500"]);
        assert_eq!(labels(&linear("", 0.0, units::number)), ["0", "1"]);
        assert_eq!(labels(&linear("", 3.0, units::number)), ["0", "1", "2", "3"]);
    }

    #[test]
    fn durations_are_labelled_by_their_span() {
        assert_eq!(labels(&durations("", [7_000_000, 31_000_000].into_iter())), ["5 ms", "10 ms", "20 ms", "50 ms"]);
        let wide = durations("", [40_000, 3_000_000_000].into_iter());
        assert_eq!(labels(&wide), ["100 µs", "1 ms", "10 ms", "100 ms", "1 s"]);
        assert!(!labels(&durations("", std::iter::empty())).is_empty());
        assert!(!labels(&durations("", [u64::MAX].into_iter())).is_empty());
    }

    #[test]
    fn time_is_labelled_in_the_unit_of_its_length() {
        assert_eq!(labels(&time(25.0, 6, "")), ["0", "5", "10", "15", "20", "25"]);
        assert_eq!(labels(&time(600.0, 5, "")), ["0:00", "2:00", "4:00", "6:00", "8:00", "10:00"]);
        assert_eq!(labels(&time(86_400.0, 5, "")), ["0:00", "6:00", "12:00", "18:00", "24:00"]);
        assert_eq!(time(0.0, 5, "").ticks.len(), 1);
    }

    #[test]
    fn percentiles_gain_a_nine_per_step() {
        assert_eq!(labels(&percentiles("", 4.2)), ["0%", "50%", "90%", "99%", "99.9%", "99.99%"]);
        assert!((nines_of(0.999) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn values_beyond_the_ends_stay_inside() {
        let axis = linear("", 10.0, units::number);
        let scale = Scale::new(&axis, (100.0, 0.0));
        assert_eq!((scale.place(5.0), scale.place(50.0), scale.place(f64::NAN)), (50.0, 0.0, 100.0));
    }
}
