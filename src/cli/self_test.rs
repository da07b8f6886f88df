//! Arguments of `streamgauge self-test`.

use clap::Args;

/// Prove that the delivery check finds what goes wrong.
#[derive(Debug, Args)]
pub struct SelfTest {
    /// How many seconds of load to offer, simulated and to the embedded emulator.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..=3_600))]
    pub seconds: u32,
    /// The seed that says which records are damaged.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Only simulate: it takes a second.
    #[arg(long)]
    pub simulated: bool,
}

pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  all that was damaged was found, counted and placed, and nothing else
  1  something was not found, was counted wrong, or was placed wrong
  3  it was interrupted, or the load could not be offered
  4  the table could not be written

The table goes to stdout, logs to stderr.";
