//! How a run is watched while it goes on.

use clap::{Args, ValueEnum};

use crate::address::ListenAddress;

/// How to watch the run.
#[derive(Debug, Args)]
pub struct Live {
    /// How the run tells on stderr how it is going.
    #[arg(long, value_enum, value_name = "HOW", default_value_t = ProgressMode::Auto)]
    pub progress: ProgressMode,
    /// Watch the run on the whole screen of the terminal: rates, latency, each shard, consumers, the generator and the ledger. q
    /// or Ctrl-C ends the run and keeps what was measured.
    #[arg(long, conflicts_with = "progress")]
    pub tui: bool,
    /// Serve metrics for Prometheus at http://ADDR/metrics while the run goes on, such as 127.0.0.1:9400; port 0 takes any free
    /// one. An address that is not of the loopback interface opens them to the network, which is warned of.
    #[arg(long, value_name = "ADDR")]
    pub metrics: Option<ListenAddress>,
}

/// How a run tells how it is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressMode {
    /// A bar in a terminal, plain lines elsewhere.
    Auto,
    /// A bar; it needs a terminal.
    Bar,
    /// A line every five seconds.
    Plain,
    /// One JSON object per second and line, with the outcome in the last one (docs/live.md).
    Json,
    /// Nothing.
    None,
}
