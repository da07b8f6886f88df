//! The arguments of `streamgauge report`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Render results again.
#[derive(Debug, Args)]
pub struct Report {
    /// Directories that runs and simulations have written. Several are set side by side, in this order.
    #[arg(value_name = "DIR", required = true)]
    pub directories: Vec<PathBuf>,
    /// What to write. Default: a summary for the terminal on stdout; with --out all that a run writes.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// The directory to write to instead of stdout. It is created if it is not there; files in it are replaced only with --force.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace files of the same name in the directory of --out.
    #[arg(long, requires = "out")]
    pub force: bool,
    /// Write the charts as PNG, too.
    #[arg(long, requires = "out")]
    pub png: bool,
    /// Where the files lie that the scenario names, such as the trace that it replays: the directory that the scenario was in when
    /// it was run. Default: the directory of the result.
    #[arg(long, value_name = "DIR")]
    pub scenario_dir: Option<PathBuf>,
    /// A price table (TOML) whose prices take the place of the compiled-in ones; `streamgauge prices` makes one.
    #[arg(long, value_name = "FILE")]
    pub prices: Option<PathBuf>,
}

/// What a result is rendered as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The page: report.html.
    Html,
    /// The same for a CI job summary: report.md.
    Markdown,
    /// Verdicts and objectives as tests: junit.xml.
    Junit,
    /// What happened second by second: series.csv, and with --out also shards.csv.
    Csv,
    /// The summary that `run --json` prints: summary.json.
    Json,
    /// The summary that `run` prints: report.txt.
    Terminal,
}

/// How a report ends.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  the report was made, whatever its verdict
  2  bad input: the arguments, or a directory without a result that can be read
  4  the report could not be written

Results go to stdout, progress and logs to stderr. NO_COLOR is respected.";
