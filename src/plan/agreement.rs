//! Whether a prediction and a measurement agree, and how well the model is calibrated.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Comparison;

/// What a measurement says of a prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    /// They are as near as the tolerance says.
    Agrees,
    /// The model promised more than there was: less was accepted, or it took longer, cost more, or was fuller.
    ModelOptimistic,
    /// It was better than the model said.
    ModelPessimistic,
}

impl Agreement {
    /// A few words for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::ModelOptimistic => "model optimistic",
            Self::ModelPessimistic => "model pessimistic",
        }
    }
}

/// How far a measurement may be from its prediction: the larger of the two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tolerance {
    /// As a share of the prediction.
    pub relative: f64,
    /// In the unit of the figure.
    pub absolute: f64,
}

impl Tolerance {
    /// What a measurement says, where `higher_is_worse` or not.
    pub fn judge(self, predicted: f64, measured: f64, higher_is_worse: bool) -> Agreement {
        let most = (self.relative * predicted.abs()).max(self.absolute);
        if (measured - predicted).abs() <= most {
            Agreement::Agrees
        } else if (measured > predicted) == higher_is_worse {
            Agreement::ModelOptimistic
        } else {
            Agreement::ModelPessimistic
        }
    }
}

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

    fn row(difference: Option<f64>, agreement: Option<Agreement>) -> Comparison {
        Comparison { difference, agreement, ..Comparison::default() }
    }

    #[test]
    fn a_figure_agrees_within_the_larger_tolerance_and_is_else_better_or_worse() {
        let tolerance = Tolerance { relative: 0.1, absolute: 2.0 };
        assert_eq!(tolerance.judge(100.0, 110.0, true), Agreement::Agrees);
        assert_eq!(tolerance.judge(100.0, 111.0, true), Agreement::ModelOptimistic);
        assert_eq!(tolerance.judge(100.0, 89.0, true), Agreement::ModelPessimistic);
        assert_eq!(tolerance.judge(100.0, 89.0, false), Agreement::ModelOptimistic);
        assert_eq!(tolerance.judge(0.0, 2.0, true), Agreement::Agrees);
        assert_eq!(tolerance.judge(0.0, 2.1, true), Agreement::ModelOptimistic);
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
