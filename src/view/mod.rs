//! What is shown of a run while it goes on: a line, a full screen, lines of JSON, a page of metrics.
//!
//! A [`State`] is a function of the snapshots that the engine gives, and each form is a function of the state: nothing here
//! reads a clock or writes to a terminal.

pub mod json;
pub mod metrics;
#[cfg(feature = "tui")]
pub mod screen;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::{ConsumerProgress, OpenShard, Phase, Progress};
use crate::kinesis::Profile;
use crate::measure::{EventRecord, Interval, ShardInterval};
use crate::report::printable;
use crate::scenario::Scenario;
use crate::time::Time;
use crate::units;

/// What does not change during a run.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// Name of the scenario.
    pub scenario: String,
    /// Where calls go, in words.
    pub target: String,
    /// The seed of every random choice.
    pub seed: u64,
    /// How long load is offered.
    pub duration: Duration,
    /// The first part of it, which is not judged.
    pub warm_up: Duration,
    /// How long answers and consumers are waited for at most.
    pub drain: Duration,
    /// Beyond it, the generator is too late and the run void.
    pub lateness_bound: Duration,
    /// What a shard takes per second.
    pub records_per_shard: u64,
    /// What a shard takes per second, in bytes.
    pub bytes_per_shard: u64,
    /// Processors that this process may use.
    pub processors: u32,
}

/// A run as far as it has come.
#[derive(Debug, Clone)]
pub struct State {
    about: About,
    progress: Progress,
    seconds: VecDeque<Second>,
    heat: VecDeque<Heat>,
    lines: VecDeque<(Time, String)>,
    stopping: bool,
}

/// One second, for curves over time; `None` where nobody was told of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Second {
    offered: Option<u64>,
    accepted: Option<u64>,
    throttled: Option<u64>,
    response_p99: Option<u64>,
}

/// How full each shard was in one second.
#[derive(Debug, Clone)]
struct Heat {
    shards: Arc<[OpenShard]>,
    loads: Vec<ShardLoad>,
}

/// How full a shard was in one second.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ShardLoad {
    /// What it took as a part of its write quota, by records or by bytes: whichever is more.
    pub utilisation: f64,
    /// Whether it throttled an attempt.
    pub throttled: bool,
}

impl About {
    /// What is to be known of the run of `scenario` on `target`.
    pub fn new(scenario: &Scenario, profile: &Profile, target: String, processors: u32) -> Self {
        Self {
            scenario: scenario.name.clone(),
            target,
            seed: scenario.seed.0,
            duration: scenario.load.duration,
            warm_up: scenario.load.warm_up,
            drain: scenario.load.drain,
            lateness_bound: scenario.load.lateness_bound,
            records_per_shard: profile.write.records_per_second,
            bytes_per_shard: profile.write.bytes_per_second,
            processors,
        }
    }
}

impl State {
    /// The state of a run that has not begun.
    pub fn new(about: About) -> Self {
        let (seconds, heat, lines) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
        Self { about, progress: Progress::default(), seconds, heat, lines, stopping: false }
    }

    /// Takes a snapshot in.
    pub fn handle_progress(&mut self, progress: Progress) {
        if let Some(interval) = &progress.last_second {
            self.handle_second(interval, &progress.shards);
        }
        self.progress = progress;
    }

    /// Takes in a line of a log, or a note.
    pub fn handle_line(&mut self, line: &str) {
        self.lines.push_back((self.progress.now, printable(line)));
        drop_beyond(&mut self.lines, LINES_MAX);
    }

    /// The run was asked to stop.
    pub fn handle_stop(&mut self) {
        self.stopping = true;
    }

    /// What does not change.
    pub const fn about(&self) -> &About {
        &self.about
    }

    /// The last snapshot.
    pub const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Whether the run was asked to stop.
    pub const fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// How long load is still offered; while the run drains, how long it may still wait.
    pub fn left(&self) -> Duration {
        let end = Time::ZERO + self.about.duration;
        match self.progress.phase {
            Phase::Preparing => self.about.duration,
            Phase::Load => end.since(self.progress.now),
            Phase::Draining => (end + self.about.drain).since(self.progress.now),
        }
    }

    /// The part of the load that is over, from 0 to 1.
    pub fn done(&self) -> f64 {
        (self.progress.now.as_secs_f64() / self.about.duration.as_secs_f64().max(1e-9)).min(1.0)
    }

    /// How full the shards were that were open in the last second, in hash key order.
    pub fn shards(&self) -> impl DoubleEndedIterator<Item = (&OpenShard, ShardLoad)> {
        let last = self.heat.back().into_iter();
        last.flat_map(|heat| heat.shards.iter().zip(heat.loads.iter().copied()))
    }

    /// How many of them throttled an attempt.
    pub fn throttling_shards(&self) -> usize {
        self.shards().filter(|(_, load)| load.throttled).count()
    }

    /// The fullest of them.
    pub fn fullest_shard(&self) -> Option<(&OpenShard, ShardLoad)> {
        // Of equals the first one counts, so that the name does not jump about.
        self.shards().rev().max_by(|(_, a), (_, b)| a.utilisation.total_cmp(&b.utilisation))
    }

    /// The largest 99th percentile of the lag over the whole run, of all consumers.
    fn longest_lag(&self) -> Option<Duration> {
        self.progress.consumers.iter().filter_map(|consumer| consumer.lag_p99).max()
    }

    /// One line that says the most in its first 60 columns.
    pub fn line(&self) -> String {
        let last = self.progress.last_second.as_ref();
        let latency = |value: Option<Duration>| value.map_or_else(|| "–".to_owned(), units::duration);
        match self.progress.phase {
            Phase::Preparing => PREPARING.to_owned(),
            Phase::Load => format!(
                "{}/s accepted, {}/s throttled, p99 {}, lag {}, late {}{}",
                units::count(last.map_or(0, |last| last.accepted)),
                units::count(last.map_or(0, |last| last.throttled)),
                latency(last.and_then(|last| last.response_p99).map(Duration::from_nanos)),
                latency(self.longest_lag()),
                latency(self.progress.lateness_p99),
                self.processors().map_or_else(String::new, |processors| format!(", {processors}")),
            ),
            Phase::Draining => format!(
                "draining: {} records in flight, at most {} left",
                units::count(self.progress.counters.in_flight),
                units::duration(whole_seconds(self.left()))
            ),
        }
    }

    /// How long load is still offered, in words; empty while it is not.
    pub fn left_words(&self) -> String {
        match self.progress.phase {
            Phase::Load => format!("{} left", units::duration(whole_seconds(self.left()))),
            Phase::Preparing | Phase::Draining => String::new(),
        }
    }

    /// What the generator used of the machine in the last second.
    fn processors(&self) -> Option<String> {
        let used = self.progress.generator?.processors()?;
        Some(format!("{used:.1} of {} CPUs", self.about.processors))
    }

    /// What happened, and what was logged, in the order of time.
    fn happened(&self) -> Vec<(Time, String)> {
        let mut lines: Vec<(Time, String)> = self.progress.events.iter().flat_map(event_lines).collect();
        lines.extend(self.lines.iter().cloned());
        lines.sort_by_key(|(at, _)| *at);
        lines
    }

    fn handle_second(&mut self, interval: &Interval, shards: &Arc<[OpenShard]>) {
        let known = self.progress.last_second.as_ref().map_or(0, |interval| interval.second + 1);
        if interval.second < known {
            return;
        }
        // Seconds that nobody was told of are gaps, and no more of them than are kept.
        for _ in known..interval.second.min(known.saturating_add(SECONDS_MAX as u64)) {
            self.seconds.push_back(Second::default());
        }
        self.seconds.push_back(Second {
            offered: Some(interval.offered),
            accepted: Some(interval.accepted),
            throttled: Some(interval.throttled),
            response_p99: interval.response_p99,
        });
        drop_beyond(&mut self.seconds, SECONDS_MAX);
        let loads = interval.shards.iter().map(|shard| self.load_of(shard)).collect();
        self.heat.push_back(Heat { shards: shards.clone(), loads });
        drop_beyond(&mut self.heat, HEAT_MAX);
    }

    fn load_of(&self, shard: &ShardInterval) -> ShardLoad {
        let (records, bytes) = shard.taken();
        let part = |taken: u32, quota: u64| f64::from(taken) / quota.max(1) as f64;
        let utilisation = part(records, self.about.records_per_shard).max(part(bytes, self.about.bytes_per_shard));
        ShardLoad { utilisation, throttled: shard.throttled > 0 }
    }
}

/// An event when it began, and when it was over or went wrong.
fn event_lines(event: &EventRecord) -> Vec<(Time, String)> {
    let label = printable(&event.label);
    let began = (event.at, label.clone());
    match (&event.problem, event.until) {
        (Some(problem), until) => vec![began, (until.unwrap_or(event.at), format!("{label}: {}", printable(problem)))],
        (None, Some(until)) if event.reshards => {
            let took = units::duration(until.since(event.at));
            vec![began, (until, format!("{label}: done after {took}"))]
        }
        _ => vec![began],
    }
}

/// How far a consumer is behind: what its last answers said.
fn behind(consumer: &ConsumerProgress) -> String {
    consumer.behind.map_or_else(|| "–".to_owned(), units::duration)
}

/// Rounded up, so that what is left ends at zero and not before.
fn whole_seconds(span: Duration) -> Duration {
    Duration::from_secs(span.as_secs() + u64::from(span.subsec_nanos() > 0))
}

fn drop_beyond<T>(queue: &mut VecDeque<T>, most: usize) {
    while queue.len() > most {
        queue.pop_front();
    }
}

/// What is said before load is offered.
pub const PREPARING: &str = "preparing the stream and its consumers";
/// More seconds than a screen has columns.
const SECONDS_MAX: usize = 600;
/// More seconds than a screen has rows for them.
const HEAT_MAX: usize = 60;
const LINES_MAX: usize = 200;

#[cfg(all(test, feature = "tui"))]
mod tests;
