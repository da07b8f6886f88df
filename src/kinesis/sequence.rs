//! Sequence numbers in the documented layout, version 2 (fact sheet, section 3).

use std::fmt;
use std::str::FromStr;

use super::api::ShardId;

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

/// Hexadecimal digits: constant 2, shard creation, low nibble of the shard, index, one unknown byte, arrival, shard, version.
const DIGITS: usize = 47;
const SECONDS_MAX: u64 = 0xf_ffff_ffff;

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!(
            "2{:09x}{:x}{:016x}00{:09x}{:08x}2",
            self.shard_created & SECONDS_MAX,
            self.shard.0 & 0xf,
            self.index,
            self.arrived & SECONDS_MAX,
            self.shard.0,
        );
        f.pad(&decimal_from_hex(&hex))
    }
}

impl FromStr for SequenceNumber {
    type Err = InvalidSequenceNumber;

    fn from_str(text: &str) -> Result<Self, InvalidSequenceNumber> {
        let hex = hex_from_decimal(text).ok_or(InvalidSequenceNumber)?;
        if hex.len() != DIGITS || !hex.starts_with('2') || !hex.ends_with('2') {
            return Err(InvalidSequenceNumber);
        }
        let field = |from: usize, to: usize| u64::from_str_radix(&hex[from..to], 16).map_err(|_| InvalidSequenceNumber);
        let shard = u32::try_from(field(38, 46)?).map_err(|_| InvalidSequenceNumber)?;
        Ok(Self { shard_created: field(1, 10)?, index: field(11, 27)?, arrived: field(29, 38)?, shard: ShardId(shard) })
    }
}

// The number has 188 bits. Two halves that each fit a u128 are enough to convert between the bases.
const HALF_DECIMAL_DIGITS: u32 = 28;

fn decimal_from_hex(hex: &str) -> String {
    let base = 10u128.pow(HALF_DECIMAL_DIGITS);
    let (mut high, mut low) = (0u128, 0u128);
    for digit in hex.bytes().map(|b| u128::from((b as char).to_digit(16).unwrap_or(0))) {
        low = low * 16 + digit;
        high = high * 16 + low / base;
        low %= base;
    }
    if high == 0 { low.to_string() } else { format!("{high}{low:028}") }
}

fn hex_from_decimal(text: &str) -> Option<String> {
    if text.is_empty() || text.len() > 57 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    const LOW_BITS: u32 = 96;
    let (mut high, mut low) = (0u128, 0u128);
    for digit in text.bytes().map(|b| u128::from(b - b'0')) {
        low = low * 10 + digit;
        high = high * 10 + (low >> LOW_BITS);
        low &= (1 << LOW_BITS) - 1;
    }
    Some(if high == 0 { format!("{low:x}") } else { format!("{high:x}{low:024x}") })
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
