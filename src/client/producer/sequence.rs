//! Sequence numbers of acknowledgements, in little memory.

use std::fmt;

/// Digits of a sequence number, two in a byte: those of AWS have 56 (fact sheet, section 3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PackedSequence {
    pairs: [u8; PAIRS],
    digits: u8,
}

const PAIRS: usize = 31;

impl PackedSequence {
    /// The number that is written so; `None` if it has other characters than digits, none at all, or more than 62.
    pub fn new(text: &[u8]) -> Option<Self> {
        let digits = u8::try_from(text.len()).ok().filter(|digits| (1..=2 * PAIRS as u8).contains(digits))?;
        if !text.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let mut pairs = [0; PAIRS];
        for (pair, two) in pairs.iter_mut().zip(text.chunks(2)) {
            *pair = (two[0] & 15) << 4 | two.get(1).map_or(0, |digit| digit & 15);
        }
        Some(Self { pairs, digits })
    }
}

impl fmt::Display for PackedSequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.pairs.iter().flat_map(|pair| [pair >> 4, pair & 15]).take(self.digits.into());
        f.pad(&digits.map(|digit| char::from(b'0' + digit)).collect::<String>())
    }
}

impl fmt::Debug for PackedSequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_what_was_written() {
        for text in ["0", "07", "495", &"9".repeat(56), &"1234567890".repeat(7)[..62]] {
            assert_eq!(PackedSequence::new(text.as_bytes()).unwrap().to_string(), text);
        }
        for text in ["", "12a", "-1", &"1".repeat(63)] {
            assert_eq!(PackedSequence::new(text.as_bytes()), None);
        }
    }
}
