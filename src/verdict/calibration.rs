//! How well the model is calibrated.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::agreement::Agreement;
use super::row::Comparison;

/// How well the predictions of a run agree with what it measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Calibration {
    /// Figures that could be judged.
    pub judged: usize,
    /// Those that agree.
    pub agree: usize,
    /// Those of which the model was optimistic.
    pub optimistic: usize,
    /// Those of which it was pessimistic.
    pub pessimistic: usize,
    /// The typical error of those that are ratios: exp(mean of |ln(measured / predicted)|) - 1; `None` without any.
    pub typical_error: Option<f64>,
}

impl Calibration {
    /// What the rows of a comparison come to; `None` if none could be judged.
    pub(super) fn of(rows: &[Comparison]) -> Option<Self> {
        let count = |wanted| rows.iter().filter(|row| row.agreement == Some(wanted)).count();
        let (agree, optimistic) = (count(Agreement::Agrees), count(Agreement::ModelOptimistic));
        let pessimistic = count(Agreement::ModelPessimistic);
        let judged = agree + optimistic + pessimistic;
        let ratios = rows.iter().filter(|row| row.agreement.is_some()).filter_map(|row| row.difference);
        let logs: Vec<f64> = ratios.filter(|difference| *difference > -1.0).map(|d| (1.0 + d).ln().abs()).collect();
        let typical_error = (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp_m1());
        (judged > 0).then_some(Self { judged, agree, optimistic, pessimistic, typical_error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Figure, Metric};

    fn row(difference: Option<f64>, agreement: Option<Agreement>) -> Comparison {
        let figure = Figure::Nothing;
        let row = Comparison::unjudged(Metric::Shards, figure.clone(), figure, String::new());
        Comparison { difference, agreement, ..row }
    }

    #[test]
    fn twice_and_half_are_the_same_error() {
        let rows = [
            row(Some(1.0), Some(Agreement::ModelOptimistic)),
            row(Some(-0.5), Some(Agreement::ModelPessimistic)),
            row(None, Some(Agreement::Agrees)),
            row(Some(7.0), None),
        ];
        let calibration = Calibration::of(&rows).unwrap();
        assert_eq!(
            (calibration.judged, calibration.agree, calibration.optimistic, calibration.pessimistic),
            (3, 1, 1, 1)
        );
        assert!((calibration.typical_error.unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(Calibration::of(&rows[3..]), None);
    }
}
