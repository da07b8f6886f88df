//! The README tells the truth: its commands parse, its scenario is valid, its test command is the one CI runs.

use std::fs;
use std::path::Path;

use clap::Parser;
use streamgauge::cli::{Cli, Command};
use streamgauge::kinesis::Profile;
use streamgauge::scenario;

pub fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The contents of the code blocks in `language`.
pub fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The words of a command; double quotes keep spaces together.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in command.chars() {
        match (c, words.last_mut()) {
            ('"', _) => quoted = !quoted,
            (' ', _) if !quoted => words.push(String::new()),
            (c, Some(word)) => word.push(c),
            (_, None) => {}
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_command_parses_and_names_a_scenario_that_is_there() {
    let readme = file("README.md");
    let mut commands = 0;
    for line in blocks(&readme, "sh").iter().flat_map(|block| block.lines()) {
        let line = line.split('#').next().unwrap().trim();
        let Some(arguments) =
            line.strip_prefix("cargo run --release -- ").or_else(|| line.strip_prefix("streamgauge "))
        else {
            assert_eq!(line, "cargo test");
            continue;
        };
        let words = std::iter::once("streamgauge".to_owned()).chain(words(arguments));
        let cli = Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
        let scenario = match cli.command {
            Command::Simulate(simulate) => simulate.scenario,
            Command::Run(run) => run.scenario,
            Command::Plan(plan) => plan.scenario,
            Command::Search(search) => search.scenario,
            Command::Bench(bench) => bench.scenario,
            Command::Sweep(mut sweep) => {
                let first = |axis: &streamgauge::sweep::Axis| format!("{}={}", axis.key, axis.values[0]);
                sweep.scenario.overrides.extend(sweep.vary.iter().map(first));
                sweep.scenario
            }
            Command::Check(check) => {
                for path in check.paths {
                    valid(line, &path, &[]);
                }
                commands += 1;
                continue;
            }
            Command::List(list) => {
                assert!(list.name.is_none_or(|name| scenario::built_in(&name).is_some()), "{line}");
                commands += 1;
                continue;
            }
            Command::Emulator(_)
            | Command::Prices(_)
            | Command::Report(_)
            | Command::Compare(_)
            | Command::Trend(_)
            | Command::SelfTest(_)
            | Command::Init(_)
            | Command::Schema
            | Command::Completions(_)
            | Command::Man(_) => {
                commands += 1;
                continue;
            }
        };
        valid(line, &scenario.path, &scenario.overrides);
        commands += 1;
    }
    assert!(commands >= 6);
}

/// The scenario at `path`, or the one that is built in, is valid.
fn valid(line: &str, path: &Path, overrides: &[String]) {
    let name = path.display().to_string();
    let text = scenario::built_in(&name).map_or_else(|| file(&name), str::to_owned);
    if let Err(diagnostics) = scenario::parse(path, &text, overrides, &Profile::newest()) {
        panic!("{line}: {}", diagnostics.render(false));
    }
}

/// The examples of scenarios in the README and in the reference, each made whole.
pub fn examples() -> Vec<String> {
    let (readme, reference) = (blocks(&file("README.md"), "toml"), blocks(&file("docs/scenario.md"), "toml"));
    assert!(readme.len() == 2 && reference.len() >= 9);
    let whole = |example: String| {
        let mut whole = example.clone();
        for (section, rest) in [
            ("[stream]", "[stream]\nshards = 4\n"),
            ("[load", "[load]\nrate = \"10/s\"\nduration = \"20s\"\n"),
            ("[records", "[records]\nsize = \"1 KiB\"\n"),
        ] {
            // Phases are a load, and tenants have sizes of their own.
            let there =
                example.lines().any(|line| line.trim_start_matches('[').starts_with(section.trim_start_matches('[')));
            let of_tenants = section == "[records" && example.contains("[[tenant]]");
            if !there && !of_tenants {
                whole.push_str(rest);
            }
        }
        whole
    };
    readme.into_iter().chain(reference).map(whole).collect()
}

#[test]
fn the_examples_of_the_documents_are_valid() {
    for example in examples() {
        if let Err(diagnostics) = scenario::parse(Path::new("example.toml"), &example, &[], &Profile::newest()) {
            panic!("{}", diagnostics.render(false));
        }
    }
}

#[test]
fn ci_runs_exactly_the_test_command_of_the_readme() {
    assert!(file(".ci/run").lines().any(|line| line.trim() == "cargo test"));
}

#[test]
fn help_and_readme_list_the_same_exit_codes() {
    let help = <Cli as clap::CommandFactory>::command().render_long_help().to_string();
    let readme = file("README.md");
    for code in 0..=4 {
        assert!(help.contains(&format!("\n  {code}  ")), "help lacks {code}");
        assert!(readme.contains(&format!("\n| {code} | ")), "README lacks {code}");
    }
}

/// The broken scenario whose diagnostics the README shows.
const ORDERS: &str = r#"[stream]
shards = 4

[load]
rate = "2000"
duration = "20s"

[records]
size = "2 MiB"

[keys]
distribution = "zipff"
"#;

#[test]
fn the_diagnostics_of_the_readme_are_the_real_ones() {
    let diagnostics = scenario::parse(Path::new("orders.toml"), ORDERS, &[], &Profile::newest()).unwrap_err();
    let shown = format!("$ streamgauge plan orders.toml\n{}\n", diagnostics.render(false).trim());
    assert!(blocks(&file("README.md"), "text").contains(&shown), "the README should show:\n{shown}");
}

#[test]
fn the_commands_of_the_gate_parse() {
    let mut commands: Vec<String> = blocks(&file("docs/gate.md"), "sh").iter().flat_map(|b| lines(b)).collect();
    for workflow in ["docs/ci/github-actions.yml", "docs/ci/gitlab-ci.yml"] {
        let text = file(workflow);
        let found = text.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("streamgauge "));
        let found: Vec<String> = found.map(|rest| format!("streamgauge {rest}")).collect();
        assert_eq!(found.len(), 2, "{workflow}");
        commands.extend(found);
    }
    for line in commands {
        // What the shell takes for itself.
        let own = line.split(['>', '|']).next().unwrap().split("  #").next().unwrap();
        let cli = Cli::try_parse_from(words(own.trim())).unwrap_or_else(|error| panic!("{line}: {error}"));
        if let Command::Bench(bench) = cli.command {
            let path = bench.scenario.path.display().to_string();
            valid(&line, Path::new(path.trim_start_matches("candidate/")), &[]);
        }
    }
}

/// The lines of a block that are not empty.
fn lines(block: &str) -> Vec<String> {
    block.lines().filter(|line| !line.trim().is_empty()).map(ToOwned::to_owned).collect()
}
