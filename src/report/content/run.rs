//! The report of a run, and that of a plan.

use super::time::RunTime;
use super::{Banner, Depth, Head, Manner, Parts, Report, Section, Source, Text};
use crate::client::Part;
use crate::plan::Plan;
use crate::report::words::{outcome, steadiness};
use crate::result::{RunResult, TargetRecord};
use crate::units;
use crate::verdict::Verdict;

/// The report of a run.
pub fn run<'a>(result: &'a RunResult, plan: &'a Plan, verdict: &'a Verdict) -> Report<'a> {
    let time = RunTime::new(result);
    let sections = [
        Some(super::objectives::objectives(verdict)),
        Some(super::objectives::comparison(verdict)),
        super::throttling::throttling(verdict),
        super::events::events(result),
        Some(super::load::load(result, &time)),
        Some(super::latency::latency(result, &time)),
        Some(super::shards::shards(result, plan, verdict, &time)),
        super::tenants::tenants(result),
        Some(super::consumers::consumers(result, &time)),
        super::steadiness::steadiness(verdict),
        super::recommendation::recommendation(plan),
        Some(super::costs::costs(plan)),
        super::autoscaling::autoscaling(plan),
        Some(super::plan::plan(plan)),
        Some(super::ledger::ledger(result)),
        Some(super::generator::generator(result, &time)),
        Some(scenario(result)),
    ];
    Report {
        title: format!("{} – streamgauge", result.scenario.name),
        source: Source::from(&result.target),
        head: head(result, verdict),
        sections: sections.into_iter().flatten().collect(),
        foot: vec![outcome::versions(&result.streamgauge_version)],
        page_foot: format!(
            "Result schema {}. Beside this file: result.json, HdrHistogram interval logs (*.hlog) and the scenario.",
            result.schema_version
        ),
    }
}

/// The report of a plan alone.
pub fn plan(plan: &Plan) -> Vec<Section<'_>> {
    let first = [Some(super::plan::plan(plan)), super::recommendation::recommendation(plan)];
    let last = [Some(super::costs::costs(plan)), super::autoscaling::autoscaling(plan)];
    first.into_iter().chain(last).flatten().collect()
}

fn head<'a>(result: &RunResult, verdict: &Verdict) -> Head<'a> {
    let simulated = matches!(result.target, TargetRecord::Simulated { .. });
    Head {
        kicker: if simulated { "streamgauge simulation" } else { "streamgauge run of " }.to_owned(),
        began: (!simulated).then(|| result.started.clone()),
        title: result.scenario.name.clone(),
        place: outcome::target(&result.target),
        question: result.scenario.question.clone(),
        banners: vec![banner(verdict)],
        parts: notices(result, verdict).0,
    }
}

fn banner(verdict: &Verdict) -> Banner {
    let status = outcome::conclusion_status(verdict.conclusion);
    Banner {
        status,
        of: None,
        words: outcome::conclusion(verdict).to_owned(),
        rest: status.map_or("", |_| outcome::VALID).to_owned(),
        lines: verdict.void_reasons.clone(),
    }
}

/// What a reader has to know before the figures.
fn notices<'a>(result: &RunResult, verdict: &Verdict) -> Parts<'a> {
    let mut parts = Parts::default();
    parts.in_manner(Depth::Summary, Manner::Verdict, verdict.sentence.as_str());
    parts.in_manner(Depth::Report, Manner::Subject, outcome::target_in_sentences(&result.target));
    if let Some(producers) = result.scenario.closed_loop {
        parts.in_manner(Depth::Summary, Manner::Subject, outcome::closed_loop(producers));
    }
    if result.part != Part::WHOLE {
        let Part { index, of } = result.part;
        let part = Text::default().strong(format!("Part {} of {of}", index + 1));
        let part = part.and(" of the load: other processes offer the rest, and the plan is for the whole.");
        parts.in_manner(Depth::Summary, Manner::Subject, part);
    }
    if result.streamgauge_version != env!("CARGO_PKG_VERSION") {
        let versions = outcome::versions(&result.streamgauge_version);
        parts.in_manner(Depth::Summary, Manner::Subject, Text::labelled("An older result. ", versions));
    }
    let generator = verdict.generator_notes.iter().map(|note| Text::labelled("Generator. ", note));
    parts.lines(Depth::Summary, Manner::Warning, generator);
    let unsteady = verdict.steadiness.as_ref().filter(|steadiness| !steadiness.is_steady());
    if let Some(sentence) = unsteady.and_then(steadiness::sentence) {
        let words = Text::labelled("Not steady. ", sentence).and(" See ").link("steadiness", "Steadiness").and(".");
        parts.warning(Depth::Summary, words);
    }
    let warnings = result.measurement.warnings.iter().map(|warning| Text::labelled("Note. ", warning));
    parts.lines(Depth::Summary, Manner::Warning, warnings);
    parts
}

/// The scenario as it was run.
fn scenario<'a>(result: &RunResult) -> Section<'a> {
    let scenario = &result.scenario;
    let overrides = match scenario.overrides.as_slice() {
        [] => String::new(),
        set => format!(" Set for this run: {}.", set.join(", ")),
    };
    let mut parts = Parts::default();
    parts.paragraph(
        Depth::Report,
        format!(
            "Seed {}, {} of load, {} of it warm-up.{overrides}",
            scenario.seed,
            units::duration(scenario.duration),
            units::duration(scenario.warm_up)
        ),
    );
    parts.file(Depth::Background, "The file", &scenario.source);
    Section::new("scenario", "Scenario", parts)
}
