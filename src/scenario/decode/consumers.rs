//! `[[consumer]]`: who reads the stream, and what it does with the records.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::fields::{check_name, delivery, order_per_key, positive};
use super::service_times::service_time;
use crate::client::{Checkpoint, ConsumerKind, Processing};
use crate::kinesis::Profile;
use crate::scenario::diagnostics::Diagnostic;
use crate::scenario::reader::{Found, Placed, Reported, TableReader};
use crate::scenario::{Consumer, StartingPosition};
use crate::units::{self, Bytes, Share};

/// A run registers a fan-out consumer under its name, a `-` and eight digits that tell runs apart; 128 is the limit for all.
const LONGEST_FAN_OUT_NAME: usize = 119;
/// A worker has a lease at most for each shard, and nobody has more shards than this.
const MOST_WORKERS: u32 = 10_000;
/// The last record numbers of a window are kept, 8 bytes and a place in a set each.
const LARGEST_WINDOW: usize = 10_000_000;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Polling,
    Efo,
    Kcl,
    Lambda,
    Firehose,
}

const KINDS: [(&str, Kind); 5] = [
    ("polling", Kind::Polling),
    ("efo", Kind::Efo),
    ("kcl", Kind::Kcl),
    ("lambda", Kind::Lambda),
    ("firehose", Kind::Firehose),
];

/// The keys of each kind; a key that is of none but others is refused.
const MEMBERS: [(Kind, &[&str]); 5] = [
    (Kind::Polling, &["interval", "limit"]),
    (Kind::Efo, &[]),
    (Kind::Kcl, &["workers", "idle_time", "limit", "failover_time", "fan_out"]),
    (
        Kind::Lambda,
        &["batch_size", "window", "parallelization_factor", "bisect", "maximum_record_age", "on_failure", "fan_out"],
    ),
    (Kind::Firehose, &["buffer_interval", "buffer_bytes"]),
];

/// The consumers of a scenario; relative paths start from `folder`.
pub(super) fn consumers(
    root: &mut TableReader<'_>,
    profile: &Profile,
    folder: &Path,
) -> Result<Vec<Consumer>, Reported> {
    let problems = root.problems();
    let Some(value) = root.raw("consumer") else {
        return Ok(Vec::new());
    };
    let DeValue::Array(array) = value.get_ref() else {
        let problem = Diagnostic::new("`consumer` must be a list of tables").at(Some(value.span()), "");
        return Err(problems.report(problem.help("write [[consumer]] with two brackets, once for each consumer")));
    };
    let mut consumers = Vec::new();
    let mut places = HashMap::new();
    let mut fan_out = 0;
    for (position, value) in array.iter().enumerate() {
        let reader = TableReader::of(value, format!("consumer.{position}"), problems);
        let kind_at = reader.place("fan_out").or_else(|| reader.place("type"));
        let (name, consumer) = consumer(reader, profile, folder);
        if let Ok(name) = &name
            && let Some(first) = places.insert(name.value.clone(), name.at.clone())
        {
            let problem = name.problem(format_args!("is used twice: `{}`", name.value)).at(first, "first used here");
            problems.report(problem.help("give every consumer its own name"));
        }
        if consumer.as_ref().is_ok_and(|consumer| consumer.kind.is_fan_out()) {
            fan_out += 1;
            if fan_out == profile.fan_out.consumers + 1 {
                let message = format!("a stream has at most {} fan-out consumers", profile.fan_out.consumers);
                let problem = Diagnostic::new(message).at(kind_at, "one too many");
                problems.report(problem.help("let some of the consumers poll, or remove them"));
            }
        }
        consumers.push(name.and_then(|name| Ok(Consumer { name: name.value, ..consumer? })));
    }
    consumers.into_iter().collect()
}

/// The name of a consumer, and the consumer without it.
fn consumer(
    mut reader: TableReader<'_>,
    profile: &Profile,
    folder: &Path,
) -> (Found<String>, Result<Consumer, Reported>) {
    let name = reader.required("name", "name = \"analytics\"");
    let name = check_name(&reader, name);
    let word = reader.choice("type", &KINDS, None);
    let kind = match &word {
        Ok(word) => {
            refuse_others(&mut reader, word.value);
            kind(&mut reader, word.value, profile)
        }
        Err(reported) => {
            MEMBERS.iter().flat_map(|(_, members)| *members).for_each(|member| _ = reader.raw(member));
            Err(*reported)
        }
    };
    let name = match &kind {
        Ok(kind) if kind.is_fan_out() => check_fan_out_name(&reader, name),
        _ => name,
    };
    let start = start(&mut reader);
    let lambda = word.as_ref().is_ok_and(|word| word.value == Kind::Lambda);
    let processing = processing(&mut reader, lambda, folder);
    let checkpoint = checkpoint(&mut reader);
    let dedupe_window = reader.optional::<usize>("dedupe_window");
    let dedupe_window = match dedupe_window {
        Ok(Some(window)) => reader.within(Ok(window), 1..=LARGEST_WINDOW).map(|window| Some(window.value)),
        Ok(None) => Ok(None),
        Err(reported) => Err(reported),
    };
    let lag_p99 = reader.optional("lag_p99").transpose().map(|found| positive(&reader, found)).transpose();
    let lag_trend = reader.optional::<Share>("lag_trend");
    let delivery = delivery(&mut reader);
    let order_per_key = order_per_key(&mut reader);
    reader.finish();
    let consumer = || {
        Ok(Consumer {
            name: String::new(),
            kind: kind?,
            start: start?,
            processing: processing?,
            checkpoint: checkpoint?,
            dedupe_window: dedupe_window?,
            lag_p99: lag_p99?.map(|found| found.value),
            lag_trend: lag_trend?.map(|found| found.value),
            delivery: delivery?,
            order_per_key: order_per_key?,
        })
    };
    (name, consumer())
}

fn refuse_others(reader: &mut TableReader<'_>, kind: Kind) {
    let own = MEMBERS.iter().find(|(of, _)| *of == kind).map_or(&[] as &[&str], |(_, members)| members);
    let mut refused: Vec<&str> = Vec::new();
    for (_, members) in MEMBERS {
        for member in members.iter().filter(|member| !own.contains(member)) {
            if !refused.contains(member) {
                refused.push(member);
                let of: Vec<String> = MEMBERS
                    .iter()
                    .filter(|(_, members)| members.contains(member))
                    .filter_map(|(of, _)| KINDS.iter().find(|(_, kind)| kind == of))
                    .map(|(word, _)| format!("\"{word}\""))
                    .collect();
                reader.misplaced(member, &format!("belongs to the type {}", of.join(" or ")));
            }
        }
    }
}

fn kind(reader: &mut TableReader<'_>, kind: Kind, profile: &Profile) -> Result<ConsumerKind, Reported> {
    let most = u32::try_from(profile.request.get_records).unwrap_or(u32::MAX);
    match kind {
        Kind::Polling => {
            let interval = reader.or("interval", Duration::from_millis(200));
            let interval = positive(reader, interval);
            let limit = reader.or("limit", most);
            let limit = reader.within(limit, 1..=most);
            Ok(ConsumerKind::Polling { interval: interval?.value, limit: limit?.value })
        }
        Kind::Efo => Ok(ConsumerKind::Efo),
        Kind::Kcl => {
            let workers = reader.or("workers", 1);
            let workers = reader.within(workers, 1..=MOST_WORKERS);
            // The defaults of KCL 3.5.1 (fact sheet, section 9.3).
            let idle_time = reader.or("idle_time", Duration::from_millis(1_500));
            let idle_time = reader.check(
                idle_time,
                |time| *time >= Duration::from_millis(200),
                "must be at least 200 ms",
                "the library does not read a shard more often",
            );
            let limit = reader.or("limit", most);
            let limit = reader.within(limit, 1..=most);
            let failover_time = reader.or("failover_time", Duration::from_secs(10));
            let failover_time = positive(reader, failover_time);
            let fan_out = reader.or("fan_out", false);
            Ok(ConsumerKind::Kcl {
                workers: workers?.value,
                idle_time: idle_time?.value,
                limit: limit?.value,
                failover_time: failover_time?.value,
                fan_out: fan_out?.value,
            })
        }
        Kind::Lambda => lambda(reader),
        Kind::Firehose => {
            let buffer_interval = reader.or("buffer_interval", Duration::from_secs(60));
            let buffer_bytes = reader.or("buffer_bytes", Bytes(5 << 20));
            let buffer_bytes = reader.check(
                buffer_bytes,
                |bytes| bytes.0 > 0,
                "must be more than zero",
                "write a size such as \"5 MiB\"",
            );
            Ok(ConsumerKind::Firehose { buffer_interval: buffer_interval?.value, buffer_bytes: buffer_bytes?.value })
        }
    }
}

/// The limits are those of event source mappings (fact sheet, section 6).
fn lambda(reader: &mut TableReader<'_>) -> Result<ConsumerKind, Reported> {
    let batch_size = reader.or("batch_size", 100);
    let batch_size = reader.within(batch_size, 1..=10_000);
    let window = reader.or("window", Duration::ZERO);
    let window = reader.check(
        window,
        |window| *window <= Duration::from_secs(300),
        "must be at most 300 s",
        "Lambda's MaximumBatchingWindowInSeconds allows no more",
    );
    let parallelization_factor = reader.or("parallelization_factor", 1);
    let parallelization_factor = reader.within(parallelization_factor, 1..=10);
    let bisect = reader.or("bisect", false);
    let maximum_record_age = reader.optional::<Duration>("maximum_record_age");
    let maximum_record_age = maximum_record_age.transpose().map(|age| positive(reader, age)).transpose();
    let on_failure = reader.or("on_failure", false);
    let fan_out = reader.or("fan_out", false);
    Ok(ConsumerKind::Lambda {
        batch_size: batch_size?.value,
        window: window?.value,
        parallelization_factor: parallelization_factor?.value,
        bisect: bisect?.value,
        maximum_record_age: maximum_record_age?.map(|age| age.value),
        on_failure: on_failure?.value,
        fan_out: fan_out?.value,
    })
}

/// Refuses a name that leaves no room for what a run appends to it.
fn check_fan_out_name(reader: &TableReader<'_>, name: Found<String>) -> Found<String> {
    reader.check(
        name,
        |name| name.len() <= LONGEST_FAN_OUT_NAME,
        "is too long for a fan-out consumer",
        &format!("use at most {LONGEST_FAN_OUT_NAME} characters: each run registers it with nine more of its own"),
    )
}

fn start(reader: &mut TableReader<'_>) -> Result<Option<StartingPosition>, Reported> {
    if !matches!(reader.raw("start").map(Spanned::get_ref), Some(DeValue::Table(_))) {
        let words = [("trim-horizon", Some(StartingPosition::TrimHorizon)), ("latest", Some(StartingPosition::Latest))];
        return reader.choice("start", &words, Some(None)).map(|start| start.value);
    }
    let mut table = reader.section("start");
    let ago = table.optional::<Duration>("ago");
    let timestamp = table.optional::<String>("timestamp");
    let at = numbers(&mut table, "at_sequence_number");
    let after = numbers(&mut table, "after_sequence_number");
    let place = table.at();
    let problems = table.problems();
    table.finish();
    let (ago, timestamp, at, after) = (ago?, timestamp?, at?, after?);
    let timestamp = timestamp.map(|text| moment(reader, text)).transpose()?;
    let given = [
        ago.map(|ago| StartingPosition::Ago(ago.value)),
        timestamp.map(StartingPosition::Timestamp),
        at.map(StartingPosition::AtSequenceNumber),
        after.map(StartingPosition::AfterSequenceNumber),
    ];
    let mut given = given.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(start), None) => Ok(Some(start)),
        _ => {
            let problem = Diagnostic::new(format!("`{}` must say one thing", reader.path("start"))).at(place, "");
            Err(problems.report(problem.help(
                "write one of `ago`, `timestamp`, `at_sequence_number` and `after_sequence_number`, such as { ago = \"5m\" }",
            )))
        }
    }
}

/// A moment since 1970.
fn moment(reader: &TableReader<'_>, text: Placed<String>) -> Result<Duration, Reported> {
    let parsed = text.value.parse::<jiff::Timestamp>().ok();
    let since = parsed.and_then(|moment| Duration::try_from(moment.duration_since(jiff::Timestamp::UNIX_EPOCH)).ok());
    since.ok_or_else(|| {
        let problem = text.problem("must be a time since 1970").help("write it as \"2026-11-23T08:00:00Z\"");
        reader.problems().report(problem)
    })
}

/// Sequence numbers by shard.
fn numbers(table: &mut TableReader<'_>, key: &'static str) -> Result<Option<BTreeMap<String, String>>, Reported> {
    let (path, problems) = (table.path(key), table.problems());
    let Some(value) = table.raw(key) else { return Ok(None) };
    let wrong = |at: Range<usize>| {
        let problem = Diagnostic::new(format!("`{path}` must give each shard its sequence number")).at(Some(at), "");
        let help =
            "write { shardId-000000000000 = \"4954…\" }, with the digits in quotes; other shards start at TRIM_HORIZON";
        problems.report(problem.help(help))
    };
    let DeValue::Table(numbers) = value.get_ref() else { return Err(wrong(value.span())) };
    let number = |(shard, number): (&Spanned<_>, &Spanned<DeValue<'_>>)| match number.get_ref() {
        DeValue::String(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            let shard: &std::borrow::Cow<'_, str> = shard.get_ref();
            Ok((shard.to_string(), digits.to_string()))
        }
        _ => Err(wrong(number.span())),
    };
    numbers.iter().map(number).collect::<Result<BTreeMap<_, _>, _>>().map(Some)
}

fn processing(consumer: &mut TableReader<'_>, lambda: bool, folder: &Path) -> Result<Processing, Reported> {
    let mut reader = consumer.section("processing");
    let per_batch = service_time(&mut reader, "per_batch", folder);
    let per_record = service_time(&mut reader, "per_record", folder);
    let share = |reader: &mut TableReader<'_>, key: &'static str| {
        let share = reader.or(key, Share(0.0));
        reader.check(share, |share| (0.0..=1.0).contains(&share.0), "must be from 0% to 100%", "write \"1%\"")
    };
    let failure = share(&mut reader, "failure");
    let poison = share(&mut reader, "poison");
    let attempts = reader.optional::<u32>("attempts");
    let attempts = match attempts {
        Ok(Some(attempts)) => reader.within(Ok(attempts), 1..=10_001).map(|attempts| Some(attempts.value)),
        // A mapping tries until the record expires; the KCL, and most loops by hand, skip what failed.
        Ok(None) => Ok((!lambda).then_some(1)),
        Err(reported) => Err(reported),
    };
    let retry_delay = reader.or("retry_delay", Duration::from_millis(100));
    reader.finish();
    Ok(Processing {
        per_batch: per_batch?,
        per_record: per_record?,
        failure: failure?.value,
        poison: poison?.value,
        attempts: attempts?,
        retry_delay: retry_delay?.value,
    })
}

/// When a consumer notes how far it has got: a word or an interval.
fn checkpoint(reader: &mut TableReader<'_>) -> Result<Checkpoint, Reported> {
    match reader.raw("checkpoint").map(Spanned::get_ref) {
        Some(DeValue::String(word)) if word == "each-batch" => Ok(Checkpoint::EachBatch),
        Some(DeValue::String(word)) if word == "never" => Ok(Checkpoint::Never),
        Some(DeValue::String(interval)) if units::parse_duration(interval).is_ok() => {
            let interval = reader.optional::<Duration>("checkpoint")?;
            Ok(interval.map_or(Checkpoint::EachBatch, |interval| Checkpoint::Every(interval.value)))
        }
        Some(_) => {
            let message = format!("`{}` must be a word or an interval", reader.path("checkpoint"));
            let problem = Diagnostic::new(message).at(reader.place("checkpoint"), "");
            Err(reader
                .problems()
                .report(problem.help("write \"each-batch\", \"never\", or an interval such as \"10s\"")))
        }
        None => Ok(Checkpoint::EachBatch),
    }
}
