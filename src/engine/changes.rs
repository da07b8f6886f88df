//! The stream of a run as it changes: events of the scenario, and what others do to it.

use std::collections::VecDeque;

use aws_sdk_kinesis::Client;
use tokio::task::JoinSet;

use super::EngineError;
use super::clock::RunClock;
use super::events::change;
use super::readers::Readers;
use super::stream::{self, ReadyStream};
use crate::client::ListedShard;
use crate::measure::EventRecord;
use crate::scenario::{Action, Event};
use crate::time::Time;

/// Follows the shards of the stream, and makes the events of the scenario happen.
pub(super) struct Changes {
    client: Client,
    /// The stream as it is known now.
    pub stream: ReadyStream,
    ahead: VecDeque<Event>,
    /// Changes of the stream that are due and have not begun: there is one at a time, each waits until the stream is ACTIVE.
    waiting: VecDeque<Action>,
    /// A change is under way.
    changing: bool,
    tasks: JoinSet<Done>,
    /// A listing of the shards is under way.
    looking: bool,
    records: Vec<EventRecord>,
    /// How many shards were open, from when on.
    pub open_shards: Vec<(Time, u32)>,
}

enum Done {
    /// The event with this number in the records.
    Changed(usize, Result<(), String>),
    Listed(Result<Vec<ListedShard<String>>, EngineError>),
}

impl Changes {
    pub fn new(client: Client, stream: ReadyStream, events: &[Event]) -> Self {
        let ahead = events.iter().cloned().collect();
        let open_shards = vec![(Time::ZERO, stream.shards.open_count())];
        Self {
            client,
            stream,
            ahead,
            waiting: VecDeque::new(),
            changing: false,
            tasks: JoinSet::new(),
            looking: false,
            records: Vec::new(),
            open_shards,
        }
    }

    /// When the next event is due.
    pub fn due(&self) -> Option<Time> {
        self.ahead.front().map(|event| event.at)
    }

    /// Begins the events that are due.
    pub fn begin_due(&mut self, now: Time, readers: &Readers, hottest: impl Fn() -> Option<usize>) {
        while let Some(event) = self.ahead.pop_front_if(|event| event.at <= now) {
            if let Action::Consumer { consumer, interruption, worker } = &event.action {
                readers.interrupt(now, consumer, interruption.of(*worker));
                self.records.push(event.action.begun(now));
            } else {
                self.waiting.push_back(event.action);
            }
        }
        // The shards as they are after the change before are needed to choose one.
        if !self.changing
            && !self.looking
            && let Some(action) = self.waiting.pop_front()
        {
            self.changing = true;
            let number = self.records.len();
            self.records.push(action.begun(now));
            let (client, stream) = (self.client.clone(), self.stream.clone());
            let hottest = hottest().unwrap_or(0);
            self.tasks.spawn(async move { Done::Changed(number, change(client, stream, action, hottest).await) });
        }
    }

    /// Looks at the shards again: there are some that are not known.
    pub fn look_at_shards(&mut self) {
        if !self.looking {
            self.looking = true;
            let (client, name) = (self.client.clone(), self.stream.name.clone());
            self.tasks.spawn(async move { Done::Listed(stream::list_shards(&client, &name).await) });
        }
    }

    /// Whether something is under way that [`Self::done`] waits for.
    pub fn under_way(&self) -> bool {
        !self.tasks.is_empty()
    }

    /// Waits for the next change that is over.
    pub async fn done(&mut self, clock: &RunClock, readers: &Readers) {
        match self.tasks.join_next().await {
            Some(Ok(Done::Changed(number, outcome))) => {
                self.changing = false;
                if let Some(record) = self.records.get_mut(number) {
                    record.until = Some(clock.now());
                    record.problem = outcome.err();
                }
                self.look_at_shards();
            }
            Some(Ok(Done::Listed(listed))) => {
                self.looking = false;
                match listed {
                    Ok(shards) => {
                        self.stream.shards = self.stream.shards.refreshed(shards);
                        self.open_shards.push((clock.now(), self.stream.shards.open_count()));
                        readers.follow(self.stream.shards.lineage(false));
                    }
                    Err(error) => tracing::warn!(%error, "the shards could not be listed again"),
                }
            }
            Some(Err(error)) => tracing::error!(%error, "an event ended badly"),
            None => {}
        }
    }

    /// What has happened so far.
    pub fn happened(&self) -> &[EventRecord] {
        &self.records
    }

    /// What happened up to `now`, when the run has ended.
    pub fn records(&self, now: Time) -> Vec<EventRecord> {
        let never_begun = self.waiting.iter().map(|action| action.never_begun(now));
        self.records.iter().cloned().chain(never_begun).collect()
    }
}
