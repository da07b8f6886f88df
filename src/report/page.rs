//! The page: one self-contained HTML file that needs no network and no script.

use maud::{Markup, html};

use super::sections;
use super::shell::{Page, Source, profile as profile_words};
use super::time_charts::RunTime;
use crate::client::Part;
use crate::plan::Plan;
use crate::result::{Ending, RunResult, TargetRecord};
use crate::verdict::{Conclusion, Verdict};

/// The report of a run as HTML.
pub fn html(result: &RunResult, plan: &Plan, verdict: &Verdict) -> String {
    let time = RunTime::new(result);
    let sections = [
        Some(sections::objectives(verdict)),
        Some(sections::comparison(verdict)),
        super::throttling::section(verdict),
        super::events::section(result),
        Some(super::load::rates(result, &time)),
        Some(super::load::latency(result, &time)),
        Some(super::shards::shards(result, plan, verdict, &time)),
        super::tenants::section(result),
        Some(super::consumers::consumers(result, &time)),
        super::steadiness::section(verdict),
        super::recommendation::section(plan),
        Some(super::cost::section(plan)),
        super::autoscaling::section(plan),
        Some(sections::bounds(plan)),
        Some(sections::ledger(result)),
        Some(super::generator::generator(result, &time)),
        Some(sections::scenario(result)),
    ];
    let page = Page {
        title: &format!("{} – streamgauge", result.scenario.name),
        source: Source::from(&result.target),
        header: header(result, verdict),
        sections: sections.into_iter().flatten().collect(),
        footer: html! { p {
            (versions(&result.streamgauge_version)) " Result schema " (result.schema_version) ". Beside this file: result.json, HdrHistogram interval logs (*.hlog) and the scenario."
        } },
    };
    page.html()
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
        @if matches!(result.target, TargetRecord::Simulated { .. }) {
            p class="kicker" { "streamgauge simulation" }
        } @else {
            p class="kicker" { "streamgauge run of " time datetime=(result.started) { (result.started) } }
        }
        // Marks of other writing directions in a name do not reach beyond it.
        h1 { bdi { (result.scenario.name) } }
        @if let Some(question) = &result.scenario.question { p class="question" { bdi { (question) } } }
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
        @if let Some(warning) = super::steadiness::warning(verdict) { (warning) }
        @for warning in &result.measurement.warnings {
            p class="warning" { strong { "Note. " } (warning) }
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
                ", a model of Amazon Kinesis with the limits and latencies of the profile " (profile_words(profile))
                ". It is a model of AWS, not AWS."
            }
            TargetRecord::Simulated { profile } => {
                strong { "Simulated in virtual time" }
                " with the limits and latencies of the profile " (profile_words(profile))
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
