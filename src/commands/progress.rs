//! Live progress on stderr: a bar in a terminal, a line every few seconds otherwise.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::watch;

use crate::engine::{Phase, Progress};
use crate::kinesis::HashKeyRange;
use crate::units;

/// Shows the progress of a run of `duration` until its sender is gone; when the shards are known, the lines that `announce` makes
/// of them.
pub async fn show(
    mut progress: watch::Receiver<Progress>,
    duration: Duration,
    mut announce: impl FnMut(&[(String, HashKeyRange)]) -> Vec<String>,
) {
    let terminal = std::io::stderr().is_terminal();
    let bar = bar(terminal, duration);
    let mut next_line = PLAIN_INTERVAL_SECONDS;
    while progress.changed().await.is_ok() {
        let now = progress.borrow_and_update().clone();
        for line in if now.shards.is_empty() { Vec::new() } else { announce(&now.shards) } {
            match &bar {
                Some(bar) => bar.println(line),
                None => super::note(&line),
            }
        }
        if let Some(bar) = &bar {
            bar.set_position(now.now.as_nanos().min(units_of(duration)));
            bar.set_message(describe(&now));
        } else if now.phase == Phase::Load && now.now.second() >= next_line {
            // A log is not a screen: a line now and then is enough.
            super::note(&format!("{:>6}  {}", format!("{}s", now.now.second()), describe(&now)));
            next_line = (now.now.second() / PLAIN_INTERVAL_SECONDS + 1) * PLAIN_INTERVAL_SECONDS;
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}

fn bar(terminal: bool, duration: Duration) -> Option<ProgressBar> {
    if !terminal {
        return None;
    }
    let bar = ProgressBar::with_draw_target(Some(units_of(duration)), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{elapsed:>4} {bar:12} {percent:>3}%  {wide_msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━╌"));
    bar.set_message(PREPARING);
    bar.enable_steady_tick(Duration::from_millis(250));
    Some(bar)
}

/// One line that says the most in its first 60 columns.
fn describe(progress: &Progress) -> String {
    let latency = |value: Option<Duration>| value.map_or_else(|| "–".to_owned(), units::duration);
    let longest_lag = progress.lag_p99.iter().filter_map(|(_, lag)| *lag).max();
    match progress.phase {
        Phase::Preparing => PREPARING.to_owned(),
        Phase::Load => format!(
            "{}/s accepted, {}/s throttled, p99 {}, lag {}, late {}",
            units::count(progress.accepted_last_second),
            units::count(progress.throttled_last_second),
            latency(progress.response_p99),
            latency(longest_lag),
            latency(progress.lateness_p99)
        ),
        Phase::Draining => format!("draining: {} records in flight", units::count(progress.counters.in_flight)),
    }
}

fn units_of(duration: Duration) -> u64 {
    crate::time::nanos(duration).max(1)
}

const PREPARING: &str = "preparing the stream and its consumers";
const PLAIN_INTERVAL_SECONDS: u64 = 5;
