//! Reports: a result, its plan and its verdict as a page or as text. Nothing here computes a statistic.
//!
//! `content` says what a report says, `words` has the phrases, and `page`, `markdown` and `terminal` write it.

pub mod bench;
mod charts;
pub mod comparison;
mod content;
mod junit;
mod markdown;
mod page;
#[cfg(feature = "png")]
mod png;
pub mod runs;
pub mod search;
mod series;
mod snippets;
mod summary;
pub mod sweep;
mod terminal;
pub mod trend;
mod words;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use junit::junit;
#[cfg(feature = "png")]
pub use png::{PngError, pngs};
pub use series::{SHARD_ROWS_MAX, series_csv, shard_rows, shards_csv};
pub use snippets::{aws_cli, terraform};
pub use summary::{json, summary_schema};
pub use words::printable;

use crate::plan::Plan;
use crate::result::RunResult;
use crate::verdict::Verdict;
use content::Depth;

/// The report of a run as HTML.
pub fn html(result: &RunResult, plan: &Plan, verdict: &Verdict) -> String {
    page::page(&content::run(result, plan, verdict))
}

/// The report of a run as Markdown.
pub fn markdown(result: &RunResult, plan: &Plan, verdict: &Verdict) -> String {
    markdown::markdown(&content::run(result, plan, verdict), 2)
}

/// The summary of a run for a terminal. `directory` is where it was written; `styled` allows colours.
pub fn terminal(result: &RunResult, plan: &Plan, verdict: &Verdict, directory: &Path, styled: bool) -> String {
    let summary = terminal::terminal(&content::run(result, plan, verdict), Depth::Summary, styled);
    format!("\n{summary}\n{}", terminal::written(directory, "report.html"))
}

/// The plan of a scenario for a terminal; `styled` allows colours.
pub fn plan_text(plan: &Plan, styled: bool) -> String {
    terminal::sections(&content::plan(plan), Depth::Report, styled)
}
