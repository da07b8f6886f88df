//! The delivery check: did every accepted record reach every consumer?

use serde::{Deserialize, Serialize};

use crate::workload::{Header, HeaderError};

/// A set of record numbers, one bit each.
#[derive(Debug, Clone, Default)]
pub struct RecordSet {
    words: Vec<u64>,
    len: u64,
}

/// What the producers know of each record.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Records that the service acknowledged.
    pub accepted: RecordSet,
    /// Records that were sent and never answered.
    pub unknown: RecordSet,
}

/// What one consumer has read.
#[derive(Debug, Clone)]
pub struct Reading {
    run: u32,
    /// The run's records that it has seen.
    pub seen: RecordSet,
    /// Records seen again.
    pub duplicates: u64,
    /// Records with a wrong checksum.
    pub corrupt: u64,
    /// Records of other producers.
    pub foreign: u64,
}

/// Outcome of the delivery check for one consumer, in records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DeliveryCheck {
    /// Acknowledged by the service.
    pub accepted: u64,
    /// Acknowledged, and seen by the consumer at least once.
    pub delivered: u64,
    /// Acknowledged, and never seen by a consumer that has read everything: `accepted - delivered - unread`.
    pub lost: u64,
    /// Acknowledged, and not seen when the run ended: the consumer had not read everything by then.
    #[serde(default)]
    pub unread: u64,
    /// Deliveries of records that the consumer had seen before.
    pub duplicates: u64,
    /// Seen although no acknowledgement came: the answer was lost, or the record was given up.
    pub unexpected: u64,
    /// Read with a wrong checksum.
    pub corrupt: u64,
    /// Read, but written by another producer.
    pub foreign: u64,
}

impl RecordSet {
    /// Adds a record; `false` if it was there.
    pub fn insert(&mut self, index: u64) -> bool {
        let (word, bit) = ((index / 64) as usize, 1 << (index % 64));
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.len += u64::from(new);
        new
    }

    /// Number of records.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds every record of another set.
    pub fn extend(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
        self.len = self.words.iter().map(|word| u64::from(word.count_ones())).sum();
    }

    /// Number of records that are in both sets.
    pub fn in_common(&self, other: &Self) -> u64 {
        self.words.iter().zip(&other.words).map(|(a, b)| u64::from((a & b).count_ones())).sum()
    }
}

impl Reading {
    /// A consumer of run number `run` that has read nothing.
    pub fn new(run: u32) -> Self {
        Self { run, seen: RecordSet::default(), duplicates: 0, corrupt: 0, foreign: 0 }
    }

    /// Takes in a record of which the run offers numbers below `offered`; gives its header if it belongs to the run and is
    /// seen for the first time.
    pub fn take(&mut self, blob: &[u8], offered: u64) -> Option<Header> {
        match Header::read(blob) {
            Err(HeaderError::Foreign) => self.foreign += 1,
            Err(HeaderError::Corrupt) => self.corrupt += 1,
            Ok(header) if header.run != self.run || header.index >= offered => self.foreign += 1,
            Ok(header) if self.seen.insert(header.index) => return Some(header),
            Ok(_) => self.duplicates += 1,
        }
        None
    }
}

impl DeliveryCheck {
    /// Compares what was accepted with what a consumer has read. What is missing is lost only if it has read everything there
    /// was to read.
    pub fn new(ledger: &Ledger, reading: &Reading, read_everything: bool) -> Self {
        let delivered = ledger.accepted.in_common(&reading.seen);
        let missing = ledger.accepted.len() - delivered;
        Self {
            accepted: ledger.accepted.len(),
            delivered,
            lost: if read_everything { missing } else { 0 },
            unread: if read_everything { 0 } else { missing },
            duplicates: reading.duplicates,
            unexpected: reading.seen.len() - delivered,
            corrupt: reading.corrupt,
            foreign: reading.foreign,
        }
    }

    /// Every accepted record arrived, and none was changed on the way.
    pub const fn complete(&self) -> bool {
        self.lost == 0 && self.unread == 0 && self.corrupt == 0
    }

    /// Every accepted record arrived once, and nothing else did.
    pub const fn exactly_once(&self) -> bool {
        self.complete() && self.duplicates == 0 && self.unexpected == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use crate::time::Time;
    use crate::workload::{Arrival, Filling, Payloads};

    fn blob(run: u32, index: u64) -> Vec<u8> {
        let arrival = Arrival { index, intended: Time::ZERO, key: "k".into(), explicit_hash_key: None, size: 64 };
        Payloads::new(run, Seed(1), Filling::Random).payload(&arrival).to_vec()
    }

    #[test]
    fn each_injected_fault_is_found_and_counted() {
        let (mut ledger, mut reading) = (Ledger::default(), Reading::new(7));
        for index in [0, 1, 2, 3, 200] {
            ledger.accepted.insert(index);
        }
        let mut corrupt = blob(7, 3);
        corrupt[40] ^= 1;
        for record in [blob(7, 0), blob(7, 1), blob(7, 1), blob(7, 5), corrupt, blob(8, 2), b"foreign".to_vec()] {
            reading.take(&record, 1_000);
        }
        let check = DeliveryCheck::new(&ledger, &reading, true);
        let expected = DeliveryCheck {
            accepted: 5,
            delivered: 2,
            lost: 3,
            unread: 0,
            duplicates: 1,
            unexpected: 1,
            corrupt: 1,
            foreign: 2,
        };
        assert_eq!(check, expected);
        assert!(!check.complete());
        let early = DeliveryCheck::new(&ledger, &reading, false);
        assert_eq!((early.lost, early.unread), (0, 3));
    }

    #[test]
    fn a_record_beyond_the_offered_ones_takes_no_memory() {
        let mut reading = Reading::new(7);
        assert_eq!(reading.take(&blob(7, u64::MAX), 1_000), None);
        assert_eq!((reading.foreign, reading.seen.len()), (1, 0));
    }

    #[test]
    fn a_complete_delivery_is_exactly_once() {
        let (mut ledger, mut reading) = (Ledger::default(), Reading::new(7));
        for index in 0..100 {
            ledger.accepted.insert(index);
            reading.take(&blob(7, index), 100);
        }
        assert!(DeliveryCheck::new(&ledger, &reading, true).exactly_once());
    }
}
