//! How many records go into one Kinesis record: with aggregation, the limits on records count aggregates.

use crate::client::{Aggregation, ProducerSettings, aggregation};
use crate::kinesis::WriteLimits;

/// Records of a flow to one shard in each Kinesis record, and the bytes that each of them then takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Packing {
    /// Records per Kinesis record; 1 without aggregation.
    pub records: f64,
    /// Bytes of the Kinesis record per record.
    pub record_bytes: f64,
}

impl Packing {
    /// The packing of `rate` records per second to a shard, of `data` and `key` bytes on average. An aggregate is sent when it is
    /// full, or when its first record has lingered: with an even flow that is the first record and those of the linger. With
    /// `explicit_hash_keys`, the records of a shard share one.
    pub fn new(producer: &ProducerSettings, rate: f64, data: f64, key: f64, explicit_hash_keys: bool) -> Self {
        let alone = Self { records: 1.0, record_bytes: data + key };
        let Some(Aggregation { max_bytes, max_records }) = producer.aggregation else { return alone };
        let framed = |explicit| aggregation::record_size(key.round() as usize, explicit, data.round() as usize) as f64;
        // The producer reckons with a hash key for each record, and the aggregate has it once.
        let (reckoned, framed) = (framed(explicit_hash_keys), framed(false));
        let shared = if explicit_hash_keys { reckoned - framed } else { 0.0 };
        let overhead = aggregation::OVERHEAD as f64;
        let by_bytes = ((max_bytes.0 as f64 - overhead) / reckoned).floor();
        let by_time = 1.0 + (rate * producer.linger.as_secs_f64()).floor();
        let records = by_time.min(by_bytes).min(max_records as f64);
        // A single record goes as it is.
        if records < 2.0 { alone } else { Self { records, record_bytes: framed + (overhead + shared + 1.0) / records } }
    }

    /// The write limits of a shard, with the records counted one by one.
    pub fn limits(&self, write: &WriteLimits) -> WriteLimits {
        let unpacked = |records: u64| (records as f64 * self.records) as u64;
        WriteLimits {
            records_per_second: unpacked(write.records_per_second),
            record_burst: unpacked(write.record_burst),
            ..write.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_aggregate_holds_what_comes_while_it_lingers_up_to_its_limits() {
        let packing = |rate, max_records| {
            let aggregation = Some(Aggregation { max_records, ..Aggregation::KPL });
            let producer =
                ProducerSettings { aggregation, linger: Duration::from_millis(50), ..ProducerSettings::default() };
            Packing::new(&producer, rate, 100.0, 10.0, false).records
        };
        assert_eq!((packing(10.0, 100), packing(1_000.0, 100), packing(1_000.0, 20)), (1.0, 51.0, 20.0));
        // 120 bytes of key, data and frames each: 426 of them and the overhead of 20 fit into 51,200 bytes.
        assert_eq!(packing(1e6, 10_000), 426.0);
        let off = Packing::new(&ProducerSettings::default(), 1_000.0, 100.0, 10.0, false);
        assert_eq!(off, Packing { records: 1.0, record_bytes: 110.0 });
    }
}
