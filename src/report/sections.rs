//! The sections of the page that are tables and sentences, and what others are written with.

use std::time::Duration;

use maud::{Markup, html};

use super::shell::Section;
use super::table::Column::{self, Number, Text};
use super::table::table;
use crate::measure::LatencySummary;
use crate::plan::Plan;
use crate::result::RunResult;
use crate::units::{self, Share};
use crate::verdict::{Agreement, Calibration, Comparison, Conclusion, ObjectiveStatus, Verdict};

/// Objectives and what was measured.
pub fn objectives(verdict: &Verdict) -> Section {
    let rows = html! { @for objective in &verdict.objectives {
        tr {
            th scope="row" { (objective.name) }
            td { (objective.limit) }
            td { (objective.measured) }
            td { (status(objective.status)) @if let Some(note) = &objective.note { " – " (note) } }
        }
    } };
    let body = html! {
        @if verdict.conclusion == Conclusion::Void { p class="note" { "The run is void: what follows was measured, but says nothing about the stream." } }
        @if verdict.objectives.is_empty() {
            p class="note" { "The scenario sets none; add a section [slo] to have runs judged." }
        } @else {
            (table("Objectives of the scenario and what was measured", &[Text("Objective"), Text("Limit"), Text("Measured"), Text("Status")], &rows))
        }
    };
    Section::new("objectives", "Objectives", body)
}

fn status(status: ObjectiveStatus) -> Markup {
    match status {
        ObjectiveStatus::Pass => html! { span class="pass" { "✓ met" } },
        ObjectiveStatus::Fail => html! { span class="fail" { "✗ missed" } },
        ObjectiveStatus::NotMeasurable => html! { span class="unclear" { "? not measurable" } },
    }
}

/// Predicted and measured, side by side.
pub fn comparison(verdict: &Verdict) -> Section {
    let rows = html! { @for row in &verdict.comparison {
        tr {
            th scope="row" { (row.name) }
            td { (row.predicted) }
            td { (row.measured) }
            td class="number" { @if let Some(difference) = row.difference { (signed_percent(difference)) } }
            td { (agreement(row)) }
            td class="why" { @if let Some(note) = &row.note { (note) } }
        }
    } };
    let columns =
        [Text("What"), Text("Predicted"), Text("Measured"), Number("Difference"), Text("Verdict"), Text("Why")];
    let body = html! {
        p { "The analytical model predicts from the scenario alone; the run measures. Rates and utilisations are over the whole seconds between warm-up and the end of the load." }
        @if let Some(calibration) = &verdict.calibration { p { strong { (calibration_in_words(calibration)) } " The model is optimistic where it promised more than there was. Below each verdict stands how far the two may be apart to agree." } }
        (table("What the plan predicted and what was measured", &columns, &rows))
    };
    Section::new("plan-and-measurement", "Plan and measurement", body)
}

fn agreement(row: &Comparison) -> Markup {
    let class = match row.agreement {
        Some(Agreement::Agrees) => "pass",
        Some(Agreement::ModelOptimistic) => "fail",
        Some(Agreement::ModelPessimistic) | None => "unclear",
    };
    html! {
        @if let Some(agreement) = row.agreement { span class=(class) { (agreement.words()) } }
        @if let Some(tolerance) = &row.tolerance { br; span class="tolerance" { (tolerance) } }
    }
}

/// How well plan and measurement agree, in a sentence.
pub fn calibration_in_words(calibration: &Calibration) -> String {
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

/// Every limit against the demand.
pub fn bounds(plan: &Plan) -> Section {
    let rows = html! { @for bound in &plan.capacity.bounds {
        tr {
            th scope="row" { (bound.name) }
            td class="number" { (super::terminal::quantity(bound.demand, &bound.unit)) }
            td class="number" { (super::terminal::quantity(bound.capacity, &bound.unit)) }
            td class="number" { (bound.utilisation) }
            td class="number" { (bound.headroom()) }
            td class="number" { @match bound.shards { Some(shards) => (units::count(shards.into())), None => "–" } }
            td class="why" { (bound.note) }
        }
    } };
    let columns = [
        Text("Bound"),
        Number("Demand"),
        Number("Capacity"),
        Number("Utilisation"),
        Number("Headroom"),
        Number("Shards"),
        Text("What it is"),
    ];
    let body = html! {
        p {
            "Shards: " strong { (units::count(plan.capacity.required_shards.into())) " required" } ", "
            strong { (units::count(plan.capacity.recommended_shards.into())) " recommended" }
            " (" (plan.capacity.target_utilisation) " full at most); the scenario has " (units::count(plan.forecast.scenario_shards.into()))
            ". The bound that binds: " strong { (plan.capacity.binding) } "."
        }
        (table("Each bound of the plan: what the scenario asks for, what there is, and the shards that it takes", &columns, &rows))
        @for line in super::terminal::throttling_in_words(plan).into_iter().chain(super::terminal::skew_in_words(plan)).chain(super::terminal::dispersion_in_words(plan)) { p { (capital(&line)) "." } }
        @for lag in &plan.forecast.lags { p { (lag.consumer) ": " (super::terminal::catch_up_in_words(&lag.catch_up)) "." } }
        details {
            summary { "What the prediction rests on" }
            ul { @for assumption in &plan.forecast.assumptions { li { (assumption) } } }
        }
    };
    Section::new("plan", "The plan", body)
}

/// A sentence begins with a capital.
pub(super) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// Where every record went.
pub fn ledger(result: &RunResult) -> Section {
    let counters = &result.measurement.counters;
    let body = html! {
        p class="equation" {
            (units::count(counters.offered)) " offered "
            @if counters.balance() { "=" } @else { "≠" }
            " " (units::count(counters.accepted)) " accepted + " (units::count(counters.failed)) " failed + "
            (units::count(counters.abandoned)) " abandoned + " (units::count(counters.unknown)) " unknown + "
            (units::count(counters.in_flight)) " in flight"
        }
        p class="note" {
            (units::count(counters.attempts)) " attempts in " (units::count(counters.calls)) " calls: "
            (units::count(counters.throttled)) " throttled, " (units::count(counters.errors)) " failed otherwise; "
            (units::count(counters.retried)) " records were accepted on a retry. The warm-up is included."
        }
        (super::errors::errors(result))
    };
    Section::new("ledger", "Ledger", body)
}

/// The scenario as it was run.
pub fn scenario(result: &RunResult) -> Section {
    let body = html! {
        p { "Seed " (result.scenario.seed) ", " (units::duration(result.scenario.duration)) " of load, " (units::duration(result.scenario.warm_up)) " of it warm-up." }
        details { summary { "The file" } pre tabindex="0" { code { (result.scenario.source) } } }
    };
    Section::new("scenario", "Scenario", body)
}

/// The columns of a table of latencies.
pub(super) fn latency_columns(name: &str) -> [Column<'_>; 9] {
    [
        Text(name),
        Number("Count"),
        Number("Mean"),
        Number("p50"),
        Number("p90"),
        Number("p99"),
        Number("p99.9"),
        Number("p99.99"),
        Number("Longest"),
    ]
}

pub(super) fn latency_row(name: &str, summary: &LatencySummary) -> Markup {
    html! {
        tr {
            th scope="row" { (name) }
            td class="number" { (units::count(summary.count)) }
            td class="number" { (nanos(summary.mean.map(|mean| mean.round() as u64))) }
            @for value in [summary.p50, summary.p90, summary.p99, summary.p999, summary.p9999, summary.max] { td class="number" { (nanos(value)) } }
        }
    }
}

pub(super) fn nanos(value: Option<u64>) -> String {
    value.map_or_else(|| "–".to_owned(), |nanos| units::duration(Duration::from_nanos(nanos)))
}

pub(super) fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

pub(super) fn milliseconds(value: f64) -> String {
    units::duration(Duration::from_secs_f64((value / 1e3).max(0.0)))
}

/// A relative difference to a tenth of a percent, with its sign; what rounds to zero has none.
pub(super) fn signed_percent(difference: f64) -> String {
    let written = format!("{:+.1}%", difference * 100.0);
    if written == "-0.0%" || written == "+0.0%" { "0.0%".to_owned() } else { written }
}
