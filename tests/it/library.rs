//! The library as others use it: the example program is run, and what it prints is what the program says.

#[allow(dead_code)]
#[path = "../../examples/forecast.rs"]
mod example;

use crate::readme::file;

#[test]
fn the_example_plans_and_simulates() {
    let path = "scenarios/quickstart.toml";
    let words = example::report(path, &file(path)).unwrap();
    let line = |start: &str| words.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{words}"));
    assert_eq!(line("planned: "), "planned: 2 shards needed");
    assert_eq!(line("simulated: "), "simulated: 40000 of 40000 records accepted");
    assert!(line("lag p99 of alerts: ").ends_with("(met)"), "{words}");
    assert_eq!(line("verdict: "), "verdict: Met");
}

#[test]
fn the_example_shows_all_mistakes_of_a_scenario() {
    let error = example::report("orders.toml", "stream.shards = 0\n[load]\nrate = \"2000\"\n").unwrap_err().to_string();
    assert!(error.contains("stream.shards") && error.contains("load.rate"), "{error}");
}
