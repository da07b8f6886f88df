//! The records that were due on some shards in a second, made again.

use std::collections::HashMap;
use std::sync::Arc;

use crate::client::hash_key;
use crate::kinesis::{HashKey, HashKeyRange};
use crate::measure::Interval;
use crate::result::{RunResult, ShardRecord};
use crate::scenario::Scenario;
use crate::time::Time;
use crate::workload::Workload;

/// Arrivals that are made again in all. Of a run that throttles longer, some seconds are looked at and stand for those next to them.
const MOST_ARRIVALS: u64 = 1_000_000;

/// What was due on one shard in one second, and in the last moments before it, whose answers came in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct DueSecond {
    /// When each record was due, and its bytes, from `from` on.
    pub arrivals: Vec<(Time, u32)>,
    /// Where the arrivals begin.
    pub from: Time,
    /// Records due in the second itself, and their bytes, partition keys included.
    pub records: u64,
    pub bytes: u64,
    /// Most records due within 100 ms, times ten.
    pub busiest: f64,
    /// The key with the most bytes or records of them, and its part.
    pub key: Arc<str>,
    pub key_records: u64,
    /// The same on all shards.
    pub stream_records: u64,
    pub stream_bytes: u64,
}

impl DueSecond {
    /// Share of the records that have the most frequent key.
    pub fn key_share(&self) -> f64 {
        self.key_records as f64 / self.records.max(1) as f64
    }
}

/// Makes the arrivals of seconds again.
pub(super) struct Due<'a> {
    workload: Workload,
    ranges: Vec<Option<HashKeyRange>>,
    scenario: &'a Scenario,
    /// Of a closed loop, arrivals before the second.
    before: u64,
    /// Every so many of the seconds that throttled are looked at.
    every: u64,
    seen: u64,
    /// What was last found for a shard.
    last: HashMap<usize, DueSecond>,
}

impl<'a> Due<'a> {
    pub fn new(scenario: &'a Scenario, result: &RunResult) -> Self {
        let throttled = result.measurement.intervals.iter().filter(|interval| interval.throttled > 0);
        let arrivals: u64 = throttled.map(|interval| interval.offered * result.part.of.max(1)).sum();
        let range = |shard: &ShardRecord| {
            let bound = |text: &str| text.parse().map(HashKey).ok();
            Some(HashKeyRange { start: bound(&shard.starting_hash_key)?, end: bound(&shard.ending_hash_key)? })
        };
        let ranges: Vec<Option<HashKeyRange>> = result.measurement.shards.iter().map(range).collect();
        // Those that were open at the beginning come first.
        let began_with = result.measurement.open_shards.first().map_or(0, |(_, shards)| *shards as usize);
        let open: Vec<HashKeyRange> = ranges.iter().copied().take(began_with).flatten().collect();
        Self {
            workload: scenario.workload_on(&open),
            ranges,
            scenario,
            before: 0,
            every: arrivals.div_ceil(MOST_ARRIVALS).max(1),
            seen: 0,
            last: HashMap::new(),
        }
    }

    /// What was due on these shards in the second of `interval`. Seconds are asked for one after the other.
    pub fn of(&mut self, interval: &Interval, shards: &[usize]) -> Vec<(usize, DueSecond)> {
        let before = self.before;
        self.before += interval.offered;
        if shards.is_empty() {
            return Vec::new();
        }
        let looked = self.seen.is_multiple_of(self.every);
        self.seen += 1;
        if !looked && shards.iter().all(|shard| self.last.contains_key(shard)) {
            return shards.iter().filter_map(|shard| Some((*shard, self.last.get(shard)?.clone()))).collect();
        }
        let found = self.made(interval, shards, before);
        self.last.extend(found.iter().cloned());
        found
    }

    fn made(&self, interval: &Interval, shards: &[usize], before: u64) -> Vec<(usize, DueSecond)> {
        let begin = Time::from_secs(interval.second);
        let until = Time::from_secs(interval.second + 1);
        // What was due shortly before is answered in this second.
        let lead = self.scenario.producer.linger.min(std::time::Duration::from_millis(500));
        let from = Time::from_nanos(begin.as_nanos().saturating_sub(lead.as_nanos() as u64));
        let closed = self.scenario.load.closed_loop.is_some();
        let schedule = self.workload.schedule();
        let numbers = if closed {
            before..(before + interval.offered).min(self.workload.count())
        } else {
            schedule.count_before(from)..schedule.count_before(until).min(self.workload.count())
        };
        let count = numbers.end.saturating_sub(numbers.start).max(1);
        let mut due = vec![DueSecond { from, ..DueSecond::default() }; shards.len()];
        let mut keys: Vec<HashMap<Arc<str>, u64>> = vec![HashMap::new(); shards.len()];
        let mut windows = vec![[0u64; 10]; shards.len()];
        let (mut stream_records, mut stream_bytes) = (0, 0);
        let places = Places::new(shards.iter().map(|shard| self.ranges.get(*shard).copied().flatten()));
        let auto = self.scenario.stream.auto_distribution;
        for number in numbers.clone() {
            let arrival = if closed {
                // When a record of a closed loop was due is not known: they are spread evenly.
                let part = (number - numbers.start) as f64 / count as f64;
                self.workload.arrival_at(number, begin + std::time::Duration::from_secs_f64(part))
            } else {
                self.workload.arrival(number)
            };
            let bytes = arrival.size + arrival.key.len() as u32;
            let counts = arrival.intended >= begin;
            stream_records += u64::from(counts);
            stream_bytes += if counts { u64::from(bytes) } else { 0 };
            let place = if auto {
                // Dealt out in turn, whatever their keys.
                shards.iter().position(|shard| number % self.ranges.len().max(1) as u64 == *shard as u64)
            } else {
                places.of(hash_key(&arrival))
            };
            let Some(place) = place else { continue };
            let due = &mut due[place];
            due.arrivals.push((arrival.intended, bytes));
            if counts {
                due.records += 1;
                due.bytes += u64::from(bytes);
                *keys[place].entry(arrival.key).or_default() += 1;
                let tenth = (arrival.intended.since(begin).as_millis() / 100).min(9) as usize;
                windows[place][tenth] += 1;
            }
        }
        for ((due, keys), windows) in due.iter_mut().zip(keys).zip(windows) {
            // Of keys that are as frequent, always the same is named.
            let hottest = keys.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)));
            if let Some((key, records)) = hottest {
                (due.key, due.key_records) = (key, records);
            }
            due.busiest = windows.into_iter().max().unwrap_or(0) as f64 * 10.0;
            (due.stream_records, due.stream_bytes) = (stream_records, stream_bytes);
        }
        shards.iter().copied().zip(due).collect()
    }
}

/// Which of some shards has a hash key.
struct Places {
    /// Ascending.
    ranges: Vec<(HashKeyRange, usize)>,
    /// In the second of a reshard there are parents among them that have the keys of their children, too.
    overlap: bool,
}

impl Places {
    fn new(ranges: impl Iterator<Item = Option<HashKeyRange>>) -> Self {
        let mut ranges: Vec<(HashKeyRange, usize)> =
            ranges.zip(0..).filter_map(|(range, place)| Some((range?, place))).collect();
        ranges.sort_unstable_by_key(|(range, _)| range.start);
        let overlap = ranges.windows(2).any(|pair| pair[1].0.start <= pair[0].0.end);
        Self { ranges, overlap }
    }

    fn of(&self, hash_key: HashKey) -> Option<usize> {
        if self.overlap {
            return self.ranges.iter().find(|(range, _)| range.contains(hash_key)).map(|(_, place)| *place);
        }
        let after = self.ranges.partition_point(|(range, _)| range.start <= hash_key);
        let (range, place) = self.ranges.get(after.checked_sub(1)?)?;
        range.contains(hash_key).then_some(*place)
    }
}
