//! Sets of record numbers.

use std::ops::Range;

/// A set of record numbers.
///
/// It is kept in chunks. One without records takes next to nothing, one with all of them no more, one with some of them a bit per
/// record: what is accepted, or read, collapses behind itself, so that the memory of a run in which little is lost does not grow.
#[derive(Debug, Clone, Default)]
pub struct RecordSet {
    chunks: Vec<Chunk>,
    len: u64,
}

impl PartialEq for RecordSet {
    /// Whether they hold the same records, however they keep them.
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.in_common(other) == self.len
    }
}

impl Eq for RecordSet {}

/// Words of a chunk.
const WORDS: usize = 64;
/// Records of a chunk.
const RECORDS: u64 = WORDS as u64 * 64;

#[derive(Debug, Clone, Default)]
enum Chunk {
    #[default]
    Empty,
    Full,
    Bits(Box<Bits>),
}

#[derive(Debug, Clone)]
struct Bits {
    words: [u64; WORDS],
    len: u32,
}

static NONE: [u64; WORDS] = [0; WORDS];
static ALL: [u64; WORDS] = [u64::MAX; WORDS];

impl RecordSet {
    /// Adds a record; `false` if it was there.
    pub fn insert(&mut self, index: u64) -> bool {
        let (place, bit) = ((index / RECORDS) as usize, (index % RECORDS) as usize);
        let new = self.chunk(place).insert(bit);
        self.len += u64::from(new);
        new
    }

    /// Whether a record is there.
    pub fn contains(&self, index: u64) -> bool {
        let (place, bit) = ((index / RECORDS) as usize, (index % RECORDS) as usize);
        self.chunks.get(place).is_some_and(|chunk| chunk.words()[bit / 64] & 1 << (bit % 64) != 0)
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
    pub fn memory(&self) -> usize {
        let bits = self.chunks.iter().filter(|chunk| matches!(chunk, Chunk::Bits(_))).count();
        self.chunks.capacity() * size_of::<Chunk>() + bits * size_of::<Bits>()
    }

    /// Adds every record of another set.
    pub fn extend(&mut self, other: &Self) {
        for (place, chunk) in other.chunks.iter().enumerate() {
            if chunk.len() > 0 {
                let mine = self.chunk(place);
                let before = mine.len();
                mine.extend(chunk);
                let more = mine.len() - before;
                self.len += u64::from(more);
            }
        }
    }

    /// Number of records that are in both sets.
    pub fn in_common(&self, other: &Self) -> u64 {
        self.chunks.iter().zip(&other.chunks).map(|(a, b)| u64::from(a.in_common(b))).sum()
    }

    /// The records of a range.
    pub fn of(range: Range<u64>) -> Self {
        let mut set = Self::default();
        let mut next = range.start;
        while next < range.end {
            if next.is_multiple_of(RECORDS) && range.end - next >= RECORDS {
                *set.chunk((next / RECORDS) as usize) = Chunk::Full;
                (set.len, next) = (set.len + RECORDS, next + RECORDS);
            } else {
                set.insert(next);
                next += 1;
            }
        }
        set
    }

    /// The records that are in both sets.
    pub fn intersection(&self, other: &Self) -> Self {
        self.combined(other, |mine, theirs| mine & theirs)
    }

    /// The records that are not in another set.
    pub fn difference(&self, other: &Self) -> Self {
        self.combined(other, |mine, theirs| mine & !theirs)
    }

    /// What becomes of the records of this set, word by word.
    fn combined(&self, other: &Self, word: impl Fn(u64, u64) -> u64) -> Self {
        let combined = |(place, chunk): (usize, &Chunk)| {
            if let Chunk::Empty = chunk {
                return Chunk::Empty;
            }
            let theirs = other.chunks.get(place).map_or(&NONE, Chunk::words);
            let mut words = *chunk.words();
            words.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine = word(*mine, *theirs));
            Chunk::of(words)
        };
        let chunks: Vec<Chunk> = self.chunks.iter().enumerate().map(combined).collect();
        let len = chunks.iter().map(|chunk| u64::from(chunk.len())).sum();
        Self { chunks, len }
    }

    /// The records that are not in another set, in order.
    pub fn without<'s>(&'s self, other: &'s Self) -> impl Iterator<Item = u64> + 's {
        let theirs = |place: usize| other.chunks.get(place).map_or(&NONE, Chunk::words);
        let words = move |(place, chunk): (usize, &'s Chunk)| {
            let (mine, theirs) = (chunk.words(), theirs(place));
            (0..WORDS).map(move |word| ((place * WORDS + word) as u64 * 64, mine[word] & !theirs[word]))
        };
        let some = |(_, chunk): &(usize, &Chunk)| !matches!(chunk, Chunk::Empty);
        let rest = self.chunks.iter().enumerate().filter(some).flat_map(words).filter(|(_, word)| *word != 0);
        rest.flat_map(|(first, word)| (0..64).filter(move |bit| word & 1 << bit != 0).map(move |bit| first + bit))
    }

    fn chunk(&mut self, place: usize) -> &mut Chunk {
        if place >= self.chunks.len() {
            self.chunks.resize(place + 1, Chunk::Empty);
        }
        &mut self.chunks[place]
    }
}

impl Chunk {
    fn insert(&mut self, bit: usize) -> bool {
        if let Self::Empty = self {
            *self = Self::Bits(Box::new(Bits { words: NONE, len: 0 }));
        }
        let Self::Bits(bits) = self else { return false };
        let (word, mask) = (&mut bits.words[bit / 64], 1 << (bit % 64));
        let new = *word & mask == 0;
        *word |= mask;
        bits.len += u32::from(new);
        if u64::from(bits.len) == RECORDS {
            *self = Self::Full;
        }
        new
    }

    fn extend(&mut self, other: &Self) {
        let mut words = *self.words();
        words.iter_mut().zip(other.words()).for_each(|(word, other)| *word |= other);
        *self = Self::of(words);
    }

    fn of(words: [u64; WORDS]) -> Self {
        let len = words.iter().map(|word| word.count_ones()).sum();
        match u64::from(len) {
            0 => Self::Empty,
            RECORDS => Self::Full,
            _ => Self::Bits(Box::new(Bits { words, len })),
        }
    }

    fn in_common(&self, other: &Self) -> u32 {
        match (self, other) {
            (Self::Empty, _) | (_, Self::Empty) => 0,
            (Self::Full, other) => other.len(),
            (_, Self::Full) => self.len(),
            _ => self.words().iter().zip(other.words()).map(|(a, b)| (a & b).count_ones()).sum(),
        }
    }

    const fn len(&self) -> u32 {
        match self {
            Self::Empty => 0,
            Self::Full => RECORDS as u32,
            Self::Bits(bits) => bits.len,
        }
    }

    fn words(&self) -> &[u64; WORDS] {
        match self {
            Self::Empty => &NONE,
            Self::Full => &ALL,
            Self::Bits(bits) => &bits.words,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set(records: impl IntoIterator<Item = u64>) -> RecordSet {
        let mut set = RecordSet::default();
        records.into_iter().for_each(|index| _ = set.insert(index));
        set
    }

    #[test]
    fn what_is_in_one_set_and_not_in_another_is_listed_in_order() {
        let (all, some) = (set([0, 5, 64, 200, 1_000, 9_000]), set([5, 64]));
        assert_eq!(all.without(&some).collect::<Vec<_>>(), [0, 200, 1_000, 9_000]);
        assert_eq!(some.without(&all).count(), 0);
        assert!(all.contains(200) && !all.contains(201) && !some.contains(1_000_000));
    }

    #[test]
    fn what_is_complete_takes_no_memory() {
        let whole = set(0..8 * RECORDS);
        assert!(whole.memory() <= 8 * size_of::<Chunk>(), "{}", whole.memory());
        let holes = set((0..8 * RECORDS).filter(|index| *index != 5));
        assert!(holes.memory() <= 8 * size_of::<Chunk>() + size_of::<Bits>(), "{}", holes.memory());
        assert_eq!(
            (whole.len(), holes.len(), whole.in_common(&holes)),
            (8 * RECORDS, 8 * RECORDS - 1, 8 * RECORDS - 1)
        );
    }

    /// Runs of numbers around the ends of chunks, so that some chunks are complete.
    fn numbers() -> impl Strategy<Value = BTreeSet<u64>> {
        let run = (0..3 * RECORDS, prop_oneof![1u64..5, Just(RECORDS), Just(2 * RECORDS)]);
        prop::collection::vec(run, 0..6)
            .prop_map(|runs| runs.into_iter().flat_map(|(first, count)| first..first + count).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn it_is_a_set(a in numbers(), b in numbers(), again in 0..4 * RECORDS) {
            let (mut first, second) = (set(a.iter().copied()), set(b.iter().copied()));
            prop_assert_eq!(first.len(), a.len() as u64);
            prop_assert_eq!(first.contains(again), a.contains(&again));
            prop_assert_eq!(first.in_common(&second), a.intersection(&b).count() as u64);
            prop_assert!(first.without(&second).eq(a.difference(&b).copied()));
            prop_assert_eq!(first.clone().insert(again), !a.contains(&again));
            prop_assert!(first.intersection(&second).without(&RecordSet::default()).eq(a.intersection(&b).copied()));
            prop_assert!(first.difference(&second).without(&RecordSet::default()).eq(a.difference(&b).copied()));
            prop_assert_eq!(first.difference(&second).len(), a.difference(&b).count() as u64);
            prop_assert!(RecordSet::of(again..again + 9_000).without(&RecordSet::default()).eq(again..again + 9_000));
            first.extend(&second);
            prop_assert_eq!(first.len(), a.union(&b).count() as u64);
            prop_assert!(first.without(&RecordSet::default()).eq(a.union(&b).copied()));
        }
    }
}
