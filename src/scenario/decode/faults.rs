//! `[[fault]]`: what the embedded emulator does wrong, and when.

use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use crate::kinesis::{Damage, FaultKind, FaultRule, Operation, ShardId};
use crate::scenario::diagnostics::Diagnostic;
use crate::scenario::reader::{Problems, Reported, TableReader, closest};
use crate::time::Time;
use crate::units::Share;

const KINDS: [(&str, Option<FaultKind>); 13] = [
    ("internal-failure", Some(FaultKind::InternalFailure)),
    ("service-unavailable", Some(FaultKind::ServiceUnavailable)),
    ("throttling", Some(FaultKind::Throttling)),
    ("provisioned-throughput-exceeded", Some(FaultKind::ProvisionedThroughputExceeded)),
    ("expired-iterator", Some(FaultKind::ExpiredIterator)),
    ("expired-credentials", Some(FaultKind::ExpiredCredentials)),
    ("connection-dropped", Some(FaultKind::ConnectionDropped)),
    // Its length is a key of its own.
    ("delay", None),
    (Damage::Lose.word(), Some(FaultKind::Damage(Damage::Lose))),
    (Damage::Duplicate.word(), Some(FaultKind::Damage(Damage::Duplicate))),
    (Damage::Corrupt.word(), Some(FaultKind::Damage(Damage::Corrupt))),
    (Damage::SwapStored.word(), Some(FaultKind::Damage(Damage::SwapStored))),
    (Damage::SwapDelivered.word(), Some(FaultKind::Damage(Damage::SwapDelivered))),
];

/// The rules of a scenario; times count from the start of the load.
pub(super) fn faults(root: &mut TableReader<'_>) -> Result<Vec<FaultRule>, Reported> {
    let problems = root.problems();
    let Some(value) = root.raw("fault") else { return Ok(Vec::new()) };
    let DeValue::Array(array) = value.get_ref() else {
        let problem = Diagnostic::new("`fault` must be a list of tables").at(Some(value.span()), "");
        return Err(problems.report(problem.help("write [[fault]] with two brackets, once for each fault")));
    };
    let rules: Vec<_> = array.iter().enumerate().map(|(position, value)| rule(position, value, problems)).collect();
    rules.into_iter().collect()
}

fn rule(position: usize, value: &Spanned<DeValue<'_>>, problems: &Problems) -> Result<FaultRule, Reported> {
    let mut reader = TableReader::of(value, format!("fault.{position}"), problems);
    let kind = reader.choice("kind", &KINDS, None);
    let delay = match &kind {
        Ok(kind) if kind.value.is_none() => Some(reader.required::<Duration>("delay", "delay = \"500ms\"")),
        Ok(_) => {
            reader.misplaced("delay", "has a meaning for the kind \"delay\" only");
            None
        }
        Err(_) => {
            reader.raw("delay");
            None
        }
    };
    let probability = reader.or("probability", Share(1.0));
    let probability =
        reader.check(probability, |share| (0.0..=1.0).contains(&share.0), "must be from 0% to 100%", "write \"1%\"");
    let from = reader.or("from", Duration::ZERO);
    let until = reader.optional::<Duration>("until");
    let operations = operations(&mut reader, kind.as_ref().ok().and_then(|kind| kind.value));
    let shard = reader.optional::<u32>("shard");
    let (from, until) = (from?, until?);
    if let Some(until) = &until
        && until.value <= from.value
    {
        problems.report(until.problem("must be later than `from`").help("both count from the start of the load"));
    }
    reader.finish();
    let kind = match delay {
        Some(delay) => FaultKind::Delay(delay?.value),
        None => kind?.value.unwrap_or(FaultKind::InternalFailure),
    };
    Ok(FaultRule {
        kind,
        probability: probability?.value.0,
        from: Time::ZERO + from.value,
        until: until.map_or(Time::NEVER, |until| Time::ZERO + until.value),
        operations: operations?,
        stream: None,
        shard: shard?.map(|shard| ShardId(shard.value)),
    })
}

fn operations(reader: &mut TableReader<'_>, kind: Option<FaultKind>) -> Result<Vec<Operation>, Reported> {
    let (path, problems) = (reader.path("operations"), reader.problems());
    let Some(value) = reader.raw("operations") else { return Ok(Vec::new()) };
    let names: Vec<&str> = Operation::ALL.iter().map(|operation| operation.name()).collect();
    let wrong = |at: &Spanned<DeValue<'_>>, help: String| {
        let problem = Diagnostic::new(format!("`{path}` must be a list of operations")).at(Some(at.span()), "");
        problems.report(problem.help(help))
    };
    let DeValue::Array(array) = value.get_ref() else {
        return Err(wrong(value, "write operations = [\"PutRecords\"]".to_owned()));
    };
    let read = |value: &Spanned<DeValue<'_>>| -> Result<Operation, Reported> {
        match value.get_ref() {
            DeValue::String(name) => match name.parse() {
                Ok(operation) => match misplaced(kind, operation) {
                    Some(help) => {
                        let problem = Diagnostic::new(format!("`{path}` has an operation that this fault cannot hit"));
                        Err(problems.report(problem.at(Some(value.span()), "").help(help)))
                    }
                    None => Ok(operation),
                },
                Err(()) => Err(match closest(name, &names) {
                    Some(near) => wrong(value, format!("did you mean \"{near}\"?")),
                    None => wrong(value, "use the names of the Kinesis API, such as \"PutRecords\"".to_owned()),
                }),
            },
            _ => Err(wrong(value, "write each one in quotes, such as \"PutRecords\"".to_owned())),
        }
    };
    array.iter().map(read).collect::<Vec<_>>().into_iter().collect()
}

/// What to write instead, if a kind of fault cannot hit an operation.
fn misplaced(kind: Option<FaultKind>, operation: Operation) -> Option<String> {
    let Some(FaultKind::Damage(damage)) = kind else { return None };
    let reads = matches!(operation, Operation::GetRecords | Operation::SubscribeToShard);
    match damage.is_of_puts() {
        true if operation.is_put() => None,
        false if reads => None,
        true => Some(format!("{} happens to records that are put: \"PutRecords\" or \"PutRecord\"", damage.word())),
        false => Some(format!("{} happens to answers: \"GetRecords\" or \"SubscribeToShard\"", damage.word())),
    }
}
