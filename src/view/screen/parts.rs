//! The parts of the screen but the shards.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Sparkline};

use super::super::{PREPARING, Second, State, behind, whole_seconds};
use super::{Paint, Part};
use crate::engine::{ConsumerProgress, Phase};
use crate::report::printable;
use crate::units::{self, Bytes};

/// Columns of the words before a curve.
const LABEL: u16 = 21;
/// Columns of a consumer's name.
const NAME: usize = 20;

/// The title of a part, and what stands at the other end of its line.
pub(super) fn title(part: Part, state: &State) -> (&'static str, String) {
    let last = |text: String| if state.progress().last_second.is_some() { text } else { String::new() };
    match part {
        Part::Rates => ("records per second ", last(format!(" full height {}/s", units::count(highest(state))))),
        Part::Latency => ("put response of the last second ", " from the moment a record was due".to_owned()),
        Part::Shards => {
            ("shards in hash key order ", last(format!(" {} open", units::count(state.progress().shards.len() as u64))))
        }
        Part::Consumers => ("consumers ", " lag p99: last second, run".to_owned()),
        Part::Generator => ("load generator ", String::new()),
        Part::Ledger => ("ledger ", " every record is in one state".to_owned()),
        Part::Log => ("events and log ", String::new()),
    }
}

/// What is run, and how far it is.
pub(super) fn head(state: &State, paint: Paint, width: usize) -> Vec<Line<'static>> {
    let about = state.about();
    let title = Line::from(vec![
        Span::styled(shortened(&printable(&about.scenario), width / 2), paint.strong()),
        Span::raw(format!("  on {}", printable(&about.target))),
    ]);
    let (now, left) = (units::duration(whole(state.progress().now.as_secs_f64())), whole_seconds(state.left()));
    let words = match state.progress().phase {
        Phase::Preparing => format!("  {PREPARING}"),
        Phase::Load if state.progress().now.as_secs_f64() < about.warm_up.as_secs_f64() => {
            format!("  {now} of {}, warming up", units::duration(about.duration))
        }
        Phase::Load => format!("  {now} of {}, {} left", units::duration(about.duration), units::duration(left)),
        Phase::Draining => format!("  draining, at most {} left", units::duration(left)),
    };
    let cells = width.saturating_sub(words.chars().count()).min(40);
    let full = (cells as f64 * state.done()).round() as usize;
    let bar = Line::from(vec![
        Span::styled("━".repeat(full), paint.fg(Color::Cyan)),
        Span::styled("╌".repeat(cells.saturating_sub(full)), paint.faint()),
        Span::raw(words),
    ]);
    vec![title, bar]
}

fn whole(seconds: f64) -> Duration {
    Duration::from_secs(seconds as u64)
}

/// The largest rate that is on the screen.
fn highest(state: &State) -> u64 {
    let rates = |second: &Second| [second.offered, second.accepted, second.throttled];
    state.seconds.iter().flat_map(rates).flatten().max().unwrap_or(0).max(1)
}

/// The curves of what was offered, accepted and throttled.
pub(super) fn rates(frame: &mut Frame<'_>, area: Rect, state: &State, paint: Paint) {
    type Rate = fn(&Second) -> Option<u64>;
    let curves: [(&str, Color, Rate); 3] = [
        ("offered", Color::LightBlue, |second| second.offered),
        ("accepted", Color::Cyan, |second| second.accepted),
        ("throttled", Color::Red, |second| second.throttled),
    ];
    let rows = Layout::vertical([Constraint::Fill(1); 3]).split(area);
    for ((name, colour, rate), row) in curves.into_iter().zip(rows.iter()) {
        let now = state.seconds.back().and_then(rate);
        let alarm = name == "throttled" && now.is_some_and(|now| now > 0);
        let style = if alarm { paint.alarm() } else { Style::new() };
        let words = now.map_or_else(|| "–".to_owned(), |now| format!("{}/s", units::count(now)));
        curve(
            frame,
            *row,
            Line::styled(format!("{name:<9} {words:>10}"), style),
            state,
            rate,
            paint.fg(colour),
            highest(state),
        );
    }
}

/// A curve of the last seconds, the newest at the right, with its words before it.
fn curve(
    frame: &mut Frame<'_>,
    area: Rect,
    words: Line<'static>,
    state: &State,
    value: fn(&Second) -> Option<u64>,
    style: Style,
    highest: u64,
) {
    let [label, plot] = Layout::horizontal([Constraint::Length(LABEL), Constraint::Min(0)]).areas(area);
    let bottom = Rect { y: label.bottom().saturating_sub(1), height: label.height.min(1), ..label };
    frame.render_widget(Paragraph::new(words), bottom);
    let first = state.seconds.len().saturating_sub(usize::from(plot.width));
    // What is not nothing is to be seen: an eighth of a cell at least.
    let least = highest.div_ceil(8 * u64::from(plot.height.max(1)));
    let seen = |value: u64| if value == 0 { 0 } else { value.max(least) };
    let shown: Vec<Option<u64>> = state.seconds.iter().skip(first).map(|second| value(second).map(seen)).collect();
    frame.render_widget(Sparkline::default().data(shown).max(highest).style(style), plot);
}

/// Percentiles of the last second, and the curve of the 99th if there is room.
pub(super) fn latency(frame: &mut Frame<'_>, area: Rect, state: &State, paint: Paint) {
    let last = state.progress().last_second.as_ref();
    let of = |name: &str, value: Option<u64>| format!("{name} {}", nanos(value));
    let words = format!(
        "{}   {}   {}",
        of("p50", last.and_then(|last| last.response_p50)),
        of("p99", last.and_then(|last| last.response_p99)),
        of("max", last.and_then(|last| last.response_max)),
    );
    let [line, plot] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    frame.render_widget(Paragraph::new(words), line);
    if plot.height > 0 {
        let p99 = |second: &Second| second.response_p99;
        let highest = state.seconds.iter().filter_map(p99).max();
        let words = Line::from(format!("{:<4} to {:>11}", "p99", nanos(highest)));
        curve(frame, plot, words, state, p99, paint.fg(Color::Magenta), highest.unwrap_or(0).max(1));
    }
}

fn nanos(value: Option<u64>) -> String {
    span(value.map(Duration::from_nanos))
}

fn span(value: Option<Duration>) -> String {
    value.map_or_else(|| "–".to_owned(), units::duration)
}

/// A line for each consumer; the last line says how many there is no room for.
pub(super) fn consumers(state: &State, paint: Paint, area: Rect) -> Vec<Line<'static>> {
    let consumers = &state.progress().consumers;
    if consumers.is_empty() {
        let words = if state.progress().last_second.is_some() { "nobody reads the stream" } else { "–" };
        return vec![Line::styled(words, paint.faint())];
    }
    let rows = usize::from(area.height);
    let shown = if consumers.len() > rows { rows.saturating_sub(1) } else { consumers.len() };
    let mut lines: Vec<Line<'static>> = consumers.iter().take(shown).map(|one| consumer(one, paint)).collect();
    if shown < consumers.len() {
        lines.push(Line::styled(format!("and {} more", consumers.len() - shown), paint.faint()));
    }
    lines
}

fn consumer(consumer: &ConsumerProgress, paint: Paint) -> Line<'static> {
    // A second behind is more than any kind of consumer needs to be.
    let late = consumer.behind.is_some_and(|behind| behind >= Duration::from_secs(1));
    let read = format!("{}/s", units::count(consumer.read_last_second));
    Line::from(vec![
        Span::styled(format!("{:<NAME$} ", shortened(&printable(&consumer.name), NAME)), paint.strong()),
        Span::raw(format!("{:<8} {read:>10}  ", consumer.kind)),
        Span::raw(format!("{:>7}, {:<7} ", nanos(consumer.lag_last_second.p99), span(consumer.lag_p99))),
        Span::styled(format!("behind {}", behind(consumer)), if late { paint.alarm() } else { Style::new() }),
    ])
}

/// At most so many characters; what is cut off is marked.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Whether the generator, and not the stream, is the limit.
pub(super) fn generator(state: &State, paint: Paint) -> Vec<Line<'static>> {
    let (about, progress) = (state.about(), state.progress());
    let late = progress.lateness_p99.is_some_and(|late| late > about.lateness_bound);
    let lateness =
        format!("late p99 {} (bound {})", span(progress.lateness_p99), units::duration(about.lateness_bound));
    let style = if late { paint.alarm() } else { Style::new() };
    let mut first = vec![Span::styled(lateness, style)];
    let mut second = String::new();
    if let Some(health) = &progress.generator {
        let cpus = health.processors().map(|used| format!("   {used:.1} of {} CPUs", about.processors));
        first.push(Span::raw(cpus.unwrap_or_default()));
        first.push(Span::raw(health.resident.map_or_else(String::new, |bytes| format!("   {}", Bytes(bytes)))));
        let waited =
            health.run_queue_wait.map(|wait| format!("threads waited {} for a processor   ", units::duration(wait)));
        let sockets = health.sockets.map(|sockets| format!("{sockets} sockets"));
        second = format!("{}{}", waited.unwrap_or_default(), sockets.unwrap_or_default());
    }
    vec![Line::from(first), Line::from(second)]
}

/// What became of every record.
pub(super) fn ledger(state: &State, paint: Paint) -> Vec<Line<'static>> {
    let counters = &state.progress().counters;
    let count = units::count;
    let lost = counters.failed + counters.abandoned + counters.unknown > 0;
    vec![
        Line::from(format!("{} offered = {} accepted", count(counters.offered), count(counters.accepted))),
        Line::from(vec![
            Span::styled(
                format!(
                    "  + {} failed + {} abandoned + {} unknown",
                    count(counters.failed),
                    count(counters.abandoned),
                    count(counters.unknown)
                ),
                if lost { paint.alarm() } else { Style::new() },
            ),
            Span::raw(format!(" + {} in flight", count(counters.in_flight))),
        ]),
    ]
}

/// The last lines of what happened.
pub(super) fn log(state: &State, rows: u16) -> Vec<Line<'static>> {
    let lines = state.happened();
    let first = lines.len().saturating_sub(usize::from(rows));
    let line = |(at, text): &(crate::time::Time, String)| Line::from(format!("{:>5}s  {text}", at.second()));
    lines[first..].iter().map(line).collect()
}
