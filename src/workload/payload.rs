//! The data of a record: a verification header, then what fills it.
//!
//! In a record of JSON, the header is the hexadecimal value of the first member: `{"streamgauge":"…"`.

use std::sync::Arc;

use bytes::{BufMut, Bytes};
use rand::Rng as _;

use base64_simd::STANDARD;

use super::Arrival;
use super::template::Template;
use crate::seed::{NamedSeed, Seed, mix};
use crate::time::Time;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 28;
/// The smallest size of a record, which is that of the header of small records.
pub const SMALLEST_RECORD: usize = SMALL_HEADER_BYTES;

const MAGIC: [u8; 4] = *b"sgR1";
const CHECKSUM_AT: usize = HEADER_BYTES - 4;
const SMALL_MAGIC: [u8; 2] = *b"sg";
const SMALL_HEADER_BYTES: usize = 19;
const SMALL_CHECKSUM_AT: usize = SMALL_HEADER_BYTES - 4;
/// Small enough to stay in a processor's cache.
const POOL_BYTES: usize = 1 << 18;
/// What stands before and after the header in a record of JSON.
const JSON_BEFORE: &[u8] = b"{\"streamgauge\":\"";
const JSON_HEADER_END: usize = JSON_BEFORE.len() + 2 * HEADER_BYTES;
/// What a record of JSON takes beside the members of its template: the header, a comma and the braces.
pub const JSON_BYTES: usize = JSON_HEADER_END + 3;
const PADDING_BEFORE: &[u8] = b",\"padding\":\"";

/// What a consumer learns from a record about its origin.
///
/// Layout, big-endian: magic (4), run (4), index (8), intended time in nanoseconds (8), CRC32C (4) of all other bytes. A record
/// that is smaller has: magic (2), the lower half of the run (2), index (5), intended time in microseconds (6), CRC32C (4).
/// The index also orders the records of a key: those of a later arrival have a higher one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Number of the arrival.
    pub index: u64,
    /// When the record was due.
    pub intended: Time,
}

/// Why a blob is not a record of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// It has no header, or that of another run: another producer wrote it.
    #[error("the record was written by another producer")]
    Foreign,
    /// It has a header, and its bytes are not the ones that were sent.
    #[error("the record is corrupt: its checksum does not match")]
    Corrupt,
}

/// What fills a record behind its header.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Filling {
    /// Random bytes, which nothing compresses.
    #[default]
    Random,
    /// In each 100 bytes, so many zeros at the end; the rest is random. A general compressor saves about this part.
    Compressible {
        /// Zeros in each 100 bytes, 0 to 100.
        zeros: u8,
    },
    /// JSON, with a last member that pads it to its size.
    Json(Template),
}

/// The data of a record: made, or still to be made, which takes no memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// The bytes.
    Made(Bytes),
    /// What [`Payloads::write`] makes when they are needed.
    Unmade(Unmade),
}

/// All that data depend on, beside the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unmade {
    index: u64,
    intended: Time,
    size: u32,
}

impl Data {
    /// No data.
    pub const EMPTY: Self = Self::Made(Bytes::new());

    /// How many bytes they are.
    pub const fn len(&self) -> usize {
        match self {
            Self::Made(bytes) => bytes.len(),
            Self::Unmade(unmade) => unmade.size as usize,
        }
    }

    /// Whether they are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<Bytes> for Data {
    fn from(bytes: Bytes) -> Self {
        Self::Made(bytes)
    }
}

/// Makes the payloads of a run.
#[derive(Debug, Clone)]
pub struct Payloads(Arc<Source>);

#[derive(Debug)]
struct Source {
    run: u32,
    /// Random bytes that payloads are cut from, so that a payload costs a copy instead of a generator.
    pool: Vec<u8>,
    /// The template of records of JSON, and what draws its random numbers.
    template: Option<(Template, NamedSeed)>,
}

impl Payloads {
    /// The payloads of run number `run`.
    pub fn new(run: u32, seed: Seed, filling: Filling) -> Self {
        let mut pool = vec![0; 2 * POOL_BYTES];
        seed.stream("workload.payload", 0).fill_bytes(&mut pool);
        let mut template = None;
        match filling {
            Filling::Random => {}
            Filling::Compressible { zeros } => {
                let random = 100 - usize::from(zeros.min(100));
                pool.chunks_mut(100).for_each(|chunk| {
                    let from = random.min(chunk.len());
                    chunk[from..].fill(0);
                });
            }
            Filling::Json(json) => {
                // Letters that JSON does not escape.
                pool = STANDARD.encode_to_string(&pool[..pool.len() / 4 * 3]).into_bytes();
                template = Some((json, seed.named("workload.template")));
            }
        }
        Self(Arc::new(Source { run, pool, template }))
    }

    /// A hash of all that data are cut from: the random bytes, and the template of JSON. The same for every run with this seed.
    pub fn source(&self) -> u64 {
        let template =
            self.0.template.as_ref().map_or(0, |(template, _)| crc32c::crc32c(format!("{template:?}").as_bytes()));
        mix(u64::from(crc32c::crc32c(&self.0.pool)) << 32 | u64::from(template))
    }

    /// The data of an arrival, a function of the seed and the arrival. They are at least [`SMALLEST_RECORD`]. JSON is made at once,
    /// because its size depends on what is in it.
    pub fn data(&self, arrival: &Arrival) -> Data {
        if self.0.template.is_some() {
            return Data::Made(self.payload(arrival));
        }
        let size = arrival.size.max(SMALLEST_RECORD as u32);
        Data::Unmade(Unmade { index: arrival.index, intended: arrival.intended, size })
    }

    /// The same, made.
    pub fn payload(&self, arrival: &Arrival) -> Bytes {
        match &self.0.template {
            Some((template, seed)) => self.0.json(template, *seed, arrival),
            None => self.bytes(self.data(arrival)),
        }
    }

    /// The bytes of data.
    pub fn bytes(&self, data: Data) -> Bytes {
        match data {
            Data::Made(bytes) => bytes,
            Data::Unmade(_) => {
                let mut blob = Vec::with_capacity(data.len());
                self.write(&data, &mut blob);
                blob.into()
            }
        }
    }

    /// Writes the bytes of data behind what is there.
    pub fn write(&self, data: &Data, blob: &mut Vec<u8>) {
        match data {
            Data::Made(bytes) => blob.extend_from_slice(bytes),
            Data::Unmade(unmade) => self.0.write(*unmade, blob),
        }
    }

    /// Writes what tells where data come from, as a whole record without a filling, and says how many bytes are left out. Made
    /// data are written whole.
    pub fn write_head(&self, data: &Data, blob: &mut Vec<u8>) -> u32 {
        let size = HEADER_BYTES as u32;
        match data {
            Data::Unmade(unmade) if unmade.size > size => {
                self.0.write(Unmade { size, ..*unmade }, blob);
                unmade.size - size
            }
            data => {
                self.write(data, blob);
                0
            }
        }
    }
}

impl Source {
    fn write(&self, Unmade { index, intended, size }: Unmade, blob: &mut Vec<u8>) {
        let from = blob.len();
        let checksum_at = if (size as usize) < HEADER_BYTES {
            blob.extend_from_slice(&self.small_header(index, intended));
            from + SMALL_CHECKSUM_AT
        } else {
            blob.extend_from_slice(&self.unchecked_header(index, intended));
            from + CHECKSUM_AT
        };
        self.fill(blob, from + size as usize, index);
        let checksum = checksum(&blob[from..checksum_at], &blob[checksum_at + 4..]);
        blob[checksum_at..checksum_at + 4].copy_from_slice(&checksum.to_be_bytes());
    }

    /// The header of a small record, with zeros in the place of the checksum.
    fn small_header(&self, index: u64, intended: Time) -> [u8; SMALL_HEADER_BYTES] {
        let mut header = [0; SMALL_HEADER_BYTES];
        header[..2].copy_from_slice(&SMALL_MAGIC);
        header[2..4].copy_from_slice(&self.run.to_be_bytes()[2..]);
        header[4..9].copy_from_slice(&index.to_be_bytes()[3..]);
        header[9..SMALL_CHECKSUM_AT].copy_from_slice(&(intended.as_nanos() / 1_000).to_be_bytes()[2..]);
        header
    }

    /// A record of JSON. It is larger than its size only if JSON escapes much of its key.
    fn json(&self, template: &Template, seed: NamedSeed, arrival: &Arrival) -> Bytes {
        let size = arrival.size as usize;
        let mut blob = Vec::with_capacity(size);
        blob.put_slice(JSON_BEFORE);
        blob.put_bytes(b'0', 2 * HEADER_BYTES);
        blob.put_u8(b'"');
        if !template.is_empty() {
            blob.put_u8(b',');
            template.fill(&mut blob, arrival, seed);
        }
        if blob.len() + PADDING_BEFORE.len() + 2 <= size {
            blob.put_slice(PADDING_BEFORE);
            self.fill(&mut blob, size - 2, arrival.index);
            blob.put_u8(b'"');
        }
        // Too little for another member: spaces do.
        blob.put_bytes(b' ', (size.saturating_sub(1)).saturating_sub(blob.len()));
        blob.put_u8(b'}');
        let mut header = self.unchecked_header(arrival.index, arrival.intended);
        let checksum = checksum(&header[..CHECKSUM_AT], &blob[JSON_HEADER_END..]);
        header[CHECKSUM_AT..].copy_from_slice(&checksum.to_be_bytes());
        for (place, byte) in blob[JSON_BEFORE.len()..JSON_HEADER_END].chunks_mut(2).zip(header) {
            place.copy_from_slice(&[HEXADECIMAL[usize::from(byte >> 4)], HEXADECIMAL[usize::from(byte & 15)]]);
        }
        blob.into()
    }

    /// The header of an arrival, with zeros in the place of the checksum.
    fn unchecked_header(&self, index: u64, intended: Time) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[..4].copy_from_slice(&MAGIC);
        header[4..8].copy_from_slice(&self.run.to_be_bytes());
        header[8..16].copy_from_slice(&index.to_be_bytes());
        header[16..CHECKSUM_AT].copy_from_slice(&intended.as_nanos().to_be_bytes());
        header
    }

    /// Fills a blob up to `size` bytes from the pool.
    fn fill(&self, blob: &mut Vec<u8>, size: usize, index: u64) {
        // A stride that is prime to the pool's size visits every offset before it repeats one.
        let mut from = (index.wrapping_mul(0x9e37_79b1) % POOL_BYTES as u64) as usize;
        while blob.len() < size {
            let piece = (size - blob.len()).min(POOL_BYTES);
            blob.extend_from_slice(&self.pool[from..from + piece]);
            from = 0;
        }
    }
}

const HEXADECIMAL: &[u8; 16] = b"0123456789abcdef";

impl Header {
    /// Reads and verifies the header of a data blob of run number `run`.
    ///
    /// # Errors
    /// The blob is not from this run, or was changed on the way.
    pub fn read(blob: &[u8], run: u32) -> Result<Self, HeaderError> {
        if blob.len() < HEADER_BYTES {
            return Self::read_small(blob, run);
        }
        let (header, rest) = split(blob).ok_or(HeaderError::Foreign)?;
        if header[..4] != MAGIC {
            return Err(HeaderError::Foreign);
        }
        if number(&header[CHECKSUM_AT..]) != u64::from(checksum(&header[..CHECKSUM_AT], rest)) {
            return Err(HeaderError::Corrupt);
        }
        if header[4..8] != run.to_be_bytes() {
            return Err(HeaderError::Foreign);
        }
        Ok(Self { index: number(&header[8..16]), intended: Time::from_nanos(number(&header[16..CHECKSUM_AT])) })
    }

    fn read_small(blob: &[u8], run: u32) -> Result<Self, HeaderError> {
        let (header, rest) = blob.split_first_chunk::<SMALL_HEADER_BYTES>().ok_or(HeaderError::Foreign)?;
        if header[..2] != SMALL_MAGIC {
            return Err(HeaderError::Foreign);
        }
        if number(&header[SMALL_CHECKSUM_AT..]) != u64::from(checksum(&header[..SMALL_CHECKSUM_AT], rest)) {
            return Err(HeaderError::Corrupt);
        }
        if header[2..4] != run.to_be_bytes()[2..] {
            return Err(HeaderError::Foreign);
        }
        let intended = number(&header[9..SMALL_CHECKSUM_AT]).saturating_mul(1_000);
        Ok(Self { index: number(&header[4..9]), intended: Time::from_nanos(intended) })
    }
}

/// A big-endian number of up to eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The header of a blob, and what follows it.
fn split(blob: &[u8]) -> Option<([u8; HEADER_BYTES], &[u8])> {
    if !blob.starts_with(JSON_BEFORE) {
        return blob.split_first_chunk().map(|(header, rest)| (*header, rest));
    }
    let digits = blob.get(JSON_BEFORE.len()..JSON_HEADER_END)?;
    let mut header = [0; HEADER_BYTES];
    for (byte, pair) in header.iter_mut().zip(digits.chunks(2)) {
        let digit = |place: usize| HEXADECIMAL.iter().position(|digit| *digit == pair[place]);
        *byte = (digit(0)? << 4 | digit(1)?) as u8;
    }
    Some((header, blob.get(JSON_HEADER_END..)?))
}

fn checksum(before: &[u8], after: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(before), after)
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
        fn what_is_written_is_read(index in 0u64..1 << 37, size in 19u32..5_000) {
            let payloads = Payloads::new(9, Seed(1), Filling::Random);
            let arrival = arrival(index, size);
            let blob = payloads.payload(&arrival);
            prop_assert_eq!(blob.len(), size as usize);
            prop_assert_eq!(Header::read(&blob, 9), Ok(Header { index, intended: arrival.intended }));
            prop_assert_eq!(Header::read(&blob, 8), Err(HeaderError::Foreign));
        }

        #[test]
        fn a_record_of_json_is_json_of_its_size_with_a_header(index in 0u64..4_000_000_000, size in 140u32..5_000, at in 0usize..5_000) {
            let template = Template::parse(r#"{"n":{{index}},"user":"{{key}}","r":{{random}}}"#).unwrap();
            prop_assert!(JSON_BYTES + template.longest(3) <= 140);
            let payloads = Payloads::new(9, Seed(1), Filling::Json(template));
            let arrival = arrival(index, size);
            let mut blob = payloads.payload(&arrival).to_vec();
            let json: serde_json::Value = serde_json::from_slice(&blob).unwrap();
            prop_assert_eq!((blob.len(), json["n"].as_u64(), json["user"].as_str()), (size as usize, Some(index), Some("key")));
            prop_assert_eq!(Header::read(&blob, 9), Ok(Header { index, intended: arrival.intended }));
            prop_assert_eq!(Header::read(&blob, 8), Err(HeaderError::Foreign));
            let at = at % blob.len();
            blob[at] ^= 1;
            prop_assert!(Header::read(&blob, 9).is_err(), "a flipped bit at {}", at);
        }

        #[test]
        fn a_flipped_bit_is_noticed(at in 0usize..400, bit in 0u8..8, size in prop_oneof![19u32..60, Just(400)]) {
            let mut blob = Payloads::new(9, Seed(1), Filling::Random).payload(&arrival(3, size)).to_vec();
            let at = at % blob.len();
            blob[at] ^= 1 << bit;
            prop_assert!(Header::read(&blob, 9).is_err());
        }

        #[test]
        fn arbitrary_bytes_never_panic(blob: Vec<u8>) {
            prop_assert!(Header::read(&blob, 9).is_err());
        }
    }

    #[test]
    fn a_head_is_a_record_of_its_own() {
        let payloads = Payloads::new(9, Seed(1), Filling::Random);
        for (size, left_out) in [(19, 0), (28, 0), (29, 1), (1_024, 996)] {
            let arrival = arrival(7, size);
            let mut head = Vec::new();
            let padding = payloads.write_head(&payloads.data(&arrival), &mut head);
            assert_eq!((padding, head.len() as u32 + padding), (left_out, size));
            assert_eq!(Header::read(&head, 9), Ok(Header { index: 7, intended: arrival.intended }));
        }
    }

    #[test]
    fn a_part_of_a_compressible_payload_is_zeros() {
        for zeros in [0, 30, 70, 100] {
            let blob = Payloads::new(9, Seed(1), Filling::Compressible { zeros }).payload(&arrival(7, 100_028));
            let found = blob[HEADER_BYTES..].iter().filter(|byte| **byte == 0).count() as f64 / 100_000.0;
            // One random byte in 256 is zero, too.
            let expected = f64::from(zeros) / 100.0;
            assert!((found - expected).abs() < 0.006, "{found} for {expected}");
            assert!(Header::read(&blob, 9).is_ok());
        }
    }

    #[test]
    fn payloads_beyond_the_pool_are_filled() {
        let blob = Payloads::new(9, Seed(1), Filling::Random).payload(&arrival(1, 10 << 20));
        assert_eq!(blob.len(), 10 << 20);
        assert!(Header::read(&blob, 9).is_ok());
    }
}
