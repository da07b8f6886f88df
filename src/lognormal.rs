//! Lognormal distributions by two of their percentiles, as the service states its latencies.

/// The standard normal quantile z(0.99).
const Z99: f64 = 2.326_347_874_040_841;

/// The sigma of a lognormal distribution of which the 99th percentile is so many times the median: ln(p99 / median) / z(0.99).
///
/// mu is the logarithm of the median.
pub fn sigma(p99_over_median: f64) -> f64 {
    p99_over_median.ln() / Z99
}
