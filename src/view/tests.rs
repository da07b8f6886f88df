//! What the view shows, on screens without a terminal.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::screen::{Paint, draw};
use super::*;
use crate::engine::OpenShard;
use crate::kinesis::HashKeyRange;
use crate::measure::{Counters, HealthInterval, LatencySummary};

fn about() -> About {
    About {
        scenario: "hot-shard".to_owned(),
        target: "the embedded emulator (aws-2026-11): a model of AWS, not AWS".to_owned(),
        seed: 7,
        duration: Duration::from_secs(30),
        warm_up: Duration::from_secs(5),
        drain: Duration::from_secs(20),
        lateness_bound: Duration::from_millis(20),
        records_per_shard: 1_000,
        bytes_per_shard: 1 << 20,
        processors: 2,
    }
}

fn consumer(name: &str, kind: &'static str, behind_ms: u64) -> ConsumerProgress {
    ConsumerProgress {
        name: name.to_owned(),
        kind,
        read_last_second: 1_987,
        lag_last_second: LatencySummary {
            count: 1_987,
            p50: Some(210_000_000),
            p99: Some(387_000_000),
            ..Default::default()
        },
        lag_p99: Some(Duration::from_millis(401)),
        behind: Some(Duration::from_millis(behind_ms)),
    }
}

/// The snapshot at the end of `second`: of the shards, the one in the middle is hot.
fn snapshot(second: u64, shards: u32, consumers: &[ConsumerProgress]) -> Progress {
    let hot = shards as usize / 2;
    let load = |index: usize| ShardInterval {
        accepted: if index == hot { 1_000 } else { (second as u32 * 7 + index as u32 * 31) % 600 },
        throttled: if index == hot { 120 } else { 0 },
        ..ShardInterval::default()
    };
    let open = |(index, range): (usize, HashKeyRange)| OpenShard { id: format!("shardId-{index:012}"), range };
    let ranges = if shards == 0 { Vec::new() } else { HashKeyRange::initial(shards) };
    Progress {
        phase: Phase::Load,
        shards: ranges.into_iter().enumerate().map(open).collect(),
        now: Time::from_secs(second + 1),
        counters: Counters {
            offered: 2_000 * (second + 1),
            accepted: 1_880 * (second + 1),
            failed: 20,
            in_flight: 100 + 120 * second,
            ..Counters::default()
        },
        last_second: Some(Interval {
            second,
            offered: 2_000,
            accepted: 1_500 + second * 13 % 400,
            throttled: if second > 8 { 120 } else { 0 },
            response_p50: Some(45_000_000),
            response_p99: Some(72_900_000 + second * 1_000_000),
            response_max: Some(90_000_000),
            shards: (0..shards as usize).map(load).collect(),
            ..Interval::default()
        }),
        lateness_p99: Some(Duration::from_micros(354)),
        consumers: consumers.to_vec(),
        events: vec![
            EventRecord {
                at: Time::from_secs(3),
                until: Some(Time::from_secs(5)),
                label: "split-shard hottest".to_owned(),
                problem: None,
                reshards: true,
                ..EventRecord::default()
            },
            EventRecord {
                at: Time::from_secs(6),
                until: Some(Time::from_secs(6)),
                label: "update-shard-count 8".to_owned(),
                problem: Some("LimitExceededException: \u{1b}[2J".to_owned()),
                reshards: true,
                ..EventRecord::default()
            },
        ],
        generator: Some(HealthInterval {
            second: second + 1,
            length: Duration::from_secs(1),
            processor_time: Some(Duration::from_millis(640)),
            run_queue_wait: Some(Duration::from_millis(12)),
            resident: Some(210 << 20),
            sockets: Some(34),
            ..HealthInterval::default()
        }),
    }
}

fn played(seconds: u64, shards: u32, consumers: &[ConsumerProgress]) -> State {
    let mut state = State::new(about());
    (0..seconds).for_each(|second| state.handle_progress(snapshot(second, shards, consumers)));
    state
}

fn screen(state: &State, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, state, Paint { colour: true })).unwrap();
    terminal.backend().to_string()
}

#[test]
fn a_run_on_a_small_screen() {
    let consumers = [consumer("analytics", "polling", 40), consumer("alerts", "efo", 2_400)];
    let mut state = played(14, 4, &consumers);
    state.handle_line("WARN the \u{9b}31mshards could not be listed again");
    insta::assert_snapshot!(screen(&state, 80, 24));
}

#[test]
fn a_run_on_a_large_screen() {
    let consumers = [consumer("analytics", "polling", 40), consumer("alerts", "efo", 2_400)];
    let mut state = played(14, 4, &consumers);
    state.handle_stop();
    insta::assert_snapshot!(screen(&state, 200, 50));
}

#[test]
fn five_thousand_shards_and_long_names() {
    let name = "a-consumer-whose-name-is-as-long-as-the-service-allows-".repeat(3);
    let consumers: Vec<ConsumerProgress> = (0..9).map(|n| consumer(&format!("{name}{n}"), "firehose", n)).collect();
    let mut state = played(6, 5_000, &consumers);
    state.about.scenario = "a-scenario-with-a-name-that-does-not-end-".repeat(4);
    insta::assert_snapshot!(format!("{}\n{}", screen(&state, 80, 24), screen(&state, 200, 50)));
}

#[test]
fn nothing_is_known_yet() {
    insta::assert_snapshot!(screen(&State::new(about()), 80, 24));
}

#[test]
fn no_shards_no_consumers_and_draining() {
    let mut state = played(3, 0, &[]);
    let mut draining = snapshot(31, 0, &[]);
    draining.phase = Phase::Draining;
    state.handle_progress(draining);
    insta::assert_snapshot!(screen(&state, 80, 24));
}

#[test]
fn every_size_can_be_drawn() {
    let state = played(20, 64, &[consumer("analytics", "polling", 40), consumer("alerts", "efo", 2_400)]);
    for (width, height) in [(1, 1), (3, 40), (39, 12), (40, 11), (40, 12), (60, 14), (149, 24), (150, 12), (500, 200)] {
        for state in [&state, &State::new(about())] {
            screen(state, width, height);
        }
    }
}

#[test]
fn without_colours_the_same_is_told() {
    let state = played(14, 4, &[]);
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| draw(frame, &state, Paint { colour: false })).unwrap();
    let buffer = terminal.backend().buffer();
    assert!(buffer.content().iter().all(|cell| cell.fg == ratatui::style::Color::Reset));
    assert_eq!(terminal.backend().to_string(), screen(&state, 80, 24));
}

#[test]
fn seconds_nobody_was_told_of_are_gaps() {
    let mut state = played(2, 1, &[]);
    state.handle_progress(snapshot(4, 1, &[]));
    // While the run drains, the same second is told several times.
    state.handle_progress(snapshot(4, 1, &[]));
    let offered: Vec<Option<u64>> = state.seconds.iter().map(|second| second.offered).collect();
    assert_eq!(offered, [Some(2_000), Some(2_000), None, None, Some(2_000)]);
    // A run may be as long as it likes.
    state.handle_progress(snapshot(1 << 40, 1, &[]));
    assert_eq!((state.seconds.len(), state.heat.len()), (SECONDS_MAX, 4));
}

#[test]
fn a_line_says_what_matters() {
    let mut state = played(13, 4, &[consumer("analytics", "polling", 40)]);
    assert_eq!(state.line(), "1,656/s accepted, 120/s throttled, p99 84.9 ms, lag 401 ms, late 354 µs, 0.6 of 2 CPUs");
    assert_eq!(state.left_words(), "17 s left");
    state.progress.phase = Phase::Draining;
    state.progress.now = Time::from_millis(31_500);
    assert_eq!(state.line(), "draining: 1,540 records in flight, at most 19 s left");
    assert_eq!(state.left_words(), "");
    assert_eq!(State::new(about()).line(), PREPARING);
}

/// The paths of all values of a JSON document; those in lists have no number.
fn paths(value: &serde_json::Value, path: &str, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => members.iter().for_each(|(name, value)| {
            paths(value, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, found);
        }),
        serde_json::Value::Array(items) => items.iter().take(1).for_each(|item| paths(item, path, found)),
        _ => found.push(path.to_owned()),
    }
}

fn documented(heading: &str) -> Vec<String> {
    let text = include_str!("../../docs/live.md");
    let (_, section) = text.split_once(&format!("## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    rows.map(str::to_owned).collect()
}

#[test]
fn every_field_of_the_json_lines_is_documented_and_no_other() {
    let state = played(13, 4, &[consumer("analytics", "polling", 40)]);
    let end = json::End { exit_code: 1, outcome: "missed", directory: Some("reports/x") };
    let lines = [json::start(&about()), json::progress(&state), json::note("words"), json::end(&end)];
    let mut found = Vec::new();
    for line in &lines {
        assert!(!line.contains('\n'));
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["v"], json::VERSION);
        paths(&value, "", &mut found);
    }
    let mut documented = documented("Lines of JSON");
    found.sort();
    found.dedup();
    documented.sort();
    assert_eq!(found, documented);
}

#[test]
fn every_metric_is_documented_and_no_other() {
    let page = metrics::page(&played(13, 4, &[consumer("ana\"lytics", "polling", 40)]));
    let names = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    let mut documented = documented("Metrics for Prometheus");
    documented.sort();
    assert_eq!(names, documented);
    insta::assert_snapshot!(page.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn a_page_has_only_so_many_shards() {
    let page = metrics::page(&played(1, 5_000, &[]));
    assert_eq!(page.matches("streamgauge_run_shard_utilisation{").count(), metrics::SHARDS_MAX);
    // The fullest one is not among them, and is told all the same.
    assert!(page.contains("\nstreamgauge_run_fullest_shard_utilisation 1\n"), "{page}");
}
