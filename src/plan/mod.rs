//! The plan of a scenario: what happens to its load, what that needs and costs, and what to do about it.

mod concerns;
mod cures;
#[cfg(test)]
mod grids;
mod prediction;
mod recommendation;

pub use concerns::concerns;
pub use cures::diagnose;
pub use prediction::{Plan, predict};
pub use recommendation::{ReaderAdvice, Recommendation};
