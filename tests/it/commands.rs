//! The commands around a run: init, check, list, completions, man pages, versions.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::program::told;

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
