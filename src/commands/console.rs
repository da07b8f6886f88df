//! Lines on stderr. While something else has the terminal, they are held, and shown where there is room for them.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

/// What is held, if lines are to be held.
static HELD: Mutex<Option<Held>> = Mutex::new(None);

struct Held {
    /// What nobody has seen yet.
    fresh: Vec<String>,
    /// What was seen where it does not stay.
    seen: Vec<String>,
}

/// Holds lines from now on.
pub(super) fn hold() {
    *held() = Some(Held { fresh: Vec::new(), seen: Vec::new() });
}

/// The lines that came since the last time; they are printed once more when nothing is held any longer.
pub(super) fn fresh() -> Vec<String> {
    let mut held = held();
    let Some(held) = held.as_mut() else { return Vec::new() };
    let fresh = std::mem::take(&mut held.fresh);
    held.seen.extend(fresh.iter().cloned());
    fresh
}

/// Prints what was held, and holds nothing any longer.
pub(super) fn release() {
    let Some(held) = held().take() else { return };
    for line in held.seen.iter().chain(&held.fresh) {
        print(line);
    }
}

/// Prints a line, or holds it. Where nobody reads it, nobody misses it.
pub(super) fn line(text: &str) {
    match held().as_mut() {
        Some(held) => held.fresh.extend(text.lines().map(without_styles)),
        None => print(text),
    }
}

fn print(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn held() -> std::sync::MutexGuard<'static, Option<Held>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The text without the sequences that a log has for its colours.
fn without_styles(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + part.split_once(|c: char| c.is_ascii_alphabetic()).map_or("", |(_, rest)| rest))
}

/// Where the log goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Log;

impl Write for Log {
    /// The log writes whole lines.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        line(String::from_utf8_lossy(bytes).trim_end_matches('\n'));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_lines_have_no_styles() {
        assert_eq!(
            without_styles("\u{1b}[2m12:00\u{1b}[0m \u{1b}[33m WARN\u{1b}[0m it [1] is"),
            "12:00  WARN it [1] is"
        );
        assert_eq!(without_styles("plain"), "plain");
        assert_eq!(without_styles("cut \u{1b}[3"), "cut ");
    }
}
