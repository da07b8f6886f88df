//! What happened during a run: the list behind the numbers on the time charts.

use maud::html;

use super::charts::EventMark;
use super::shell::Section;
use super::table::Column::{Number, Text};
use super::table::table;
use crate::result::RunResult;
use crate::time::Time;
use crate::units;

/// The events as the charts mark them.
pub fn marks(result: &RunResult) -> Vec<EventMark> {
    let mark = |(number, event): (usize, &crate::result::EventRecord)| EventMark {
        number,
        from: event.at.as_secs_f64(),
        until: event.until.filter(|until| *until > event.at).map(Time::as_secs_f64),
    };
    (1..).zip(&result.measurement.events).map(mark).collect()
}

/// The list of events; nothing if there was none.
pub fn section(result: &RunResult) -> Option<Section> {
    let events = &result.measurement.events;
    if events.is_empty() {
        return None;
    }
    let at = |time: Time| units::duration(time.since(Time::ZERO));
    let rows = html! { @for (number, event) in (1..).zip(events) {
        tr {
            td class="number" { (number) }
            th scope="row" { (event.label) }
            td class="number" { (at(event.at)) }
            td class="number" { @match event.until { Some(until) if until > event.at => (at(until)), _ => "–" } }
            td class="why" { @if let Some(problem) = &event.problem { "did not happen: " (problem) } }
        }
    } };
    let columns = [Number("Number"), Text("Event"), Number("At"), Number("Until"), Text("Note")];
    let body = html! {
        p { "What happened during the run. The numbers stand above the time charts, at the moment it began; numbers that would lie over each other stand together. What took time is shaded, and has a bar above it." }
        (table("What happened, in the order of time since the load began", &columns, &rows))
    };
    Some(Section::new("events", "Events", body))
}
