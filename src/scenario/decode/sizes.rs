//! `[records]`: how large the records are, and what is in them.

use std::path::Path;

use toml::de::DeValue;

use super::load::{Columns, TraceFound, recorded};
use crate::scenario::diagnostics::Diagnostic;
use crate::scenario::reader::{Found, Placed, Reported, TableReader};
use crate::units::{Bytes, Share};
use crate::workload::{Filling, JSON_BYTES, SMALLEST_RECORD, Sizes, Template};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Constant,
    Uniform,
    Normal,
    LogNormal,
    Pareto,
    Empirical,
    Mix,
}

const KINDS: [(&str, Kind); 7] = [
    ("constant", Kind::Constant),
    ("uniform", Kind::Uniform),
    ("normal", Kind::Normal),
    ("lognormal", Kind::LogNormal),
    ("pareto", Kind::Pareto),
    ("empirical", Kind::Empirical),
    ("mix", Kind::Mix),
];

/// What each distribution is made of; a member that is not of it is refused.
const MEMBERS: [(Kind, &[&str]); 7] = [
    (Kind::Constant, &["size"]),
    (Kind::Uniform, &["min", "max"]),
    (Kind::Normal, &["mean", "deviation", "min", "max"]),
    (Kind::LogNormal, &["median", "p99", "min", "max"]),
    (Kind::Pareto, &["min", "shape", "max"]),
    (Kind::Empirical, &["file"]),
    (Kind::Mix, &["of"]),
];

pub(super) fn sizes(
    root: &mut TableReader<'_>,
    columns: &Columns,
    trace: TraceFound<'_>,
    longest_key: u64,
    largest_record: u64,
    folder: &Path,
) -> Result<(Placed<Sizes>, Filling), Reported> {
    let column = || Ok(trace?.and_then(|trace| trace.sizes.clone()));
    let limits = Limits { record: largest_record, key: longest_key, folder };
    if let Some(sizes) = recorded(root, columns.size.as_ref(), "records", column)? {
        return Ok((limits.check_recorded(root, sizes)?, Filling::Random));
    }
    let mut reader = root.required_section("records", "add it with a size, such as\n[records]\nsize = \"1 KiB\"");
    let at = reader.place("size").or(reader.at());
    let sizes = size(&mut reader, limits);
    let filling = filling(&mut reader);
    reader.finish();
    let sizes = Placed { value: sizes?, path: "records.size".to_owned(), at };
    let filling = filling?;
    fits(root, &filling, &sizes, longest_key as usize)?;
    Ok((sizes, filling))
}

/// What is in the records of tenants, which have sizes of their own.
pub(super) fn payload(
    root: &mut TableReader<'_>,
    columns: &Columns,
    sizes: &Placed<Sizes>,
    longest_key: usize,
) -> Result<Filling, Reported> {
    if let Some(column) = columns.size.clone().or(columns.key.clone()) {
        let problem = Diagnostic::new("the trace and the tenants say the same thing twice")
            .at(Some(column), "taken from the trace");
        return Err(root.problems().report(problem.help("leave out `key` and `size`, or the tenants")));
    }
    let mut reader = root.section("records");
    reader.misplaced("size", "and tenants say the same thing twice: each tenant has a size of its own");
    let filling = filling(&mut reader);
    reader.finish();
    let filling = filling?;
    fits(root, &filling, sizes, longest_key)?;
    Ok(filling)
}

/// The sizes of a tenant, whose longest key has so many bytes.
pub(super) fn of_tenant(
    tenant: &mut TableReader<'_>,
    longest_key: u64,
    largest_record: u64,
    folder: &Path,
) -> Result<Sizes, Reported> {
    size(tenant, Limits { record: largest_record, key: longest_key, folder })
}

/// `size`: a size, or a table with a distribution.
fn size(reader: &mut TableReader<'_>, limits: Limits<'_>) -> Result<Sizes, Reported> {
    match reader.raw("size").map(|value| (value, value.get_ref())) {
        Some((value, DeValue::Table(_))) => {
            let mut inner = TableReader::of(value, reader.path("size"), reader.problems());
            let sizes = distribution(&mut inner, limits, true);
            inner.finish();
            sizes
        }
        _ => limits.size(reader, "size").map(|size| Sizes::constant(size.value)),
    }
}

/// Refuses a template of JSON that does not fit into the smallest record.
fn fits(root: &TableReader<'_>, filling: &Filling, sizes: &Placed<Sizes>, longest_key: usize) -> Result<(), Reported> {
    if let Filling::Json(template) = &filling {
        let (smallest, needed) = (sizes.value.smallest(), JSON_BYTES + template.longest(longest_key));
        if smallest.0 < needed as u64 {
            let problem = sizes.problem(format!("can be {} B, and the template takes up to {needed} B", smallest.0));
            return Err(root
                .problems()
                .report(problem.help(format!("write a size, or a `min`, of at least {needed} B"))));
        }
    }
    Ok(())
}

/// `payload = "random"`, `"zero"`, `{ compressible = "70%" }`, or `{ json = '{"user": "{{key}}"}' }`.
fn filling(reader: &mut TableReader<'_>) -> Result<Filling, Reported> {
    if !matches!(reader.raw("payload").map(toml::Spanned::get_ref), Some(DeValue::Table(_))) {
        let words = [("random", Filling::Random), ("zero", Filling::Compressible { zeros: 100 })];
        return reader.choice("payload", &words, Some(Filling::Random)).map(|filling| filling.value);
    }
    let mut table = reader.section("payload");
    if table.has("json") {
        let json = table.required::<String>("json", "");
        table.misplaced("compressible", "has no meaning for JSON");
        let problems = table.problems();
        table.finish();
        let json = json?;
        return Template::parse(&json.value).map(Filling::Json).map_err(|reason| {
            let problem = json.problem(format!("is no template of a JSON object: {reason}"));
            problems.report(problem.help(r#"write it such as '{"user": "{{key}}", "n": {{index}}}'"#))
        });
    }
    let part = table.required::<Share>("compressible", "compressible = \"70%\"");
    let part = table.check(part, |part| (0.0..=1.0).contains(&part.0), "must be from 0% to 100%", "write \"70%\"");
    table.finish();
    Ok(Filling::Compressible { zeros: (part?.value.0 * 100.0).round() as u8 })
}

/// A distribution; only one that is not itself part of a mix may be a mix.
fn distribution(reader: &mut TableReader<'_>, limits: Limits<'_>, mixable: bool) -> Result<Sizes, Reported> {
    let kinds = if mixable { &KINDS[..] } else { &KINDS[..KINDS.len() - 1] };
    let kind = reader.choice("distribution", kinds, None).map(|kind| kind.value);
    let own =
        kind.as_ref().ok().and_then(|kind| MEMBERS.iter().find(|(of, _)| of == kind)).map(|(_, members)| *members);
    for member in ["size", "min", "max", "mean", "deviation", "median", "p99", "shape", "file", "of"] {
        match own {
            Some(own) if !own.contains(&member) => {
                reader.misplaced(member, "has no meaning for this distribution");
            }
            Some(_) => {}
            None => _ = reader.raw(member),
        }
    }
    match kind? {
        Kind::Constant => limits.size(reader, "size").map(|size| Sizes::constant(size.value)),
        Kind::Uniform => {
            let (min, max) = (limits.size(reader, "min"), limits.size(reader, "max"));
            let (min, max) = ordered(reader, min, max)?;
            Ok(Sizes::uniform(min.value, max.value))
        }
        Kind::Normal => {
            let mean = limits.size(reader, "mean");
            let deviation = reader.required::<Bytes>("deviation", "deviation = \"200 B\"");
            let (min, max) = limits.bounds(reader)?;
            let (mean, deviation) = (mean?, deviation?);
            Sizes::normal(mean.value, deviation.value, min.value, max.value)
                .map_err(|error| reader.problems().report(deviation.problem(error)))
        }
        Kind::LogNormal => log_normal(reader, limits),
        Kind::Pareto => {
            let min = limits.size(reader, "min");
            let shape = reader.required::<f64>("shape", "shape = 1.5");
            let shape = reader.within(shape, 0.1..=100.0);
            let max = reader.or("max", limits.largest());
            let max = limits.check(reader, max);
            let (min, max) = ordered(reader, min, max)?;
            let shape = shape?;
            Sizes::pareto(min.value, shape.value, max.value)
                .map_err(|error| reader.problems().report(shape.problem(error)))
        }
        Kind::Empirical => empirical(reader, limits),
        Kind::Mix => mix(reader, limits),
    }
}

/// `of = [{ weight = 99, size = "1 KiB" }, { weight = 1, distribution = "uniform", … }]`.
fn mix(reader: &mut TableReader<'_>, limits: Limits<'_>) -> Result<Sizes, Reported> {
    const EXAMPLE: &str = "of = [{ weight = 99, size = \"1 KiB\" }, { weight = 1, size = \"5 MiB\" }]";
    let parts = weighted_parts(reader, "sizes", EXAMPLE, |part| {
        if part.has("distribution") {
            distribution(part, limits, false)
        } else {
            limits.size(part, "size").map(|size| Sizes::constant(size.value))
        }
    })?;
    Ok(Sizes::mix(parts))
}

/// The parts of a mix of `what`, with their weights.
pub(super) fn weighted_parts<T>(
    reader: &mut TableReader<'_>,
    what: &str,
    example: &str,
    read: impl Fn(&mut TableReader<'_>) -> Result<T, Reported>,
) -> Result<Vec<(T, f64)>, Reported> {
    let (path, problems) = (reader.path("of"), reader.problems());
    let parts = match reader.raw("of").map(|value| (value, value.get_ref())) {
        Some((_, DeValue::Array(parts))) if !parts.is_empty() => parts,
        Some((value, _)) => {
            let problem = Diagnostic::new(format!("`{path}` must be a list of {what}")).at(Some(value.span()), "");
            return Err(problems.report(problem.help(format!("such as {example}"))));
        }
        None => return Err(reader.missing("of", example)),
    };
    let part = |(position, value)| {
        let mut part = TableReader::of(value, format!("{path}.{position}"), problems);
        let weight = part.required::<f64>("weight", "weight = 1");
        let weight = part.check(
            weight,
            |weight| weight.is_finite() && *weight > 0.0,
            "must be more than zero",
            "weights are relative to each other",
        );
        let found = read(&mut part);
        part.finish();
        Ok((found?, weight?.value))
    };
    let parts: Vec<Result<(T, f64), Reported>> = parts.iter().enumerate().map(part).collect();
    parts.into_iter().collect()
}

/// Sizes and how many records had each, from the columns `size` and `count` of a CSV file.
fn empirical(reader: &mut TableReader<'_>, limits: Limits<'_>) -> Result<Sizes, Reported> {
    let file = reader.required::<String>("file", "file = \"sizes.csv\", with the columns `size` and `count`")?;
    let path = limits.folder.join(&file.value);
    let wrong = |problem: String| {
        let problem = Diagnostic::new(format!("{}: {problem}", path.display())).at(file.at.clone(), "this file");
        let help = "the file has the columns `size` (bytes) and `count`, and a row for each size";
        reader.problems().report(problem.help(help))
    };
    let mut rows = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(&path)
        .map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let mut weights = Vec::new();
    for row in rows.deserialize::<SizeCount>() {
        let SizeCount { size, count } = row.map_err(|error| wrong(error.to_string()))?;
        if !count.is_finite() || count < 0.0 {
            return Err(wrong(format!("a count of {count} makes no sense")));
        }
        if count > 0.0 {
            weights.push((size, count));
        }
    }
    if weights.is_empty() {
        return Err(wrong("has no row with a count".to_owned()));
    }
    let sizes = Sizes::empirical(&weights);
    limits.check_recorded_sizes(&sizes, "file").map_err(wrong)?;
    Ok(sizes)
}

/// A row of a file of sizes.
#[derive(serde::Deserialize)]
struct SizeCount {
    size: u32,
    count: f64,
}

fn log_normal(reader: &mut TableReader<'_>, limits: Limits<'_>) -> Result<Sizes, Reported> {
    let median = limits.size(reader, "median");
    let p99 = reader.required("p99", "p99 = \"4 KiB\"");
    let bounds = limits.bounds(reader);
    let (median, p99) = ordered(reader, median, p99)?;
    let (min, max) = bounds?;
    let (_, median) = ordered(reader, Ok(min.clone()), Ok(median))?;
    let (median, max) = ordered(reader, Ok(median), Ok(max))?;
    Sizes::log_normal(median.value, p99.value, min.value, max.value)
        .map_err(|error| reader.problems().report(median.problem(error)))
}

/// Refuses two sizes of which the first is above the second.
fn ordered(
    reader: &TableReader<'_>,
    low: Found<Bytes>,
    high: Found<Bytes>,
) -> Result<(Placed<Bytes>, Placed<Bytes>), Reported> {
    let (low, high) = (low?, high?);
    if low.value <= high.value {
        return Ok((low, high));
    }
    let problem = low
        .problem(format_args!("must not be above `{}`", high.path))
        .at(high.at, format!("this is {}", high.value))
        .help("swap the two, or correct one of them");
    Err(reader.problems().report(problem))
}

/// What the service and the verification header make of a record.
#[derive(Clone, Copy)]
struct Limits<'f> {
    record: u64,
    key: u64,
    /// Where relative paths start.
    folder: &'f Path,
}

impl Limits<'_> {
    const fn largest(self) -> Bytes {
        Bytes(self.record.saturating_sub(self.key))
    }

    /// The bounds of a distribution that has none of its own.
    fn bounds(self, reader: &mut TableReader<'_>) -> Result<(Placed<Bytes>, Placed<Bytes>), Reported> {
        let min = reader.or("min", Bytes(SMALLEST_RECORD as u64));
        let min = self.check(reader, min);
        let max = reader.or("max", self.largest());
        let max = self.check(reader, max);
        ordered(reader, min, max)
    }

    /// The size called `key`, which must be there and possible.
    fn size(self, reader: &mut TableReader<'_>, key: &'static str) -> Found<Bytes> {
        let size = reader.required(key, &format!("{key} = \"1 KiB\""));
        self.check(reader, size)
    }

    fn check(self, reader: &TableReader<'_>, size: Found<Bytes>) -> Found<Bytes> {
        let rule = format!("must be at least {SMALLEST_RECORD} B");
        let help = "every record starts with a header of that size, by which its delivery is verified";
        let size = reader.check(size, |size| size.0 >= SMALLEST_RECORD as u64, &rule, help);
        let rule = format!("must be at most {}", Bytes(self.record));
        reader.check(size, |size| size.0 <= self.record, &rule, "the service refuses a larger record")
    }

    /// Recorded sizes cannot be corrected here, so the message names the file's value.
    fn check_recorded(self, root: &TableReader<'_>, sizes: Placed<Sizes>) -> Found<Sizes> {
        let Err(message) = self.check_recorded_sizes(&sizes.value, "trace") else { return Ok(sizes) };
        let problem = Diagnostic::new(format!("the {message}")).at(sizes.at, "the column with the sizes");
        Err(root.problems().report(problem.help("correct the file, or leave out `size` and add [records]")))
    }

    fn check_recorded_sizes(self, sizes: &Sizes, source: &str) -> Result<(), String> {
        let (smallest, largest) = (sizes.smallest().0, sizes.largest().0);
        if smallest < SMALLEST_RECORD as u64 {
            Err(format!(
                "{source} has a record of {smallest} bytes, and the smallest possible one has {SMALLEST_RECORD}"
            ))
        } else if largest > self.record {
            Err(format!("{source} has a record of {largest} bytes, and the largest possible one has {}", self.record))
        } else {
            Ok(())
        }
    }
}
