//! Rules of the house, as a test.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules by layer; a module uses only modules of lower layers, except where `ALLOWED` says so.
const LAYERS: &[(u32, &[&str])] = &[
    (1, &["time", "seed", "units", "address", "prometheus"]),
    (2, &["workload", "kinesis", "prices"]),
    (3, &["client"]),
    (4, &["measure"]),
    (5, &["scenario"]),
    (6, &["producing", "run"]),
    (7, &["engine", "emulator", "simulator"]),
    (8, &["result"]),
    (9, &["plan"]),
    (10, &["compare", "search", "sweep"]),
    (11, &["report", "view"]),
    (12, &["commands", "cli"]),
];

/// Uses within a layer: units reads durations; the engine connects to the emulator; the view writes words of others as the report
/// does; commands take arguments.
const ALLOWED: &[(&str, &str)] = &[("engine", "emulator"), ("view", "report"), ("commands", "cli")];

const LINES_MAX: usize = 500;

#[test]
fn modules_use_only_lower_layers() {
    for (path, text) in sources() {
        let module = module_of(&path);
        let Some(layer) = layer(&module) else { continue };
        for used in used_modules(&text) {
            let Some(other) = layer_of_known(&used) else { continue };
            let allowed = used == module || other < layer || ALLOWED.contains(&(module.as_str(), used.as_str()));
            assert!(allowed, "{}: {module} (layer {layer}) uses {used} (layer {other})", path.display());
        }
    }
}

#[test]
fn only_the_drivers_know_sockets_threads_and_tokio() {
    for (path, text) in sources() {
        if !matches!(module_of(&path).as_str(), "engine" | "emulator" | "commands" | "main" | "lib") {
            for word in ["tokio", "std::net", "std::thread", "async fn", "Instant::now", "SystemTime::now"] {
                assert!(!text.contains(word), "{}: `{word}` belongs into a driver", path.display());
            }
        }
    }
}

#[test]
fn only_the_allocator_is_unsafe() {
    let unsafe_code = |(path, text): (PathBuf, String)| text.contains("unsafe ").then_some(path);
    let files: Vec<PathBuf> = sources().into_iter().filter_map(unsafe_code).collect();
    assert!(files.len() == 1 && files[0].ends_with("src/engine/allocations.rs"), "{files:?}");
}

#[test]
fn only_commands_print() {
    for (path, text) in sources() {
        if module_of(&path) != "commands" {
            for word in ["println!", "print!", "eprintln!", "dbg!"] {
                assert!(!text.contains(word), "{}: `{word}` belongs into commands", path.display());
            }
        }
    }
}

#[test]
fn files_are_short() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        // Tests beside the code do not count: they are another subject.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default().lines().count();
        assert!(code <= LINES_MAX, "{}: {code} lines of code ({lines} in all), at most {LINES_MAX}", path.display());
    }
}

#[test]
fn every_scenario_says_what_it_answers_and_is_valid() {
    let profile = streamgauge::kinesis::Profile::newest();
    let mut scenarios = 0;
    for path in files(&root().join("scenarios"), "toml") {
        let text = fs::read_to_string(&path).unwrap();
        for word in ["# Question:", "# Expected:", "# Duration:"] {
            assert!(text.contains(word), "{}: the comment at the top lacks `{word}`", path.display());
        }
        if let Err(diagnostics) = streamgauge::scenario::parse(&path, &text, &[], &profile) {
            panic!("{}", diagnostics.render(false));
        }
        scenarios += 1;
    }
    assert!(scenarios >= 2);
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<(PathBuf, String)> {
    let sources = files(&root().join("src"), "rs");
    assert!(sources.len() > 30);
    sources.into_iter().map(|path| (path.clone(), fs::read_to_string(&path).unwrap())).collect()
}

fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The top-level module of a file: `src/kinesis/shard.rs` and `src/kinesis.rs` belong to `kinesis`.
fn module_of(path: &Path) -> String {
    let relative = path.strip_prefix(root().join("src")).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn layer(module: &str) -> Option<u32> {
    if matches!(module, "lib" | "main") {
        return None;
    }
    let layer = layer_of_known(module);
    assert!(layer.is_some(), "the module `{module}` has no layer: add it to tests/it/tidy.rs and src/lib.rs");
    layer
}

fn layer_of_known(module: &str) -> Option<u32> {
    LAYERS.iter().find(|(_, modules)| modules.contains(&module)).map(|(layer, _)| *layer)
}

fn used_modules(text: &str) -> Vec<String> {
    let names = text
        .split("crate::")
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>());
    names.filter(|name| !name.is_empty()).collect()
}
