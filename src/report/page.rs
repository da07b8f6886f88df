//! The page: one self-contained HTML file that needs no network and no script.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::sections;
use crate::client::Part;
use crate::plan::{Conclusion, Plan, Verdict};
use crate::result::{Ending, RunResult, TargetRecord};

/// The report of a run as HTML.
pub fn html(result: &RunResult, plan: &Plan, verdict: &Verdict) -> String {
    let title = format!("{} – streamgauge", result.scenario.name);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                (header(result, verdict))
                main {
                    (sections::objectives(verdict))
                    (sections::comparison(verdict))
                    (super::throttling::section(verdict))
                    (super::events::section(result))
                    (sections::shards(result, plan, verdict))
                    (sections::rates(result))
                    (sections::latency(result))
                    (super::tenants::section(result))
                    (super::consumers::consumers(result))
                    (sections::bounds(plan))
                    (super::recommendation::section(plan))
                    (super::cost::section(plan))
                    (super::autoscaling::section(plan))
                    (sections::ledger(result))
                    (super::generator::generator(result))
                    (sections::scenario(result))
                }
                footer {
                    p {
                        (versions(&result.streamgauge_version)) " Result schema " (result.schema_version) ". Beside this file: result.json, HdrHistogram interval logs (*.hlog) and the scenario."
                    }
                }
            }
        }
    };
    page.into_string()
}

/// Which version measured, and which one predicted, judged and wrote: a result is read by later versions, too.
pub(super) fn versions(measured_by: &str) -> String {
    let this = env!("CARGO_PKG_VERSION");
    if measured_by == this {
        format!("Measured, judged and written by streamgauge {this}.")
    } else {
        format!(
            "Measured by streamgauge {measured_by}; predicted and judged again, and written, by streamgauge {this}."
        )
    }
}

fn header(result: &RunResult, verdict: &Verdict) -> Markup {
    html! {
        header {
            @if matches!(result.target, TargetRecord::Simulated { .. }) {
                p class="kicker" { "streamgauge simulation" }
            } @else {
                p class="kicker" { "streamgauge run of " time datetime=(result.started) { (result.started) } }
            }
            h1 { (result.scenario.name) }
            @if let Some(question) = &result.scenario.question {
                p class="question" { (question) }
            }
            (validity(result, verdict))
            p class="verdict" { (verdict.sentence) }
            p class="target" { (target(result)) }
            @if let Some(producers) = result.scenario.closed_loop {
                p class="target" {
                    strong { "Closed loop" } " of " (producers) " producers: each sends its next batch when the last one is done, so that a slow stream is asked "
                    "for less. Response times leave out the wait that records of an open load would have; they say what the stream gives, not what users would see."
                }
            }
            @if result.part != Part::WHOLE {
                p class="target" { strong { "Part " (result.part.index + 1) " of " (result.part.of) } " of the load: other processes offer the rest, and the plan is for the whole." }
            }
            @if result.streamgauge_version != env!("CARGO_PKG_VERSION") {
                p class="target" { strong { "An older result. " } (versions(&result.streamgauge_version)) }
            }
            @for note in &verdict.generator_notes { p class="warning" { strong { "Generator. " } (note) } }
            @for warning in &result.measurement.warnings {
                p class="warning" { strong { "Note. " } (warning) }
            }
        }
    }
}

fn validity(result: &RunResult, verdict: &Verdict) -> Markup {
    html! {
        @match (verdict.conclusion, &result.ending) {
            (Conclusion::Void, ending) => {
                div class="banner void" role="status" {
                    strong { @if *ending == Ending::Interrupted { "Void: interrupted" } @else { "Void" } }
                    @for reason in &verdict.void_reasons { p { (reason) } }
                }
            }
            (Conclusion::Missed, _) => {
                div class="banner missed" role="status" {
                    strong { @if verdict.objectives.is_empty() { "✗ Nothing was accepted" } @else { "✗ Objectives missed" } } " The run is valid: the generator kept its schedule and the ledger balances."
                }
            }
            (Conclusion::Met, _) => {
                div class="banner met" role="status" {
                    strong { @if verdict.objectives.is_empty() { "✓ Valid" } @else { "✓ Objectives met" } }
                    " The run is valid: the generator kept its schedule and the ledger balances."
                }
            }
        }
    }
}

fn target(result: &RunResult) -> Markup {
    html! {
        @match &result.target {
            TargetRecord::Embedded { profile } => {
                strong { "Measured on the embedded emulator" }
                ", a model of Amazon Kinesis with the limits and latencies of the profile " code { (profile) }
                ". It is a model of AWS, not AWS."
            }
            TargetRecord::Simulated { profile } => {
                strong { "Simulated in virtual time" }
                " with the limits and latencies of the profile " code { (profile) }
                ". Nothing was sent: the figures are those of a model of AWS, not of AWS."
            }
            TargetRecord::Endpoint { url } => {
                strong { "Measured on the endpoint " code { (url) } }
                ". Unless that is AWS, the figures are those of an emulator, not of AWS."
            }
            TargetRecord::Aws { region } => { strong { "Measured on Amazon Kinesis Data Streams" } " in " (region) "." }
        }
    }
}
