//! Rules of the house, as a test.
//!
//! Each rule is a function from the files to what is wrong with them, so that a bad example shows that it can fail.

mod graph;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use self::graph::Graph;
use self::source::Source;

/// Rooms from the ground up: a room uses only rooms of lower layers. `src/lib.rs` shows the same table.
const LAYERS: &[&[&str]] = &[
    &["time", "seed", "units", "address", "prometheus", "lognormal"],
    &["workload", "kinesis", "prices"],
    &["client"],
    &["measure"],
    &["scenario"],
    &["run"],
    &["engine", "emulator", "simulator", "forecast"],
    &["result"],
    &["capacity"],
    &["verdict"],
    &["plan"],
    &["compare", "search", "sweep"],
    &["report", "view"],
    &["commands", "cli", "api"],
];

/// Uses within a layer, by the room that uses and the room that is used, and why.
const ALLOWED: &[(&str, &str)] = &[
    // A run can bring its own emulator, in the same process.
    ("engine", "emulator"),
    // A run while it goes on is told in the words of its report.
    ("view", "report"),
    // Commands take the arguments that the command line declares.
    ("commands", "cli"),
];

/// Most lines of a file, tests left out.
const LINES_MAX: usize = 400;
/// Most lines of a function.
const FUNCTION_LINES_MAX: usize = 70;

#[test]
fn rooms_use_only_lower_layers() {
    let sources = sources();
    let upward = upward_uses(&sources, ALLOWED);
    assert_eq!(upward, BTreeSet::new());
    for (place, (room, used)) in ALLOWED.iter().enumerate() {
        let others: Vec<_> =
            ALLOWED.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, pair)| *pair).collect();
        assert!(!upward_uses(&sources, &others).is_empty(), "{room} no longer uses {used}: shorten ALLOWED");
    }
}

#[test]
fn a_use_of_a_higher_room_is_found_wherever_it_stands() {
    for text in [
        "use crate::scenario::Scenario;",
        "use crate::{seed::Seed, scenario::{self, Scenario}};",
        "fn f() { super::super::scenario::parse() }",
        "fn f() -> crate::scenario::Scenario { todo() }",
        "fn f() { assert!(crate::scenario::parse()); }",
        "#[cfg(test)]\nmod tests {\n use super::super::super::scenario;\n}",
    ] {
        let found = upward_uses(&[Source::parse(Path::new("kinesis/quota.rs"), text)], ALLOWED);
        let upward = "kinesis/quota.rs: kinesis (layer 2) uses scenario (layer 5)".to_owned();
        assert_eq!(found, BTreeSet::from([upward]), "{text}");
    }
    let fine = "use crate::seed::Seed; use super::api; // crate::scenario\nconst A: &str = \"crate::scenario\";";
    assert!(upward_uses(&[Source::parse(Path::new("kinesis/quota.rs"), fine)], ALLOWED).is_empty());
}

#[test]
#[should_panic(expected = "the room `attic` has no layer")]
fn a_room_without_a_layer_is_found() {
    upward_uses(&[Source::parse(Path::new("attic/box.rs"), "")], ALLOWED);
}

#[test]
fn files_do_not_use_one_another_in_circles() {
    let circles = Graph::new(&code(sources())).circles();
    assert!(circles.is_empty(), "{circles:?}");
}

#[test]
fn a_circle_is_found_through_super_braces_and_reexports() {
    let circles = |files: &[(&str, &str)]| {
        let sources: Vec<Source> = files.iter().map(|(file, text)| Source::parse(Path::new(file), text)).collect();
        Graph::new(&code(sources)).circles()
    };
    let facade = ("kinesis/mod.rs", "mod a; mod b; pub use a::A; pub use b::*;");
    let circle = BTreeSet::from(["kinesis/a".to_owned(), "kinesis/b".to_owned()]);
    for (a, b) in [
        ("use super::b::B; pub struct A;", "use super::a::A; pub struct B;"),
        ("use crate::kinesis::{b::B}; pub struct A;", "use crate::{kinesis::A}; pub struct B;"),
        ("use super::B; pub struct A;", "pub struct B; fn f() { super::A::new() }"),
        ("pub struct A(crate::kinesis::b::B);", "pub struct B; fn f() { vec![super::a::A] }"),
    ] {
        let found = circles(&[facade, ("kinesis/a.rs", a), ("kinesis/b.rs", b)]);
        assert_eq!(found, BTreeSet::from([circle.clone()]), "{a} {b}");
    }
    // A file with others below it is read item by item.
    let parent = |uses: &str| format!("mod a; use a::A; pub struct P; fn f() {{ {uses} }}");
    let child = ("kinesis/a.rs", "use super::f; pub struct A;");
    assert_eq!(circles(&[("kinesis/mod.rs", &parent("A::new()")), child]).len(), 1);
    assert_eq!(circles(&[("kinesis/mod.rs", &parent("g()")), child]).len(), 0);
    assert_eq!(circles(&[("kinesis/mod.rs", &(parent("g()") + "fn g() -> A { a() }")), child]).len(), 1);
    assert_eq!(circles(&[("kinesis/mod.rs", &(parent("g()") + "fn h() -> A { a() }")), child]).len(), 0);
    let tests = "pub struct B;\n#[cfg(test)]\nmod tests { use super::super::a::A; }";
    assert_eq!(circles(&[facade, ("kinesis/a.rs", "use super::B; pub struct A;"), ("kinesis/b.rs", tests)]).len(), 0);
}

#[test]
fn the_service_is_ordered_as_its_first_lines_say() {
    let sources = code(sources());
    assert_eq!(Graph::new(&sources).against_order("kinesis"), [] as [String; 0]);
}

#[test]
fn a_use_against_the_written_order_is_found() {
    let room = "//! 1. terms: `a`\n//! 2. the rest: `b`\n//!    `c`\nmod a; mod b; mod c;";
    let found = |a: &str, room: &str| {
        let sources =
            [("kinesis/mod.rs", room), ("kinesis/a.rs", a), ("kinesis/c.rs", "use super::a::A; pub struct C;")];
        let sources = sources.map(|(file, text)| Source::parse(Path::new(file), text));
        Graph::new(&sources).against_order("kinesis")
    };
    assert_eq!(found("pub struct A;", room), [] as [String; 0]);
    assert_eq!(found("use super::c::C; pub struct A;", room), ["kinesis/a uses kinesis/c"]);
    assert_eq!(found("pub struct A;", &room.replace("`b`", "")), ["b"]);
}

#[test]
fn files_and_functions_are_short() {
    let sources = code(sources());
    assert_eq!(long_files(&sources), BTreeSet::new(), "lines of code, at most {LINES_MAX}");
    assert_eq!(long_functions(&sources), BTreeSet::new(), "lines of a function, at most {FUNCTION_LINES_MAX}");
}

#[test]
fn long_files_and_functions_are_found_behind_tests_and_strings() {
    let tests = |lines: usize| format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "    const A: u8 = 0;\n".repeat(lines));
    let code_lines = |lines: usize| "const B: &str = \"}\"; // }\n".repeat(lines);
    let text = |before: usize, within: usize, after: usize| code_lines(before) + &tests(within) + &code_lines(after);
    let long = |text: &str| long_files(&[Source::parse(Path::new("kinesis/quota.rs"), text)]).len();
    assert_eq!(long(&text(LINES_MAX / 2, 1_000, LINES_MAX / 2)), 0);
    assert_eq!(long(&text(LINES_MAX / 2, 1_000, LINES_MAX / 2 + 1)), 1);
    assert_eq!(long(&text(LINES_MAX + 1, 0, 0)), 1);
    assert_eq!(long(&format!("#[cfg(test)]\nuse std::fmt;\n{}", code_lines(LINES_MAX + 1))), 1);

    let function = |lines: usize| format!("fn f(\n) {{\n{}}}\n", "    let a = '}';\n".repeat(lines - 3));
    let long = |text: &str| long_functions(&[Source::parse(Path::new("kinesis/quota.rs"), text)]);
    assert_eq!(long(&function(FUNCTION_LINES_MAX)).len(), 0);
    let found = BTreeSet::from(["kinesis/quota.rs::f".to_owned()]);
    assert_eq!(long(&function(FUNCTION_LINES_MAX + 1)), found);
    assert_eq!(long(&format!("impl A {{ {} }}", function(FUNCTION_LINES_MAX + 1))), found);
    assert_eq!(long(&format!("mod b {{ trait A {{ {} }} }}", function(FUNCTION_LINES_MAX + 1))), found);
    assert_eq!(long(&format!("#[cfg(test)]\nmod tests {{ {} }}", function(FUNCTION_LINES_MAX + 1))).len(), 0);
}

#[test]
fn only_the_drivers_know_sockets_threads_and_tokio() {
    assert_eq!(drivers_only(&sources()), [] as [String; 0]);
    for word in DRIVERS_ONLY {
        assert_eq!(
            drivers_only(&[Source { text: format!("{word} x"), ..empty("kinesis/quota.rs") }]).len(),
            1,
            "{word}"
        );
    }
}

#[test]
fn only_the_allocator_is_unsafe() {
    assert_eq!(unsafe_files(&sources()), [PathBuf::from("engine/allocations.rs")]);
    let bad = Source { text: "unsafe { f() }".to_owned(), ..empty("kinesis/quota.rs") };
    assert_eq!(unsafe_files(&[bad]).len(), 1);
}

#[test]
fn only_commands_print() {
    assert_eq!(printing_files(&sources()), [] as [String; 0]);
    for word in PRINTING {
        assert_eq!(
            printing_files(&[Source { text: format!("{word}(1)"), ..empty("report/png.rs") }]).len(),
            1,
            "{word}"
        );
    }
}

#[test]
fn the_library_shows_the_same_layers() {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("//! | ")?.split_once(" | ["));
    let shown = rows.map(|(number, rooms)| {
        let rooms = rooms.split(' ').map(|room| room.trim_matches(|c: char| !c.is_alphanumeric()).to_owned());
        (number.parse().unwrap(), rooms.filter(|room| !room.is_empty()).collect())
    });
    let layers = LAYERS.iter().map(|rooms| rooms.iter().map(|room| (*room).to_owned()).collect());
    assert_eq!(shown.collect::<Vec<(usize, Vec<String>)>>(), (1..).zip(layers).collect::<Vec<_>>());
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

/// Uses of rooms that are not below, tests included.
fn upward_uses(sources: &[Source], allowed: &[(&str, &str)]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in sources.iter().filter(|source| !matches!(source.room(), "lib" | "main")) {
        let room = source.room();
        let layer =
            layer(room).unwrap_or_else(|| panic!("the room `{room}` has no layer: add it to LAYERS and src/lib.rs"));
        let uses = source.uses.iter().map(|(_, path)| path);
        for used in uses.chain(&source.test_uses).chain(source.reexports.values()).chain(&source.globs) {
            let Some((used, above)) = used.first().and_then(|used| Some((used.as_str(), self::layer(used)?))) else {
                continue;
            };
            if used != room && above >= layer && !allowed.contains(&(room, used)) {
                let file = source.file.display();
                found.insert(format!("{file}: {room} (layer {layer}) uses {used} (layer {above})"));
            }
        }
    }
    found
}

fn layer(room: &str) -> Option<usize> {
    LAYERS.iter().position(|rooms| rooms.contains(&room)).map(|place| place + 1)
}

fn long_files(sources: &[Source]) -> BTreeSet<String> {
    let long = sources.iter().filter(|source| source.code_lines > LINES_MAX);
    long.map(|source| source.file.display().to_string()).collect()
}

fn long_functions(sources: &[Source]) -> BTreeSet<String> {
    let long = |source: &Source| {
        let file = source.file.display().to_string();
        let long = source.functions.iter().filter(|(_, lines)| *lines > FUNCTION_LINES_MAX);
        long.map(|(name, _)| format!("{file}::{name}")).collect::<Vec<_>>()
    };
    sources.iter().flat_map(long).collect()
}

const DRIVERS_ONLY: [&str; 10] = [
    "tokio",
    "hyper",
    "aws_config",
    "aws_sdk",
    "aws_smithy",
    "std::net",
    "std::thread",
    "async fn",
    "Instant::now",
    "SystemTime::now",
];

fn drivers_only(sources: &[Source]) -> Vec<String> {
    let core = |source: &&Source| !matches!(source.room(), "engine" | "emulator" | "commands" | "main" | "lib");
    words(sources.iter().filter(core), &DRIVERS_ONLY, "belongs into a driver")
}

const PRINTING: [&str; 4] = ["println!", "print!", "eprintln!", "dbg!"];

fn printing_files(sources: &[Source]) -> Vec<String> {
    words(sources.iter().filter(|source| source.room() != "commands"), &PRINTING, "belongs into commands")
}

/// The files that have one of the words anywhere, comments and tests included.
fn words<'s>(sources: impl Iterator<Item = &'s Source>, words: &[&str], problem: &str) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let there = words.iter().find(|word| source.text.contains(**word));
        found.extend(there.map(|word| format!("{}: `{word}` {problem}", source.file.display())));
    }
    found
}

fn unsafe_files(sources: &[Source]) -> Vec<PathBuf> {
    sources.iter().filter(|source| source.text.contains("unsafe ")).map(|source| source.file.clone()).collect()
}

/// The files without those that are compiled for tests only.
fn code(sources: Vec<Source>) -> Vec<Source> {
    let tests: BTreeSet<PathBuf> = sources.iter().flat_map(|source| source.test_files.clone()).collect();
    let is_code = |source: &Source| !tests.iter().any(|test| source.file.starts_with(test));
    sources.into_iter().filter(is_code).collect()
}

fn empty(file: &str) -> Source {
    Source::parse(Path::new(file), "")
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files of the library, read once.
fn sources() -> Vec<Source> {
    static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(read_sources);
    SOURCES.clone()
}

fn read_sources() -> Vec<Source> {
    let src = root().join("src");
    let files = files(&src, "rs");
    assert!(files.len() > 30);
    let parse = |path: PathBuf| Source::parse(path.strip_prefix(&src).unwrap(), &fs::read_to_string(&path).unwrap());
    files.into_iter().map(parse).collect()
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
