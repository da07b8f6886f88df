//! The load generator itself: whether it kept its schedule, and what it took of the machine.

use maud::{Markup, html};

use super::charts::Scale;
use super::sections::{millis, milliseconds, nanos};
use super::shell::Section;
use super::table::Column::{Number, Text};
use super::table::numbers;
use super::time_charts::{RunTime, range};
use crate::measure::{GeneratorHealth, HealthInterval};
use crate::result::{RunResult, TargetRecord};
use crate::units::{self, Bytes};

/// Whether the generator kept its schedule, and what it took of the machine.
pub fn generator(result: &RunResult, time: &RunTime<'_>) -> Section {
    let lateness = result.measurement.put.get("lateness").copied().unwrap_or_default();
    let body = html! {
        p {
            "The generator took up records " (nanos(lateness.p50)) " late at the median, " (nanos(lateness.p99))
            " at the 99th percentile, " (nanos(lateness.max)) " at most. The scenario allows "
            (units::duration(result.scenario.lateness_bound)) " at the 99th percentile."
        }
        @match &result.measurement.generator {
            Some(health) => (machine(result, health, time)),
            None if lateness.max.is_some_and(|late| late > 0) => { (delays(result, None, time)) (lateness_table(result, time)) },
            None => {}
        }
        @if let Some(storage) = &result.measurement.storage {
            p {
                "The emulator held " (Bytes(storage.peak)) " of records at most, of a budget of " (Bytes(storage.budget)) ". "
                @if storage.trimmed_read + storage.trimmed_unread > 0 {
                    "To stay within it, it dropped " (units::count(storage.trimmed_read)) " records that every consumer had read and "
                    (units::count(storage.trimmed_unread)) " that were unread."
                }
            }
        }
    };
    Section::new("generator-health", "Generator health", body)
}

/// The second that a reading at its end is of.
fn during(interval: &HealthInterval) -> u64 {
    interval.second.saturating_sub(1)
}

/// How late the generator was.
fn delays(result: &RunResult, health: Option<&GeneratorHealth>, time: &RunTime<'_>) -> Markup {
    let late = result.measurement.intervals.iter().map(|i| (i.second, i.lateness_p99.map(millis)));
    let mut series = vec![time.line("lateness, p99", 0, late)];
    if let Some(health) = health {
        let wake_ups = health.seconds.iter();
        let wake_ups = wake_ups.map(|i| (during(i), i.longest_wake_up.map(|wait| wait.as_secs_f64() * 1e3)));
        series.push(time.line("longest wake-up", 1, wake_ups).ending(Some("wake-up")));
        let delays = health.seconds.iter();
        let delays = delays.map(|i| (during(i), i.scheduling_delay.map(|wait| wait.as_secs_f64() * 1e3)));
        series.push(time.line("longest scheduling delay", 2, delays).ending(Some("scheduling")));
    }
    time.figure("Delays of the generator", &series, Scale::fitting(&series), &milliseconds, &html! {
        "How late records were taken up (99th percentile of each second)"
        @if health.is_some() { ", the longest time until the session took note of what the pacer had released, and the longest delay of a task of the runtime, on which calls and consumers run" } "."
    })
}

/// How late the generator was in each second, where nothing else is known of it.
fn lateness_table(result: &RunResult, time: &RunTime<'_>) -> Markup {
    let width = time.width();
    let rows = html! { @for several in result.measurement.intervals.chunk_by(|a, b| a.second / width == b.second / width) {
        tr {
            th scope="row" { (time.row_name(several[0].second)) }
            td class="number" { (range(several.iter().filter_map(|i| i.lateness_p99), |late| nanos(Some(late)))) }
        }
    } };
    let columns = [Text("Second"), Number("Lateness, p99")];
    numbers("The numbers per second", "How late records were taken up", &columns, &rows)
}

fn machine(result: &RunResult, health: &GeneratorHealth, time: &RunTime<'_>) -> Markup {
    let line = |name: &str, index, value: &dyn Fn(&HealthInterval) -> Option<f64>| {
        time.line(name, index, health.seconds.iter().map(|interval| (during(interval), value(interval))))
    };
    let waited = |interval: &HealthInterval| {
        let length = interval.length.as_secs_f64();
        interval.run_queue_wait.filter(|_| length > 0.0).map(|waited| waited.as_secs_f64() / length)
    };
    let processors = [line("used", 0, &HealthInterval::processors), line("waited for", 1, &waited)];
    let embedded = matches!(result.target, TargetRecord::Embedded { .. });
    let caption = html! {
        "Processors, of the " (health.processors) " there are: used, and waited for by threads that were ready to run."
        @if embedded { " The emulator runs in the same process and is among it." }
    };
    let columns = [
        Text("Second"),
        Number("Processors"),
        Number("Waited for"),
        Number("Longest wake-up"),
        Number("Scheduling delay"),
        Number("Memory"),
        Number("Allocations"),
        Number("Allocated"),
        Number("New pages"),
        Number("Sockets"),
        Number("Calls under way"),
    ];
    let width = time.width();
    let bytes = |bytes: u64| Bytes(bytes).to_string();
    let rows = html! { @for several in health.seconds.chunk_by(|a, b| during(a) / width == during(b) / width) {
        @let of = |value: &dyn Fn(&HealthInterval) -> Option<u64>, write: &dyn Fn(u64) -> String| range(several.iter().filter_map(value), write);
        tr {
            th scope="row" { (time.row_name(during(&several[0]))) }
            td class="number" { (range(several.iter().filter_map(HealthInterval::processors), |v| format!("{v:.2}"))) }
            td class="number" { (range(several.iter().filter_map(waited), |v| format!("{v:.2}"))) }
            td class="number" { (range(several.iter().filter_map(|i| i.longest_wake_up), units::duration)) }
            td class="number" { (range(several.iter().filter_map(|i| i.scheduling_delay), units::duration)) }
            td class="number" { (of(&|i| i.resident, &bytes)) }
            td class="number" { (of(&|i| i.allocations, &units::count)) }
            td class="number" { (of(&|i| i.allocated_bytes, &bytes)) }
            td class="number" { (of(&|i| i.page_faults, &units::count)) }
            td class="number" { (of(&|i| i.sockets, &units::count)) }
            td class="number" { (of(&|i| open_calls(result, during(i)), &units::count)) }
        }
    } };
    let title = if width > 1 {
        format!("What the generator used: the lowest and the highest per second of each {width}")
    } else {
        "What the generator used per second".to_owned()
    };
    html! {
        (time.figure("Processors used by the generator", &processors, Scale::Linear, &|v| units::number(v), &caption))
        (delays(result, Some(health), time))
        (numbers("The numbers per second", &title, &columns, &rows))
        p class="note" { "Memory is what was resident at the end of the second; allocations are the pieces of memory that the program asked for in it, and new pages what its allocator took from the system for them; sockets are the connections to the target, with the embedded emulator both of their ends." }
    }
}

fn open_calls(result: &RunResult, second: u64) -> Option<u64> {
    let index = usize::try_from(second).ok()?;
    result.measurement.intervals.get(index).map(|interval| interval.open_calls)
}
