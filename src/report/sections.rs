//! The sections of the page, each with its table or its charts and the numbers behind them.

use std::time::Duration;

use maud::{Markup, PreEscaped, html};

use super::charts::{Lines, Marks, Scale, Series, bars, heat_map, lines};
use crate::measure::LatencySummary;
use crate::plan::{Agreement, Calibration, Comparison, ObjectiveStatus, Plan, Verdict};
use crate::result::RunResult;
use crate::units::{self, Bytes, Share};

/// Objectives and what was measured.
pub fn objectives(verdict: &Verdict) -> Markup {
    html! {
        section {
            h2 { "Objectives" }
            @if verdict.objectives.is_empty() {
                p class="note" { "The scenario sets none; add a section [slo] to have runs judged." }
            } @else {
                div class="scroll" { table {
                    thead { tr { th scope="col" { "Objective" } th scope="col" { "Limit" } th scope="col" { "Measured" } th scope="col" { "Status" } } }
                    tbody { @for objective in &verdict.objectives {
                        tr {
                            th scope="row" { (objective.name) }
                            td { (objective.limit) }
                            td { (objective.measured) }
                            td { (status(objective.status)) @if let Some(note) = &objective.note { " – " (note) } }
                        }
                    } }
                } }
            }
        }
    }
}

fn status(status: ObjectiveStatus) -> Markup {
    match status {
        ObjectiveStatus::Pass => html! { span class="pass" { "✓ met" } },
        ObjectiveStatus::Fail => html! { span class="fail" { "✗ missed" } },
        ObjectiveStatus::NotMeasurable => html! { span class="unclear" { "? not measurable" } },
    }
}

/// Predicted and measured, side by side.
pub fn comparison(verdict: &Verdict) -> Markup {
    html! {
        section {
            h2 { "Plan and measurement" }
            p { "The analytical model predicts from the scenario alone; the run measures. Rates and utilisations are over the whole seconds between warm-up and the end of the load." }
            @if let Some(calibration) = &verdict.calibration { p { strong { (calibration_in_words(calibration)) } " The model is optimistic where it promised more than there was. Below each verdict stands how far the two may be apart to agree." } }
            div class="scroll" { table {
                thead { tr { th scope="col" { "What" } th scope="col" { "Predicted" } th scope="col" { "Measured" } th scope="col" { "Difference" } th scope="col" { "Verdict" } th scope="col" { "Why" } } }
                tbody { @for row in &verdict.comparison {
                    tr {
                        th scope="row" { (row.name) }
                        td { (row.predicted) }
                        td { (row.measured) }
                        td class="number" { @if let Some(difference) = row.difference { (signed_percent(difference)) } }
                        td { (agreement(row)) }
                        td class="why" { @if let Some(note) = &row.note { (note) } }
                    }
                } }
            } }
        }
    }
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

/// How full each shard was.
pub fn shards(result: &RunResult, plan: &Plan, verdict: &Verdict) -> Markup {
    let map = heat_map(
        "Utilisation of each shard in each second",
        &verdict.heat,
        seconds(result) as usize,
        &super::events::marks(result),
    );
    html! {
        section {
            h2 { "Shards" }
            figure {
                (PreEscaped(map))
                figcaption {
                    "Write utilisation per shard and second: accepted records or bytes over the shard's limit, whichever is more. "
                    "Above 100% a shard lives on its burst. "
                    span class="legend" {
                        "0% " @for step in 0..11 { span class="swatch" style=(format!("background:var(--heat-{step})")) {} } " 100% and more "
                        span class="swatch" style="background:var(--throttled)" {} " a foot in this colour: attempts were throttled"
                    }
                }
                @if verdict.heat.len() > 64 { p class="note" { "Rows stand for several shards and show the fullest of them." } }
                @if verdict.heat.iter().any(|row| row.seconds.len() > 300) { p class="note" { "Columns stand for several seconds and show the fullest of them." } }
            }
            @if !verdict.heat.is_empty() && verdict.heat.len() <= 64 {
                figure {
                    (PreEscaped(bars("Predicted and measured utilisation of each shard", &plan.shards, &verdict.heat)))
                    figcaption {
                        (legend(&["predicted: what the shard is offered", "measured: what it accepted"]))
                        " Mean write utilisation of each shard from the end of the warm-up to the end of the load; the line is its limit."
                    }
                }
            }
            details {
                summary { "The numbers per shard" }
                div class="scroll" { table {
                    thead { tr { th scope="col" { "Shard" } th scope="col" { "Predicted" } th scope="col" { "Measured" } th scope="col" { "Accepted" } th scope="col" { "Bytes" } th scope="col" { "Throttled attempts" } th scope="col" { "First hash key" } } }
                    tbody { @for (index, shard) in result.measurement.shards.iter().enumerate() {
                        tr {
                            th scope="row" { (shard.id) }
                            td class="number" { (percent(plan.shards.get(index).map(|shard| shard.utilisation))) }
                            td class="number" { (percent(verdict.heat.get(index).and_then(|shard| shard.mean))) }
                            td class="number" { (units::count(shard.accepted)) }
                            td class="number" { (Bytes(shard.accepted_bytes)) }
                            td class="number" { (units::count(shard.throttled)) }
                            td class="number small" { (shard.starting_hash_key) }
                        }
                    } }
                } }
            }
        }
    }
}

/// Records per second.
pub fn rates(result: &RunResult) -> Markup {
    let intervals = &result.measurement.intervals;
    let over_time = |name: &str, value: fn(&crate::measure::Interval) -> u64| {
        Series::per_second(name, intervals.iter().map(|i| (i.second, Some(value(i) as f64))))
    };
    let series = [
        over_time("offered", |interval| interval.offered),
        over_time("accepted", |interval| interval.accepted),
        over_time("throttled attempts", |interval| interval.throttled),
    ];
    let svg = time_lines(result, "Records offered, accepted and throttled per second", &series, Scale::Linear, &|v| {
        units::number(v)
    });
    html! {
        section {
            h2 { "Load" }
            figure {
                (PreEscaped(svg))
                figcaption { (legend_of(&series)) " Records per second: offered by the time they were due, accepted and throttled by the time of the answer. The shaded part is the warm-up." }
                details {
                    summary { "The numbers per second" }
                    div class="scroll tall" { table {
                        thead { tr { th scope="col" { "Second" } th scope="col" { "Offered" } th scope="col" { "Accepted" } th scope="col" { "Throttled" } th scope="col" { "Other errors" } th scope="col" { "Not accepted for good" } th scope="col" { "Bytes accepted" } th scope="col" { "p50" } th scope="col" { "p99" } th scope="col" { "Longest" } } }
                        tbody { @for interval in intervals {
                            tr {
                                th scope="row" { (interval.second) }
                                @for value in [interval.offered, interval.accepted, interval.throttled, interval.errors, interval.lost] { td class="number" { (units::count(value)) } }
                                td class="number" { (Bytes(interval.accepted_bytes)) }
                                @for value in [interval.response_p50, interval.response_p99, interval.response_max] { td class="number" { (nanos(value)) } }
                            }
                        } }
                    } }
                }
            }
        }
    }
}

/// Put latencies over time and by percentile.
pub fn latency(result: &RunResult) -> Markup {
    let intervals = &result.measurement.intervals;
    let over_time = |name: &str, value: fn(&crate::measure::Interval) -> Option<u64>| {
        Series::per_second(name, intervals.iter().map(|i| (i.second, value(i).map(millis))))
    };
    let series = [
        over_time("p50", |interval| interval.response_p50),
        over_time("p99", |interval| interval.response_p99),
        over_time("longest", |interval| interval.response_max),
    ];
    let curve = [Series::new(
        "response",
        result
            .measurement
            .put_curve
            .iter()
            .filter(|point| point.quantile < 1.0)
            .map(|point| (-(1.0 - point.quantile).log10(), Some(millis(point.value)))),
    )];
    let by_percentile = lines(&Lines {
        title: "Put response time by percentile",
        series: &curve,
        scale: Scale::Linear,
        y_label: &milliseconds,
        x_name: "share of the records that were at least as fast",
        x_label: &percentile,
        marks: None,
    });
    html! {
        section {
            h2 { "Put latency" }
            figure {
                (PreEscaped(time_lines(result, "Put response time over time", &series, Scale::fitting(&series), &milliseconds)))
                figcaption { (legend_of(&series)) " Response time of the records accepted in each second, from the moment they were due to the acknowledgement"(scale_note(&series))"." }
            }
            figure {
                (PreEscaped(by_percentile))
                figcaption { "Response time by percentile, over all records due after the warm-up; each nine is as wide as the one before." }
            }
            p { "Response is the headline: it counts from the moment a record was due. Lateness is the generator's own part of it, queueing the wait for the batch, for retries and for a free call, service the call itself." }
            div class="scroll" { table {
                (latency_head("Latency"))
                tbody { @for name in ["response", "lateness", "queueing", "service", "throttled", "failed"] {
                    @if let Some(summary) = result.measurement.put.get(name) { (latency_row(label(name), summary)) }
                } }
            } }
        }
    }
}

pub(super) fn label(name: &str) -> &str {
    match name {
        "response" => "response: due → acknowledged",
        "lateness" => "lateness: needed → taken up",
        "queueing" => "queueing: taken up → sent",
        "service" => "service: sent → acknowledged",
        "throttled" => "throttled attempts: sent → refused",
        "failed" => "failed attempts: sent → error",
        other => other,
    }
}

/// Every limit against the demand.
pub fn bounds(plan: &Plan) -> Markup {
    html! {
        section {
            h2 { "The plan" }
            p {
                "Shards: " strong { (units::count(plan.required_shards.into())) " required" } ", "
                strong { (units::count(plan.recommended_shards.into())) " recommended" }
                " (" (plan.target_utilisation) " full at most); the scenario has " (units::count(plan.scenario_shards.into()))
                ". The bound that binds: " strong { (plan.binding) } "."
            }
            div class="scroll" { table {
                thead { tr { th scope="col" { "Bound" } th scope="col" { "Demand" } th scope="col" { "Capacity" } th scope="col" { "Utilisation" } th scope="col" { "Headroom" } th scope="col" { "Shards" } th scope="col" { "What it is" } } }
                tbody { @for bound in &plan.bounds {
                    tr {
                        th scope="row" { (bound.name) }
                        td class="number" { (super::terminal::quantity(bound.demand, &bound.unit)) }
                        td class="number" { (super::terminal::quantity(bound.capacity, &bound.unit)) }
                        td class="number" { (bound.utilisation) }
                        td class="number" { (bound.headroom()) }
                        td class="number" { @match bound.shards { Some(shards) => (units::count(shards.into())), None => "–" } }
                        td class="why" { (bound.note) }
                    }
                } }
            } }
            @for line in super::terminal::throttling_in_words(plan).into_iter().chain(super::terminal::skew_in_words(plan)).chain(super::terminal::dispersion_in_words(plan)) { p { (capital(&line)) "." } }
            @for lag in &plan.lags { p { (lag.consumer) ": " (super::terminal::catch_up_in_words(&lag.catch_up)) "." } }
            details {
                summary { "What the prediction rests on" }
                ul { @for assumption in &plan.assumptions { li { (assumption) } } }
            }
        }
    }
}

/// A sentence begins with a capital.
pub(super) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// Where every record went.
pub fn ledger(result: &RunResult) -> Markup {
    let counters = &result.measurement.counters;
    html! {
        section {
            h2 { "Ledger" }
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
        }
    }
}

/// The scenario as it was run.
pub fn scenario(result: &RunResult) -> Markup {
    html! {
        section {
            h2 { "Scenario" }
            p { "Seed " (result.scenario.seed) ", " (units::duration(result.scenario.duration)) " of load, " (units::duration(result.scenario.warm_up)) " of it warm-up." }
            details { summary { "The file" } pre { code { (result.scenario.source) } } }
        }
    }
}

/// How many seconds the time axes show: until load has ended and nothing more was recorded.
fn seconds(result: &RunResult) -> u64 {
    let measurement = &result.measurement;
    let put = measurement.intervals.iter().map(|interval| interval.second + 1);
    let read = measurement.consumers.iter().flat_map(|c| &c.lag_intervals).map(|(second, _)| second + 1);
    put.chain(read).fold(result.load_ended.as_secs_f64().ceil() as u64, u64::max)
}

pub(super) fn time_lines(
    result: &RunResult,
    title: &str,
    series: &[Series],
    scale: Scale,
    y_label: &dyn Fn(f64) -> String,
) -> String {
    let events = super::events::marks(result);
    let marks = Marks {
        events: &events,
        warm_up: result.scenario.warm_up.as_secs_f64(),
        load_ended: result.load_ended.as_secs_f64(),
        end: seconds(result) as f64,
    };
    lines(&Lines {
        title,
        series,
        scale,
        y_label,
        x_name: "seconds since the load began",
        x_label: &|value| units::number(value),
        marks: Some(marks),
    })
}

pub(super) fn scale_note(series: &[Series]) -> &'static str {
    if Scale::fitting(series) == Scale::Log { ", on a logarithmic scale" } else { "" }
}

pub(super) fn legend_of(series: &[Series]) -> Markup {
    let names: Vec<&str> = series.iter().map(|series| series.name.as_str()).collect();
    legend(&names)
}

pub(super) fn legend(names: &[&str]) -> Markup {
    html! {
        span class="legend" { @for (index, name) in names.iter().enumerate() {
            span class="swatch" style=(format!("background:var(--series-{index})")) {} " " (name) " "
        } }
    }
}

pub(super) fn latency_head(name: &str) -> Markup {
    html! { thead { tr { th scope="col" { (name) } @for column in ["Count", "Mean", "p50", "p90", "p99", "p99.9", "p99.99", "Longest"] { th scope="col" { (column) } } } } }
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

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| Share(value).to_string())
}

/// Writes a position on the axis of nines: 1 is 90%, 2 is 99%. Ticks between them have no label.
pub(super) fn percentile(nines: f64) -> String {
    if (nines - nines.round()).abs() > 1e-6 {
        return String::new();
    }
    let share = (1.0 - 10f64.powf(-nines)) * 100.0;
    let decimals = (nines.ceil() as usize).saturating_sub(2);
    format!("{share:.decimals$}%")
}
/// A relative difference to a tenth of a percent, with its sign; what rounds to zero has none.
pub(super) fn signed_percent(difference: f64) -> String {
    let written = format!("{:+.1}%", difference * 100.0);
    if written == "-0.0%" || written == "+0.0%" { "0.0%".to_owned() } else { written }
}
