//! `streamgauge search`, as a user meets it.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::program::streamgauge;

const STEADY: &str = r#"
question = "How much?"
seed = 4
[stream]
shards = 2
[load]
rate = "1000/s"
duration = "6s"
warm_up = "1s"
[records]
size = "200 B"
[keys]
distribution = "uniform"
count = 5_000
[slo]
throttled = "0.5%"
"#;

fn search(scenario: &str, arguments: &[&str]) -> (Output, TempDir) {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("steady.toml"), scenario).unwrap();
    let output = streamgauge(&[&["search", "steady.toml", "--out", "found"], arguments].concat(), directory.path());
    (output, directory)
}

fn found(directory: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(directory.join("found/search.json")).unwrap()).unwrap()
}

#[test]
fn two_shards_sustain_about_two_thousand_records_and_the_model_says_so() {
    let (output, directory) = search(STEADY, &["--repeats", "3", "--precision", "2%"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let summary = String::from_utf8(output.stdout).unwrap();
    assert!(
        summary.contains("2 shards sustain") && summary.contains("Simulated: a model of AWS, not AWS"),
        "{summary}"
    );
    let answer = &found(directory.path())["answers"][0];
    let boundaries: Vec<f64> =
        answer["found"]["boundaries"].as_array().unwrap().iter().map(|factor| factor.as_f64().unwrap()).collect();
    // Each shard starts with a second of burst, which six seconds use up at a sixth above the rate.
    assert!(boundaries.len() == 3 && boundaries.iter().all(|factor| (1.9..2.4).contains(factor)), "{boundaries:?}");
    let modelled = answer["modelled"].as_f64().unwrap();
    assert!(boundaries.iter().all(|factor| (factor / modelled - 1.0).abs() < 0.05), "{boundaries:?} {modelled}");
    let files = ["search.html", "search.csv", "search.json", "scenario.toml"];
    assert!(files.iter().all(|file| directory.path().join("found").join(file).exists()));
    let trials = answer["trials"].as_array().unwrap().len();
    let rows = fs::read_to_string(directory.path().join("found/search.csv")).unwrap();
    assert_eq!(rows.lines().count(), trials + 1);
    let page = fs::read_to_string(directory.path().join("found/search.html")).unwrap();
    assert!(page.contains("throttled attempts") && !page.contains("<script"));
}

#[test]
fn the_demand_curve_has_an_answer_for_each_load_and_threads_change_nothing() {
    let curve = |threads| {
        let arguments = ["--for", "shards", "--loads", "0.5,1,3", "--repeats", "2", "--threads", threads];
        let (output, directory) = search(STEADY, &arguments);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        found(directory.path())["answers"].clone()
    };
    let answers = curve("1");
    assert_eq!(answers, curve("2"));
    let shards =
        |answer: &Value| (answer["rate"].as_f64().unwrap(), answer["found"]["boundaries"][1].as_f64().unwrap());
    let found: Vec<(f64, f64)> = answers.as_array().unwrap().iter().map(shards).collect();
    assert_eq!(found.iter().map(|(rate, _)| *rate).collect::<Vec<_>>(), [500.0, 1_000.0, 3_000.0]);
    assert!(found[0].1 == 1.0 && found[2].1 >= 3.0 && found.is_sorted_by_key(|(_, shards)| *shards), "{found:?}");
}

#[cfg(all(feature = "aws", feature = "emulator"))]
#[test]
fn a_search_on_the_emulator_makes_real_runs() {
    let short =
        STEADY.replace("1000/s", "1500/s").replace("\"6s\"", "\"3s\"\nlateness_bound = \"10s\"").replace("0.5%", "2%");
    let (output, directory) = search(&short, &["--for", "shards", "--repeats", "1", "--target", "embedded"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(found(directory.path())["answers"][0]["found"]["boundaries"][0].as_f64(), Some(2.0));
}

#[cfg(all(feature = "aws", feature = "emulator"))]
#[test]
fn what_cannot_be_searched_is_refused() {
    let refused = |scenario: &str, arguments: &[&str], why: &str| {
        let (output, directory) = search(scenario, arguments);
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && words.contains(why), "{words}");
        assert!(!directory.path().join("found").exists());
    };
    refused(STEADY, &["--loads", "2"], "--loads belongs to --for shards");
    refused(&STEADY.replace("rate = \"1000/s\"", "model = \"closed\"\nproducers = 3"), &[], "closed loops have none");
    let named = STEADY.replace("shards = 2", "shards = 2\nname = \"mine\"");
    refused(&named, &["--for", "shards", "--target", "http://127.0.0.1:9"], "streams of its own");
    refused(STEADY, &["--precision", "0%"], "from 0.1% to 50%");
}

#[test]
fn objectives_that_nothing_meets_exit_with_one() {
    let impossible = STEADY.replace("throttled = \"0.5%\"", "put_p99 = \"1us\"");
    let (output, _directory) = search(&impossible, &["--for", "shards", "--repeats", "1", "--set", "load.duration=2s"]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8(output.stdout).unwrap().contains("No number of shards"));
}
