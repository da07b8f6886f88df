//! A run while it goes on, as other programs see it: lines of JSON, metrics, and what needs a terminal.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::emulator::exchange;
use crate::support::program::{command, told};

const SMALL: &str = "[stream]\nshards = 1\n[load]\nrate = \"100/s\"\nduration = \"2s\"\nlateness_bound = \"1h\"\n\
                     drain = \"10m\"\n[producer]\ntimeout = \"10m\"\n\
                     [records]\nsize = \"200 B\"\n[[consumer]]\nname = \"poller\"\ntype = \"polling\"\n";

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
    fs::write(directory.path().join("small.toml"), SMALL.replace("\"2s\"", "\"1h\"")).unwrap();
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
    let get =
        |request: &str| exchange(&address, &format!("{request} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
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
