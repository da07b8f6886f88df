//! The summary of a run as JSON: what `--json` prints.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use super::words::pretty;
use crate::measure::{Counters, DeliveryCheck, LatencySummary};
use crate::plan::Plan;
use crate::result::{Ending, RunResult, TargetRecord};
use crate::verdict::Verdict;

/// Version of the schema of summaries. Since 2, each figure of the verdict has its number and unit beside its words, and a metric by which to find it.
pub const SUMMARY_SCHEMA_VERSION: u32 = 2;

/// The summary of a run of streamgauge.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Summary of a streamgauge run")]
pub(super) struct Summary<'a> {
    /// Version of this schema.
    schema_version: u32,
    /// Version of the program that measured.
    streamgauge_version: &'a str,
    /// Name of the scenario.
    scenario: &'a str,
    target: &'a TargetRecord,
    ending: &'a Ending,
    #[serde(flatten)]
    counters: &'a Counters,
    /// Of the unknown records, those that a consumer has seen, so that they were stored; null if nobody reads.
    unknown_stored: Option<u64>,
    /// Attempts that failed otherwise than by throttling, by the word for it.
    errors_by_kind: &'a BTreeMap<String, u64>,
    /// Put latencies by name: `response`, `lateness`, `queueing`, `service`, `throttled`, `failed`.
    put: &'a BTreeMap<String, LatencySummary>,
    consumers: Vec<ConsumerSummary<'a>>,
    plan: &'a Plan,
    verdict: &'a Verdict,
    /// What went wrong that a reader must know of.
    warnings: &'a [String],
    /// The directory of the run.
    directory: String,
}

/// A consumer in short.
#[derive(Debug, Serialize, JsonSchema)]
struct ConsumerSummary<'a> {
    name: &'a str,
    lag: &'a LatencySummary,
    delivery: &'a DeliveryCheck,
}

/// The summary of a run. `directory` is where it was written.
pub fn json(result: &RunResult, plan: &Plan, verdict: &Verdict, directory: &Path) -> String {
    pretty(&summary(result, plan, verdict, directory))
}

/// The JSON Schema (2020-12) of the summary.
pub fn summary_schema() -> serde_json::Value {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Summary<'_>>().to_value()
}

pub(super) fn summary<'a>(
    result: &'a RunResult,
    plan: &'a Plan,
    verdict: &'a Verdict,
    directory: &Path,
) -> Summary<'a> {
    let measurement = &result.measurement;
    let consumers = measurement.consumers.iter();
    Summary {
        schema_version: SUMMARY_SCHEMA_VERSION,
        streamgauge_version: &result.streamgauge_version,
        scenario: &result.scenario.name,
        target: &result.target,
        ending: &result.ending,
        counters: &measurement.counters,
        unknown_stored: measurement.unknown_stored,
        errors_by_kind: &measurement.errors_by_kind,
        put: &measurement.put,
        consumers: consumers.map(|c| ConsumerSummary { name: &c.name, lag: &c.lag, delivery: &c.delivery }).collect(),
        plan,
        verdict,
        warnings: &measurement.warnings,
        directory: directory.display().to_string(),
    }
}
