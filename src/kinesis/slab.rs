//! Where the records of a shard lie: one after the other, in few allocations.

use bytes::{Bytes, BytesMut};

/// The first slab of a shard.
const SMALLEST: u64 = 4 << 10;
/// Larger ones would save nothing more.
const LARGEST: u64 = 128 << 10;
/// How much of what a shard holds its next slab is: what the last slab has free, and what the first one has dropped, is
/// memory that no record uses.
const SHARE: u64 = 16;

/// The slab that is being filled. It is free when all records in it are.
#[derive(Debug, Default)]
pub(super) struct Slab(BytesMut);

impl Slab {
    /// Copies a record in, its key before its data. `held` is what the shard holds in all, in bytes.
    pub fn store(&mut self, key: &[u8], data: &[u8], held: u64) -> Bytes {
        let bytes = key.len() + data.len();
        if self.0.capacity() < bytes {
            // It is at most LARGEST here.
            let size = (held / SHARE).clamp(SMALLEST, LARGEST) as usize;
            self.0 = BytesMut::with_capacity(size.max(bytes));
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
        let first = slab.store(b"key", &[1; 2000], 0);
        let second = slab.store(b"", &[2; 2000], 0);
        let third = slab.store(b"k", &[3; 2000], 0);
        assert_eq!(first.as_ptr_range().end, second.as_ptr_range().start);
        assert_ne!(second.as_ptr_range().end, third.as_ptr_range().start);
        assert_eq!((&first[..4], second[0], &third[..2]), (&b"key\x01"[..], 2, &b"k\x03"[..]));
    }

    #[test]
    fn a_record_may_be_larger_than_a_slab() {
        let record = Slab::default().store(b"key", &[7; 10 << 20], u64::MAX);
        assert_eq!(record.len(), (10 << 20) + 3);
    }
}
