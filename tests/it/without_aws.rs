//! The planner and simulator alone: what it can do, and what it says of the rest.

use std::path::Path;
use std::process::{Command, Output};

fn streamgauge(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_streamgauge"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("RUST_LOG").output().unwrap()
}

fn refusal(arguments: &[&str]) -> String {
    let output = streamgauge(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn it_plans_and_simulates() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("result");
    let simulated = streamgauge(&["simulate", "quickstart", "--out", out.to_str().unwrap()]);
    assert_eq!(simulated.status.code(), Some(0), "{simulated:?}");
    assert!(Path::new(&out).join("report.html").is_file());
    for arguments in [
        &["plan", "quickstart"][..],
        &["check", "scenarios/quickstart.toml"],
        &["report", out.to_str().unwrap(), "--format", "markdown"],
        &["self-test", "--simulated", "--seconds", "5"],
    ] {
        let output = streamgauge(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
        assert!(!output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn it_names_the_feature_that_it_lacks_and_what_to_do() {
    let missing = "built without the feature `aws`";
    let run = refusal(&["run", "quickstart"]);
    assert!(run.contains(missing) && run.contains("`simulate`"), "{run}");
    let search = refusal(&["search", "quickstart", "--target", "embedded"]);
    assert!(search.contains(missing) && search.contains("--target"), "{search}");
}

#[test]
#[cfg(not(feature = "emulator"))]
fn it_has_no_emulator() {
    let emulator = refusal(&["emulator"]);
    assert!(emulator.contains("built without the feature `emulator`"), "{emulator}");
}
