//! Which of a scenario's streams something belongs to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The place of a stream among those of a scenario, from 0. A scenario has one stream today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct StreamIndex(pub u32);

impl StreamIndex {
    /// The first stream, which a result does not name.
    pub const FIRST: Self = Self(0);

    /// Whether it is the first stream.
    pub const fn is_first(&self) -> bool {
        self.0 == 0
    }
}
