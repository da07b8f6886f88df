//! One row of prediction against measurement.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::agreement::{Agreement, Tolerance};
use super::expectation::Expectation;
use crate::units::Share;

/// Of utilisations, relative and in points. Those in bytes have, as rates have, the chance of which records came.
pub(super) const UTILISATION: Tolerance = Tolerance { relative: 0.05, absolute: 0.01 };
/// Of the time that consumers work: the plan takes batches to be full.
pub(super) const BUSY: Tolerance = Tolerance { relative: 0.2, absolute: 0.02 };

/// One row of prediction against measurement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// What is compared.
    pub name: String,
    /// The prediction, for people.
    pub predicted: String,
    /// The measurement, for people.
    pub measured: String,
    /// Measured over predicted minus one, where both are numbers.
    pub difference: Option<f64>,
    /// What the measurement says of the prediction; `None` where there is nothing to judge.
    pub agreement: Option<Agreement>,
    /// How far they may be apart to agree, for people.
    pub tolerance: Option<String>,
    /// Why they differ, where the model knows.
    pub note: Option<String>,
}

/// A row of two numbers, which `text` writes.
pub(super) fn row(
    name: &str,
    (predicted, measured): (f64, Option<f64>),
    text: impl Fn(f64) -> String,
    judged: Option<(Tolerance, bool)>,
    note: Option<String>,
) -> Comparison {
    let judged = judged.filter(|_| measured.is_some());
    let percent = |share: f64| Share(share).to_string();
    let tolerance = judged.map(|(tolerance, _)| match tolerance {
        Tolerance { relative, absolute } if absolute > 0.0 => {
            format!("±{} or ±{}", percent(relative), text(absolute))
        }
        Tolerance { relative, .. } => format!("±{}", percent(relative)),
    });
    Comparison {
        name: name.to_owned(),
        predicted: text(predicted),
        measured: measured.map_or_else(|| "–".to_owned(), &text),
        difference: measured.and_then(|measured| difference(predicted, measured)),
        agreement: judged
            .zip(measured)
            .map(|((tolerance, worse), measured)| tolerance.judge(predicted, measured, worse)),
        tolerance,
        note,
    }
}

pub(super) fn share_row(
    name: &str,
    predicted: Share,
    measured: Option<Share>,
    tolerance: Option<Tolerance>,
    note: Option<String>,
) -> Comparison {
    let measured = measured.map(|share| share.0);
    let of_shares =
        row(name, (predicted.0, measured), |share| Share(share).to_string(), tolerance.map(|t| (t, true)), note);
    // Percent of percent and points are easily mixed up.
    let points = |text: &String| text.rsplit_once('%').map(|(start, _)| format!("{start} points"));
    let tolerance = of_shares.tolerance.as_ref().and_then(points);
    // A share of nothing has no ratio, and one of hardly anything says little.
    Comparison { difference: of_shares.difference.filter(|_| predicted.0 >= 0.01), tolerance, ..of_shares }
}

/// Three standard deviations of the bytes of so many records, over their mean.
pub(super) fn chance_of_bytes(plan: Expectation<'_>, records: u64) -> f64 {
    3.0 * plan.forecast.size_variation / (records.max(1) as f64).sqrt()
}

fn difference(predicted: f64, measured: f64) -> Option<f64> {
    (predicted > 0.0).then(|| measured / predicted - 1.0)
}
