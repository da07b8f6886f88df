//! Whether the run was steady.

use std::time::Duration;

use crate::measure::Estimate;
use crate::units::{self, Rate, Share};
use crate::verdict::{Halves, HalvesUnit, Steadiness};

/// Whether it was steady, in a sentence or two.
pub fn words(steadiness: &Steadiness) -> String {
    sentence(steadiness).unwrap_or_else(|| "The run was steady: its second half is like its first.".to_owned())
}

/// What is not steady, in a sentence or two; `None` if everything is.
pub fn sentence(steadiness: &Steadiness) -> Option<String> {
    let differing: Vec<String> = steadiness
        .rows
        .iter()
        .filter(|row| row.differs)
        .map(|row| {
            format!(
                "{} went from {} to {}",
                row.metric,
                figure(row.unit, row.first.mean),
                figure(row.unit, row.second.mean)
            )
        })
        .collect();
    if differing.is_empty() {
        return None;
    }
    let means = match (steadiness.is_steady(), steadiness.load_is_steady()) {
        (false, true) => "The load did not change: the figures of the whole run depend on how long it lasted.",
        (false, false) => "The load changed too: the figures of the whole run are a mixture of both.",
        (true, _) => "What came of it did not change.",
    };
    Some(format!("The halves of the run differ: {}. {means}", differing.join("; ")))
}

/// The whole and its halves, with their margins.
pub fn figures(row: &Halves) -> [String; 3] {
    [&row.whole, &row.first, &row.second].map(|estimate| estimated(row.unit, estimate))
}

/// Whether its halves differ, with a mark.
pub const fn mark(row: &Halves) -> &'static str {
    if row.differs { "≠ differs" } else { "✓ steady" }
}

fn estimated(unit: HalvesUnit, estimate: &Estimate) -> String {
    format!("{} ± {}", figure(unit, estimate.mean), figure(unit, estimate.margin()))
}

fn figure(unit: HalvesUnit, value: f64) -> String {
    match unit {
        HalvesUnit::Rate => Rate(value).to_string(),
        HalvesUnit::Share => Share(value).to_string(),
        HalvesUnit::Nanoseconds => units::duration(Duration::from_nanos(value.max(0.0) as u64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Metric;

    fn halves(metric: &Metric, differs: bool) -> Halves {
        let of = |mean| Estimate { mean, standard_error: 0.0, seconds: 10 };
        Halves {
            metric: metric.clone(),
            unit: HalvesUnit::Share,
            whole: of(0.1),
            first: of(0.0),
            second: of(0.2),
            differs,
        }
    }

    #[test]
    fn the_sentence_says_what_differs_and_whether_the_load_did() {
        let of = |rows: &[(Metric, bool)]| {
            sentence(&Steadiness {
                seconds: 20,
                rows: rows.iter().map(|(metric, differs)| halves(metric, *differs)).collect(),
            })
        };
        assert_eq!(of(&[(Metric::OfferedRecords, false), (Metric::ThrottledAttempts, false)]), None);
        let steady_load = of(&[(Metric::OfferedRecords, false), (Metric::ThrottledAttempts, true)]).unwrap();
        assert!(
            steady_load.contains("throttled attempts went from 0% to 20%") && steady_load.contains("did not change")
        );
        assert!(
            of(&[(Metric::OfferedRecords, true), (Metric::ThrottledAttempts, true)])
                .unwrap()
                .contains("a mixture of both")
        );
        assert!(of(&[(Metric::OfferedRecords, true)]).unwrap().contains("What came of it did not change"));
    }
}
