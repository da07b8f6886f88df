//! What a recording comes to: figures for the result, and what lies beside it.

use std::time::Duration;

use super::faults::PLACES_MAX;
use super::{
    ConsumerRecord, ConsumerRecording, DeadLetters, DeliveryCheck, Ending, FaultPlace, LatencyLog, Measurement,
    PutRecording, Recording, ShardRecord, StreamRecording, TenantRecording,
};
use crate::client::{Part, ShardMap};
use crate::kinesis::{HashKey, HashKeyRange, InjectedFaults};
use crate::time::Time;
use crate::workload::Workload;

/// What a run, a simulation or several processes together come to.
#[derive(Debug)]
pub struct Outcome {
    /// The streams that the load went to, in their order.
    pub streams: Vec<String>,
    /// Which of the arrivals were offered.
    pub part: Part,
    /// How it ended.
    pub ending: Ending,
    /// When load was last offered.
    pub load_ended: Time,
    /// When the run began, since 1970; zero for simulated time, which has no date.
    pub began: Duration,
    /// The figures.
    pub measurement: Measurement,
    /// What does not go into the result itself.
    pub details: Details,
    /// What faults of the scenario have damaged; nothing but on a model of AWS.
    pub injected_faults: InjectedFaults,
}

/// What lies beside a result, in files of its own.
#[derive(Debug, Clone, Default)]
pub struct Details {
    /// The distributions, by the name of their file.
    pub logs: Vec<(String, LatencyLog)>,
    /// Records that were not accepted.
    pub dead_letters: DeadLetters,
}

impl Outcome {
    /// The figures of a recording of this workload.
    pub fn new(recording: Recording, workload: &Workload) -> Self {
        let Recording { ending, load_ended, streams, processes } = recording;
        let began = processes.iter().map(|process| process.began).min().unwrap_or_default();
        let part = if let [process] = &processes[..] { process.part } else { Part::WHOLE };
        let mut outcome = Self {
            streams: streams.iter().map(|stream| stream.name.clone()).collect(),
            part,
            ending,
            load_ended,
            began,
            measurement: Measurement::default(),
            details: Details::default(),
            injected_faults: InjectedFaults::default(),
        };
        // There is one stream today: the figures of a result are those of one.
        for stream in streams.into_iter().take(1) {
            outcome.add_stream(stream, workload);
        }
        for process in processes {
            let measurement = &mut outcome.measurement;
            // A result tells of the machine and the model of one process; those of several lie in their own results.
            measurement.generator = measurement.generator.take().or(process.generator);
            measurement.storage = measurement.storage.or(process.storage);
            measurement.warnings.extend(process.warnings);
            if process.injected_faults != InjectedFaults::default() {
                outcome.injected_faults = process.injected_faults;
            }
        }
        outcome
    }

    /// What lies beside the result; the distributions and the list go out with it.
    pub fn take_details(&mut self) -> Details {
        std::mem::take(&mut self.details)
    }

    fn add_stream(&mut self, stream: StreamRecording, workload: &Workload) {
        let StreamRecording { shards, put, .. } = stream;
        let logs = &mut self.details.logs;
        let mut seen = super::RecordSet::default();
        stream.consumers.iter().for_each(|consumer| seen.extend(&consumer.read.delivered.seen));
        let unknown_stored = (!stream.consumers.is_empty()).then(|| put.ledger.unknown.in_common(&seen));
        let place = |index| FaultPlace::lost(workload, &shards, &put.ledger.receipts, index);
        let record = |consumer| ConsumerRecord::new(consumer, &put, &place, logs);
        let consumers = stream.consumers.into_iter().map(record).collect();
        self.measurement = Measurement {
            unknown_stored,
            digest: stream.digest,
            open_shards: stream.open_shards,
            accepted_by_new_shards: stream.accepted_by_new_shards,
            tenants: stream.tenants.into_iter().map(TenantRecording::record).collect(),
            consumers,
            events: stream.events,
            ..Measurement::of_puts(put, ShardRecord::of_map(&shards), logs)
        };
        self.details.dead_letters = stream.dead_letters;
    }
}

impl ConsumerRecord {
    /// What a consumer saw and did; its distribution goes to `logs`, by the name of its file. `place` tells where a record of the
    /// run belongs that was never read.
    fn new(
        recording: ConsumerRecording,
        put: &PutRecording,
        place: &dyn Fn(u64) -> FaultPlace,
        logs: &mut Vec<(String, LatencyLog)>,
    ) -> Self {
        let ConsumerRecording { read, owed, on_failure, .. } = recording;
        let delivery = DeliveryCheck::new(&put.ledger, &owed, &read.delivered, recording.read_everything);
        let mut places = read.delivered.places;
        if delivery.lost > 0 {
            places.extend(owed.without(&read.delivered.seen).take(PLACES_MAX).map(place));
        }
        let record = Self {
            places,
            lag: read.lag.total().summary(),
            lag_intervals: read.intervals,
            lag_curve: read.lag.total().curve(),
            reads: read.reads,
            calls: read.calls,
            early_calls: read.early_calls,
            throttled_calls: read.throttled_calls,
            throttled_seconds: read.throttled_seconds,
            failed_calls: read.failed_calls,
            delivery,
            kind: recording.kind,
            read_lag: (read.read_lag.total().count() > 0).then(|| read.read_lag.total().summary()),
            discarded: read.discarded,
            on_failure_batches: on_failure.batches,
            on_failure_records: on_failure.records,
            failed_batches: on_failure.listed,
            behind: read.behind,
            work: recording.work,
            presence: recording.presence,
            lag_below_zero: read.lag_below_zero,
            stream: recording.stream,
            name: recording.name,
        };
        logs.push((format!("lag-{}", record.name), read.lag));
        record
    }
}

impl Measurement {
    /// What the puts come to, on these shards; their distributions go to `logs`, by the name of their file.
    fn of_puts(put: PutRecording, mut shards: Vec<ShardRecord>, logs: &mut Vec<(String, LatencyLog)>) -> Self {
        for cells in put.intervals.iter().map(|interval| &interval.shards) {
            for (shard, cell) in shards.iter_mut().zip(cells) {
                shard.accepted += u64::from(cell.accepted);
                shard.accepted_bytes += u64::from(cell.bytes);
                shard.throttled += u64::from(cell.throttled);
            }
        }
        let summaries = put.logs.iter().map(|(name, log)| ((*name).to_owned(), log.total().summary())).collect();
        let curve = |name: &str| put.logs.get(name).map(|log| log.total().curve()).unwrap_or_default();
        let put_curve = curve("response");
        let put_curves = ["lateness", "queueing", "service"].map(|name| (name.to_owned(), curve(name))).into();
        logs.extend(put.logs.into_iter().map(|(name, log)| (format!("put-{name}"), log)));
        Self {
            counters: put.counters,
            errors_by_kind: put.errors_by_kind,
            intervals: put.intervals,
            put: summaries,
            put_curve,
            put_curves,
            shards,
            ..Self::default()
        }
    }
}

impl ShardRecord {
    /// The shards of a map, on which nothing has happened yet.
    fn of_map(map: &ShardMap<String>) -> Vec<Self> {
        let bound = |index, bound: fn(HashKeyRange) -> HashKey| {
            map.range(index).map_or_else(String::new, |range| bound(range).to_string())
        };
        let shard = |index| Self {
            id: map.id(index).cloned().unwrap_or_default(),
            starting_hash_key: bound(index, |range| range.start),
            ending_hash_key: bound(index, |range| range.end),
            ..Self::default()
        };
        (0..map.len()).map(shard).collect()
    }
}
