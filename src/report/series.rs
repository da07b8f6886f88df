//! What happened second by second, as CSV for other tools.

use std::collections::HashMap;
use std::io::Write as _;

use super::words::printable;
use crate::measure::{HealthInterval, Interval, LatencySummary};
use crate::result::{ConsumerRecord, RunResult};
use crate::time::nanos;

/// Most rows of `shards.csv` in the directory of a run: 50 MB. A longer one is made by `streamgauge report`.
pub const SHARD_ROWS_MAX: usize = 1_000_000;

/// A column of the puts and what it has of a second.
type PutColumn = (&'static str, fn(&Interval) -> Option<u64>);

const PUTS: &[PutColumn] = &[
    ("offered", |i| Some(i.offered)),
    ("accepted", |i| Some(i.accepted)),
    ("accepted_on_a_retry", |i| Some(i.retried)),
    ("lost", |i| Some(i.lost)),
    ("attempts", |i| Some(i.attempts)),
    ("throttled", |i| Some(i.throttled)),
    ("errors", |i| Some(i.errors)),
    ("accepted_bytes", |i| Some(i.accepted_bytes)),
    ("response_p50_ns", |i| i.response_p50),
    ("response_p99_ns", |i| i.response_p99),
    ("response_max_ns", |i| i.response_max),
    ("lateness_p99_ns", |i| i.lateness_p99),
    ("calls_under_way", |i| Some(i.open_calls)),
];

/// A column of the generator and what it has of a second.
type HealthColumn = (&'static str, fn(&HealthInterval) -> Option<u64>);

const HEALTH: &[HealthColumn] = &[
    ("generator_length_ns", |h| Some(nanos(h.length))),
    ("generator_processor_time_ns", |h| h.processor_time.map(nanos)),
    ("generator_run_queue_wait_ns", |h| h.run_queue_wait.map(nanos)),
    ("generator_longest_wake_up_ns", |h| h.longest_wake_up.map(nanos)),
    ("generator_scheduling_delay_ns", |h| h.scheduling_delay.map(nanos)),
    ("generator_resident_bytes", |h| h.resident),
    ("generator_allocations", |h| h.allocations),
    ("generator_allocated_bytes", |h| h.allocated_bytes),
    ("generator_page_faults", |h| h.page_faults),
    ("generator_sockets", |h| h.sockets),
];

const READS: &[&str] =
    &["read", "lag_p50_ns", "lag_p99_ns", "lag_max_ns", "throttled_calls", "milliseconds_behind_latest"];

/// One row per second of the run: the puts, each consumer, and the generator. Durations are nanoseconds; what was not measured in
/// a second is empty.
pub fn series_csv(result: &RunResult) -> Vec<u8> {
    table(&[("", result)], false)
}

/// The same of several runs, each row with the name of its run.
pub fn series_of_runs_csv(runs: &[(&str, &RunResult)]) -> Vec<u8> {
    table(runs, true)
}

fn table(runs: &[(&str, &RunResult)], named: bool) -> Vec<u8> {
    let mut consumers: Vec<&str> = Vec::new();
    for consumer in runs.iter().flat_map(|(_, result)| &result.measurement.consumers) {
        if !consumers.contains(&consumer.name.as_str()) {
            consumers.push(&consumer.name);
        }
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    let run = |cell: String| named.then_some(cell).into_iter();
    // Writing into memory does not fail, and all rows have the same length.
    let _ = writer.write_record(run("run".to_owned()).chain(head(&consumers)));
    for (name, result) in runs {
        for row in rows(result, &consumers) {
            let _ = writer.write_record(run(no_formula(name)).chain(row));
        }
    }
    writer.into_inner().unwrap_or_default()
}

/// The names of the columns. A name from outside is never the start of a cell, so that no spreadsheet takes it for a formula.
fn head(consumers: &[&str]) -> Vec<String> {
    let reads = consumers.iter().flat_map(|c| READS.iter().map(move |name| format!("{name} of {}", printable(c))));
    let puts = PUTS.iter().map(|(name, _)| (*name).to_owned());
    let health = HEALTH.iter().map(|(name, _)| (*name).to_owned());
    std::iter::once("second".to_owned()).chain(puts).chain(reads).chain(health).collect()
}

fn rows<'a>(result: &'a RunResult, consumers: &[&str]) -> impl Iterator<Item = Vec<String>> + use<'a> {
    let measurement = &result.measurement;
    let puts: HashMap<u64, &Interval> = measurement.intervals.iter().map(|i| (i.second, i)).collect();
    let record = |name: &&str| measurement.consumers.iter().find(|consumer| consumer.name == *name);
    let reads: Vec<Option<Reads<'_>>> = consumers.iter().map(|name| record(name).map(Reads::of)).collect();
    // The record of a second is made at its end.
    let health = measurement.generator.iter().flat_map(|generator| &generator.seconds);
    let health: HashMap<u64, &HealthInterval> = health.map(|h| (h.second.saturating_sub(1), h)).collect();
    let last = |seconds: Option<&u64>| seconds.map_or(0, |second| second + 1);
    let read_until = reads.iter().flatten().map(|reads| reads.end).max().unwrap_or(0);
    let end = last(puts.keys().max()).max(last(health.keys().max())).max(read_until);
    let cell = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
    (0..end).map(move |second| {
        let put = PUTS.iter().map(|(_, value)| cell(puts.get(&second).and_then(|interval| value(interval))));
        let of_consumer = |reads: &Option<Reads<'_>>| reads.as_ref().map_or([None; 6], |reads| reads.cells(second));
        let read = reads.iter().flat_map(of_consumer).map(cell);
        let generator = HEALTH.iter().map(|(_, value)| cell(health.get(&second).and_then(|interval| value(interval))));
        std::iter::once(second.to_string()).chain(put).chain(read).chain(generator).collect()
    })
}

/// What a consumer did, by second.
struct Reads<'a> {
    consumer: &'a ConsumerRecord,
    lags: HashMap<u64, &'a LatencySummary>,
    throttled: HashMap<u64, u64>,
    behind: HashMap<u64, u64>,
    end: u64,
}

impl<'a> Reads<'a> {
    fn of(consumer: &'a ConsumerRecord) -> Self {
        let lags: HashMap<u64, &LatencySummary> = consumer.lag_intervals.iter().map(|(at, lag)| (*at, lag)).collect();
        let throttled: HashMap<u64, u64> = consumer.throttled_seconds.iter().copied().collect();
        let behind: HashMap<u64, u64> = consumer.behind.iter().copied().collect();
        let last = lags.keys().chain(throttled.keys()).chain(behind.keys()).max().map_or(0, |second| second + 1);
        Self { end: last.max(consumer.reads.len() as u64), consumer, lags, throttled, behind }
    }

    /// In the order of [`READS`].
    fn cells(&self, second: u64) -> [Option<u64>; 6] {
        let lag = self.lags.get(&second);
        let read = usize::try_from(second).ok().and_then(|second| self.consumer.reads.get(second));
        [
            read.copied(),
            lag.and_then(|lag| lag.p50),
            lag.and_then(|lag| lag.p99),
            lag.and_then(|lag| lag.max),
            Some(self.throttled.get(&second).copied().unwrap_or(0)),
            self.behind.get(&second).copied(),
        ]
    }
}

/// One row per shard and second in which something happened on it; idle ones are left out.
pub fn shards_csv(result: &RunResult) -> Vec<u8> {
    let ids: Vec<String> = result.measurement.shards.iter().map(|shard| text_cell(&shard.id)).collect();
    let mut out = Vec::with_capacity(48 * shard_rows(result));
    out.extend_from_slice(b"second,shard,accepted,accepted_bytes,throttled,kinesis_records,kinesis_bytes\n");
    let mut number = itoa::Buffer::new();
    for interval in &result.measurement.intervals {
        for (index, cell) in interval.shards.iter().enumerate().filter(|(_, cell)| !cell.is_idle()) {
            out.extend_from_slice(number.format(interval.second).as_bytes());
            out.push(b',');
            match ids.get(index) {
                Some(id) => out.extend_from_slice(id.as_bytes()),
                // Writing into memory does not fail.
                None => drop(write!(out, "shard {index}")),
            }
            let (records, bytes) = cell.taken();
            for value in [cell.accepted, cell.bytes, cell.throttled, records, bytes] {
                out.push(b',');
                out.extend_from_slice(number.format(value).as_bytes());
            }
            out.push(b'\n');
        }
    }
    out
}

/// How many rows [`shards_csv`] has.
pub fn shard_rows(result: &RunResult) -> usize {
    let busy = |interval: &Interval| interval.shards.iter().filter(|cell| !cell.is_idle()).count();
    result.measurement.intervals.iter().map(busy).sum()
}

/// A text from outside as a cell: quoted where it has to be.
fn text_cell(text: &str) -> String {
    let text = no_formula(text);
    if text.contains(['"', ',']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// A text from outside that no spreadsheet takes for a formula.
fn no_formula(text: &str) -> String {
    let text = printable(text);
    if text.trim_start().starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn text(csv: Vec<u8>) -> String {
        String::from_utf8(csv).unwrap()
    }

    #[test]
    fn the_rows_of_a_run() {
        let (result, ..) = fixture::run("alerts", "Why?");
        insta::assert_snapshot!("series_csv", text(series_csv(&result)));
        insta::assert_snapshot!("shards_csv", text(shards_csv(&result)));
        assert_eq!(shard_rows(&result), 20);
    }

    #[test]
    fn seconds_without_puts_have_their_row_and_idle_shards_none() {
        let (mut result, ..) = fixture::run("alerts", "Why?");
        result.measurement.intervals.truncate(3);
        result.measurement.intervals[1].shards = vec![Default::default(); 2];
        result.measurement.consumers[0].behind = vec![(11, 700)];
        let series = text(series_csv(&result));
        let rows: Vec<&str> = series.lines().collect();
        assert_eq!(rows.len(), 1 + 12);
        let columns = rows[0].split(',').count();
        assert!(rows.iter().all(|row| row.split(',').count() == columns));
        assert!(rows[12].starts_with("11,,,") && rows[12].contains(",0,700,"), "{}", rows[12]);
        let seconds: Vec<String> = text(shards_csv(&result)).lines().skip(1).map(|row| row[..1].to_owned()).collect();
        assert_eq!(seconds, ["0", "0", "2", "2"]);
    }

    #[test]
    fn nothing_from_outside_is_a_cell_of_its_own_or_a_formula() {
        let attack = "=cmd|' /C calc'!A0\",2\n3,\u{1b}[2J";
        let (mut result, ..) = fixture::run("alerts", "Why?");
        result.measurement.consumers[0].name = attack.into();
        result.measurement.shards[0].id = attack.into();
        for csv in [series_csv(&result), shards_csv(&result)] {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_slice());
            let mut attacked = false;
            for record in reader.records() {
                // A reader that is not flexible refuses rows of another length.
                for cell in &record.unwrap() {
                    assert!(!cell.starts_with(['=', '+', '-', '@']) && !cell.contains(char::is_control), "{cell:?}");
                    attacked |= cell.contains("calc");
                }
            }
            assert!(attacked);
        }
    }
}
