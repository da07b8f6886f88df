//! What is set side by side, as rows of texts.

use std::collections::{BTreeMap, BTreeSet};

use super::{Difference, Run};
use crate::measure::LatencySummary;
use crate::report::words::outcome::{conclusion, objective, target};
use crate::report::words::{NONE, cost, nanos, throttling};
use crate::result::{ConsumerRecord, TargetRecord};
use crate::scenario::settings;
use crate::units;
use crate::verdict::{Metric, ObjectiveResult};

/// A row: its name and a text for each run.
pub(super) type Row = (String, Vec<String>);

/// Rows that belong together.
pub(super) struct Group {
    pub title: &'static str,
    /// What there is to know of it, in full sentences.
    pub note: &'static str,
    pub rows: Vec<Row>,
}

/// All groups that have rows.
pub(super) fn groups(runs: &[Run]) -> Vec<Group> {
    let groups = [
        Group { title: "Verdicts", note: "", rows: verdicts(runs) },
        Group {
            title: "Differences of the scenarios",
            note: "Settings that are not the same in all runs.",
            rows: differences(runs).into_iter().map(Difference::row).collect(),
        },
        Group { title: "Objectives", note: "", rows: objectives(runs) },
        Group {
            title: "Key figures",
            note: "As measured; rates and utilisations are over the whole seconds between warm-up and the end of the load.",
            rows: figures(runs),
        },
        Group {
            title: "Put latency",
            note: "Response counts from the moment a record was due. A single run says little of a difference of a few percent.",
            rows: latencies(runs),
        },
        Group {
            title: "Consumers",
            note: "Lag is from the moment a record was due until it was processed.",
            rows: consumers(runs),
        },
        Group { title: "Throttling", note: "", rows: throttled(runs) },
        Group { title: "What it costs", note: "A month of such load, as the model predicts it.", rows: costs(runs) },
        Group { title: "Ledger", note: "Records, the warm-up included.", rows: ledger(runs) },
    ];
    groups.into_iter().filter(|group| !group.rows.is_empty()).collect()
}

impl Difference {
    fn row(self) -> Row {
        let text = |value: Option<String>| value.unwrap_or_else(|| "not set".to_owned());
        (self.setting, self.values.into_iter().map(text).collect())
    }
}

/// Where the scenarios of the runs differ.
pub(super) fn differences(runs: &[Run]) -> Vec<Difference> {
    let all: Vec<BTreeMap<String, String>> =
        runs.iter().map(|run| settings(&run.result.scenario.source, &run.result.scenario.overrides)).collect();
    let paths: BTreeSet<&String> = all.iter().flat_map(BTreeMap::keys).collect();
    let values = |path: &String| all.iter().map(|settings| settings.get(path).cloned()).collect::<Vec<_>>();
    let differences = paths.into_iter().map(|path| Difference { setting: path.clone(), values: values(path) });
    differences.filter(|difference| difference.values.windows(2).any(|pair| pair[0] != pair[1])).collect()
}

fn row(name: &str, runs: &[Run], value: impl Fn(&Run) -> String) -> Row {
    (name.to_owned(), runs.iter().map(value).collect())
}

fn verdicts(runs: &[Run]) -> Vec<Row> {
    vec![
        row("verdict", runs, |run| conclusion(&run.verdict).to_owned()),
        row("scenario", runs, |run| run.result.scenario.name.clone()),
        row("measured", runs, |run| target(&run.result.target)),
        row("started", runs, |run| match run.result.target {
            TargetRecord::Simulated { .. } => NONE.to_owned(),
            _ => run.result.started.clone(),
        }),
        row("measured by streamgauge", runs, |run| run.result.streamgauge_version.clone()),
    ]
}

/// The names that the runs have, each once, in the order in which they come.
fn names<'a, T: PartialEq + 'a>(runs: &'a [Run], of_run: impl Fn(&'a Run) -> Vec<T>) -> Vec<T> {
    let mut names = Vec::new();
    for name in runs.iter().flat_map(of_run) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The names of the consumers of all runs.
pub(super) fn consumer_names(runs: &[Run]) -> Vec<&str> {
    names(runs, |run| run.result.measurement.consumers.iter().map(|c| c.name.as_str()).collect())
}

fn objectives(runs: &[Run]) -> Vec<Row> {
    let found = names(runs, |run| run.verdict.objectives.iter().map(|o| &o.metric).collect());
    let words = |o: &ObjectiveResult| format!("{} (limit {}) {}", o.measured, o.limit, objective(o.status));
    let cell = |run: &Run, metric: &Metric| run.verdict.objectives.iter().find(|o| o.metric == *metric).map(words);
    let of =
        |metric: &Metric| row(&metric.to_string(), runs, |run| cell(run, metric).unwrap_or_else(|| NONE.to_owned()));
    found.into_iter().map(of).collect()
}

fn figures(runs: &[Run]) -> Vec<Row> {
    let found = names(runs, |run| run.verdict.comparison.iter().map(|row| &row.metric).collect());
    let cell = |run: &Run, metric: &Metric| {
        run.verdict.comparison.iter().find(|row| row.metric == *metric).map(|row| row.measured.to_string())
    };
    let of =
        |metric: &Metric| row(&metric.to_string(), runs, |run| cell(run, metric).unwrap_or_else(|| NONE.to_owned()));
    found.into_iter().map(of).collect()
}

/// A percentile of a distribution, by its name.
type Percentile = (&'static str, fn(&LatencySummary) -> Option<u64>);

const PERCENTILES: [Percentile; 5] =
    [("p50", |s| s.p50), ("p90", |s| s.p90), ("p99", |s| s.p99), ("p99.9", |s| s.p999), ("longest", |s| s.max)];

fn latencies(runs: &[Run]) -> Vec<Row> {
    let of = |name: &str, percentiles: &[Percentile]| {
        let rows = percentiles.iter().map(|(percentile, value)| {
            let cell = |run: &Run| nanos(run.result.measurement.put.get(name).and_then(value));
            row(&format!("{name} {percentile}"), runs, cell)
        });
        rows.collect::<Vec<_>>()
    };
    let (response, p99) = (of("response", &PERCENTILES), &PERCENTILES[2..3]);
    response.into_iter().chain(of("queueing", p99)).chain(of("service", p99)).chain(of("lateness", p99)).collect()
}

fn consumers(runs: &[Run]) -> Vec<Row> {
    let with = |name: &str, what: &str, value: &dyn Fn(&ConsumerRecord) -> String| {
        let find = |run: &Run| run.result.measurement.consumers.iter().find(|c| c.name == name).map(value);
        row(&format!("{name}: {what}"), runs, |run| find(run).unwrap_or_else(|| NONE.to_owned()))
    };
    let of = |name: &str| {
        let lags = [PERCENTILES[0], PERCENTILES[2], PERCENTILES[4]];
        let lags = lags.map(|(percentile, value)| {
            with(name, &format!("lag {percentile}"), &|consumer| nanos(value(&consumer.lag)))
        });
        let lost = with(name, "lost", &|consumer| units::count(consumer.delivery.lost));
        let unread = with(name, "not read by the end", &|consumer| units::count(consumer.delivery.unread));
        let twice = with(name, "seen again", &|consumer| units::count(consumer.delivery.duplicates));
        lags.into_iter().chain([lost, unread, twice]).collect::<Vec<_>>()
    };
    consumer_names(runs).into_iter().flat_map(of).collect()
}

fn throttled(runs: &[Run]) -> Vec<Row> {
    let why = |run: &Run| {
        let causes = run.verdict.throttling.iter();
        let causes: Vec<String> =
            causes.map(|c| format!("{} ({})", throttling::title(c), units::count(c.throttled))).collect();
        if causes.is_empty() { NONE.to_owned() } else { causes.join("; ") }
    };
    let reads = |run: &Run| run.result.measurement.consumers.iter().map(|consumer| consumer.throttled_calls).sum();
    vec![
        row("throttled attempts", runs, |run| units::count(run.result.measurement.counters.throttled)),
        row("throttled reading calls", runs, |run| units::count(reads(run))),
        row("why", runs, why),
    ]
}

fn costs(runs: &[Run]) -> Vec<Row> {
    vec![
        row("a month as it is set up", runs, |run| {
            cost::dollars(run.plan.capacity.cost.bills.first().and_then(|bill| bill.total))
        }),
        row("per million records", runs, |run| {
            cost::dollars(run.plan.capacity.cost.bills.first().and_then(|bill| bill.per_million_records))
        }),
        row("shards recommended", runs, |run| units::count(run.plan.capacity.recommended_shards.into())),
        row("region and prices", runs, |run| {
            format!("{}, {}", run.plan.capacity.cost.region, run.plan.capacity.cost.prices)
        }),
    ]
}

fn ledger(runs: &[Run]) -> Vec<Row> {
    let of = |name: &str, value: fn(&crate::measure::Counters) -> u64| {
        row(name, runs, |run| units::count(value(&run.result.measurement.counters)))
    };
    vec![
        of("offered", |c| c.offered),
        of("accepted", |c| c.accepted),
        of("failed", |c| c.failed),
        of("abandoned", |c| c.abandoned),
        of("unknown", |c| c.unknown),
        of("in flight", |c| c.in_flight),
        of("attempts", |c| c.attempts),
    ]
}
