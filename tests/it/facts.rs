//! Every citation of the fact sheet (`docs/facts.md`) names a section that exists, and every section is cited.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms and files in which "section N" alone means the fact sheet, as their first lines say.
const OWN_NUMBERS: &[&str] =
    &["src/kinesis", "src/emulator", "profiles/aws-2026-11.toml", "docs/planner.md", "docs/facts.md"];

/// What else has sections: a citation that follows one of these words within a few words is not one of the fact sheet.
const OTHER_DOCUMENTS: &[&str] = &["RFC", "CommonMark", "1935", "1965"];

#[test]
fn citations_of_the_fact_sheet_are_right() {
    let sections = sections();
    let mut cited = BTreeSet::new();
    for (path, text) in citing_files() {
        for section in citations(&text, has_own_numbers(&path)) {
            assert!(sections.contains(&section), "{}: docs/facts.md has no section {section}", path.display());
            if path.ends_with("docs/facts.md") {
                continue;
            }
            cited.insert(section);
        }
    }
    assert!(cited.len() > 20, "{cited:?}");
    // A section is also cited as a part of the one above it.
    let is_cited = |section: &String| {
        cited.contains(section) || section.split_once('.').is_some_and(|(top, _)| cited.contains(top))
    };
    let uncited: Vec<&String> = sections.iter().filter(|section| *section != "0" && !is_cited(section)).collect();
    let with_parts = |section: &str| cited.iter().any(|other| other.starts_with(&format!("{section}.")));
    let uncited: Vec<&&String> = uncited.iter().filter(|section| !with_parts(section)).collect();
    assert!(uncited.is_empty(), "nothing cites these sections of docs/facts.md: {uncited:?}");
}

#[test]
fn a_citation_is_read_as_it_is_written() {
    let all = |text: &str, own: bool| citations(text, own).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(all("//! Streams (fact sheet, sections 2.1 and 2.2).", false), "2.1 2.2");
    assert_eq!(all("/// (fact sheet,\n    /// section 9.3: 10 s)", false), "9.3");
    assert_eq!(all("# sections 5.1 to 5.3 of the fact sheet", true), "5.1 5.2 5.3");
    assert_eq!(all("fact sheet, sections 1, 5.3 and 6", false), "1 5.3 6");
    assert_eq!(all("(fact sheet, section 1.3) or by it (section 1.4)", true), "1.3 1.4");
    assert_eq!(all("a UUID (RFC 9562, section 5.4)", true), "");
    assert_eq!(all("section 5.4 of something else", false), "");
}

/// The numbers of the headings of the fact sheet.
fn sections() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("docs/facts.md")).unwrap();
    let number = |line: &str| {
        let number = line.trim_start_matches('#').split_whitespace().next()?.trim_end_matches('.').to_owned();
        (line.starts_with("##") && number.starts_with(|c: char| c.is_ascii_digit())).then_some(number)
    };
    let sections: BTreeSet<String> = text.lines().filter_map(number).collect();
    assert!(sections.len() > 20, "{sections:?}");
    sections
}

/// The sections that a text cites. With `own_numbers`, the fact sheet need not be named.
fn citations(text: &str, own_numbers: bool) -> BTreeSet<String> {
    let words = words(text);
    let mut found = BTreeSet::new();
    for (place, word) in words.iter().enumerate() {
        if !matches!(word.trim_start_matches('(').to_lowercase().as_str(), "section" | "sections") {
            continue;
        }
        let before = &words[place.saturating_sub(6)..place];
        let is_other = before.iter().any(|word| OTHER_DOCUMENTS.iter().any(|other| word.contains(other)));
        let is_named = before.last().is_some_and(|word| word == "sheet,")
            || before.ends_with(&["sheet".to_owned(), "on".to_owned()]);
        if !is_other && (own_numbers || is_named) {
            found.extend(numbers(&words[place + 1..]));
        }
    }
    found
}

/// The numbers at the beginning of these words: `1, 5.3 and 6` or `5.1 to 5.5`.
fn numbers(words: &[String]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut range = false;
    for word in words {
        match word.as_str() {
            "and" if !found.is_empty() => {}
            "to" if !found.is_empty() => range = true,
            _ => {
                let number: String = word.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
                let number = number.trim_end_matches('.').to_owned();
                if number.is_empty() {
                    break;
                }
                if range
                    && let (Some((top, first)), Some((_, last))) =
                        (found.last().and_then(|n| n.split_once('.')), number.split_once('.'))
                {
                    let (top, first, last) =
                        (top.to_owned(), first.parse::<u32>().unwrap(), last.parse::<u32>().unwrap());
                    found.extend((first + 1..last).map(|part| format!("{top}.{part}")));
                }
                found.push(number);
                range = false;
                // A list goes on behind a comma or a conjunction alone.
                if !word.ends_with(',') && !word.chars().all(|c| c.is_ascii_digit() || c == '.') {
                    break;
                }
            }
        }
    }
    found
}

/// The words of a text without the marks of comments.
fn words(text: &str) -> Vec<String> {
    let is_mark = |word: &&str| matches!(*word, "//" | "///" | "//!" | "#");
    text.split_whitespace().filter(|word| !is_mark(word)).map(str::to_owned).collect()
}

fn has_own_numbers(path: &Path) -> bool {
    let relative = path.strip_prefix(root()).unwrap();
    OWN_NUMBERS.iter().any(|own| relative.starts_with(own))
}

/// All files that may cite the fact sheet, with their text.
fn citing_files() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for directory in ["src", "docs", "profiles", "tests/it", "benches", "scenarios"] {
        collect(&root().join(directory), &mut found);
    }
    assert!(found.len() > 100);
    found
}

fn collect(directory: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let is_text =
            path.extension().is_some_and(|extension| ["rs", "md", "toml"].iter().any(|text| extension == *text));
        if path.is_dir() {
            collect(&path, found);
        } else if is_text && !path.ends_with("tests/it/facts.rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
