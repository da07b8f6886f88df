//! The load engine: it drives the client half in real time through the AWS SDK.
//!
//! One session owns the pacer, the producer and its recorder, so that nothing on the way of a record is locked, and has a thread
//! to itself while load is offered; each call is a task of its own; each consumer is one, too.

mod alarm;
mod allocations;
mod backlog;
mod changes;
mod clock;
mod consumers;
mod created;
mod drive;
#[cfg(feature = "emulator")]
mod embedded;
#[cfg(not(feature = "emulator"))]
#[path = "without_emulator.rs"]
mod embedded;
mod endpoint;
mod errors;
mod health;
mod pacer;
mod progress;
mod put;
mod readers;
mod reading;
mod registration;
mod sdk;
mod session;
mod stream;
mod target;
mod wire;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::Rng as _;
use tokio::sync::watch;
use tokio::time::timeout;

pub use crate::address::Target;
pub use allocations::{Allocations, CountingAllocator};
pub use created::{Created, Leftover, Note, Place, Resource, Say, left_behind};
pub use pacer::{Pacer, Release};
pub use progress::{ConsumerProgress, OpenShard, Phase, Progress};
pub use session::run;
pub use target::{Connection, connect};

use crate::client::Part;
use crate::seed::Seed;

/// Why a run could not be made at all.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The embedded emulator did not start.
    #[error(
        "the embedded emulator cannot start: {0}; it needs a free port of 127.0.0.1, and file descriptors (ulimit -n)"
    )]
    Emulator(#[source] std::io::Error),
    /// The embedded emulator is not in this program.
    #[error(
        "this program was built without the feature `emulator`: name a --target, such as http://127.0.0.1:4567, or build it \
         with the feature"
    )]
    NoEmulator,
    /// The environment names no AWS region.
    #[error("no AWS region is set: set AWS_REGION, or a region in the profile of your AWS configuration")]
    NoRegion,
    /// `aws` is asked for, and something else would answer.
    #[error(
        "AWS is the target, but the AWS SDK would send calls to {url}, and Kinesis in {region} answers at https://{regional}: nothing \
         was sent; unset AWS_ENDPOINT_URL_KINESIS and AWS_ENDPOINT_URL, and take endpoint_url out of the profile and its services \
         section (AWS_CONFIG_FILE), or write --target with that URL, which sends no credentials of yours"
    )]
    Redirected {
        /// Scheme, host and port of where calls would go.
        url: String,
        /// The region in use.
        region: String,
        /// Where calls of this region go by default.
        regional: String,
    },
    /// The SDK finds no address of AWS.
    #[error(
        "the AWS SDK finds no endpoint of Kinesis: {0}; correct the region, and the settings for endpoints, FIPS and dual stack in the \
         environment and the profile"
    )]
    NoEndpoint(String),
    /// The stream cannot be used.
    #[error("{0}")]
    Stream(String),
    /// The consumers did not get ready.
    #[error(
        "the consumer `{consumer}` did not get ready to read within {} s ({why}); if the target does not support this type \
         of consumer, use another one, such as \"polling\"",
        POSITION_TIMEOUT.as_secs()
    )]
    NotPositioned {
        /// Its name.
        consumer: String,
        /// What its calls failed with most often.
        why: String,
    },
    /// The run was stopped while it was being prepared.
    #[error("stopped before load was offered; nothing was measured")]
    Stopped,
}

/// What a run is told from outside, and what it tells while it goes on.
#[derive(Debug, Clone)]
pub struct Control {
    /// Set to end the run early; it is then measured up to that moment.
    pub stop: watch::Receiver<bool>,
    /// How the run is going, about once per second.
    pub progress: watch::Sender<Progress>,
    /// Which of the arrivals this process offers.
    pub part: Part,
    /// What tells the records of this run from those of others on the same stream; the processes that share a load share it. `None`
    /// is unlike any other.
    pub run_id: Option<String>,
    /// Becomes true when the shards of the progress have been told: the load waits for it, for a few seconds at most. `None` if nobody
    /// tells of them.
    pub announced: Option<watch::Receiver<bool>>,
    /// What the run creates and deletes again.
    pub created: Created,
}

impl Control {
    /// A control of the whole load.
    pub fn new(stop: watch::Receiver<bool>, progress: watch::Sender<Progress>) -> Self {
        Self { stop, progress, part: Part::WHOLE, run_id: None, announced: None, created: Created::default() }
    }

    /// Done when whoever tells of the shards has done so, has gone, or takes too long.
    async fn wait_until_announced(&mut self) {
        if let Some(announced) = &mut self.announced {
            let _ = timeout(ANNOUNCEMENT_TIMEOUT, announced.wait_for(|announced| *announced)).await;
        }
    }

    /// Whether the run is to stop.
    fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Done when the run is to stop. Whoever can no longer say so never will.
    async fn stopped(&mut self) {
        if self.stop.wait_for(|stop| *stop).await.is_err() {
            std::future::pending().await
        }
    }
}

/// The numbers by which a run and what belongs to it are told apart.
#[derive(Debug, Clone, Copy)]
struct RunNumber {
    /// In the header of every record.
    number: u32,
    /// In the names of what this process makes: of its stream and its registered consumers.
    process: u32,
}

impl RunNumber {
    /// With an id, the records are a function of the seed, the id and their numbers; without one, no other run has this number.
    fn new(since_1970: Duration, seed: Seed, run_id: Option<&str>) -> Self {
        let process = (since_1970.as_nanos() as u32).wrapping_mul(0x9e37_79b1) ^ std::process::id();
        let number = run_id.map_or(process, |id| seed.stream(&format!("engine.run {id}"), 0).next_u32());
        Self { number, process }
    }
}

/// The time since the beginning of 1970.
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// How long the load waits for words to be written.
const ANNOUNCEMENT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long consumers may take to get ready.
const POSITION_TIMEOUT: Duration = Duration::from_secs(30);
