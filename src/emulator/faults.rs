//! Fault rules as documents: `GET /faults` shows those in force, `PUT /faults` replaces them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::kinesis::{Damage, FaultKind, FaultRule, Operation, ShardId};
use crate::time::Time;
use crate::units;

/// A rule as JSON. Times count from the moment the document is put.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    kind: Kind,
    /// How much later the answers come, for the kind `delay`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay: Option<String>,
    /// From 0 to 1.
    #[serde(default = "certain")]
    probability: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    operations: Vec<Operation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stream: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shard: Option<u32>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    InternalFailure,
    ServiceUnavailable,
    Throttling,
    ProvisionedThroughputExceeded,
    ExpiredIterator,
    ExpiredCredentials,
    ConnectionDropped,
    Delay,
    RecordLost,
    RecordDuplicated,
    RecordCorrupted,
    RecordsStoredSwapped,
    RecordsDeliveredSwapped,
}

const fn certain() -> f64 {
    1.0
}

/// Reads the rules of a document that was put at `now`.
///
/// # Errors
/// It is not a list of rules: what is wrong with it.
pub(super) fn read(document: &[u8], now: Time) -> Result<Vec<FaultRule>, String> {
    let rules: Vec<Rule> = serde_json::from_slice(document).map_err(|error| error.to_string())?;
    let read = |(index, rule): (usize, Rule)| rule.read(now).map_err(|problem| format!("rule {index}: {problem}"));
    rules.into_iter().enumerate().map(read).collect()
}

/// The rules in force as a document; times that are past at `now` are left out.
pub(super) fn write(rules: &[FaultRule], now: Time) -> Vec<u8> {
    let rules: Vec<Rule> = rules.iter().map(|rule| Rule::of(rule, now)).collect();
    // Nothing in it can fail to be written.
    serde_json::to_vec_pretty(&rules).unwrap_or_default()
}

impl Rule {
    fn read(self, now: Time) -> Result<FaultRule, String> {
        let duration = |text: Option<String>, member: &str| {
            text.map(|text| units::parse_duration(&text).map_err(|error| format!("`{member}`: {error}"))).transpose()
        };
        if !(0.0..=1.0).contains(&self.probability) {
            return Err("`probability` must be from 0 to 1".to_owned());
        }
        let delay = duration(self.delay, "delay")?;
        let kind = match (self.kind, delay) {
            (Kind::Delay, Some(delay)) => FaultKind::Delay(delay),
            (Kind::Delay, None) => return Err("the kind `delay` needs a `delay`, such as \"500ms\"".to_owned()),
            (_, Some(_)) => return Err("`delay` is for the kind `delay` only".to_owned()),
            (Kind::InternalFailure, None) => FaultKind::InternalFailure,
            (Kind::ServiceUnavailable, None) => FaultKind::ServiceUnavailable,
            (Kind::Throttling, None) => FaultKind::Throttling,
            (Kind::ProvisionedThroughputExceeded, None) => FaultKind::ProvisionedThroughputExceeded,
            (Kind::ExpiredIterator, None) => FaultKind::ExpiredIterator,
            (Kind::ExpiredCredentials, None) => FaultKind::ExpiredCredentials,
            (Kind::ConnectionDropped, None) => FaultKind::ConnectionDropped,
            (Kind::RecordLost, None) => FaultKind::Damage(Damage::Lose),
            (Kind::RecordDuplicated, None) => FaultKind::Damage(Damage::Duplicate),
            (Kind::RecordCorrupted, None) => FaultKind::Damage(Damage::Corrupt),
            (Kind::RecordsStoredSwapped, None) => FaultKind::Damage(Damage::SwapStored),
            (Kind::RecordsDeliveredSwapped, None) => FaultKind::Damage(Damage::SwapDelivered),
        };
        let from = duration(self.from, "from")?.unwrap_or(Duration::ZERO);
        let until = duration(self.until, "until")?;
        Ok(FaultRule {
            kind,
            probability: self.probability,
            from: now + from,
            until: until.map_or(Time::NEVER, |until| now + until),
            operations: self.operations,
            stream: self.stream,
            shard: self.shard.map(ShardId),
        })
    }

    fn of(rule: &FaultRule, now: Time) -> Self {
        let ahead = |time: Time| (time > now && time < Time::NEVER).then(|| units::duration(time.since(now)));
        let (kind, delay) = match rule.kind {
            FaultKind::InternalFailure => (Kind::InternalFailure, None),
            FaultKind::ServiceUnavailable => (Kind::ServiceUnavailable, None),
            FaultKind::Throttling => (Kind::Throttling, None),
            FaultKind::ProvisionedThroughputExceeded => (Kind::ProvisionedThroughputExceeded, None),
            FaultKind::ExpiredIterator => (Kind::ExpiredIterator, None),
            FaultKind::ExpiredCredentials => (Kind::ExpiredCredentials, None),
            FaultKind::ConnectionDropped => (Kind::ConnectionDropped, None),
            FaultKind::Damage(Damage::Lose) => (Kind::RecordLost, None),
            FaultKind::Damage(Damage::Duplicate) => (Kind::RecordDuplicated, None),
            FaultKind::Damage(Damage::Corrupt) => (Kind::RecordCorrupted, None),
            FaultKind::Damage(Damage::SwapStored) => (Kind::RecordsStoredSwapped, None),
            FaultKind::Damage(Damage::SwapDelivered) => (Kind::RecordsDeliveredSwapped, None),
            FaultKind::Delay(delay) => (Kind::Delay, Some(units::duration(delay))),
        };
        Self {
            kind,
            delay,
            probability: rule.probability,
            from: ahead(rule.from),
            until: ahead(rule.until),
            operations: rule.operations.clone(),
            stream: rule.stream.clone(),
            shard: rule.shard.map(|shard| shard.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_and_shown() {
        let document = br#"[{"kind": "delay", "delay": "500ms", "from": "10s", "until": "20s", "shard": 3},
            {"kind": "internal-failure", "probability": 0.25, "operations": ["PutRecords"], "stream": "orders"}]"#;
        let rules = read(document, Time::from_secs(5)).unwrap();
        assert_eq!(rules[0].kind, FaultKind::Delay(Duration::from_millis(500)));
        assert_eq!((rules[0].from, rules[0].until), (Time::from_secs(15), Time::from_secs(25)));
        assert_eq!((rules[1].probability, rules[1].operations.as_slice()), (0.25, &[Operation::PutRecords][..]));
        let shown = String::from_utf8(write(&rules, Time::from_secs(18))).unwrap();
        assert!(shown.contains("\"until\": \"7 s\"") && !shown.contains("\"from\""), "{shown}");
        assert_eq!(read(shown.as_bytes(), Time::from_secs(18)).unwrap()[1], rules[1].clone_at(Time::from_secs(18)));
    }

    impl FaultRule {
        /// The rule as it is once it has begun.
        fn clone_at(&self, now: Time) -> Self {
            Self { from: now, ..self.clone() }
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (document, word) in [
            ("{}", "sequence"),
            (r#"[{"kind": "boom"}]"#, "boom"),
            (r#"[{"kind": "delay"}]"#, "rule 0: the kind `delay` needs"),
            (r#"[{"kind": "throttling", "probability": 2}]"#, "from 0 to 1"),
            (r#"[{"kind": "throttling", "from": "soon"}]"#, "`from`"),
            (r#"[{"kind": "throttling", "odds": 1}]"#, "odds"),
        ] {
            let problem = read(document.as_bytes(), Time::ZERO).unwrap_err();
            assert!(problem.contains(word), "{problem}");
        }
    }
}
