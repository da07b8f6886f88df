//! The load generator itself: whether it kept its schedule, and what it took of the machine.

use maud::{Markup, PreEscaped, html};

use super::charts::{Scale, Series};
use super::sections::{legend_of, millis, milliseconds, nanos, time_lines};
use crate::measure::{GeneratorHealth, HealthInterval};
use crate::result::{RunResult, TargetRecord};
use crate::units::{self, Bytes};

/// Whether the generator kept its schedule, and what it took of the machine.
pub fn generator(result: &RunResult) -> Markup {
    let lateness = result.measurement.put.get("lateness").copied().unwrap_or_default();
    html! {
        section {
            h2 { "Generator health" }
            p {
                "The generator took up records " (nanos(lateness.p50)) " late at the median, " (nanos(lateness.p99))
                " at the 99th percentile, " (nanos(lateness.max)) " at most. The scenario allows "
                (units::duration(result.scenario.lateness_bound)) " at the 99th percentile."
            }
            @if let Some(health) = &result.measurement.generator { (machine(result, health)) }
            @if let Some(storage) = &result.measurement.storage {
                p {
                    "The emulator held " (Bytes(storage.peak)) " of records at most, of a budget of " (Bytes(storage.budget)) ". "
                    @if storage.trimmed_read + storage.trimmed_unread > 0 {
                        "To stay within it, it dropped " (units::count(storage.trimmed_read)) " records that every consumer had read and "
                        (units::count(storage.trimmed_unread)) " that were unread."
                    }
                }
            }
        }
    }
}

fn machine(result: &RunResult, health: &GeneratorHealth) -> Markup {
    let during = |interval: &HealthInterval| interval.second.saturating_sub(1);
    let own = |name: &str, value: &dyn Fn(&HealthInterval) -> Option<f64>| {
        Series::per_second(name, health.seconds.iter().map(|interval| (during(interval), value(interval))))
    };
    let waited = |interval: &HealthInterval| {
        let length = interval.length.as_secs_f64();
        interval.run_queue_wait.filter(|_| length > 0.0).map(|waited| waited.as_secs_f64() / length)
    };
    let processors = [own("used", &HealthInterval::processors), own("waited for", &waited)];
    let late = result.measurement.intervals.iter().map(|i| (i.second, i.lateness_p99.map(millis)));
    let delays = [
        Series::per_second("lateness, p99", late),
        own("longest wake-up", &|interval| interval.longest_wake_up.map(|wait| wait.as_secs_f64() * 1e3)),
        own("longest scheduling delay", &|interval| interval.scheduling_delay.map(|wait| wait.as_secs_f64() * 1e3)),
    ];
    let embedded = matches!(result.target, TargetRecord::Embedded { .. });
    html! {
        figure {
            (PreEscaped(time_lines(result, "Processors used by the generator", &processors, Scale::Linear, &|v| units::number(v))))
            figcaption {
                (legend_of(&processors)) " Processors, of the " (health.processors) " there are: used, and waited for by threads that were ready to run."
                @if embedded { " The emulator runs in the same process and is among it." }
            }
        }
        figure {
            (PreEscaped(time_lines(result, "Delays of the generator", &delays, Scale::fitting(&delays), &milliseconds)))
            figcaption { (legend_of(&delays)) " How late records were taken up, the longest time until the session took note of what the pacer had released, and the longest delay of a task of the runtime, on which calls and consumers run." }
        }
        details {
            summary { "The numbers per second" }
            div class="scroll tall" { table {
                thead { tr { @for name in ["Second", "Processors", "Waited for", "Longest wake-up", "Scheduling delay", "Memory", "Allocations", "Allocated", "New pages", "Sockets", "Calls under way"] { th scope="col" { (name) } } } }
                tbody { @for interval in &health.seconds {
                    tr {
                        th scope="row" { (during(interval)) }
                        td class="number" { (optional(interval.processors(), |v| format!("{v:.2}"))) }
                        td class="number" { (optional(waited(interval), |v| format!("{v:.2}"))) }
                        td class="number" { (optional(interval.longest_wake_up, units::duration)) }
                        td class="number" { (optional(interval.scheduling_delay, units::duration)) }
                        td class="number" { (optional(interval.resident, |bytes| Bytes(bytes).to_string())) }
                        td class="number" { (optional(interval.allocations, units::count)) }
                        td class="number" { (optional(interval.allocated_bytes, |bytes| Bytes(bytes).to_string())) }
                        td class="number" { (optional(interval.page_faults, units::count)) }
                        td class="number" { (optional(interval.sockets, units::count)) }
                        td class="number" { (optional(open_calls(result, during(interval)), units::count)) }
                    }
                } }
            } }
            p class="note" { "Memory is what was resident at the end of the second; allocations are the pieces of memory that the program asked for in it, and new pages what its allocator took from the system for them; sockets are the connections to the target, with the embedded emulator both of their ends." }
        }
    }
}

fn open_calls(result: &RunResult, second: u64) -> Option<u64> {
    let index = usize::try_from(second).ok()?;
    result.measurement.intervals.get(index).map(|interval| interval.open_calls)
}

fn optional<T>(value: Option<T>, write: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), write)
}
