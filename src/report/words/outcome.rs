//! What a run comes to, where it was made, and by which program.

use crate::kinesis::Profile;
use crate::report::content::{Source, Status, Text};
use crate::result::{RunResult, TargetRecord};
use crate::units::{self, Share};
use crate::verdict::{Agreement, Calibration, Conclusion, ObjectiveStatus, Verdict};

/// What a verdict comes to, with its mark.
pub fn conclusion(verdict: &Verdict) -> &'static str {
    match verdict.conclusion {
        Conclusion::Met if verdict.objectives.is_empty() => "✓ valid",
        Conclusion::Met => "✓ objectives met",
        Conclusion::Missed if verdict.objectives.is_empty() => "✗ nothing was accepted",
        Conclusion::Missed => "✗ objectives missed",
        Conclusion::Void => "✗ void: the figures do not count",
    }
}

/// Whether that is good; `None` for what does not count.
pub const fn conclusion_status(conclusion: Conclusion) -> Option<Status> {
    match conclusion {
        Conclusion::Met => Some(Status::Good),
        Conclusion::Missed => Some(Status::Bad),
        Conclusion::Void => None,
    }
}

/// What makes a run valid.
pub const VALID: &str = "The run is valid: the generator kept its schedule and the ledger balances.";

/// Whether an objective is met, with its mark.
pub const fn objective(status: ObjectiveStatus) -> &'static str {
    match status {
        ObjectiveStatus::Pass => "✓ met",
        ObjectiveStatus::Fail => "✗ missed",
        ObjectiveStatus::NotMeasurable => "? not measurable",
    }
}

/// The same as a status.
pub const fn objective_status(status: ObjectiveStatus) -> Status {
    match status {
        ObjectiveStatus::Pass => Status::Good,
        ObjectiveStatus::Fail => Status::Bad,
        ObjectiveStatus::NotMeasurable => Status::Unclear,
    }
}

/// What it means that plan and measurement agree, or do not.
pub const fn agreement_status(agreement: Agreement) -> Status {
    match agreement {
        Agreement::Agrees => Status::Good,
        Agreement::ModelOptimistic => Status::Bad,
        Agreement::ModelPessimistic => Status::Unclear,
    }
}

/// How well plan and measurement agree, in a sentence.
pub fn calibration(calibration: &Calibration) -> String {
    let Calibration { judged, agree, optimistic, pessimistic, typical_error } = calibration;
    let apart = [(*optimistic, "optimistic"), (*pessimistic, "pessimistic")];
    let apart: Vec<String> = apart
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("of {count} the model is {word}"))
        .collect();
    let apart = if apart.is_empty() { String::new() } else { format!(", {}", apart.join(", ")) };
    let error = typical_error.map_or_else(String::new, |error| format!("; typically they are {} apart", Share(error)));
    format!("{agree} of {judged} figures agree{apart}{error}.")
}

/// Where records went, as a sum.
pub fn ledger(result: &RunResult) -> String {
    let counters = &result.measurement.counters;
    format!(
        "{} offered {} {} accepted + {} failed + {} abandoned + {} unknown + {} in flight",
        units::count(counters.offered),
        if counters.balance() { "=" } else { "≠" },
        units::count(counters.accepted),
        units::count(counters.failed),
        units::count(counters.abandoned),
        units::count(counters.unknown),
        units::count(counters.in_flight)
    )
}

/// The name of a profile with its date, if it is known.
pub fn dated_profile(name: &str) -> String {
    let newest = Profile::newest();
    if newest.name == name { format!("{name} of {}", newest.date) } else { name.to_owned() }
}

/// The same in the middle of a sentence.
fn with_profile(text: Text, name: &str) -> Text {
    let newest = Profile::newest();
    let date = if newest.name == name { format!(" (as of {})", newest.date) } else { String::new() };
    text.code(name).and(date)
}

/// Where a run was made, in a few words.
pub fn target(target: &TargetRecord) -> String {
    match target {
        TargetRecord::Embedded { profile } => {
            format!("on the embedded emulator ({}): a model of AWS, not AWS", dated_profile(profile))
        }
        TargetRecord::Simulated { profile } => {
            format!("simulated ({}): a model of AWS, not AWS", dated_profile(profile))
        }
        TargetRecord::Endpoint { url } => format!("on {url}"),
        TargetRecord::Aws { region } => format!("on Amazon Kinesis Data Streams in {region}"),
    }
}

/// The same of runs that are compared.
pub fn measured_at(of: &TargetRecord) -> String {
    match of {
        TargetRecord::Simulated { .. } => target(of),
        _ => format!("measured {}", target(of)),
    }
}

/// Where a run was made, and what its figures are worth, in sentences.
pub fn target_in_sentences(target: &TargetRecord) -> Text {
    match target {
        TargetRecord::Embedded { profile } => {
            let what = Text::default().strong("Measured on the embedded emulator");
            let what = what.and(", a model of Amazon Kinesis with the limits and latencies of the profile ");
            with_profile(what, profile).and(". It is a model of AWS, not AWS.")
        }
        TargetRecord::Simulated { profile } => simulated(profile),
        TargetRecord::Endpoint { url } => Text::default()
            .strong("Measured on the endpoint ")
            .code(url)
            .and(". Unless that is AWS, the figures are those of an emulator, not of AWS."),
        TargetRecord::Aws { region } => {
            Text::default().strong("Measured on Amazon Kinesis Data Streams").and(format!(" in {region}."))
        }
    }
}

/// What a simulation is, in sentences.
pub fn simulated(profile: &str) -> Text {
    let what = Text::default().strong("Simulated in virtual time");
    with_profile(what.and(" with the limits and latencies of the profile "), profile)
        .and(". Nothing was sent: the figures are those of a model of AWS, not of AWS.")
}

/// Which profile a model follows, in a sentence.
pub fn of_profile(words: &str, profile: &str) -> Text {
    with_profile(Text::from(format!("{words} Limits and latencies of the model are those of the profile ")), profile)
        .and(".")
}

impl From<&TargetRecord> for Source {
    fn from(target: &TargetRecord) -> Self {
        match target {
            TargetRecord::Embedded { .. } | TargetRecord::Simulated { .. } => Self::Model,
            TargetRecord::Endpoint { .. } => Self::Endpoint,
            TargetRecord::Aws { .. } => Self::Aws,
        }
    }
}

/// What stands at the foot of each sheet of paper.
pub const fn source(source: Source) -> &'static str {
    match source {
        Source::Model => "streamgauge – the figures are those of a model of AWS, not of AWS",
        Source::Endpoint => "streamgauge – the figures are those of an endpoint; unless it is AWS, not of AWS",
        Source::Aws => "streamgauge – measured on Amazon Kinesis Data Streams",
        Source::Mixed => "streamgauge – the figures of a model are not those of AWS; each run says where it is from",
    }
}

/// Which version measured, and which one predicted, judged and wrote: a result is read by later versions, too.
pub fn versions(measured_by: &str) -> String {
    let this = env!("CARGO_PKG_VERSION");
    if measured_by == this {
        format!("Measured, judged and written by streamgauge {this}.")
    } else {
        format!(
            "Measured by streamgauge {measured_by}; predicted and judged again, and written, by streamgauge {this}."
        )
    }
}

/// Which version wrote a report of a kind, and by which version of its schema.
pub fn written(kind: &str, schema_version: u32) -> String {
    format!("Written by streamgauge {}, {kind} schema {schema_version}.", env!("CARGO_PKG_VERSION"))
}

/// What a closed loop is, and what its figures leave out.
pub fn closed_loop(producers: impl std::fmt::Display) -> Text {
    Text::labelled(
        "Closed loop",
        format!(
            " of {producers} producers: each sends its next batch when the last one is done, so that a slow stream is asked for less. Response \
             times leave out the wait that records of an open load would have; they say what the stream gives, not what users would see."
        ),
    )
}
