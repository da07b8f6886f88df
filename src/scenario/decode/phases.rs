//! `[[load.phase]]`: how the rate changes, one phase after the other.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::fields::positive;
use crate::scenario::diagnostics::Diagnostic;
use crate::scenario::reader::{Found, LONGEST, Placed, Problems, Reported, TableReader};
use crate::seed::Seed;
use crate::units::{self, Rate, Share};
use crate::workload::{Burst, LINES_PER_PERIOD, Line, Shape};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Constant,
    Ramp,
    Steps,
    Spike,
    Sine,
    Curve,
}

const KINDS: [(&str, Kind); 6] = [
    ("constant", Kind::Constant),
    ("ramp", Kind::Ramp),
    ("steps", Kind::Steps),
    ("spike", Kind::Spike),
    ("sine", Kind::Sine),
    ("curve", Kind::Curve),
];

/// What each shape is made of; a member that is not of the shape is refused.
const MEMBERS: [(Kind, &[&str]); 6] = [
    (Kind::Constant, &["rate"]),
    (Kind::Ramp, &["from", "to"]),
    (Kind::Steps, &["rates", "shuffled"]),
    (Kind::Spike, &["base", "peak", "at", "lasting"]),
    (Kind::Sine, &["mean", "amplitude", "period"]),
    (Kind::Curve, &["points", "every", "speedup"]),
];

/// The shape of a load and its length, if the load has phases.
pub(super) fn phases(load: &mut TableReader<'_>, seed: Seed) -> Result<Option<Placed<(Shape, Duration)>>, Reported> {
    let (path, problems) = (load.path("phase"), load.problems());
    let places = ["rate", "trace", "duration"].map(|key| (key, load.place(key)));
    let Some(value) = load.raw("phase") else { return Ok(None) };
    let at = Some(value.span());
    let DeValue::Array(array) = value.get_ref() else {
        let problem = Diagnostic::new(format!("`{path}` must be a list of tables")).at(at, "");
        return Err(problems.report(problem.help("write [[load.phase]] with two brackets, once for each phase")));
    };
    let conflicts = places.into_iter().filter(|(_, place)| place.is_some()).map(|(key, place)| {
        let problem = Diagnostic::new(format!("a load has phases or a {key}, not both"))
            .at(place, format!("the {key}"))
            .at(at.clone(), "the phases")
            .help("each phase has a duration and rates of its own");
        problems.report(problem)
    });
    let conflict = conflicts.last();
    let phases: Vec<_> =
        array.iter().enumerate().map(|(position, value)| phase(position, value, seed, problems)).collect();
    let lines: Vec<Vec<Line>> = phases.into_iter().collect::<Result<_, _>>()?;
    if let Some(reported) = conflict {
        return Err(reported);
    }
    let lines: Vec<Line> = lines.into_iter().flatten().collect();
    let duration: Duration = lines.iter().map(|line| line.duration).sum();
    let shape = Shape::new(lines);
    let found = Placed { value: (shape, duration), path, at };
    if duration > LONGEST {
        let problem = found.problem(format_args!("must end within {}", units::duration(LONGEST)));
        return Err(problems.report(problem.help(format!("together they take {}", units::duration(duration)))));
    }
    if found.value.0.due(found.value.0.seconds()) < 1.0 {
        return Err(problems.report(found.problem("must send something").help("give a phase a rate above zero")));
    }
    Ok(Some(found))
}

fn phase(
    position: usize,
    value: &Spanned<DeValue<'_>>,
    seed: Seed,
    problems: &Problems,
) -> Result<Vec<Line>, Reported> {
    let mut reader = TableReader::of(value, format!("load.phase.{position}"), problems);
    let duration = reader.required::<Duration>("duration", "duration = \"30s\"");
    let duration = positive(&reader, duration);
    let burst = burst(&mut reader);
    let kind = reader.choice("shape", &KINDS, None);
    let lines = match &kind {
        Ok(kind) => {
            for (of, members) in MEMBERS.into_iter().filter(|(of, _)| *of != kind.value) {
                let word = KINDS.iter().find(|(_, kind)| *kind == of).map_or("", |(word, _)| word);
                for member in members {
                    reader.misplaced(member, &format!("belongs to the shape \"{word}\""));
                }
            }
            // A length that is wrong is reported already; the rest is read all the same.
            let length = duration.as_ref().map_or(Duration::from_secs(1), |duration| duration.value);
            lines(&mut reader, kind.value, length, seed.named("load.phase.steps"), position as u64)
        }
        Err(reported) => {
            for member in MEMBERS.into_iter().flat_map(|(_, members)| members) {
                reader.raw(member);
            }
            Err(*reported)
        }
    };
    reader.finish();
    let duration = duration?.value;
    let (lines, burst) = (lines?, burst?);
    Ok(match burst {
        Some((period, burst, at)) => {
            few_periods(period.clone(), duration, 2.0, problems)?;
            possible(&lines, &period, burst, at, problems)?;
            Line::bursts(&lines, period.value, burst)
        }
        None => lines,
    })
}

fn lines(
    reader: &mut TableReader<'_>,
    kind: Kind,
    duration: Duration,
    seed: crate::seed::NamedSeed,
    index: u64,
) -> Result<Vec<Line>, Reported> {
    Ok(match kind {
        Kind::Constant => vec![Line::constant(duration, rate(reader, "rate")?)],
        Kind::Ramp => {
            let (from, to) = (rate(reader, "from"), rate(reader, "to"));
            vec![Line { duration, from: from?, to: to? }]
        }
        Kind::Steps => {
            let rates = reader.required::<Vec<Rate>>("rates", "rates = [\"1000/s\", \"2000/s\"]");
            let rates =
                reader.check(rates, |rates| !rates.is_empty(), "must not be empty", "write a rate for each step");
            let shuffled = reader.or("shuffled", false)?.value;
            let rates = rates?.value;
            if shuffled { Line::shuffled_steps(duration, &rates, seed, index) } else { Line::steps(duration, &rates) }
        }
        Kind::Spike => {
            let (base, peak) = (rate(reader, "base"), rate(reader, "peak"));
            let at = reader.required::<Duration>("at", "at = \"10s\", from the start of the phase");
            let lasting = reader.required::<Duration>("lasting", "lasting = \"5s\"");
            let lasting = positive(reader, lasting);
            let at = reader.check(at, |at| *at < duration, "must be within the phase", "it counts from its start");
            Line::spike(duration, base?, peak?, at?.value, lasting?.value)
        }
        Kind::Sine => {
            let (mean, amplitude) =
                (rate(reader, "mean"), reader.required::<Rate>("amplitude", "amplitude = \"500/s\""));
            let period = reader.required::<Duration>("period", "period = \"60s\"");
            let period = positive(reader, period);
            let mean = mean?;
            let amplitude = reader.check(
                amplitude,
                |amplitude| *amplitude <= mean,
                "must not be above the mean",
                "a rate cannot be less than zero",
            );
            let period = period?;
            few_periods(period.clone(), duration, LINES_PER_PERIOD, reader.problems())?;
            Line::sine(duration, mean, amplitude?.value, period.value)
        }
        Kind::Curve => curve(reader, duration)?,
    })
}

fn curve(reader: &mut TableReader<'_>, duration: Duration) -> Result<Vec<Line>, Reported> {
    const EXAMPLE: &str = "points = [[\"6h\", \"100/s\"], [\"18h\", \"900/s\"]]";
    let points = reader.required::<Vec<(Duration, Rate)>>("points", EXAMPLE);
    let every = reader.or("every", Duration::from_secs(24 * 3600));
    let every = positive(reader, every);
    let speedup = reader.or("speedup", 1.0);
    let speedup = reader.check(
        speedup,
        |speedup| speedup.is_finite() && *speedup > 0.0,
        "must be more than zero",
        "1440 plays a day in a minute",
    );
    let (points, every, speedup) = (points?, every?.value, speedup?.value);
    let ordered = |points: &Vec<(Duration, Rate)>| {
        !points.is_empty()
            && points.windows(2).all(|pair| pair[0].0 < pair[1].0)
            && points.last().is_some_and(|last| last.0 < every)
    };
    let help = format!("write them in the order of their times, all within {}", units::duration(every));
    let points = reader.check(Ok(points), ordered, "must be points in time, one after the other", &help)?;
    if duration.as_secs_f64() * speedup / every.as_secs_f64() * (points.value.len() + 1) as f64 > MOST_LINES {
        return Err(reader.problems().report(points.problem("would be played too often").help("lower the speedup")));
    }
    Ok(Line::curve(duration, &points.value, every, speedup))
}

/// More lines than anybody needs to draw a load.
const MOST_LINES: f64 = 1e6;

/// Checks that a phase does not have more periods than can be drawn.
fn few_periods(period: Placed<Duration>, phase: Duration, lines: f64, problems: &Problems) -> Result<(), Reported> {
    if phase.as_secs_f64() / period.value.as_secs_f64() * lines <= MOST_LINES {
        return Ok(());
    }
    let help = format!("in {} there would be more than a million lines", units::duration(phase));
    Err(problems.report(period.problem("is too short for the phase").help(help)))
}

/// Refuses a dispersion that the mean of the periods does not allow.
fn possible(
    lines: &[Line],
    period: &Placed<Duration>,
    burst: Burst,
    at: Option<Range<usize>>,
    problems: &Problems,
) -> Result<(), Reported> {
    let Burst::Dispersion(dispersion) = burst else { return Ok(()) };
    let shape = Shape::new(lines.iter().copied());
    let mean = shape.due(shape.seconds()) / shape.seconds().max(1e-9) * period.value.as_secs_f64();
    let most = Burst::most(mean);
    if dispersion <= most {
        return Ok(());
    }
    let message = format!("a dispersion of {dispersion} is more than {mean:.1} records a period can have: {most:.1}");
    let help = "all of them are in one tenth of the period then; ask for less, or make the period longer";
    Err(problems.report(Diagnostic::new(message).at(at, "").help(help)))
}

/// The period of micro-bursts, how much of it they take, and where that is written, if the phase has any.
#[allow(clippy::type_complexity, reason = "read and taken apart in one place each")]
fn burst(reader: &mut TableReader<'_>) -> Result<Option<(Placed<Duration>, Burst, Option<Range<usize>>)>, Reported> {
    if !reader.has("burst") {
        reader.raw("burst");
        return Ok(None);
    }
    let mut burst = reader.section("burst");
    let period = burst.required::<Duration>("period", "period = \"1s\"");
    let shortest = Duration::from_millis(10);
    let period = burst.check(period, |period| *period >= shortest, "must be at least 10 ms", "write \"1s\"");
    let found = if burst.has("dispersion") {
        burst.misplaced("share", "says the same as `dispersion` in another way: write one of the two");
        let at = burst.place("dispersion");
        let dispersion = burst.required::<f64>("dispersion", "dispersion = 50");
        let dispersion = burst.check(
            dispersion,
            |dispersion| dispersion.is_finite() && *dispersion >= 0.0,
            "must not be below zero",
            "evenly spaced records have 0, a Poisson process has 1, bursts have more",
        );
        dispersion.map(|dispersion| (Burst::Dispersion(dispersion.value), at))
    } else {
        burst.raw("dispersion");
        let help = "share = \"20%\", the part of the period with all of its load, or dispersion = 50";
        let share = burst.required::<Share>("share", help);
        let share = burst.check(
            share,
            |share| share.0 > 0.0 && share.0 <= 1.0,
            "must be above 0% and at most 100%",
            "write \"20%\"",
        );
        share.map(|share| (Burst::Share(share.value), None))
    };
    burst.finish();
    let (period, (found, at)) = (period?, found?);
    Ok(Some((period, found, at)))
}

fn rate(reader: &mut TableReader<'_>, key: &'static str) -> Result<Rate, Reported> {
    let rate: Found<Rate> = reader.required(key, &format!("{key} = \"2000/s\""));
    Ok(rate?.value)
}
