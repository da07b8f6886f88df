//! Changes of the stream that the scenario asks for: when each begins, and which shards it is of.

use std::collections::VecDeque;
use std::hash::Hash;

use crate::client::ShardMap;
use crate::kinesis::{HashKey, StreamMode};
use crate::measure::EventRecord;
use crate::scenario::{Action, Event, ShardChoice};
use crate::time::Time;

/// A change of a stream, as the API takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<I> {
    /// SplitShard.
    SplitShard {
        /// The shard.
        shard: I,
        /// The first hash key of the second half.
        new_starting_hash_key: HashKey,
    },
    /// MergeShards.
    MergeShards {
        /// The shard.
        shard: I,
        /// The one after it in hash key order.
        adjacent: I,
    },
    /// UpdateShardCount.
    UpdateShardCount {
        /// Number of open shards to come to.
        target: u32,
    },
    /// UpdateStreamMode.
    UpdateStreamMode {
        /// The mode to come to.
        mode: StreamMode,
    },
    /// UpdateStreamWarmThroughput.
    UpdateWarmThroughput {
        /// What to come to.
        mib_per_second: u32,
    },
}

/// How a change ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// The stream has changed and is ACTIVE again.
    Done,
    /// The service refused it, in these words: nothing has changed.
    Refused(String),
    /// It is not known whether the stream has changed, and this is why.
    Unclear(String),
}

/// Events of the scenario, and the changes of the stream that they ask for. There is one change at a time.
#[derive(Debug)]
pub(super) struct Changes {
    ahead: VecDeque<Event>,
    /// Changes that are due and have not begun.
    waiting: VecDeque<Action>,
    /// The number of the record of the change that is under way, and what was asked for.
    under_way: Option<(usize, Action)>,
    /// Before this moment none begins.
    not_before: Time,
    /// The shards are to be listed: some are not known.
    listing_wanted: bool,
    /// A listing of the shards is under way.
    listing: bool,
    records: Vec<EventRecord>,
}

impl Changes {
    pub fn new(events: &[Event]) -> Self {
        Self {
            ahead: events.iter().cloned().collect(),
            waiting: VecDeque::new(),
            under_way: None,
            not_before: Time::ZERO,
            listing_wanted: false,
            listing: false,
            records: Vec::new(),
        }
    }

    /// When the next event is due.
    pub fn due(&self) -> Option<Time> {
        self.ahead.front().map(|event| event.at)
    }

    /// The next event that is due and is one of a consumer; changes of the stream that are due wait for their turn.
    pub fn poll_consumer_event(&mut self, now: Time) -> Option<Action> {
        while let Some(event) = self.ahead.pop_front_if(|event| event.at <= now) {
            if matches!(event.action, Action::Consumer { .. }) {
                self.records.push(event.action.begun(now));
                return Some(event.action);
            }
            self.waiting.push_back(event.action);
        }
        None
    }

    /// The next change to make now. `hottest` is the index of the shard with the most load.
    pub fn poll_change<I>(
        &mut self,
        now: Time,
        shards: &ShardMap<I>,
        hottest: impl Fn() -> Option<usize>,
    ) -> Option<Change<I>>
    where
        I: Clone + Eq + Hash + Ord,
    {
        // The shards as they are after the change before are needed to choose one.
        let free = self.under_way.is_none() && !self.listing && !self.listing_wanted && now >= self.not_before;
        while free && let Some(action) = self.waiting.pop_front() {
            let record = action.begun(now);
            match change(&action, shards, &hottest) {
                Ok(None) => {}
                Ok(change) => {
                    self.under_way = Some((self.records.len(), action));
                    self.records.push(record);
                    return change;
                }
                Err(problem) => {
                    self.records.push(EventRecord { problem: Some(problem), until: Some(now), ..record });
                }
            }
        }
        None
    }

    /// The stream is changing by itself, and takes the change that was to begin from `until` on.
    pub fn handle_busy(&mut self, until: Time) {
        if let Some((number, action)) = self.under_way.take() {
            self.records.remove(number);
            self.waiting.push_front(action);
            self.not_before = until;
        }
    }

    /// The change that was under way is over.
    pub fn handle_change(&mut self, now: Time, outcome: ChangeOutcome) {
        let Some((number, _)) = self.under_way.take() else { return };
        let Some(record) = self.records.get_mut(number) else { return };
        record.until = Some(now);
        match outcome {
            ChangeOutcome::Done => self.listing_wanted = true,
            ChangeOutcome::Refused(problem) => record.problem = Some(problem),
            ChangeOutcome::Unclear(problem) => (record.problem, self.listing_wanted) = (Some(problem), true),
        }
    }

    /// There are shards that are not known.
    pub const fn want_listing(&mut self) {
        self.listing_wanted |= !self.listing;
    }

    /// Whether the shards are to be listed now.
    pub const fn poll_listing(&mut self) -> bool {
        let begins = self.listing_wanted && !self.listing;
        if begins {
            (self.listing_wanted, self.listing) = (false, true);
        }
        begins
    }

    /// The listing that was under way is over.
    pub const fn handle_listing(&mut self) {
        self.listing = false;
    }

    /// What has happened so far.
    pub fn records(&self) -> &[EventRecord] {
        &self.records
    }

    /// What happened up to `now`, when the run has ended.
    pub fn finish(self, now: Time) -> Vec<EventRecord> {
        let never_begun = self.waiting.iter().map(|action| action.never_begun(now));
        self.records.into_iter().chain(never_begun).collect()
    }
}

/// The change that an action asks for; `None` for what happens to a consumer.
fn change<I>(
    action: &Action,
    shards: &ShardMap<I>,
    hottest: impl Fn() -> Option<usize>,
) -> Result<Option<Change<I>>, String>
where
    I: Clone + Eq + Hash + Ord,
{
    let known = |index: usize| shards.id(index).cloned().ok_or("the shard is not known");
    Ok(Some(match *action {
        Action::SplitShard { shard, cut } => {
            let index = chosen(shards, shard, hottest)?;
            let range = shards.range(index).ok_or("the shard is not known")?;
            Change::SplitShard { shard: known(index)?, new_starting_hash_key: range.cut(cut) }
        }
        Action::MergeShards { shard } => {
            let index = chosen(shards, shard, hottest)?;
            let open = shards.open();
            let place = open.iter().position(|open| *open == index).unwrap_or(0);
            let next = open.get(place + 1).and_then(|next| shards.id(*next));
            let adjacent = next.ok_or("the last shard in hash key order has none after it to be merged with")?;
            Change::MergeShards { shard: known(index)?, adjacent: adjacent.clone() }
        }
        Action::UpdateShardCount { shards } => Change::UpdateShardCount { target: shards },
        Action::UpdateStreamMode { mode } => Change::UpdateStreamMode { mode },
        Action::UpdateWarmThroughput { mib_per_second } => Change::UpdateWarmThroughput { mib_per_second },
        Action::Consumer { .. } => return Ok(None),
    }))
}

/// The index of the shard that is meant.
fn chosen<I>(shards: &ShardMap<I>, choice: ShardChoice, hottest: impl Fn() -> Option<usize>) -> Result<usize, String>
where
    I: Clone + Eq + Hash + Ord,
{
    match choice {
        ShardChoice::Hottest => {
            // What was hottest may have been split meanwhile.
            let hottest = hottest().filter(|hottest| shards.open().contains(hottest));
            hottest.or(shards.open().first().copied()).ok_or_else(|| "no shard is open".to_owned())
        }
        ShardChoice::Place(place) => {
            shards.open().get(place as usize).copied().ok_or_else(|| {
                format!("there are {} open shards, and this would be number {place}", shards.open().len())
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ListedShard;
    use crate::kinesis::HashKeyRange;
    use crate::units::Share;

    fn map(shards: u32) -> ShardMap<u32> {
        let listed = (0..).zip(HashKeyRange::initial(shards));
        ShardMap::new(listed.map(|(id, range)| ListedShard { id, range, parents: Vec::new(), open: true }).collect())
    }

    fn events(actions: &[(u64, Action)]) -> Changes {
        let event = |(at, action): &(u64, Action)| Event { at: Time::from_secs(*at), action: action.clone() };
        Changes::new(&actions.iter().map(event).collect::<Vec<_>>())
    }

    #[test]
    fn one_change_follows_the_other_when_the_shards_are_known() {
        let count = |shards| Action::UpdateShardCount { shards };
        let mut changes = events(&[(1, count(4)), (1, count(8))]);
        let (shards, now) = (map(2), Time::from_secs(1));
        assert_eq!(changes.poll_change(now, &shards, || None), None, "nothing is due yet");
        assert_eq!(changes.poll_consumer_event(now), None);
        let first = changes.poll_change(now, &shards, || None);
        assert_eq!(first, Some(Change::UpdateShardCount { target: 4 }));
        assert_eq!(changes.poll_change(now, &shards, || None), None, "there is one at a time");
        changes.handle_change(Time::from_secs(3), ChangeOutcome::Done);
        assert_eq!(changes.poll_change(now, &shards, || None), None, "the shards are not known");
        assert!(changes.poll_listing() && !changes.poll_listing());
        changes.want_listing();
        assert!(!changes.poll_listing(), "one is under way");
        changes.handle_listing();
        assert!(changes.poll_change(Time::from_secs(4), &shards, || None).is_some());
        changes.handle_busy(Time::from_secs(9));
        assert_eq!(changes.poll_change(Time::from_secs(8), &shards, || None), None, "the stream is changing by itself");
        assert!(changes.poll_change(Time::from_secs(9), &shards, || None).is_some());
        changes.handle_change(Time::from_secs(10), ChangeOutcome::Refused("no".to_owned()));
        assert!(!changes.poll_listing(), "nothing has changed");
        let records = changes.finish(Time::from_secs(11));
        let times: Vec<_> = records.iter().map(|record| (record.at.second(), record.until)).collect();
        assert_eq!(times, [(1, Some(Time::from_secs(3))), (9, Some(Time::from_secs(10)))]);
        assert_eq!(records[1].problem.as_deref(), Some("no"));
    }

    #[test]
    fn a_change_under_way_is_listed_again_when_it_is_over_and_what_never_began_is_told() {
        let count = |shards| Action::UpdateShardCount { shards };
        let mut changes = events(&[(1, count(4)), (2, count(8))]);
        assert_eq!(changes.poll_consumer_event(Time::from_secs(2)), None);
        assert!(changes.poll_change(Time::from_secs(2), &map(2), || None).is_some());
        changes.want_listing();
        assert!(changes.poll_listing());
        changes.handle_change(Time::from_secs(3), ChangeOutcome::Unclear("late".to_owned()));
        assert!(!changes.poll_listing(), "it was asked before the change was over");
        changes.handle_listing();
        assert!(changes.poll_listing());
        let records = changes.finish(Time::from_secs(4));
        assert!(records[1].problem.as_deref().is_some_and(|problem| problem.contains("before this could begin")));
    }

    #[test]
    fn shards_are_chosen_among_those_that_are_open() {
        let shards = map(3);
        let place = |place| ShardChoice::Place(place);
        assert_eq!(chosen(&shards, place(2), || None), Ok(2));
        let problem = chosen(&shards, place(3), || None).unwrap_err();
        assert_eq!(problem, "there are 3 open shards, and this would be number 3");
        assert_eq!(chosen(&shards, ShardChoice::Hottest, || Some(1)), Ok(1));
        assert_eq!(chosen(&shards, ShardChoice::Hottest, || Some(7)), Ok(0), "it is closed");
        let cut = Share(0.5);
        let split = change(&Action::SplitShard { shard: place(0), cut }, &shards, || None).unwrap().unwrap();
        let new_starting_hash_key = shards.range(0).unwrap().cut(cut);
        assert_eq!(split, Change::SplitShard { shard: 0, new_starting_hash_key });
        let merge = |at| change(&Action::MergeShards { shard: place(at) }, &shards, || None);
        assert_eq!(merge(1), Ok(Some(Change::MergeShards { shard: 1, adjacent: 2 })));
        assert!(merge(2).unwrap_err().contains("the last shard in hash key order"));
    }
}
