//! Sequence numbers in the documented layout, version 2 (fact sheet, section 3).

use std::fmt;
use std::str::FromStr;

use super::shard_id::ShardId;

/// The number of a record in its shard: 47 hexadecimal digits, written as 56 decimal ones.
///
/// Numbers of one shard sort in the order in which the service stored the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceNumber {
    /// When the shard was created, in seconds since 1970.
    pub shard_created: u64,
    /// How many records the shard had stored before; below 2^63.
    pub index: u64,
    /// When the record arrived, in seconds since 1970.
    pub arrived: u64,
    /// The shard.
    pub shard: ShardId,
}

/// The text is not a sequence number of version 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a sequence number")]
pub struct InvalidSequenceNumber;

/// The number as 192 bits, lowest limb first. From the top of its 188 bits: the constant 2 (4 bits), shard creation (36), the
/// low nibble of the shard (4), index (64), an unknown byte (8), arrival (36), shard (32), version (4).
type Limbs = [u64; 3];

const VERSION: u64 = 2;
const LEADING: u64 = 2;
const SECONDS_MAX: u64 = 0xf_ffff_ffff;

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&String::from_utf8_lossy(&self.digits()))
    }
}

impl FromStr for SequenceNumber {
    type Err = InvalidSequenceNumber;

    fn from_str(text: &str) -> Result<Self, InvalidSequenceNumber> {
        if text.len() != DECIMAL_DIGITS || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidSequenceNumber);
        }
        let mut limbs = [0; 3];
        for digit in text.bytes().map(|b| u64::from(b - b'0')) {
            multiply_add(&mut limbs, 10, digit);
        }
        let [low, middle, high] = limbs;
        let number = Self {
            shard_created: (high >> 20) & SECONDS_MAX,
            index: (high << 48) | (middle >> 16),
            arrived: ((middle << 28) | (low >> 36)) & SECONDS_MAX,
            shard: ShardId((low >> 4) as u32),
        };
        // Whatever is no field must be as this version writes it, but for the unknown byte.
        let unknown = 0xff << 8;
        let written = number.limbs();
        let same = written[0] == low && written[1] | unknown == middle | unknown && written[2] == high;
        if same { Ok(number) } else { Err(InvalidSequenceNumber) }
    }
}

impl SequenceNumber {
    /// The number in decimal, as ASCII.
    pub fn digits(&self) -> [u8; DECIMAL_DIGITS] {
        let mut limbs = self.limbs();
        let low = divide(&mut limbs);
        let middle = divide(&mut limbs);
        // The constant at the top makes 56 digits of the 188 bits, whatever the fields hold.
        let high = limbs[0];
        let mut digits = [b'0'; DECIMAL_DIGITS];
        for (number, end) in [(high, DECIMAL_DIGITS - 38), (middle, DECIMAL_DIGITS - 19), (low, DECIMAL_DIGITS)] {
            let mut buffer = itoa::Buffer::new();
            let part = buffer.format(number).as_bytes();
            digits[end - part.len()..end].copy_from_slice(part);
        }
        digits
    }

    fn limbs(&self) -> Limbs {
        let (created, arrived) = (self.shard_created & SECONDS_MAX, self.arrived & SECONDS_MAX);
        let shard = u64::from(self.shard.0);
        [
            (arrived << 36) | (shard << 4) | VERSION,
            (self.index << 16) | (arrived >> 28),
            (LEADING << 56) | (created << 20) | ((shard & 0xf) << 16) | (self.index >> 48),
        ]
    }
}

const DECIMAL_DIGITS: usize = 56;
/// The largest power of ten in a limb.
const CHUNK: u128 = 10_000_000_000_000_000_000;

/// Divides by [`CHUNK`] and gives the remainder.
fn divide(limbs: &mut Limbs) -> u64 {
    let mut rest = 0u128;
    for limb in limbs.iter_mut().rev() {
        let part = (rest << 64) | u128::from(*limb);
        *limb = (part / CHUNK) as u64;
        rest = part % CHUNK;
    }
    rest as u64
}

fn multiply_add(limbs: &mut Limbs, factor: u64, mut carry: u64) {
    for limb in limbs {
        let part = u128::from(*limb) * u128::from(factor) + u128::from(carry);
        *limb = part as u64;
        carry = (part >> 64) as u64;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn real_numbers_decode_as_the_vectors_say() {
        let number: SequenceNumber = "49674026002850188218576229259473476449429298564223254594".parse().unwrap();
        assert_eq!(number.shard_created, 1_777_319_237);
        assert_eq!(number.index, 21_689_507_110);
        assert_eq!(number.arrived, 1_777_320_018);
        assert_eq!(number.shard, ShardId(3076));
        assert_eq!(number.to_string(), "49674026002850188218576229259473476449429298564223254594");

        let number: SequenceNumber = "49670023483232461788730612813735157811693693431491592722".parse().unwrap();
        assert_eq!(number.shard_created, 1_766_101_788);
        assert_eq!(number.index, 13_773_199_148);
        assert_eq!(number.arrived, 1_766_140_863);
        assert_eq!(number.shard, ShardId(33));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for wrong in ["", "0", "abc", "-1", "99999999999999999999999999999999999999999999999999999999999"] {
            assert_eq!(wrong.parse::<SequenceNumber>(), Err(InvalidSequenceNumber), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn writing_and_reading_agree(created in 0..SECONDS_MAX, index in 0u64..1 << 63, arrived in 0..SECONDS_MAX, shard: u32) {
            let number = SequenceNumber { shard_created: created, index, arrived, shard: ShardId(shard) };
            prop_assert_eq!(number.to_string().parse(), Ok(number));
        }

        #[test]
        fn text_sorts_like_the_index(a in 0u64..1 << 40, b in 0u64..1 << 40) {
            let number = |index| SequenceNumber { shard_created: 1_777_319_237, index, arrived: 1_777_320_018, shard: ShardId(0) };
            prop_assert_eq!(number(a).to_string().cmp(&number(b).to_string()), a.cmp(&b));
        }
    }
}
