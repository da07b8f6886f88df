//! Hash keys: which shard a record goes to (fact sheet, section 3).

use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;

use crc32c::crc32c;
use md5::{Digest, Md5};

use crate::units::Share;

/// A point in the key space of a stream, 0 to 2^128 - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HashKey(pub u128);

/// The hash keys of one shard, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashKeyRange {
    /// The first.
    pub start: HashKey,
    /// The last.
    pub end: HashKey,
}

impl HashKey {
    /// The hash key of a partition key: its MD5 read as a big-endian number.
    pub fn of(partition_key: &str) -> Self {
        Self::of_bytes(partition_key.as_bytes())
    }

    /// The hash key of a partition key that is given as UTF-8.
    pub fn of_bytes(partition_key: &[u8]) -> Self {
        let length = partition_key.len();
        if length > KNOWN_KEY_BYTES {
            return md5(partition_key);
        }
        KNOWN.with_borrow_mut(|places| {
            if places.is_empty() {
                places.resize(KNOWN_KEYS, NOTHING_KNOWN);
            }
            let known = &mut places[crc32c(partition_key) as usize % KNOWN_KEYS];
            if usize::from(known.length) != length || known.key[..length] != *partition_key {
                known.hash_key = md5(partition_key);
                known.key[..length].copy_from_slice(partition_key);
                known.length = length as u8;
            }
            known.hash_key
        })
    }
}

thread_local! {
    static KNOWN: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };
}

/// A partition key met lately, and its hash key. MD5 is most of what it costs to find the shard of a record, and keys come again.
/// Each key has one place to be in, where it takes turns with others; a place is a line of the processor's cache.
#[derive(Debug, Clone)]
#[repr(align(64))]
struct Known {
    hash_key: HashKey,
    key: [u8; KNOWN_KEY_BYTES],
    length: u8,
}

/// Keys that are remembered, a power of two: 1 MiB. With as many keys in use, two in three are found.
const KNOWN_KEYS: usize = 1 << 14;
const KNOWN_KEY_BYTES: usize = 47;
const NOTHING_KNOWN: Known = Known { hash_key: HashKey(0), key: [0; KNOWN_KEY_BYTES], length: u8::MAX };

fn md5(partition_key: &[u8]) -> HashKey {
    HashKey(u128::from_be_bytes(Md5::digest(partition_key).into()))
}

impl FromStr for HashKey {
    type Err = ();

    /// Reads the decimal form of the API, `0|[1-9]\d{0,38}` up to 2^128 - 1.
    fn from_str(text: &str) -> Result<Self, ()> {
        let canonical = text == "0" || (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()));
        if !canonical {
            return Err(());
        }
        text.parse().map(Self).map_err(|_| ())
    }
}

impl fmt::Display for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl HashKeyRange {
    /// The first hash key of the second part, when this range is cut at `share` of it. Both parts have a key at least.
    ///
    /// An f64 has 53 bits and a range up to 128: the cut is as exact as a share can say.
    pub fn cut(&self, share: Share) -> HashKey {
        let width = self.end.0 - self.start.0;
        let before = ((width as f64 * share.0) as u128).clamp(1, width.max(1));
        HashKey(self.start.0.saturating_add(before))
    }

    /// The hash key in the middle of it.
    pub const fn middle(&self) -> HashKey {
        HashKey(self.start.0 + (self.end.0 - self.start.0) / 2)
    }

    /// The ranges of a new stream of `shards` shards: shard i starts at i x floor(2^128 / N), the last one ends at the end.
    ///
    /// Real boundaries may be rounded otherwise for N = 6, 7, 10 and some more (fact sheet, section 3), so a client always
    /// takes them from ListShards.
    pub fn initial(shards: u32) -> Vec<Self> {
        let width = if shards <= 1 { u128::MAX } else { floor_of_two_to_the_128(shards) };
        (0..u128::from(shards))
            .map(|i| {
                let last = i + 1 == u128::from(shards);
                let end = if last { u128::MAX } else { (i + 1) * width - 1 };
                Self { start: HashKey(i * width), end: HashKey(end) }
            })
            .collect()
    }

    /// Whether the key belongs to this range.
    pub fn contains(&self, key: HashKey) -> bool {
        self.start <= key && key <= self.end
    }
}

/// floor(2^128 / n) for n > 1, where 2^128 itself does not fit.
fn floor_of_two_to_the_128(n: u32) -> u128 {
    let n = u128::from(n);
    u128::MAX / n + u128::from(u128::MAX % n == n - 1)
}

/// The range that holds `key`, by index into ranges sorted by start that cover the key space.
pub fn locate(ranges: &[HashKeyRange], key: HashKey) -> usize {
    // Where it is if all ranges are equally wide, as they are in most streams.
    let likely = ((key.0 >> 64) * ranges.len() as u128) >> 64;
    let likely = usize::try_from(likely).unwrap_or(usize::MAX);
    if ranges.get(likely).is_some_and(|range| range.contains(key)) {
        return likely;
    }
    ranges.partition_point(|range| range.start <= key).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn partition_keys_hash_as_the_vectors_say() {
        assert_eq!(HashKey::of("a").to_string(), "16955237001963240173058271559858726497");
        assert_eq!(HashKey::of("partitionKey-1").to_string(), "159499196025307651934328298402289840726");
    }

    #[test]
    fn keys_that_share_a_place_are_told_apart() {
        for number in (0..4 * KNOWN_KEYS).chain(0..4 * KNOWN_KEYS) {
            for key in [number.to_string(), format!("{number:050}")] {
                assert_eq!(HashKey::of(&key), md5(key.as_bytes()));
            }
        }
        assert_eq!((HashKey::of(""), HashKey::of("")), (md5(b""), md5(b"")));
    }

    #[test]
    fn real_listings_have_these_boundaries() {
        assert_eq!(HashKeyRange::initial(3)[1].start.0, 113_427_455_640_312_821_154_458_202_477_256_070_485);
        assert_eq!(HashKeyRange::initial(5)[1].start.0, 68_056_473_384_187_692_692_674_921_486_353_642_291);
        assert_eq!(HashKeyRange::initial(1)[0], HashKeyRange { start: HashKey(0), end: HashKey(u128::MAX) });
        assert_eq!(HashKeyRange::initial(2)[1].start.0, 1 << 127);
    }

    #[test]
    fn only_the_canonical_decimal_form_is_a_hash_key() {
        assert_eq!("0".parse(), Ok(HashKey(0)));
        assert_eq!(u128::MAX.to_string().parse(), Ok(HashKey(u128::MAX)));
        for wrong in ["", "00", "01", "-1", "+1", " 1", "340282366920938463463374607431768211456"] {
            assert!(wrong.parse::<HashKey>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn initial_ranges_partition_the_key_space(shards in 1u32..2000, key: u128) {
            let ranges = HashKeyRange::initial(shards);
            prop_assert_eq!(ranges[0].start.0, 0);
            prop_assert_eq!(ranges[ranges.len() - 1].end.0, u128::MAX);
            for pair in ranges.windows(2) {
                prop_assert_eq!(pair[0].end.0 + 1, pair[1].start.0);
            }
            prop_assert!(ranges[locate(&ranges, HashKey(key))].contains(HashKey(key)));
        }
    }
}
