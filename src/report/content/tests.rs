//! Every section, in every writer: each fact of the content is where it has to be.
#![allow(clippy::unwrap_used, reason = "of tests")]

use pulldown_cmark::{Event, Options, Parser};

use super::*;
use crate::report::{fixture, markdown, page, terminal};

/// What a reader looks for in a writer's output: words that have to be there.
fn facts(report: &Report<'_>, depth: Depth, rows: usize, brief: bool) -> Vec<String> {
    let mut facts = vec![report.head.title.clone()];
    for banner in &report.head.banners {
        facts.extend(std::iter::once(banner.headline()).chain(banner.lines.iter().cloned()));
    }
    let shown = |parts: &[Part<'_>]| parts.iter().any(|part| part.depth <= depth);
    let sections = report.sections.iter().filter(|section| shown(&section.parts));
    let parts = sections.clone().flat_map(|section| &section.parts).chain(&report.head.parts);
    facts.extend(sections.clone().map(|section| section.title.clone()));
    for part in parts.filter(|part| part.depth <= depth) {
        match &part.block {
            Block::Paragraph(_, words) => spans(words, &mut facts),
            Block::Lines(manner, lines) => {
                let most = if *manner == Manner::List { lines.len() } else { rows };
                lines.iter().take(most).for_each(|words| spans(words, &mut facts));
                if lines.len() > most {
                    facts.push(format!("And {} more", lines.len() - most));
                }
            }
            Block::Equation(words) | Block::Heading(words) => facts.push(words.clone()),
            Block::Table(table) => cells(table, depth, rows, brief, &mut facts),
            Block::Figure(figure) if depth < Depth::Background => facts.push(figure.says.clone()),
            Block::Figure(figure) => spans(&figure.caption, &mut facts),
            Block::Unfolding(summary, lines) => {
                facts.push(summary.clone());
                lines.iter().for_each(|words| spans(words, &mut facts));
            }
            Block::File(summary, file) => facts.extend([summary.clone(), file.clone()]),
        }
    }
    facts
}

fn spans(words: &Text, facts: &mut Vec<String>) {
    facts.extend(words.0.iter().map(|span| Text(vec![span.clone()]).words()).filter(|words| words != "; "));
}

fn cells(table: &Table, depth: Depth, rows: usize, brief: bool, facts: &mut Vec<String>) {
    let (rows, chosen) = table.shown(rows);
    facts.extend(chosen);
    for (column, cell) in rows.iter().flat_map(|row| table.columns.iter().zip(row.iter())) {
        if column.depth <= depth {
            match cell.brief.as_ref().filter(|_| brief) {
                Some(words) => facts.push(words.clone()),
                None => spans(&cell.text, facts),
            }
            cell.items.iter().for_each(|item| spans(item, facts));
        }
    }
}

/// Words with single spaces.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn of_page(page: &str) -> String {
    let mut out = String::new();
    for piece in page.split('<').skip(1) {
        out.push_str(piece.split_once('>').unwrap().1);
    }
    let references = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")];
    references.iter().fold(out, |text, (reference, character)| text.replace(reference, character))
}

fn of_markdown(markdown: &str) -> String {
    let pieces = Parser::new_ext(markdown, Options::ENABLE_TABLES).map(|event| match event {
        Event::Text(text) => text.into_string(),
        _ => " ".to_owned(),
    });
    pieces.collect()
}

fn check(report: &Report<'_>) {
    let writers = [
        ("page", Depth::Background, 2_000, of_page(&page::page(report))),
        ("markdown", markdown::DEPTH, 20, of_markdown(&markdown::markdown(report, 2))),
        ("terminal", Depth::Summary, 12, terminal::terminal(report, Depth::Summary, false)),
        ("terminal of plans", Depth::Report, 12, terminal::terminal(report, Depth::Report, false)),
    ];
    for (writer, depth, rows, written) in writers {
        let written = plain(&written).to_lowercase();
        let facts = facts(report, depth, rows, depth < Depth::Background && writer != "markdown");
        assert!(facts.len() > 100, "{writer}: {}", facts.len());
        for fact in facts {
            // A page begins banners with a capital, and a terminal cuts long cells.
            let fact: String = plain(&fact).to_lowercase().chars().take(36).collect();
            let fact = fact.trim_matches([' ', '.']);
            assert!(written.contains(fact), "the {writer} lacks {fact:?}");
        }
    }
}

#[test]
fn every_section_is_whole_in_every_writer() {
    let (result, plan, verdict) = fixture::rich();
    let report = run(&result, &plan, &verdict);
    assert_eq!(report.sections.len(), 17, "all of them");
    check(&report);
    let (result, plan, verdict) = fixture::run("alerts", "Why?");
    check(&run(&result, &plan, &verdict));
}

#[test]
fn every_section_is_in_every_writer() {
    let (result, plan, verdict) = fixture::rich();
    for section in run(&result, &plan, &verdict).sections {
        assert!(
            section.parts.iter().any(|part| part.depth <= markdown::DEPTH),
            "{} is on the page alone",
            section.title
        );
    }
}

#[test]
fn damaged_records_and_those_not_judged_are_counted_in_every_writer() {
    let (result, plan, verdict) = fixture::rich();
    let report = run(&result, &plan, &verdict);
    let terminal = plain(&terminal::terminal(&report, Depth::Summary, false));
    let sentence = "late: 9,000 accepted, 8,900 delivered, 40 lost, 60 not read by the end, 33 seen again, 21 seen unacknowledged, 22 corrupt, 23 of \
                    others, 8,500 not judged";
    assert!(terminal.contains(sentence), "{terminal}");
    let row = "| late | 9,000 | 8,900 | 40 | 60 | 33 | 21 | 22 | 23 | 8,500 |";
    assert!(markdown::markdown(&report, 2).contains(row));
    assert!(of_page(&page::page(&report)).contains("late9,0008,900406033212223"));
}

#[test]
fn nothing_that_warns_lies_on_the_page_alone() {
    let (result, plan, verdict) = fixture::rich();
    let report = run(&result, &plan, &verdict);
    let warns = |text: &Text| text.0.iter().any(|span| matches!(span, Span::Status(Status::Bad | Status::Unclear, _)));
    for part in report.sections.iter().flat_map(|section| &section.parts).chain(&report.head.parts) {
        let bad = match &part.block {
            Block::Paragraph(manner, words) => *manner == Manner::Warning || warns(words),
            Block::Lines(manner, lines) => *manner == Manner::Warning || lines.iter().any(warns),
            Block::Table(table) => table.rows.iter().flatten().any(|cell| warns(&cell.text)),
            _ => false,
        };
        assert!(!bad || part.depth < Depth::Background, "{:?}", part.block);
    }
}

#[test]
fn tables_that_grow_say_what_they_leave_out() {
    let table = || Table::new("of", [Column::name("a")]).rows((0..30).map(|row| [Cell::from(row.to_string())]));
    let names = |(rows, words): (Vec<&[Cell]>, Option<String>)| {
        (rows.iter().map(|row| row[0].text.words()).collect::<Vec<_>>().join(" "), words.unwrap_or_default())
    };
    assert_eq!(names(table().shown(2)).1, "", "it does not grow");
    let (rows, words) = names(table().growing("rows").shown(3));
    assert_eq!((rows.as_str(), words.as_str()), ("0 1 2", "The first 3 rows of 30; the page has all of them"));
    let (rows, words) = names(table().growing_by("rows", "that matter", vec![7, 5]).shown(3));
    assert_eq!((rows.as_str(), words.as_str()), ("7 5", "The 2 rows of 30 that matter; the page has all of them"));
    assert_eq!(table().growing("rows").whole_in("the JSON", 30).shown(3).0.len(), 30);
}
