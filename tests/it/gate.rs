//! `streamgauge compare`, `bench` and `trend`, as a user meets them.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::program::{one_line, streamgauge, text, told};

/// Two shards at a quarter of what they take; a second of it is a run.
const SCENARIO: &str = r#"
question = "Is it as before?"
seed = 5
[stream]
shards = 2
[load]
rate = "500/s"
duration = "3s"
warm_up = "1s"
lateness_bound = "10s"
[records]
size = "200 B"
[keys]
distribution = "uniform"
count = 500
[[consumer]]
name = "reader"
type = "polling"
interval = "200ms"
"#;

fn check(directory: &Path, arguments: &[&str], code: i32) -> String {
    let (ended, stdout, stderr) = told(arguments, directory);
    assert_eq!(ended, code, "{arguments:?}: {stdout}{stderr}");
    one_line(&format!("{stdout}{stderr}"))
}

/// A directory with the scenario and simulations of it, by name and arguments.
fn simulated(runs: &[(&str, &[&str])]) -> TempDir {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("s.toml"), SCENARIO).unwrap();
    for (name, arguments) in runs {
        check(directory.path(), &[&["simulate", "s.toml", "--out", name], *arguments].concat(), 0);
    }
    directory
}

/// Makes measured results of a simulated one: `values` are the factors on its response times and its throughput, one run for each.
fn measured(directory: &Path, from: &str, to: &str, values: &[(f64, f64)]) {
    let text = fs::read_to_string(directory.join(from).join("result.json")).unwrap();
    for (index, (slower, faster)) in values.iter().enumerate() {
        let mut result: Value = serde_json::from_str(&text).unwrap();
        result["target"] = serde_json::json!({ "kind": "embedded", "profile": "aws-2026-11" });
        result["started"] = format!("2026-11-{:02}T0{}:00:00Z", 1 + index / 10, index % 10).into();
        let response = &mut result["measurement"]["put"]["response"];
        response["count"] = 100_000.into();
        for quantile in ["p50", "p99"] {
            response[quantile] = ((response[quantile].as_f64().unwrap() * slower) as u64).into();
        }
        for interval in result["measurement"]["intervals"].as_array_mut().unwrap() {
            interval["accepted"] = ((interval["accepted"].as_f64().unwrap() * 1_000.0 * faster) as u64).into();
        }
        let run = directory.join(to).join(format!("run-{index:02}"));
        fs::create_dir_all(&run).unwrap();
        fs::write(run.join("result.json"), result.to_string()).unwrap();
    }
}

/// Factors that scatter by a percent or so around `center`, the same ones every time.
fn scattered(count: usize, center: f64, phase: usize) -> Vec<(f64, f64)> {
    let noise = |i: usize| 1.0 + 0.01 * (((i * 7 + phase) % 11) as f64 / 5.0 - 1.0);
    (0..count).map(|i| (center * noise(i), noise(i + 3))).collect()
}

const METRICS: &[&str] = &["--metrics", "throughput,put_p50,put_p99"];

#[test]
fn simulations_of_one_scenario_are_equal_and_every_difference_is_listed() {
    let runs = simulated(&[("a", &[]), ("b", &[]), ("c", &["--set", "producer.linger=200ms"])]);
    let equal = check(runs.path(), &["compare", "a", "b"], 0);
    assert!(equal.contains("equivalent") && equal.contains("Every count of the simulations is the same"), "{equal}");
    let refused = check(runs.path(), &["compare", "a", "c"], 2);
    assert!(refused.contains("overrides: none against --set producer.linger=200ms"), "{refused}");
    let changed = check(runs.path(), &["compare", "a", "c", "--different-scenarios"], 1);
    for what in
        ["changed", "counters.calls", "intervals.response_p99", "consumers.reader.lag.p99", "The scenarios differ"]
    {
        assert!(changed.contains(what), "{what}: {changed}");
    }
    let json = streamgauge(&["compare", "a/result.json", "c", "--different-scenarios", "--json"], runs.path());
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((json["decision"].as_str(), json["method"].as_str()), (Some("changed"), Some("equality")));
    let listed = json["pairs"][0]["differences"].as_array().unwrap();
    assert!(listed.iter().any(|difference| difference["place"] == "counters.calls"));
}

#[test]
fn paired_runs_get_each_verdict() {
    let runs = simulated(&[("a", &[])]);
    measured(runs.path(), "a", "base", &scattered(10, 1.0, 0));
    measured(runs.path(), "a", "same", &scattered(10, 1.0, 5));
    measured(runs.path(), "a", "slower", &scattered(10, 1.3, 5));
    measured(runs.path(), "a", "faster", &scattered(10, 0.7, 5));
    let compare = |candidate: &str, more: &[&str], code| {
        check(runs.path(), &[&["compare", "base", candidate], METRICS, more].concat(), code)
    };
    assert!(compare("same", &[], 0).contains("✓ equivalent (10 pairs)"));
    let slower = compare("slower", &[], 1);
    assert!(slower.contains("✗ regressed (10 pairs)") && slower.contains("Regressed: put p50, put p99."), "{slower}");
    assert!(compare("faster", &[], 0).contains("improved: put p50, put p99"));
    // A change is regarded as one from a smallest effect on.
    compare("slower", &["--min-effect", "put_p50=50%", "--min-effect", "put_p99=50%"], 0);
    let markdown = compare("slower", &["--markdown"], 1);
    let row = markdown.split("| put p99 |").nth(1).and_then(|rest| rest.split("| put").next());
    assert!(row.is_some_and(|row| row.contains("| ✗ regressed |")), "{markdown}");
    let json = streamgauge(&[&["compare", "base", "slower", "--json"], METRICS].concat(), runs.path());
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    let put = json["metrics"].as_array().unwrap().iter().find(|metric| metric["metric"] == "put-p99").unwrap();
    assert!((put["estimate"].as_f64().unwrap() - 1.3f64.ln()).abs() < 0.02, "{put}");
    assert_eq!(put["adjusted"].as_f64(), Some(3.0 / 1024.0));
}

#[test]
fn too_few_pairs_cannot_tell_and_say_how_many_could() {
    let runs = simulated(&[("a", &[])]);
    measured(runs.path(), "a", "base", &scattered(7, 1.0, 0));
    measured(runs.path(), "a", "slower", &scattered(7, 2.0, 5));
    let few = check(runs.path(), &[&["compare", "base", "slower"], METRICS].concat(), 0);
    assert!(few.contains("? inconclusive") && few.contains("make at least 9 pairs"), "{few}");
    check(runs.path(), &[&["compare", "base", "slower", "--inconclusive", "fail"], METRICS].concat(), 1);
    // One metric needs no more than seven.
    check(runs.path(), &["compare", "base", "slower", "--metrics", "put_p99"], 1);
    let one = check(runs.path(), &["compare", "base/run-00", "slower/run-00"], 0);
    assert!(one.contains("One run of each side cannot tell") && one.contains("streamgauge bench"), "{one}");
}

#[test]
fn a_thin_tail_does_not_decide() {
    let runs = simulated(&[("a", &[])]);
    measured(runs.path(), "a", "base", &scattered(10, 1.0, 0));
    measured(runs.path(), "a", "slower", &scattered(10, 1.5, 5));
    let path = runs.path().join("slower/run-04/result.json");
    let mut result: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    result["measurement"]["put"]["response"]["count"] = 9_000.into();
    fs::write(&path, result.to_string()).unwrap();
    let thin = check(runs.path(), &["compare", "base", "slower", "--metrics", "throughput,put_p99"], 0);
    assert!(thin.contains("a run has 90 samples beyond it, 100 are needed"), "{thin}");
}

#[test]
fn void_runs_are_left_out_and_named() {
    let runs = simulated(&[("a", &[])]);
    measured(runs.path(), "a", "base", &scattered(11, 1.0, 0));
    measured(runs.path(), "a", "same", &scattered(11, 1.0, 5));
    let void = |run: &str| {
        let path = runs.path().join(run).join("result.json");
        let mut result: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        result["ending"] = serde_json::json!({ "kind": "interrupted" });
        fs::write(&path, result.to_string()).unwrap();
    };
    void("same/run-03");
    let told = check(runs.path(), &[&["compare", "base", "same"], METRICS].concat(), 0);
    assert!(told.contains("(10 pairs)") && told.contains("Left out: the candidate run run-03 is void."), "{told}");
    void("base/run-00");
    let told = check(runs.path(), &["compare", "base/run-00", "same/run-00"], 3);
    assert!(told.contains("✗ void") && told.contains("was interrupted"), "{told}");
}

#[test]
fn what_cannot_be_compared_is_refused_in_plain_words() {
    let runs = simulated(&[("a", &[]), ("b", &["--set", "stream.shards=3"])]);
    measured(runs.path(), "a", "measured", &[(1.0, 1.0)]);
    let refused = |arguments: &[&str], why: &str| {
        let told = check(runs.path(), &[&["compare"], arguments].concat(), 2);
        assert!(told.contains(why), "{why}: {told}");
    };
    refused(&["a", "measured"], "The baseline is of the simulator, the candidate of the embedded emulator");
    refused(&["a", "b"], "--set stream.shards=3");
    refused(&["a", "nothing"], "cannot read `nothing`");
    fs::create_dir(runs.path().join("empty")).unwrap();
    refused(&["empty", "a"], "there is no result in `empty`");
    fs::write(runs.path().join("no.json"), "{}").unwrap();
    refused(&["no.json", "a"], "is not a result of streamgauge");
    refused(&["a", "a", "--metrics", "p99"], "is no metric");
    refused(&["a", "a", "--min-effect", "put_p99=0%"], "from 0.1% to 90%");
    let part = runs.path().join("part.json");
    let text = fs::read_to_string(runs.path().join("a/result.json")).unwrap();
    let mut result: Value = serde_json::from_str(&text).unwrap();
    result["part"] = serde_json::json!({ "index": 1, "of": 2 });
    fs::write(part, result.to_string()).unwrap();
    refused(&["a", "part.json"], "offered part 1/1 of the load, the candidate part 2/2");
}

#[test]
fn an_override_that_a_result_did_not_keep_shows_in_what_was_asked_for() {
    let runs = simulated(&[("a", &[]), ("b", &["--set", "stream.shards=3"])]);
    let path = runs.path().join("b/result.json");
    let mut result: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    result["scenario"].as_object_mut().unwrap().remove("overrides");
    fs::write(&path, result.to_string()).unwrap();
    let refused = check(runs.path(), &["compare", "a", "b"], 2);
    assert!(refused.contains("stream, by an override that the older result did not keep"), "{refused}");
}

#[test]
fn names_from_results_are_no_markup() {
    let runs = simulated(&[("a", &[])]);
    measured(runs.path(), "a", "base", &scattered(2, 1.0, 0));
    for run in ["run-00", "run-01"] {
        let path = runs.path().join("base").join(run).join("result.json");
        let mut result: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        result["scenario"]["name"] = "x|y <script>\u{1b}[2J".into();
        fs::write(&path, result.to_string()).unwrap();
    }
    let text = check(runs.path(), &["compare", "base", "base"], 0);
    assert!(!text.contains('\u{1b}'), "{text:?}");
    let markdown = check(runs.path(), &["compare", "base", "base", "--markdown"], 0);
    assert!(markdown.contains("x&#124;y &#60;script&#62;") && !markdown.contains("<script"), "{markdown}");
    check(runs.path(), &["trend", "base", "--html", "t.html", "--csv", "csv"], 0);
    let page = fs::read_to_string(runs.path().join("t.html")).unwrap();
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
}

#[test]
fn a_bench_of_simulations_compares_two_programs_for_equality() {
    let runs = simulated(&[]);
    let this = env!("CARGO_BIN_EXE_streamgauge");
    let told = check(runs.path(), &["bench", "s.toml", "--baseline", this, "--simulate", "--out", "b"], 0);
    assert!(told.contains("✓ equivalent"), "{told}");
    for file in ["pairs.csv", "bench.json", "bench.html", "verdict.md", "baseline/pair-01/result.json"] {
        assert!(runs.path().join("b").join(file).exists(), "{file}");
    }
    // What was made is a baseline in its turn.
    check(runs.path(), &["bench", "s.toml", "--baseline", "b/candidate", "--simulate", "--out", "c"], 0);
    check(runs.path(), &["compare", "b/baseline", "c/candidate"], 0);
    let refused = check(runs.path(), &["bench", "s.toml", "--baseline", this, "--simulate", "--out", "b"], 2);
    assert!(refused.contains("is there already"), "{refused}");
    let refused = check(runs.path(), &["bench", "s.toml", "--baseline", "no-such-program", "--out", "d"], 2);
    assert!(refused.contains("cannot be started"), "{refused}");
    assert!(!runs.path().join("d").exists());
    check(runs.path(), &["bench", "s.toml", "--baseline", this, "--pairs", "6"], 2);
}

#[test]
fn a_bench_makes_whole_runs_in_both_orders() {
    let runs = simulated(&[]);
    let this = env!("CARGO_BIN_EXE_streamgauge");
    let short = ["--set", "load.duration=2200ms", "--set", "load.warm_up=200ms", "--set", "load.lateness_bound=1h"];
    // Whether the program is as fast as itself is not what is asked.
    let gate =
        ["--pairs", "7", "--most-pairs", "7", "--metrics", "throughput", "--min-effect", "throughput=90%", "--json"];
    let arguments = [&["bench", "s.toml", "--baseline", this, "--out", "b"], &short[..], &gate[..]].concat();
    let output = streamgauge(&arguments, runs.path());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let comparison: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(comparison["pairs"].as_array().unwrap().len(), 7, "{comparison}");
    let bench: Value = serde_json::from_str(&fs::read_to_string(runs.path().join("b/bench.json")).unwrap()).unwrap();
    assert_eq!(bench["end"], "complete");
    let first = |pair: usize| {
        let made = bench["runs"].as_array().unwrap().iter().filter(|run| run["pair"] == pair);
        made.min_by_key(|run| run["place"].as_u64()).unwrap()["side"].as_str().unwrap().to_owned()
    };
    assert_ne!(first(1), first(2));
    let rows = fs::read_to_string(runs.path().join("b/pairs.csv")).unwrap();
    assert_eq!(rows.lines().count(), 15, "{rows}");
    // Real runs use a processor, and the child said how much.
    let columns: Vec<&str> = rows.lines().next().unwrap().split(',').collect();
    let cpu = columns.iter().position(|column| *column == "cpu").unwrap();
    if cfg!(target_os = "linux") {
        let used: f64 = rows.lines().nth(1).unwrap().split(',').nth(cpu).unwrap().parse().unwrap();
        assert!(used > 100.0, "{rows}");
    }
}

#[test]
fn void_runs_of_a_bench_are_repeated_up_to_a_bound_and_kept() {
    let runs = simulated(&[]);
    let this = env!("CARGO_BIN_EXE_streamgauge");
    // No generator is punctual to the nanosecond.
    let void = ["--set", "load.lateness_bound=1ns", "--set", "load.duration=1s", "--set", "load.warm_up=100ms"];
    let arguments = [&["bench", "s.toml", "--baseline", this, "--out", "b", "--most-void", "1"], &void[..]].concat();
    let told = check(runs.path(), &arguments, 3);
    assert!(told.contains("More runs were void than may be repeated"), "{told}");
    let kept = fs::read_dir(runs.path().join("b/void")).unwrap().count();
    assert_eq!(kept, 2);
    let bench: Value = serde_json::from_str(&fs::read_to_string(runs.path().join("b/bench.json")).unwrap()).unwrap();
    assert_eq!((bench["end"].as_str(), bench["runs"].as_array().unwrap().len()), (Some("too-many-void"), 2));
}

#[test]
fn a_history_shows_where_it_changes_and_goes_to_otava() {
    let runs = simulated(&[("a", &[])]);
    let values: Vec<(f64, f64)> = [scattered(12, 1.0, 0), scattered(12, 1.4, 4)].concat();
    measured(runs.path(), "a", "history", &values);
    let told = check(runs.path(), &["trend", "history", "--html", "trend.html", "--csv", "csv"], 0);
    assert!(told.contains("put p99") && told.contains("(worse) from run-12 on"), "{told}");
    assert!(told.contains("throughput") && told.contains("no change"), "{told}");
    let rows = fs::read_to_string(runs.path().join("csv/s-embedded.csv")).unwrap();
    assert!(rows.starts_with("time,run,version,throughput,put_p50,put_p99,"), "{rows}");
    assert_eq!(rows.lines().count(), 25);
    assert!(!rows.contains(",,"), "Otava reads no empty cells: {rows}");
    let otava = fs::read_to_string(runs.path().join("csv/otava.yaml")).unwrap();
    assert!(
        otava.contains("  s-embedded:\n    type: csv\n    file: s-embedded.csv\n    time_column: time\n"),
        "{otava}"
    );
    let page = fs::read_to_string(runs.path().join("trend.html")).unwrap();
    assert!(page.contains("<svg") && !page.contains("<script") && page.contains("from run-12 on"));
    let json = streamgauge(&["trend", "history", "--json"], runs.path());
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["trends"][0]["series"][1]["changes"][0]["index"], 12);
    // Simulated results have no date.
    let undated = check(runs.path(), &["trend", "."], 0);
    assert!(undated.contains("1 simulated result(s) are left out"), "{undated}");
    let nothing = check(runs.path(), &["trend", "history", "--scenario", "other"], 2);
    assert!(nothing.contains("no run of the scenario `other`"), "{nothing}");
}

#[test]
fn the_scenario_for_gates_is_quiet_and_has_enough_records_for_a_p99() {
    let runs = TempDir::new().unwrap();
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/gate.toml");
    let told = check(runs.path(), &["simulate", scenario, "--json", "--out", "a"], 0);
    let summary: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(summary["throttled"], 0);
    assert!(summary["put"]["response"]["count"].as_u64().unwrap() >= 10_000, "{summary}");
}
