//! Which run of the baseline belongs to which of the candidate.

use serde::Serialize;

use crate::result::RunResult;
use crate::verdict::void_reasons;

/// A run, as it was found.
#[derive(Debug, Clone)]
pub struct Run {
    /// The name of its directory or file.
    pub name: String,
    /// What it produced.
    pub result: RunResult,
}

/// A run that does not count, and takes its partner with it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Excluded {
    /// `baseline` or `candidate`.
    pub side: &'static str,
    /// Its name.
    pub run: String,
    /// Why it does not count, in full sentences.
    pub reasons: Vec<String>,
}

/// The runs in pairs.
#[derive(Debug, Default)]
pub struct Paired {
    /// Baseline and candidate.
    pub pairs: Vec<(Run, Run)>,
    /// Runs that are void; neither they nor their partners are in a pair.
    pub excluded: Vec<Excluded>,
    /// What a reader has to know of the pairing.
    pub warnings: Vec<String>,
}

/// Pairs runs by their names, if both sides have the same ones, or else in the order in which they began. Pairs with a void run
/// are left out, and beyond `most` pairs the last ones.
pub fn pair(mut baseline: Vec<Run>, mut candidate: Vec<Run>, most: usize) -> Paired {
    let mut paired = Paired::default();
    let by_name = |runs: &mut Vec<Run>| runs.sort_by(|a, b| a.name.cmp(&b.name));
    by_name(&mut baseline);
    by_name(&mut candidate);
    let same_names =
        baseline.len() == candidate.len() && baseline.iter().zip(&candidate).all(|(a, b)| a.name == b.name);
    if !same_names {
        // The sort is stable: what began in the same second stays in the order of the names.
        baseline.sort_by(|a, b| a.result.started.cmp(&b.result.started));
        candidate.sort_by(|a, b| a.result.started.cmp(&b.result.started));
        if baseline.len().max(candidate.len()) > 1 {
            paired.warnings.push(
                "The runs of the two sides have different names: they are paired in the order in which they began."
                    .to_owned(),
            );
        }
    }
    if baseline.len() != candidate.len() {
        paired.warnings.push(format!(
            "There are {} runs of the baseline and {} of the candidate: those without a partner are left out.",
            baseline.len(),
            candidate.len()
        ));
    }
    for (a, b) in baseline.into_iter().zip(candidate) {
        let excluded = [excluded("baseline", &a), excluded("candidate", &b)];
        let void = excluded.iter().any(Option::is_some);
        paired.excluded.extend(excluded.into_iter().flatten());
        if !void {
            paired.pairs.push((a, b));
        }
    }
    if paired.pairs.len() > most {
        paired.warnings.push(format!(
            "There are {} pairs: the first {most} are compared, which is as many as the exact test enumerates.",
            paired.pairs.len()
        ));
        paired.pairs.truncate(most);
    }
    paired
}

fn excluded(side: &'static str, run: &Run) -> Option<Excluded> {
    let reasons = void_reasons(&run.result);
    (!reasons.is_empty()).then(|| Excluded { side, run: run.name.clone(), reasons })
}
