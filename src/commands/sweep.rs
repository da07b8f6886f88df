//! `streamgauge sweep`: a scenario simulated for every combination of some of its values.

use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::Ordering;

use indicatif::{ProgressBar, ProgressStyle};

use super::outcome::default_directory;
use super::prices::known_prices;
use super::{Exit, fail, parse, print, read, stop, styled};
use crate::cli::Sweep;
use crate::kinesis::Profile;
use crate::report;
use crate::result::{Files, NewDirectory};
use crate::scenario::Scenario;
use crate::sweep::{self, Axis, CELLS_MAX, Cell};

/// Simulates every combination.
pub fn sweep(arguments: &Sweep) -> Exit {
    let profile = Profile::newest();
    let prices = match known_prices(&arguments.scenario) {
        Ok(prices) => prices,
        Err(exit) => return exit,
    };
    let (base, cells) = match scenarios(arguments, &profile) {
        Ok(scenarios) => scenarios,
        Err(exit) => return exit,
    };
    let directory = arguments.out.clone().unwrap_or_else(|| default_directory(&format!("{}-sweep", base.name)));
    let place = match NewDirectory::create(&directory) {
        Ok(place) => place,
        Err(error) => {
            fail(&format!("{error}; name a new directory in a place that can be written to with --out"));
            return Exit::BadInput;
        }
    };
    let mut pool = rayon::ThreadPoolBuilder::new();
    if let Some(threads) = arguments.threads {
        pool = pool.num_threads(NonZeroUsize::get(threads));
    }
    let pool = match pool.build() {
        Ok(pool) => pool,
        Err(error) => {
            fail(&format!("the threads cannot be started: {error}; --threads 1 needs the fewest"));
            return Exit::BadInput;
        }
    };
    let stop = stop::at_signal();
    let bar = bar(cells.len());
    let go_on = || !stop.load(Ordering::Relaxed);
    let done = || bar.iter().for_each(|bar| bar.inc(1));
    let swept = pool.install(|| sweep::run(cells, &profile, &prices, &go_on, &done));
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    match swept {
        Ok(cells) => conclude(arguments, &base, &profile, &cells, place, &directory),
        Err(problem) => {
            fail(&format!(
                "the simulated service refuses a scenario {problem}; leave out that value, or change what it names"
            ));
            Exit::BadInput
        }
    }
}

/// The scenario as it is written, and that of each combination.
#[allow(clippy::type_complexity, reason = "each combination with its scenario")]
fn scenarios(arguments: &Sweep, profile: &Profile) -> Result<(Scenario, Vec<(Vec<String>, Scenario)>), Exit> {
    let axes = &arguments.vary;
    if let Some(twice) = axes.iter().enumerate().find(|(at, axis)| axes[..*at].iter().any(|a| a.key == axis.key)) {
        fail(&format!("--vary names `{}` twice; give all of its values in one", twice.1.key));
        return Err(Exit::BadInput);
    }
    let count = sweep::count(axes);
    if count > CELLS_MAX {
        fail(&format!("these are {count} combinations, at most {CELLS_MAX} are simulated; leave out values"));
        return Err(Exit::BadInput);
    }
    let path = &arguments.scenario.path;
    let text = read(path)?;
    let mut cells = Vec::with_capacity(count);
    for values in sweep::combinations(axes) {
        let varied = axes.iter().zip(&values).map(|(axis, value)| format!("{}={value}", axis.key));
        let overrides: Vec<String> = arguments.scenario.overrides.iter().cloned().chain(varied).collect();
        cells.push((values, parse(path, &text, &overrides, profile)?));
    }
    let base = cells.first().map(|(_, scenario)| scenario.clone());
    Ok((base.ok_or(Exit::BadInput)?, cells))
}

fn conclude(
    arguments: &Sweep,
    base: &Scenario,
    profile: &Profile,
    cells: &[Cell],
    place: NewDirectory,
    directory: &Path,
) -> Exit {
    let axes: &[Axis] = &arguments.vary;
    let json = report::sweep::json(base, profile, axes, cells);
    let files: Files = vec![
        ("sweep.html".to_owned(), report::sweep::html(base, profile, axes, cells).into_bytes()),
        ("sweep.csv".to_owned(), report::sweep::csv(axes, cells)),
        ("sweep.json".to_owned(), json.clone().into_bytes()),
        ("scenario.toml".to_owned(), base.source.clone().into_bytes()),
    ];
    let written = place.write_files(&files);
    let summary = match arguments.json {
        true => json,
        false => report::sweep::terminal(base, profile, axes, cells, directory, styled(&std::io::stdout())),
    };
    let printed = print(&summary);
    if let Err(error) = written {
        let kept = place.staging().display();
        fail(&format!("{error}; what could be written is in `{kept}`, and the table above is of the whole sweep"));
        return Exit::NotWritten;
    }
    match printed {
        Err(exit) => exit,
        Ok(()) if cells.iter().any(|cell| cell.outcome.is_none()) => Exit::Void,
        Ok(()) => Exit::Met,
    }
}

fn bar(cells: usize) -> Option<ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let bar = ProgressBar::new(cells as u64);
    let style = ProgressStyle::with_template("{bar:30} {percent:>3}%  {pos} of {len} combinations, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━╌"));
    Some(bar)
}
