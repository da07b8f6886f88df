//! Commands for those who write scenarios, and for their shells.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use clap_complete::Shell;

use crate::units::{Bytes, Rate, Share, UnitError, parse_duration};

/// Write a first scenario.
#[derive(Debug, Args)]
pub struct Init {
    /// The file to write.
    #[arg(value_name = "FILE", default_value = "scenario.toml")]
    pub path: PathBuf,
    /// Write over a file that is there.
    #[arg(long)]
    pub force: bool,
    /// What the scenario is to say; what is left out gets a default.
    #[command(flatten)]
    pub answers: Answers,
}

/// What a first scenario is to say.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct Answers {
    /// Records per second, such as 3500/s.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub rate: Option<String>,
    /// Size of a record, such as "1 KiB".
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub record_size: Option<String>,
    /// Number of partition keys.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub keys: Option<u64>,
    /// Skew of the keys: the exponent of a Zipf distribution, 0 for none, 1 for a steep one.
    #[arg(long, value_name = "EXPONENT", value_parser = skew)]
    pub skew: Option<f64>,
    /// Number of shards. Default: as many as the plan recommends.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub shards: Option<u32>,
    /// A consumer as NAME:TYPE, such as alerts:efo; the types are polling, efo, kcl, lambda and firehose. May be given several
    /// times; `none` is for nobody.
    #[arg(long = "consumer", value_name = "NAME:TYPE")]
    pub consumers: Vec<ConsumerAnswer>,
    /// How long load is offered, such as 30s.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub duration: Option<String>,
    /// Objective: highest share of attempts that may be throttled, such as 0.1%.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub throttled: Option<String>,
    /// Objective: highest 99th percentile of the put response time, such as 250ms.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub put_p99: Option<String>,
    /// Objective: highest 99th percentile of each consumer's lag, such as 1s.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub lag_p99: Option<String>,
    /// Objective: what the delivery check demands.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub delivery: Option<DeliveryAnswer>,
}

/// A consumer of a first scenario, or nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerAnswer(pub Option<(String, String)>);

/// What the delivery check demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeliveryAnswer {
    /// Nothing is lost; duplicates are allowed.
    Complete,
    /// Nothing is lost, and nothing comes twice.
    ExactlyOnce,
}

/// Check scenarios.
#[derive(Debug, Args)]
pub struct Check {
    /// The scenarios: files, or names of those that are built in.
    #[arg(value_name = "SCENARIO", required = true)]
    pub paths: Vec<PathBuf>,
    /// Print what was found as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}

/// List the scenarios that are built in.
#[derive(Debug, Args)]
pub struct List {
    /// Print the text of this one instead, to be saved and changed.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// Print the list as JSON on stdout.
    #[arg(long, conflicts_with = "name")]
    pub json: bool,
}

/// Print completions.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// Print a man page.
#[derive(Debug, Args)]
pub struct Man {
    /// The command whose page to print, such as `run`. Default: the page of the program.
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    pub command: Option<String>,
    /// Write the pages of all commands to this directory instead.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

impl FromStr for ConsumerAnswer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "none" {
            return Ok(Self(None));
        }
        let known = ["polling", "efo", "kcl", "lambda", "firehose"];
        match text.trim().split_once(':') {
            Some((name, kind)) if !name.is_empty() && known.contains(&kind) => {
                Ok(Self(Some((name.to_owned(), kind.to_owned()))))
            }
            Some((name, _)) if !name.is_empty() => Err(format!("the types are {}", known.join(", "))),
            _ => Err("write a name and a type, such as alerts:efo, or none".to_owned()),
        }
    }
}

impl DeliveryAnswer {
    /// The word for it in scenarios.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::ExactlyOnce => "exactly-once",
        }
    }
}

/// A rate, as it was written.
///
/// # Errors
/// It is none, or zero.
pub fn rate(text: &str) -> Result<String, String> {
    let rate: Rate = text.parse().map_err(worded)?;
    if rate.0 > 0.0 { Ok(text.to_owned()) } else { Err("write a rate above zero, such as 3500/s".to_owned()) }
}

/// A size, as it was written.
///
/// # Errors
/// It is none.
pub fn size(text: &str) -> Result<String, String> {
    text.parse::<Bytes>().map_err(worded).map(|_| text.to_owned())
}

/// A share, as it was written.
///
/// # Errors
/// It is none.
pub fn share(text: &str) -> Result<String, String> {
    text.parse::<Share>().map_err(worded).map(|_| text.to_owned())
}

/// A duration, as it was written.
///
/// # Errors
/// It is none, or zero.
pub fn duration(text: &str) -> Result<String, String> {
    let span = parse_duration(text).map_err(worded)?;
    if span.is_zero() { Err("write a duration above zero, such as 30s".to_owned()) } else { Ok(text.to_owned()) }
}

/// The exponent of a Zipf distribution.
///
/// # Errors
/// It is no number from 0 to 10.
pub fn skew(text: &str) -> Result<f64, String> {
    let exponent = text.trim().parse().ok().filter(|exponent| (0.0..=10.0).contains(exponent));
    exponent.ok_or_else(|| "write a number from 0 (no skew) to 10, such as 0.8".to_owned())
}

fn worded(error: UnitError) -> String {
    format!("{}: {}", error.problem, error.help)
}
