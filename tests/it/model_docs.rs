//! docs/model.md tells the truth about its tests: each one that it names is there, and each row names one or says that there is none.

use std::fs;
use std::path::Path;

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The tests that a text names, written `file::function` between backticks.
fn references(text: &str) -> Vec<(&str, &str)> {
    let quoted = text.split('`').skip(1).step_by(2);
    let pairs = quoted.filter_map(|quoted| quoted.split_once("::"));
    pairs.filter(|(path, _)| path.ends_with(".rs") || path.ends_with(".py")).collect()
}

/// Whether the file has a test of that name: in Rust, a function with the attribute of one.
fn has_test(path: &str, name: &str) -> bool {
    let text = file(path);
    if path.ends_with(".py") {
        return text.contains(&format!("def {name}("));
    }
    let Some(place) = text.find(&format!("fn {name}(")) else { return false };
    // Attributes stand right above, with no empty line between.
    let above = text[..place].rsplit("\n\n").next().unwrap();
    above.contains("#[test]") || above.contains("#[tokio::test")
}

#[test]
fn every_test_that_the_model_names_exists() {
    let model = file("docs/model.md");
    let references = references(&model);
    assert!(references.len() > 100, "{}", references.len());
    let missing: Vec<String> = references
        .into_iter()
        .filter(|(path, name)| !has_test(path, name))
        .map(|(path, name)| format!("{path}::{name}"))
        .collect();
    assert!(missing.is_empty(), "docs/model.md names tests that are not there: {missing:#?}");
}

#[test]
fn every_row_of_the_model_names_its_test_or_says_that_there_is_none() {
    let model = file("docs/model.md");
    let rows = model.lines().filter(|line| line.starts_with("| ") && !line.ends_with("| Shown by |"));
    let mut count = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        assert_eq!(cells.len(), 4, "{row}");
        assert!(cells[3] == "none yet" || !references(cells[3]).is_empty(), "{row}");
        count += 1;
    }
    assert!(count > 80, "{count}");
}
