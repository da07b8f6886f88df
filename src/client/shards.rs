//! The shards of a stream as a client knows them: which are open, and where they came from.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use crate::kinesis::{HashKey, HashKeyRange, locate};
use crate::workload::Arrival;

/// Where an arrival belongs in the key space: its explicit hash key, or the MD5 of its partition key.
pub fn hash_key(arrival: &Arrival) -> HashKey {
    arrival.explicit_hash_key.map_or_else(|| HashKey::of(&arrival.key), HashKey)
}

/// A shard as the service lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedShard<I> {
    /// Its id.
    pub id: I,
    /// Its hash keys.
    pub range: HashKeyRange,
    /// The shards that were split or merged into it.
    pub parents: Vec<I>,
    /// Whether it takes records.
    pub open: bool,
}

/// The shards of a stream. A shard keeps its index when the stream is resharded; new ones get the next.
#[derive(Debug, Clone)]
pub struct ShardMap<I>(Arc<Shards<I>>);

#[derive(Debug, Clone)]
struct Shards<I> {
    known: Vec<ListedShard<I>>,
    indices: HashMap<I, usize>,
    /// The open shards in hash key order: their ranges, and their indices.
    ranges: Vec<HashKeyRange>,
    open: Vec<usize>,
}

impl<I: Clone + Eq + Hash + Ord> ShardMap<I> {
    /// The map of these shards. The open ones get the first indices, in hash key order.
    pub fn new(listed: Vec<ListedShard<I>>) -> Self {
        let none = Shards { known: Vec::new(), indices: HashMap::new(), ranges: Vec::new(), open: Vec::new() };
        Self(Arc::new(none)).refreshed(listed)
    }

    /// The map after the stream has become these shards.
    pub fn refreshed(&self, mut listed: Vec<ListedShard<I>>) -> Self {
        let mut map = Shards { ranges: Vec::new(), open: Vec::new(), ..(*self.0).clone() };
        listed.sort_by_key(|shard| (!shard.open, shard.range.start));
        for shard in listed {
            let (open, range) = (shard.open, shard.range);
            let next = map.known.len();
            let index = *map.indices.entry(shard.id.clone()).or_insert(next);
            if index == next {
                map.known.push(shard);
            }
            if open {
                map.ranges.push(range);
                map.open.push(index);
            }
        }
        Self(Arc::new(map))
    }

    /// The same map by the names of the shards.
    pub fn named(&self) -> ShardMap<String>
    where
        I: ToString,
    {
        let named = |shard: &ListedShard<I>| ListedShard {
            id: shard.id.to_string(),
            range: shard.range,
            parents: shard.parents.iter().map(ToString::to_string).collect(),
            open: shard.open,
        };
        ShardMap(Arc::new(Shards {
            known: self.0.known.iter().map(named).collect(),
            indices: self.0.indices.iter().map(|(id, index)| (id.to_string(), *index)).collect(),
            ranges: self.0.ranges.clone(),
            open: self.0.open.clone(),
        }))
    }

    /// Number of shards, closed ones included.
    pub fn len(&self) -> usize {
        self.0.known.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.known.is_empty()
    }

    /// Indices of the open shards, in hash key order.
    pub fn open(&self) -> &[usize] {
        &self.0.open
    }

    /// Hash keys of the open shards, in their order.
    pub fn open_ranges(&self) -> Vec<HashKeyRange> {
        self.0.ranges.clone()
    }

    /// Number of open shards.
    pub fn open_count(&self) -> u32 {
        u32::try_from(self.0.open.len()).unwrap_or(u32::MAX)
    }

    /// Id of the shard at `index`.
    pub fn id(&self, index: usize) -> Option<&I> {
        self.0.known.get(index).map(|shard| &shard.id)
    }

    /// Hash keys of the shard at `index`.
    pub fn range(&self, index: usize) -> Option<HashKeyRange> {
        self.0.known.get(index).map(|shard| shard.range)
    }

    /// Index of the shard called `id`.
    pub fn index<Q: ?Sized + Hash + Eq>(&self, id: &Q) -> Option<usize>
    where
        I: std::borrow::Borrow<Q>,
    {
        self.0.indices.get(id).copied()
    }

    /// Index of the open shard that takes `key`.
    pub fn locate(&self, key: HashKey) -> usize {
        self.0.open.get(locate(&self.0.ranges, key)).copied().unwrap_or(0)
    }

    /// Ids of the shards and of those that they came from, parents before their children; without the closed ones if `open_only`.
    pub fn lineage(&self, open_only: bool) -> Vec<(I, Vec<I>)> {
        let closed = (0..self.len()).filter(|index| !open_only && !self.0.open.contains(index));
        let indices: Vec<usize> = self.0.open.iter().copied().chain(closed).collect();
        let mut shards: Vec<&ListedShard<I>> = indices.iter().filter_map(|index| self.0.known.get(*index)).collect();
        // A child is younger than its parents, and ids are numbered by age; without families hash key order stays.
        let has_parents =
            |shard: &ListedShard<I>| shard.parents.iter().any(|parent| self.0.indices.contains_key(parent));
        if !open_only && shards.iter().any(|shard| has_parents(shard)) {
            shards.sort_by(|a, b| a.id.cmp(&b.id));
        }
        shards.into_iter().map(|shard| (shard.id.clone(), shard.parents.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(id: u32, range: HashKeyRange, parents: &[u32], open: bool) -> ListedShard<u32> {
        ListedShard { id, range, parents: parents.to_vec(), open }
    }

    #[test]
    fn a_shard_keeps_its_index_when_another_one_is_split() {
        let ranges = HashKeyRange::initial(2);
        let map = ShardMap::new(vec![shard(0, ranges[0], &[], true), shard(1, ranges[1], &[], true)]);
        let four = HashKeyRange::initial(4);
        let split = map.refreshed(vec![
            shard(0, ranges[0], &[], false),
            shard(1, ranges[1], &[], true),
            shard(2, four[0], &[0], true),
            shard(3, four[1], &[0], true),
        ]);
        assert_eq!((split.len(), split.open(), split.index(&1)), (4, &[2, 3, 1][..], Some(1)));
        assert_eq!((map.locate(HashKey(0)), split.locate(HashKey(0))), (0, 2));
        assert_eq!(split.locate(HashKey(u128::MAX)), 1);
        let lineage = [(0, vec![]), (1, vec![]), (2, vec![0]), (3, vec![0])];
        assert_eq!(split.lineage(false), lineage);
        assert_eq!(split.lineage(true).iter().map(|(id, _)| *id).collect::<Vec<_>>(), [2, 3, 1]);
    }
}
