//! Sets of record numbers.

/// A set of record numbers, one bit each.
#[derive(Debug, Clone, Default)]
pub struct RecordSet {
    words: Vec<u64>,
    len: u64,
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

    /// Whether a record is there.
    pub fn contains(&self, index: u64) -> bool {
        self.words.get((index / 64) as usize).is_some_and(|word| word & 1 << (index % 64) != 0)
    }

    /// Number of records.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of memory that it takes.
    pub const fn memory(&self) -> usize {
        self.words.capacity() * 8
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

    /// The records that are not in another set, in order.
    pub fn without<'s>(&'s self, other: &'s Self) -> impl Iterator<Item = u64> + 's {
        let rest = self
            .words
            .iter()
            .enumerate()
            .map(|(place, word)| (place as u64, word & !other.words.get(place).copied().unwrap_or(0)));
        rest.filter(|(_, word)| *word != 0)
            .flat_map(|(place, word)| (0..64).filter(move |bit| word & 1 << bit != 0).map(move |bit| place * 64 + bit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_one_set_and_not_in_another_is_listed_in_order() {
        let set = |records: &[u64]| {
            let mut set = RecordSet::default();
            records.iter().for_each(|index| _ = set.insert(*index));
            set
        };
        let (all, some) = (set(&[0, 5, 64, 200, 1_000]), set(&[5, 64]));
        assert_eq!(all.without(&some).collect::<Vec<_>>(), [0, 200, 1_000]);
        assert_eq!(some.without(&all).count(), 0);
        assert!(all.contains(200) && !all.contains(201) && !some.contains(1_000_000));
    }
}
