//! The report of a run as Markdown, for the summary of a CI job or a comment: the verdict first.

mod health;
mod plan;
mod writer;

pub(super) use writer::Document;

use super::consumers::{disorder, duplicates, outage, place};
use super::load::label;
use super::sections::{calibration_in_words, capital, nanos, signed_percent};
use super::terminal::target;
use super::{page, throttling};
use crate::client::Part;
use crate::measure::LatencySummary;
use crate::plan::Plan;
use crate::result::{ConsumerRecord, RunResult};
use crate::units::{self, Bytes, Share};
use crate::verdict::{Agreement, Conclusion, ObjectiveStatus, Verdict};

/// Most lines of a list or rows of a table that grows with the run; the page has all of them.
const ROWS_MAX: usize = 20;

/// The report of a run as Markdown.
pub fn markdown(result: &RunResult, plan: &Plan, verdict: &Verdict) -> String {
    let mut out = Document::default();
    head(&mut out, result, verdict);
    objectives(&mut out, verdict);
    comparison(&mut out, verdict);
    throttled(&mut out, verdict);
    events(&mut out, result);
    latency(&mut out, result);
    tenants(&mut out, result);
    consumers(&mut out, result);
    shards(&mut out, result, plan, verdict);
    health::steadiness_of(&mut out, verdict);
    plan::the_plan(&mut out, plan);
    ledger(&mut out, result);
    health::generator(&mut out, result);
    out.labelled("Scenario.", &scenario_in_words(result));
    out.paragraph(&page::versions(&result.streamgauge_version));
    out.finish()
}

/// What a verdict comes to, with its mark.
pub(super) fn conclusion(verdict: &Verdict) -> &'static str {
    match verdict.conclusion {
        Conclusion::Met if verdict.objectives.is_empty() => "✓ valid",
        Conclusion::Met => "✓ objectives met",
        Conclusion::Missed if verdict.objectives.is_empty() => "✗ nothing was accepted",
        Conclusion::Missed => "✗ objectives missed",
        Conclusion::Void => "✗ void: the figures do not count",
    }
}

/// Whether an objective is met, with its mark.
pub(super) const fn status(status: ObjectiveStatus) -> &'static str {
    match status {
        ObjectiveStatus::Pass => "✓ met",
        ObjectiveStatus::Fail => "✗ missed",
        ObjectiveStatus::NotMeasurable => "? not measurable",
    }
}

fn head(out: &mut Document, result: &RunResult, verdict: &Verdict) {
    out.heading(2, &format!("{}: {}", result.scenario.name, conclusion(verdict)));
    if verdict.void_reasons.is_empty() {
        out.labelled("Verdict.", &verdict.sentence);
        out.labelled("Valid.", "The generator kept its schedule and the ledger balances.");
    }
    for reason in &verdict.void_reasons {
        out.labelled("Void.", reason);
    }
    out.labelled("Target.", &capital(&target(result)));
    if let Some(question) = &result.scenario.question {
        out.labelled("Question.", question);
    }
    if let Some(producers) = result.scenario.closed_loop {
        out.labelled(
            "Closed loop",
            &format!(
                "of {producers} producers: response times leave out the wait that records of an open load would have."
            ),
        );
    }
    if result.part != Part::WHOLE {
        let Part { index, of } = result.part;
        out.labelled(&format!("Part {} of {of}", index + 1), "of the load; the plan is for the whole.");
    }
    let steadiness = verdict.steadiness.as_ref().filter(|steadiness| !steadiness.is_steady());
    if let Some(sentence) = steadiness.and_then(super::steadiness::sentence) {
        out.labelled("Not steady.", &sentence);
    }
    for note in &verdict.generator_notes {
        out.labelled("Generator.", note);
    }
    for warning in result.measurement.warnings.iter().take(ROWS_MAX) {
        out.labelled("Note.", warning);
    }
}

fn objectives(out: &mut Document, verdict: &Verdict) {
    out.heading(3, "Objectives");
    if verdict.objectives.is_empty() {
        out.paragraph("The scenario sets none; add a section slo to have runs judged.");
        return;
    }
    let rows = verdict.objectives.iter().map(|objective| {
        let note = objective.note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
        vec![
            objective.name.clone(),
            objective.limit.clone(),
            objective.measured.clone(),
            format!("{}{note}", status(objective.status)),
        ]
    });
    out.table(&["Objective", "Limit", "Measured", "Status"], 0, rows);
}

fn comparison(out: &mut Document, verdict: &Verdict) {
    out.heading(3, "Plan and measurement");
    if let Some(calibration) = &verdict.calibration {
        out.paragraph(&calibration_in_words(calibration));
    }
    let rows = verdict.comparison.iter().map(|row| {
        vec![
            row.name.clone(),
            row.predicted.clone(),
            row.measured.clone(),
            row.difference.map(signed_percent).unwrap_or_default(),
            row.agreement.map_or("", Agreement::words).to_owned(),
            row.tolerance.clone().unwrap_or_default(),
        ]
    });
    out.table(&["What", "Predicted", "Measured", "Difference", "Verdict", "Agrees within"], 0, rows);
}

fn throttled(out: &mut Document, verdict: &Verdict) {
    if !verdict.throttling.is_empty() {
        out.heading(3, "Why throttled");
        let lines = throttling::all_lines(verdict).into_iter().take(2 * ROWS_MAX);
        out.list(lines.map(|line| capital(&line)));
    }
}

fn events(out: &mut Document, result: &RunResult) {
    let events = &result.measurement.events;
    if events.is_empty() {
        return;
    }
    out.heading(3, "Events");
    let at = |time: crate::time::Time| units::duration(time.since(crate::time::Time::ZERO));
    let rows = events.iter().take(ROWS_MAX).map(|event| {
        let until = event.until.filter(|until| *until > event.at);
        let problem = event.problem.as_ref().map_or_else(String::new, |why| format!(", did not happen: {why}"));
        vec![format!("{}{problem}", event.label), at(event.at), until.map_or_else(|| "–".to_owned(), at)]
    });
    out.table(&["Event", "At", "Until"], 2, rows);
}

const LATENCY_HEAD: [&str; 9] = ["", "Count", "Mean", "p50", "p90", "p99", "p99.9", "p99.99", "Longest"];

/// The table of latencies, with a name for its first column.
pub(super) fn latency_table<'a>(
    out: &mut Document,
    name: &str,
    rows: impl IntoIterator<Item = (String, &'a LatencySummary)>,
) {
    let head: Vec<&str> = std::iter::once(name).chain(LATENCY_HEAD.into_iter().skip(1)).collect();
    let rows = rows.into_iter().map(|(name, summary)| {
        let figures = [summary.p50, summary.p90, summary.p99, summary.p999, summary.p9999, summary.max];
        let first = [name, units::count(summary.count), nanos(summary.mean.map(|mean| mean.round() as u64))];
        first.into_iter().chain(figures.map(nanos)).collect()
    });
    out.table(&head, head.len() - 1, rows);
}

fn latency(out: &mut Document, result: &RunResult) {
    out.heading(3, "Put latency");
    let names = ["response", "lateness", "queueing", "service", "throttled", "failed"];
    let rows = names.iter().filter_map(|name| Some((label(name).to_owned(), result.measurement.put.get(*name)?)));
    latency_table(out, "Latency", rows);
}

fn tenants(out: &mut Document, result: &RunResult) {
    let tenants = &result.measurement.tenants;
    if tenants.is_empty() {
        return;
    }
    out.heading(3, "Tenants");
    let rows = tenants.iter().map(|tenant| {
        let counts = [tenant.offered, tenant.accepted, tenant.lost, tenant.throttled].map(units::count);
        let last = [nanos(tenant.response.p50), nanos(tenant.response.p99)];
        [tenant.name.clone(), Share(tenant.share).to_string()].into_iter().chain(counts).chain(last).collect()
    });
    let head = ["Tenant", "Share", "Offered", "Accepted", "Not accepted", "Throttled attempts", "Put p50", "Put p99"];
    out.table(&head, 7, rows);
}

fn consumers(out: &mut Document, result: &RunResult) {
    out.heading(3, "Consumers");
    let consumers = &result.measurement.consumers;
    if consumers.is_empty() {
        out.paragraph("The scenario has none, so delivery was not checked.");
        return;
    }
    let lags = consumers.iter().flat_map(|consumer| {
        let read = consumer.read_lag.as_ref().map(|lag| (format!("{}: until read", consumer.name), lag));
        std::iter::once((consumer.name.clone(), &consumer.lag)).chain(read)
    });
    latency_table(out, "Lag", lags);
    let rows = consumers.iter().map(|consumer| {
        let check = &consumer.delivery;
        let counts = [
            check.accepted,
            check.delivered,
            check.lost,
            check.unread,
            check.duplicates,
            consumer.calls,
            consumer.throttled_calls,
            consumer.failed_calls.values().sum(),
        ];
        std::iter::once(consumer.name.clone()).chain(counts.map(units::count)).collect()
    });
    let head = [
        "Consumer",
        "Accepted",
        "Delivered",
        "Lost",
        "Not read by the end",
        "Seen again",
        "Reading calls",
        "Throttled",
        "Failed",
    ];
    out.table(&head, 8, rows);
    out.list(consumers.iter().flat_map(consumer_notes));
}

/// What else there is to know of a consumer.
fn consumer_notes(consumer: &ConsumerRecord) -> Vec<String> {
    let check = &consumer.delivery;
    let mut notes = Vec::new();
    if check.duplicates > 0 {
        notes.push(duplicates(check));
    }
    if !check.in_order() {
        notes.push(disorder(check));
    }
    notes.extend(consumer.places.iter().take(3).map(place));
    let discarded = consumer.discarded.iter();
    notes.extend(discarded.map(|(reason, records)| format!("{} record(s) given up: {reason}", units::count(*records))));
    let failed = consumer.failed_calls.iter();
    notes.extend(failed.map(|(reason, calls)| format!("{} call(s) failed with {reason}", units::count(*calls))));
    notes.extend(consumer.work.outages.iter().map(outage));
    notes.into_iter().map(|note| format!("{}: {note}", consumer.name)).collect()
}

/// The fullest shards.
fn shards(out: &mut Document, result: &RunResult, plan: &Plan, verdict: &Verdict) {
    let shards = &result.measurement.shards;
    if shards.is_empty() {
        return;
    }
    let mean = |index: &usize| verdict.heat.get(*index).and_then(|row| row.mean).unwrap_or(0.0);
    let mut order: Vec<usize> = (0..shards.len()).collect();
    order.sort_by(|a, b| mean(b).total_cmp(&mean(a)));
    out.heading(3, "Shards");
    let percent = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| Share(value).to_string());
    let rows = order.iter().take(ROWS_MAX).map(|index| {
        let shard = &shards[*index];
        vec![
            shard.id.clone(),
            percent(plan.forecast.shards.get(*index).map(|shard| shard.utilisation)),
            percent(verdict.heat.get(*index).and_then(|row| row.mean)),
            units::count(shard.accepted),
            Bytes(shard.accepted_bytes).to_string(),
            units::count(shard.throttled),
        ]
    });
    out.table(&["Shard", "Predicted", "Measured", "Accepted", "Bytes", "Throttled attempts"], 5, rows);
    if shards.len() > ROWS_MAX {
        let count = units::count(shards.len() as u64);
        out.paragraph(&format!("The {ROWS_MAX} fullest of {count} shards."));
    }
}

fn ledger(out: &mut Document, result: &RunResult) {
    let counters = &result.measurement.counters;
    out.heading(3, "Ledger");
    out.paragraph(&super::terminal::ledger(result).split_whitespace().collect::<Vec<_>>().join(" "));
    out.paragraph(&format!(
        "{} attempts in {} calls: {} throttled, {} failed otherwise; {} records were accepted on a retry.",
        units::count(counters.attempts),
        units::count(counters.calls),
        units::count(counters.throttled),
        units::count(counters.errors),
        units::count(counters.retried)
    ));
}

fn scenario_in_words(result: &RunResult) -> String {
    let scenario = &result.scenario;
    let overrides = match scenario.overrides.as_slice() {
        [] => String::new(),
        set => format!(" Set for this run: {}.", set.join(", ")),
    };
    format!(
        "Seed {}, {} of load, {} of it warm-up.{overrides}",
        scenario.seed,
        units::duration(scenario.duration),
        units::duration(scenario.warm_up)
    )
}
