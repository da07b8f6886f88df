//! The command line, as typed values.

mod emulator;
mod exit_codes;
mod gate;
mod live;
mod report;
mod self_test;
mod writing;

pub use emulator::{Emulator, Latency, WriteLimits};
pub use gate::{Bench, Compare, GateArgs, Inconclusive, MinEffect, Trend};

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::LazyLock;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use live::{Live, ProgressMode};
pub use report::{Format, Report};
pub use writing::{
    Answers, Check, Completions, ConsumerAnswer, DeliveryAnswer, Init, List, Man, duration, rate, share, size, skew,
};

use exit_codes::{
    CHECK_EXIT_CODES, EMULATOR_EXIT_CODES, EXIT_CODES, INIT_EXIT_CODES, PRICES_EXIT_CODES, RUN_EXIT_CODES,
    SEARCH_EXIT_CODES, SWEEP_EXIT_CODES,
};

use crate::address::Target;
use crate::client::Part;
use crate::kinesis::Profile;
use crate::prices::Prices;
use crate::sweep::Axis;
use crate::units::Share;

pub use self_test::SelfTest;

/// Load testing and capacity planning for Amazon Kinesis Data Streams.
///
/// One scenario gets several voices: the analytical model predicts, the load engine measures, and the report sets them side by
/// side and says why they differ.
#[derive(Debug, Parser)]
#[command(version, long_version = VERSION.as_str(), about, long_about, after_help = RUN_EXIT_CODES, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Log to stderr: what the program does, with -vv in detail, with -vvv all of it. RUST_LOG overrides it.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a first scenario, with comments, that runs as it is.
    ///
    /// In a terminal it asks, unless it is told by options; elsewhere it takes defaults. Beside the scenario it writes its schema,
    /// streamgauge.schema.json, by which editors (Taplo, Even Better TOML) complete and check it.
    #[command(after_help = INIT_EXIT_CODES)]
    Init(Init),
    /// Check scenarios: all problems of all of them at once, and what is legal but perhaps not meant.
    #[command(after_help = CHECK_EXIT_CODES)]
    Check(Check),
    /// List the scenarios that are built in: `run`, `plan` and the other commands take their names.
    ///
    /// A file of exactly that name in the working directory goes before.
    List(List),
    /// Drive the load of a scenario, measure it, and write a report.
    #[command(after_help = RUN_EXIT_CODES)]
    Run(Run),
    /// Simulate a scenario in virtual time: the code of the engine and of the emulator, without waiting.
    ///
    /// The result is one like that of a run, marked as simulated; the same scenario gives the same bytes. What it does not
    /// model is listed in docs/simulator.md.
    #[command(after_help = EXIT_CODES)]
    Simulate(Simulate),
    /// Simulate a scenario for every combination of some of its values, in parallel.
    ///
    /// Writes a table to stdout, and sweep.csv, sweep.json and a page with heat maps to a new directory.
    #[command(after_help = SWEEP_EXIT_CODES)]
    Sweep(Sweep),
    /// Search for the highest load that the stream sustains within its objectives, or for the fewest shards that sustain the load.
    ///
    /// Trial after trial, by bisection, several times with other seeds: simulated in virtual time, or on a target. Without
    /// objectives in the scenario (`slo`), a load is sustained if at most 0.1% of the attempts are throttled. Writes search.csv,
    /// search.json and a page to a new directory.
    #[command(after_help = SEARCH_EXIT_CODES)]
    Search(Search),
    /// Compare a candidate with a baseline: has anything regressed?
    ///
    /// Simulated results are compared for equality. Measured ones are compared by whole runs in pairs, since one run cannot tell a change
    /// from chance: Hodges-Lehmann estimate and confidence interval of each change, exact sign-flip test, Holm's correction, smallest
    /// effects that matter. The method and its error rates are in docs/gate.md.
    #[command(after_help = gate::COMPARE_EXIT_CODES)]
    Compare(Compare),
    /// Run a scenario in pairs, with another program as baseline, and compare: the regression gate.
    ///
    /// The two runs of each pair are made one after the other, each in a process of its own, in an order that a seed decides. Void runs
    /// are repeated and logged. Writes every run, pairs.csv, bench.json and a page to a new directory.
    #[command(after_help = gate::BENCH_EXIT_CODES)]
    Bench(Bench),
    /// Show the history of runs under a directory, and where it changes (E-divisive).
    #[command(after_help = gate::TREND_EXIT_CODES)]
    Trend(Trend),
    /// Predict what a scenario needs, without running it.
    #[command(after_help = EXIT_CODES)]
    Plan(Plan),
    /// Render the results of runs again, in any format; several are set side by side.
    ///
    /// Results of this and of earlier versions are read, predicted and judged again by the model of this version, which the report
    /// says. The files of the run stay as they are.
    #[command(after_help = report::EXIT_CODES)]
    Report(Report),
    /// Print the price table, or make one of AWS's price list.
    ///
    /// Without a file, it prints the prices that are compiled in, each with its source. With the JSON file of the AWS price list,
    /// offer AmazonKinesis, of one region or of all, it prints the prices in it; what other services charge is not in that list.
    /// Save the output, and give it to other commands with --prices.
    #[command(after_help = PRICES_EXIT_CODES)]
    Prices(PricesFrom),
    /// Prove that the delivery check works: damage records, and see that it finds, counts and places each.
    ///
    /// Acknowledged records are lost, stored twice, corrupted, and stored or delivered in the wrong order, in the simulation and by
    /// the embedded emulator under real load; then what the check says is compared with what was done.
    #[command(after_help = self_test::EXIT_CODES)]
    SelfTest(SelfTest),
    /// Serve the Kinesis emulator to any AWS client, until a signal stops it.
    ///
    /// It is a model of Kinesis Data Streams with the quotas and latencies of AWS. Streams live in memory and end with it. When
    /// it accepts connections, it prints one line on stdout, such as `listening on http://127.0.0.1:4567`: give that URL to the
    /// client as endpoint. It also answers `GET /health`, `GET /metrics` (Prometheus) and `GET /state` (streams and shards as
    /// JSON). SIGINT, SIGTERM, SIGQUIT or SIGHUP stops it once open requests have finished, after two seconds at the latest; a second one stops
    /// it at once.
    #[command(after_help = EMULATOR_EXIT_CODES)]
    Emulator(Emulator),
    /// Print the JSON Schema of a scenario.
    ///
    /// Save it, and name it in the first line of a scenario, such as `#:schema ./streamgauge.schema.json`: editors then complete
    /// its keys and check its values. `init` does both.
    Schema,
    /// Print completions for a shell, to be put where it looks for them.
    ///
    /// Such as: streamgauge completions bash > ~/.local/share/bash-completion/completions/streamgauge
    Completions(Completions),
    /// Print a man page, or write those of all commands to a directory.
    ///
    /// Such as: streamgauge man --out ~/.local/share/man/man1
    Man(Man),
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
    /// Offer a part of the load, such as 2/4: so many processes or machines that each offer their part offer the load
    /// together. The scenario names the stream (stream.name), each process judges its own records, and the digests in their
    /// results add up to that of the whole.
    #[arg(long, value_name = "I/N", default_value = "1/1", value_parser = part, hide_default_value = true)]
    pub part: Part,
    /// What tells the records of this run from those of others on the same stream, such as the time of a load test. Processes that
    /// offer parts of a load share it; a stream that holds records of an earlier run wants another one. Without it, the run is
    /// unlike any other
    #[arg(long, value_name = "WORD", value_parser = run_id)]
    pub run_id: Option<String>,
    /// The directory to create for this run. Default: a new one under `reports/`, named for the time and the scenario.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print the summary as JSON on stdout.
    #[arg(long)]
    pub json: bool,
    /// Write the charts of the report as PNG, too.
    #[arg(long)]
    pub png: bool,
    /// How the run is watched.
    #[command(flatten)]
    pub live: Live,
}

/// Simulate a scenario.
#[derive(Debug, Args)]
pub struct Simulate {
    /// The scenario.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// The directory to create for the result. Default: a new one under `reports/`, named for the time and the scenario.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print the summary as JSON on stdout.
    #[arg(long)]
    pub json: bool,
    /// Write the charts of the report as PNG, too.
    #[arg(long)]
    pub png: bool,
}

/// Simulate a scenario for every combination of some of its values.
#[derive(Debug, Args)]
pub struct Sweep {
    /// The scenario.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// What varies, such as `--vary keys.exponent=0.8,1.0,1.2`; a range of whole numbers is `4..8` (all), `0..100/25` (every
    /// 25th) or `4..64*2` (each twice the one before). May be given several times: every combination is simulated.
    #[arg(long, value_name = "KEY=VALUES", required = true)]
    pub vary: Vec<Axis>,
    /// How many simulations go on at once; it changes no result. Default: one per processor.
    #[arg(long, value_name = "NUMBER")]
    pub threads: Option<NonZeroUsize>,
    /// The directory to create for the results. Default: a new one under `reports/`, named for the time and the scenario.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print the results as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Search for what is sustained.
#[derive(Debug, Args)]
pub struct Search {
    /// The scenario.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// What to search for: the highest rate, or the fewest shards.
    #[arg(long = "for", value_enum, value_name = "WHAT", default_value_t = SearchFor::Rate)]
    pub question: SearchFor,
    /// Loads to find the fewest shards for, as factors on the scenario's, such as 0.5,1,2: the demand curve.
    #[arg(long, value_name = "FACTORS", value_delimiter = ',', default_value = "1", value_parser = load_factor)]
    pub loads: Vec<f64>,
    /// How often to search, each time with another seed. The range of what is found holds the median of all seeds with a
    /// confidence of 1 - 2^(1-N): 97% for 6.
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub repeats: u32,
    /// How near the highest rate is found.
    #[arg(long, value_name = "SHARE", default_value = "2%", value_parser = precision)]
    pub precision: Share,
    /// Where trials are made, as for `run`: `embedded`, a URL, or `aws` (this costs money: every trial is a whole run). Default:
    /// simulated in virtual time.
    #[arg(long, value_name = "TARGET")]
    pub target: Option<Target>,
    /// How many simulations go on at once; it changes no result. Default: one per processor.
    #[arg(long, value_name = "NUMBER")]
    pub threads: Option<NonZeroUsize>,
    /// The directory to create for the results. Default: a new one under `reports/`, named for the time and the scenario.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print the results as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}

/// What is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SearchFor {
    /// The highest rate that the stream sustains: its load capacity.
    Rate,
    /// The fewest shards that sustain the load: its resource demand.
    Shards,
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
    /// Print the recommended stream as Terraform on stdout, with its enhanced fan-out consumers.
    #[arg(long, conflicts_with = "json")]
    pub terraform: bool,
    /// Print the commands of the AWS CLI on stdout that make the recommended stream, with its enhanced fan-out consumers.
    #[arg(long, conflicts_with_all = ["json", "terraform"])]
    pub aws_cli: bool,
}

/// Print a price table.
#[derive(Debug, Args)]
pub struct PricesFrom {
    /// The AWS price list as JSON, offer AmazonKinesis.
    #[arg(value_name = "PRICE_LIST")]
    pub price_list: Option<PathBuf>,
}

/// The version with the dates of what the program believes of AWS.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let (profile, prices) = (Profile::newest(), Prices::newest());
    format!(
        "{}\nservice model  {} (limits and latencies as of {})\nprices         {} (as of {})",
        env!("CARGO_PKG_VERSION"),
        profile.name,
        profile.date,
        prices.name,
        prices.date
    )
});

fn load_factor(text: &str) -> Result<f64, &'static str> {
    let factor = text.trim().parse().ok().filter(|factor| (0.001..=1000.0).contains(factor));
    factor.ok_or("write a number from 0.001 to 1000, such as 1.5")
}

fn precision(text: &str) -> Result<Share, &'static str> {
    let share = text.parse().ok().filter(|share: &Share| (0.001..=0.5).contains(&share.0));
    share.ok_or("write a share from 0.1% to 50%")
}

/// Which scenario, and what to change in it.
#[derive(Debug, Args)]
pub struct ScenarioArgs {
    /// The scenario: a file (TOML), or the name of one that is built in (see `list`). A file of that name goes before.
    #[arg(value_name = "SCENARIO")]
    pub path: PathBuf,
    /// Set a value of the scenario, such as `--set load.rate=500/s`; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// A price table (TOML) whose prices take the place of the compiled-in ones; `streamgauge prices` makes one.
    #[arg(long, value_name = "FILE")]
    pub prices: Option<PathBuf>,
}

fn run_id(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | ':');
    if (1..=64).contains(&text.len()) && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("use 1 to 64 letters, digits, `_`, `.`, `-` and `:`".to_owned())
    }
}

/// Part I of N of a load; people count from 1.
fn part(text: &str) -> Result<Part, String> {
    const MOST_PARTS: u64 = 10_000;
    let numbers = text.split_once('/').and_then(|(i, n)| Some((i.parse::<u64>().ok()?, n.parse::<u64>().ok()?)));
    match numbers {
        Some((i, of)) if (1..=of).contains(&i) && of <= MOST_PARTS => Ok(Part { index: i - 1, of }),
        _ => Err(format!("write it as I/N, such as 2/4: part I of N, of at most {MOST_PARTS}")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
