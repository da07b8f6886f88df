//! Several tests at once.

/// Holm's adjusted p-values, in the order given (S. Holm, Scandinavian Journal of Statistics 6, 1979): those at or below a level are
/// rejected, and the chance that any of the rejections is false is at most that level, however the tests depend on one another.
///
/// The k-th smallest of m is multiplied by m - k + 1, and none is smaller than the one before it.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut least: f64 = 0.0;
    for (before, index) in order.into_iter().enumerate() {
        least = least.max(p_values[index] * (p_values.len() - before) as f64).min(1.0);
        adjusted[index] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn as_r_adjusts_them() {
        // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") is 0.03 0.06 0.06 0.02: in order 0.005 * 4, 0.01 * 3, 0.03 * 2, and
        // 0.04 * 1, which is raised to the 0.06 before it.
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-12, "{adjusted:?}");
        }
        assert_eq!(holm(&[0.6, 0.7]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn it_rejects_what_the_step_down_procedure_rejects(p_values in prop::collection::vec(0.0f64..0.2, 1..7), alpha in 0.001f64..0.2) {
            // As published: from the smallest on, reject while p is at most alpha over the number of tests that are left.
            let mut order: Vec<usize> = (0..p_values.len()).collect();
            order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
            let mut left = p_values.len();
            let mut rejected = vec![false; p_values.len()];
            for index in order {
                if p_values[index] > alpha / left as f64 {
                    break;
                }
                rejected[index] = true;
                left -= 1;
            }
            let found: Vec<bool> = holm(&p_values).iter().map(|p| *p <= alpha).collect();
            // Where a product is as good as alpha, rounding decides.
            let close = holm(&p_values).iter().any(|p| (p - alpha).abs() < 1e-12);
            prop_assert!(close || found == rejected);
        }
    }
}
