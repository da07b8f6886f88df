//! A token bucket, and what it refuses.

use std::ops::{AddAssign, Mul};

/// Tokens that refill at `rate` per second, up to `burst`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bucket {
    pub rate: f64,
    pub burst: f64,
}

/// What is refused in a time, on average.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Lost {
    pub tokens: f64,
    pub records: f64,
}

impl AddAssign for Lost {
    fn add_assign(&mut self, other: Self) {
        *self = Self { tokens: self.tokens + other.tokens, records: self.records + other.records };
    }
}

impl Mul<f64> for Lost {
    type Output = Self;

    fn mul(self, by: f64) -> Self {
        Self { tokens: self.tokens * by, records: self.records * by }
    }
}

/// The grid of a full bucket.
pub(crate) fn full(cells: usize) -> Vec<f64> {
    let mut full = vec![0.0; cells];
    full[0] = 1.0;
    full
}
