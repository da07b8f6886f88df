//! One row of prediction against measurement.

use schemars::JsonSchema;
use serde::Serialize;

use super::agreement::{Agreement, Tolerance};
use super::expectation::Expectation;
use super::figure::Figure;
use super::metric::Metric;
use crate::units::{Quantity, Share, Unit};

/// Of utilisations, relative and in points. Those in bytes have, as rates have, the chance of which records came.
pub(super) const UTILISATION: Tolerance = Tolerance { relative: 0.05, absolute: 0.01 };
/// Of the time that consumers work: the plan takes batches to be full.
pub(super) const BUSY: Tolerance = Tolerance { relative: 0.2, absolute: 0.02 };

/// One row of prediction against measurement.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(into = "ComparisonRecord")]
#[schemars(with = "ComparisonRecord")]
pub struct Comparison {
    /// What is compared.
    pub metric: Metric,
    /// The prediction.
    pub predicted: Figure,
    /// The measurement.
    pub measured: Figure,
    /// Measured over predicted minus one, where both are numbers.
    pub difference: Option<f64>,
    /// What the measurement says of the prediction; `None` where there is nothing to judge.
    pub agreement: Option<Agreement>,
    /// How far they may be apart to agree.
    pub tolerance: Option<Tolerance>,
    /// Why they differ, where the model knows.
    pub note: Option<String>,
}

impl Comparison {
    /// Two figures of which nothing is judged.
    pub(super) const fn unjudged(metric: Metric, predicted: Figure, measured: Figure, note: String) -> Self {
        Self { metric, predicted, measured, difference: None, agreement: None, tolerance: None, note: Some(note) }
    }

    /// How far the two may be apart to agree, for people.
    pub fn tolerance_words(&self) -> Option<String> {
        let Tolerance { relative, absolute } = self.tolerance?;
        let unit = self.predicted.quantity()?.unit;
        let relative = Share(relative);
        Some(match unit {
            // Percent of percent and points are easily mixed up.
            Unit::Share => {
                let points = Share(absolute).to_string();
                format!("±{relative} or ±{} points", points.trim_end_matches('%'))
            }
            _ if absolute > 0.0 => format!("±{relative} or ±{}", Quantity::new(absolute, unit)),
            _ => format!("±{relative}"),
        })
    }
}

/// A [`Comparison`] as JSON: the words, and beside them the numbers with their units.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Comparison")]
struct ComparisonRecord {
    /// What is compared.
    metric: Metric,
    /// Its name for people.
    name: String,
    /// The prediction, for people.
    predicted: String,
    /// The same as a number; null where it is not one.
    predicted_quantity: Option<Quantity>,
    /// The measurement, for people.
    measured: String,
    /// The same as a number; null where it is not one.
    measured_quantity: Option<Quantity>,
    /// Measured over predicted minus one, where both are numbers.
    difference: Option<f64>,
    /// What the measurement says of the prediction; null where there is nothing to judge.
    agreement: Option<Agreement>,
    /// How far they may be apart to agree, for people.
    tolerance: Option<String>,
    /// The same as a share of the prediction, and in the unit of the figure; the larger counts.
    tolerance_quantity: Option<Tolerance>,
    /// Why they differ, where the model knows.
    note: Option<String>,
}

impl From<Comparison> for ComparisonRecord {
    fn from(row: Comparison) -> Self {
        Self {
            name: row.metric.to_string(),
            predicted: row.predicted.to_string(),
            predicted_quantity: row.predicted.quantity(),
            measured: row.measured.to_string(),
            measured_quantity: row.measured.quantity(),
            difference: row.difference,
            agreement: row.agreement,
            tolerance: row.tolerance_words(),
            tolerance_quantity: row.tolerance,
            metric: row.metric,
            note: row.note,
        }
    }
}

/// How a row is judged: how far the two may be apart, and whether more is worse.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judged {
    pub tolerance: Tolerance,
    pub higher_is_worse: bool,
}

impl Judged {
    /// By this tolerance, where more is worse.
    pub const fn within(tolerance: Tolerance) -> Self {
        Self { tolerance, higher_is_worse: true }
    }
}

/// A row of two numbers of one unit.
pub(super) fn row(
    metric: Metric,
    unit: Unit,
    (predicted, measured): (f64, Option<f64>),
    judged: Option<Judged>,
    note: Option<String>,
) -> Comparison {
    let judged = judged.filter(|_| measured.is_some());
    let agreement = |(Judged { tolerance, higher_is_worse }, measured): (Judged, f64)| {
        tolerance.judge(predicted, measured, higher_is_worse)
    };
    Comparison {
        metric,
        predicted: Quantity::new(predicted, unit).into(),
        measured: measured.map_or(Figure::Nothing, |measured| Quantity::new(measured, unit).into()),
        difference: measured.and_then(|measured| difference(predicted, measured)),
        agreement: judged.zip(measured).map(agreement),
        tolerance: judged.map(|judged| judged.tolerance),
        note,
    }
}

pub(super) fn share_row(
    metric: Metric,
    predicted: Share,
    measured: Option<Share>,
    tolerance: Option<Tolerance>,
    note: Option<String>,
) -> Comparison {
    let figures = (predicted.0, measured.map(|share| share.0));
    let of_shares = row(metric, Unit::Share, figures, tolerance.map(Judged::within), note);
    // A share of nothing has no ratio, and one of hardly anything says little.
    Comparison { difference: of_shares.difference.filter(|_| predicted.0 >= 0.01), ..of_shares }
}

/// Three standard deviations of the bytes of so many records, over their mean.
pub(super) fn chance_of_bytes(plan: Expectation<'_>, records: u64) -> f64 {
    3.0 * plan.forecast.size_variation / (records.max(1) as f64).sqrt()
}

fn difference(predicted: f64, measured: f64) -> Option<f64> {
    (predicted > 0.0).then(|| measured / predicted - 1.0)
}
