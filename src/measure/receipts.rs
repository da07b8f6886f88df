//! What the service said of accepted records that somebody has not seen yet: it tells where a lost one was stored.

use std::collections::VecDeque;

use crate::client::{PackedSequence, Sample};

/// The acknowledgements of records that are still to be seen.
///
/// A record that every consumer has seen needs none any more. What is kept is bounded: beyond that, an acknowledgement is
/// forgotten at once.
#[derive(Debug, Clone, Default)]
pub struct Receipts {
    kept: VecDeque<Receipt>,
    forgotten: u64,
}

/// Where a record was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Its number in the run.
    pub index: u64,
    /// Index of its shard in the shard map.
    pub shard: u32,
    /// Its sequence number, if it is one as AWS gives them.
    pub sequence: Option<PackedSequence>,
}

/// Most receipts that are kept: some seconds at the highest rates, in 28 MB at most.
pub(super) const KEPT_MAX: usize = 500_000;
/// So many are kept without asking whether they are needed.
const UNASKED: usize = 10_000;

impl Receipts {
    /// Keeps what the service said of an accepted record.
    pub fn keep(&mut self, sample: &Sample) {
        if self.kept.len() >= KEPT_MAX {
            self.forgotten += 1;
            return;
        }
        let shard = u32::try_from(sample.shard).unwrap_or(u32::MAX);
        self.kept.push_back(Receipt { index: sample.index, shard, sequence: sample.sequence });
    }

    /// Whether it is worth asking which ones are needed.
    pub fn are_many(&self) -> bool {
        self.kept.len() > UNASKED
    }

    /// Drops those of `most` receipts whose record every consumer has `seen`.
    pub fn drop_seen(&mut self, most: usize, seen: impl Fn(u64) -> bool) {
        for _ in 0..most.min(self.kept.len()) {
            if let Some(oldest) = self.kept.pop_front()
                && !seen(oldest.index)
            {
                self.kept.push_back(oldest);
            }
        }
    }

    /// The receipt of a record, if it is kept. It looks through all of them.
    pub fn of(&self, index: u64) -> Option<&Receipt> {
        self.kept.iter().find(|receipt| receipt.index == index)
    }

    /// How many were forgotten because there were too many.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Bytes of memory that they take.
    pub fn memory(&self) -> usize {
        self.kept.capacity() * size_of::<Receipt>()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::client::Outcome;
    use crate::time::Time;

    pub fn sample(index: u64) -> Sample {
        Sample {
            index,
            intended: Time::ZERO,
            released: Time::ZERO,
            sent: None,
            done: Time::ZERO,
            attempts: 1,
            outcome: Outcome::Accepted,
            reason: None,
            shard: index as usize % 7,
            bytes: 1,
            service_bytes: None,
            sequence: PackedSequence::new(index.to_string().as_bytes()),
        }
    }

    #[test]
    fn what_everybody_has_seen_is_dropped_and_the_rest_is_found() {
        let mut receipts = Receipts::default();
        for index in 0..3 * UNASKED as u64 {
            receipts.keep(&sample(index));
            if receipts.are_many() {
                receipts.drop_seen(4, |index| index % 1_000 != 999);
            }
        }
        assert!(receipts.kept.len() <= UNASKED + 1, "{}", receipts.kept.len());
        for lost in [999, 1_999, 20_999] {
            let receipt = receipts.of(lost).unwrap();
            assert_eq!(receipt.sequence.unwrap().to_string(), lost.to_string());
            assert_eq!(u64::from(receipt.shard), lost % 7);
        }
        assert_eq!((receipts.of(998), receipts.forgotten()), (None, 0));
    }

    #[test]
    fn too_many_are_counted_and_take_no_memory() {
        let mut receipts = Receipts::default();
        (0..KEPT_MAX as u64 + 10).for_each(|index| receipts.keep(&sample(index)));
        assert_eq!((receipts.kept.len(), receipts.forgotten()), (KEPT_MAX, 10));
        assert!(receipts.memory() <= 56 << 20, "{}", receipts.memory());
    }
}
