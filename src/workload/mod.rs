//! The workload: the pure sequence of arrivals that a scenario asks for.
//!
//! Arrival k is a function of (seed, k): when it is due, its partition key, its size and its payload do not depend on who
//! asks for it or in which order.

mod key_weights;
mod keys;
mod payload;
mod poisson;
mod schedule;
mod shape;
mod sizes;
mod template;
mod tenants;
mod trace;

use std::sync::Arc;

pub use key_weights::{HeaviestKeys, KeyWeight};
pub use keys::Keys;
pub use payload::{Data, Filling, HEADER_BYTES, Header, HeaderError, JSON_BYTES, Payloads, SMALLEST_RECORD};
pub use poisson::Poisson;
pub use schedule::{Position, Schedule};
pub use shape::{Burst, LINES_PER_PERIOD, Line, Shape};
pub use sizes::Sizes;
pub(crate) use sizes::{capped_pareto_mean, cumulative, place_of};
pub use template::Template;
pub use tenants::Tenants;
pub use trace::{Trace, TraceColumns, TraceError};

use crate::seed::{NamedSeed, Seed, mix};
use crate::time::Time;

/// A record that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Its number in the run, from 0.
    pub index: u64,
    /// When it is due.
    pub intended: Time,
    /// Its partition key.
    pub key: Arc<str>,
    /// The hash key that overrides the MD5 of the partition key.
    pub explicit_hash_key: Option<u128>,
    /// Size of its data blob in bytes, verification header included.
    pub size: u32,
}

/// The sequence of arrivals.
#[derive(Debug, Clone)]
pub struct Workload {
    schedule: Schedule,
    keys: Keys,
    sizes: Sizes,
    key_seed: NamedSeed,
    size_seed: NamedSeed,
    /// Number of arrivals.
    count: u64,
}

impl Workload {
    /// The arrivals of `schedule` that are due before `end`.
    pub fn new(schedule: Schedule, keys: Keys, sizes: Sizes, end: Time, seed: Seed) -> Self {
        let count = schedule.count_before(end);
        Self {
            schedule,
            keys,
            sizes,
            key_seed: seed.named("workload.key"),
            size_seed: seed.named("workload.size"),
            count,
        }
    }

    /// Number of arrivals.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// When the arrivals are due.
    pub const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Which partition keys they have.
    pub const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// How large they are.
    pub const fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    /// When arrival `index` is due.
    pub fn intended(&self, index: u64) -> Time {
        self.schedule.when(Position::of_arrival(index)).unwrap_or(Time::NEVER)
    }

    /// Arrival `index`.
    pub fn arrival(&self, index: u64) -> Arrival {
        self.arrival_at(index, self.intended(index))
    }

    /// Arrival `index` of a load whose records are due when there is room for them: `intended`.
    pub fn arrival_at(&self, index: u64, intended: Time) -> Arrival {
        Arrival {
            index,
            intended,
            key: self.keys.pick(index, intended, self.key_seed),
            explicit_hash_key: self.keys.hash_key(index),
            size: self.sizes.pick(index, self.size_seed),
        }
    }
}

impl Arrival {
    /// A hash of all that the arrival is. Its data are a function of its number, its size, its intended time, its key and the `source` that
    /// they are cut from ([`Payloads::source`]): the hash of these stands for the data, which need not be made for it, and leaves out
    /// only the number of the run. The sum of the hashes of a load says whether two processes, or many, have offered the same records.
    pub fn digest(&self, source: u64) -> u64 {
        let fields = [self.index, self.intended.as_nanos(), u64::from(self.size), self.key.len() as u64];
        let hash_key = self.explicit_hash_key.map(|key| [key as u64, (key >> 64) as u64, 1]);
        let key = self.key.as_bytes().chunks(8).map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_be_bytes(word)
        });
        fields.into_iter().chain(hash_key.into_iter().flatten()).chain(key).fold(source, |hash, word| mix(hash ^ word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Bytes, Rate};

    fn workload(seed: u64) -> Workload {
        let keys = Keys::zipf(1_000, 1.1).unwrap();
        let sizes = Sizes::log_normal(Bytes(800), Bytes(4_000), Bytes(64), Bytes(1 << 20)).unwrap();
        Workload::new(Schedule::constant(Rate(1_000.0)), keys, sizes, Time::from_secs(3), Seed(seed))
    }

    #[test]
    fn arrivals_depend_on_the_seed_and_the_index_only() {
        let (one, same, other) = (workload(7), workload(7), workload(8));
        let forwards: Vec<Arrival> = (0..one.count()).map(|k| one.arrival(k)).collect();
        let backwards: Vec<Arrival> = (0..same.count()).rev().map(|k| same.arrival(k)).collect();
        assert!(forwards.iter().eq(backwards.iter().rev()));
        assert_ne!(forwards, (0..other.count()).map(|k| other.arrival(k)).collect::<Vec<_>>());
    }

    #[test]
    fn the_parts_of_a_workload_are_the_whole() {
        let digest = |seed, part: usize, parts: usize| {
            let workload = workload(seed);
            (0..workload.count())
                .skip(part)
                .step_by(parts)
                .map(|k| workload.arrival(k).digest(5))
                .fold(0, u64::wrapping_add)
        };
        let whole = digest(7, 0, 1);
        for parts in [2, 3, 16] {
            let sum = (0..parts).map(|part| digest(7, part, parts)).fold(0, u64::wrapping_add);
            assert_eq!(sum, whole, "{parts} parts");
        }
        assert_ne!(whole, digest(8, 0, 1));
        let arrival = workload(7).arrival(5);
        for changed in [
            Arrival { size: arrival.size + 1, ..arrival.clone() },
            Arrival { key: "other".into(), ..arrival.clone() },
            Arrival { explicit_hash_key: Some(0), ..arrival.clone() },
            Arrival { intended: Time::ZERO, ..arrival.clone() },
        ] {
            assert_ne!(changed.digest(5), arrival.digest(5));
        }
        assert_ne!(arrival.digest(5), arrival.digest(6));
    }

    #[test]
    fn the_number_of_arrivals_is_the_integral_of_the_rate() {
        assert_eq!(workload(1).count(), 3_000);
    }
}
