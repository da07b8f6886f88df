//! Texts of a report: words with emphasis.

/// What something that is judged comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Neither, or not known.
    Unclear,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// Words without emphasis.
    Plain(String),
    /// Words that stand out.
    Strong(String),
    /// What stands for itself: a setting, a name of a file.
    Code(String),
    /// Words with what they come to.
    Status(Status, String),
    /// Words that lead to a section.
    Link {
        /// The section's id.
        to: &'static str,
        /// The words.
        words: String,
    },
    /// The end of a line within a text.
    Break,
    /// Words for a wide drawing of the figure only.
    Wide(String),
    /// Words for a narrow drawing of the figure only.
    Narrow(String),
    /// A sample of a colour, by the name of its variable.
    Swatch(String),
}

/// A text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(pub Vec<Span>);

impl<T: Into<String>> From<T> for Text {
    fn from(words: T) -> Self {
        Self::default().and(words)
    }
}

impl Text {
    /// A text that begins with a few words that stand out.
    pub fn labelled(label: &str, words: impl Into<String>) -> Self {
        Self::default().strong(label).and(words)
    }

    /// With more words.
    pub fn and(self, words: impl Into<String>) -> Self {
        self.with(Span::Plain(words.into()))
    }

    /// With words that stand out.
    pub fn strong(self, words: impl Into<String>) -> Self {
        self.with(Span::Strong(words.into()))
    }

    /// With what stands for itself.
    pub fn code(self, words: impl Into<String>) -> Self {
        self.with(Span::Code(words.into()))
    }

    /// With words and what they come to.
    pub fn status(self, status: Status, words: impl Into<String>) -> Self {
        self.with(Span::Status(status, words.into()))
    }

    /// With words that lead to a section.
    pub fn link(self, to: &'static str, words: impl Into<String>) -> Self {
        self.with(Span::Link { to, words: words.into() })
    }

    /// With one more piece; nothing for one without words.
    pub fn with(mut self, span: Span) -> Self {
        if !matches!(&span, Span::Plain(words) if words.is_empty()) {
            self.0.push(span);
        }
        self
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its words alone, in one line.
    pub fn words(&self) -> String {
        let mut out = String::new();
        for span in &self.0 {
            match span {
                Span::Plain(words)
                | Span::Strong(words)
                | Span::Code(words)
                | Span::Status(_, words)
                | Span::Wide(words) => {
                    out.push_str(words);
                }
                Span::Link { words, .. } => out.push_str(words),
                Span::Break => out.push_str("; "),
                Span::Narrow(_) | Span::Swatch(_) => {}
            }
        }
        out
    }
}
