//! RunResult: all that a run produced, with a versioned schema, and the directory it is kept in.

mod directory;

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};

pub use directory::{Files, NewDirectory, ReadError, WriteError, read, read_file, write_into};

use crate::client::Part;
use crate::measure::Outcome;
pub use crate::measure::{ConsumerRecord, Ending, EventRecord, Measurement, ShardRecord};
use crate::scenario::{Consumer, Objectives, Scenario, Stream};
use crate::seed::Seed;
use crate::time::Time;

/// Version of the schema of `result.json`; a change that old readers would misread raises it.
pub const SCHEMA_VERSION: u32 = 1;

/// All that a run produced.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Result of a streamgauge run")]
pub struct RunResult {
    /// [`SCHEMA_VERSION`] at the time of writing.
    pub schema_version: u32,
    /// Version of the program that wrote it.
    pub streamgauge_version: String,
    /// When load was first offered, RFC 3339; times of the run count from here.
    pub started: String,
    /// What was asked.
    pub scenario: ScenarioRecord,
    /// Where the calls went.
    pub target: TargetRecord,
    /// The stream that they went to.
    pub stream_name: String,
    /// Which of the scenario's arrivals the run offered.
    #[serde(default)]
    pub part: Part,
    /// How the run ended.
    pub ending: Ending,
    /// When load was last offered, since the run began.
    pub load_ended: Time,
    /// What was measured.
    pub measurement: Measurement,
}

/// The JSON Schema (2020-12) of `result.json`, as results of schema version [`SCHEMA_VERSION`] are read.
pub fn schema() -> serde_json::Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<RunResult>().to_value()
}

impl RunResult {
    /// The result of a scenario that came to `outcome` on this target. What lies beside the result,
    /// the details of the outcome, is to be taken out before.
    pub fn new(scenario: &Scenario, target: TargetRecord, outcome: Outcome) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            streamgauge_version: env!("CARGO_PKG_VERSION").to_owned(),
            // Simulated time has no date: it begins with 1970, and the same scenario gives the same bytes.
            started: rfc_3339(outcome.began),
            scenario: ScenarioRecord::from(scenario),
            target,
            stream_name: outcome.streams.into_iter().next().unwrap_or_default(),
            part: outcome.part,
            ending: outcome.ending,
            load_ended: outcome.load_ended,
            measurement: outcome.measurement,
        }
    }
}

/// A time since 1970 in whole seconds.
fn rfc_3339(since_1970: Duration) -> String {
    let time = Timestamp::UNIX_EPOCH.checked_add(since_1970).unwrap_or(Timestamp::MAX);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The scenario as the result keeps it; the TOML text lies beside it as `scenario.toml`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "the fields are those of Scenario")]
pub struct ScenarioRecord {
    pub name: String,
    pub question: Option<String>,
    pub seed: Seed,
    pub stream: Stream,
    pub duration: Duration,
    pub warm_up: Duration,
    pub lateness_bound: Duration,
    #[serde(default)]
    pub closed_loop: Option<u32>,
    #[serde(default)]
    pub max_in_flight: usize,
    pub consumers: Vec<Consumer>,
    pub objectives: Objectives,
    pub source: String,
    #[serde(default)]
    pub overrides: Vec<String>,
}

impl From<&Scenario> for ScenarioRecord {
    fn from(scenario: &Scenario) -> Self {
        Self {
            name: scenario.name.clone(),
            question: scenario.question.clone(),
            seed: scenario.seed,
            stream: scenario.stream.clone(),
            duration: scenario.load.duration,
            warm_up: scenario.load.warm_up,
            lateness_bound: scenario.load.lateness_bound,
            closed_loop: scenario.load.closed_loop,
            max_in_flight: scenario.producer.max_in_flight,
            consumers: scenario.consumers.clone(),
            objectives: scenario.objectives.clone(),
            source: scenario.source.clone(),
            overrides: scenario.overrides.clone(),
        }
    }
}

/// Where the calls went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum TargetRecord {
    /// The emulator inside this program: a model of AWS, not AWS.
    Embedded {
        /// The profile with the limits and latencies of the model.
        profile: String,
    },
    /// Nowhere: the model of AWS was asked in virtual time.
    Simulated {
        /// The profile with the limits and latencies of the model.
        profile: String,
    },
    /// An endpoint given by its URL.
    Endpoint {
        /// The URL.
        url: String,
    },
    /// Amazon Kinesis Data Streams.
    Aws {
        /// The region.
        region: String,
    },
}
