//! Whether two results can be compared at all.

use serde_json::Value;

use crate::result::{RunResult, ScenarioRecord, TargetRecord};

/// What stands between two results.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparability {
    /// Why they cannot be compared, in full sentences.
    pub refusals: Vec<String>,
    /// Ways in which they were asked for different things: they can be compared only by someone who means to.
    pub contradictions: Vec<String>,
    /// What a reader has to know.
    pub warnings: Vec<String>,
}

/// Compares what was asked for, and where.
pub fn comparability(baseline: &RunResult, candidate: &RunResult) -> Comparability {
    let mut found = Comparability::default();
    targets(baseline, candidate, &mut found);
    if baseline.part != candidate.part {
        found.refusals.push(format!(
            "The baseline offered part {}/{} of the load, the candidate part {}/{}.",
            baseline.part.index + 1,
            baseline.part.of,
            candidate.part.index + 1,
            candidate.part.of
        ));
    }
    if baseline.schema_version != candidate.schema_version {
        found.warnings.push(format!(
            "The baseline was written with schema version {}, the candidate with {}: what only one of them has is not compared.",
            baseline.schema_version, candidate.schema_version
        ));
    }
    let asked = scenario_differences(&baseline.scenario, &candidate.scenario);
    let (known, digests) = (asked.is_empty(), (baseline.measurement.digest, candidate.measurement.digest));
    found.contradictions.extend(asked);
    if let (true, (Some(a), Some(b))) = (known && whole(baseline) && whole(candidate), digests)
        && a != b
    {
        found.warnings.push(
            "The scenarios read alike, but the records that were offered differ: a trace has changed, or the version of the program makes \
             other records of them."
                .to_owned(),
        );
    }
    found
}

/// Whether a run offered all of its load, so that its digest is that of the scenario.
fn whole(result: &RunResult) -> bool {
    result.ending == crate::measure::Ending::Complete
}

fn targets(baseline: &RunResult, candidate: &RunResult, found: &mut Comparability) {
    use TargetRecord::{Aws, Embedded, Endpoint, Simulated};
    match (&baseline.target, &candidate.target) {
        (Simulated { profile: a }, Simulated { profile: b }) | (Embedded { profile: a }, Embedded { profile: b }) => {
            if a != b {
                found.warnings.push(format!(
                    "The baseline was made with the profile {a}, the candidate with {b}: their limits and latencies differ."
                ));
            }
        }
        (Endpoint { url: a }, Endpoint { url: b }) => {
            if a != b {
                found.warnings.push(format!("The baseline was measured on {a}, the candidate on {b}."));
            }
        }
        (Aws { region: a }, Aws { region: b }) => {
            if a != b {
                found.warnings.push(format!("The baseline was measured in the region {a}, the candidate in {b}."));
            }
        }
        (a, b) => found.refusals.push(format!(
            "The baseline is of {}, the candidate of {}: their figures are not of the same thing.",
            place(a),
            place(b)
        )),
    }
}

fn place(target: &TargetRecord) -> &'static str {
    match target {
        TargetRecord::Simulated { .. } => "the simulator",
        TargetRecord::Embedded { .. } => "the embedded emulator",
        TargetRecord::Endpoint { .. } => "an endpoint",
        TargetRecord::Aws { .. } => "AWS",
    }
}

/// Where two scenarios ask for different things. Comments, layout, the name of the file, and the question asked do not matter.
fn scenario_differences(baseline: &ScenarioRecord, candidate: &ScenarioRecord) -> Vec<String> {
    let mut found = Vec::new();
    let text = |record: &ScenarioRecord| record.source.parse::<toml::Table>().ok();
    match (text(baseline), text(candidate)) {
        (Some(a), Some(b)) => tables("", &asked(a), &asked(b), &mut found),
        _ if baseline.source != candidate.source => found.push("the text of the scenario".to_owned()),
        _ => {}
    }
    if baseline.overrides != candidate.overrides {
        let words = |overrides: &[String]| {
            if overrides.is_empty() { "none".to_owned() } else { format!("--set {}", overrides.join(" --set ")) }
        };
        found.push(format!("overrides: {} against {}", words(&baseline.overrides), words(&candidate.overrides)));
    }
    // What overrides changed in results that do not know their overrides.
    if found.is_empty() {
        let fields = |record: &ScenarioRecord| {
            let mut record = record.clone();
            (record.name, record.question, record.source, record.overrides) =
                (String::new(), None, String::new(), Vec::new());
            serde_json::to_value(record).unwrap_or_default()
        };
        if let (Value::Object(a), Value::Object(b)) = (fields(baseline), fields(candidate)) {
            // A field that only one version knows says nothing of what was asked for.
            let differing = a.iter().filter(|(key, value)| b.get(*key).is_some_and(|other| other != *value));
            found.extend(differing.map(|(key, _)| format!("{key}, by an override that the older result did not keep")));
        }
    }
    found.into_iter().map(|what| format!("The scenarios differ: {what}.")).collect()
}

/// A scenario without what is only for people.
fn asked(mut table: toml::Table) -> toml::Value {
    table.remove("question");
    toml::Value::Table(table)
}

fn tables(place: &str, baseline: &toml::Value, candidate: &toml::Value, found: &mut Vec<String>) {
    if let (toml::Value::Table(a), toml::Value::Table(b)) = (baseline, candidate) {
        let mut keys: Vec<&String> = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))).collect();
        keys.sort();
        for key in keys {
            let path = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
            match (a.get(key), b.get(key)) {
                (Some(a), Some(b)) => tables(&path, a, b, found),
                (Some(a), None) => found.push(format!("{path} is {} against nothing", brief(a))),
                (None, Some(b)) => found.push(format!("{path} is nothing against {}", brief(b))),
                (None, None) => {}
            }
        }
    } else if baseline != candidate {
        found.push(format!("{place} is {} against {}", brief(baseline), brief(candidate)));
    }
}

/// A value in a few words.
fn brief(value: &toml::Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    if text.chars().count() <= LONGEST {
        text
    } else {
        format!("{}…", text.chars().take(LONGEST).collect::<String>())
    }
}
