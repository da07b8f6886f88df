//! When consumers were there, and so what they had to see.
//!
//! A consumer that joins at the tip, or with what is so old at most, has lost nothing of what was before, one that has left nothing of what comes
//! after. At the moment itself nobody can tell the two apart: a record is accepted before it can be read. So what was accepted less than five
//! seconds after the one, or before the other, is not judged.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::record_set::RecordSet;
use crate::time::Time;

/// What was accepted so long ago can be read.
pub(super) const SETTLING: Duration = Duration::from_secs(5);
/// How often what is accepted is remembered, and how many times back.
const STEP: Duration = Duration::from_millis(2_500);
const STEPS: usize = 3;

/// From when until when a consumer was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Presence {
    /// When it joined; `None` if it was there from the beginning.
    pub joined: Option<Time>,
    /// When it left for good; `None` if it stayed.
    pub left: Option<Time>,
    /// It was to join, and did not.
    #[serde(default)]
    pub never: bool,
}

/// The attendance of all consumers of a run.
#[derive(Debug, Default)]
pub struct Attendances {
    consumers: Vec<Attendance>,
    /// What was accepted at some moments before now, the latest first.
    history: VecDeque<(Time, Arc<RecordSet>)>,
}

#[derive(Debug, Clone, Default)]
struct Attendance {
    presence: Presence,
    /// Of one that joins later than the run, when it is to start, or has started, and how old the records are at most that it starts with.
    starts: Option<(Time, Duration)>,
    /// Something happens to it during the run.
    is_interrupted: bool,
    /// What it need not have seen, once that is known.
    before: Option<Arc<RecordSet>>,
    /// What it must have seen if it has left.
    until: Option<Arc<RecordSet>>,
}

impl Attendances {
    /// Adds a consumer, which is there from the beginning or `joins` later, starts with records that are at most `ago` old then, or with the
    /// oldest, and comes and goes only if it `is_interrupted`.
    pub fn add(&mut self, joins: Option<Time>, ago: Option<Duration>, is_interrupted: bool) {
        let presence = Presence { never: joins.is_some(), ..Presence::default() };
        let starts = joins.zip(ago);
        self.consumers.push(Attendance { presence, starts, is_interrupted, before: None, until: None });
    }

    /// A consumer is started: it joins, or comes back.
    pub fn start(&mut self, now: Time, consumer: usize) {
        let Some(consumer) = self.consumers.get_mut(consumer) else { return };
        if std::mem::take(&mut consumer.presence.never) {
            consumer.presence.joined = Some(now);
            // Whoever comes later than it was to come starts with later records.
            if let Some((at, _)) = &mut consumer.starts {
                let late = now.since(std::mem::replace(at, now));
                consumer.before.take_if(|_| late >= SETTLING);
            }
        }
        (consumer.presence.left, consumer.until) = (None, None);
    }

    /// A consumer is stopped. Whether for good, is known when it is not started again.
    pub fn stop(&mut self, now: Time, consumer: usize) {
        let settled = self.history.iter().find(|(at, _)| *at + SETTLING <= now).map(|(_, accepted)| accepted.clone());
        let Some(consumer) = self.consumers.get_mut(consumer) else { return };
        if consumer.presence.left.is_none() && !consumer.presence.never {
            consumer.presence.left = Some(now);
            consumer.until = Some(settled.unwrap_or_default());
        }
    }

    /// Takes note of what is `accepted` at `now`. It is asked often, and does something now and then.
    pub fn note(&mut self, now: Time, accepted: &RecordSet) {
        if !self.consumers.iter().any(|consumer| consumer.is_interrupted) {
            return;
        }
        if self.history.front().is_some_and(|(last, _)| now < *last + STEP) {
            return;
        }
        let accepted = Arc::new(accepted.clone());
        for consumer in &mut self.consumers {
            let settled = consumer.starts.is_some_and(|(at, ago)| at + SETTLING <= now + ago);
            if settled && consumer.before.is_none() {
                consumer.before = Some(accepted.clone());
            }
        }
        self.history.push_front((now, accepted));
        self.history.truncate(STEPS);
    }

    /// What of the `accepted` records a consumer must have seen.
    pub fn owed<'a>(&self, consumer: usize, accepted: &'a RecordSet) -> Cow<'a, RecordSet> {
        let Some(consumer) = self.consumers.get(consumer) else { return Cow::Borrowed(accepted) };
        let none = consumer.presence.never || consumer.starts.is_some() && consumer.before.is_none();
        if none {
            return Cow::Owned(RecordSet::default());
        }
        let until = consumer.until.as_deref().map(|until| accepted.intersection(until));
        let accepted = until.map_or(Cow::Borrowed(accepted), Cow::Owned);
        match consumer.before.as_deref() {
            Some(before) => Cow::Owned(accepted.difference(before)),
            None => accepted,
        }
    }

    /// From when until when a consumer was there; `None` if it was there all the time.
    pub fn presence(&self, consumer: usize) -> Option<Presence> {
        self.consumers
            .get(consumer)
            .map(|consumer| consumer.presence)
            .filter(|presence| *presence != Presence::default())
    }

    /// Whether every consumer has `seen` what it must have seen.
    pub fn have_seen_all(&self, accepted: &RecordSet, mut in_common: impl FnMut(usize, &RecordSet) -> u64) -> bool {
        (0..self.consumers.len()).all(|consumer| {
            let owed = self.owed(consumer, accepted);
            in_common(consumer, &owed) == owed.len()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record a second, accepted in the second of its number.
    fn attendances(joins: Option<u64>, ago: Option<u64>, events: &[(u64, bool)]) -> (Attendances, RecordSet) {
        let mut attendances = Attendances::default();
        attendances.add(joins.map(Time::from_secs), ago.map(Duration::from_secs), !events.is_empty());
        let mut accepted = RecordSet::default();
        for second in 0..60 {
            let now = Time::from_secs(second);
            for (_, starts) in events.iter().filter(|(at, _)| *at == second) {
                if *starts { attendances.start(now, 0) } else { attendances.stop(now, 0) }
            }
            attendances.note(now, &accepted);
            accepted.insert(second);
        }
        (attendances, accepted)
    }

    fn owed(joins: Option<u64>, ago: Option<u64>, events: &[(u64, bool)]) -> Vec<u64> {
        let (attendances, accepted) = attendances(joins, ago, events);
        attendances.owed(0, &accepted).without(&RecordSet::default()).collect()
    }

    #[test]
    fn whoever_is_there_all_the_time_owes_everything() {
        assert_eq!(owed(None, None, &[]).len(), 60);
        assert_eq!(owed(None, Some(0), &[]).len(), 60, "at the tip of the beginning is everything");
        assert_eq!(owed(None, None, &[(20, false), (30, true)]).len(), 60, "what is stored meanwhile is read later");
        assert_eq!(attendances(None, None, &[(20, false), (30, true)]).0.presence(0), None);
    }

    #[test]
    fn whoever_leaves_owes_what_was_accepted_five_seconds_before() {
        // What was accepted is noted every third second here.
        let owed = owed(None, None, &[(20, false)]);
        assert_eq!(owed, (0..15).collect::<Vec<_>>());
        let (left, _) = attendances(None, None, &[(20, false)]);
        assert_eq!(left.presence(0), Some(Presence { left: Some(Time::from_secs(20)), ..Presence::default() }));
    }

    #[test]
    fn whoever_joins_at_the_tip_owes_what_was_accepted_five_seconds_later() {
        assert_eq!(owed(Some(30), Some(0), &[(30, true)]), (36..60).collect::<Vec<_>>());
        assert_eq!(owed(Some(30), Some(0), &[(30, true), (50, false)]), (36..45).collect::<Vec<_>>());
        assert_eq!(owed(Some(30), None, &[(30, true)]).len(), 60, "the oldest record is there");
        assert_eq!(owed(Some(30), None, &[]).len(), 0, "it never came");
        assert!(attendances(Some(30), None, &[]).0.presence(0).is_some_and(|presence| presence.never));
    }

    #[test]
    fn whoever_joins_with_older_records_owes_them() {
        assert_eq!(owed(Some(30), Some(10), &[(30, true)]), (27..60).collect::<Vec<_>>());
        assert_eq!(owed(Some(30), Some(40), &[(30, true)]).len(), 60, "before the run there was nothing");
        assert_eq!(owed(Some(30), Some(10), &[]).len(), 0, "it never came");
        assert_eq!(owed(Some(30), Some(10), &[(45, true)]), (45..60).collect::<Vec<_>>(), "it came late");
    }

    #[test]
    fn whoever_has_left_is_not_waited_for() {
        let (attendances, accepted) = attendances(None, None, &[(20, false)]);
        let mut seen = RecordSet::default();
        (0..18).for_each(|index| _ = seen.insert(index));
        assert!(attendances.have_seen_all(&accepted, |_, owed| owed.in_common(&seen)));
        let nothing = RecordSet::default();
        assert!(!attendances.have_seen_all(&accepted, |_, owed| owed.in_common(&nothing)));
    }
}
