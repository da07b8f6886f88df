//! The JSON Schema of scenarios against the decoder: both know the same keys and words, and the schema refuses nothing that runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::{Map, Value, json};
use streamgauge::kinesis::{Operation, Profile};
use streamgauge::scenario::{self, BUILT_IN, NOT_BUILT_IN, SCHEMA};

use crate::readme::examples;

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

fn validator() -> Validator {
    jsonschema::draft202012::new(&schema()).unwrap()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn tomls(directory: &str) -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(root().join(directory)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read_to_string(&path).unwrap())).collect()
}

fn value(text: &str) -> Value {
    toml::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Every scenario of the project that is valid.
fn good() -> Vec<String> {
    let files = tomls("scenarios").into_iter().map(|(_, text)| text);
    files.chain(examples()).chain(probes().into_iter().map(|probe| probe.document("", ""))).collect()
}

#[test]
fn every_scenario_and_every_example_is_valid() {
    let validator = validator();
    for text in good() {
        let errors: Vec<String> =
            validator.iter_errors(&value(&text)).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}\n{text}");
    }
}

#[test]
fn every_scenario_names_the_schema() {
    for (path, text) in tomls("scenarios") {
        assert!(text.starts_with("#:schema ../docs/schema/scenario.json\n"), "{}", path.display());
    }
    assert_eq!(fs::read_to_string(root().join("scenarios/../docs/schema/scenario.json")).unwrap(), SCHEMA);
}

#[test]
fn every_scenario_is_built_in_or_said_not_to_be() {
    let files: BTreeSet<String> =
        tomls("scenarios").iter().map(|(path, _)| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    let known = BUILT_IN.iter().map(|one| one.name).chain(NOT_BUILT_IN.iter().map(|(name, _)| *name));
    assert_eq!(files, known.map(str::to_owned).collect());
    for one in BUILT_IN {
        // It has no folder of its own: nothing it says may be a path.
        assert!(!one.text.contains("trace =") && !one.text.contains("file ="), "{}", one.name);
        scenario::parse(Path::new(one.name), one.text, &[], &Profile::newest()).unwrap();
    }
}

/// What only the decoder can tell: it knows files, quantities and how the parts of a scenario go together.
const BEYOND_A_SCHEMA: &[&str] = &[
    "fan_out_name_too_long",
    "keys_hot_key",
    "payload_json",
    "phases_too_fine",
    "rate_zero",
    "record_with_key_too_large",
    "sizes_impossible",
    "sizes_out_of_order",
    "too_many_fan_out_consumers",
    "trace_column",
    "trace_not_found",
    "trace_row",
    "trace_small_record",
    "warm_up_too_long",
];

#[test]
fn a_broken_scenario_is_refused_where_a_schema_can_tell() {
    let validator = validator();
    let mut accepted = Vec::new();
    for (path, text) in tomls("tests/broken") {
        // What is not TOML has no schema.
        if let Ok(value) = toml::from_str::<Value>(&text)
            && validator.is_valid(&value)
        {
            accepted.push(path.file_stem().unwrap().to_string_lossy().into_owned());
        }
    }
    assert_eq!(accepted, BEYOND_A_SCHEMA);
}

/// A valid scenario with one table of interest in it.
struct Probe {
    /// The table's place in the schema.
    table: &'static str,
    /// `@` is where a key can be added; a comma follows what is added in an inline table.
    text: &'static str,
    inline: bool,
}

impl Probe {
    /// The scenario with a key in the table.
    fn document(&self, key: &str, value: &str) -> String {
        let comma = if self.inline { ", " } else { "" };
        let added = if key.is_empty() { String::new() } else { format!("{key} = {value}{comma}\n") };
        let added = if self.inline { added.replace('\n', "") } else { added };
        let mut text = self.text.replace('@', &added);
        for (section, rest) in [
            ("[stream]", "[stream]\nshards = 4\n"),
            ("[load]", "[load]\nrate = \"10/s\"\nduration = \"20s\"\n"),
            ("[records]", "[records]\nsize = \"1 KiB\"\n"),
        ] {
            let replaced = section == "[load]" && text.contains("[[load.phase]]")
                || section == "[records]" && (text.contains("[[tenant]]") || text.contains("[records.size]"));
            if !text.contains(section) && !replaced {
                text.push_str(rest);
            }
        }
        text
    }
}

/// Probes for every table, of every kind that it has.
fn probes() -> Vec<Probe> {
    let table = |table, text| Probe { table, text, inline: false };
    let inline = |table, text| Probe { table, text, inline: true };
    const PHASE: &str = "/$defs/phase";
    const SIZE: &str = "/$defs/size_table";
    const PART: &str = "/$defs/size_part";
    const TIME: &str = "/$defs/time_table";
    const TIME_PART: &str = "/$defs/time_part";
    const CONSUMER: &str = "/properties/consumer/items";
    const EVENT: &str = "/properties/event/items";
    const RETRY: &str = "/properties/producer/properties/retry";
    const PAYLOAD: &str = "/properties/records/properties/payload/anyOf/1";
    vec![
        table("", "@"),
        table("/properties/stream", "[stream]\n@shards = 4\n"),
        table("/properties/stream", "[stream]\n@mode = \"on-demand\"\n"),
        table("/properties/load", "[load]\n@rate = \"10/s\"\nduration = \"20s\"\n"),
        table("/properties/load", "[load]\n@model = \"closed\"\nproducers = 2\nduration = \"20s\"\n"),
        table("/properties/load", "[load]\n@rate = \"10/s\"\nduration = \"20s\"\noverload = \"drop\"\ncatch_up = 10\n"),
        table(PHASE, "[[load.phase]]\n@shape = \"constant\"\nduration = \"20s\"\nrate = \"10/s\"\n"),
        table(PHASE, "[[load.phase]]\n@shape = \"ramp\"\nduration = \"20s\"\nfrom = \"1/s\"\nto = \"10/s\"\n"),
        table(PHASE, "[[load.phase]]\n@shape = \"steps\"\nduration = \"20s\"\nrates = [\"1/s\"]\n"),
        table(
            PHASE,
            "[[load.phase]]\n@shape = \"spike\"\nduration = \"20s\"\nbase = \"1/s\"\npeak = \"9/s\"\nat = \"5s\"\nlasting = \"5s\"\n",
        ),
        table(
            PHASE,
            "[[load.phase]]\n@shape = \"sine\"\nduration = \"20s\"\nmean = \"5/s\"\namplitude = \"3/s\"\nperiod = \"10s\"\n",
        ),
        table(
            PHASE,
            "[[load.phase]]\n@shape = \"curve\"\nduration = \"20s\"\npoints = [[\"1s\", \"9/s\"]]\nevery = \"5s\"\n",
        ),
        inline(
            "/$defs/phase/properties/burst",
            "[[load.phase]]\nshape = \"constant\"\nduration = \"20s\"\nrate = \"10/s\"\nburst = { @period = \"1s\", share = \"20%\" }\n",
        ),
        inline(
            "/$defs/phase/properties/burst",
            "[[load.phase]]\nshape = \"constant\"\nduration = \"20s\"\nrate = \"10/s\"\nburst = { @period = \"1s\", dispersion = 2 }\n",
        ),
        table("/properties/records", "[records]\n@size = \"1 KiB\"\n"),
        table(SIZE, "[records.size]\n@distribution = \"constant\"\nsize = \"1 KiB\"\n"),
        table(SIZE, "[records.size]\n@distribution = \"uniform\"\nmin = \"1 KiB\"\nmax = \"2 KiB\"\n"),
        table(SIZE, "[records.size]\n@distribution = \"normal\"\nmean = \"1 KiB\"\ndeviation = \"100 B\"\n"),
        table(SIZE, "[records.size]\n@distribution = \"lognormal\"\nmedian = \"1 KiB\"\np99 = \"4 KiB\"\n"),
        table(SIZE, "[records.size]\n@distribution = \"pareto\"\nmin = \"1 KiB\"\nshape = 2.0\n"),
        table(SIZE, "[records.size]\n@distribution = \"mix\"\nof = [{ weight = 1, size = \"1 KiB\" }]\n"),
        inline(PART, "[records.size]\ndistribution = \"mix\"\nof = [{ @weight = 1, size = \"1 KiB\" }]\n"),
        inline(
            PART,
            "[records.size]\ndistribution = \"mix\"\nof = [{ @weight = 1, distribution = \"uniform\", min = \"1 KiB\", max = \"2 KiB\" }]\n",
        ),
        inline(PAYLOAD, "[records]\nsize = \"1 KiB\"\npayload = { @compressible = \"70%\" }\n"),
        inline(PAYLOAD, "[records]\nsize = \"1 KiB\"\npayload = { @json = '{\"n\": {{index}}}' }\n"),
        table("/properties/keys", "[keys]\n@count = 10\n"),
        table("/properties/keys", "[keys]\n@distribution = \"zipf\"\nexponent = 1.0\n"),
        table("/properties/keys", "[keys]\n@distribution = \"hot-key\"\nshare = \"40%\"\n"),
        table("/properties/keys", "[keys]\n@distribution = \"hot-set\"\nshare = \"40%\"\nhot = 3\n"),
        table("/properties/keys", "[keys]\n@distribution = \"moving-hot-key\"\nshare = \"40%\"\nevery = \"5s\"\n"),
        table("/properties/keys", "[keys]\n@distribution = \"weighted\"\nweights = { a = 1 }\n"),
        table("/properties/keys", "[keys]\n@distribution = \"sequential\"\n"),
        table("/properties/tenant/items", "[[tenant]]\n@name = \"a\"\nsize = \"1 KiB\"\n"),
        table(
            "/properties/tenant/items/properties/keys",
            "[[tenant]]\nname = \"a\"\nsize = \"1 KiB\"\n[tenant.keys]\n@distribution = \"zipf\"\nexponent = 1.0\n",
        ),
        table("/properties/producer", "[producer]\n@linger = \"50ms\"\n"),
        table("/properties/producer", "[producer]\n@api = \"PutRecord\"\n"),
        inline(
            "/properties/producer/properties/aggregation/anyOf/1",
            "[producer]\naggregation = { @max_records = 100 }\n",
        ),
        table(RETRY, "[producer.retry]\n@policy = \"exponential\"\n"),
        table(RETRY, "[producer.retry]\n@policy = \"immediate\"\n"),
        table(RETRY, "[producer.retry]\n@policy = \"none\"\n"),
        table(CONSUMER, "[[consumer]]\n@name = \"a\"\ntype = \"polling\"\n"),
        table(CONSUMER, "[[consumer]]\n@name = \"a\"\ntype = \"efo\"\n"),
        table(CONSUMER, "[[consumer]]\n@name = \"a\"\ntype = \"kcl\"\n"),
        table(CONSUMER, "[[consumer]]\n@name = \"a\"\ntype = \"lambda\"\n"),
        table(CONSUMER, "[[consumer]]\n@name = \"a\"\ntype = \"firehose\"\n"),
        inline(
            "/properties/consumer/items/properties/start/anyOf/1",
            "[[consumer]]\nname = \"a\"\ntype = \"efo\"\nstart = { @ago = \"5m\" }\n",
        ),
        table(
            "/properties/consumer/items/properties/processing",
            "[[consumer]]\nname = \"a\"\ntype = \"efo\"\n[consumer.processing]\n@attempts = 3\n",
        ),
        inline(
            TIME,
            "[[consumer]]\nname = \"a\"\ntype = \"efo\"\nprocessing.per_batch = { @distribution = \"constant\", time = \"1s\" }\n",
        ),
        inline(
            TIME,
            "[[consumer]]\nname = \"a\"\ntype = \"efo\"\nprocessing.per_record = { @distribution = \"uniform\", min = \"1s\", max = \"2s\" }\n",
        ),
        inline(
            TIME,
            "[[consumer]]\nname = \"a\"\ntype = \"efo\"\nprocessing.per_batch = { @distribution = \"exponential\", mean = \"1s\" }\n",
        ),
        inline(
            TIME,
            "[[consumer]]\nname = \"a\"\ntype = \"efo\"\nprocessing.per_record = { @distribution = \"lognormal\", median = \"1s\", p99 = \"2s\" }\n",
        ),
        inline(
            TIME,
            "[[consumer]]\nname = \"a\"\ntype = \"efo\"\nprocessing.per_record = { @distribution = \"normal\", mean = \"2s\", deviation = \"1s\" }\n",
        ),
        inline(
            TIME,
            "[[consumer]]\nname = \"a\"\ntype = \"efo\"\nprocessing.per_record = { @distribution = \"pareto\", min = \"1s\", shape = 1.5 }\n",
        ),
        inline(
            TIME,
            "[[consumer]]\nname = \"a\"\ntype = \"efo\"\nprocessing.per_record = { @distribution = \"mix\", of = [{ weight = 1, time = \"1s\" }] }\n",
        ),
        inline(
            TIME_PART,
            "[[consumer]]\nname = \"a\"\ntype = \"efo\"\nprocessing.per_batch = { distribution = \"mix\", of = [{ @weight = 1, time = \"1s\" }] }\n",
        ),
        inline(
            TIME_PART,
            "[[consumer]]\nname = \"a\"\ntype = \"efo\"\nprocessing.per_batch = { distribution = \"mix\", of = [{ @weight = 1, distribution = \"uniform\", min = \"1s\", max = \"2s\" }] }\n",
        ),
        table(EVENT, "[[event]]\n@at = \"5s\"\nkind = \"split-shard\"\nshard = \"hottest\"\n"),
        table(EVENT, "[[event]]\n@at = \"5s\"\nkind = \"merge-shards\"\nshard = 0\n"),
        table(EVENT, "[[event]]\n@at = \"5s\"\nkind = \"update-shard-count\"\nshards = 8\n"),
        table(EVENT, "[[event]]\n@at = \"5s\"\nkind = \"update-stream-mode\"\nmode = \"on-demand\"\n"),
        table(
            EVENT,
            "[[event]]\n@at = \"5s\"\nkind = \"update-warm-throughput\"\nmib_per_second = 8\n[stream]\nshards = 4\ncommitment = true\n",
        ),
        table(
            EVENT,
            "[[consumer]]\nname = \"a\"\ntype = \"kcl\"\n[[event]]\n@at = \"5s\"\nkind = \"kill-worker\"\nconsumer = \"a\"\n",
        ),
        table(
            EVENT,
            "[[consumer]]\nname = \"a\"\ntype = \"kcl\"\n[[event]]\n@at = \"5s\"\nkind = \"stop-consumer\"\nconsumer = \"a\"\n",
        ),
        table("/properties/fault/items", "[[fault]]\n@kind = \"throttling\"\n"),
        table("/properties/fault/items", "[[fault]]\n@kind = \"delay\"\ndelay = \"1s\"\n"),
        table("/properties/cost", "[cost]\n@region = \"eu-central-1\"\n"),
        table("/properties/plan", "[plan]\n@utilisation = \"70%\"\n"),
        table("/properties/autoscaling", "[autoscaling]\n@speedup = 1440\n"),
        inline(
            "/properties/autoscaling/properties/scale_out",
            "[autoscaling]\nspeedup = 1440\nscale_out = { @after = \"3m\" }\n",
        ),
        inline(
            "/properties/autoscaling/properties/scale_in",
            "[autoscaling]\nspeedup = 1440\nscale_in = { @after = \"3m\" }\n",
        ),
        table("/properties/slo", "[[consumer]]\nname = \"a\"\ntype = \"efo\"\n[slo]\n@throttled = \"1%\"\n"),
    ]
}

/// All tables of the schema that know their keys, by their place.
fn tables(schema: &Value, place: &str, found: &mut BTreeMap<String, Value>) {
    if schema.get("properties").is_some() && schema.get("additionalProperties") == Some(&json!(false)) {
        found.insert(place.to_owned(), schema.clone());
    }
    let within = |child: &str| !matches!(child, "allOf" | "if" | "then" | "else");
    match schema {
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| within(name))
            .for_each(|(name, child)| tables(child, &format!("{place}/{name}"), found)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, child)| tables(child, &format!("{place}/{at}"), found));
        }
        _ => {}
    }
}

fn keys_of(table: &Value) -> BTreeSet<String> {
    table["properties"].as_object().into_iter().flat_map(Map::keys).cloned().collect()
}

fn problems(text: &str) -> Vec<(String, Option<String>)> {
    let parsed = scenario::parse(Path::new("probe.toml"), text, &[], &Profile::newest());
    let problems = parsed.err().map(|diagnostics| diagnostics.problems().to_vec()).unwrap_or_default();
    problems.into_iter().map(|problem| (problem.message, problem.help)).collect()
}

const NO_KEY: &str = "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz";

#[test]
fn schema_and_decoder_know_the_same_keys() {
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for probe in probes() {
        let text = probe.document(NO_KEY, "1");
        let problems = problems(&text);
        let [(message, Some(help))] = problems.as_slice() else { panic!("{text}: {problems:?}") };
        assert!(message.ends_with(&format!("has no key `{NO_KEY}`")), "{text}: {message}");
        let keys = help.strip_prefix("known keys: ").unwrap_or_else(|| panic!("{help}"));
        known.entry(probe.table.to_owned()).or_default().extend(keys.split(", ").map(str::to_owned));
    }
    let mut found = BTreeMap::new();
    tables(&schema(), "", &mut found);
    let schema: BTreeMap<String, BTreeSet<String>> =
        found.iter().map(|(place, table)| (place.clone(), keys_of(table))).collect();
    assert_eq!(known.keys().collect::<Vec<_>>(), schema.keys().collect::<Vec<_>>());
    for (place, keys) in known {
        assert_eq!(keys, schema[&place], "{place}");
    }
}

/// The words that a key of a table may have, by the schema.
fn words(property: &Value) -> Vec<String> {
    let own = property["enum"].as_array();
    let of_one = property["anyOf"].as_array().and_then(|choices| choices.iter().find_map(|one| one["enum"].as_array()));
    own.or(of_one).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[test]
fn schema_and_decoder_know_the_same_words() {
    let mut found = BTreeMap::new();
    tables(&schema(), "", &mut found);
    let probes = probes();
    let mut compared = 0;
    for (place, table) in &found {
        for (key, property) in table["properties"].as_object().unwrap() {
            let words = words(property);
            if words.is_empty() {
                continue;
            }
            compared += 1;
            // Some table in which the key has a meaning tells the words that it may have.
            let told = probes.iter().filter(|probe| probe.table == *place).find_map(|probe| {
                let text = probe.document("", "");
                let mut value = value(&text);
                set(&mut value, place, key, &json!(NO_KEY))?;
                let text = toml::to_string(&value).ok()?;
                let rule = problems(&text).into_iter().find_map(|(message, help)| {
                    let list = message.split_once("must be one of ").map(|(_, list)| list.to_owned());
                    // These have words beside other forms, and tell them in their help.
                    list.or_else(|| help.filter(|_| matches!(key.as_str(), "checkpoint" | "shard")))
                })?;
                let quoted: Vec<String> = rule.split('"').skip(1).step_by(2).map(str::to_owned).collect();
                Some(quoted)
            });
            let told = told.unwrap_or_else(|| panic!("{place}/{key}: the decoder does not tell its words"));
            let told: Vec<String> = told.into_iter().filter(|word| word != "10s").collect();
            assert_eq!(told, words, "{place}/{key}");
        }
    }
    assert!(compared >= 20, "{compared}");
    let operations = &schema()["properties"]["fault"]["items"]["properties"]["operations"]["items"]["enum"];
    let all: Vec<&str> = Operation::ALL.iter().map(|operation| operation.name()).collect();
    assert_eq!(*operations, json!(all));
}

/// Sets a key of the first table at a place of the schema.
fn set(document: &mut Value, place: &str, key: &str, to: &Value) -> Option<()> {
    let table = find(document, place)?;
    table.insert(key.to_owned(), to.clone());
    Some(())
}

/// The first table of a document at a place of the schema.
fn find<'v>(document: &'v mut Value, place: &str) -> Option<&'v mut Map<String, Value>> {
    let place = match place.strip_prefix("/$defs/") {
        None => place.to_owned(),
        Some(rest) => {
            let (name, rest) =
                rest.split_once('/').map_or((rest, String::new()), |(name, rest)| (name, format!("/{rest}")));
            let paths: &[&str] = match name {
                "phase" => &["load/phase/0"],
                "size_table" => &["records/size"],
                "size_part" => &["records/size/of/0"],
                "time_part" => &["consumer/0/processing/per_batch/of/0", "consumer/0/processing/per_record/of/0"],
                _ => &["consumer/0/processing/per_batch", "consumer/0/processing/per_record"],
            };
            let there = paths.iter().find(|path| document.pointer(&format!("/{path}")).is_some())?;
            return document.pointer_mut(&format!("/{there}{}", rest.replace("/properties", "")))?.as_object_mut();
        }
    };
    let place = place.replace("/properties", "").replace("/items", "/0").replace("/anyOf/1", "");
    document.pointer_mut(&place)?.as_object_mut()
}

/// Values of every form that the schema allows somewhere.
fn samples() -> Vec<Value> {
    let mut samples: Vec<Value> = [
        "10/s",
        "1 KiB",
        "20%",
        "5s",
        "1m 30s",
        "250ms",
        "name",
        "2026-11-23T08:00:00Z",
        "1h",
        "0/s",
        "0%",
        "1 B",
        "10",
    ]
    .map(|text| json!(text))
    .to_vec();
    samples.extend([json!(0), json!(1), json!(8), json!(600), json!(1.5), json!(-1), json!(20_000), json!(true)]);
    samples.extend([json!([]), json!({}), json!(["10/s"]), json!([["1s", "1/s"]]), json!(["PutRecords"])]);
    samples.extend([json!({ "a": 1 }), json!({ "ago": "5m" }), json!({ "max_records": 3 })]);
    samples
}

#[test]
fn the_schema_refuses_nothing_that_the_decoder_takes() {
    let validator = validator();
    let mut found = BTreeMap::new();
    tables(&schema(), "", &mut found);
    let (mut taken, mut refused) = (0, 0);
    for probe in probes() {
        let whole = value(&probe.document("", ""));
        let table = &found[probe.table];
        for (key, property) in table["properties"].as_object().unwrap() {
            let words = words(property).into_iter().map(Value::String);
            let removed = std::iter::once(None);
            for to in samples().into_iter().chain(words).map(Some).chain(removed) {
                let mut changed = whole.clone();
                let table = find(&mut changed, probe.table).unwrap();
                match &to {
                    Some(to) => _ = table.insert(key.clone(), to.clone()),
                    None => _ = table.remove(key),
                }
                // Not everything in JSON has a form in TOML.
                let Ok(text) = toml::to_string(&changed) else { continue };
                if problems(&text).is_empty() {
                    let errors: Vec<String> = validator.iter_errors(&changed).map(|error| error.to_string()).collect();
                    assert!(errors.is_empty(), "{}/{key} = {to:?}: {errors:?}\n{text}", probe.table);
                    taken += 1;
                } else if !validator.is_valid(&changed) {
                    refused += 1;
                }
            }
        }
    }
    assert!(taken > 500 && refused > 5_000, "{taken} taken, {refused} refused by both");
}
