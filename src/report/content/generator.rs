//! The load generator itself: whether it kept its schedule, and what it took of the machine.

use super::time::RunTime;
use super::{Cell, Column, Depth, Figure, Parts, Section, Table};
use crate::measure::{GeneratorHealth, HealthInterval, Interval, LatencySummary};
use crate::report::charts::Scale;
use crate::report::words::{millis, milliseconds, nanos, range};
use crate::result::{RunResult, TargetRecord};
use crate::units::{self, Bytes};

/// Whether the generator kept its schedule, and what it took of the machine.
pub fn generator<'a>(result: &RunResult, time: &RunTime) -> Section<'a> {
    let lateness = result.measurement.put.get("lateness").copied().unwrap_or_default();
    let mut parts = Parts::default();
    parts.paragraph(Depth::Summary, schedule(result, &lateness));
    match &result.measurement.generator {
        Some(health) => machine(&mut parts, result, health, time),
        None if lateness.max.is_some_and(|late| late > 0) => {
            parts.figure(Depth::Report, delays(result, None, time));
            parts.table(Depth::Background, lateness_table(result, time));
        }
        None => {}
    }
    if let Some(storage) = &result.measurement.storage {
        let held = format!(
            "The emulator held {} of records at most, of a budget of {}.",
            Bytes(storage.peak),
            Bytes(storage.budget)
        );
        let dropped = if storage.trimmed_read + storage.trimmed_unread > 0 {
            format!(
                " To stay within it, it dropped {} records that every consumer had read and {} that were unread.",
                units::count(storage.trimmed_read),
                units::count(storage.trimmed_unread)
            )
        } else {
            String::new()
        };
        parts.paragraph(Depth::Report, format!("{held}{dropped}"));
    }
    Section::new("generator-health", "Generator health", parts)
}

/// Whether it kept its schedule, in a sentence or two.
fn schedule(result: &RunResult, lateness: &LatencySummary) -> String {
    format!(
        "The generator took up records {} late at the median, {} at the 99th percentile, {} at most. The scenario allows {} at the 99th \
         percentile.",
        nanos(lateness.p50),
        nanos(lateness.p99),
        nanos(lateness.max),
        units::duration(result.scenario.lateness_bound)
    )
}

/// The second that a reading at its end is of.
fn during(interval: &HealthInterval) -> u64 {
    interval.second.saturating_sub(1)
}

/// The share of a second for which threads that were ready to run waited for a processor, summed over them.
fn waited(interval: &HealthInterval) -> Option<f64> {
    let length = interval.length.as_secs_f64();
    interval.run_queue_wait.filter(|_| length > 0.0).map(|waited| waited.as_secs_f64() / length)
}

/// How late the generator was.
fn delays<'a>(result: &RunResult, health: Option<&GeneratorHealth>, time: &RunTime) -> Figure<'a> {
    let late = result.measurement.intervals.iter().map(|i| (i.second, i.lateness_p99.map(millis)));
    let mut series = vec![time.line("lateness, p99", 0, late)];
    let mut caption = "How late records were taken up (99th percentile of each second)".to_owned();
    if let Some(health) = health {
        let wake_ups = health.seconds.iter();
        let wake_ups = wake_ups.map(|i| (during(i), i.longest_wake_up.map(|wait| wait.as_secs_f64() * 1e3)));
        series.push(time.line("longest wake-up", 1, wake_ups).ending(Some("wake-up")));
        let delays = health.seconds.iter();
        let delays = delays.map(|i| (during(i), i.scheduling_delay.map(|wait| wait.as_secs_f64() * 1e3)));
        series.push(time.line("longest scheduling delay", 2, delays).ending(Some("scheduling")));
        caption.push_str(
            ", the longest time until the session took note of what the pacer had released, and the longest delay of a task of the runtime, on \
             which calls and consumers run",
        );
    }
    caption.push('.');
    time.figure("Delays of the generator", series, None, milliseconds, &caption)
}

/// How late the generator was in each second, where nothing else is known of it.
fn lateness_table(result: &RunResult, time: &RunTime) -> Table {
    let width = time.width();
    let row = |several: &[Interval]| {
        let late = range(several.iter().filter_map(|i| i.lateness_p99), |late| nanos(Some(late)));
        [time.row_name(several[0].second), late].map(Cell::from)
    };
    let rows = result.measurement.intervals.chunk_by(|a, b| a.second / width == b.second / width).map(row);
    let columns = [Column::name("Second"), Column::number("Lateness, p99")];
    Table::new("How late records were taken up", columns).rows(rows).unfolding("The numbers per second")
}

fn machine(parts: &mut Parts<'_>, result: &RunResult, health: &GeneratorHealth, time: &RunTime) {
    let line = |name: &str, index, value: &dyn Fn(&HealthInterval) -> Option<f64>| {
        time.line(name, index, health.seconds.iter().map(|interval| (during(interval), value(interval))))
    };
    let processors = [line("used", 0, &HealthInterval::processors), line("waited for", 1, &waited)];
    let embedded = matches!(result.target, TargetRecord::Embedded { .. });
    let caption = format!(
        "Processors, of the {} there are: used, and waited for by threads that were ready to run.{}",
        health.processors,
        if embedded { " The emulator runs in the same process and is among it." } else { "" }
    );
    let figure =
        time.figure("Processors used by the generator", processors, Some(Scale::Linear), units::number, &caption);
    parts.table(Depth::Report, resources(result, health));
    parts.figure(Depth::Report, figure);
    parts.figure(Depth::Report, delays(result, Some(health), time));
    parts.table(Depth::Background, numbers(result, health, time));
    parts.note(
        Depth::Background,
        "Memory is what was resident at the end of the second; allocations are the pieces of memory that the program asked for in it, and new \
         pages what its allocator took from the system for them; sockets are the connections to the target, with the embedded emulator both of \
         their ends.",
    );
}

/// What is read of the generator in each second, by its name, and how several seconds are written in one cell.
type Reading = (&'static str, fn(&RunResult, &[HealthInterval]) -> String);

fn of(
    seconds: &[HealthInterval],
    value: impl Fn(&HealthInterval) -> Option<u64>,
    write: impl Fn(u64) -> String,
) -> String {
    range(seconds.iter().filter_map(value), write)
}

fn bytes(bytes: u64) -> String {
    Bytes(bytes).to_string()
}

const READINGS: [Reading; 10] = [
    ("Processors", |_, s| range(s.iter().filter_map(HealthInterval::processors), |v| format!("{v:.2}"))),
    ("Waited for", |_, s| range(s.iter().filter_map(waited), |v| format!("{v:.2}"))),
    ("Longest wake-up", |_, s| range(s.iter().filter_map(|i| i.longest_wake_up), units::duration)),
    ("Scheduling delay", |_, s| range(s.iter().filter_map(|i| i.scheduling_delay), units::duration)),
    ("Memory", |_, s| of(s, |i| i.resident, bytes)),
    ("Allocations", |_, s| of(s, |i| i.allocations, units::count)),
    ("Allocated", |_, s| of(s, |i| i.allocated_bytes, bytes)),
    ("New pages", |_, s| of(s, |i| i.page_faults, units::count)),
    ("Sockets", |_, s| of(s, |i| i.sockets, units::count)),
    ("Calls under way", |result, s| of(s, |i| open_calls(result, during(i)), units::count)),
];

/// The lowest and the highest of each reading.
fn resources(result: &RunResult, health: &GeneratorHealth) -> Table {
    let columns = [Column::name("Of the generator"), Column::number("Per second")];
    let row = |(name, read): Reading| [name.to_owned(), read(result, &health.seconds)].map(Cell::from);
    let caption = format!(
        "What the generator used, on {} processors: the lowest and the highest of each second",
        health.processors
    );
    Table::new(caption, columns).rows(READINGS.map(row))
}

fn numbers(result: &RunResult, health: &GeneratorHealth, time: &RunTime) -> Table {
    let width = time.width();
    let columns = std::iter::once(Column::name("Second")).chain(READINGS.map(|(name, _)| Column::number(name)));
    let row = |several: &[HealthInterval]| {
        let readings = READINGS.map(|(_, read)| read(result, several));
        std::iter::once(time.row_name(during(&several[0]))).chain(readings).map(Cell::from).collect::<Vec<_>>()
    };
    let rows = health.seconds.chunk_by(|a, b| during(a) / width == during(b) / width).map(row);
    let title = if width > 1 {
        format!("What the generator used: the lowest and the highest per second of each {width}")
    } else {
        "What the generator used per second".to_owned()
    };
    Table::new(title, columns).rows(rows).unfolding("The numbers per second")
}

fn open_calls(result: &RunResult, second: u64) -> Option<u64> {
    let index = usize::try_from(second).ok()?;
    result.measurement.intervals.get(index).map(|interval| interval.open_calls)
}
