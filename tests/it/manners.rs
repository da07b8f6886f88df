//! How the program meets people, editors, shells and monitoring: init, check, list, completions, progress.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

fn command(arguments: &[&str], directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_streamgauge"));
    command.args(arguments).current_dir(directory).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

fn streamgauge(arguments: &[&str], directory: &Path) -> Output {
    command(arguments, directory).output().unwrap()
}

/// Exit code, stdout and stderr.
fn told(arguments: &[&str], directory: &Path) -> (i32, String, String) {
    let output = streamgauge(arguments, directory);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

const SMALL: &str = "[stream]\nshards = 1\n[load]\nrate = \"100/s\"\nduration = \"2s\"\nlateness_bound = \"10s\"\n\
                     [records]\nsize = \"200 B\"\n[[consumer]]\nname = \"poller\"\ntype = \"polling\"\n";

#[test]
fn init_writes_a_scenario_that_plans_and_simulates() {
    let directory = TempDir::new().unwrap();
    let (code, stdout, stderr) = told(&["init"], directory.path());
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    assert!(stderr.contains("nobody to ask here, so that everything has its default"), "{stderr}");
    assert!(stderr.contains("next: streamgauge plan scenario.toml"), "{stderr}");
    let schema: Value =
        serde_json::from_slice(&fs::read(directory.path().join("streamgauge.schema.json")).unwrap()).unwrap();
    let text = fs::read_to_string(directory.path().join("scenario.toml")).unwrap();
    assert!(jsonschema::is_valid(&schema, &toml::from_str(&text).unwrap()));
    assert_eq!(told(&["check", "scenario.toml"], directory.path()).1, "scenario.toml: valid\n");
    let (code, _, stderr) = told(&["simulate", "scenario.toml", "--out", "result"], directory.path());
    assert_eq!(code, 0, "{stderr}");
}

#[test]
fn what_init_writes_meets_its_objectives_whoever_reads() {
    let directory = TempDir::new().unwrap();
    for kind in ["polling", "efo", "kcl", "lambda", "firehose"] {
        let (file, consumer) = (format!("{kind}.toml"), format!("reader:{kind}"));
        assert_eq!(told(&["init", &file, "--consumer", &consumer], directory.path()).0, 0);
        let (code, stdout, stderr) = told(&["simulate", &file, "--out", kind], directory.path());
        assert_eq!(code, 0, "{kind}: {stdout}{stderr}");
    }
}

#[test]
fn init_takes_options_and_does_not_ask() {
    let directory = TempDir::new().unwrap();
    let options = ["init", "a.toml", "--rate", "3500/s", "--skew", "0", "--shards", "9", "--consumer", "live:efo"];
    let (code, _, stderr) =
        told(&[&options[..], &["--consumer", "batch:kcl", "--lag-p99", "3s"]].concat(), directory.path());
    assert!(code == 0 && !stderr.contains("nobody to ask"), "{stderr}");
    let text = fs::read_to_string(directory.path().join("a.toml")).unwrap();
    for line in
        ["rate = \"3500/s\"", "shards = 9\n", "distribution = \"uniform\"", "name = \"live\"", "lag_p99 = \"3s\""]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
    let (code, _, stderr) = told(&["init", "b.toml", "--rate", "3500"], directory.path());
    assert!(code == 2 && stderr.contains("write a rate with its unit"), "{stderr}");
    let (code, _, stderr) = told(&["init", "b.toml", "--record-size", "2 MiB"], directory.path());
    assert!(code == 2 && stderr.contains("`records.size` must be at most 1 MiB"), "{stderr}");
    assert!(!directory.path().join("b.toml").exists());
}

#[test]
fn init_writes_over_nothing_unless_it_is_told_to() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("scenario.toml"), "mine").unwrap();
    let (code, _, stderr) = told(&["init"], directory.path());
    assert!(code == 2 && stderr.contains("--force"), "{stderr}");
    assert_eq!(fs::read_to_string(directory.path().join("scenario.toml")).unwrap(), "mine");
    assert_eq!(told(&["init", "--force"], directory.path()).0, 0);
    assert!(fs::read_to_string(directory.path().join("scenario.toml")).unwrap().starts_with("#:schema"));
    let (code, _, stderr) = told(&["init", "no/such/directory/a.toml"], directory.path());
    assert!(code == 4 && stderr.contains("name a file in a directory"), "{stderr}");
}

#[test]
fn check_tells_all_problems_of_all_scenarios() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("good.toml"), SMALL).unwrap();
    fs::write(directory.path().join("bad.toml"), SMALL.replace("100/s", "100").replace("200 B", "2 MiB")).unwrap();
    let (code, stdout, stderr) =
        told(&["check", "good.toml", "bad.toml", "nowhere.toml", "quickstart"], directory.path());
    assert_eq!(code, 2);
    for part in [
        "good.toml: valid\n  warning: There are no objectives",
        "`load.rate` must be a rate",
        "`records.size` must be at most 1 MiB",
        "2 problems in bad.toml",
        "cannot read the scenario `nowhere.toml`",
        "quickstart: valid\n",
    ] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    assert_eq!(stderr, "2 of 4 scenarios have problems\n");
    let (code, stdout, _) = told(&["check", "bad.toml", "good.toml", "--json"], directory.path());
    let found: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &found[0]["problems"][0]["places"][0]["line"]), (2, &Value::from(4)), "{stdout}");
    assert_eq!(found[1]["problems"].as_array().unwrap().len(), 0);
    assert_eq!(told(&["check", "good.toml"], directory.path()).0, 0);
}

#[test]
fn what_is_built_in_runs_by_its_name() {
    let directory = TempDir::new().unwrap();
    let (code, stdout, _) = told(&["list"], directory.path());
    assert!(code == 0 && stdout.contains("hot-shard-salted") && stdout.contains("airport is not built in"), "{stdout}");
    let (_, json, _) = told(&["list", "--json"], directory.path());
    let listed: Value = serde_json::from_str(&json).unwrap();
    assert!(listed.as_array().unwrap().iter().all(|one| one["question"].as_str().is_some_and(|q| !q.is_empty())));
    let (code, _, stderr) = told(&["plan", "hot-shard", "--set", "stream.shards=8"], directory.path());
    assert_eq!(code, 0, "{stderr}");
    let (code, _, stderr) = told(&["plan", "hot-shart"], directory.path());
    assert!(code == 2 && stderr.contains("did you mean `hot-shard`, which is built in?"), "{stderr}");
    let (_, text, _) = told(&["list", "hot-shard"], directory.path());
    assert!(text.starts_with("#:schema ./streamgauge.schema.json\n# Question:"), "{text}");
    assert!(told(&["list", "airport"], directory.path()).2.contains("scenarios/airport.toml"));
    // A file of that name goes before.
    fs::write(directory.path().join("hot-shard"), "nonsense").unwrap();
    assert_eq!(told(&["plan", "hot-shard"], directory.path()).0, 2);
}

#[test]
fn shells_editors_and_man_are_served() {
    let directory = TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, stdout, stderr) = told(&["completions", shell], directory.path());
        assert!(code == 0 && stderr.is_empty() && stdout.contains("simulate"), "{shell}: {stderr}");
    }
    let (code, stdout, _) = told(&["man", "run"], directory.path());
    assert!(code == 0 && stdout.contains(".TH streamgauge-run 1") && stdout.contains("\\-\\-tui"), "{stdout}");
    assert!(told(&["man", "rum"], directory.path()).2.contains("there is no command `rum`; write one of"));
    assert_eq!(told(&["man", "--out", "pages"], directory.path()).0, 0);
    let pages = fs::read_dir(directory.path().join("pages")).unwrap().count();
    let (_, help, _) = told(&["--help"], directory.path());
    let commands = help.split("Commands:").nth(1).unwrap().split("\n\n").next().unwrap();
    let commands = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")).count();
    // All commands but `help`, and the program.
    assert_eq!(pages, commands);
    let (_, schema, _) = told(&["schema"], directory.path());
    assert_eq!(schema, streamgauge::scenario::SCHEMA);
    let (_, version, _) = told(&["--version"], directory.path());
    let (profile, prices) = (streamgauge::kinesis::Profile::newest(), streamgauge::prices::Prices::newest());
    for word in [env!("CARGO_PKG_VERSION"), &profile.name, &profile.date, &prices.name, &prices.date] {
        assert!(version.contains(word), "{word}: {version}");
    }
    assert_eq!(told(&["-V"], directory.path()).1, format!("streamgauge {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn progress_as_json_ends_with_the_outcome() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("small.toml"), SMALL).unwrap();
    let (code, _, stderr) = told(&["run", "small.toml", "--out", "result", "--progress", "json"], directory.path());
    assert_eq!(code, 0, "{stderr}");
    let lines: Vec<Value> = stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds.first(), kinds.last()), (Some(&"start"), Some(&"end")), "{kinds:?}");
    assert!(kinds.contains(&"progress") && lines.iter().all(|line| line["v"] == 1), "{stderr}");
    let end = &lines[lines.len() - 1];
    assert_eq!((&end["exit_code"], &end["outcome"], &end["directory"]), (&0.into(), &"met".into(), &"result".into()));
    // What could not even begin ends with its outcome, too.
    let (code, _, stderr) = told(&["run", "nowhere.toml", "--progress", "json"], directory.path());
    assert_eq!(code, 2);
    let end: Value = serde_json::from_str(stderr.lines().last().unwrap()).unwrap();
    assert_eq!((&end["exit_code"], &end["outcome"]), (&2.into(), &"bad-input".into()));
    let (_, _, stderr) = told(&["run", "small.toml", "--out", "other", "--progress", "none"], directory.path());
    assert_eq!(stderr, "");
}

#[test]
fn what_needs_a_terminal_is_refused_elsewhere() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("small.toml"), SMALL).unwrap();
    for (option, cure) in [("--tui", "--progress json"), ("--progress=bar", "--progress plain")] {
        let (code, stdout, stderr) = told(&["run", "small.toml", option], directory.path());
        assert!(code == 2 && stdout.is_empty(), "{option}: {stdout}");
        assert!(stderr.contains("needs a terminal") && stderr.contains(cure), "{option}: {stderr}");
    }
    // Nothing was begun.
    assert!(!directory.path().join("reports").exists());
    assert_eq!(told(&["run", "small.toml", "--tui", "--progress", "json"], directory.path()).0, 2);
}

#[test]
fn metrics_are_served_while_a_run_goes_on() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("small.toml"), SMALL.replace("\"2s\"", "\"60s\"")).unwrap();
    let arguments = ["run", "small.toml", "--out", "result", "--progress", "json", "--metrics", "127.0.0.1:0"];
    let mut child = command(&arguments, directory.path()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut address = String::new();
    for (number, line) in lines.enumerate() {
        let line: Value = serde_json::from_str(&line).unwrap_or_default();
        assert_eq!(number == 0, line["kind"] == "start", "{line}");
        if let Some(url) = line["text"].as_str().and_then(|text| text.strip_prefix("metrics at http://")) {
            address = url.strip_suffix("/metrics").unwrap().to_owned();
        }
        if line["kind"] == "progress" && line["totals"]["accepted"].as_u64() > Some(0) {
            break;
        }
    }
    let get = |request: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(stream, "{request} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let page = get("GET /metrics");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("version=0.0.4"), "{page}");
    assert!(page.contains("streamgauge_run_phase{phase=\"load\"} 1\n"), "{page}");
    assert!(page.contains("streamgauge_run_records_total{state=\"offered\"}"), "{page}");
    assert!(get("GET /").starts_with("HTTP/1.1 404"));
    assert!(get("POST /metrics").starts_with("HTTP/1.1 405"));
    // The port is taken now.
    let taken = told(&["run", "small.toml", "--out", "other", "--metrics", &address], directory.path());
    assert!(taken.0 == 2 && taken.2.contains("name another port with --metrics"), "{}", taken.2);
    child.kill().unwrap();
    child.wait().unwrap();
}
