//! The parts of sections as HTML: texts, tables and figures.

use maud::{Markup, html};

use crate::report::charts;
use crate::report::content::{Block, Cell, Column, Figure, Key, Kind, Manner, Part, Span, Status, Table, Text};

/// Most rows of a table that grows with the run, and most lines of one kind.
const ROWS_MAX: usize = 2_000;

/// A part.
pub fn part(part: &Part<'_>) -> Markup {
    match &part.block {
        Block::Paragraph(manner, words) => line(*manner, words),
        Block::Lines(Manner::List, lines) => html! { ul { @for words in lines { li { (text(words)) } } } },
        Block::Lines(manner, lines) => html! {
            @for words in lines.iter().take(ROWS_MAX) { (line(*manner, words)) }
            @if lines.len() > ROWS_MAX { (line(Manner::Note, &more(lines.len() - ROWS_MAX).into())) }
        },
        Block::Equation(sum) => html! { p class="equation" { (sum) } },
        Block::Heading(words) => html! { h3 { (words) } },
        Block::Table(table) => whole(table),
        Block::Figure(of) => figure(of),
        Block::Unfolding(summary, lines) => html! {
            details { summary { (summary) } ul { @for words in lines { li { (text(words)) } } } }
        },
        Block::File(summary, file) => html! { details { summary { (summary) } pre tabindex="0" { code { (file) } } } },
    }
}

fn more(lines: usize) -> String {
    format!("And {} more.", crate::units::count(lines as u64))
}

fn line(manner: Manner, words: &Text) -> Markup {
    let class = match manner {
        Manner::Plain | Manner::List => return html! { p { (text(words)) } },
        Manner::Note => "note",
        Manner::Warning => "warning",
        Manner::Subject => "target",
        Manner::Verdict => "verdict",
    };
    html! { p class=(class) { (text(words)) } }
}

/// A text.
fn text(text: &Text) -> Markup {
    html! { @for span in &text.0 { @match span {
        Span::Plain(words) => (words),
        Span::Strong(words) => strong { (words) },
        Span::Code(words) => code { (words) },
        Span::Status(status, words) => span class=(class(*status)) { (words) },
        Span::Link { to, words } => a href=(format!("#{to}")) { (words) },
        Span::Break => br;,
        Span::Wide(words) => span class="chart-wide" { (words) },
        Span::Narrow(words) => span class="chart-narrow" { (words) },
        Span::Swatch(color) => span class="swatch" style=(format!("background:var(--{color})")) {},
    } } }
}

const fn class(status: Status) -> &'static str {
    match status {
        Status::Good => "pass",
        Status::Bad => "fail",
        Status::Unclear => "unclear",
    }
}

/// A table, which has a caption and heads that know their columns, and scrolls where it is wider than the page.
fn whole(table: &Table) -> Markup {
    let (rows, chosen) = table.shown(ROWS_MAX);
    let caption = match chosen {
        Some(chosen) => format!("{}. {chosen}", table.caption),
        None => table.caption.clone(),
    };
    match &table.unfolds {
        // The numbers behind a chart.
        Some(summary) => html! {
            details class="numbers" { summary { (summary) } (scrolling("scroll tall", &caption, &table.columns, &rows)) }
        },
        None => scrolling("scroll", &caption, &table.columns, &rows),
    }
}

fn scrolling(class: &str, caption: &str, columns: &[Column], rows: &[&[Cell]]) -> Markup {
    html! {
        // What scrolls can be reached and scrolled with the keyboard.
        div class=(class) role="group" aria-label=(caption) tabindex="0" { table {
            // A caption stays in sight while its table scrolls.
            caption { span { (caption) } }
            thead { tr { @for column in columns.iter().filter(|column| !column.below) {
                @match column.kind {
                    Kind::Number | Kind::SmallNumber => th scope="col" class="number" { (column.head) },
                    Kind::Name | Kind::Words | Kind::Prose => th scope="col" { (column.head) },
                }
            } } }
            tbody { @for row in rows { tr { @for (place, cell) in row.iter().enumerate() {
                @if let Some(column) = columns.get(place).filter(|column| !column.below) {
                    @let below = columns.get(place + 1).filter(|column| column.below).and_then(|_| row.get(place + 1));
                    @let body = html! {
                        (content(cell))
                        @if let Some(below) = below.filter(|below| !below.text.is_empty()) { br; span class="tolerance" { (text(&below.text)) } }
                    };
                    @match column.kind {
                        Kind::Name => th scope="row" { (body) },
                        Kind::Words => td { (body) },
                        Kind::Prose => td class="why" { (body) },
                        Kind::Number => td class="number" { (body) },
                        Kind::SmallNumber => td class="number small" { (body) },
                    }
                }
            } } } }
        } }
    }
}

fn content(cell: &Cell) -> Markup {
    html! {
        (text(&cell.text))
        @if !cell.items.is_empty() { ol { @for item in &cell.items { li { (text(item)) } } } }
    }
}

/// A chart with what belongs to it: the legend above it, the caption below.
fn figure(figure: &Figure<'_>) -> Markup {
    html! { figure {
        (legend(&figure.keys))
        (figure.chart())
        figcaption {
            @if !figure.scale.is_empty() { span class="legend" { (text(&figure.scale)) } }
            @if let Some(finding) = &figure.finding { span class="finding" { (finding) } }
            (text(&figure.caption))
        }
    } }
}

fn legend(keys: &[Key]) -> Markup {
    html! { @if !keys.is_empty() { ul class="legend" { @for key in keys { @match key {
        Key::Line(name, look) => li { (charts::sample(*look)) " " (name) },
        Key::Area(color, filled, name) => li { (charts::area_sample(*color, *filled)) " " (name) },
    } } } } }
}
