//! What happened during a run: the list behind the numbers on the time charts.

use super::{Cell, Column, Depth, Parts, Section, Table};
use crate::report::charts::EventMark;
use crate::report::words::NONE;
use crate::result::{EventRecord, RunResult};
use crate::time::Time;
use crate::units;

/// The events as the charts mark them.
pub fn marks(result: &RunResult) -> Vec<EventMark> {
    let mark = |(number, event): (usize, &EventRecord)| EventMark {
        number,
        from: event.at.as_secs_f64(),
        until: event.until.filter(|until| *until > event.at).map(Time::as_secs_f64),
    };
    (1..).zip(&result.measurement.events).map(mark).collect()
}

/// The list of events; nothing if there was none.
pub fn events<'a>(result: &RunResult) -> Option<Section<'a>> {
    let events = &result.measurement.events;
    if events.is_empty() {
        return None;
    }
    let at = |time: Time| units::duration(time.since(Time::ZERO));
    let row = |(number, event): (usize, &EventRecord)| {
        let until = event.until.filter(|until| *until > event.at);
        let problem = event.problem.as_ref().map_or_else(String::new, |problem| format!("did not happen: {problem}"));
        let cells =
            [number.to_string(), event.label.clone(), at(event.at), until.map_or_else(|| NONE.to_owned(), at), problem];
        cells.map(Cell::from)
    };
    let columns = [
        Column::number("Number"),
        Column::name("Event"),
        Column::number("At"),
        Column::number("Until"),
        Column::prose("Note"),
    ];
    let table = Table::new("What happened, in the order of time since the load began", columns).growing("events");
    let mut parts = Parts::default();
    parts.paragraph(
        Depth::Background,
        "What happened during the run. The numbers stand above the time charts, at the moment it began; numbers that would lie over each other \
         stand together. What took time is shaded, and has a bar above it.",
    );
    parts.table(Depth::Summary, table.rows((1..).zip(events).map(row)));
    Some(Section::new("events", "Events", parts))
}
