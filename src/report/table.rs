//! Tables: each has a caption, heads that know their columns, and scrolls where it is wider than the page.

use maud::{Markup, html};

/// The head of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column<'a> {
    /// Of words.
    Text(&'a str),
    /// Of numbers, which stand at the right.
    Number(&'a str),
}

/// A table. `caption` says what it is of; the rows bring their own heads.
pub fn table(caption: &str, columns: &[Column<'_>], rows: &Markup) -> Markup {
    scrolling(caption, "scroll", columns, rows)
}

/// A table that unfolds: the numbers behind a chart.
pub fn numbers(summary: &str, caption: &str, columns: &[Column<'_>], rows: &Markup) -> Markup {
    html! { details class="numbers" { summary { (summary) } (scrolling(caption, "scroll tall", columns, rows)) } }
}

fn scrolling(caption: &str, class: &str, columns: &[Column<'_>], rows: &Markup) -> Markup {
    html! {
        // What scrolls can be reached and scrolled with the keyboard.
        div class=(class) role="group" aria-label=(caption) tabindex="0" { table {
            // A caption stays in sight while its table scrolls.
            caption { span { (caption) } }
            thead { tr { @for column in columns {
                @match column {
                    Column::Text(name) => th scope="col" { (name) },
                    Column::Number(name) => th scope="col" class="number" { (name) },
                }
            } } }
            tbody { (rows) }
        } }
    }
}
