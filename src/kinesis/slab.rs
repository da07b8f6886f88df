//! Where the records of a shard lie: one after the other, in few allocations.

use bytes::{Bytes, BytesMut};

/// The first slab of a shard.
const SMALLEST: u64 = 4 << 10;
/// Larger ones would save nothing more.
const LARGEST: u64 = 128 << 10;
/// How much of what a shard holds its next slab is: what the last slab has free, and what the first one has dropped, is
/// memory that no record uses.
const SHARE: u64 = 16;
/// A record that would take more than this part of a slab gets memory of its own: slabs end with less than that unused.
const PART: usize = 8;

/// The slab that is being filled. It is free when all records in it are.
#[derive(Debug, Default)]
pub(super) struct Slab(BytesMut);

impl Slab {
    /// Copies a record in, its key before its data. `held` is what the shard holds in all, in bytes.
    pub fn store(&mut self, key: &[u8], data: &[u8], held: u64) -> Bytes {
        let bytes = key.len() + data.len();
        // It is at most LARGEST here.
        let size = (held / SHARE).clamp(SMALLEST, LARGEST) as usize;
        if bytes > size / PART {
            return [key, data].concat().into();
        }
        if self.0.capacity() < bytes {
            self.0 = BytesMut::with_capacity(size);
        }
        self.0.extend_from_slice(key);
        self.0.extend_from_slice(data);
        self.0.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_lie_one_after_the_other_until_a_slab_is_full() {
        let mut slab = Slab::default();
        let mut store = |byte| slab.store(b"key", &[byte; 497], 0);
        let records: Vec<Bytes> = (0..9).map(&mut store).collect();
        // Eight of 500 bytes fit into 4 KiB.
        for pair in records[..8].windows(2) {
            assert_eq!(pair[0].as_ptr_range().end, pair[1].as_ptr_range().start);
        }
        assert_ne!(records[7].as_ptr_range().end, records[8].as_ptr_range().start);
        for (byte, record) in (0u8..).zip(&records) {
            assert_eq!((&record[..3], &record[3..]), (&b"key"[..], &[byte; 497][..]));
        }
    }

    #[test]
    fn a_large_record_has_memory_of_its_own_and_an_empty_one_none() {
        let mut slab = Slab::default();
        let small = slab.store(b"k", b"small", 0);
        let large = slab.store(b"key", &[7; 10 << 20], u64::MAX);
        assert_eq!(large.len(), (10 << 20) + 3);
        assert_eq!(slab.store(b"", b"", 0).len(), 0);
        assert_eq!(small.as_ptr_range().end, slab.store(b"k", b"next", 0).as_ptr());
    }
}
