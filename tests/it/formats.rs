//! What runs write in every format, and `streamgauge report`, which renders results of this and of earlier versions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use jsonschema::Validator;
use serde_json::Value;
use streamgauge::{report, result};
use tempfile::TempDir;

use crate::support::program::{streamgauge, text};

/// Two consumers, aggregation and too small a stream: what there is to report, in four seconds.
const CROWDED: &str = r#"
question = "What does too small a stream look like?"
seed = 5
stream.shards = 2
load = { rate = "2600/s", duration = "4s", warm_up = "1s", drain = "20s" }
records.size = "300 B"
keys = { distribution = "zipf", count = 50, exponent = 1.2 }
slo = { throttled = "0.1%", put_p99 = "100ms", delivery = "complete", order = "per-key" }
[[consumer]]
name = "polls"
type = "polling"
interval = "500ms"
[[consumer]]
name = "pushed"
type = "efo"
"#;

/// Simulates [`CROWDED`] into the directory `crowded` of a new one.
fn simulated(arguments: &[&str]) -> (Output, TempDir) {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("crowded.toml"), CROWDED).unwrap();
    let output =
        streamgauge(&[&["simulate", "crowded.toml", "--out", "crowded"], arguments].concat(), directory.path());
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    (output, directory)
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The committed schema, which is what the types give.
fn schema(name: &str, of_types: &Value) -> Validator {
    let path = root().join("docs/schema").join(name);
    if std::env::var_os("STREAMGAUGE_WRITE_REPORTS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, serde_json::to_string_pretty(of_types).unwrap() + "\n").unwrap();
    }
    let committed: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(&committed, of_types, "{} is not what the types give; `just schemas` writes it", path.display());
    jsonschema::validator_for(&committed).unwrap()
}

fn result_schema() -> Validator {
    schema("result-1.json", &result::schema())
}

fn valid(schema: &Validator, document: &Value, what: &str) {
    let problems: Vec<String> = schema.iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(problems.is_empty(), "{what}: {problems:#?}");
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The directories of results of earlier versions that are kept for the tests.
fn old_results() -> Vec<PathBuf> {
    let results = fs::read_dir(root().join("tests/data/results")).unwrap().map(|entry| entry.unwrap().path());
    let mut results: Vec<PathBuf> = results.filter(|path| path.is_dir()).collect();
    results.sort();
    assert!(results.len() >= 2, "{results:?}");
    results
}

fn files(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<String> = entries.collect();
    files.sort();
    files
}

/// What is a figure to people is a number with its unit to programs, found by its metric.
fn numbers_stand_beside_words(verdict: &Value) {
    let of = |list: &str, kind: &str| -> Value {
        let found = verdict[list].as_array().unwrap().iter().find(|row| row["metric"]["kind"] == kind);
        found.unwrap_or_else(|| panic!("{list} has no {kind}")).clone()
    };
    let put = of("objectives", "put-p99");
    assert_eq!((&put["name"], &put["limit"]), (&"put p99".into(), &"100 ms".into()));
    assert_eq!(put["limit_quantity"], serde_json::json!({ "value": 1e8, "unit": "ns" }));
    assert!(put["measured_quantity"]["value"].as_f64().unwrap() > 1e8, "{put:#}");
    let throttled = of("objectives", "throttled-attempts");
    assert_eq!(throttled["limit_quantity"], serde_json::json!({ "value": 0.001, "unit": "share" }));
    let offered = of("comparison", "offered-records");
    assert_eq!(offered["predicted_quantity"]["unit"], "records/s");
    assert!(offered["tolerance_quantity"]["relative"].as_f64().unwrap() > 0.0, "{offered:#}");
    let shards = of("comparison", "shards");
    assert_eq!(shards["measured_quantity"], serde_json::json!({ "value": 2.0, "unit": "shards" }));
}

#[test]
fn results_and_summaries_are_valid_by_the_committed_schemas() {
    let (output, directory) = simulated(&["--json"]);
    let result = json(&directory.path().join("crowded/result.json"));
    valid(&result_schema(), &result, "the result");
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    let schema = schema("summary-2.json", &report::summary_schema());
    valid(&schema, &summary, "the summary");
    assert_eq!(summary["schema_version"], 2);
    numbers_stand_beside_words(&summary["verdict"]);
    for (document, schema) in [(&result, &result_schema()), (&summary, &schema)] {
        let mut broken = document.clone();
        broken["schema_version"] = "one".into();
        assert!(!schema.is_valid(&broken));
        broken.as_object_mut().unwrap().remove("schema_version");
        assert!(!schema.is_valid(&broken));
    }
    for old in old_results() {
        valid(&result_schema(), &json(&old.join("result.json")), &old.display().to_string());
    }
}

#[test]
fn results_of_earlier_versions_are_read_and_rendered_in_every_format() {
    for old in old_results() {
        let read = result::read(&old).unwrap();
        assert!(old.file_name().unwrap().to_str().unwrap().starts_with(&read.streamgauge_version));
        assert!(read.measurement.counters.accepted > 0 && read.measurement.counters.balance());
        let busy = |i: &streamgauge::measure::Interval| i.shards.iter().any(|cell| cell.accepted > 0);
        assert!(read.measurement.intervals.iter().any(busy), "{}", old.display());
        let directory = TempDir::new().unwrap();
        let path = old.display().to_string();
        for format in ["html", "markdown", "junit", "csv", "json", "terminal"] {
            let output = streamgauge(&["report", &path, "--format", format], directory.path());
            assert_eq!(output.status.code(), Some(0), "{path} as {format}: {}", text(&output.stderr));
            let rendered = text(&output.stdout);
            let expected = if format == "csv" { "accepted_bytes" } else { &read.scenario.name };
            assert!(rendered.contains(expected), "{path} as {format}: {rendered}");
        }
        assert!(files(directory.path()).is_empty());
    }
}

#[test]
fn a_report_made_again_is_the_one_that_the_run_wrote() {
    let (_, directory) = simulated(&[]);
    let written = directory.path().join("crowded");
    let before = files(&written);
    let output = streamgauge(&["report", "crowded", "--out", "again"], directory.path());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let again = directory.path().join("again");
    assert_eq!(files(&again), ["junit.xml", "report.html", "report.md", "series.csv", "shards.csv"]);
    for name in files(&again) {
        assert_eq!(
            fs::read_to_string(again.join(&name)).unwrap(),
            fs::read_to_string(written.join(&name)).unwrap(),
            "{name}"
        );
        assert!(text(&output.stdout).contains(&format!("again/{name}")));
    }
    assert_eq!(files(&written), before);
}

#[test]
fn what_was_set_for_a_run_is_predicted_again() {
    let (_, directory) = simulated(&["--set", "load.rate=2300/s"]);
    let read = result::read(&directory.path().join("crowded")).unwrap();
    assert_eq!(read.scenario.overrides, ["load.rate=2300/s"]);
    let output = streamgauge(&["report", "crowded", "--format", "markdown"], directory.path());
    let rendered = text(&output.stdout);
    assert!(rendered.contains("| offered records | 2,300/s |"), "{rendered}");
    assert!(rendered.contains("Set for this run: load.rate=2300/s."), "{rendered}");
}

#[test]
fn nothing_is_replaced_without_being_told_to() {
    let (_, directory) = simulated(&[]);
    let page = directory.path().join("crowded/report.html");
    fs::write(&page, "mine").unwrap();
    let into_itself = ["report", "crowded", "--out", "crowded"];
    let output = streamgauge(&into_itself, directory.path());
    assert_eq!(output.status.code(), Some(2));
    let problem = text(&output.stderr);
    assert!(problem.contains("`crowded/report.html`") && problem.contains("--force"), "{problem}");
    assert_eq!(fs::read_to_string(&page).unwrap(), "mine");
    let result = fs::read(directory.path().join("crowded/result.json")).unwrap();
    let forced = streamgauge(&[&into_itself[..], &["--force", "--format", "html"]].concat(), directory.path());
    assert_eq!(forced.status.code(), Some(0), "{}", text(&forced.stderr));
    assert!(fs::read_to_string(&page).unwrap().starts_with("<!DOCTYPE html>"));
    assert_eq!(fs::read(directory.path().join("crowded/result.json")).unwrap(), result);
}

#[test]
fn several_runs_stand_side_by_side() {
    let old: Vec<String> = old_results().iter().map(|path| path.display().to_string()).collect();
    let directory = TempDir::new().unwrap();
    let with = |more: &[&'static str]| {
        let arguments: Vec<&str> = std::iter::once("report").chain(old.iter().map(String::as_str)).collect();
        streamgauge(&[&arguments[..], more].concat(), directory.path())
    };
    let terminal = text(&with(&[]).stdout);
    for (path, title) in old.iter().zip(["Verdicts", "Put latency"]) {
        let label = Path::new(path).file_name().unwrap().to_str().unwrap();
        assert!(terminal.contains(label) && terminal.contains(title), "{terminal}");
    }
    let summaries: Value = serde_json::from_slice(&with(&["--format", "json"]).stdout).unwrap();
    assert_eq!(summaries["runs"].as_array().unwrap().len(), old.len());
    assert!(!summaries["differences"].as_array().unwrap().is_empty());
    let output = with(&["--out", "both"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(files(&directory.path().join("both")), ["junit.xml", "report.html", "report.md", "series.csv"]);
}

#[test]
fn what_is_no_result_is_refused_with_all_that_is_wrong() {
    let (_, directory) = simulated(&[]);
    fs::create_dir(directory.path().join("newer")).unwrap();
    fs::write(directory.path().join("newer/result.json"), r#"{"schema_version":2,"unknown":[]}"#).unwrap();
    fs::create_dir(directory.path().join("broken")).unwrap();
    fs::write(directory.path().join("broken/result.json"), "{").unwrap();
    let output = streamgauge(&["report", "none", "newer", "crowded", "broken", "--out", "x"], directory.path());
    assert_eq!(output.status.code(), Some(2));
    let problems = text(&output.stderr);
    for problem in ["cannot read `none", "schema version 2", "`broken/result.json` is not a result"] {
        assert!(problems.contains(problem), "{problem}: {problems}");
    }
    assert!(!directory.path().join("x").exists());
}

#[test]
fn a_damaged_result_with_seconds_without_end_is_refused() {
    let (_, directory) = simulated(&[]);
    let path = directory.path().join("crowded/result.json");
    let whole = json(&path);
    for place in ["/measurement/intervals/0/second", "/measurement/consumers/0/behind/0/0", "/load_ended"] {
        let mut damaged = whole.clone();
        *damaged.pointer_mut(place).unwrap() = u64::MAX.into();
        fs::write(&path, damaged.to_string()).unwrap();
        let output = streamgauge(&["report", "crowded"], directory.path());
        assert_eq!(output.status.code(), Some(2), "{place}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains("damaged"), "{place}: {}", text(&output.stderr));
    }
}

#[test]
fn unknown_fields_are_ignored() {
    let (_, directory) = simulated(&[]);
    let path = directory.path().join("crowded/result.json");
    let mut result = json(&path);
    result["colour"] = "blue".into();
    result["measurement"]["moods"] = Value::Array(vec![1.into()]);
    result["measurement"]["consumers"][0]["mood"] = "good".into();
    fs::write(&path, result.to_string()).unwrap();
    let output = streamgauge(&["report", "crowded"], directory.path());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn a_trace_that_does_not_lie_beside_the_result_has_to_be_shown() {
    let directory = TempDir::new().unwrap();
    let rows: String = (0..50).map(|n| format!("{}.{:02},k{}\n", n / 10, n % 10 * 10, n % 7)).collect();
    fs::create_dir(directory.path().join("mine")).unwrap();
    fs::write(directory.path().join("mine/trace.csv"), format!("at,key\n{rows}")).unwrap();
    let scenario =
        "stream.shards = 1\nload = { trace = \"trace.csv\", time = \"at\", key = \"key\" }\nrecords.size = \"200 B\"\n";
    fs::write(directory.path().join("mine/replay.toml"), scenario).unwrap();
    let simulated = streamgauge(&["simulate", "mine/replay.toml", "--out", "replayed"], directory.path());
    assert_eq!(simulated.status.code(), Some(0), "{}", text(&simulated.stderr));
    let lost = streamgauge(&["report", "replayed"], directory.path());
    assert_eq!(lost.status.code(), Some(2));
    assert!(text(&lost.stderr).contains("--scenario-dir"), "{}", text(&lost.stderr));
    let found = streamgauge(&["report", "replayed", "--scenario-dir", "mine"], directory.path());
    assert_eq!(found.status.code(), Some(0), "{}", text(&found.stderr));
    assert!(text(&found.stdout).contains("50 offered = 50 accepted"), "{}", text(&found.stdout));
}

#[test]
fn the_sample_reports_are_small_readable_and_linked_from_the_readme() {
    const MOST_BYTES: u64 = 1_500_000;
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let mut bytes = 0;
    for name in ["quickstart", "hot-shard", "consumer-outage", "efo-vs-polling"] {
        let directory = root().join("reports/samples").join(name);
        assert_eq!(result::read(&directory).unwrap().scenario.name, name);
        for file in files(&directory) {
            bytes += fs::metadata(directory.join(&file)).unwrap().len();
            assert!(file == "result.json" || readme.contains(&format!("(reports/samples/{name}/{file})")), "{file}");
        }
    }
    assert!(bytes < MOST_BYTES, "{bytes}");
    for picture in ["docs/sample-heat-map.png", "docs/sample-cost-against-lag.png", "docs/report.png"] {
        assert!(readme.contains(&format!("({picture})")) && root().join(picture).exists(), "{picture}");
    }
}

#[cfg(feature = "png")]
#[test]
fn charts_are_written_as_png_on_request() {
    let (_, directory) = simulated(&["--png"]);
    let pngs = |name: &str| {
        let files = files(&directory.path().join(name));
        files.into_iter().filter(|file| file.ends_with(".png")).collect::<Vec<_>>()
    };
    let written = pngs("crowded");
    assert!(written.len() >= 5, "{written:?}");
    let first = fs::read(directory.path().join("crowded").join(&written[0])).unwrap();
    assert!(first.starts_with(b"\x89PNG\r\n"));
    let output = streamgauge(&["report", "crowded", "--png", "--out", "again"], directory.path());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(pngs("again"), written);
    assert_eq!(fs::read(directory.path().join("again").join(&written[0])).unwrap(), first);
}
