//! A candidate against a baseline, and a run among those before it.
//!
//! What was simulated is compared for equality ([`differences`]): counts in virtual time have no noise. What was measured is compared by
//! whole runs in pairs ([`assess`]): the unit of replication is a run, never a record or a second of one. A history of runs is
//! searched for change points ([`change_points`]). `docs/gate.md` has the method, its error rates, and what it does not promise.

mod bench;
#[cfg(test)]
mod calibration;
mod comparable;
mod comparison;
mod divisive;
mod exact;
mod gate;
mod holm;
mod location;
mod looks;
mod metric;
mod pairing;
mod quantile;
mod sign_flip;
mod trend;

pub use bench::{BENCH_SCHEMA_VERSION, Bench, BenchEnd, BenchRun, SideName, order};
pub use comparable::{Comparability, comparability};
pub use comparison::{Comparison, Method, Pair, Readings, SCHEMA_VERSION, Settings, Side, compare, observe, readings};
pub use divisive::{ChangePoint, LONGEST_SERIES, SHORTEST_SEGMENT, SIGNIFICANCE, change_points};
pub use exact::{Difference, ListDifference, differences};
pub use gate::{Asked, Assessment, Decision, Observed, assess, overall};
pub use holm::holm;
pub use location::{hodges_lehmann, median};
pub use looks::{BOUND_MISSES, FALSE_ALARM, Level, Looks};
pub use metric::{Metric, Reading};
pub use pairing::{Excluded, Paired, Run, pair};
pub use quantile::{FEWEST_BEYOND, beyond, order_statistics};
pub use sign_flip::{MOST_PAIRS, SignFlip, fewest_pairs, floor};
pub use trend::{Series, Trend, Undated, trends};
