//! Prometheus's text format, version 0.0.4: families of samples, written in the order in which they are given.

use std::fmt::Write as _;

/// The content type of a page.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What kind of metric a family is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows; its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// A page of metrics under construction.
#[derive(Debug, Default)]
pub struct Page(String);

/// The samples of one metric.
#[derive(Debug)]
pub struct Family<'p> {
    page: &'p mut String,
    name: &'p str,
}

impl Page {
    /// Begins a metric. Its samples follow before the next metric begins.
    pub fn family<'p>(&'p mut self, kind: Kind, name: &'p str, help: &str) -> Family<'p> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {}\n# TYPE {name} {kind}", escaped(help, false));
        Family { page: &mut self.0, name }
    }

    /// The text of the page.
    pub fn finish(self) -> String {
        self.0
    }
}

impl Family<'_> {
    /// Adds a sample.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: f64) -> &mut Self {
        self.page.push_str(self.name);
        for (index, (label, text)) in labels.iter().enumerate() {
            let open = if index == 0 { '{' } else { ',' };
            let _ = write!(self.page, "{open}{label}=\"{}\"", escaped(text, true));
        }
        if !labels.is_empty() {
            self.page.push('}');
        }
        let _ = match value {
            f64::INFINITY => writeln!(self.page, " +Inf"),
            f64::NEG_INFINITY => writeln!(self.page, " -Inf"),
            value => writeln!(self.page, " {value}"),
        };
        self
    }

    /// Adds a sample that is a count; above 2^53, it is rounded as Prometheus itself does.
    pub fn count(&mut self, labels: &[(&str, &str)], value: u64) -> &mut Self {
        self.sample(labels, value as f64)
    }
}

/// Escapes a help text, or the value of a label, in which quotes are escaped, too.
fn escaped(text: &str, quotes: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if quotes { text.replace('"', "\\\"") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_help_type_and_samples() {
        let mut page = Page::default();
        page.family(Kind::Counter, "requests_total", "Requests.\nAll of them.")
            .count(&[("operation", "PutRecord"), ("status", "200")], 3)
            .count(&[("operation", "a\"b\\c\nd"), ("status", "400")], 1);
        page.family(Kind::Gauge, "bytes", "Bytes.").sample(&[], 0.5).sample(&[], f64::INFINITY).sample(&[], f64::NAN);
        assert_eq!(
            page.finish(),
            "# HELP requests_total Requests.\\nAll of them.\n\
             # TYPE requests_total counter\n\
             requests_total{operation=\"PutRecord\",status=\"200\"} 3\n\
             requests_total{operation=\"a\\\"b\\\\c\\nd\",status=\"400\"} 1\n\
             # HELP bytes Bytes.\n\
             # TYPE bytes gauge\n\
             bytes 0.5\n\
             bytes +Inf\n\
             bytes NaN\n"
        );
    }
}
