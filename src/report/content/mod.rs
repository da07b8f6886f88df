//! What a report says, once, as data: sections made of paragraphs, tables and figures. `page`, `markdown` and `terminal` write it.
//!
//! Each part has a depth, so that a writer shows less without saying it otherwise. What a reader must know to judge a run is in
//! every writer; what lies on the page alone explains, or is drawn.

mod autoscaling;
mod consumers;
mod costs;
mod events;
mod figure;
mod generator;
pub mod latency;
mod ledger;
mod load;
mod objectives;
mod plan;
mod recommendation;
mod run;
mod section;
mod shards;
mod steadiness;
mod table;
mod tenants;
#[cfg(test)]
mod tests;
mod text;
mod throttling;
pub mod time;

pub use figure::{Axis, Figure, Key, LineFigure};
pub use run::{plan, run};
pub use section::{Banner, Block, Head, Manner, Part, Parts, Report, Section, Source};
pub use table::{Cell, Column, Kind, Layout, Table};
pub use text::{Span, Status, Text};

/// How much of a report a writer shows: a depth, and all that lies above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// What everybody needs: the summary in a terminal has it.
    Summary,
    /// What a reader of the whole report needs: Markdown and the plan in a terminal have it.
    Report,
    /// What lies behind it: explanations, drawings and the numbers behind them. Pages have it.
    Background,
}

fn count(number: usize) -> String {
    crate::units::count(number as u64)
}
