//! `[[event]]`: what happens during a run.

use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use crate::client::ConsumerKind;
use crate::kinesis::StreamMode;
use crate::scenario::MOST_SHARDS;
use crate::scenario::diagnostics::Diagnostic;
use crate::scenario::reader::{Placed, Problems, Reported, TableReader, closest};
use crate::scenario::{Action, Consumer, Event, InterruptionKind, ShardChoice};
use crate::time::Time;
use crate::units::{self, Share};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    SplitShard,
    MergeShards,
    UpdateShardCount,
    UpdateStreamMode,
    UpdateWarmThroughput,
    Consumer(InterruptionKind),
}

const KINDS: [(&str, Kind); 10] = [
    ("split-shard", Kind::SplitShard),
    ("merge-shards", Kind::MergeShards),
    ("update-shard-count", Kind::UpdateShardCount),
    ("update-stream-mode", Kind::UpdateStreamMode),
    ("update-warm-throughput", Kind::UpdateWarmThroughput),
    ("stop-consumer", Kind::Consumer(InterruptionKind::Stop)),
    ("kill-consumer", Kind::Consumer(InterruptionKind::Kill)),
    ("start-consumer", Kind::Consumer(InterruptionKind::Start)),
    ("kill-worker", Kind::Consumer(InterruptionKind::KillWorker)),
    ("add-worker", Kind::Consumer(InterruptionKind::AddWorker)),
];

/// The events of a scenario, in the order of time; `ends` is when the load ends, and `commitment` whether the account has the
/// commitment that warm throughput needs.
pub(super) fn events(
    root: &mut TableReader<'_>,
    consumers: Result<&[Consumer], Reported>,
    ends: Option<&Placed<Duration>>,
    commitment: bool,
) -> Result<Vec<Event>, Reported> {
    let problems = root.problems();
    let Some(value) = root.raw("event") else { return Ok(Vec::new()) };
    let DeValue::Array(array) = value.get_ref() else {
        let problem = Diagnostic::new("`event` must be a list of tables").at(Some(value.span()), "");
        return Err(problems.report(problem.help("write [[event]] with two brackets, once for each event")));
    };
    let read = |(position, value): (usize, &Spanned<DeValue<'_>>)| {
        event(position, value, consumers, ends, commitment, problems)
    };
    let events: Vec<_> = array.iter().enumerate().map(read).collect();
    let mut events = events.into_iter().collect::<Result<Vec<Event>, _>>()?;
    events.sort_by_key(|event| event.at);
    Ok(events)
}

fn event(
    position: usize,
    value: &Spanned<DeValue<'_>>,
    consumers: Result<&[Consumer], Reported>,
    ends: Option<&Placed<Duration>>,
    commitment: bool,
    problems: &Problems,
) -> Result<Event, Reported> {
    let mut reader = TableReader::of(value, format!("event.{position}"), problems);
    let at = reader.required::<Duration>("at", "at = \"30s\"").and_then(|at| match ends {
        Some(ends) if at.value >= ends.value => {
            let problem = at
                .problem("must be before the end of the load")
                .at(ends.at.clone(), format!("the load ends after {}", units::duration(ends.value)))
                .help("what happens later would not be measured");
            Err(problems.report(problem))
        }
        _ => Ok(at),
    });
    let kind = reader.choice("kind", &KINDS, None);
    if let Ok(kind) = &kind
        && kind.value == Kind::UpdateWarmThroughput
        && !commitment
    {
        let problem = kind.problem("needs the minimum throughput billing commitment of the account");
        problems.report(problem.help("add commitment = true to [stream]: On-demand Advantage"));
    }
    let action = match &kind {
        Ok(kind) => {
            let unused = members(kind.value);
            for member in ["shard", "cut", "shards", "mode", "mib_per_second", "consumer", "worker"] {
                if !unused.contains(&member) {
                    reader.misplaced(member, "has no meaning for this kind of event");
                }
            }
            action(&mut reader, kind.value, consumers)
        }
        Err(reported) => {
            for member in ["shard", "cut", "shards", "mode", "mib_per_second", "consumer", "worker"] {
                reader.raw(member);
            }
            Err(*reported)
        }
    };
    reader.finish();
    Ok(Event { at: Time::ZERO + at?.value, action: action? })
}

/// The keys of a kind.
const fn members(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::SplitShard => &["shard", "cut"],
        Kind::MergeShards => &["shard"],
        Kind::UpdateShardCount => &["shards"],
        Kind::UpdateStreamMode => &["mode"],
        Kind::UpdateWarmThroughput => &["mib_per_second"],
        Kind::Consumer(InterruptionKind::KillWorker) => &["consumer", "worker"],
        Kind::Consumer(_) => &["consumer"],
    }
}

fn action(
    reader: &mut TableReader<'_>,
    kind: Kind,
    consumers: Result<&[Consumer], Reported>,
) -> Result<Action, Reported> {
    Ok(match kind {
        Kind::SplitShard => {
            let shard = shard(reader);
            let cut = reader.or("cut", Share(0.5));
            let inside = |cut: &Share| cut.0 > 0.0 && cut.0 < 1.0;
            let cut = reader.check(cut, inside, "must be between 0% and 100%", "\"50%\" cuts the shard in halves");
            Action::SplitShard { shard: shard?, cut: cut?.value }
        }
        Kind::MergeShards => Action::MergeShards { shard: shard(reader)? },
        Kind::UpdateShardCount => {
            let shards = reader.required("shards", "shards = 8");
            Action::UpdateShardCount { shards: reader.within(shards, 1..=MOST_SHARDS)?.value }
        }
        Kind::UpdateStreamMode => {
            let modes = [("provisioned", StreamMode::Provisioned), ("on-demand", StreamMode::OnDemand)];
            Action::UpdateStreamMode { mode: reader.choice("mode", &modes, None)?.value }
        }
        Kind::UpdateWarmThroughput => {
            let mib = reader.required("mib_per_second", "mib_per_second = 8");
            Action::UpdateWarmThroughput { mib_per_second: reader.within(mib, 1..=100_000)?.value }
        }
        Kind::Consumer(interruption) => {
            let consumer = known_consumer(reader, interruption, consumers);
            let worker = if interruption == InterruptionKind::KillWorker { reader.or("worker", 0)?.value } else { 0 };
            Action::Consumer { consumer: consumer?, interruption, worker }
        }
    })
}

/// A place among the open shards, or `"hottest"`.
fn shard(reader: &mut TableReader<'_>) -> Result<ShardChoice, Reported> {
    match reader.raw("shard").map(Spanned::get_ref) {
        Some(DeValue::Integer(_)) => {
            let place = reader.required::<u32>("shard", "shard = 0")?;
            Ok(ShardChoice::Place(place.value))
        }
        Some(DeValue::String(word)) if word == "hottest" => Ok(ShardChoice::Hottest),
        None => Err(reader.missing("shard", "shard = 0, the first open shard in hash key order, or \"hottest\"")),
        Some(_) => {
            let message = format!("`{}` must be a place among the open shards", reader.path("shard"));
            let problem = Diagnostic::new(message).at(reader.place("shard"), "");
            Err(reader.problems().report(problem.help("write 0 for the first in hash key order, or \"hottest\"")))
        }
    }
}

fn known_consumer(
    reader: &mut TableReader<'_>,
    interruption: InterruptionKind,
    consumers: Result<&[Consumer], Reported>,
) -> Result<String, Reported> {
    let name = reader.required::<String>("consumer", "consumer = \"analytics\"")?;
    let consumers = consumers?;
    let Some(consumer) = consumers.iter().find(|consumer| consumer.name == name.value) else {
        let names: Vec<&str> = consumers.iter().map(|consumer| consumer.name.as_str()).collect();
        let help = match closest(&name.value, &names) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None if names.is_empty() => "add a [[consumer]] with this name".to_owned(),
            None => format!("the scenario has {}", names.join(", ")),
        };
        return Err(reader.problems().report(name.problem("must be the name of a consumer").help(help)));
    };
    let workers = matches!(interruption, InterruptionKind::KillWorker | InterruptionKind::AddWorker);
    if workers && !matches!(consumer.kind, ConsumerKind::Kcl { .. }) {
        let problem = name.problem("must be a consumer of the type \"kcl\"").help("only such a consumer has workers");
        return Err(reader.problems().report(problem));
    }
    Ok(name.value)
}
