//! Recorded arrivals from a CSV file.

use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Keys, Schedule, Sizes};
use crate::time::Time;

/// Recorded arrivals, in order of time; the first one is due when the run begins.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The file it was read from.
    pub path: PathBuf,
    /// When each arrival is due, sped up.
    pub times: Arc<[Time]>,
    /// The key of each arrival, where the file has a key column.
    pub keys: Option<Keys>,
    /// The size of each arrival, where the file has a size column.
    pub sizes: Option<Sizes>,
}

/// Which columns of the file to use, by their names in its first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceColumns {
    /// Time of the arrival: RFC 3339, the same without an offset (taken as UTC), or a number since 1970 in seconds,
    /// milliseconds (from 10^11 on) or microseconds (from 10^14 on).
    pub time: String,
    /// Partition key.
    pub key: Option<String>,
    /// Size of the data blob in bytes.
    pub size: Option<String>,
}

/// Why a file is not a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceError {
    /// The line of the file, from 1, where one is to blame.
    pub line: Option<u64>,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.problem),
            None => self.problem.fmt(f),
        }
    }
}

impl std::error::Error for TraceError {}

impl Trace {
    /// Reads a trace from the file at `path` and makes it `speedup` times as fast.
    ///
    /// # Errors
    /// The file cannot be read, lacks a column, has no row, or has a row that is wrong; the first such row is named.
    pub fn read(path: &Path, columns: &TraceColumns, speedup: f64) -> Result<Self, TraceError> {
        let file =
            std::fs::File::open(path).map_err(|error| TraceError::whole(format!("cannot be opened: {error}")))?;
        Self::parse(path, std::io::BufReader::new(file), columns, speedup)
    }

    /// Reads a trace from CSV text.
    ///
    /// # Errors
    /// See [`Self::read`].
    pub fn parse(path: &Path, text: impl Read, columns: &TraceColumns, speedup: f64) -> Result<Self, TraceError> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
        let header = reader.headers().map_err(|error| TraceError::csv(&error))?.clone();
        let time = column(&header, &columns.time)?;
        let key = columns.key.as_deref().map(|name| column(&header, name)).transpose()?;
        let size = columns.size.as_deref().map(|name| column(&header, name)).transpose()?;

        let mut rows = Vec::new();
        let mut names = Names::default();
        for record in reader.records() {
            let record = record.map_err(|error| TraceError::csv(&error))?;
            let line = record.position().map_or(0, csv::Position::line);
            let field = |index: usize| record.get(index).unwrap_or_default();
            let wrong = |problem| TraceError { line: Some(line), problem };
            rows.push(Row {
                nanos: timestamp(field(time)).map_err(wrong)?,
                key: key.map(|index| names.intern(field(index))).transpose().map_err(wrong)?,
                size: size.map(|index| bytes(field(index))).transpose().map_err(wrong)?,
            });
        }
        if rows.is_empty() {
            return Err(TraceError::whole("has no row below its header".to_owned()));
        }
        rows.sort_by_key(|row| row.nanos);
        Ok(Self::from_rows(path, &rows, names, speedup))
    }

    fn from_rows(path: &Path, rows: &[Row], names: Names, speedup: f64) -> Self {
        let start = rows.first().map_or(0, |row| row.nanos);
        let due = |row: &Row| Time::from_nanos(((row.nanos - start) as f64 / speedup).round() as u64);
        let keys: Option<Arc<[u32]>> = rows.iter().map(|row| row.key).collect();
        let sizes: Option<Arc<[u32]>> = rows.iter().map(|row| row.size).collect();
        Self {
            path: path.to_owned(),
            times: rows.iter().map(due).collect(),
            keys: keys.map(|column| Keys::Recorded { names: names.names.into(), column }),
            sizes: sizes.map(|column| Sizes::Recorded { column }),
        }
    }

    /// When the arrivals are due.
    pub fn schedule(&self) -> Schedule {
        Schedule::recorded(self.times.clone())
    }
}

struct Row {
    /// Since 1970.
    nanos: i128,
    key: Option<u32>,
    size: Option<u32>,
}

#[derive(Default)]
struct Names {
    numbers: HashMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
}

impl Names {
    fn intern(&mut self, name: &str) -> Result<u32, String> {
        if name.is_empty() || name.chars().count() > 256 {
            return Err(format!("a partition key has 1 to 256 characters, this one has {}", name.chars().count()));
        }
        if let Some(number) = self.numbers.get(name) {
            return Ok(*number);
        }
        let number = u32::try_from(self.names.len()).map_err(|_| "too many distinct keys".to_owned())?;
        let name: Arc<str> = name.into();
        self.names.push(name.clone());
        self.numbers.insert(name, number);
        Ok(number)
    }
}

impl TraceError {
    const fn whole(problem: String) -> Self {
        Self { line: None, problem }
    }

    fn csv(error: &csv::Error) -> Self {
        let problem = match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("has {len} fields where the header has {expected_len}")
            }
            csv::ErrorKind::Utf8 { .. } => "is not UTF-8".to_owned(),
            _ => error.to_string(),
        };
        Self { line: error.position().map(csv::Position::line), problem }
    }
}

fn column(header: &csv::StringRecord, name: &str) -> Result<usize, TraceError> {
    header.iter().position(|column| column == name).ok_or_else(|| {
        let columns: Vec<String> = header.iter().map(|column| format!("`{column}`")).collect();
        TraceError::whole(format!("has no column `{name}`; its columns are {}", columns.join(", ")))
    })
}

/// Nanoseconds since 1970.
fn timestamp(text: &str) -> Result<i128, String> {
    if let Some(nanos) = epoch(text) {
        return nanos;
    }
    if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
        return Ok(timestamp.as_nanosecond());
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok().filter(|_| text.len() > 10);
    civil
        .and_then(|civil| jiff::tz::Offset::UTC.to_timestamp(civil).ok())
        .map(jiff::Timestamp::as_nanosecond)
        .ok_or_else(|| format!("`{text}` is neither an RFC 3339 time nor a number since 1970"))
}

/// A decimal number since 1970 in nanoseconds, exactly; `None` if the text is no such number.
fn epoch(text: &str) -> Option<Result<i128, String>> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !(digits(whole) && digits(fraction)) {
        return None;
    }
    let too_far = || Some(Err(format!("`{text}` is too far from 1970")));
    let Some(units) = whole.parse::<i128>().ok().filter(|units| *units < 100_000_000_000_000_000) else {
        return too_far();
    };
    let nanos_per_unit = match units {
        100_000_000_000_000.. => 1_000,
        100_000_000_000.. => 1_000_000,
        _ => 1_000_000_000,
    };
    let nanos: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let part = nanos.parse::<i128>().unwrap_or(0) * nanos_per_unit / 1_000_000_000;
    Some(Ok(units * nanos_per_unit + part))
}

fn bytes(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("`{text}` is not a size in bytes"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str, key: Option<&str>, size: Option<&str>, speedup: f64) -> Result<Trace, TraceError> {
        let columns = TraceColumns { time: "t".into(), key: key.map(str::to_owned), size: size.map(str::to_owned) };
        Trace::parse(Path::new("x.csv"), text.as_bytes(), &columns, speedup)
    }

    fn times(text: &str) -> Vec<u64> {
        parse(text, None, None, 1.0).unwrap().times.iter().map(|t| t.as_nanos() / 1_000_000).collect()
    }

    #[test]
    fn times_of_every_form_count_from_the_first() {
        assert_eq!(times("t\n2013-07-01T05:00:00Z\n2013-07-01T05:00:01.5+00:00\n"), [0, 1_500]);
        assert_eq!(times("t\n2013-07-01T05:00:00\n2013-07-01 05:01:00\n"), [0, 60_000]);
        assert_eq!(times("t\n1372654800\n1372654800.25\n"), [0, 250]);
        assert_eq!(times("t\n1372654800000\n1372654800250\n"), [0, 250]);
    }

    #[test]
    fn rows_are_put_in_order_and_sped_up() {
        let trace = parse("t,k,b\n10,B6,100\n0,UA,200\n", Some("k"), Some("b"), 10.0).unwrap();
        assert_eq!(trace.times.as_ref(), [Time::ZERO, Time::from_secs(1)]);
        let seed = crate::seed::Seed(0).named("workload.key");
        assert_eq!(trace.keys.unwrap().pick(0, Time::ZERO, seed).as_ref(), "UA");
        assert_eq!(trace.sizes.unwrap().pick(1, seed), 100);
    }

    #[test]
    fn a_wrong_row_is_named_by_its_line() {
        let message = |text, key, size| parse(text, key, size, 1.0).unwrap_err().to_string();
        assert_eq!(
            message("t\n1\nsoon\n", None, None),
            "line 3: `soon` is neither an RFC 3339 time nor a number since 1970"
        );
        assert_eq!(message("t,k\n1,a\n2\n", None, None), "line 3: has 1 fields where the header has 2");
        assert_eq!(message("t,b\n1,many\n", None, Some("b")), "line 2: `many` is not a size in bytes");
        assert_eq!(
            message("t,k\n1,\n", Some("k"), None),
            "line 2: a partition key has 1 to 256 characters, this one has 0"
        );
        assert_eq!(message("time,k\n1,a\n", None, None), "has no column `t`; its columns are `time`, `k`");
        assert_eq!(message("t\n", None, None), "has no row below its header");
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text: Vec<u8>) {
            let columns = TraceColumns { time: "t".into(), key: None, size: None };
            let _ = Trace::parse(Path::new("x.csv"), text.as_slice(), &columns, 1.0);
            let _ = Trace::parse(Path::new("x.csv"), [b"t\n", text.as_slice()].concat().as_slice(), &columns, 1e-9);
        }
    }
}
