//! Objectives, and the plan against what was measured.

use super::{Cell, Column, Depth, Parts, Section, Table, Text};
use crate::report::words::{outcome, signed_percent};
use crate::verdict::{Comparison, Conclusion, ObjectiveResult, Verdict};

/// Objectives and what was measured.
pub fn objectives<'a>(verdict: &Verdict) -> Section<'a> {
    let mut parts = Parts::default();
    if verdict.conclusion == Conclusion::Void {
        parts.note(Depth::Summary, "The run is void: what follows was measured, but says nothing about the stream.");
    }
    if verdict.objectives.is_empty() {
        parts.note(Depth::Summary, "The scenario sets none; add a section [slo] to have runs judged.");
    } else {
        let row = |objective: &ObjectiveResult| {
            let status = Text::default()
                .status(outcome::objective_status(objective.status), outcome::objective(objective.status));
            let note = objective.note.as_ref().map_or_else(String::new, |note| format!(" – {note}"));
            [
                objective.metric.to_string().into(),
                objective.limit.to_string().into(),
                objective.measured.to_string().into(),
                Cell::from(status.and(note)),
            ]
        };
        let columns =
            [Column::name("Objective"), Column::words("Limit"), Column::words("Measured"), Column::words("Status")];
        let table = Table::new("Objectives of the scenario and what was measured", columns);
        parts.table(Depth::Summary, table.rows(verdict.objectives.iter().map(row)));
    }
    Section::new("objectives", "Objectives", parts)
}

/// Predicted and measured, side by side.
pub fn comparison<'a>(verdict: &Verdict) -> Section<'a> {
    let mut parts = Parts::default();
    parts.paragraph(
        Depth::Background,
        "The analytical model predicts from the scenario alone; the run measures. Rates and utilisations are over the whole seconds between \
         warm-up and the end of the load. Below each verdict stands how far the two may be apart to agree.",
    );
    if let Some(calibration) = &verdict.calibration {
        let meaning = " The model is optimistic where it promised more than there was.";
        parts.paragraph(Depth::Summary, Text::default().strong(outcome::calibration(calibration)).and(meaning));
    }
    let columns = [
        Column::name("What"),
        Column::words("Predicted"),
        Column::words("Measured"),
        Column::number("Difference").from(Depth::Report),
        Column::words("Verdict"),
        Column::words("Agrees within").below().from(Depth::Report),
        Column::prose("Why").from(Depth::Report),
    ];
    let table = Table::new("What the plan predicted and what was measured", columns);
    parts.table(Depth::Summary, table.rows(verdict.comparison.iter().map(compared)));
    Section::new("plan-and-measurement", "Plan and measurement", parts)
}

fn compared(row: &Comparison) -> [Cell; 7] {
    let agreement =
        row.agreement.map(|agreement| Cell::status(outcome::agreement_status(agreement), agreement.words()));
    let (predicted, measured) = (row.predicted.to_string(), row.measured.to_string());
    [
        row.metric.to_string().into(),
        Cell::from(predicted.as_str()).or_in_brief(first(&predicted)),
        Cell::from(measured.as_str()).or_in_brief(first(&measured)),
        row.difference.map(signed_percent).unwrap_or_default().into(),
        agreement.unwrap_or_default(),
        row.tolerance_words().unwrap_or_default().into(),
        row.note.clone().unwrap_or_default().into(),
    ]
}

/// The first part of a long cell.
fn first(text: &str) -> &str {
    text.split(',').next().filter(|first| first.contains(' ')).unwrap_or(text)
}
