//! A consumer of a run: a task that makes the calls that its machine asks for.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::clock::RunClock;
use super::reading::{Calls, Done, Events};
use super::sdk::Sdk;
use super::since_1970;
use crate::client::{ConsumerCounts, ReadCall, Ticket};
use crate::run::{Message, Reader};

/// What a consumer's task needs beside its machine.
#[derive(Debug)]
pub(super) struct ConsumerTask {
    /// What makes its calls.
    pub calls: Calls,
    /// Set once nothing that is put from now on can be missed.
    pub positioned: watch::Sender<bool>,
    /// What happens to the consumer from outside.
    pub messages: mpsc::UnboundedReceiver<Message<Sdk>>,
    /// Set when the consumer is to end.
    pub stop: watch::Receiver<bool>,
}

impl ConsumerTask {
    /// Reads until the run stops; gives what the consumer did.
    pub async fn consume(mut self, mut reader: Reader<Sdk>) -> ConsumerCounts {
        self.calls.began = SystemTime::now();
        let clock = RunClock::started();
        // The consumer's clock began before that of the run.
        let run_clock = self.calls.clock.clone();
        let run_time = |time| run_clock.at(clock.instant(time));
        let mut under_way = UnderWay { calls: JoinSet::new(), subscriptions: HashMap::new() };
        reader.begin(clock.now(), since_1970());
        loop {
            reader.handle_timeout(clock.now());
            while let Some(call) = reader.poll_call() {
                under_way.make(&self.calls, call);
            }
            reader.record(run_time);
            if reader.is_positioned() {
                self.positioned.send_replace(true);
            }
            let due = reader.poll_timeout().map_or_else(far_future, |due| clock.instant(due).into());
            tokio::select! {
                _ = self.stop.wait_for(|stop| *stop) => break,
                Some(message) = self.messages.recv() => reader.handle_message(clock.now(), since_1970(), message),
                Some(done) = under_way.calls.join_next() => {
                    // A call that was given up says nothing.
                    if let Ok((ticket, outcome, events)) = done {
                        under_way.keep(&reader, ticket, events);
                        reader.handle_outcome(clock.now(), run_clock.now(), ticket, outcome);
                    }
                }
                () = sleep_until(due) => {}
            }
        }
        // The run has had its drain: what is under way now would come too late to count.
        under_way.calls.shutdown().await;
        reader.record(run_time);
        reader.finish(clock.now())
    }
}

/// The calls that are under way, and the subscriptions that are open.
struct UnderWay {
    calls: JoinSet<Done>,
    subscriptions: HashMap<Ticket, Subscription>,
}

enum Subscription {
    /// A task waits for its answer or its next event.
    Waiting(AbortHandle),
    /// Nobody has asked for the next event.
    Idle(Box<Events>),
}

impl UnderWay {
    fn make(&mut self, calls: &Calls, call: ReadCall<Sdk>) {
        let calls = calls.clone();
        match call {
            ReadCall::GetShardIterator { ticket, shard, start } => {
                self.calls.spawn(async move { (ticket, calls.get_shard_iterator(shard, start).await, None) });
            }
            ReadCall::GetRecords { ticket, iterator, limit } => {
                self.calls.spawn(async move { (ticket, calls.get_records(iterator, limit).await, None) });
            }
            ReadCall::Subscribe { ticket, shard, start } => {
                let task = self.calls.spawn(async move { calls.subscribe(ticket, shard, start).await });
                self.subscriptions.insert(ticket, Subscription::Waiting(task));
            }
            ReadCall::Receive { ticket } => {
                if let Some(Subscription::Idle(events)) = self.subscriptions.remove(&ticket) {
                    let task = self.calls.spawn(async move { calls.receive(ticket, *events).await });
                    self.subscriptions.insert(ticket, Subscription::Waiting(task));
                }
            }
            ReadCall::Unsubscribe { ticket } => {
                if let Some(Subscription::Waiting(task)) = self.subscriptions.remove(&ticket) {
                    task.abort();
                }
            }
        }
    }

    /// Keeps a subscription for its next event, if it still matters.
    fn keep(&mut self, reader: &Reader<Sdk>, ticket: Ticket, events: Option<Events>) {
        match events.filter(|_| reader.is_current(ticket)) {
            Some(events) => {
                self.subscriptions.insert(ticket, Subscription::Idle(Box::new(events)));
            }
            None => {
                self.subscriptions.remove(&ticket);
            }
        }
    }
}

/// A moment that does not come while a run goes on.
fn far_future() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}
