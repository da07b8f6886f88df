//! Searches: the highest load that a configuration sustains within its objectives (its load capacity), and the fewest shards that sustain a
//! load (its resource demand), each by bisection, several times over.
//!
//! A trial is a whole run, and it sustains the load if it meets every objective. Each repeat has its own seed and finds its own boundary; the
//! range from the lowest to the highest of n boundaries holds the median of all seeds with a confidence of 1 - 2^(1-n), whatever
//! their distribution (order statistics). A boundary is one between what sustains and what does not: where more shards
//! can be worse, because the keys fall otherwise, there may be others.

mod model;

use rayon::prelude::*;
use serde::Serialize;

pub use model::{capacity as modelled_capacity, demand as modelled_demand};

use crate::scenario::{MOST_RECORDS, MOST_SHARDS, Scenario};
use crate::seed::Seed;
use crate::units::Rate;

/// Bracketing gives up this far from where it began, as a factor.
const FARTHEST: f64 = 1_000.0;
/// The first step away from where a search begins.
const FIRST_STEP: f64 = 1.25;

/// What is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// The highest load, as a factor on that of the scenario, to this relative precision.
    Load {
        /// How near the boundary is known, such as 0.02.
        precision: f64,
    },
    /// The fewest shards.
    Shards,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trial {
    /// Which repeat it belongs to, from 0.
    pub repeat: u32,
    /// Factor on the load of the scenario.
    pub load: f64,
    /// Shards of the stream.
    pub shards: u32,
    /// What came of it.
    pub outcome: TrialOutcome,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum TrialOutcome {
    /// It met every objective.
    Sustained,
    /// It did not.
    Missed {
        /// What it missed, for people.
        missed: Vec<String>,
    },
    /// It does not count; another took its place.
    Void {
        /// Why.
        reasons: Vec<String>,
    },
}

/// Why a search has no end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// It was stopped.
    #[error("the search was interrupted")]
    Interrupted,
    /// A run could not be made, or did not count twice over.
    #[error("{0}")]
    Trial(String),
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// The boundary of each repeat, ascending: the highest factor on the load, or the fewest shards, that sustains. A repeat in which nothing
    /// did has none.
    pub boundaries: Vec<f64>,
    /// The boundary in the middle, of an even number the one of the two that promises less; `None` if half of the repeats have none.
    pub median: Option<f64>,
    /// Repeats that were made.
    pub repeats: u32,
    /// Whether some repeat came to the end of what is searched and still sustained: the boundary is farther.
    pub open_ended: bool,
}

impl Found {
    /// The lowest and the highest boundary.
    pub fn range(&self) -> Option<(f64, f64)> {
        self.boundaries.first().copied().zip(self.boundaries.last().copied())
    }

    /// How sure it is that the range holds the median over all seeds.
    pub fn confidence(&self) -> f64 {
        if self.boundaries.len() as u32 == self.repeats { 1.0 - 0.5f64.powi(self.repeats as i32 - 1) } else { 0.0 }
    }
}

/// A question, what the model says, and what was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// What was searched for.
    pub question: Question,
    /// Factor on the load of the scenario; 1 where that is what was searched.
    pub load: f64,
    /// Mean rate of that load.
    pub rate: Rate,
    /// Shards of the scenario.
    pub shards: u32,
    /// The same by the analytical model: a factor on the load, or shards.
    pub modelled: Option<f64>,
    /// What was found; `None` if the search did not come to an end.
    pub found: Option<Found>,
    /// All runs.
    pub trials: Vec<Trial>,
}

/// How trials are made.
pub struct Trials<'a> {
    /// The scenario with so many shards; `None` if it cannot have them.
    pub with_shards: &'a (dyn Fn(u32) -> Option<Scenario> + Sync),
    /// Makes a run and says what came of it.
    pub run: &'a (dyn Fn(&Scenario) -> Result<TrialOutcome, SearchError> + Sync),
    /// Is told of each trial as it is over.
    pub done: &'a (dyn Fn(&Trial) + Sync),
}

/// Searches, from where the model says that the boundary is. Repeats go on in parallel, as the thread pool allows.
///
/// # Errors
/// The first that a trial had.
pub fn search(
    question: Question,
    load: f64,
    start: f64,
    repeats: u32,
    scenario: &Scenario,
    trials: &Trials<'_>,
) -> Result<Found, SearchError> {
    let of_repeat = |repeat: u32| match question {
        Question::Load { precision } => capacity(repeat, start, precision, scenario, trials),
        Question::Shards => demand(repeat, load, start, trials),
    };
    let boundaries: Vec<(Option<f64>, bool)> = (0..repeats).into_par_iter().map(of_repeat).collect::<Result<_, _>>()?;
    let open_ended = boundaries.iter().any(|(_, open)| *open);
    let mut boundaries: Vec<f64> = boundaries.into_iter().filter_map(|(boundary, _)| boundary).collect();
    boundaries.sort_by(f64::total_cmp);
    let middle = match question {
        Question::Load { .. } => boundaries.len().saturating_sub(1) / 2,
        Question::Shards => boundaries.len() / 2,
    };
    let median = boundaries.get(middle).copied().filter(|_| boundaries.len() * 2 > repeats as usize);
    Ok(Found { boundaries, median, repeats, open_ended })
}

/// One run of a scenario; one that is void is made again once.
fn trial(repeat: u32, load: f64, shards: u32, trials: &Trials<'_>) -> Result<bool, SearchError> {
    let Some(scenario) = (trials.with_shards)(shards) else { return Ok(false) };
    let Some(mut scenario) = scenario.with_load(load) else {
        return Err(SearchError::Trial("recorded arrivals have no rate that could be changed".to_owned()));
    };
    scenario.seed = Seed(scenario.seed.0.wrapping_add(repeat.into()));
    for _ in 0..2 {
        let outcome = (trials.run)(&scenario)?;
        let sustained = match &outcome {
            TrialOutcome::Sustained => Some(true),
            TrialOutcome::Missed { .. } => Some(false),
            TrialOutcome::Void { .. } => None,
        };
        let trial = Trial { repeat, load, shards, outcome };
        (trials.done)(&trial);
        if let Some(sustained) = sustained {
            return Ok(sustained);
        }
    }
    let rate = scenario.mean_rate();
    Err(SearchError::Trial(format!(
        "at {rate} the run was void twice: not the stream but the generator is the limit; use a larger machine"
    )))
}

/// The highest load that one seed sustains, and whether it is the end of what is searched.
fn capacity(
    repeat: u32,
    start: f64,
    precision: f64,
    scenario: &Scenario,
    trials: &Trials<'_>,
) -> Result<(Option<f64>, bool), SearchError> {
    let shards = scenario.stream.shards;
    let sustains = |load: f64| trial(repeat, load, shards, trials);
    let records = scenario.workload().count().max(1) as f64;
    let (least, most) = (start / FARTHEST, (start * FARTHEST).min(MOST_RECORDS as f64 / records));
    let begin = start.clamp(least, most);
    let (mut good, mut bad) = if sustains(begin)? { (Some(begin), None) } else { (None, Some(begin)) };
    let mut step = FIRST_STEP;
    while good.is_none() || bad.is_none() {
        match (good, bad) {
            (Some(load), None) if load >= most => return Ok((good, true)),
            (Some(load), None) => {
                let next = (load * step).min(most);
                *(if sustains(next)? { &mut good } else { &mut bad }) = Some(next);
            }
            (None, Some(load)) if load <= least => return Ok((None, false)),
            (_, Some(load)) => {
                let next = (load / step).max(least);
                *(if sustains(next)? { &mut good } else { &mut bad }) = Some(next);
            }
            (None, None) => break,
        }
        step *= step.sqrt();
    }
    let (Some(mut good), Some(mut bad)) = (good, bad) else { return Ok((None, false)) };
    while bad / good > 1.0 + precision {
        let middle = (good * bad).sqrt();
        *(if sustains(middle)? { &mut good } else { &mut bad }) = middle;
    }
    Ok((Some(good), false))
}

/// The fewest shards with which one seed sustains the load.
fn demand(repeat: u32, load: f64, start: f64, trials: &Trials<'_>) -> Result<(Option<f64>, bool), SearchError> {
    let sustains = |shards: u32| trial(repeat, load, shards, trials);
    let begin = (start.round() as u32).clamp(1, MOST_SHARDS);
    // Fewer than one shard sustain nothing.
    let (mut good, mut bad) = if sustains(begin)? { (Some(begin), 0) } else { (None, begin) };
    let mut step = 1;
    let mut bracketed = false;
    while !bracketed {
        match good {
            Some(shards) => {
                let next = shards.saturating_sub(step).max(bad);
                if next == bad {
                    bracketed = true;
                } else if sustains(next)? {
                    good = Some(next);
                } else {
                    (bad, bracketed) = (next, true);
                }
            }
            None if bad >= MOST_SHARDS => return Ok((None, false)),
            None => {
                let next = bad.saturating_add(step).min(MOST_SHARDS);
                if sustains(next)? {
                    (good, bracketed) = (Some(next), true);
                } else {
                    bad = next;
                }
            }
        }
        step *= 2;
    }
    let Some(mut good) = good else { return Ok((None, false)) };
    while good - bad > 1 {
        let middle = bad + (good - bad) / 2;
        *(if sustains(middle)? { &mut good } else { &mut bad }) = middle;
    }
    Ok((Some(f64::from(good)), false))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Mutex;

    use super::*;
    use crate::kinesis::Profile;
    use crate::scenario;

    fn with_shards(shards: u32) -> Option<Scenario> {
        let toml = format!(
            "seed = 5\nstream.shards = {shards}\nload = {{ rate = \"1000/s\", duration = \"10s\" }}\nrecords.size = \"1 KiB\"\n\
             keys = {{ distribution = \"uniform\", count = 2 }}"
        );
        scenario::parse(Path::new("a.toml"), &toml, &[], &Profile::newest()).ok()
    }

    /// A stream of which each shard sustains 700 records/s, and a little more or less with each seed.
    fn threshold(scenario: &Scenario) -> f64 {
        f64::from(scenario.stream.shards) * 700.0 * (1.0 + (scenario.seed.0 as f64 - 7.0) / 100.0)
    }

    fn judged(scenario: &Scenario) -> Result<TrialOutcome, SearchError> {
        let sustained = scenario.mean_rate().0 <= threshold(scenario);
        Ok(if sustained { TrialOutcome::Sustained } else { TrialOutcome::Missed { missed: Vec::new() } })
    }

    fn found(question: Question, load: f64, start: f64, shards: u32) -> (Found, Vec<Trial>) {
        let made = Mutex::new(Vec::new());
        let done = |trial: &Trial| made.lock().unwrap().push(trial.clone());
        let trials = Trials { with_shards: &with_shards, run: &judged, done: &done };
        let found = search(question, load, start, 5, &with_shards(shards).unwrap(), &trials).unwrap();
        (found, made.into_inner().unwrap())
    }

    #[test]
    fn the_load_capacity_of_each_seed_is_found_to_the_precision_from_anywhere() {
        for start in [0.01, 1.0, 2.05, 50.0] {
            let (found, trials) = found(Question::Load { precision: 0.01 }, 1.0, start, 3);
            assert_eq!(found.boundaries.len(), 5);
            // Seeds 5 to 9: 2 % less to 2 % more than 2,100/s.
            for (boundary, seed) in found.boundaries.iter().zip(5..) {
                let most = 2.1 * (1.0 + (f64::from(seed) - 7.0) / 100.0);
                assert!(*boundary <= most && *boundary * 1.01 > most, "{boundary} for {most}");
            }
            assert!(found.range().unwrap().0 <= found.median.unwrap());
            assert!((found.confidence() - 0.9375).abs() < 1e-12 && !found.open_ended);
            assert!(trials.len() < 5 * 25, "{} trials from {start}", trials.len());
        }
    }

    #[test]
    fn the_fewest_shards_are_found_from_anywhere() {
        for start in [1.0, 4.0, 5.0, 6.0, 300.0] {
            let (found, trials) = found(Question::Shards, 3.5, start, 1);
            // 3,500 records/s: 5 shards of 700, or 6 where they are a little less.
            assert_eq!(found.boundaries, [5.0, 5.0, 5.0, 6.0, 6.0]);
            assert!(trials.iter().all(|trial| trial.load == 3.5));
        }
        assert_eq!(found(Question::Shards, 0.1, 2.0, 1).0.boundaries, [1.0; 5]);
    }

    #[test]
    fn of_two_in_the_middle_the_one_that_promises_less_is_the_median() {
        let trials = Trials { with_shards: &with_shards, run: &judged, done: &|_| {} };
        let scenario = with_shards(1).unwrap();
        // Of seeds 5 to 8, two need six shards and two need five.
        let shards = search(Question::Shards, 3.5, 5.0, 4, &scenario, &trials).unwrap();
        assert_eq!((shards.boundaries, shards.median), (vec![5.0, 5.0, 6.0, 6.0], Some(6.0)));
        let load = search(Question::Load { precision: 0.001 }, 1.0, 1.0, 2, &scenario, &trials).unwrap();
        assert_eq!(load.median, Some(load.boundaries[0]));
    }

    #[test]
    fn what_never_sustains_and_what_always_does_ends() {
        let run = |outcome: TrialOutcome| {
            let run = move |_: &Scenario| Ok(outcome.clone());
            let trials = Trials { with_shards: &with_shards, run: &run, done: &|_| {} };
            let scenario = with_shards(1).unwrap();
            let load = search(Question::Load { precision: 0.01 }, 1.0, 1.0, 2, &scenario, &trials).unwrap();
            (load, search(Question::Shards, 1.0, 3.0, 2, &scenario, &trials).unwrap())
        };
        let (load, shards) = run(TrialOutcome::Missed { missed: Vec::new() });
        assert_eq!((load.median, load.confidence(), shards.median), (None, 0.0, None));
        let (load, shards) = run(TrialOutcome::Sustained);
        assert!(load.open_ended && load.median == Some(1_000.0));
        assert_eq!(shards.median, Some(1.0));
    }

    #[test]
    fn a_void_run_is_made_again_once() {
        let count = std::sync::atomic::AtomicU32::new(0);
        let voids = |most: u32| {
            count.store(0, std::sync::atomic::Ordering::Relaxed);
            let made = Mutex::new(0);
            let run = |scenario: &Scenario| {
                let void = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < most;
                if void { Ok(TrialOutcome::Void { reasons: vec!["late".to_owned()] }) } else { judged(scenario) }
            };
            let done = |_: &Trial| *made.lock().unwrap() += 1;
            let trials = Trials { with_shards: &with_shards, run: &run, done: &done };
            (search(Question::Shards, 1.0, 2.0, 1, &with_shards(1).unwrap(), &trials), made.into_inner().unwrap())
        };
        let (found, made) = voids(1);
        assert_eq!((found.unwrap().boundaries, made), (vec![2.0], 3));
        assert!(voids(2).0.unwrap_err().to_string().contains("void twice"));
    }
}
