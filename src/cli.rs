//! The command line, as typed values.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::engine::Target;

/// Load testing and capacity planning for Amazon Kinesis Data Streams.
///
/// One scenario gets several voices: the analytical model predicts, the load engine measures, and the report sets them side by
/// side and says why they differ.
#[derive(Debug, Parser)]
#[command(version, about, long_about, after_help = EXIT_CODES, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Log more to stderr; twice for everything. RUST_LOG overrides it.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Drive the load of a scenario, measure it, and write a report.
    #[command(after_help = EXIT_CODES)]
    Run(Run),
    /// Predict what a scenario needs, without running it.
    #[command(after_help = EXIT_CODES)]
    Plan(Plan),
}

/// Drive the load of a scenario.
#[derive(Debug, Args)]
pub struct Run {
    /// The scenario.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// Where calls go: `embedded` (a model of Kinesis inside this program: no account, no network), the URL of any endpoint
    /// that speaks the Kinesis API, or `aws` (the standard chain of credentials and region; this costs money).
    #[arg(long, value_name = "TARGET", default_value = "embedded")]
    pub target: Target,
    /// The directory to create for this run. Default: a new one under `reports/`, named for the time and the scenario.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print the summary as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Predict what a scenario needs.
#[derive(Debug, Args)]
pub struct Plan {
    /// The scenario.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// Print the plan as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Which scenario, and what to change in it.
#[derive(Debug, Args)]
pub struct ScenarioArgs {
    /// The scenario file (TOML).
    #[arg(value_name = "SCENARIO")]
    pub path: PathBuf,
    /// Set a value of the scenario, such as `--set load.rate=500/s`; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  the run is valid and its objectives are met
  1  an objective is missed
  2  bad input: the arguments, the scenario, or a target that cannot be used
  3  the run is void: the generator itself was too late, the ledger does not balance, or the run was interrupted
  4  a result could not be written

Results go to stdout, progress and logs to stderr. NO_COLOR is respected.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
