//! Watches the load generator itself: what the operating system says of this process, once per second, on a thread of its own.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use super::allocations::Allocations;
use super::clock::RunClock;
use crate::measure::{GeneratorHealth, HealthInterval};
use crate::time::Time;

/// The watcher. What it cannot read stays unknown: the counters of processes that it reads are those of Linux.
#[derive(Debug)]
pub struct Health {
    stop: Sender<()>,
    /// The last second that was watched; the two threads that share it meet once per second.
    last: Arc<Mutex<Option<HealthInterval>>>,
    thread: Option<JoinHandle<Vec<HealthInterval>>>,
    /// The longest delay of a task of the runtime, of each second.
    delays: Arc<Mutex<Vec<Duration>>>,
    probe: AbortHandle,
}

/// What the system counts since the process began.
#[derive(Debug, Clone, Default)]
struct Totals {
    /// How long each thread has run, and how long it has waited for a processor, in nanoseconds; `None` if it is not told.
    threads: Option<HashMap<OsString, (u64, u64)>>,
    page_faults: Option<u64>,
    allocations: Option<Allocations>,
}

impl Health {
    /// Watches from now on. It is called on the runtime that is watched.
    pub fn start(clock: RunClock) -> Self {
        let (stop, stopped) = channel::<()>();
        let last = Arc::new(Mutex::new(None));
        let told = last.clone();
        let delays = Arc::new(Mutex::new(Vec::new()));
        let probe = tokio::spawn(probe(clock.clone(), Arc::clone(&delays))).abort_handle();
        let watch = move || {
            let mut seconds = Vec::new();
            let (mut before, mut began) = (Totals::read(), Instant::now());
            loop {
                let next = Time::from_secs(clock.now().second() + 1);
                let wait = clock.instant(next).saturating_duration_since(Instant::now());
                let over = stopped.recv_timeout(wait) != Err(RecvTimeoutError::Timeout);
                let (now, at) = (Totals::read(), Instant::now());
                if over && at - began < SHORTEST_INTERVAL {
                    return seconds;
                }
                let interval = HealthInterval {
                    second: clock.now().second() + u64::from(over),
                    length: at - began,
                    processor_time: now.threads_since(&before, |(ran, _)| ran),
                    run_queue_wait: now.threads_since(&before, |(_, waited)| waited),
                    page_faults: since(now.page_faults, before.page_faults),
                    allocations: since(now.allocations.map(|a| a.count), before.allocations.map(|a| a.count)),
                    allocated_bytes: since(now.allocations.map(|a| a.bytes), before.allocations.map(|a| a.bytes)),
                    resident: resident(),
                    sockets: sockets(),
                    longest_wake_up: None,
                    scheduling_delay: None,
                };
                seconds.push(interval);
                *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(interval);
                (before, began) = (now, at);
                if over {
                    return seconds;
                }
            }
        };
        // Without a thread there is no watcher, and the run goes on unwatched.
        let thread = std::thread::Builder::new().name("health".to_owned()).spawn(watch).ok();
        Self { stop, last, thread, delays, probe }
    }

    /// The last second that is over, if there is one.
    pub fn last(&self) -> Option<HealthInterval> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the watch. `wake_ups` are the longest wake-ups of each second.
    pub fn finish(self, wake_ups: &[Duration]) -> GeneratorHealth {
        drop(self.stop);
        self.probe.abort();
        let delays = std::mem::take(&mut *self.delays.lock().unwrap_or_else(PoisonError::into_inner));
        let mut seconds = self.thread.and_then(|thread| thread.join().ok()).unwrap_or_default();
        for interval in &mut seconds {
            let during = usize::try_from(interval.second).ok().and_then(|end| end.checked_sub(1));
            interval.longest_wake_up = during.and_then(|second| wake_ups.get(second)).copied();
            interval.scheduling_delay = during.and_then(|second| delays.get(second)).copied();
        }
        let processors = std::thread::available_parallelism().map_or(0, |processors| processors.get());
        GeneratorHealth { processors: u32::try_from(processors).unwrap_or(u32::MAX), seconds }
    }
}

/// Notes how late it is served itself, as each task of the runtime is: a task that sleeps until a moment and looks what time it is.
async fn probe(clock: RunClock, delays: Arc<Mutex<Vec<Duration>>>) {
    let mut due = clock.now() + PROBE_INTERVAL;
    loop {
        tokio::time::sleep_until(clock.instant(due).into()).await;
        let now = clock.now();
        let second = usize::try_from(due.second()).unwrap_or(usize::MAX);
        {
            let mut delays = delays.lock().unwrap_or_else(PoisonError::into_inner);
            if delays.len() <= second {
                delays.resize(second + 1, Duration::ZERO);
            }
            delays[second] = delays[second].max(now.since(due));
        }
        due = now + PROBE_INTERVAL;
    }
}

/// How often the probe looks: a hundred wake-ups a second cost nothing that could be measured.
const PROBE_INTERVAL: Duration = Duration::from_millis(10);

/// The end of a run makes an interval of its own if it is longer than this.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(200);

fn since(now: Option<u64>, before: Option<u64>) -> Option<u64> {
    now.zip(before).map(|(now, before)| now.saturating_sub(before))
}

impl Totals {
    fn read() -> Self {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // The second field is the name in brackets, which may hold anything; the tenth is what is looked for.
        let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_ascii_whitespace());
        let page_faults = fields.and_then(|mut fields| fields.nth(10 - 3)?.parse().ok());
        Self { threads: threads(), page_faults, allocations: Allocations::so_far() }
    }

    /// The sum over all threads of what came since `before`. What a thread did in the interval in which it ended is not known.
    fn threads_since(&self, before: &Self, value: fn((u64, u64)) -> u64) -> Option<Duration> {
        let (now, before) = (self.threads.as_ref()?, before.threads.as_ref()?);
        let since = |(thread, counted): (&OsString, &(u64, u64))| {
            value(*counted).saturating_sub(before.get(thread).copied().map_or(0, value))
        };
        Some(Duration::from_nanos(now.iter().map(since).sum()))
    }
}

fn threads() -> Option<HashMap<OsString, (u64, u64)>> {
    let tasks = fs::read_dir("/proc/self/task").ok()?.filter_map(Result::ok);
    let thread = |task: fs::DirEntry| {
        // A thread that has just ended has no file any more.
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        let mut numbers = text.split_ascii_whitespace().map(|number| number.parse::<u64>().unwrap_or(0));
        Some((task.file_name(), (numbers.next()?, numbers.next()?)))
    };
    let threads: HashMap<OsString, (u64, u64)> = tasks.filter_map(thread).collect();
    (!threads.is_empty()).then_some(threads)
}

fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Open sockets of this process.
fn sockets() -> Option<u64> {
    let open = fs::read_dir("/proc/self/fd").ok()?.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    Some(open.filter(|link| link.as_os_str().as_encoded_bytes().starts_with(b"socket:")).count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_system_tells_what_the_process_used() {
        let totals = Totals::read();
        let used = totals.threads_since(&Totals { threads: Some(HashMap::new()), ..Totals::default() }, |(ran, _)| ran);
        assert!(used.is_some_and(|used| used > Duration::ZERO) && totals.page_faults.is_some_and(|faults| faults > 0));
        assert!(resident().is_some_and(|bytes| bytes > 1 << 20));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let _connection = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        // Other tests open and close sockets at the same time.
        assert!(sockets().is_some_and(|sockets| sockets >= 2));
    }
}
