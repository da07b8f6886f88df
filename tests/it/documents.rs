//! The documents: links lead somewhere, decisions are numbered, and the architecture is a page and not a book.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The Markdown files of a directory, and of those below it.
fn markdown(directory: &Path, below: bool, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if below {
                markdown(&path, below, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found.sort();
}

/// What the links and pictures of a text point to.
fn links(text: &str) -> Vec<String> {
    use pulldown_cmark::{Event, Parser, Tag};
    let target = |event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.into_string()),
        _ => None,
    };
    Parser::new(text).filter_map(target).collect()
}

/// The anchors of a text's headings, as the usual hosts make them.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    headings
        .map(|heading| heading.to_lowercase().chars().filter(|c| kept(*c)).collect::<String>().replace(' ', "-"))
        .collect()
}

#[test]
fn links_lead_to_files_and_headings_that_are_there() {
    let mut files = Vec::new();
    markdown(&root(), false, &mut files);
    markdown(&root().join("docs"), true, &mut files);
    let mut checked = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for link in links(&text).iter().filter(|link| !link.contains("://") && !link.starts_with("mailto:")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { file.clone() } else { file.parent().unwrap().join(path) };
            assert!(target.exists(), "{}: {link} leads nowhere", file.display());
            if !anchor.is_empty() {
                let there = anchors(&fs::read_to_string(&target).unwrap());
                assert!(
                    there.iter().any(|a| a == anchor),
                    "{}: {link} is no heading; there are {there:?}",
                    file.display()
                );
            }
            checked += 1;
        }
    }
    assert!(checked > 40, "{checked}");
}

#[test]
fn the_architecture_is_short() {
    let words = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap().split_whitespace().count();
    assert!(words <= 1_500, "ARCHITECTURE.md has {words} words, at most 1,500: reasons belong into docs/decisions");
}

#[test]
fn decisions_are_numbered_and_listed() {
    let directory = root().join("docs/decisions");
    let index = fs::read_to_string(directory.join("README.md")).unwrap();
    let mut files = Vec::new();
    markdown(&directory, false, &mut files);
    files.retain(|file| !file.ends_with("README.md"));
    assert!(files.len() > 30);
    for (number, file) in (1..).zip(&files) {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with(&format!("{number:04}-")), "{name} should be number {number}");
        let text = fs::read_to_string(file).unwrap();
        let title = text.lines().next().unwrap().strip_prefix(&format!("# {number}. "));
        let title = title.unwrap_or_else(|| panic!("{name} should begin with `# {number}. ` and a title"));
        assert!(index.contains(&format!("{number}. [{title}]({name})")), "README.md lacks {name}, `{title}`");
    }
}

#[test]
fn links_and_anchors_are_read_as_they_are_written() {
    assert_eq!(
        links("[a](b.md#c) ![d](e.png) `[no](link)` <https://x.example>"),
        ["b.md#c", "e.png", "https://x.example"]
    );
    assert_eq!(anchors("# The `run`, once\ntext\n## 1.2 Write quotas"), ["the-run-once", "12-write-quotas"]);
}
