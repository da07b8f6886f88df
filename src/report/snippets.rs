//! The stream that a plan recommends, as Terraform and as commands of the AWS CLI.

use std::fmt::Write as _;

use serde_json::json;

use crate::kinesis::StreamMode;
use crate::plan::Plan;
use crate::scenario::Scenario;

/// The shard-level metrics of the service (fact sheet, section 8).
const SHARD_LEVEL_METRICS: [&str; 7] = [
    "IncomingBytes",
    "IncomingRecords",
    "IteratorAgeMilliseconds",
    "OutgoingBytes",
    "OutgoingRecords",
    "ReadProvisionedThroughputExceeded",
    "WriteProvisionedThroughputExceeded",
];
/// The default of MaxRecordSizeInKiB.
const DEFAULT_RECORD_KIB: u64 = 1_024;
/// The default retention.
const DEFAULT_HOURS: u64 = 24;

/// What the snippets have in common.
struct Recommended<'a> {
    name: String,
    on_demand: bool,
    auto: bool,
    /// Why the shards do not do.
    warning: Option<String>,
    shards: u32,
    hours: u64,
    record_kib: u64,
    metrics: &'a [&'a str],
    fan_out: Vec<&'a str>,
}

impl<'a> Recommended<'a> {
    fn new(scenario: &'a Scenario, plan: &Plan) -> Self {
        let metrics = scenario.cost.shard_level_metrics as usize;
        let fan_out = scenario.consumers.iter().filter(|consumer| consumer.kind.is_fan_out());
        let on_demand = scenario.stream.mode == StreamMode::OnDemand;
        Self {
            name: scenario.stream.name.clone().unwrap_or_else(|| stream_name(&scenario.name)),
            on_demand,
            shards: plan.capacity.recommended_shards,
            warning: super::words::recommendation::unattainable(plan),
            auto: scenario.stream.auto_distribution && on_demand,
            hours: scenario.cost.retention.as_secs().div_ceil(3_600).max(DEFAULT_HOURS),
            record_kib: scenario.stream.max_record_size.0.div_ceil(1_024).max(DEFAULT_RECORD_KIB),
            metrics: SHARD_LEVEL_METRICS.get(..metrics).unwrap_or(&SHARD_LEVEL_METRICS),
            fan_out: fan_out.map(|consumer| consumer.name.as_str()).collect(),
        }
    }
}

/// A name that the service takes, like that of the scenario.
fn stream_name(scenario: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-') { c } else { '-' };
    let name: String = scenario.chars().map(allowed).take(128).collect();
    if name.is_empty() { "stream".to_owned() } else { name }
}

/// A name that Terraform takes for a resource.
fn resource(name: &str) -> String {
    let name: String = name.chars().map(|c| if c == '.' { '_' } else { c }).collect();
    if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') { name } else { format!("_{name}") }
}

/// The stream that a plan recommends for the scenario's own producers and consumers, as Terraform.
pub fn terraform(scenario: &Scenario, plan: &Plan) -> String {
    let stream = Recommended::new(scenario, plan);
    let (name, id) = (&stream.name, resource(&stream.name));
    let mut out = stream.warning.as_ref().map_or_else(String::new, |warning| format!("# {warning}\n"));
    out += &format!("resource \"aws_kinesis_stream\" \"{id}\" {{\n  name             = \"{name}\"\n");
    // Writing into a string does not fail.
    if !stream.on_demand {
        let _ = writeln!(out, "  shard_count      = {}", stream.shards);
    }
    let _ = writeln!(out, "  retention_period = {}", stream.hours);
    if stream.record_kib > DEFAULT_RECORD_KIB {
        let _ = writeln!(out, "\n  # hashicorp/aws 6.20 or newer\n  max_record_size_in_kib = {}", stream.record_kib);
    }
    if !stream.metrics.is_empty() {
        let metrics: Vec<String> = stream.metrics.iter().map(|metric| format!("    \"{metric}\",\n")).collect();
        let _ = writeln!(out, "\n  shard_level_metrics = [\n{}  ]", metrics.concat());
    }
    if stream.auto {
        let _ = writeln!(out, "\n  # AUTO record distribution: set it with the AWS CLI, `plan --aws-cli` says how");
    }
    let mode = if stream.on_demand { "ON_DEMAND" } else { "PROVISIONED" };
    let _ = writeln!(out, "\n  stream_mode_details {{\n    stream_mode = \"{mode}\"\n  }}\n}}");
    for consumer in &stream.fan_out {
        let _ = writeln!(
            out,
            "\nresource \"aws_kinesis_stream_consumer\" \"{}\" {{\n  name       = \"{consumer}\"\n  stream_arn = aws_kinesis_stream.{id}.arn\n}}",
            resource(consumer)
        );
    }
    out
}

/// The stream that a plan recommends for the scenario's own producers and consumers, as commands of the AWS CLI in a shell.
pub fn aws_cli(scenario: &Scenario, plan: &Plan) -> String {
    let stream = Recommended::new(scenario, plan);
    let name = &stream.name;
    let mode = if stream.on_demand { "ON_DEMAND" } else { "PROVISIONED" };
    let mut create = json!({ "StreamName": name, "StreamModeDetails": { "StreamMode": mode } });
    if !stream.on_demand {
        create["ShardCount"] = json!(stream.shards);
    }
    if stream.record_kib > DEFAULT_RECORD_KIB {
        create["MaxRecordSizeInKiB"] = json!(stream.record_kib);
    }
    if stream.auto {
        create["RecordDistributionStrategy"] = json!("AUTO");
    }
    let mut commands = vec![("create-stream", create)];
    if stream.hours > DEFAULT_HOURS {
        let retention = json!({ "StreamName": name, "RetentionPeriodHours": stream.hours });
        commands.push(("increase-stream-retention-period", retention));
    }
    if !stream.metrics.is_empty() {
        let metrics = json!({ "StreamName": name, "ShardLevelMetrics": stream.metrics });
        commands.push(("enable-enhanced-monitoring", metrics));
    }
    let mut out = String::new();
    for (position, (command, input)) in commands.iter().enumerate() {
        // Names hold no quotes, and JSON of texts and numbers no single ones.
        let _ = writeln!(out, "aws kinesis {command} --cli-input-json '{input}'");
        // What changes a stream waits until it is active, and so must what follows.
        if position + 1 < commands.len() || !stream.fan_out.is_empty() {
            let _ = writeln!(out, "aws kinesis wait stream-exists --stream-name={name}");
        }
    }
    if !stream.fan_out.is_empty() {
        let _ = writeln!(
            out,
            "arn=$(aws kinesis describe-stream-summary --stream-name={name} --query StreamDescriptionSummary.StreamARN --output text)"
        );
    }
    for consumer in &stream.fan_out {
        let _ = writeln!(out, "aws kinesis register-stream-consumer --stream-arn \"$arn\" --consumer-name={consumer}");
    }
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::kinesis::Profile;
    use crate::plan::predict;
    use crate::prices::Prices;
    use crate::scenario;

    fn snippets(path: &str, toml: &str) -> String {
        let profile = Profile::newest();
        let scenario = scenario::parse(Path::new(path), toml, &[], &profile).unwrap();
        let plan = predict(&scenario, &profile, &Prices::newest());
        format!("{}\n{}", terraform(&scenario, &plan), aws_cli(&scenario, &plan))
    }

    #[test]
    fn a_plain_stream_is_a_few_lines() {
        insta::assert_snapshot!(snippets(
            "orders.toml",
            "stream.shards = 1\nload = { rate = \"2500/s\", duration = \"10s\" }\nrecords.size = \"100 B\"\n"
        ));
    }

    #[test]
    fn auto_distribution_is_said_and_shards_that_do_not_do_are_warned_of() {
        insta::assert_snapshot!(snippets(
            "hot.toml",
            "stream = { mode = \"on-demand\", distribution = \"auto\" }\nload = { rate = \"100/s\", duration = \"10s\" }\n\
             records.size = \"100 B\"\n"
        ));
        insta::assert_snapshot!(snippets(
            "hot.toml",
            "stream.shards = 2\nload = { rate = \"3000/s\", duration = \"10s\" }\nrecords.size = \"100 B\"\n\
             keys = { distribution = \"hot-key\", count = 100, share = \"50%\" }\n"
        ));
    }

    #[test]
    fn everything_that_a_scenario_says_of_its_stream_is_there() {
        insta::assert_snapshot!(snippets(
            "9 o'clock\" $(rush).toml",
            "stream = { mode = \"on-demand\", max_record_size = \"2 MiB\" }\nload = { rate = \"100/s\", duration = \"10s\" }\n\
             records.size = \"100 B\"\ncost = { retention = \"168h\", shard_level_metrics = 2 }\n\
             [[consumer]]\nname = \"alerts.v2\"\ntype = \"efo\"\n[[consumer]]\nname = \"lake\"\ntype = \"firehose\"\n"
        ));
    }
}
