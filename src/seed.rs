//! Named, independent random streams from the one seed of a scenario.
//!
//! Every random choice of a run comes from `seed.stream(name, index)`, so that it depends on what is chosen (the name) and
//! for which item (the index), never on the order in which the choices are made.

use std::fmt;

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The generator behind every random choice: xoshiro256++, the same on every platform.
pub type Rng = Xoshiro256PlusPlus;

/// The seed of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The random stream for item `index` of the choices called `name`.
    pub fn stream(self, name: &str, index: u64) -> Rng {
        self.named(name).at(index)
    }

    /// The family of streams called `name`; hashing the name once pays where there is a stream per record.
    pub fn named(self, name: &str) -> NamedSeed {
        let hash = name.bytes().fold(FNV_OFFSET_BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
        NamedSeed(mix(self.0 ^ mix(hash)))
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A family of random streams, one per index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedSeed(u64);

impl NamedSeed {
    /// Another family, for a second choice about the same items.
    pub fn salted(self) -> Self {
        Self(mix(self.0 ^ SECOND_CHOICE))
    }

    /// The random stream of item `index`.
    pub fn at(self, index: u64) -> Rng {
        Rng::seed_from_u64(mix(self.0.wrapping_add(mix(index))))
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): a bijection in which every input bit reaches every output bit.
pub(crate) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Any constant does that is not zero.
const SECOND_CHOICE: u64 = 0x5bd1_e995_9d1b_899b;

// FNV-1a, 64 bit (http://www.isthe.com/chongo/tech/comp/fnv/): enough to tell stream names apart.
const FNV_OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;

    fn first(seed: u64, name: &str, index: u64) -> u64 {
        Seed(seed).stream(name, index).random()
    }

    #[test]
    fn a_stream_depends_on_seed_name_and_index_only() {
        assert_eq!(first(1, "keys", 7), first(1, "keys", 7));
        assert_ne!(first(1, "keys", 7), first(2, "keys", 7));
        assert_ne!(first(1, "keys", 7), first(1, "sizes", 7));
        assert_ne!(first(1, "keys", 7), first(1, "keys", 8));
    }

    #[test]
    fn neighbouring_streams_are_not_correlated() {
        let named = Seed(42).named("keys");
        let mean = (0..10_000).map(|k| named.at(k).random::<f64>()).sum::<f64>() / 10_000.0;
        // Ten standard errors of a uniform mean: 10 * 0.2887 / 100.
        assert!((mean - 0.5).abs() < 0.029, "mean {mean}");
    }
}
