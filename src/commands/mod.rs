//! The commands: they call the library and are the only code that prints.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod check;
mod compare;
mod console;
#[cfg(feature = "emulator")]
mod emulator;
#[cfg(not(feature = "emulator"))]
#[path = "without_emulator.rs"]
mod emulator;
mod init;
#[cfg(feature = "aws")]
mod leftovers;
mod list;
#[cfg(feature = "aws")]
mod metrics;
mod on_failure;
#[cfg(feature = "aws")]
mod on_target;
#[cfg(not(feature = "aws"))]
#[path = "without_aws.rs"]
mod on_target;
mod outcome;
mod plan;
mod prices;
#[cfg(feature = "aws")]
mod progress;
mod report;
#[cfg(feature = "aws")]
mod run;
mod schema;
mod search;
mod self_test;
#[cfg(any(feature = "aws", feature = "emulator"))]
mod signals;
mod simulate;
mod stop;
mod sweep;
mod trend;
#[cfg(all(feature = "aws", feature = "tui"))]
mod tui;
#[cfg(all(feature = "aws", not(feature = "tui")))]
#[path = "without_tui.rs"]
mod tui;
#[cfg(not(all(feature = "aws", feature = "emulator", feature = "png", feature = "tui")))]
mod without;

use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::address::ListenAddress;
use crate::cli::{Cli, Command, ScenarioArgs};
use crate::kinesis::Profile;
use crate::report::printable;
use crate::scenario::{self, Scenario};

/// Runs the command that the arguments of the process name.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logging(cli.verbose);
    let exit = match &cli.command {
        Command::Init(arguments) => init::init(arguments),
        Command::Check(arguments) => check::check(arguments),
        Command::List(arguments) => list::list(arguments),
        Command::Run(arguments) => on_target::run(arguments),
        Command::Simulate(arguments) => simulate::simulate(arguments),
        Command::Search(arguments) => search::search(arguments),
        Command::Sweep(arguments) => sweep::sweep(arguments),
        Command::Compare(arguments) => compare::compare(arguments),
        Command::Bench(arguments) => bench::bench(arguments),
        Command::Trend(arguments) => trend::trend(arguments),
        Command::Plan(arguments) => plan::plan(arguments),
        Command::Report(arguments) => report::report(arguments),
        Command::Prices(arguments) => prices::prices(arguments),
        Command::SelfTest(arguments) => self_test::self_test(arguments),
        Command::Emulator(arguments) => emulator::emulator(arguments),
        Command::Schema => schema::schema(),
        Command::Completions(arguments) => schema::completions(arguments),
        Command::Man(arguments) => schema::man(arguments),
    };
    exit.into()
}

/// How the program ends; the codes are part of its interface and listed in `--help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The run is valid and its objectives are met.
    Met,
    /// An objective is missed or could not be measured, or nothing was accepted.
    Missed,
    /// Bad input: arguments, scenario or target.
    BadInput,
    /// The run is void.
    Void,
    /// A result could not be written.
    NotWritten,
    /// A stream or a consumer of the run could not be deleted, whatever else came of it.
    NotDeleted,
}

impl Exit {
    /// The number that the process ends with, and the word for it.
    const fn code(self) -> (u8, &'static str) {
        match self {
            Self::Met => (0, "met"),
            Self::Missed => (1, "missed"),
            Self::BadInput => (2, "bad-input"),
            Self::Void => (3, "void"),
            Self::NotWritten => (4, "not-written"),
            Self::NotDeleted => (5, "not-deleted"),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code().0)
    }
}

/// Reads a scenario; prints what is wrong with it to stderr.
fn load(arguments: &ScenarioArgs, profile: &Profile) -> Result<Scenario, Exit> {
    parse(&arguments.path, &read(&arguments.path)?, &arguments.overrides, profile)
}

/// The text of a scenario; prints why it cannot be read to stderr.
fn read(path: &Path) -> Result<String, Exit> {
    text_of(path).map_err(|problem| {
        fail(&problem);
        Exit::BadInput
    })
}

/// The text of the scenario at `path`, or of the one that is built in under this name.
///
/// # Errors
/// There is none, in words.
fn text_of(path: &Path) -> Result<String, String> {
    let name = path.to_str().unwrap_or_default();
    if !path.is_file()
        && let Some(text) = scenario::built_in(name)
    {
        return Ok(text.to_owned());
    }
    std::fs::read_to_string(path).map_err(|error| {
        let cure = match (error.kind(), scenario::nearest_built_in(name)) {
            (ErrorKind::NotFound, Some(near)) => format!("did you mean `{near}`, which is built in?"),
            (ErrorKind::NotFound, None) => {
                "`streamgauge list` names the scenarios that are built in, and `streamgauge init` \
                                            writes a first one"
                    .to_owned()
            }
            (ErrorKind::InvalidData, _) => "a scenario is a text in UTF-8".to_owned(),
            _ => "name a file that can be read".to_owned(),
        };
        format!("cannot read the scenario `{}`: {error}; {cure}", path.display())
    })
}

/// The scenario of a text; prints what is wrong with it to stderr.
fn parse(path: &Path, text: &str, overrides: &[String], profile: &Profile) -> Result<Scenario, Exit> {
    scenario::parse(path, text, overrides, profile).map_err(|diagnostics| {
        let stderr = std::io::stderr();
        let _ = writeln!(&stderr, "{}", diagnostics.render(styled(&stderr)));
        Exit::BadInput
    })
}

/// Why there is no runtime, and what to do.
fn no_runtime(error: &std::io::Error) -> String {
    format!("the asynchronous runtime cannot start: {error}; {FEW_RESOURCES}")
}

/// Why an address cannot be listened on, and what to do; `option` is the one that names it.
fn cannot_listen(address: ListenAddress, error: &std::io::Error, option: &str) -> String {
    use ErrorKind as K;
    let cure = match error.kind() {
        K::AddrInUse => format!(
            "another program listens there: stop it, or name another port with {option} (port 0 takes any free one)"
        ),
        K::PermissionDenied => format!("ports below 1024 need privileges: name a higher one with {option}"),
        K::AddrNotAvailable => format!("this machine does not have that address: name another one with {option}"),
        _ => format!("name another address with {option}"),
    };
    format!("cannot listen on {address}: {error}; {cure}")
}

/// Why no signal can be listened for, and what to do: what cannot be stopped in good order is not begun.
#[cfg(any(feature = "aws", feature = "emulator"))]
fn no_signals(error: &std::io::Error) -> String {
    format!("signals cannot be received: {error}; {FEW_RESOURCES}")
}

/// What to do where the system gives no more threads or file descriptors.
const FEW_RESOURCES: &str = "raise the limits of threads and open files (ulimit -u, ulimit -n), or end other programs";

/// Prints an error to stderr.
fn fail(message: &str) {
    note(&format!("error: {message}"));
}

/// Prints a line to stderr. Where nobody reads it, nobody misses it. Words of servers may be in it: it moves no cursor.
fn note(message: &str) {
    let lines: Vec<String> = message.lines().map(printable).collect();
    console::line(&lines.join("\n"));
}

/// Prints a result to stdout. A reader that went away, as `head` does, is no error.
///
/// # Errors
/// The result could not be written, to a full disk for example.
fn print(text: &str) -> Result<(), Exit> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            fail(&format!("the result cannot be written to stdout: {error}; send it to a place with room"));
            Err(Exit::NotWritten)
        }
        _ => Ok(()),
    }
}

/// Whether to use colours on a stream.
fn styled(stream: &impl IsTerminal) -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !no_color
}

fn start_logging(verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "streamgauge=info,warn",
        2 => "streamgauge=debug,info",
        _ => "trace",
    };
    let asked = std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
    let (filter, problem) = match asked.as_deref().unwrap_or(default).parse::<Targets>() {
        Ok(filter) => (filter, None),
        Err(problem) => (Targets::new().with_default(LevelFilter::WARN), Some(problem)),
    };
    let stderr = std::io::stderr();
    let lines = tracing_subscriber::fmt::layer().with_writer(console::Log).with_ansi(styled(&stderr));
    // A second call, as in tests, keeps the first logger.
    let _ = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
    if let Some(problem) = problem {
        tracing::warn!(
            "RUST_LOG is not understood ({problem}); write it as `info`, or as `streamgauge=debug,hyper=info`"
        );
    }
}
