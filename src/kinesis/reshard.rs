//! Splits and merges of shards, and the way from one number of shards to another (fact sheet, section 2.3).

use super::api::ShardId;
use super::change::Step;
use super::hash_key::{HashKey, HashKeyRange};
use super::stream::Stream;
use crate::time::Time;

impl Stream {
    /// Takes the steps, all at `now`. A step that no longer fits is left out.
    pub fn reshard(&mut self, steps: &[Step], now: Time) {
        for step in steps {
            match *step {
                Step::Split(id, start) => {
                    let Some(range) = self.close(id, now) else { continue };
                    let lower = HashKeyRange { start: range.start, end: HashKey(start.0.saturating_sub(1)) };
                    self.add_shard(lower, vec![id], now);
                    self.add_shard(HashKeyRange { start, end: range.end }, vec![id], now);
                }
                Step::Merge(lower, upper) => {
                    let (Some(first), Some(second)) = (self.close(lower, now), self.close(upper, now)) else {
                        continue;
                    };
                    let range = HashKeyRange { start: first.start, end: second.end };
                    self.add_shard(range, vec![lower, upper], now);
                }
            }
        }
        self.index_open();
    }

    /// The steps to `target` shards of equal ranges.
    pub fn uniform_steps(&self, target: u32) -> Vec<Step> {
        let ranges = self.open_shards().iter().filter_map(|id| self.shard(*id)).map(|shard| (shard.range, shard.id));
        let next = u32::try_from(self.shards.len()).unwrap_or(u32::MAX);
        uniform_steps(ranges.collect(), next, target)
    }

    fn close(&mut self, id: ShardId, now: Time) -> Option<HashKeyRange> {
        let shard = self.shard_mut(id).filter(|shard| shard.is_open())?;
        shard.closed = Some(now);
        Some(shard.range)
    }
}

/// The steps from `open` shards, in hash key order, to `target` ones of equal ranges; the next new shard has id `next`.
///
/// From the lowest target range to the highest: a shard that reaches beyond the range is split at its end, and what then
/// lies in the range is merged from below. This gives the ids of the trace of a real stream that went from 4 to 3.
fn uniform_steps(open: Vec<(HashKeyRange, ShardId)>, mut next: u32, target: u32) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut fresh = || {
        next = next.saturating_add(1);
        ShardId(next - 1)
    };
    let mut rest = open.into_iter().rev().collect::<Vec<_>>();
    for goal in HashKeyRange::initial(target) {
        let mut merged: Option<ShardId> = None;
        while let Some((range, id)) = rest.pop() {
            let mut piece = id;
            if range.end > goal.end {
                let start = HashKey(goal.end.0 + 1);
                steps.push(Step::Split(id, start));
                piece = fresh();
                rest.push((HashKeyRange { start, end: range.end }, fresh()));
            }
            merged = Some(match merged {
                None => piece,
                Some(lower) => {
                    steps.push(Step::Merge(lower, piece));
                    fresh()
                }
            });
            if range.end >= goal.end {
                break;
            }
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn open(shards: u32) -> Vec<(HashKeyRange, ShardId)> {
        HashKeyRange::initial(shards).into_iter().zip((0..).map(ShardId)).collect()
    }

    /// Takes the steps on paper; what is open in the end, in hash key order, and how many shards there ever were.
    fn apply(mut open: Vec<(HashKeyRange, ShardId)>, steps: &[Step]) -> (Vec<(HashKeyRange, ShardId)>, u32) {
        let mut next = u32::try_from(open.len()).unwrap();
        let take = |open: &mut Vec<(HashKeyRange, ShardId)>, id: ShardId| {
            let place = open.iter().position(|(_, other)| *other == id).expect("an open shard");
            open.remove(place).0
        };
        for step in steps {
            match *step {
                Step::Split(id, start) => {
                    let range = take(&mut open, id);
                    assert!(range.start < start && start <= range.end);
                    open.push((HashKeyRange { start: range.start, end: HashKey(start.0 - 1) }, ShardId(next)));
                    open.push((HashKeyRange { start, end: range.end }, ShardId(next + 1)));
                    next += 2;
                }
                Step::Merge(lower, upper) => {
                    let (first, second) = (take(&mut open, lower), take(&mut open, upper));
                    assert_eq!(first.end.0 + 1, second.start.0, "only neighbours merge");
                    open.push((HashKeyRange { start: first.start, end: second.end }, ShardId(next)));
                    next += 1;
                }
            }
        }
        open.sort_by_key(|(range, _)| range.start);
        (open, next)
    }

    #[test]
    fn four_shards_become_three_as_they_did_on_aws() {
        let (open, ever) = apply(open(4), &uniform_steps(open(4), 4, 3));
        assert_eq!(open.iter().map(|(_, id)| id.0).collect::<Vec<_>>(), [6, 9, 10]);
        assert_eq!(ever, 11);
        let ranges: Vec<_> = open.into_iter().map(|(range, _)| range).collect();
        assert_eq!(ranges, HashKeyRange::initial(3));
    }

    #[test]
    fn doubling_splits_each_shard_once() {
        let (open, ever) = apply(open(4), &uniform_steps(open(4), 4, 8));
        assert_eq!((open.len(), ever), (8, 12));
    }

    #[test]
    fn the_same_number_needs_no_step() {
        assert_eq!(uniform_steps(open(5), 5, 5), []);
    }

    proptest! {
        #[test]
        fn any_way_ends_in_equal_ranges(from in 1u32..60, to in 1u32..60) {
            let (open, _) = apply(open(from), &uniform_steps(open(from), from, to));
            let ranges: Vec<_> = open.into_iter().map(|(range, _)| range).collect();
            prop_assert_eq!(ranges, HashKeyRange::initial(to));
        }
    }
}
