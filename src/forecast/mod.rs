//! What happens to a load: what each shard is offered and refuses, how long puts and readers take, and what becomes of it over a month.
//!
//! [`Flows`] is the load against the shards of a stream; [`Played`] is the scenario's own stream, from which the [`Forecast`] is read.

mod autoscaling;
mod billed;
mod bucket;
mod burst;
mod catch_up;
mod delivery;
mod demand;
mod flow;
mod jumps;
mod lag;
mod packing;
mod placement;
mod played;
mod poller;
mod processing;
mod put_latency;
mod shard;
mod skew;

pub use autoscaling::ScalingMinute;
pub(crate) use autoscaling::{Curve, Loss, ShardMinutes, fixed_for_peak, on_demand, scaled};
#[cfg(test)]
pub(crate) use billed::Billed;
pub(crate) use burst::Step;
pub use catch_up::CatchUp;
pub(crate) use catch_up::longest_outage;
pub(crate) use delivery::Delivery;
pub(crate) use demand::Demand;
pub(crate) use flow::{Flows, ShardFlow};
#[cfg(test)]
pub(crate) use flow::{judged_seconds, replay};
pub use lag::LagForecast;
pub(crate) use lag::Reading;
#[cfg(test)]
pub(crate) use packing::Packing;
#[cfg(test)]
pub(crate) use placement::PLACED_KEYS;
pub(crate) use placement::Placement;
pub(crate) use played::Played;
pub use played::{Forecast, expected_load};
pub(crate) use poller::{Poller, calls_asked, pollers};
pub(crate) use processing::{capacity as processing_capacity, largest_batch};
pub use put_latency::PutForecast;
pub(crate) use put_latency::{batchings, mean_wait, put_forecast};
pub use shard::ShardForecast;
pub(crate) use skew::skew;
pub use skew::{SkewForecast, SkewRow};
