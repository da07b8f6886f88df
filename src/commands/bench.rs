//! `streamgauge bench`: runs in pairs, each in a process of its own, and their comparison.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use super::compare::{refused, runs_of, tell};
use super::outcome::default_directory;
use super::{Exit, fail, load, note, on_target, stop};
use crate::cli;
use crate::compare::{
    self, BENCH_SCHEMA_VERSION, Bench, BenchEnd, BenchRun, Comparison, Decision, Looks, Metric, Run, Settings,
    SideName, order, readings,
};
use crate::kinesis::Profile;
use crate::report;
use crate::result::{RunResult, read};
use crate::seed::Seed;
use crate::verdict::void_reasons;

/// Makes the pairs.
pub fn bench(arguments: &cli::Bench) -> Exit {
    let scenario = match load(&arguments.scenario, &Profile::newest()) {
        Ok(scenario) => scenario,
        Err(exit) => return exit,
    };
    let (baseline, candidate) = match sides(arguments) {
        Ok(sides) => sides,
        Err(problem) => {
            fail(&problem);
            return Exit::BadInput;
        }
    };
    let directory = arguments.out.clone().unwrap_or_else(|| default_directory(&format!("{}-bench", scenario.name)));
    if !arguments.simulate {
        on_target::mention_leftovers();
    }
    if let Err(problem) = create(&directory) {
        fail(&problem);
        return Exit::BadInput;
    }
    let looks = looks(arguments, &baseline);
    let stop = stop::at_signal();
    let log = Bench {
        schema_version: BENCH_SCHEMA_VERSION,
        scenario: scenario.name.clone(),
        looks: looks.clone(),
        order_seed: arguments.order_seed,
        runs: Vec::new(),
        end: BenchEnd::UnderWay,
        comparison: None,
    };
    let mut benching = Benching {
        arguments,
        baseline,
        candidate,
        directory: &directory,
        stop: &stop,
        runs: (Vec::new(), Vec::new()),
        void: 0,
        log,
    };
    let end = benching.make(&looks);
    benching.log.end = match &end {
        Ok(()) => BenchEnd::Complete,
        Err(Stop::Interrupted) => BenchEnd::Interrupted,
        Err(Stop::TooManyVoid) => BenchEnd::TooManyVoid,
        Err(Stop::Failed(_) | Stop::NotDeleted(_)) => BenchEnd::Failed,
        Err(Stop::NotWritten(_)) => BenchEnd::UnderWay,
    };
    let written = benching.write();
    conclude(arguments, &benching.log, end.and(written), &directory)
}

fn conclude(arguments: &cli::Bench, log: &Bench, end: Result<(), Stop>, directory: &Path) -> Exit {
    note(&format!("the runs and the verdict are in `{}`", directory.display()));
    match (end, &log.comparison) {
        (Ok(()), Some(comparison)) => tell(comparison, &arguments.gate),
        (Err(Stop::NotWritten(problem)), _) => {
            fail(&problem);
            Exit::NotWritten
        }
        (Err(Stop::Failed(problem)), _) => {
            fail(&problem);
            Exit::BadInput
        }
        (Err(Stop::NotDeleted(problem)), _) => {
            fail(&problem);
            Exit::NotDeleted
        }
        (Ok(()) | Err(Stop::Interrupted | Stop::TooManyVoid), _) => {
            fail(report::bench::ended(log));
            Exit::Void
        }
    }
}

/// Why no more runs are made.
enum Stop {
    Interrupted,
    TooManyVoid,
    Failed(String),
    NotWritten(String),
    /// A run left a stream or a consumer behind: the next one would leave more.
    NotDeleted(String),
}

/// Where the runs of a side come from.
enum Source {
    Program(PathBuf),
    Stored { path: PathBuf, runs: Vec<Run> },
}

/// The program that is judged, and what it is compared with.
fn sides(arguments: &cli::Bench) -> Result<(Source, PathBuf), String> {
    let own = || std::env::current_exe().map_err(|error| format!("this program does not know its own path: {error}"));
    let candidate = arguments.candidate.clone().map_or_else(own, Ok)?;
    version(&candidate)?;
    if !arguments.baseline.is_dir() {
        version(&arguments.baseline)?;
        return Ok((Source::Program(arguments.baseline.clone()), candidate));
    }
    let mut runs = runs_of(&arguments.baseline)?;
    runs.retain(|run| {
        let reasons = void_reasons(&run.result);
        if !reasons.is_empty() {
            note(&format!("left out of the baseline: {} is void. {}", run.name, reasons.join(" ")));
        }
        reasons.is_empty()
    });
    if runs.is_empty() {
        return Err(format!("every run in `{}` is void", arguments.baseline.display()));
    }
    Ok((Source::Stored { path: arguments.baseline.clone(), runs }, candidate))
}

/// Whether a program is streamgauge.
fn version(program: &Path) -> Result<(), String> {
    let answer = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    let shown = program.display();
    match answer {
        Ok(output) if output.status.success() && output.stdout.starts_with(b"streamgauge ") => Ok(()),
        Ok(_) => Err(format!("`{shown}` is not streamgauge: give the path of one, or a directory of runs as baseline")),
        Err(error) => Err(format!("`{shown}` cannot be started: {error}; give the path of a streamgauge program")),
    }
}

fn create(directory: &Path) -> Result<(), String> {
    let shown = directory.display();
    if directory.exists() {
        return Err(format!("`{shown}` is there already; name a new directory with --out"));
    }
    fs::create_dir_all(directory)
        .map_err(|error| format!("cannot create `{shown}`: {error}; name a place that can be written to with --out"))
}

fn looks(arguments: &cli::Bench, baseline: &Source) -> Looks {
    if arguments.simulate {
        return Looks::once(1);
    }
    let most = arguments.most_pairs.max(arguments.pairs) as usize;
    match baseline {
        Source::Program(_) => Looks::growing(arguments.pairs as usize, most),
        Source::Stored { runs, .. } => Looks::growing(arguments.pairs as usize, most.min(runs.len())),
    }
}

struct Benching<'a> {
    arguments: &'a cli::Bench,
    baseline: Source,
    candidate: PathBuf,
    directory: &'a Path,
    stop: &'a AtomicBool,
    /// Baseline and candidate, pair by pair.
    runs: (Vec<Run>, Vec<Run>),
    void: u32,
    log: Bench,
}

impl Benching<'_> {
    /// Makes pairs until a look decides, or there are no more looks.
    fn make(&mut self, looks: &Looks) -> Result<(), Stop> {
        for (look, pairs) in looks.pairs().iter().enumerate() {
            while self.runs.0.len() < *pairs {
                self.pair(*pairs)?;
                self.write()?;
            }
            let comparison = self.compare(looks, look)?;
            let undecided = comparison.decision == Decision::Inconclusive;
            if undecided && look + 1 < looks.pairs().len() {
                note(&format!("{pairs} pairs cannot tell: making {}", looks.pairs()[look + 1]));
            }
            self.log.comparison = Some(comparison);
            if !undecided {
                break;
            }
        }
        Ok(())
    }

    fn compare(&self, looks: &Looks, look: usize) -> Result<Comparison, Stop> {
        let settings = Settings { metrics: self.arguments.gate.asked(), different: false };
        let stored = matches!(self.baseline, Source::Stored { .. });
        let name = match &self.baseline {
            Source::Program(path) | Source::Stored { path, .. } => path.display().to_string(),
        };
        let baseline = (name, self.runs.0.clone());
        let candidate = (self.candidate.display().to_string(), self.runs.1.clone());
        let mut comparison = compare::compare(baseline, candidate, &settings, Some((looks, look)))
            .map_err(|refusals| Stop::Failed(refused(&refusals)))?;
        if stored && !self.arguments.simulate {
            comparison.warnings.push(
                "The baseline was made before, not in turn with the candidate: what has changed on the machine since counts as a change of the \
                 program. A program as --baseline makes interleaved pairs."
                    .to_owned(),
            );
        }
        Ok(comparison)
    }

    /// Makes the two runs of the next pair.
    fn pair(&mut self, of: usize) -> Result<(), Stop> {
        let pair = self.runs.0.len();
        let name = format!("pair-{:02}", pair + 1);
        let (mut baseline, mut candidate) = (None, None);
        for side in order(pair, Seed(self.arguments.order_seed)) {
            let run = self.run(pair, &name, side)?;
            let shown = match readings(&run.result).get(&Metric::PutP99) {
                Some(reading) => format!(", put p99 {}", Metric::PutP99.show(reading.value)),
                None => String::new(),
            };
            note(&format!("pair {} of {of}: {}{shown}", pair + 1, side.word()));
            match side {
                SideName::Baseline => baseline = Some(run),
                SideName::Candidate => candidate = Some(run),
            }
        }
        // What cannot be compared is not made ten times over.
        if let (Some(baseline), Some(candidate), 0) = (&baseline, &candidate, pair) {
            let found = compare::comparability(&baseline.result, &candidate.result);
            let refusals = [found.refusals, found.contradictions].concat();
            if !refusals.is_empty() {
                return Err(Stop::Failed(refused(&refusals)));
            }
        }
        self.runs.0.extend(baseline);
        self.runs.1.extend(candidate);
        Ok(())
    }

    /// A run that counts: void ones are kept apart, logged, and made again.
    fn run(&mut self, pair: usize, name: &str, side: SideName) -> Result<Run, Stop> {
        let program = match (side, &self.baseline) {
            (SideName::Baseline, Source::Stored { path, runs }) => {
                let run = Run { name: name.to_owned(), ..runs[pair].clone() };
                let directory = path.join(&runs[pair].name).display().to_string();
                self.record(pair, side, 0, directory, Vec::new(), &run.result);
                return Ok(run);
            }
            (SideName::Baseline, Source::Program(path)) => path.clone(),
            (SideName::Candidate, _) => self.candidate.clone(),
        };
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Stop::Interrupted);
            }
            let place = 1 + self.log.runs.iter().map(|run| run.place).max().unwrap_or_default();
            let kept = Path::new(side.word()).join(name);
            let result = self.start(&program, &self.directory.join(&kept))?;
            let void = void_reasons(&result);
            if void.is_empty() {
                self.record(pair, side, place, kept.display().to_string(), void, &result);
                return Ok(Run { name: name.to_owned(), result });
            }
            let aside = Path::new("void").join(format!("{name}-{}-{place:03}", side.word()));
            self.set_aside(&kept, &aside)?;
            note(&format!("pair {}: the {} run is void. {}", pair + 1, side.word(), void.join(" ")));
            self.record(pair, side, place, aside.display().to_string(), void, &result);
            self.write()?;
            if self.stop.load(Ordering::Relaxed) {
                return Err(Stop::Interrupted);
            }
            self.void += 1;
            if self.void > self.arguments.most_void {
                return Err(Stop::TooManyVoid);
            }
        }
    }

    fn record(
        &mut self,
        pair: usize,
        side: SideName,
        place: usize,
        directory: String,
        void: Vec<String>,
        of: &RunResult,
    ) {
        self.log.runs.push(BenchRun { pair: pair + 1, side, place, directory, void, readings: readings(of) });
    }

    fn set_aside(&self, kept: &Path, aside: &Path) -> Result<(), Stop> {
        let failed = |error| Stop::NotWritten(format!("cannot move a void run to `{}`: {error}", aside.display()));
        fs::create_dir_all(self.directory.join("void")).map_err(failed)?;
        fs::rename(self.directory.join(kept), self.directory.join(aside)).map_err(failed)
    }

    /// One run, in a process of its own.
    fn start(&self, program: &Path, out: &Path) -> Result<RunResult, Stop> {
        let mut command = Command::new(program);
        command.arg(if self.arguments.simulate { "simulate" } else { "run" }).arg(&self.arguments.scenario.path);
        for value in &self.arguments.scenario.overrides {
            command.arg("--set").arg(value);
        }
        if let Some(prices) = &self.arguments.scenario.prices {
            command.arg("--prices").arg(prices);
        }
        if !self.arguments.simulate {
            command.arg("--target").arg(&self.arguments.target);
        }
        command.arg("--json").arg("--out").arg(out).stdin(Stdio::null());
        let shown = program.display();
        let output = command.output().map_err(|error| Stop::Failed(format!("`{shown}` cannot be started: {error}")))?;
        // 1 is a missed objective, 3 a void run: both have a result.
        if matches!(output.status.code(), Some(0 | 1 | 3)) && out.join("result.json").is_file() {
            return read(out).map_err(|error| Stop::Failed(error.to_string()));
        }
        let words = String::from_utf8_lossy(&output.stderr);
        let last: Vec<&str> = words.lines().rev().take(12).collect();
        let last = last.into_iter().rev().collect::<Vec<_>>().join("\n");
        if output.status.code() == Some(i32::from(Exit::NotDeleted.code().0)) {
            return Err(Stop::NotDeleted(format!(
                "no more runs are made, since one has left something behind:\n{last}"
            )));
        }
        if self.stop.load(Ordering::Relaxed) {
            return Err(Stop::Interrupted);
        }
        Err(Stop::Failed(format!("`{shown}` made no result ({}):\n{last}", output.status)))
    }

    /// Writes what there is: a bench that is interrupted keeps it.
    fn write(&self) -> Result<(), Stop> {
        let mut files = vec![
            ("pairs.csv", report::bench::csv(&self.log)),
            ("bench.json", report::bench::json(&self.log).into_bytes()),
            ("bench.html", report::bench::html(&self.log).into_bytes()),
        ];
        if let Some(comparison) = &self.log.comparison {
            files.push(("verdict.md", report::comparison::markdown(comparison).into_bytes()));
            files.push(("verdict.txt", report::comparison::text(comparison, false).into_bytes()));
        }
        for (name, content) in files {
            let (new, path) = (self.directory.join(format!(".{name}")), self.directory.join(name));
            fs::write(&new, content)
                .and_then(|()| fs::rename(&new, &path))
                .map_err(|error| Stop::NotWritten(format!("cannot write `{}`: {error}", path.display())))?;
        }
        Ok(())
    }
}
