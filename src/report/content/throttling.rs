//! Why attempts were throttled, and what would help.

use super::{Cell, Column, Depth, Layout, Parts, Section, Span, Table, Text};
use crate::report::words::throttling::{price, title, unit, window};
use crate::units;
use crate::verdict::{Cure, ThrottleCause, Verdict};

/// A row per cause; nothing if nothing was throttled.
pub fn throttling<'a>(verdict: &Verdict) -> Option<Section<'a>> {
    if verdict.throttling.is_empty() {
        return None;
    }
    let columns = [
        Column::name("Cause"),
        Column::number("Throttled"),
        Column::number("Shard seconds"),
        Column::words("When").below(),
        Column::prose("Evidence"),
        Column::prose("What would help, the cheapest first"),
    ];
    let table =
        Table::new("The causes of throttling, the worst first", columns).layout(Layout::Entries).growing("causes");
    let mut parts = Parts::default();
    parts.paragraph(
        Depth::Background,
        "Each second of each shard that throttled has the cause without which it would not have. The load of the second is made again from the \
         scenario and put to a write quota as full as the shard's was: what that refuses is due to the load, what it takes to retries or to the \
         way the records came. Prices are a month's, on top of what the plan says.",
    );
    parts.table(Depth::Summary, table.rows(verdict.throttling.iter().map(row)));
    Some(Section::new("why-throttled", "Why throttled", parts))
}

fn row(cause: &ThrottleCause) -> [Cell; 6] {
    let when = if cause.seconds > 0 { window(cause) } else { String::new() };
    [
        title(cause).into(),
        format!("{} {}", units::count(cause.throttled), unit(cause)).into(),
        units::count(cause.seconds).into(),
        when.into(),
        cause.evidence.as_str().into(),
        match cause.cures.as_slice() {
            [] => "nothing: the scenario asks for it".into(),
            cures => Cell::list(cures.iter().map(cure).collect()),
        },
    ]
}

fn cure(cure: &Cure) -> Text {
    let what = Text::from(format!("{} – ", cure.what)).strong(price(cure));
    let what = if cure.trade_off == "none" { what } else { what.and(format!("; {}", cure.trade_off)) };
    cure.settings.iter().fold(what, |text, setting| text.with(Span::Break).code(format!("--set '{setting}'")))
}
