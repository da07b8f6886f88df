//! The program as a user meets it: words, exit codes and files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::emulator::{EmulatorProcess, signal};
use crate::support::program::{command, one_line, streamgauge, text};

const SMALL: &str = r#"
question = "Does it work?"
[stream]
shards = 1
[load]
rate = "200/s"
duration = "1s"
drain = "10m"
lateness_bound = "1h"
[records]
size = "200 B"
[producer]
timeout = "10m"
[[consumer]]
name = "poller"
type = "polling"
"#;

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
    assert!(health.seconds.iter().all(|second| second.allocations.is_some()), "{health:?}");
    assert!(health.seconds.iter().any(|second| second.allocations > Some(0)), "{health:?}");
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
    let (output, _directory, result) = run(&SMALL.replace("\"1h\"", "\"1ns\""), &[]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let summary = text(&output.stdout);
    let words = "The generator, not the stream, was the limit: the 99th percentile of its lateness is";
    assert!(one_line(&summary).contains(words), "{summary}");
    assert!(summary.contains("void: the figures do not count"), "{summary}");
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

#[cfg(unix)]
#[test]
fn a_result_that_cannot_be_written_exits_with_four_and_still_prints() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("small.toml"), SMALL).unwrap();
    let emulator = EmulatorProcess::start(&["--transitions", "0"]);
    // The run cannot get ahead as long as nobody answers it.
    emulator.signal("STOP");
    let run = command(&["run", "small.toml", "--target", &emulator.url, "--out", "result"], directory.path())
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
    emulator.signal("CONT");
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
    refused(SMALL, &["--part", "1/2"], "--part needs a --run-id");
    refused(SMALL, &["--part", "1/2", "--run-id", "x"], "--part needs a target that all processes reach");
    refused(SMALL, &["--run-id", "a b"], "use 1 to 64 letters");
    let two = ["--part", "2/2", "--run-id", "x"];
    refused(SMALL, &[&other[..], &two].concat(), "name it in the scenario, by stream.name");
    let closed = SMALL
        .replace("shards = 1", "shards = 1\nname = \"orders\"")
        .replace("rate = \"200/s\"", "model = \"closed\"\nproducers = 2")
        .replace("lateness_bound = \"1h\"\n", "");
    refused(&closed, &[&other[..], &two].concat(), "a closed-loop load has no parts");
    for wrong in ["0/2", "3/2", "1", "1/0", "a/b", "1/20000"] {
        refused(SMALL, &["--part", wrong], "write it as I/N, such as 2/4");
    }
}

#[test]
fn the_parts_of_a_load_are_the_whole() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("small.toml"), SMALL.replace("shards = 1", "shards = 1\nname = \"orders\""))
        .unwrap();
    let emulator = EmulatorProcess::start(&["--transitions", "0"]);
    let url = emulator.url.clone();
    create_stream(&emulator);
    let offer = |part: &str| {
        let out = format!("part-{}", part.replace('/', "-"));
        let arguments = ["run", "small.toml", "--target", &url, "--part", part, "--run-id", "r1", "--out", &out];
        let output = streamgauge(&arguments, directory.path());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let result: Value =
            serde_json::from_slice(&fs::read(directory.path().join(out).join("result.json")).unwrap()).unwrap();
        let offered = result["measurement"]["counters"]["offered"].as_u64().unwrap();
        let delivery = &result["measurement"]["consumers"][0]["delivery"];
        let read = (delivery["delivered"].as_u64(), delivery["foreign"].as_u64(), delivery["unexpected"].as_u64());
        assert_eq!(
            read,
            (Some(offered), Some(0), Some(0)),
            "each reads its own, and takes those of others for what they are"
        );
        (offered, u64::from_str_radix(result["measurement"]["digest"].as_str().unwrap(), 16).unwrap())
    };
    let whole = offer("1/1");
    let (one, two) = std::thread::scope(|scope| {
        let one = scope.spawn(|| offer("1/2"));
        (offer("2/2"), one.join().unwrap())
    });
    assert_eq!((whole.0, one.0, two.0), (200, 100, 100));
    assert_eq!(one.1.wrapping_add(two.1), whole.1);
    // Byte for byte: what the whole has put, the parts have put again.
    let mut times = std::collections::HashMap::new();
    for record in read_all(&emulator) {
        *times.entry(record).or_insert(0) += 1;
    }
    assert_eq!((times.len(), times.values().all(|times| *times == 2)), (200, true));
}

/// The partition keys and data of all records of the stream `orders` of one shard.
fn read_all(emulator: &EmulatorProcess) -> Vec<(String, Vec<u8>)> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let client = emulator.client().await;
        let shard = "shardId-000000000000";
        let from = aws_sdk_kinesis::types::ShardIteratorType::TrimHorizon;
        let iterator = client.get_shard_iterator().stream_name("orders").shard_id(shard).shard_iterator_type(from);
        let mut next = iterator.send().await.unwrap().shard_iterator;
        let mut records = Vec::new();
        loop {
            let read = match client.get_records().set_shard_iterator(next.clone()).send().await {
                Ok(read) => read,
                // The pollers of the runs had the calls of this second.
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(|error| error.is_provisioned_throughput_exceeded_exception()) =>
                {
                    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                    continue;
                }
                Err(error) => panic!("{error:?}"),
            };
            let all = read.millis_behind_latest() == Some(0);
            let record = |r: aws_sdk_kinesis::types::Record| (r.partition_key.unwrap_or_default(), r.data.into_inner());
            records.extend(read.records.into_iter().map(record));
            if all {
                return records;
            }
            next = read.next_shard_iterator;
        }
    })
}

#[test]
fn the_records_that_were_not_accepted_are_in_a_file() {
    let directory = TempDir::new().unwrap();
    let overload =
        SMALL.replace("rate = \"200/s\"", "rate = \"3000/s\"") + "[keys]\ndistribution = \"sequential\"\ncount = 7\n";
    let overload = overload.replace("timeout = \"10m\"", "retry.policy = \"none\"\ndead_letters = 50");
    fs::write(directory.path().join("small.toml"), overload).unwrap();
    let output = streamgauge(&["simulate", "small.toml", "--out", "result"], directory.path());
    let (result, file) =
        (directory.path().join("result/result.json"), directory.path().join("result/dead-letter.jsonl"));
    let result: Value = serde_json::from_slice(&fs::read(result).unwrap_or_else(|_| panic!("{output:?}"))).unwrap();
    let failed = result["measurement"]["counters"]["failed"].as_u64().unwrap();
    assert!(failed > 50, "{failed}");
    let lines: Vec<Value> =
        fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 50);
    for pair in lines.windows(2) {
        assert!(pair[0]["index"].as_u64() < pair[1]["index"].as_u64(), "{pair:?}");
    }
    for line in &lines {
        let index = line["index"].as_u64().unwrap();
        // The arrivals are 3,000 a second, and take the seven keys in turns.
        assert!(line["intended_ns"].as_u64().unwrap().abs_diff(index * 1_000_000_000 / 3_000) <= 1, "{line}");
        assert_eq!(line["shard"], "shardId-000000000000");
        assert!(line["partition_key"].as_str().is_some_and(|key| !key.is_empty()), "{line}");
        assert_eq!(
            (&line["attempts"], &line["outcome"], &line["reason"]),
            (&1.into(), &"failed".into(), &"throttled".into())
        );
    }
    let keys: std::collections::BTreeSet<&str> =
        lines.iter().filter_map(|line| line["partition_key"].as_str()).collect();
    assert!(keys.len() <= 7, "{keys:?}");
}

#[test]
fn a_closed_loop_is_labelled_wherever_its_figures_are() {
    let directory = TempDir::new().unwrap();
    let closed =
        SMALL.replace("rate = \"200/s\"", "model = \"closed\"\nproducers = 3").replace("lateness_bound = \"1h\"\n", "");
    fs::write(directory.path().join("closed.toml"), closed).unwrap();
    let output = streamgauge(&["simulate", "closed.toml", "--out", "result"], directory.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let words = one_line(&text(&output.stdout));
    assert!(words.contains("Closed loop of 3 producers: each sends its next batch"), "{words}");
    let page = fs::read_to_string(directory.path().join("result/report.html")).unwrap();
    assert!(page.contains("closed loop"), "the report says so too");
    let plan = streamgauge(&["plan", "closed.toml"], directory.path());
    assert!(text(&plan.stdout).contains("closed loop"), "{}", text(&plan.stdout));
}

#[test]
fn the_expected_load_of_each_shard_is_told_before_the_load_begins() {
    let (output, _directory, _result) = run(&SMALL.replace("shards = 1", "shards = 2"), &["-v"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let words = text(&output.stderr);
    let at = |word: &str| words.find(word).unwrap_or_else(|| panic!("`{word}` is missing: {words}"));
    let head = at("expected load of 2 shard(s):");
    assert!(head < at("load begins"), "{words}");
    for shard in ["shardId-000000000000", "shardId-000000000001"] {
        assert!((head..at("load begins")).contains(&at(shard)), "{words}");
    }
}

/// The process stands still for most of a second while it offers load: what came due meanwhile is offered late, and the wait counts.
#[cfg(unix)]
#[test]
fn a_run_that_was_stopped_by_the_system_offers_its_whole_schedule() {
    let directory = TempDir::new().unwrap();
    let longer = SMALL
        .replace("shards = 1", "shards = 1\nname = \"orders\"")
        .replace("duration = \"1s\"", "duration = \"4s\"\nwarm_up = \"0s\"");
    fs::write(directory.path().join("small.toml"), longer).unwrap();
    // A machine that is too busy may stop the run too late: then there is another one.
    let output = (0..).find_map(|attempt| stopped_for_a_while(directory.path(), &format!("result-{attempt}"))).unwrap();
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let count = |name: &str| summary[name].as_u64().unwrap();
    assert_eq!((count("offered"), count("accepted")), (800, 800), "{summary}");
    assert!(summary["put"]["response"]["max"].as_u64().is_some_and(|nanos| nanos >= 500_000_000), "{summary}");
    assert!(summary["put"]["lateness"]["max"].as_u64().is_some_and(|nanos| nanos >= 500_000_000), "{summary}");
}

/// What a run of 160,000 bytes left that stood still for 700 ms, or nothing if it had put half of them before.
#[cfg(unix)]
fn stopped_for_a_while(directory: &Path, out: &str) -> Option<Output> {
    let emulator = EmulatorProcess::start(&["--transitions", "0"]);
    create_stream(&emulator);
    let process = command(&["run", "small.toml", "--target", &emulator.url, "--out", out, "--json"], directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    emulator.wait_for_bytes(10_000);
    signal(process.id(), "STOP");
    let put = emulator.stored_bytes();
    std::thread::sleep(std::time::Duration::from_millis(700));
    signal(process.id(), "CONT");
    let output = process.wait_with_output().unwrap();
    (put < 80_000).then_some(output)
}

#[test]
fn the_self_test_finds_all_that_it_damages() {
    let directory = TempDir::new().unwrap();
    let output = streamgauge(&["self-test", "--seconds", "3"], directory.path());
    let table = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{table}{}", text(&output.stderr));
    // Nine rows of the simulation, nine of the emulator.
    assert_eq!((table.matches('✓').count(), table.matches('✗').count()), (18, 0), "{table}");
    for damage in streamgauge::kinesis::Damage::ALL {
        assert!(table.contains(damage.word()), "{table}");
    }
    assert!(table.contains("found, counted and placed, and nothing else"), "{table}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "it leaves nothing behind");
    let bad = streamgauge(&["self-test", "--seconds", "0"], directory.path());
    assert_eq!(bad.status.code(), Some(2));
}

/// Creates the stream `orders`.
fn create_stream(emulator: &EmulatorProcess) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        emulator.client().await.create_stream().stream_name("orders").shard_count(1).send().await.unwrap();
    });
}
