//! Progress as lines of JSON, for programs: one object per line, with a version. `docs/live.md` names every field.

use std::time::Duration;

use serde::Serialize;

use super::{About, State};
use crate::engine::Phase;
use crate::measure::Counters;
use crate::report::printable;

/// The version of the lines. Fields may be added under the same version; none changes its meaning.
pub const VERSION: u32 = 1;

/// How a run ended, for the last line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End<'a> {
    /// The exit code of the program.
    pub exit_code: u8,
    /// What the code means, in a word.
    pub outcome: &'static str,
    /// The directory of the result, if one was begun.
    pub directory: Option<&'a str>,
}

/// The first line: what is run.
pub fn start(about: &About) -> String {
    line(&Start {
        v: VERSION,
        kind: "start",
        streamgauge: env!("CARGO_PKG_VERSION"),
        scenario: printable(&about.scenario),
        target: printable(&about.target),
        seed: about.seed,
        duration_ns: nanos(about.duration),
        warm_up_ns: nanos(about.warm_up),
        drain_ns: nanos(about.drain),
        lateness_bound_ns: nanos(about.lateness_bound),
        processors: about.processors,
    })
}

/// The line of a second.
pub fn progress(state: &State) -> String {
    let progress = state.progress();
    let last = progress.last_second.as_ref();
    line(&Now {
        v: VERSION,
        kind: "progress",
        phase: phase(progress.phase),
        stopping: state.is_stopping(),
        elapsed_ns: progress.now.as_nanos(),
        left_ns: nanos(state.left()),
        totals: progress.counters,
        last_second: last.map(|last| LastSecond {
            second: last.second,
            offered: last.offered,
            accepted: last.accepted,
            accepted_bytes: last.accepted_bytes,
            lost: last.lost,
            attempts: last.attempts,
            throttled: last.throttled,
            errors: last.errors,
            open_calls: last.open_calls,
            put_p50_ns: last.response_p50,
            put_p99_ns: last.response_p99,
            put_max_ns: last.response_max,
            lateness_p99_ns: last.lateness_p99,
        }),
        lateness_p99_ns: progress.lateness_p99.map(nanos),
        shards: Shards {
            open: progress.shards.len(),
            throttling: state.throttling_shards(),
            fullest: state
                .fullest_shard()
                .map(|(shard, load)| Fullest { id: printable(&shard.id), utilisation: load.utilisation }),
        },
        consumers: progress.consumers.iter().map(consumer).collect(),
        generator: progress.generator.as_ref().map(|health| Generator {
            processors_used: health.processors(),
            run_queue_wait_ns: health.run_queue_wait.map(nanos),
            resident_bytes: health.resident,
            sockets: health.sockets,
        }),
        events: progress.events.len(),
    })
}

/// Words for people.
pub fn note(text: &str) -> String {
    line(&Note { v: VERSION, kind: "note", text: printable(text) })
}

/// The last line: how it ended.
pub fn end(end: &End<'_>) -> String {
    let directory = end.directory.map(printable);
    line(&Ended { v: VERSION, kind: "end", exit_code: end.exit_code, outcome: end.outcome, directory })
}

/// The word for a phase.
pub(super) const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Preparing => "preparing",
        Phase::Load => "load",
        Phase::Draining => "draining",
    }
}

fn consumer(consumer: &crate::engine::ConsumerProgress) -> Consumer {
    Consumer {
        name: printable(&consumer.name),
        r#type: consumer.kind,
        read_last_second: consumer.read_last_second,
        lag_p50_last_second_ns: consumer.lag_last_second.p50,
        lag_p99_last_second_ns: consumer.lag_last_second.p99,
        lag_p99_ns: consumer.lag_p99.map(nanos),
        behind_ns: consumer.behind.map(nanos),
    }
}

fn nanos(span: Duration) -> u64 {
    crate::time::nanos(span)
}

/// Numbers and texts always have a form in JSON.
fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[derive(Serialize)]
struct Start {
    v: u32,
    kind: &'static str,
    streamgauge: &'static str,
    scenario: String,
    target: String,
    seed: u64,
    duration_ns: u64,
    warm_up_ns: u64,
    drain_ns: u64,
    lateness_bound_ns: u64,
    processors: u32,
}

#[derive(Serialize)]
struct Now {
    v: u32,
    kind: &'static str,
    phase: &'static str,
    stopping: bool,
    elapsed_ns: u64,
    left_ns: u64,
    totals: Counters,
    last_second: Option<LastSecond>,
    lateness_p99_ns: Option<u64>,
    shards: Shards,
    consumers: Vec<Consumer>,
    generator: Option<Generator>,
    events: usize,
}

#[derive(Serialize)]
struct LastSecond {
    second: u64,
    offered: u64,
    accepted: u64,
    accepted_bytes: u64,
    lost: u64,
    attempts: u64,
    throttled: u64,
    errors: u64,
    open_calls: u64,
    put_p50_ns: Option<u64>,
    put_p99_ns: Option<u64>,
    put_max_ns: Option<u64>,
    lateness_p99_ns: Option<u64>,
}

#[derive(Serialize)]
struct Shards {
    open: usize,
    throttling: usize,
    fullest: Option<Fullest>,
}

#[derive(Serialize)]
struct Fullest {
    id: String,
    utilisation: f64,
}

#[derive(Serialize)]
struct Consumer {
    name: String,
    r#type: &'static str,
    read_last_second: u64,
    lag_p50_last_second_ns: Option<u64>,
    lag_p99_last_second_ns: Option<u64>,
    lag_p99_ns: Option<u64>,
    behind_ns: Option<u64>,
}

#[derive(Serialize)]
struct Generator {
    processors_used: Option<f64>,
    run_queue_wait_ns: Option<u64>,
    resident_bytes: Option<u64>,
    sockets: Option<u64>,
}

#[derive(Serialize)]
struct Note {
    v: u32,
    kind: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Ended {
    v: u32,
    kind: &'static str,
    exit_code: u8,
    outcome: &'static str,
    directory: Option<String>,
}
