//! The bytes of a record: a verification header, then seeded random bytes.

use bytes::{BufMut, Bytes, BytesMut};
use rand::Rng as _;

use super::Arrival;
use crate::seed::Seed;
use crate::time::Time;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 28;
/// The smallest size of a record.
pub const SMALLEST_RECORD: usize = HEADER_BYTES;

const MAGIC: [u8; 4] = *b"sgR1";
const CHECKSUM_AT: usize = HEADER_BYTES - 4;
const POOL_BYTES: usize = 1 << 20;

/// What a consumer learns from a record about its origin.
///
/// Layout, big-endian: magic (4), run (4), index (8), intended time in nanoseconds (8), CRC32C (4) of all other bytes.
/// The index also orders the records of a key: those of a later arrival have a higher one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The run that produced the record.
    pub run: u32,
    /// Number of the arrival.
    pub index: u64,
    /// When the record was due.
    pub intended: Time,
}

/// Why a blob is not a record of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// It has no header: another producer wrote it.
    #[error("the record was written by another producer")]
    Foreign,
    /// It has a header, and its bytes are not the ones that were sent.
    #[error("the record is corrupt: its checksum does not match")]
    Corrupt,
}

/// What fills a record behind its header.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Filling {
    /// Random bytes, which nothing compresses.
    #[default]
    Random,
    /// In each 100 bytes, so many zeros at the end; the rest is random. A general compressor saves about this part.
    Compressible {
        /// Zeros in each 100 bytes, 0 to 100.
        zeros: u8,
    },
}

/// Makes the payloads of a run.
#[derive(Debug, Clone)]
pub struct Payloads {
    run: u32,
    /// Random bytes that payloads are cut from, so that a payload costs a copy instead of a generator.
    pool: Bytes,
}

impl Payloads {
    /// The payloads of run number `run`.
    pub fn new(run: u32, seed: Seed, filling: Filling) -> Self {
        let mut pool = vec![0; 2 * POOL_BYTES];
        seed.stream("workload.payload", 0).fill_bytes(&mut pool);
        if let Filling::Compressible { zeros } = filling {
            let random = 100 - usize::from(zeros.min(100));
            pool.chunks_mut(100).for_each(|chunk| {
                let from = random.min(chunk.len());
                chunk[from..].fill(0);
            });
        }
        Self { run, pool: pool.into() }
    }

    /// The data blob of an arrival, a function of the seed and the arrival. Its size is at least [`HEADER_BYTES`].
    pub fn payload(&self, arrival: &Arrival) -> Bytes {
        let size = (arrival.size as usize).max(HEADER_BYTES);
        let mut blob = BytesMut::with_capacity(size);
        blob.put_slice(&MAGIC);
        blob.put_u32(self.run);
        blob.put_u64(arrival.index);
        blob.put_u64(arrival.intended.as_nanos());
        blob.put_u32(0);
        // A stride that is prime to the pool's size visits every offset before it repeats one.
        let mut from = (arrival.index.wrapping_mul(0x9e37_79b1) % POOL_BYTES as u64) as usize;
        while blob.len() < size {
            let piece = (size - blob.len()).min(POOL_BYTES);
            blob.put_slice(&self.pool[from..from + piece]);
            from = 0;
        }
        let checksum = checksum(&blob);
        blob[CHECKSUM_AT..HEADER_BYTES].copy_from_slice(&checksum.to_be_bytes());
        blob.freeze()
    }
}

impl Header {
    /// Reads and verifies the header of a data blob.
    ///
    /// # Errors
    /// The blob is not from a run of this program, or was changed on the way.
    pub fn read(blob: &[u8]) -> Result<Self, HeaderError> {
        let header: &[u8; HEADER_BYTES] = blob.first_chunk().ok_or(HeaderError::Foreign)?;
        if header[..4] != MAGIC {
            return Err(HeaderError::Foreign);
        }
        let number = |from: usize, to: usize| header[from..to].iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
        if number(CHECKSUM_AT, HEADER_BYTES) != u64::from(checksum(blob)) {
            return Err(HeaderError::Corrupt);
        }
        let run = u32::try_from(number(4, 8)).unwrap_or_default();
        Ok(Self { run, index: number(8, 16), intended: Time::from_nanos(number(16, 24)) })
    }
}

fn checksum(blob: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&blob[..CHECKSUM_AT]), &blob[HEADER_BYTES..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn arrival(index: u64, size: u32) -> Arrival {
        Arrival { index, intended: Time::from_millis(index), key: "key".into(), explicit_hash_key: None, size }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(index: u64, size in 28u32..5_000) {
            let payloads = Payloads::new(9, Seed(1), Filling::Random);
            let arrival = arrival(index, size);
            let blob = payloads.payload(&arrival);
            prop_assert_eq!(blob.len(), size as usize);
            prop_assert_eq!(Header::read(&blob), Ok(Header { run: 9, index, intended: arrival.intended }));
        }

        #[test]
        fn a_flipped_bit_is_noticed(at in 0usize..400, bit in 0u8..8) {
            let mut blob = Payloads::new(9, Seed(1), Filling::Random).payload(&arrival(3, 400)).to_vec();
            blob[at] ^= 1 << bit;
            prop_assert!(Header::read(&blob).is_err());
        }

        #[test]
        fn arbitrary_bytes_never_panic(blob: Vec<u8>) {
            prop_assert!(Header::read(&blob).is_err());
        }
    }

    #[test]
    fn a_part_of_a_compressible_payload_is_zeros() {
        for zeros in [0, 30, 70, 100] {
            let blob = Payloads::new(1, Seed(1), Filling::Compressible { zeros }).payload(&arrival(7, 100_028));
            let found = blob[HEADER_BYTES..].iter().filter(|byte| **byte == 0).count() as f64 / 100_000.0;
            // One random byte in 256 is zero, too.
            let expected = f64::from(zeros) / 100.0;
            assert!((found - expected).abs() < 0.006, "{found} for {expected}");
            assert!(Header::read(&blob).is_ok());
        }
    }

    #[test]
    fn payloads_beyond_the_pool_are_filled() {
        let blob = Payloads::new(1, Seed(1), Filling::Random).payload(&arrival(1, 10 << 20));
        assert_eq!(blob.len(), 10 << 20);
        assert!(Header::read(&blob).is_ok());
    }
}
