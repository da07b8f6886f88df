//! Whether the run was steady.

use super::{Cell, Column, Depth, Parts, Section, Status, Table};
use crate::report::words::steadiness::{figures, mark, words};
use crate::verdict::{Halves, Verdict};

/// The halves side by side; nothing for a run too short to tell.
pub fn steadiness<'a>(verdict: &Verdict) -> Option<Section<'a>> {
    let steadiness = verdict.steadiness.as_ref()?;
    let columns = [
        Column::name("What, mean over the seconds"),
        Column::number("Whole, ± 95%"),
        Column::number("First half, ± 95%"),
        Column::number("Second half, ± 95%"),
        Column::words("Verdict"),
    ];
    let row = |row: &Halves| {
        let status = if row.differs { Status::Unclear } else { Status::Good };
        let cells = std::iter::once(Cell::from(row.metric.to_string())).chain(figures(row).map(Cell::from));
        cells.chain([Cell::status(status, mark(row))]).collect::<Vec<_>>()
    };
    let table = Table::new("First half of the judged time against the second", columns);
    let mut parts = Parts::default();
    parts.paragraph(Depth::Summary, words(steadiness));
    parts.table(Depth::Report, table.rows(steadiness.rows.iter().map(row)));
    parts.note(
        Depth::Background,
        "Figures of each second, warm-up excluded, and how far their true mean may be from the one measured, with 95% confidence; that \
         neighbouring seconds resemble each other is taken into account. The halves differ if their means are more than three standard errors \
         and more than a tenth apart; shares also by half a percentage point. A percentile here is the mean of those of the seconds, not that \
         of the run.",
    );
    Some(Section::new("steadiness", "Steadiness", parts))
}
