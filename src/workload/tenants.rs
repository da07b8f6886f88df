//! Tenants: parts of one load that have keys and sizes of their own.

use std::sync::Arc;

use rand::RngExt;

use crate::seed::{NamedSeed, Seed};

/// Which tenant an arrival belongs to: drawn by weight, as a function of the seed and the number of the arrival.
#[derive(Debug, Clone)]
pub struct Tenants {
    names: Arc<[Arc<str>]>,
    /// The share of each tenant and all before it; the last one is 1.
    cumulative: Arc<[f64]>,
    draw: NamedSeed,
}

impl Tenants {
    /// Tenants by their names and weights, which are positive.
    pub fn new(weights: &[(String, f64)], seed: Seed) -> Self {
        let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let upto = |last: usize| weights[..=last].iter().map(|(_, weight)| weight).sum::<f64>() / total;
        let mut cumulative: Vec<f64> = (0..weights.len()).map(upto).collect();
        if let Some(last) = cumulative.last_mut() {
            *last = 1.0;
        }
        Self {
            names: weights.iter().map(|(name, _)| name.as_str().into()).collect(),
            cumulative: cumulative.into(),
            draw: seed.named("workload.tenant"),
        }
    }

    /// Their names, in the order of the scenario.
    pub fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    /// What part of the arrivals each one has.
    pub fn shares(&self) -> impl Iterator<Item = f64> {
        let before = std::iter::once(0.0).chain(self.cumulative.iter().copied());
        self.cumulative.iter().zip(before).map(|(upto, before)| upto - before)
    }

    /// Index of the tenant of arrival `index`.
    pub fn pick(&self, index: u64) -> usize {
        let drawn = self.draw.at(index).random::<f64>();
        self.cumulative.partition_point(|upto| *upto <= drawn).min(self.names.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_get_their_shares() {
        let tenants = Tenants::new(&[("large".to_owned(), 3.0), ("small".to_owned(), 1.0)], Seed(4));
        assert_eq!(tenants.shares().collect::<Vec<_>>(), [0.75, 0.25]);
        let small = (0..10_000).filter(|index| tenants.pick(*index) == 1).count();
        // Five standard errors of 10,000 draws with a share of a quarter: 217.
        assert!(small.abs_diff(2_500) < 217, "{small}");
    }
}
