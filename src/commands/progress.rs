//! Live progress on stderr: a bar in a terminal, plain lines or lines of JSON elsewhere.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::watch;

use super::console;
use crate::cli::ProgressMode;
use crate::engine::{OpenShard, Phase, Progress, Say};
use crate::report::printable;
use crate::time::nanos;
use crate::view::{About, PREPARING, State, json};

/// Tells how a run is going.
pub(super) enum Teller {
    Bar(ProgressBar),
    Plain { next: u64 },
    Json { last: Option<(Phase, u64)> },
    Silent,
}

impl Teller {
    /// The teller that `mode` asks for.
    ///
    /// # Errors
    /// A bar is asked for where there is no terminal, in words.
    pub fn new(mode: ProgressMode, duration: Duration) -> Result<Self, String> {
        let terminal = std::io::stderr().is_terminal();
        match mode {
            ProgressMode::Bar if !terminal => {
                Err("--progress bar needs a terminal; elsewhere use --progress plain, or --progress json".to_owned())
            }
            ProgressMode::Auto | ProgressMode::Bar if terminal => Ok(Self::Bar(bar(duration))),
            ProgressMode::Auto | ProgressMode::Bar | ProgressMode::Plain => {
                Ok(Self::Plain { next: PLAIN_INTERVAL_SECONDS })
            }
            ProgressMode::Json => Ok(Self::Json { last: None }),
            ProgressMode::None => Ok(Self::Silent),
        }
    }

    /// Tells of the run until `progress` has no sender any more; when the shards are known, the lines that `announce` makes of
    /// them, and then `announced_to` that it has.
    pub async fn show(
        mut self,
        mut state: State,
        mut progress: watch::Receiver<Progress>,
        announce: impl Fn(&[OpenShard]) -> Vec<String>,
        announced_to: &watch::Sender<bool>,
    ) {
        let mut announced = false;
        while progress.changed().await.is_ok() {
            let now = progress.borrow_and_update().clone();
            if !announced && !now.shards.is_empty() {
                announce(&now.shards).iter().for_each(|line| self.note(line));
                announced = true;
                announced_to.send_replace(true);
            }
            state.handle_progress(now);
            self.tell(&state);
        }
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }

    /// Words for people.
    pub fn note(&self, text: &str) {
        match self {
            Self::Bar(bar) => bar.println(printable(text)),
            Self::Plain { .. } => super::note(text),
            Self::Json { .. } => console::line(&json::note(text)),
            Self::Silent => {}
        }
    }

    /// Words that nobody may miss.
    pub fn say(&self, text: &str) {
        self.say_later()(text);
    }

    /// What says words that nobody may miss, whoever has the teller.
    pub fn say_later(&self) -> Say {
        match self {
            Self::Bar(bar) => {
                let bar = bar.clone();
                Arc::new(move |text: &str| bar.println(printable(text)))
            }
            Self::Json { .. } => Arc::new(|text: &str| console::line(&json::note(text))),
            Self::Plain { .. } | Self::Silent => Arc::new(super::note),
        }
    }

    /// Begins to tell.
    pub fn begin(&self, about: &About) {
        match self {
            Self::Bar(bar) => bar.enable_steady_tick(Duration::from_millis(250)),
            Self::Json { .. } => console::line(&json::start(about)),
            Self::Plain { .. } | Self::Silent => {}
        }
    }

    fn tell(&mut self, state: &State) {
        let (phase, now) = (state.progress().phase, state.progress().now);
        match self {
            Self::Bar(bar) => {
                // It stops at its end while the run drains.
                bar.set_position(now.as_nanos().min(nanos(state.about().duration)));
                bar.set_prefix(state.left_words());
                bar.set_message(state.line());
            }
            // A log is not a screen: a line now and then is enough.
            Self::Plain { next } if phase == Phase::Load && now.second() >= *next => {
                super::note(&format!("{:>6}  {}, {}", format!("{}s", now.second()), state.line(), state.left_words()));
                *next = (now.second() / PLAIN_INTERVAL_SECONDS + 1) * PLAIN_INTERVAL_SECONDS;
            }
            Self::Json { last } if phase != Phase::Preparing && *last != Some((phase, now.second())) => {
                console::line(&json::progress(state));
                *last = Some((phase, now.second()));
            }
            Self::Plain { .. } | Self::Json { .. } | Self::Silent => {}
        }
    }
}

fn bar(duration: Duration) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(nanos(duration).max(1)), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{elapsed:>4} {bar:12} {prefix}  {wide_msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━╌"));
    bar.set_message(PREPARING);
    bar
}

const PLAIN_INTERVAL_SECONDS: u64 = 5;
