//! The program as a user meets it: words, exit codes and files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const SMALL: &str = r#"
question = "Does it work?"
[stream]
shards = 1
[load]
rate = "200/s"
duration = "1s"
lateness_bound = "10s"
[records]
size = "200 B"
[[consumer]]
name = "poller"
type = "polling"
"#;

pub fn streamgauge(arguments: &[&str], directory: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_streamgauge"))
        .args(arguments)
        .current_dir(directory)
        .env("NO_COLOR", "1")
        .env_remove("RUST_LOG")
        .output()
        .unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs a scenario in a directory of its own; gives the output and the directory of the run.
fn run(scenario: &str, arguments: &[&str]) -> (Output, TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("small.toml"), scenario).unwrap();
    let output = streamgauge(&[&["run", "small.toml", "--out", "result"], arguments].concat(), directory.path());
    let result = directory.path().join("result");
    (output, directory, result)
}

#[test]
fn a_run_writes_its_directory_and_prints_a_summary() {
    let (output, _directory, result) = run(SMALL, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let summary = text(&output.stdout);
    assert!(summary.contains("result/report.html"), "{summary}");
    assert!(!summary.contains('\u{1b}'), "no colours when NO_COLOR is set");
    let mut files: Vec<String> =
        fs::read_dir(&result).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert_eq!(
        files,
        [
            "junit.xml",
            "lag-poller.hlog",
            "put-failed.hlog",
            "put-lateness.hlog",
            "put-queueing.hlog",
            "put-response.hlog",
            "put-service.hlog",
            "put-throttled.hlog",
            "report.html",
            "report.md",
            "result.json",
            "scenario.toml",
            "series.csv",
            "shards.csv"
        ]
    );
    assert_eq!(fs::read_to_string(result.join("scenario.toml")).unwrap(), SMALL);
    let read = streamgauge::result::read(&result).unwrap();
    assert_eq!((read.schema_version, read.measurement.counters.accepted), (1, 200));
    let health = read.measurement.generator.unwrap();
    assert!(health.seconds.iter().all(|second| second.allocations.is_some_and(|count| count > 0)), "{health:?}");
    let json = fs::read_to_string(result.join("result.json")).unwrap();
    assert!(!json.contains('\n'), "the seconds of thousands of shards are long enough without indentation");
    let html = fs::read_to_string(result.join("report.html")).unwrap();
    assert!(html.contains("Does it work?") && html.trim_end().ends_with("</html>"));
}

#[test]
fn the_summary_as_json_has_the_counters_and_they_balance() {
    let (output, _directory, _) = run(SMALL, &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    let count = |name: &str| summary[name].as_u64().unwrap();
    let states = ["accepted", "failed", "abandoned", "unknown", "in_flight"];
    assert_eq!(count("offered"), states.iter().map(|state| count(state)).sum::<u64>());
    assert_eq!(summary["verdict"]["conclusion"], "met");
    let heat = &summary["verdict"]["heat"][0];
    assert!(heat["shard"].is_string() && heat["seconds"].is_null() && heat["throttled"].is_null(), "{heat}");
}

#[test]
fn a_missed_objective_exits_with_one() {
    let (output, _directory, result) = run(&format!("{SMALL}[slo]\nput_p50 = \"1us\"\n"), &[]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(result.join("result.json").exists());
}

#[test]
fn a_generator_that_is_too_late_voids_the_run() {
    let (output, _directory, result) = run(&SMALL.replace("\"10s\"", "\"1ns\""), &[]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let summary = text(&output.stdout);
    assert!(summary.contains("late"), "{summary}");
    assert!(result.join("report.html").exists(), "a void run is kept, too");
}

#[test]
fn a_broken_scenario_exits_with_two_and_writes_nothing() {
    let (output, directory, _) = run(&SMALL.replace("\"200/s\"", "\"0/s\"").replace("shards = 1", "shard = 1"), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let problems = text(&output.stderr);
    assert!(problems.contains("small.toml:4") && problems.contains("small.toml:6"), "{problems}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "only the scenario is there");
}

#[test]
fn bad_arguments_exit_with_two() {
    let directory = TempDir::new().unwrap();
    for arguments in [
        &["run"][..],
        &["run", "missing.toml"],
        &["run", "small.toml", "--target", "nonsense"],
        &["nonsense"],
        &["plan", "missing.toml"],
    ] {
        let output = streamgauge(arguments, directory.path());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn an_existing_directory_is_never_overwritten() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("small.toml"), SMALL).unwrap();
    fs::create_dir(directory.path().join("result")).unwrap();
    let output = streamgauge(&["run", "small.toml", "--out", "result"], directory.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("cannot replace `result`"), "{}", text(&output.stderr));
}

#[test]
fn a_place_that_cannot_be_written_to_is_refused_before_the_load() {
    // A file where the parent directory should be.
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("small.toml"), SMALL).unwrap();
    let output = streamgauge(&["run", "small.toml", "--out", "small.toml/result"], directory.path());
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(output.stdout.is_empty());
}

#[test]
fn a_result_that_cannot_be_written_exits_with_four_and_still_prints() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("small.toml"), SMALL).unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_streamgauge"))
        .args(["run", "small.toml", "--out", "result"])
        .current_dir(directory.path())
        .env_remove("RUST_LOG")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // While the run is under way, something else takes the name of its directory.
    let staging = directory.path().join(format!(".result.{}.partial", run.id()));
    while !staging.exists() {
        std::thread::yield_now();
    }
    fs::create_dir(directory.path().join("result")).unwrap();
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    assert!(!output.stdout.is_empty());
    assert!(text(&output.stderr).contains(".partial`"), "{}", text(&output.stderr));
    assert!(staging.join("result.json").exists(), "what was measured is kept");
}

#[test]
fn the_plan_of_the_classic_case_is_a_hundred_shards() {
    // 100,000 events per second of 1 KB: 100 shards by records, and more than 125 with a fifth of headroom.
    let directory = TempDir::new().unwrap();
    let scenario = r#"
        stream.shards = 120
        load = { rate = "100000/s", duration = "10s" }
        records.size = "1000 B"
        keys = { distribution = "uniform", count = 1_000_000 }
    "#;
    fs::write(directory.path().join("classic.toml"), scenario).unwrap();
    let output = streamgauge(&["plan", "classic.toml", "--json"], directory.path());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(plan["required_shards"], 100);
    // 125 if the million keys fell evenly; the fullest of so many shards is 5 % fuller than the mean.
    assert_eq!(plan["recommended_shards"], 131);
    assert_eq!(plan["binding"], "write records");
    // Ten thousand keys do not spread evenly over so many shards.
    let few = streamgauge(&["plan", "classic.toml", "--json", "--set", "keys.count=10000"], directory.path());
    let few: Value = serde_json::from_slice(&few.stdout).unwrap();
    assert_eq!(few["required_shards"], 100);
    let fewest = few["skew"]["fewest"].as_u64().unwrap();
    assert!(few["recommended_shards"] == fewest && fewest > 125, "{}", few["skew"]);
    let words = streamgauge(&["plan", "classic.toml"], directory.path());
    assert!(text(&words.stdout).contains("write records"));
}

#[test]
fn a_price_list_of_aws_becomes_the_prices_of_a_plan() {
    let directory = TempDir::new().unwrap();
    let list = format!("{}/tests/data/price-list.json", env!("CARGO_MANIFEST_DIR"));
    let scenario = r#"
        stream.shards = 2
        load = { rate = "100/s", duration = "10s" }
        records.size = "1000 B"
        cost.region = "eu-central-1"
        slo.cost_per_month = 25
    "#;
    fs::write(directory.path().join("frankfurt.toml"), scenario).unwrap();
    let table = streamgauge(&["prices", &list], directory.path());
    assert_eq!(table.status.code(), Some(0), "{}", text(&table.stderr));
    // The price of a shard-hour by contract.
    fs::write(directory.path().join("prices.toml"), text(&table.stdout).replace("0.018", "0.010")).unwrap();
    let bill = |arguments: &[&str]| {
        let arguments = [&["plan", "frankfurt.toml", "--json"][..], arguments].concat();
        let plan: Value = serde_json::from_slice(&streamgauge(&arguments, directory.path()).stdout).unwrap();
        plan["cost"]["bills"][0]["lines"][0]["amount"].as_f64().unwrap()
    };
    let near = |amount: f64, expected: f64| (amount - expected).abs() < 1e-9;
    assert!(near(bill(&[]), 1_460.0 * 0.018));
    assert!(near(bill(&["--prices", "prices.toml"]), 1_460.0 * 0.010));
    // At most 25 dollars a month: 3.68 of payload units, and 14.60 or 26.28 of shards.
    for (arguments, code) in [(&["--prices", "prices.toml"][..], 0), (&[][..], 1)] {
        let arguments = [&["simulate", "frankfurt.toml", "--json"][..], arguments].concat();
        assert_eq!(streamgauge(&arguments, directory.path()).status.code(), Some(code));
    }
    let known = streamgauge(&["prices"], directory.path());
    assert!(text(&known.stdout).contains("[regions.us-east-1.shard_hour]"), "{}", text(&known.stdout));
}

#[test]
fn prices_that_are_none_are_refused() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("ec2.json"), r#"{"offerCode":"AmazonEC2"}"#).unwrap();
    fs::write(directory.path().join("prices.toml"), "shard_hour = 1").unwrap();
    fs::write(
        directory.path().join("case.toml"),
        "stream.shards = 1\nload = { rate = \"1/s\", duration = \"1s\" }\nrecords.size = \"1 KiB\"",
    )
    .unwrap();
    for (arguments, reason) in [
        (&["prices", "missing.json"][..], "cannot read the prices `missing.json`"),
        (&["prices", "ec2.json"][..], "`ec2.json`: the file is no AWS price list"),
        (&["plan", "case.toml", "--prices", "missing.toml"][..], "cannot read the prices `missing.toml`"),
        (&["plan", "case.toml", "--prices", "prices.toml"][..], "the price table `prices.toml` cannot be used"),
    ] {
        let output = streamgauge(arguments, directory.path());
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(reason), "{}", text(&output.stderr));
    }
}

#[test]
fn the_help_lists_the_exit_codes() {
    let directory = TempDir::new().unwrap();
    let help = text(&streamgauge(&["--help"], directory.path()).stdout);
    for code in ["0  ", "1  ", "2  ", "3  ", "4  "] {
        assert!(help.contains(&format!("\n  {code}")), "{help}");
    }
}

#[test]
fn a_part_needs_a_target_and_a_stream_that_all_processes_share() {
    let refused = |scenario: &str, arguments: &[&str], reason: &str| {
        let (output, _directory, result) = run(scenario, arguments);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        let error = text(&output.stderr);
        assert!(error.contains(reason), "{error}");
        assert!(!result.exists());
    };
    let other = ["--target", "http://127.0.0.1:9"];
    refused(SMALL, &["--part", "1/2"], "--part needs a target that all processes reach");
    refused(SMALL, &[&other[..], &["--part", "2/2"]].concat(), "name it in the scenario, by stream.name");
    let closed = SMALL
        .replace("shards = 1", "shards = 1\nname = \"orders\"")
        .replace("rate = \"200/s\"", "model = \"closed\"\nproducers = 2")
        .replace("lateness_bound = \"10s\"\n", "");
    refused(&closed, &[&other[..], &["--part", "2/2"]].concat(), "a closed-loop load has no parts");
    for wrong in ["0/2", "3/2", "1", "1/0", "a/b", "1/20000"] {
        refused(SMALL, &["--part", wrong], "write it as I/N, such as 2/4");
    }
}

#[test]
fn the_parts_of_a_load_are_the_whole() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("small.toml"), SMALL.replace("shards = 1", "shards = 1\nname = \"orders\""))
        .unwrap();
    let emulator = Standing::start(directory.path());
    let url = emulator.url.clone();
    create_stream(&url);
    let digest = |part: &str| {
        let out = format!("part-{}", part.replace('/', "-"));
        let arguments = ["run", "small.toml", "--target", &url, "--part", part, "--out", &out];
        let output = streamgauge(&arguments, directory.path());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let result: Value =
            serde_json::from_slice(&fs::read(directory.path().join(out).join("result.json")).unwrap()).unwrap();
        let offered = result["measurement"]["counters"]["offered"].as_u64().unwrap();
        (offered, u64::from_str_radix(result["measurement"]["digest"].as_str().unwrap(), 16).unwrap())
    };
    let (whole, one, two) = (digest("1/1"), digest("1/2"), digest("2/2"));
    assert_eq!((whole.0, one.0, two.0), (200, 100, 100));
    assert_eq!(one.1.wrapping_add(two.1), whole.1);
}

/// An emulator in a process of its own; it ends with the test.
struct Standing {
    process: std::process::Child,
    url: String,
}

impl Standing {
    fn start(directory: &Path) -> Self {
        use std::io::{BufRead, BufReader};
        let mut process = Command::new(env!("CARGO_BIN_EXE_streamgauge"))
            .args(["emulator", "--listen", "127.0.0.1:0", "--transitions", "0"])
            .current_dir(directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, url: line.trim().trim_start_matches("listening on ").to_owned() }
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Creates the stream `orders` on an endpoint.
fn create_stream(url: &str) {
    use streamgauge::engine::{Target, connect};
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let target = Target::Endpoint(url.to_owned());
        let timeout = std::time::Duration::from_secs(5);
        let profile = streamgauge::kinesis::Profile::newest();
        let connection = connect(&target, timeout, &profile, streamgauge::seed::Seed(1)).await.unwrap();
        connection.client.create_stream().stream_name("orders").shard_count(1).send().await.unwrap();
    });
}
