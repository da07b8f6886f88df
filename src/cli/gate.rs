//! The arguments of `compare`, `bench` and `trend`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::ScenarioArgs;
use crate::compare::{Asked, MOST_PAIRS, Metric};
use crate::units::Share;

/// Compare a candidate with a baseline.
#[derive(Debug, Args)]
pub struct Compare {
    /// What to compare with: the directory of a run, a result.json, or a directory of runs.
    #[arg(value_name = "BASELINE")]
    pub baseline: PathBuf,
    /// What to judge, of the same form.
    #[arg(value_name = "CANDIDATE")]
    pub candidate: PathBuf,
    /// What decides, and how it is told.
    #[command(flatten)]
    pub gate: GateArgs,
    /// Compare results of scenarios that ask for different things, with a warning instead of a refusal.
    #[arg(long)]
    pub different_scenarios: bool,
}

/// Make pairs of runs, and compare them.
#[derive(Debug, Args)]
pub struct Bench {
    /// The scenario.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// What to compare with: another streamgauge program, or a directory of runs that were made before.
    #[arg(long, value_name = "PROGRAM|DIR")]
    pub baseline: PathBuf,
    /// The streamgauge program to judge. Default: this one.
    #[arg(long, value_name = "PROGRAM")]
    pub candidate: Option<PathBuf>,
    /// Pairs to make before the first look; while the pairs cannot tell, there are looks at 1.4 times and at twice as many.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(7..=MOST_PAIRS as i64))]
    pub pairs: u32,
    /// Most pairs to make. With as many as --pairs there is one look.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(7..=MOST_PAIRS as i64))]
    pub most_pairs: u32,
    /// Where the runs make their calls, as for `run`.
    #[arg(long, value_name = "TARGET", default_value = "embedded")]
    pub target: String,
    /// Simulate instead of running: one pair, compared for equality.
    #[arg(long, conflicts_with_all = ["target", "pairs", "most_pairs"])]
    pub simulate: bool,
    /// Void runs to repeat, in all; beyond it the bench gives up, because what voids so many runs biases the rest.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub most_void: u32,
    /// The seed of the order in which the runs of each pair are made.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub order_seed: u64,
    /// What decides, and how it is told.
    #[command(flatten)]
    pub gate: GateArgs,
    /// The directory to create for the runs and the verdict. Default: a new one under `reports/`.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Show the history of runs.
#[derive(Debug, Args)]
pub struct Trend {
    /// A directory with runs at any depth.
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// Only runs of this scenario.
    #[arg(long, value_name = "NAME")]
    pub scenario: Option<String>,
    /// A page with charts to write.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// A directory to create, with one CSV file per scenario and target, and an otava.yaml with which Apache Otava reads them.
    #[arg(long, value_name = "DIR")]
    pub csv: Option<PathBuf>,
    /// Print the histories and their change points as JSON on stdout.
    #[arg(long)]
    pub json: bool,
    /// The seed of the permutation tests.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub seed: u64,
}

/// What decides, and how it is told.
#[derive(Debug, Args)]
pub struct GateArgs {
    /// The metrics that decide, such as `throughput,put_p99`; the others are only shown. Fewer metrics need fewer pairs.
    #[arg(long, value_name = "METRICS", value_delimiter = ',', default_values_t = Metric::GATED.map(|m| m.key().to_owned()), value_parser = metric)]
    pub metrics: Vec<String>,
    /// The smallest change of a metric that matters, such as `put_p99=15%`; may be given several times. Defaults: 3% for throughput
    /// and cpu, 5% for put_p50 and lag_p50, 10% for put_p99, put_p999 and lag_p99, 1% for attempts.
    #[arg(long, value_name = "METRIC=SHARE")]
    pub min_effect: Vec<MinEffect>,
    /// What an inconclusive comparison does to the exit code.
    #[arg(long, value_enum, value_name = "POLICY", default_value_t = Inconclusive::Warn)]
    pub inconclusive: Inconclusive,
    /// Print the comparison as JSON on stdout.
    #[arg(long, conflicts_with = "markdown")]
    pub json: bool,
    /// Print the comparison as Markdown on stdout, for the summary of a CI job.
    #[arg(long)]
    pub markdown: bool,
}

/// What an inconclusive comparison does to the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Inconclusive {
    /// Exit with 1.
    Fail,
    /// Exit with 0.
    Warn,
}

/// A smallest effect, as given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MinEffect {
    /// Of which metric.
    pub metric: Metric,
    /// The smallest change that matters.
    pub effect: Share,
}

impl FromStr for MinEffect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (metric, effect) =
            text.split_once('=').ok_or_else(|| "write it as METRIC=SHARE, such as put_p99=15%".to_owned())?;
        let effect: Share = effect.parse().map_err(|error: crate::units::UnitError| error.to_string())?;
        if !(0.001..=0.9).contains(&effect.0) {
            return Err("a smallest effect is from 0.1% to 90%".to_owned());
        }
        Ok(Self { metric: metric.parse()?, effect })
    }
}

impl GateArgs {
    /// Every metric, as asked for.
    pub fn asked(&self) -> Vec<Asked> {
        let effect = |metric: Metric| {
            let given = self.min_effect.iter().rev().find(|given| given.metric == metric);
            given.map_or(metric.min_effect(), |given| given.effect)
        };
        let gated = |metric: Metric| self.metrics.iter().any(|key| key == metric.key());
        Metric::ALL.map(|metric| Asked { metric, min_effect: effect(metric), gated: gated(metric) }).to_vec()
    }
}

/// The key of a metric.
fn metric(text: &str) -> Result<String, String> {
    text.parse::<Metric>().map(|metric| metric.key().to_owned())
}

pub(super) const COMPARE_EXIT_CODES: &str = "\
Exit codes:
  0  nothing has regressed, or the pairs cannot tell and --inconclusive is warn
  1  a metric has regressed, or simulated counts differ, or the pairs cannot tell and --inconclusive is fail
  2  bad input: the arguments, or results that cannot be compared
  3  void: no pair of valid runs is left
  4  the comparison could not be written

The comparison goes to stdout, what is left out of it is in it. NO_COLOR is respected.";

pub(super) const BENCH_EXIT_CODES: &str = "\
Exit codes:
  0  nothing has regressed, or the pairs cannot tell and --inconclusive is warn
  1  a metric has regressed, or simulated counts differ, or the pairs cannot tell and --inconclusive is fail
  2  bad input: the arguments, the scenario, a program or a target that cannot be used
  3  void: the bench was interrupted, or too many of its runs were void; what was made is kept
  4  the results could not be written
  5  a stream or a consumer of a run could not be deleted; it is named, and no more runs are made

Results go to stdout, progress to stderr. NO_COLOR is respected.";

pub(super) const TREND_EXIT_CODES: &str = "\
Exit codes:
  0  the histories were shown, whatever changes in them: a change point is a notice, and fails nothing
  2  bad input: the arguments, or a directory without runs
  4  a file could not be written";
