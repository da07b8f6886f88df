//! `[keys]`: how the records spread over partition keys.

use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::fields::positive;
use super::load::{Columns, TraceFound, recorded};
use crate::scenario::MOST_SHARDS;
use crate::scenario::diagnostics::Diagnostic;
use crate::scenario::reader::{Found, Placed, Reported, TableReader};
use crate::units::Share;
use crate::workload::Keys;

/// The plan weighs each key by itself.
const MOST_KEYS: u64 = 1_000_000;
const DEFAULT_KEYS: u64 = 10_000;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Uniform,
    Zipf,
    HotKey,
    HotSet,
    MovingHotKey,
    Weighted,
    Sequential,
}

const KINDS: [(&str, Kind); 7] = [
    ("uniform", Kind::Uniform),
    ("zipf", Kind::Zipf),
    ("hot-key", Kind::HotKey),
    ("hot-set", Kind::HotSet),
    ("moving-hot-key", Kind::MovingHotKey),
    ("weighted", Kind::Weighted),
    ("sequential", Kind::Sequential),
];

/// What each distribution is made of; a member that is not of it is refused.
const MEMBERS: [(Kind, &[&str]); 7] = [
    (Kind::Uniform, &["count"]),
    (Kind::Zipf, &["count", "exponent"]),
    (Kind::HotKey, &["count", "share"]),
    (Kind::HotSet, &["count", "share", "hot"]),
    (Kind::MovingHotKey, &["count", "share", "every"]),
    (Kind::Weighted, &["weights"]),
    (Kind::Sequential, &["count"]),
];

/// The keys of a scenario whose load takes `duration`, and whose stream has `shards`.
pub(super) fn keys(
    root: &mut TableReader<'_>,
    columns: &Columns,
    trace: TraceFound<'_>,
    duration: Option<Duration>,
    shards: Option<u32>,
) -> Found<Keys> {
    let column = || Ok(trace?.and_then(|trace| trace.keys.clone()));
    if let Some(keys) = recorded(root, columns.key.as_ref(), "keys", column)? {
        return Ok(keys);
    }
    let mut reader = root.section("keys");
    let keys = spread(&mut reader, duration);
    let keys = explicit(&mut reader, keys, shards);
    let at = reader.at();
    reader.finish();
    Ok(Placed { value: keys?, path: "keys".to_owned(), at })
}

/// The keys of a tenant; its records have no explicit hash keys.
pub(super) fn of_tenant(tenant: &mut TableReader<'_>, duration: Option<Duration>) -> Result<Keys, Reported> {
    let mut reader = tenant.section("keys");
    let keys = spread(&mut reader, duration);
    reader.misplaced("explicit_hash_keys", "belongs to a load without tenants");
    reader.finish();
    keys
}

/// A distribution over keys, salted if it is to be.
fn spread(reader: &mut TableReader<'_>, duration: Option<Duration>) -> Result<Keys, Reported> {
    let kind = reader.choice("distribution", &KINDS, Some(Kind::Uniform));
    let keys = match &kind {
        Ok(kind) => {
            refuse_others(reader, kind.value);
            distribution(reader, kind.value, duration)
        }
        Err(reported) => {
            MEMBERS.iter().flat_map(|(_, members)| *members).for_each(|member| _ = reader.raw(member));
            Err(*reported)
        }
    };
    salted(reader, keys)
}

fn refuse_others(reader: &mut TableReader<'_>, kind: Kind) {
    let own = MEMBERS.iter().find(|(of, _)| *of == kind).map_or(&[] as &[&str], |(_, members)| members);
    let name = KINDS.iter().find(|(_, other)| *other == kind).map_or("", |(name, _)| name);
    for member in ["count", "exponent", "share", "hot", "every", "weights"] {
        if !own.contains(&member) {
            reader.misplaced(member, &format!("has no meaning for the distribution \"{name}\""));
        }
    }
}

fn distribution(reader: &mut TableReader<'_>, kind: Kind, duration: Option<Duration>) -> Result<Keys, Reported> {
    if kind == Kind::Weighted {
        return weighted(reader);
    }
    let count = reader.or("count", DEFAULT_KEYS);
    let count = reader.within(count, 1..=MOST_KEYS);
    match kind {
        Kind::Uniform | Kind::Weighted => count.map(|count| Keys::uniform(count.value)),
        Kind::Sequential => count.map(|count| Keys::Sequential { count: count.value }),
        Kind::Zipf => {
            let exponent = reader.required("exponent", "exponent = 1.0");
            let exponent = reader.within(exponent, 0.0..=10.0)?;
            Keys::zipf(count?.value, exponent.value).map_err(|error| reader.problems().report(exponent.problem(error)))
        }
        Kind::HotKey => {
            let share = share(reader);
            let (count, share) = (count?, share?);
            more_than_fair(reader, share, 1, count).map(|(share, _, count)| Keys::hot_key(count, share))
        }
        Kind::HotSet => {
            let share = share(reader);
            let hot = reader.required::<u64>("hot", "hot = 10");
            let hot = reader.check(hot, |hot| *hot > 0, "must be more than zero", "so many keys are hot together");
            let (count, share, hot) = (count?, share?, hot?);
            if hot.value >= count.value {
                let problem = hot.problem("must be fewer than all keys").at(count.at, "so many keys there are");
                return Err(reader.problems().report(problem.help("lower `hot`, or raise `count`")));
            }
            more_than_fair(reader, share, hot.value, count).map(|(share, hot, count)| Keys::hot_set(count, hot, share))
        }
        Kind::MovingHotKey => {
            let share = share(reader);
            let every = reader.required::<Duration>("every", "every = \"10s\"");
            let every = positive(reader, every);
            let (count, share, every) = (count?, share?, every?.value);
            let load = duration.unwrap_or(every);
            let periods = load.as_nanos().div_ceil(every.as_nanos()).max(1);
            let periods = u64::try_from(periods).unwrap_or(u64::MAX);
            more_than_fair(reader, share, 1, count).map(|(share, _, count)| Keys::MovingHotKey {
                count,
                share,
                every,
                periods,
            })
        }
    }
}

fn share(reader: &mut TableReader<'_>) -> Found<Share> {
    reader.required::<Share>("share", "share = \"40%\"")
}

/// Refuses a share of hot keys that is no more than they would have anyway.
fn more_than_fair(
    reader: &TableReader<'_>,
    share: Placed<Share>,
    hot: u64,
    count: Placed<u64>,
) -> Result<(Share, u64, u64), Reported> {
    if share.value.0 * count.value as f64 >= hot as f64 {
        return Ok((share.value, hot, count.value));
    }
    let problem = share
        .problem("must be more than a fair share, or the key is not hot")
        .at(count.at, "so many keys share evenly")
        .help("raise `share` or `count`, so that the key gets more than the others");
    Err(reader.problems().report(problem))
}

/// `weights = { a = 5, b = 1 }`.
fn weighted(reader: &mut TableReader<'_>) -> Result<Keys, Reported> {
    let (path, problems) = (reader.path("weights"), reader.problems());
    const HELP: &str = "write { a = 5, b = 1 }: each key with its weight, a number above zero";
    let Some(value) = reader.raw("weights") else {
        return Err(reader.missing("weights", "weights = { a = 5, b = 1 }"));
    };
    let wrong = |at| {
        let problem = Diagnostic::new(format!("`{path}` must give each key its weight")).at(Some(at), "");
        problems.report(problem.help(HELP))
    };
    let DeValue::Table(table) = value.get_ref() else { return Err(wrong(value.span())) };
    let number = |value: &Spanned<DeValue<'_>>| {
        let number: Option<f64> = match value.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().parse().ok(),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => None,
        };
        number.filter(|number| number.is_finite() && *number > 0.0).ok_or_else(|| wrong(value.span()))
    };
    let mut weights = Vec::new();
    for (key, value) in table.iter() {
        let name = key.get_ref().to_string();
        if !(1..=256).contains(&name.chars().count()) {
            let problem = Diagnostic::new("a partition key has 1 to 256 characters").at(Some(key.span()), "");
            return Err(problems.report(problem));
        }
        weights.push((name, number(value)?));
    }
    if weights.is_empty() {
        return Err(wrong(value.span()));
    }
    Ok(Keys::weighted(&weights))
}

/// `salt = 8`: each key is split into so many buckets.
fn salted(reader: &mut TableReader<'_>, keys: Result<Keys, Reported>) -> Result<Keys, Reported> {
    let Some(salt) = reader.optional::<u32>("salt")? else { return keys };
    let salt = reader.within(Ok(salt), 2..=10_000)?;
    let keys = keys?;
    if keys.count() * u64::from(salt.value) > MOST_KEYS {
        let message = format!("makes {} keys of {}", keys.count() * u64::from(salt.value), keys.count());
        let help = format!("the plan weighs each key by itself: stay below {MOST_KEYS} keys in all");
        return Err(reader.problems().report(salt.problem(message).help(help)));
    }
    Ok(Keys::Salted { keys: Box::new(keys), buckets: salt.value })
}

/// `explicit_hash_keys = true` makes one for each shard; a number makes them of so many equal parts of the key space.
fn explicit(reader: &mut TableReader<'_>, keys: Result<Keys, Reported>, shards: Option<u32>) -> Result<Keys, Reported> {
    let parts = match reader.raw("explicit_hash_keys").map(Spanned::get_ref) {
        Some(DeValue::Integer(_)) => {
            let parts = reader.required::<u32>("explicit_hash_keys", "")?;
            Some((reader.within(Ok(parts), 1..=MOST_SHARDS)?.value, false))
        }
        Some(DeValue::Boolean(_)) | None => {
            reader.or("explicit_hash_keys", false)?.value.then_some((shards.unwrap_or(1), true))
        }
        Some(_) => {
            let message = format!("`{}` must be true, or a number of parts", reader.path("explicit_hash_keys"));
            let problem = Diagnostic::new(message).at(reader.place("explicit_hash_keys"), "");
            return Err(reader.problems().report(problem.help("true makes one part for each shard")));
        }
    };
    let keys = keys?;
    Ok(match parts {
        Some((parts, per_shard)) => Keys::explicit(keys, parts, per_shard),
        None => keys,
    })
}
