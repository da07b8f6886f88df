//! What happened during a run: the list behind the numbers on the time charts.

use maud::{Markup, html};

use super::charts::EventMark;
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
pub fn section(result: &RunResult) -> Markup {
    let events = &result.measurement.events;
    if events.is_empty() {
        return html! {};
    }
    let at = |time: Time| units::duration(time.since(Time::ZERO));
    html! {
        section {
            h2 { "Events" }
            p { "What happened during the run. The numbers stand above the time charts, at the moment it began; what took time is shaded." }
            div class="scroll" { table {
                thead { tr { th scope="col" { "Number" } th scope="col" { "Event" } th scope="col" { "At" } th scope="col" { "Until" } th scope="col" { "Note" } } }
                tbody { @for (number, event) in (1..).zip(events) {
                    tr {
                        td class="number" { (number) }
                        th scope="row" { (event.label) }
                        td class="number" { (at(event.at)) }
                        td class="number" { @match event.until { Some(until) if until > event.at => (at(until)), _ => "–" } }
                        td class="why" { @if let Some(problem) = &event.problem { "did not happen: " (problem) } }
                    }
                } }
            } }
        }
    }
}
