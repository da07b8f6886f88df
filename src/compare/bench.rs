//! The course of a bench: which runs it makes, in which order, and what became of each.

use rand::RngExt;
use serde::Serialize;

use super::comparison::{Comparison, Readings};
use super::looks::Looks;
use crate::seed::Seed;

/// Version of the schema of `bench.json`.
pub const BENCH_SCHEMA_VERSION: u32 = 1;

/// One of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SideName {
    /// What is compared with.
    Baseline,
    /// What is judged.
    Candidate,
}

impl SideName {
    /// The word for it in files and messages.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Candidate => "candidate",
        }
    }
}

/// The order of the two runs of a pair. Of every two pairs one begins with the baseline and one with the candidate, so that what
/// changes from run to run, such as a machine that warms up, meets both alike; which of the two comes first is drawn.
pub fn order(pair: usize, seed: Seed) -> [SideName; 2] {
    let block = pair as u64 / 2;
    let swapped = seed.stream("order of pairs", block).random::<bool>();
    if swapped == pair.is_multiple_of(2) {
        [SideName::Candidate, SideName::Baseline]
    } else {
        [SideName::Baseline, SideName::Candidate]
    }
}

/// A run that a bench made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BenchRun {
    /// Number of the pair, from 1.
    pub pair: usize,
    /// Which side.
    pub side: SideName,
    /// Its place among the runs of the bench, from 1; 0 for one that was made before.
    pub place: usize,
    /// Its directory below that of the bench.
    pub directory: String,
    /// Why it does not count; empty for one that does.
    pub void: Vec<String>,
    /// Its metrics.
    #[serde(skip)]
    pub readings: Readings,
}

/// How a bench ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BenchEnd {
    /// It has its verdict, perhaps that the pairs cannot tell.
    Complete,
    /// Someone stopped it.
    Interrupted,
    /// More runs were void than it may repeat.
    TooManyVoid,
    /// A run could not be made.
    Failed,
    /// It is under way.
    UnderWay,
}

/// All of a bench, as `bench.json` has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bench {
    /// [`BENCH_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Name of the scenario.
    pub scenario: String,
    /// The looks, fixed before the first run.
    pub looks: Looks,
    /// The seed of the order of the runs.
    pub order_seed: u64,
    /// Every run, in the order in which they were made.
    pub runs: Vec<BenchRun>,
    /// How it ended.
    pub end: BenchEnd,
    /// The comparison at the last look; `None` if it came to none.
    pub comparison: Option<Comparison>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_every_two_pairs_each_side_begins_one() {
        for seed in 0..20 {
            let firsts: Vec<SideName> = (0..20).map(|pair| order(pair, Seed(seed))[0]).collect();
            assert!(firsts.chunks(2).all(|two| two[0] != two[1]), "{firsts:?}");
            assert!(firsts.iter().zip(0..).all(|(first, pair)| order(pair, Seed(seed))[1] != *first));
        }
        let drawn: Vec<bool> = (0..40).map(|seed| order(0, Seed(seed))[0] == SideName::Baseline).collect();
        let baseline = drawn.iter().filter(|first| **first).count();
        assert!((10..=30).contains(&baseline), "{baseline} of 40");
    }
}
