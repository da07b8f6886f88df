//! The scenarios of the project, compiled in, so that they can be run by name from anywhere; and the schema of all scenarios.

use super::reader::closest;

/// The JSON Schema of a scenario, by which editors complete and check one while it is written.
pub const SCHEMA: &str = include_str!("../../docs/schema/scenario.json");

/// A scenario that is compiled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltIn {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        &[$(BuiltIn { name: $name, text: include_str!(concat!("../../scenarios/", $name, ".toml")) }),*]
    };
}

/// The scenarios that are compiled in, by name.
pub const BUILT_IN: &[BuiltIn] = built_in![
    "aggregation-off",
    "aggregation-on",
    "autoscaling",
    "consumer-outage",
    "daily-rhythm",
    "efo-vs-polling",
    "gate",
    "hot-shard",
    "hot-shard-auto",
    "hot-shard-salted",
    "hot-shard-split",
    "lambda-parallelism",
    "large-records",
    "micro-bursts",
    "noisy-neighbour",
    "quickstart",
    "reshard-rehearsal",
    "retry-storm",
];

/// Scenarios of the project that are not compiled in, each with the reason.
pub const NOT_BUILT_IN: &[(&str, &str)] = &[(
    "airport",
    "it replays a trace of 1 MB, scenarios/traces/nyc-departures-2013-07.csv: run it as scenarios/airport.toml",
)];

/// The text of the scenario that is compiled in under this name.
pub fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|scenario| scenario.name == name).map(|scenario| scenario.text)
}

/// The scenario that is compiled in and whose name is the nearest to `name`, if one is near.
pub fn nearest_built_in(name: &str) -> Option<&'static str> {
    let names: Vec<&'static str> = BUILT_IN.iter().map(|scenario| scenario.name).collect();
    // Names have hyphens, with which `closest` deals.
    closest(name.trim_end_matches(".toml"), &names)
}
