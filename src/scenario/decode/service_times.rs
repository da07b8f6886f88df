//! How long consumers take to process: a time, or a table with its distribution.

use std::path::Path;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::fields::positive;
use super::sizes::weighted_parts;
use crate::client::ServiceTime;
use crate::scenario::diagnostics::Diagnostic;
use crate::scenario::reader::{Found, Reported, TableReader};
use crate::units;
use crate::workload::cumulative;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Constant,
    Uniform,
    Exponential,
    Normal,
    Lognormal,
    Pareto,
    Empirical,
    Mix,
}

const KINDS: [(&str, Kind); 8] = [
    ("constant", Kind::Constant),
    ("uniform", Kind::Uniform),
    ("exponential", Kind::Exponential),
    ("normal", Kind::Normal),
    ("lognormal", Kind::Lognormal),
    ("pareto", Kind::Pareto),
    ("empirical", Kind::Empirical),
    ("mix", Kind::Mix),
];

/// What each distribution is made of; a member that is not of it is refused.
const MEMBERS: [(Kind, &[&str]); 8] = [
    (Kind::Constant, &["time"]),
    (Kind::Uniform, &["min", "max"]),
    (Kind::Exponential, &["mean"]),
    (Kind::Normal, &["mean", "deviation"]),
    (Kind::Lognormal, &["median", "p99"]),
    (Kind::Pareto, &["min", "shape", "max"]),
    (Kind::Empirical, &["file"]),
    (Kind::Mix, &["of"]),
];

/// The longest time of a Pareto distribution without a cap of its own.
const PARETO_CAP: Duration = Duration::from_secs(3_600);

/// The time called `key`; relative paths start from `folder`.
pub(super) fn service_time(
    reader: &mut TableReader<'_>,
    key: &'static str,
    folder: &Path,
) -> Result<ServiceTime, Reported> {
    if !matches!(reader.raw(key).map(Spanned::get_ref), Some(DeValue::Table(_))) {
        let time = reader.optional::<Duration>(key)?;
        return Ok(match time {
            Some(time) if !time.value.is_zero() => ServiceTime::Constant { time: time.value },
            _ => ServiceTime::None,
        });
    }
    let mut table = reader.section(key);
    let time = distribution(&mut table, folder, true);
    table.finish();
    time
}

fn distribution(table: &mut TableReader<'_>, folder: &Path, may_mix: bool) -> Result<ServiceTime, Reported> {
    let kinds = if may_mix { &KINDS[..] } else { &KINDS[..KINDS.len() - 1] };
    let kind = table.choice("distribution", kinds, None).map(|kind| kind.value);
    let own =
        kind.map_or(&[] as &[&str], |kind| MEMBERS.iter().find(|(of, _)| *of == kind).map_or(&[], |(_, own)| own));
    let mut others: Vec<&str> = MEMBERS.iter().flat_map(|(_, members)| *members).copied().collect();
    others.sort_unstable();
    others.dedup();
    for member in others.into_iter().filter(|member| !own.contains(member)) {
        match kind {
            Ok(_) => table.misplaced(member, "has no meaning for this distribution"),
            Err(_) => _ = table.raw(member),
        }
    }
    match kind? {
        Kind::Constant => time(table, "time").map(|time| ServiceTime::Constant { time: time.value }),
        Kind::Uniform => {
            let (min, max) = (time(table, "min"), time(table, "max"));
            ordered(table, min, max).map(|(min, max)| ServiceTime::Uniform { min, max })
        }
        Kind::Exponential => time(table, "mean").map(|mean| ServiceTime::Exponential { mean: mean.value }),
        Kind::Normal => {
            let (mean, deviation) = (time(table, "mean"), time(table, "deviation"));
            Ok(ServiceTime::Normal { mean: mean?.value, deviation: deviation?.value })
        }
        Kind::Lognormal => {
            let (median, p99) = (time(table, "median"), time(table, "p99"));
            ordered(table, median, p99).map(|(median, p99)| ServiceTime::Lognormal { median, p99 })
        }
        Kind::Pareto => {
            let min = time(table, "min");
            let shape = table.required::<f64>("shape", "shape = 1.5");
            let shape = table.within(shape, 0.1..=100.0);
            let max = table.or("max", PARETO_CAP);
            let (min, max) = ordered(table, min, max)?;
            Ok(ServiceTime::Pareto { min, shape: shape?.value, max })
        }
        Kind::Empirical => empirical(table, folder),
        Kind::Mix => {
            const EXAMPLE: &str = "of = [{ weight = 99, time = \"2ms\" }, { weight = 1, time = \"1s\" }]";
            let parts = weighted_parts(table, "times", EXAMPLE, |part| {
                if part.has("distribution") {
                    distribution(part, folder, false)
                } else {
                    time(part, "time").map(|time| ServiceTime::Constant { time: time.value })
                }
            })?;
            Ok(ServiceTime::Mix { parts: cumulative(parts.into_iter()) })
        }
    }
}

/// Times and how often each was measured, from the columns `time` and `count` of a CSV file.
fn empirical(table: &mut TableReader<'_>, folder: &Path) -> Result<ServiceTime, Reported> {
    #[derive(serde::Deserialize)]
    struct TimeCount {
        time: String,
        count: f64,
    }
    let file = table.required::<String>("file", "file = \"times.csv\", with the columns `time` and `count`")?;
    let path = folder.join(&file.value);
    let wrong = |problem: String| {
        let problem = Diagnostic::new(format!("{}: {problem}", path.display())).at(file.at.clone(), "this file");
        let help = "the file has the columns `time`, with its unit, and `count`, and a row for each time";
        table.problems().report(problem.help(help))
    };
    let mut rows = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(&path)
        .map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let mut counts = Vec::new();
    for row in rows.deserialize::<TimeCount>() {
        let TimeCount { time, count } = row.map_err(|error| wrong(error.to_string()))?;
        let time = units::parse_duration(&time).map_err(|error| wrong(format!("`{time}`: {error}")))?;
        if !count.is_finite() || count < 0.0 {
            return Err(wrong(format!("a count of {count} makes no sense")));
        }
        if count > 0.0 {
            counts.push((time, count));
        }
    }
    if counts.is_empty() {
        return Err(wrong("has no row with a count".to_owned()));
    }
    counts.sort_by_key(|(time, _)| *time);
    Ok(ServiceTime::Empirical { steps: cumulative(counts.into_iter()) })
}

fn time(table: &mut TableReader<'_>, key: &'static str) -> Found<Duration> {
    let time = table.required::<Duration>(key, &format!("{key} = \"5ms\""));
    positive(table, time)
}

/// Refuses two times of which the first is above the second.
fn ordered(
    table: &TableReader<'_>,
    low: Found<Duration>,
    high: Found<Duration>,
) -> Result<(Duration, Duration), Reported> {
    let (low, high) = (low?, high?);
    if low.value <= high.value {
        return Ok((low.value, high.value));
    }
    let problem = low.problem(format_args!("must not be above `{}`", high.path)).at(high.at, "this one");
    Err(table.problems().report(problem.help("swap the two, or correct one of them")))
}
