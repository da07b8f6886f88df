//! Whether a prediction and a measurement agree.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tolerance {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
