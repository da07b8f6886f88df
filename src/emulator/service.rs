//! The service half behind a lock and a clock: bytes of a request in, bytes of the answer and its due time out.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::faults;
use super::wire::{self, Body, Context, Fault, Format, Page, Target};
use crate::kinesis::{
    FaultRule, InjectedFaults, Kinesis, Reply, Request, Response, Settings, StorageUsage, StreamMetrics,
    StreamOverview, SubscriptionId, SubscriptionPoll,
};
use crate::seed::{NamedSeed, Rng};
use crate::time::Time;

/// The service half of Kinesis, shared by all connections.
///
/// Its time begins when it is made: [`Time::ZERO`] is that moment, which `settings.epoch` gives in Unix time.
#[derive(Debug)]
pub struct Service {
    kinesis: Mutex<Kinesis>,
    settings: Settings,
    origin: Instant,
    /// Wakes the subscriptions: a record was put, or a stream, consumer or subscription came or went.
    change: Notify,
    open_subscriptions: AtomicUsize,
    answers: AtomicU64,
    answer_ids: NamedSeed,
}

/// The answer is that there is none: HTTP/1.1 closes the connection, HTTP/2 resets the stream.
#[derive(Debug, thiserror::Error)]
#[error("the connection breaks, as was asked")]
pub(super) struct ConnectionDropped;

/// What a request is answered with.
#[derive(Debug)]
pub(super) enum Answer {
    /// A body in the format of the request.
    Body(Vec<u8>),
    /// Events, for as long as the subscription lives.
    Subscription(OpenSubscription),
}

/// An open subscription; it closes when it is dropped.
#[derive(Debug)]
pub(super) struct OpenSubscription {
    service: Arc<Service>,
    id: SubscriptionId,
    format: Format,
}

impl Service {
    /// A service without streams, whose time begins now.
    pub fn new(settings: Settings) -> Self {
        Self {
            kinesis: Mutex::new(Kinesis::new(settings.clone())),
            answer_ids: settings.seed.named("emulator request ids"),
            settings,
            origin: Instant::now(),
            change: Notify::new(),
            open_subscriptions: AtomicUsize::new(0),
            answers: AtomicU64::new(0),
        }
    }

    /// What the service holds and has dropped early.
    pub fn usage(&self) -> StorageUsage {
        self.kinesis().usage()
    }

    /// What fault rules have damaged so far.
    pub fn injected_faults(&self) -> InjectedFaults {
        self.kinesis().injected_faults().clone()
    }

    /// All streams and shards as they are now, and what now is.
    pub(super) fn overview(&self) -> (Time, Vec<StreamOverview>) {
        let mut kinesis = self.kinesis();
        let now = self.now();
        (now, kinesis.overview(now))
    }

    /// What CloudWatch would show of each stream.
    pub(super) fn metrics(&self) -> Vec<(String, StreamMetrics)> {
        self.kinesis().metrics().map(|(stream, metrics)| (stream.to_owned(), metrics.clone())).collect()
    }

    /// Puts fault rules, whose times count from now, in the place of those in force.
    pub(super) fn set_faults_from_now(&self, rules: &[FaultRule]) {
        let mut kinesis = self.kinesis();
        let now = self.now().since(Time::ZERO);
        let later = |time: Time| if time == Time::NEVER { time } else { time + now };
        let shifted =
            rules.iter().map(|rule| FaultRule { from: later(rule.from), until: later(rule.until), ..rule.clone() });
        kinesis.set_faults(shifted.collect());
    }

    /// From now on, changes of state take `scale` times the profile's durations.
    pub(super) fn set_transition_scale(&self, scale: f64) {
        self.kinesis().set_transition_scale(scale);
    }

    /// Reads a document of fault rules and puts them in the place of those in force.
    ///
    /// # Errors
    /// What is wrong with the document; nothing is changed.
    pub(super) fn put_faults(&self, document: &[u8]) -> Result<(), String> {
        self.set_faults_from_now(&faults::read(document, Time::ZERO)?);
        Ok(())
    }

    /// The fault rules in force, as a document.
    pub(super) fn faults(&self) -> Vec<u8> {
        let kinesis = self.kinesis();
        faults::write(&kinesis.faults(), self.now())
    }

    /// How the service is set up.
    pub(super) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Answers a request, and says when the answer is due.
    pub(super) fn call(
        self: &Arc<Self>,
        target: Target,
        format: Format,
        body: impl Body,
    ) -> (Result<Answer, Fault>, Time) {
        let now = self.now();
        let context = Context { settings: &self.settings, now };
        let request = match wire::decode(target, format, body, context) {
            Ok(request) => request,
            Err(fault) => return (Err(fault), now),
        };
        let page = Page::of(&request);
        let wakes = wakes_subscriptions(&request);
        let reply = self.handle(request);
        if wakes && self.open_subscriptions.load(Ordering::Acquire) > 0 {
            self.change.notify_waiters();
        }
        let answer = match reply.response {
            Ok(Response::SubscribeToShard(id)) => {
                Ok(Answer::Subscription(OpenSubscription::new(Arc::clone(self), id, format)))
            }
            Ok(response) => Ok(Answer::Body(wire::response(format, &response, &page, context))),
            Err(error) => Err(error.into()),
        };
        (answer, reply.ready_at)
    }

    /// A random number generator for the ids of the next answer.
    pub(super) fn answer_ids(&self) -> Rng {
        let answer = self.answers.fetch_add(1, Ordering::Relaxed);
        self.answer_ids.at(answer)
    }

    /// Done at the next change that may concern a subscription; counts from this call on, not from the first poll.
    pub(super) fn changed(&self) -> impl Future<Output = ()> {
        self.change.notified()
    }

    /// Sleeps until `time`; for ever if it never comes.
    pub(super) async fn sleep_until(&self, time: Time) {
        let span = time.since(Time::ZERO);
        match self.origin.checked_add(span) {
            // A timer rounds up to whole milliseconds, so that it is not asked for what is due already.
            Some(instant) if instant <= Instant::now() => {}
            Some(instant) => tokio::time::sleep_until(instant).await,
            None => std::future::pending().await,
        }
    }

    /// How many subscriptions are open.
    pub(super) fn open_subscriptions(&self) -> usize {
        self.open_subscriptions.load(Ordering::Acquire)
    }

    fn handle(&self, request: Request) -> Reply {
        let mut kinesis = self.kinesis();
        // Read under the lock, so that the service sees time move forward only.
        let now = self.now();
        kinesis.handle(now, request)
    }

    fn now(&self) -> Time {
        let elapsed: Duration = self.origin.elapsed();
        Time::ZERO + elapsed
    }

    /// A panic under the lock has ended one request; it need not end the emulator.
    fn kinesis(&self) -> MutexGuard<'_, Kinesis> {
        self.kinesis.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenSubscription {
    fn new(service: Arc<Service>, id: SubscriptionId, format: Format) -> Self {
        service.open_subscriptions.fetch_add(1, Ordering::AcqRel);
        Self { service, id, format }
    }

    /// The format of its events.
    pub const fn format(&self) -> Format {
        self.format
    }

    /// The service that it belongs to.
    pub fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// What it has to push now.
    pub fn poll(&self) -> SubscriptionPoll {
        let mut kinesis = self.service.kinesis();
        let now = self.service.now();
        kinesis.poll_subscription(now, self.id)
    }
}

impl Drop for OpenSubscription {
    fn drop(&mut self) {
        self.service.open_subscriptions.fetch_sub(1, Ordering::AcqRel);
        self.service.kinesis().close_subscription(self.id);
    }
}

/// Whether a request may change what a subscription has to push.
const fn wakes_subscriptions(request: &Request) -> bool {
    use Request as R;
    matches!(
        request,
        R::PutRecord { .. }
            | R::PutRecords { .. }
            | R::DeleteStream { .. }
            | R::DeregisterStreamConsumer { .. }
            | R::SubscribeToShard { .. }
            | R::SplitShard { .. }
            | R::MergeShards { .. }
            | R::UpdateShardCount { .. }
            | R::UpdateStreamMode { .. }
            | R::UpdateStreamWarmThroughput { .. }
    )
}
