//! Markdown as GitHub and GitLab read it. Everything that is written is escaped here: nothing that comes in as text can become
//! markup, HTML, a link or a table of its own.

use crate::report::words::{NONE, printable};

/// A document under construction. All texts are escaped.
#[derive(Debug, Default)]
pub struct Document {
    out: String,
}

impl Document {
    /// A heading; level 1 is the largest.
    pub fn heading(&mut self, level: usize, text: &str) {
        self.block(&format!("{} {}", "#".repeat(level.clamp(1, 6)), escaped(text)));
    }

    /// A paragraph.
    pub fn paragraph(&mut self, text: &str) {
        self.block(&escaped(text));
    }

    /// A paragraph that begins with a few words in bold.
    pub fn labelled(&mut self, label: &str, text: &str) {
        let space = if label.ends_with(' ') || text.starts_with(' ') { " " } else { "" };
        self.block(format!("**{}**{space}{}", escaped(label), escaped(text)).trim_end());
    }

    /// A list. Nothing without entries.
    pub fn list(&mut self, entries: impl IntoIterator<Item = String>) {
        let entries: Vec<String> = entries.into_iter().map(|entry| format!("- {}", escaped(&entry))).collect();
        if !entries.is_empty() {
            self.block(&entries.join("\n"));
        }
    }

    /// An entry of a list: its name, and facts about it, each with its own name, words, and a list below them.
    pub fn entry(&mut self, name: &str, facts: Vec<(String, String, Vec<String>)>) {
        // Nothing in the place of a word would be a rule, and below a word it would make a heading of it.
        let written = |text: &str| if escaped(text).is_empty() { NONE.to_owned() } else { escaped(text) };
        let mut lines = vec![format!("- **{}**", written(name))];
        for (fact, words, items) in facts {
            lines.push(format!("  - {}: {}", written(&fact), escaped(&words)).trim_end().to_owned());
            lines.extend(items.iter().map(|item| format!("    - {}", written(item))));
        }
        self.block(&lines.join("\n"));
    }

    /// A table: a head for each column, and whether figures stand in it, to the right.
    pub fn table(&mut self, heads: &[(&str, bool)], rows: impl IntoIterator<Item = Vec<String>>) {
        let line = |cells: &mut dyn Iterator<Item = String>| format!("| {} |", cells.collect::<Vec<_>>().join(" | "));
        let mut lines = vec![line(&mut heads.iter().map(|(head, _)| escaped(head)))];
        lines.push(line(&mut heads.iter().map(|(_, figures)| if *figures { "---:" } else { ":---" }.to_owned())));
        for mut row in rows {
            row.resize(heads.len(), String::new());
            lines.push(line(&mut row.iter().map(|cell| escaped(cell))));
        }
        self.block(&lines.join("\n"));
    }

    /// The text.
    pub fn finish(self) -> String {
        self.out
    }

    fn block(&mut self, text: &str) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out.push_str(text);
        self.out.push('\n');
    }
}

/// A text that Markdown shows as it is, in one line.
///
/// What means something to HTML, to a table or to mathematics is written as a character reference, which can be no part of any
/// structure (CommonMark 0.31, section 2.5); what else means something gets a backslash (section 2.4). Links without brackets are
/// broken up at their colon or first dot.
pub fn escaped(text: &str) -> String {
    let text = printable(text);
    let text = text.trim();
    let mut out = String::with_capacity(text.len() + 8);
    for (at, c) in text.char_indices() {
        match c {
            '&' | '<' | '>' | '|' | '\\' | '@' | '$' => reference(&mut out, c),
            ':' if text[at + 1..].starts_with("//") => reference(&mut out, c),
            '.' if ends_with_www(&text[..at]) => reference(&mut out, c),
            '`' | '*' | '_' | '[' | ']' | '{' | '}' | '~' | '^' | '#' | '!' => {
                out.push('\\');
                out.push(c);
            }
            // At the start of a line these begin lists, rules, headings and definitions.
            '-' | '+' | '=' | ':' if at == 0 && !text[1..].starts_with(|next: char| next.is_ascii_digit()) => {
                out.push('\\');
                out.push(c);
            }
            '.' | ')' if is_number(&text[..at]) && ends_word(&text[at + 1..]) => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

fn reference(out: &mut String, c: char) {
    out.push_str(&format!("&#{};", u32::from(c)));
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn ends_word(rest: &str) -> bool {
    rest.chars().next().is_none_or(char::is_whitespace)
}

fn ends_with_www(text: &str) -> bool {
    let mut last = text.chars().rev().take(3);
    last.clone().count() == 3 && last.all(|c| c.eq_ignore_ascii_case(&'w'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    use super::*;

    /// What a reader of the Markdown sees: its texts, and the names of the structures it is in.
    fn rendered(markdown: &str) -> (Vec<String>, Vec<String>) {
        let (mut texts, mut tags) = (Vec::new(), Vec::new());
        let options = Options::all() - Options::ENABLE_SMART_PUNCTUATION;
        for event in Parser::new_ext(markdown, options) {
            match event {
                Event::Start(tag) => {
                    if matches!(tag, Tag::TableCell) {
                        texts.push(String::new());
                    }
                    tags.push(format!("{tag:?}"));
                }
                Event::Text(text) => {
                    if texts.is_empty() {
                        texts.push(String::new());
                    }
                    texts.last_mut().unwrap().push_str(&text);
                }
                Event::End(_) => {}
                other => tags.push(format!("{other:?}")),
            }
        }
        (texts, tags)
    }

    /// As Markdown gives it back: without control characters, and trimmed.
    fn plain(text: &str) -> String {
        printable(text).trim().to_owned()
    }

    fn check(text: &str) {
        let escaped = escaped(text);
        assert!(!escaped.contains(['<', '>', '|', '\n', '$', '@']), "{escaped:?}");
        assert!(!escaped.contains("://") && !escaped.to_ascii_lowercase().contains("www."), "{escaped:?}");
        let mut document = Document::default();
        document.table(&[("a", false), ("b", true)], [vec![text.to_owned(), text.to_owned()], vec!["x".to_owned()]]);
        document.labelled("Label. ", text);
        document.list([text.to_owned()]);
        document.heading(2, text);
        document.paragraph(text);
        document.entry(text, vec![(text.to_owned(), text.to_owned(), vec![text.to_owned()])]);
        let markdown = document.finish();
        let (texts, tags) = rendered(&markdown);
        let expected = plain(text);
        assert_eq!(&texts[..2], ["a", "b"], "{markdown}");
        assert_eq!((texts[2].trim(), texts[3].trim()), (expected.as_str(), expected.as_str()), "{markdown}");
        assert_eq!(texts[4], "x");
        let count = |name: &str| tags.iter().filter(|tag| tag.starts_with(name)).count();
        assert_eq!(
            (count("Table("), count("TableRow"), count("TableHead"), count("TableCell")),
            (1, 2, 1, 6),
            "{tags:?}"
        );
        assert_eq!((count("List"), count("Item"), count("Heading"), count("Strong")), (4, 4, 1, 2), "{tags:?}");
        let known = ["Table", "Paragraph", "List", "Item", "Heading", "Strong"];
        assert!(tags.iter().all(|tag| known.iter().any(|known| tag.starts_with(known))), "{text:?} became {tags:?}");
    }

    proptest! {
        #[test]
        fn no_text_becomes_markup(text in "\\PC{0,30}") {
            check(&text);
        }

        #[test]
        fn no_text_of_what_markdown_is_made_of_becomes_markup(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "|", "\\", "`", "```", "*", "**", "_", "[a](b)", "[", "]", "<b>", "<!--", "&amp;", "&", "#", "# ", "- ", "+ ", "1. ",
                "2) ", "=", "---", "~~", "~", "!", "![a](b)", "http://a.b", "www.a.b", "WwW.", "a@b.c", "$", "$$", ":", "::", ":-:",
                "\n", "\r\n", "\t", "    ", " ", "a", "[^1]", "^", "{", "}", "\u{1b}[2J", "\u{0}", "\"", "'",
            ]), 0..8)
        ) {
            check(&parts.concat());
        }
    }
}
