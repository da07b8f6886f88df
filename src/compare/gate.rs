//! The decision about each metric, and about all of them.

use serde::{Deserialize, Serialize};

use super::holm::holm;
use super::location::{hodges_lehmann, median};
use super::looks::Level;
use super::metric::Metric;
use super::sign_flip::SignFlip;
use crate::units::Share;

/// What a comparison comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Worse, beyond chance and beyond the smallest effect that matters.
    Regressed,
    /// The difference is smaller than the smallest effect that matters, in either direction.
    Equivalent,
    /// Better, beyond chance, and perhaps by more than the smallest effect.
    Improved,
    /// The pairs cannot tell.
    Inconclusive,
    /// Simulated results that have to be equal are not.
    Changed,
    /// No pair counts.
    Void,
}

/// A metric that is to be compared, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Asked {
    /// Which one.
    pub metric: Metric,
    /// The smallest change that matters.
    pub min_effect: Share,
    /// Whether it decides, or is only shown.
    pub gated: bool,
}

/// What was observed of a metric: one value of each side per pair.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The metric.
    pub asked: Asked,
    /// Baseline and candidate, above zero.
    pub values: Vec<(f64, f64)>,
    /// Why it does not decide although it was asked to.
    pub not_gated: Option<String>,
}

/// What is known of a metric. Worsenings are logarithms of ratios, positive for what is worse.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Assessment {
    /// The metric.
    pub metric: Metric,
    /// Whether it decides.
    pub gated: bool,
    /// Why it does not decide although it was asked to.
    pub not_gated: Option<String>,
    /// The smallest change that matters.
    pub min_effect: Share,
    /// Median of the baseline's values.
    pub baseline: Option<f64>,
    /// Median of the candidate's values.
    pub candidate: Option<f64>,
    /// The worsening of each pair, in their order.
    pub worsenings: Vec<f64>,
    /// Hodges-Lehmann estimate of the worsening.
    pub estimate: Option<f64>,
    /// Lower confidence bound of the worsening; `None` if there are too few pairs for one.
    pub lower: Option<f64>,
    /// Upper confidence bound.
    pub upper: Option<f64>,
    /// One-sided p-value of the sign-flip test.
    pub p_value: Option<f64>,
    /// The same after Holm's correction for the number of metrics that decide; `None` for the others.
    pub adjusted: Option<f64>,
    /// The smallest worsening that these pairs would have shown to be a regression, if they scatter as they do; `None` if there
    /// are too few pairs for any.
    pub detectable: Option<f64>,
    /// What it comes to.
    pub decision: Decision,
}

/// Assesses each metric at a level.
pub fn assess(observed: &[Observed], level: Level) -> Vec<Assessment> {
    let pair = |metric: Metric, (baseline, candidate): &(f64, f64)| metric.worsening(*baseline, *candidate);
    let worsenings: Vec<Vec<f64>> =
        observed.iter().map(|o| o.values.iter().map(|values| pair(o.asked.metric, values)).collect()).collect();
    let tests: Vec<Option<SignFlip>> = worsenings.iter().map(|worsenings| SignFlip::new(worsenings)).collect();
    let gated: Vec<usize> = (0..observed.len()).filter(|i| observed[*i].decides() && tests[*i].is_some()).collect();
    let p_values: Vec<f64> = gated.iter().filter_map(|i| tests[*i].as_ref()).map(SignFlip::p_value).collect();
    let corrected = holm(&p_values);
    let metrics = gated.len();
    let mut assessments = Vec::new();
    for (index, ((observed, worsenings), test)) in observed.iter().zip(worsenings).zip(&tests).enumerate() {
        let adjusted = gated.iter().position(|i| *i == index).map(|place| corrected[place]);
        assessments.push(observed.assess(worsenings, test.as_ref(), adjusted, metrics, level));
    }
    assessments
}

impl Observed {
    /// Whether it decides.
    pub fn decides(&self) -> bool {
        self.asked.gated && self.not_gated.is_none()
    }

    fn assess(
        &self,
        worsenings: Vec<f64>,
        test: Option<&SignFlip>,
        adjusted: Option<f64>,
        metrics: usize,
        level: Level,
    ) -> Assessment {
        let lower = test.and_then(|test| test.lower(level.bound));
        let upper = test.and_then(|test| test.upper(level.bound));
        let threshold = self.asked.metric.threshold(self.asked.min_effect);
        let estimate = hodges_lehmann(&worsenings);
        let p_value = test.map(SignFlip::p_value);
        // A metric that does not decide is judged by itself.
        let alarmed = adjusted.or(p_value).is_some_and(|p| p <= level.alarm);
        // The level of the strictest of Holm's steps.
        let alone = level.alarm / metrics.max(1) as f64;
        let strictest = test.and_then(|test| test.lower(alone));
        let better = test.and_then(|test| test.upper(alone)).is_some_and(|upper| upper < 0.0);
        Assessment {
            metric: self.asked.metric,
            gated: self.decides(),
            not_gated: self.not_gated.clone(),
            min_effect: self.asked.min_effect,
            baseline: median(&self.values.iter().map(|(baseline, _)| *baseline).collect::<Vec<_>>()),
            candidate: median(&self.values.iter().map(|(_, candidate)| *candidate).collect::<Vec<_>>()),
            estimate,
            lower,
            upper,
            p_value,
            adjusted,
            detectable: detectable(estimate, lower, strictest, threshold),
            decision: decide(alarmed, better, lower, upper, threshold),
            worsenings,
        }
    }
}

fn decide(alarmed: bool, better: bool, lower: Option<f64>, upper: Option<f64>, threshold: f64) -> Decision {
    let (Some(lower), Some(upper)) = (lower, upper) else { return Decision::Inconclusive };
    if alarmed && lower > threshold {
        Decision::Regressed
    } else if -threshold < lower && upper < threshold {
        Decision::Equivalent
    } else if better && upper < 0.0 {
        Decision::Improved
    } else {
        Decision::Inconclusive
    }
}

/// Pairs that scatter around another middle as they do around theirs have bounds that lie as far from it. So a worsening is
/// called a regression from where the lower bound at the level of the interval passes the threshold and the one at the level of
/// the strictest test passes zero.
fn detectable(estimate: Option<f64>, lower: Option<f64>, strictest: Option<f64>, threshold: f64) -> Option<f64> {
    let estimate = estimate?;
    Some((threshold + estimate - lower?).max(estimate - strictest?))
}

/// What the metrics come to together: regressed if one is; inconclusive if one that decides is, or if none decides; improved if one is
/// and nothing speaks against it; or else equivalent.
pub fn overall(assessments: &[Assessment]) -> Decision {
    let decides = || assessments.iter().filter(|assessment| assessment.gated);
    let any = |decision| decides().any(|assessment| assessment.decision == decision);
    if any(Decision::Regressed) {
        Decision::Regressed
    } else if any(Decision::Inconclusive) || decides().next().is_none() {
        Decision::Inconclusive
    } else if any(Decision::Improved) {
        Decision::Improved
    } else {
        Decision::Equivalent
    }
}

#[cfg(test)]
mod tests {
    use super::super::looks::Looks;
    use super::*;

    fn asked(metric: Metric) -> Asked {
        Asked { metric, min_effect: metric.min_effect(), gated: true }
    }

    /// Pairs whose candidate is `factor` times the baseline, with a scatter of `scatter` that sums to nothing.
    fn pairs(pairs: usize, factor: f64, scatter: f64) -> Vec<(f64, f64)> {
        let noise = |i: usize| 1.0 + scatter * (i as f64 / (pairs - 1) as f64 - 0.5);
        (0..pairs).map(|i| (100.0, 100.0 * factor * noise(i))).collect()
    }

    fn one(metric: Metric, values: Vec<(f64, f64)>) -> Assessment {
        let level = Looks::once(values.len()).level(0);
        assess(&[Observed { asked: asked(metric), values, not_gated: None }], level).remove(0)
    }

    #[test]
    fn each_decision_has_its_pairs() {
        let decision = |factor, scatter| one(Metric::PutP50, pairs(10, factor, scatter)).decision;
        assert_eq!(decision(1.2, 0.05), Decision::Regressed);
        assert_eq!(decision(1.0, 0.05), Decision::Equivalent);
        assert_eq!(decision(0.8, 0.05), Decision::Improved);
        // Worse beyond chance, but by less than what matters for sure.
        assert_eq!(decision(1.05, 0.05), Decision::Inconclusive);
        assert_eq!(decision(1.0, 0.9), Decision::Inconclusive);
    }

    #[test]
    fn less_throughput_is_the_regression() {
        assert_eq!(one(Metric::Throughput, pairs(10, 0.9, 0.01)).decision, Decision::Regressed);
        assert_eq!(one(Metric::Throughput, pairs(10, 1.1, 0.01)).decision, Decision::Improved);
    }

    #[test]
    fn one_pair_can_never_tell() {
        let assessment = one(Metric::PutP50, vec![(100.0, 900.0)]);
        assert_eq!(
            (assessment.decision, assessment.lower, assessment.detectable),
            (Decision::Inconclusive, None, None)
        );
        assert!((assessment.estimate.unwrap() - 9f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn what_was_detectable_is_where_the_decision_changes() {
        let found = one(Metric::PutP50, pairs(10, 1.0, 0.3));
        let (center, detectable) = (found.estimate.unwrap(), found.detectable.unwrap());
        let shifted = |by: f64| {
            let moved = pairs(10, 1.0, 0.3).iter().map(|(b, c)| (*b, c * (by - center).exp())).collect();
            one(Metric::PutP50, moved).decision
        };
        assert_eq!(shifted(detectable * 1.001), Decision::Regressed);
        assert_eq!(shifted(detectable * 0.999), Decision::Inconclusive);
    }

    #[test]
    fn a_metric_that_does_not_decide_makes_no_verdict() {
        let bad = Observed { asked: asked(Metric::PutP50), values: pairs(10, 2.0, 0.01), not_gated: None };
        let good = Observed { asked: asked(Metric::Throughput), values: pairs(10, 1.0, 0.01), not_gated: None };
        let level = Looks::once(10).level(0);
        assert_eq!(overall(&assess(&[bad.clone(), good.clone()], level)), Decision::Regressed);
        let excused = Observed { not_gated: Some("too few".to_owned()), ..bad };
        let assessments = assess(&[excused.clone(), good], level);
        assert_eq!(overall(&assessments), Decision::Equivalent);
        assert_eq!((assessments[0].adjusted, assessments[1].adjusted.is_some()), (None, true));
        assert_eq!(overall(&assess(&[excused], level)), Decision::Inconclusive);
        assert_eq!(overall(&[]), Decision::Inconclusive);
    }

    #[test]
    fn more_metrics_make_each_test_stricter() {
        // Seven pairs that all point one way: enough for one metric, not for two.
        let regressed = |metrics: usize| {
            let values = pairs(7, 1.3, 0.01);
            let observed = Observed { asked: asked(Metric::PutP50), values, not_gated: None };
            assess(&vec![observed; metrics], Looks::once(7).level(0))[0].decision
        };
        assert_eq!((regressed(1), regressed(2)), (Decision::Regressed, Decision::Inconclusive));
    }
}
