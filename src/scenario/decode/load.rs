//! The load of a scenario: its schedule or trace.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::fields::positive;
use super::phases::phases;
use crate::client::Overload;
use crate::scenario::diagnostics::Diagnostic;
use crate::scenario::reader::{Found, LONGEST, Placed, Reported, TableReader};
use crate::scenario::{Load, MOST_RECORDS};
use crate::seed::Seed;
use crate::time::Time;
use crate::units::{self, Rate};
use crate::workload::{Schedule, Shape, Trace, TraceColumns};

/// The trace of the load, if the load replays one and could be read.
pub(super) type TraceFound<'t> = Result<Option<&'t Trace>, Reported>;

/// Where a scenario takes keys and sizes from its trace.
pub(super) struct Columns {
    pub(super) key: Option<Range<usize>>,
    pub(super) size: Option<Range<usize>>,
}

/// Looks for the columns without judging anything, so that keys and sizes can be judged when the load is wrong.
pub(super) fn columns(tree: &DeTable<'_>) -> Columns {
    let load = match tree.get("load").map(|value| value.get_ref()) {
        Some(DeValue::Table(load)) if load.contains_key("trace") => Some(load),
        _ => None,
    };
    let place = |key: &str| load.and_then(|load| load.get(key)).map(|value| value.span());
    Columns { key: place("key"), size: place("size") }
}

/// The load, how long it takes, and its trace.
type LoadFound = (Load, Placed<Duration>, Option<Trace>);

pub(super) fn load(root: &mut TableReader<'_>, folder: &Path, seed: Seed) -> Result<LoadFound, Reported> {
    const EXAMPLE: &str = "add it with a rate and a duration, such as\n[load]\nrate = \"2000/s\"\nduration = \"20s\"";
    let mut reader = root.required_section("load", EXAMPLE);
    let closed_loop = closed_loop(&mut reader);
    let overload = overload(&mut reader);
    let phases = phases(&mut reader, seed);
    let rate = rate(&mut reader);
    let trace = trace(&mut reader, folder);
    let duration = reader.optional("duration").transpose().map(|found| positive(&reader, found)).transpose();
    let arrivals = reader.choice("arrivals", &[("deterministic", false), ("poisson", true)], Some(false));
    if let (Some(at), Some(trace)) = (reader.place("arrivals"), reader.place("trace")) {
        let problem = Diagnostic::new("a trace has its own arrivals").at(Some(at), "").at(Some(trace), "the trace");
        reader.problems().report(problem.help("remove `arrivals`"));
    }
    let warm_up = reader.or("warm_up", Duration::ZERO);
    let drain = reader.or("drain", Duration::from_secs(30));
    let lateness_bound = reader.or("lateness_bound", Duration::from_millis(20));
    let lateness_bound = positive(&reader, lateness_bound);

    let offered = match (phases, rate, trace) {
        (Ok(None), Ok(None), Ok(None)) if !matches!(closed_loop, Ok(None)) => {
            // The rate is what comes of it; a placeholder stands for it until the producer is known.
            constant(&mut reader, UNKNOWN_RATE, duration)
        }
        (Ok(Some(phases)), Ok(_), Ok(_)) => shaped(&reader, phases),
        (Ok(None), Ok(None), Ok(None)) => {
            Err(reader.missing("rate", "rate = \"2000/s\", or `trace` with the path of a CSV file, or [[load.phase]]"))
        }
        (Ok(None), Ok(Some(rate)), Ok(None)) => constant(&mut reader, rate, duration),
        (Ok(None), Ok(_), Ok(Some(trace))) => replayed(&reader, trace, duration),
        (Err(reported), ..) | (_, Err(reported), _) | (_, _, Err(reported)) => Err(reported),
    };
    let warm_up = match (warm_up, &offered) {
        (Ok(warm_up), Ok((_, duration, _))) => before_end(&reader, warm_up, duration),
        (warm_up, _) => warm_up,
    };
    reader.finish();
    let (schedule, duration, trace) = offered?;
    let schedule = if arrivals?.value { Schedule::poisson(schedule, seed) } else { schedule };
    let load = Load {
        schedule,
        duration: duration.value,
        warm_up: warm_up?.value,
        drain: drain?.value,
        lateness_bound: lateness_bound?.value,
        overload: overload?,
        closed_loop: closed_loop?,
    };
    Ok((load, duration, trace))
}

/// Most producers of a closed-loop load: each has a call of its own under way.
const MOST_PRODUCERS: u32 = 10_000;
const UNKNOWN_RATE: Placed<Rate> = Placed { value: Rate(1.0), path: String::new(), at: None };

/// The producers of a closed-loop load, or `None` for an open one.
fn closed_loop(reader: &mut TableReader<'_>) -> Result<Option<u32>, Reported> {
    let model = reader.choice("model", &[("open", false), ("closed", true)], Some(false))?;
    if !model.value {
        reader.misplaced("producers", "belongs to a closed-loop load: add model = \"closed\"");
        return Ok(None);
    }
    for key in ["rate", "phase", "trace", "arrivals", "overload", "lateness_bound"] {
        reader.misplaced(key, "has no meaning in a closed loop, where records come when earlier ones are done");
    }
    let producers = reader.required::<u32>("producers", "producers = 8");
    reader.within(producers, 1..=MOST_PRODUCERS).map(|producers| Some(producers.value))
}

/// What happens to a backlog.
fn overload(reader: &mut TableReader<'_>) -> Result<Overload, Reported> {
    let policies = [
        ("send", Overload::Send),
        ("drop", Overload::Drop { catch_up: 0 }),
        ("abort", Overload::Abort { catch_up: 0 }),
    ];
    let policy = reader.choice("overload", &policies, Some(Overload::Send))?.value;
    if policy == Overload::Send {
        reader.misplaced("catch_up", "limits a backlog, and overload = \"send\" sends all of it");
        return Ok(policy);
    }
    let catch_up = reader.required::<u64>("catch_up", "catch_up = 1000, the records that may be due and not sent");
    let catch_up = reader.within(catch_up, 1..=MOST_RECORDS)?.value;
    Ok(match policy {
        Overload::Abort { .. } => Overload::Abort { catch_up },
        _ => Overload::Drop { catch_up },
    })
}

type Offered = (Schedule, Placed<Duration>, Option<Trace>);

fn rate(reader: &mut TableReader<'_>) -> Result<Option<Placed<Rate>>, Reported> {
    let Some(rate) = reader.optional::<Rate>("rate")? else {
        return Ok(None);
    };
    if let Some(trace) = reader.place("trace") {
        let problem = Diagnostic::new("a load has a rate or a trace, not both")
            .at(rate.at, "the rate")
            .at(Some(trace), "the trace")
            .help("remove one of them; `speedup` changes the rate of a trace");
        return Err(reader.problems().report(problem));
    }
    const HELP: &str = "write a rate such as \"2000/s\"";
    reader.check(Ok(rate), |rate| rate.0 > 0.0 && rate.0.is_finite(), "must be a number above zero", HELP).map(Some)
}

fn constant(
    reader: &mut TableReader<'_>,
    rate: Placed<Rate>,
    duration: Result<Option<Placed<Duration>>, Reported>,
) -> Result<Offered, Reported> {
    let duration = duration?.ok_or_else(|| reader.missing("duration", "duration = \"20s\""))?;
    let records = rate.value.0 * duration.value.as_secs_f64();
    if records > MOST_RECORDS as f64 {
        let problem = Diagnostic::new("the run would send more records than can be accounted for")
            .at(rate.at, "this rate")
            .at(duration.at, "for this long")
            .help(format!("it would send {records:.1e} records; stay below {MOST_RECORDS:.0e}"));
        return Err(reader.problems().report(problem));
    }
    Ok((Schedule::constant(rate.value), duration, None))
}

fn shaped(reader: &TableReader<'_>, phases: Placed<(Shape, Duration)>) -> Result<Offered, Reported> {
    let (shape, duration) = phases.value.clone();
    let records = shape.due(shape.seconds());
    if records > MOST_RECORDS as f64 {
        let problem = phases.problem("would send more records than can be accounted for");
        let help = format!("they would send {records:.1e} records; stay below {MOST_RECORDS:.0e}");
        return Err(reader.problems().report(problem.help(help)));
    }
    Ok((Schedule::shaped(shape), phases.map(|_| duration), None))
}

fn trace(reader: &mut TableReader<'_>, folder: &Path) -> Result<Option<Placed<Trace>>, Reported> {
    if !reader.has("trace") {
        reader.raw("trace");
        for key in ["time", "key", "size", "speedup"] {
            reader.misplaced(key, "belongs to a `trace`, and the load has none");
        }
        return Ok(None);
    }
    let file = reader.required::<String>("trace", "");
    let time = reader.required::<String>("time", "time = \"timestamp\", the column with the times");
    let key = reader.optional::<String>("key");
    let size = reader.optional::<String>("size");
    let speedup = reader.or("speedup", 1.0);
    let speedup = reader.check(
        speedup,
        |speedup| speedup.is_finite() && *speedup > 0.0,
        "must be more than zero",
        "1 replays the trace as it was, 1000 a thousand times as fast",
    );
    let (file, time, key, size, speedup) = (file?, time?, key?, size?, speedup?);
    let columns = TraceColumns { time: time.value, key: key.map(|key| key.value), size: size.map(|size| size.value) };
    let path = folder.join(&file.value);
    let trace = Trace::read(&path, &columns, speedup.value).map_err(|error| {
        let place = match error.line {
            Some(line) => format!("{}:{line}:", path.display()),
            None => path.display().to_string(),
        };
        let help = match error.line {
            Some(_) => "correct this line of the file",
            None if path.is_file() => {
                "`time`, `key` and `size` name columns of the file, which has one row for each record"
            }
            None => "write the path as seen from the folder of the scenario",
        };
        let problem = Diagnostic::new(format!("{place} {}", error.problem)).at(file.at.clone(), "this trace");
        reader.problems().report(problem.help(help))
    })?;
    Ok(Some(file.map(|_| trace)))
}

/// The schedule of a trace, up to `duration` or else up to the end of the second of its last arrival.
fn replayed(
    reader: &TableReader<'_>,
    trace: Placed<Trace>,
    duration: Result<Option<Placed<Duration>>, Reported>,
) -> Result<Offered, Reported> {
    let last = trace.value.times.last().copied().unwrap_or(Time::ZERO);
    let whole = Duration::from_secs(last.second() + 1);
    let duration = duration?.unwrap_or(Placed { value: whole, path: trace.path.clone(), at: trace.at.clone() });
    if duration.value > LONGEST {
        let problem = Diagnostic::new(format!("the trace goes on for {}", units::duration(whole)))
            .at(trace.at, "this trace")
            .help("cut it with `duration`, or replay it faster with `speedup`");
        return Err(reader.problems().report(problem));
    }
    Ok((trace.value.schedule(), duration, Some(trace.value)))
}

fn before_end(reader: &TableReader<'_>, warm_up: Placed<Duration>, duration: &Placed<Duration>) -> Found<Duration> {
    if warm_up.value < duration.value {
        return Ok(warm_up);
    }
    let problem = warm_up
        .problem("must be shorter than the load")
        .at(duration.at.clone(), format!("the load ends after {}", units::duration(duration.value)))
        .help("the warm-up is the first part of the load, and the rest is judged");
    Err(reader.problems().report(problem))
}

/// The value of a column of the trace, or `None` if the scenario does not name the column.
pub(super) fn recorded<T>(
    root: &mut TableReader<'_>,
    column: Option<&Range<usize>>,
    section: &'static str,
    recorded: impl FnOnce() -> Result<Option<T>, Reported>,
) -> Result<Option<Placed<T>>, Reported> {
    let Some(column) = column else {
        return Ok(None);
    };
    if let Some(value) = root.raw(section) {
        let problem = Diagnostic::new(format!("the trace and [{section}] say the same thing twice"))
            .at(Some(column.clone()), "taken from the trace")
            .at(Some(value.span()), "and given here")
            .help("remove one of them");
        return Err(root.problems().report(problem));
    }
    Ok(recorded()?.map(|value| Placed { value, path: "load.trace".to_owned(), at: Some(column.clone()) }))
}
