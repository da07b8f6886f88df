//! Whether a connection still moves: requests that begin, frames of answers that leave, answers that end.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

/// What moved last on a connection. A peer can hold one open by sending nothing, by sending its request byte by byte, or by
/// not reading the answer; in all of these nothing moves.
#[derive(Debug)]
pub(super) struct Activity(Mutex<Moved>);

#[derive(Debug)]
struct Moved {
    /// Requests whose answer is not complete.
    open: usize,
    last: Instant,
}

/// An open request; it ends when it is dropped.
#[derive(Debug)]
pub(super) struct OpenRequest(Arc<Activity>);

impl Activity {
    pub fn new() -> Self {
        Self(Mutex::new(Moved { open: 0, last: Instant::now() }))
    }

    /// Notes that a request begins.
    pub fn begin(self: &Arc<Self>) -> OpenRequest {
        self.moved().open += 1;
        OpenRequest(Arc::clone(self))
    }

    /// Done when nothing has moved for `idle` without an open request, or for `silence` with one.
    pub async fn stalled(&self, idle: Duration, silence: Duration) {
        loop {
            let until = {
                let moved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                moved.last + if moved.open == 0 { idle } else { silence }
            };
            if until <= Instant::now() {
                return;
            }
            // Whatever moves meanwhile is seen at the end of the sleep, before anything is closed.
            sleep_until(until.min(Instant::now() + idle)).await;
        }
    }

    fn moved(&self) -> MutexGuard<'_, Moved> {
        let mut moved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        moved.last = Instant::now();
        moved
    }
}

impl OpenRequest {
    /// The body of the answer, after which the request is no longer open.
    pub fn track<B>(self, body: B) -> Tracked<B> {
        Tracked { body, request: self }
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.moved().open -= 1;
    }
}

/// A body that notes each frame that is taken from it.
#[derive(Debug)]
pub(super) struct Tracked<B> {
    body: B,
    request: OpenRequest,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Tracked<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        drop(self.request.0.moved());
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(120);
    const SILENCE: Duration = Duration::from_secs(420);

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_requests_stalls_after_the_idle_time() {
        let activity = Arc::new(Activity::new());
        let begun = Instant::now();
        activity.stalled(IDLE, SILENCE).await;
        assert_eq!(begun.elapsed(), IDLE);
    }

    #[tokio::test(start_paused = true)]
    async fn an_open_request_may_be_silent_for_longer() {
        let activity = Arc::new(Activity::new());
        let begun = Instant::now();
        let request = activity.begin();
        activity.stalled(IDLE, SILENCE).await;
        assert_eq!(begun.elapsed(), SILENCE);
        drop(request);
    }

    #[tokio::test(start_paused = true)]
    async fn the_idle_time_counts_from_the_end_of_the_last_request() {
        let activity = Arc::new(Activity::new());
        let begun = Instant::now();
        let request = activity.begin();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(200)).await;
            drop(request);
        });
        activity.stalled(IDLE, SILENCE).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(320));
    }
}
