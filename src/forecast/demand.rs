//! What a scenario asks of its stream.

use super::billed::Billed;
use super::packing::Packing;
use crate::client::ProducerSettings;
use crate::kinesis::Profile;
use crate::scenario::Scenario;
use crate::time::Time;
use crate::workload::{Schedule, Sizes, Workload};

/// Arrivals that are looked at for the mean sizes of data and keys.
const SIZE_SAMPLE: u64 = 100_000;
/// And so many where only the lengths of the keys differ.
const KEY_SAMPLE: u64 = 10_000;
/// Parts that the sizes are cut into.
const SIZE_PARTS: usize = 500;

/// What a scenario asks of its stream.
#[derive(Debug, Clone)]
pub(crate) struct Demand {
    /// Rate of the busiest second.
    pub busiest: f64,
    /// Mean bytes that a record takes: of data and key, or of its part of an aggregate.
    pub record_bytes: f64,
    /// Mean square of the same.
    pub record_square: f64,
    /// Sizes of data and key, of equal parts of the records, ascending.
    pub sizes: Vec<f64>,
    /// Mean bytes of data, and of keys.
    pub mean_bytes: (f64, f64),
    /// Whether the records have explicit hash keys.
    pub explicit_hash_keys: bool,
    /// Records in each Kinesis record.
    pub packed: f64,
    /// PUT payload units of a record, and its bytes as on-demand streams bill them; and the same of one that goes alone.
    pub billed: Billed,
    pub billed_alone: Billed,
    /// Mean records per second over the whole load.
    pub mean_rate: f64,
    /// Highest share of any key.
    pub top_key: f64,
    pub shards: u32,
}

impl Demand {
    /// What a scenario asks for, with its records.
    pub fn of(scenario: &Scenario, workload: &Workload) -> Self {
        let varied = !matches!(workload.sizes(), Sizes::Constant { .. });
        let sampled = workload.count().min(if varied { SIZE_SAMPLE } else { KEY_SAMPLE });
        let (mut data_bytes, mut key_bytes, mut billed) = (0, 0, Billed::default());
        let mut sizes = Vec::with_capacity(sampled as usize);
        for arrival in (0..sampled).map(|k| workload.arrival(k)) {
            let (data, key) = (u64::from(arrival.size), arrival.key.len() as u64);
            (data_bytes, key_bytes) = (data_bytes + data, key_bytes + key);
            sizes.push((data + key) as f64);
            billed += Billed::of(data + key);
        }
        let of_sample = |bytes: u64| bytes as f64 / sampled.max(1) as f64;
        let alone = of_sample(data_bytes + key_bytes);
        let square = sizes.iter().map(|size| size * size).sum::<f64>() / sampled.max(1) as f64;
        let data = workload.sizes().mean().filter(|_| sampled > 0).unwrap_or_else(|| of_sample(data_bytes));
        let busiest = busiest_second(workload.schedule(), Time::ZERO + scenario.load.duration);
        let of_shard = busiest / f64::from(scenario.stream.shards);
        let explicit = workload.keys().hash_keys().is_some();
        let packing = Packing::new(&scenario.producer, of_shard, data, of_sample(key_bytes), explicit);
        Self {
            busiest,
            record_bytes: packing.record_bytes,
            // As far from the square of the mean as in the sample.
            record_square: packing.record_bytes.powi(2) * (square / alone.max(1.0).powi(2)).max(1.0),
            sizes: parts(sizes),
            mean_bytes: (data, of_sample(key_bytes)),
            explicit_hash_keys: explicit,
            packed: packing.records,
            billed: billed.of_each(sampled, &packing),
            billed_alone: billed.of_each(sampled, &Packing { records: 1.0, ..packing }),
            mean_rate: workload.count() as f64 / scenario.load.duration.as_secs_f64().max(1e-9),
            // With AUTO distribution no key belongs to a shard.
            top_key: if scenario.stream.auto_distribution { 0.0 } else { workload.keys().top_share(workload.count()) },
            shards: scenario.stream.shards,
        }
    }

    /// The same load put by another producer, on so many shards.
    pub fn put_by(&self, producer: &ProducerSettings, shards: u32) -> Self {
        let (rate, (data, key)) = (self.busiest / f64::from(shards), self.mean_bytes);
        let packing = Packing::new(producer, rate, data, key, self.explicit_hash_keys);
        let variation = self.record_square / self.record_bytes.max(1.0).powi(2);
        Self {
            record_bytes: packing.record_bytes,
            record_square: packing.record_bytes.powi(2) * variation,
            packed: packing.records,
            billed: if packing.records > 1.0 { Billed::default().of_each(1, &packing) } else { self.billed_alone },
            shards,
            ..self.clone()
        }
    }

    /// Share of the records that a limit on bytes refuses, of which it refuses this share.
    ///
    /// A large record does not fit when a small one still does. One of s bytes is refused with a chance of `min(1, c s^1.5)`: between s, as
    /// if what is left were as often little as much, and s², as it is next to nothing, because it is only ever used up by a record that just
    /// fits. The exponent is that of the grid in `reports/throttling-forecast.csv`.
    pub fn records_refused(&self, bytes_refused: f64) -> f64 {
        let all: f64 = self.sizes.iter().sum();
        if bytes_refused <= 0.0 || all <= 0.0 {
            return 0.0;
        }
        let chance = |c: f64, size: f64| (c * size * size.sqrt()).min(1.0);
        let bytes = |c: f64| self.sizes.iter().map(|size| chance(c, *size) * size).sum::<f64>() / all;
        // Between nothing and what refuses the smallest for certain.
        let (mut low, mut high) = (0.0, self.sizes.first().map_or(1.0, |size| 1.0 / (size * size.sqrt()).max(1e-9)));
        for _ in 0..60 {
            let middle = (low + high) / 2.0;
            if bytes(middle) < bytes_refused { low = middle } else { high = middle }
        }
        self.sizes.iter().map(|size| chance(high, *size)).sum::<f64>() / self.sizes.len() as f64
    }

    /// Shards that the busiest second would fill to the brim, if it spread evenly.
    pub fn shards_filled(&self, profile: &Profile) -> f64 {
        let by_records = self.busiest / self.packed / profile.write.records_per_second as f64;
        by_records.max(self.busiest * self.record_bytes / profile.write.bytes_per_second as f64)
    }
}

/// The means of equal parts of some sizes, in order.
fn parts(mut sizes: Vec<f64>) -> Vec<f64> {
    sizes.sort_by(f64::total_cmp);
    let each = sizes.len().div_ceil(SIZE_PARTS).max(1);
    sizes.chunks(each).map(|part| part.iter().sum::<f64>() / part.len() as f64).collect()
}

fn busiest_second(schedule: &Schedule, end: Time) -> f64 {
    match schedule.rate() {
        Schedule::Constant { rate } => rate.0,
        Schedule::Shaped { shape } => {
            let seconds = 0..end.as_secs_f64().ceil() as u64;
            seconds.map(|second| shape.due((second + 1) as f64) - shape.due(second as f64)).fold(0.0, f64::max)
        }
        Schedule::Poisson { rate, .. } => busiest_second(rate, end),
        Schedule::Recorded { times } => {
            let due = times.iter().take_while(|time| **time < end);
            let (mut most, mut current) = (0u64, (0u64, 0u64));
            for second in due.map(|time| time.second()) {
                current = if second == current.0 { (second, current.1 + 1) } else { (second, 1) };
                most = most.max(current.1);
            }
            most as f64
        }
    }
}
