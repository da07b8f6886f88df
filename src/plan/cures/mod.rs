//! What would help a stream that throttles, or of which a shard is too full.

mod diagnosed;
mod planned;
mod study;

pub use diagnosed::diagnose;
pub(super) use planned::planned;
