//! The summary after a run, and the plan, as text for a terminal.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use super::shell::dated_profile;
use crate::client::Part;
use crate::forecast::CatchUp;
use crate::plan::Plan;
use crate::result::{RunResult, TargetRecord};
use crate::units::{self, Bytes};
use crate::verdict::{Agreement, Conclusion, ObjectiveStatus, Verdict};

/// The summary of a run. `directory` is where it was written; `styled` allows colours.
pub fn terminal(result: &RunResult, plan: &Plan, verdict: &Verdict, directory: &Path, styled: bool) -> String {
    let style = Style { styled };
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    line("");
    line(&format!("{}  {}", style.bold(&printable(&result.scenario.name)), printable(&target(result))));
    if let Some(producers) = result.scenario.closed_loop {
        line(&wrapped(&format!(
            "closed loop of {producers} producers: response times leave out the wait that records of an open load would have"
        )));
    }
    if result.part != Part::WHOLE {
        line(&format!("  part {} of {} of the load; the plan is for the whole", result.part.index + 1, result.part.of));
    }
    line(&headline(verdict, style));
    for reason in &verdict.void_reasons {
        line(&wrapped(reason));
    }
    if verdict.void_reasons.is_empty() {
        line(&wrapped(&verdict.sentence));
    }
    for note in &verdict.generator_notes {
        line(&wrapped(&format!("generator: {note}")));
    }
    for warning in &result.measurement.warnings {
        line(&wrapped(&format!("note: {warning}")));
    }
    line("");
    line(&style.dim(&format!("  {:<36} {:>18} {:>18}", "", "predicted", "measured")));
    for row in &verdict.comparison {
        let verdict = match row.agreement {
            None => String::new(),
            Some(Agreement::Agrees) => style.green("  ="),
            Some(Agreement::ModelOptimistic) => style.red("  ▲"),
            Some(Agreement::ModelPessimistic) => style.yellow("  ▽"),
        };
        line(&format!("  {:<36} {:>18} {:>18}{verdict}", row.name, shorten(&row.predicted), shorten(&row.measured)));
    }
    if let Some(calibration) = &verdict.calibration {
        line(&wrapped(&format!(
            "{} (▲ worse than predicted, ▽ better)",
            super::sections::calibration_in_words(calibration)
        )));
    }
    if !verdict.objectives.is_empty() {
        line("");
        for objective in &verdict.objectives {
            let mark = match objective.status {
                ObjectiveStatus::Pass => style.green("✓ met"),
                ObjectiveStatus::Fail => style.red("✗ missed"),
                ObjectiveStatus::NotMeasurable => style.yellow("? not measurable"),
            };
            line(&format!("  {:<28} {} (limit {})  {mark}", objective.name, objective.measured, objective.limit));
        }
    }
    if !verdict.throttling.is_empty() {
        line("");
    }
    for words in super::throttling::lines(verdict) {
        line(&wrapped(&words));
    }
    line("");
    for name in ["response", "queueing", "service", "lateness"] {
        let Some(summary) = result.measurement.put.get(name) else { continue };
        let (p50, p99, max) = (nanos(summary.p50), nanos(summary.p99), nanos(summary.max));
        line(&format!("  {:<28} p50 {p50:>9}   p99 {p99:>9}   max {max:>9}", format!("put {name}")));
    }
    for consumer in &result.measurement.consumers {
        let lag = &consumer.lag;
        let (p50, p99, max) = (nanos(lag.p50), nanos(lag.p99), nanos(lag.max));
        line(&format!("  {:<28} p50 {p50:>9}   p99 {p99:>9}   max {max:>9}", format!("lag {}", consumer.name)));
    }
    line("");
    line(&format!("  {}", ledger(result)));
    for words in super::errors::lines(&result.measurement) {
        line(&format!("  {}", printable(&words)));
    }
    for tenant in &result.measurement.tenants {
        line(&format!("  {}", super::tenants::line(tenant)));
    }
    for consumer in &result.measurement.consumers {
        let check = &consumer.delivery;
        line(&format!(
            "  {}: {} of {} delivered, {} lost, {} seen again",
            consumer.name,
            units::count(check.delivered),
            units::count(check.accepted),
            units::count(check.lost),
            units::count(check.duplicates)
        ));
        for words in super::consumers::attendance(consumer) {
            line(&wrapped(&format!("{}: {words}", consumer.name)));
        }
        if check.duplicates > 0 {
            line(&format!("  {}: {}", consumer.name, super::consumers::duplicates(check)));
        }
        if !check.in_order() {
            line(&format!("  {}: {}", consumer.name, super::consumers::disorder(check)));
        }
        for place in consumer.places.iter().take(3) {
            line(&format!("    {}", printable(&super::consumers::place(place))));
        }
        if check.unread > 0 {
            let unread = units::count(check.unread);
            line(&format!(
                "  {}: {unread} not read by the end; a longer load.drain would wait for them",
                consumer.name
            ));
        }
        for (reason, records) in &consumer.discarded {
            line(&format!("  {}: {} given up: {reason}", consumer.name, units::count(*records)));
        }
        for outage in &consumer.work.outages {
            line(&format!("  {}: {}", consumer.name, super::consumers::outage(outage)));
        }
    }
    line(&format!(
        "  plan: shards required {}, recommended {}, bound by {}",
        plan.capacity.required_shards, plan.capacity.recommended_shards, plan.capacity.binding
    ));
    line("");
    line(&format!("report  {}", printable(&directory.join("report.html").display().to_string())));
    out
}

/// The plan of a scenario.
pub fn plan_text(plan: &Plan, styled: bool) -> String {
    let style = Style { styled };
    let mut out = String::new();
    let shards =
        |count: u32| if count == 1 { "1 shard".to_owned() } else { format!("{} shards", units::count(count.into())) };
    // Writing into a string does not fail.
    let _ = writeln!(
        out,
        "{} required, {} recommended ({}); the scenario has {}.\nThe bound that binds: {}.",
        style.bold(&shards(plan.capacity.required_shards)),
        style.bold(&shards(plan.capacity.recommended_shards)),
        if plan.capacity.attainable {
            format!("{} full at most", plan.capacity.target_utilisation)
        } else {
            "if the load spread evenly".to_owned()
        },
        shards(plan.forecast.scenario_shards),
        style.bold(&plan.capacity.binding)
    );
    if let Some(words) = super::recommendation::unattainable(plan) {
        let _ = writeln!(out, "{}", style.red(&words));
    }
    out.push('\n');
    let head = format!(
        "  {:<20} {:>16} {:>16} {:>8} {:>8} {:>7}",
        "bound", "demand", "capacity", "used", "headroom", "shards"
    );
    let _ = writeln!(out, "{}", style.dim(&head));
    for bound in &plan.capacity.bounds {
        let _ = writeln!(
            out,
            "  {:<20} {:>16} {:>16} {:>8} {:>8} {:>7}",
            bound.name,
            quantity(bound.demand, &bound.unit),
            quantity(bound.capacity, &bound.unit),
            bound.utilisation.to_string(),
            bound.headroom().to_string(),
            bound.shards.map_or_else(|| "–".to_owned(), |shards| units::count(shards.into()))
        );
    }
    let fullest = plan.forecast.shards.iter().map(|shard| shard.utilisation).fold(0.0, f64::max);
    let _ = writeln!(
        out,
        "\n  offered {}, accepted {}; the fullest shard is offered {} of its write capacity",
        plan.forecast.offered_rate,
        plan.forecast.accepted_rate,
        units::Share(fullest)
    );
    for line in throttling_in_words(plan).into_iter().chain(skew_in_words(plan)).chain(dispersion_in_words(plan)) {
        let _ = writeln!(out, "  {line}");
    }
    let (p50, p99) = (nanos(Some(plan.forecast.put.p50)), nanos(Some(plan.forecast.put.p99)));
    let _ = writeln!(out, "  put p50 {p50}, p99 {p99}, without retries");
    for lag in &plan.forecast.lags {
        let mean = lag.mean.map_or_else(|| "grows without bound".to_owned(), |mean| nanos(Some(mean)));
        let _ = writeln!(out, "  mean lag of {}: {mean}; {}", lag.consumer, catch_up_in_words(&lag.catch_up));
    }
    let _ = writeln!(out, "\n{}", super::cost::text(plan));
    out.push_str(&super::recommendation::text(plan));
    if plan.capacity.autoscaling.is_some() {
        let _ = writeln!(out, "{}", super::autoscaling::text(plan));
    }
    let scaling = plan.capacity.autoscaling.iter().flat_map(|forecast| &forecast.notes);
    for assumption in plan.forecast.assumptions.iter().chain(&plan.capacity.cost.notes).chain(scaling) {
        let _ = writeln!(out, "  {} {assumption}", style.dim("·"));
    }
    out
}

/// What moments do to shards that have room on average.
pub(super) fn throttling_in_words(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    let seconds = plan.forecast.throttled_seconds.0;
    lines.push(if seconds < 1e-6 {
        "throttled: nothing, by the average and by chance".to_owned()
    } else {
        let worst = plan.forecast.shards.iter().map(|shard| shard.throttled.0).fold(0.0, f64::max);
        format!(
            "throttled: {} of the records, in {} of the seconds; of the fullest shard {}",
            plan.forecast.overload_share,
            plan.forecast.throttled_seconds,
            units::Share(worst)
        )
    });
    if plan.capacity.shards_for_bursts > 0 {
        lines.push(format!(
            "{} of the shards recommended are there for moments above the average",
            units::count(plan.capacity.shards_for_bursts.into())
        ));
    }
    lines
}

/// What becomes of a consumer that was down, or does not keep up.
pub(super) fn catch_up_in_words(catch_up: &CatchUp) -> String {
    let span = |seconds: f64| units::duration(Duration::from_secs_f64(seconds.clamp(0.0, 1e9)));
    match catch_up.per_second_down {
        Some(per_second) => format!(
            "an hour down takes {} to catch up, {} lose records",
            span(per_second * 3_600.0),
            span(catch_up.lost_after)
        ),
        None if catch_up.age_growth > 0.0 => format!(
            "falls behind {} in each second, and loses records after {}",
            span(catch_up.age_growth),
            span(catch_up.lost_after)
        ),
        None => "has no room to catch up after an outage".to_owned(),
    }
}

/// How uneven the load is within its seconds.
pub(super) fn dispersion_in_words(plan: &Plan) -> Option<String> {
    // Evenly spaced records need no words.
    let dispersion = plan.forecast.dispersion.filter(|dispersion| *dispersion >= 0.05)?;
    Some(format!(
        "within its seconds the load has an index of dispersion of {}, counted in tenths of a second: evenly spaced records have 0, by \
         chance it is 1",
        units::number(dispersion)
    ))
}

/// What the keys make of other numbers of shards.
pub(super) fn skew_in_words(plan: &Plan) -> Vec<String> {
    let Some(skew) = &plan.capacity.skew else { return Vec::new() };
    let row = |row: &crate::forecast::SkewRow| {
        let (shards, fullest) = (units::count(row.shards.into()), units::Share(row.fullest));
        // Where keys are many, it is a matter of chance, within bounds.
        let p99 = units::Share(row.fullest_p99).to_string();
        if p99 == fullest.to_string() {
            format!("{fullest} with {shards}")
        } else {
            format!("{fullest} (p99 {p99}) with {shards}")
        }
    };
    let rows: Vec<String> = skew.rows.iter().map(row).collect();
    let mut lines = vec![format!("the fullest shard in the busiest second: {}", rows.join(", "))];
    let useful = skew.useful_up_to.filter(|shards| *shards <= 1_000).map_or_else(String::new, |shards| {
        format!("; beyond {} more do not help, because of the hottest key", units::count(shards.into()))
    });
    lines.push(format!(
        "the fullest has no more than {} times the mean up to {} shard(s){useful}",
        crate::forecast::SkewForecast::IMBALANCE,
        units::count(skew.balanced_up_to.into())
    ));
    let target = plan.capacity.target_utilisation;
    if skew.salts > 1 {
        lines.push(format!(
            "the hottest key alone fills {} of a shard, whatever their number: spread it over {} keys",
            units::Share(skew.floor),
            skew.salts
        ));
    } else if skew.fewest.is_none() {
        lines.push(format!("no number of shards that was tried keeps every one at {target} at most: spread the keys"));
    }
    lines
}

/// A quantity of a bound in its unit, for people.
pub(super) fn quantity(value: f64, unit: &str) -> String {
    match unit {
        "bytes/s" => format!("{}/s", Bytes(value.round() as u64)),
        "records/s" => format!("{} rec/s", units::number(value)),
        "bytes/call" => format!("{}/call", Bytes(value.round() as u64)),
        "records/call" => format!("{} rec/call", units::number(value)),
        "s" => units::duration(Duration::from_secs_f64(value.max(0.0))),
        other => format!("{} {other}", units::number(value)),
    }
}

fn headline(verdict: &Verdict, style: Style) -> String {
    match verdict.conclusion {
        Conclusion::Met if verdict.objectives.is_empty() => style.green("✓ valid"),
        Conclusion::Met => style.green("✓ objectives met"),
        Conclusion::Missed if verdict.objectives.is_empty() => style.red("✗ nothing was accepted"),
        Conclusion::Missed => style.red("✗ objectives missed"),
        Conclusion::Void => style.red("✗ void: the figures below do not count"),
    }
}

pub(super) fn target(result: &RunResult) -> String {
    match &result.target {
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

pub(super) fn ledger(result: &RunResult) -> String {
    let counters = &result.measurement.counters;
    format!(
        "{} offered {} {} accepted + {} failed + {} abandoned\n    + {} unknown + {} in flight",
        units::count(counters.offered),
        if counters.balance() { "=" } else { "≠" },
        units::count(counters.accepted),
        units::count(counters.failed),
        units::count(counters.abandoned),
        units::count(counters.unknown),
        units::count(counters.in_flight)
    )
}

/// Text from a server or a file without what a terminal would obey.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Text from a server or a file as indented lines of at most 80 columns.
pub(super) fn wrapped(text: &str) -> String {
    let mut lines = vec![String::from(" ")];
    for word in printable(text).split_whitespace() {
        let full = lines.last().is_some_and(|line| line.chars().count() + 1 + word.chars().count() > 80);
        if full {
            lines.push(String::from(" "));
        }
        if let Some(line) = lines.last_mut() {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines.join("\n")
}

/// The first part of a long cell; the report has it whole.
fn shorten(text: &str) -> &str {
    text.split(',').next().filter(|first| first.contains(' ')).unwrap_or(text)
}

fn nanos(value: Option<u64>) -> String {
    value.map_or_else(|| "–".to_owned(), |nanos| units::duration(Duration::from_nanos(nanos)))
}

/// The few styles of the summary.
#[derive(Clone, Copy)]
struct Style {
    styled: bool,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.styled { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn green(self, text: &str) -> String {
        self.paint("32;1", text)
    }

    fn red(self, text: &str) -> String {
        self.paint("31;1", text)
    }

    fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }
}
