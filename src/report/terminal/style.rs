//! Colours and lines of a terminal.

use crate::report::content::{Span, Status, Text};
use crate::report::words::printable;

/// Most characters of a line of words.
const WIDTH: usize = 80;
/// A space at which no line ends.
pub const TOGETHER: &str = "\u{a0}";

/// Whether there are colours.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Whether the terminal has any.
    pub styled: bool,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.styled && !text.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Bold.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Less to be seen than the rest.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// In the colour of a status.
    pub fn status(self, status: Status, text: &str) -> String {
        let code = match status {
            Status::Good => "32;1",
            Status::Bad => "31;1",
            Status::Unclear => "33",
        };
        self.paint(code, text)
    }

    fn span(self, span: &Span, word: &str) -> String {
        match span {
            Span::Strong(_) => self.bold(word),
            Span::Status(status, _) => self.status(*status, word),
            _ => word.to_owned(),
        }
    }
}

/// The words of a piece that a terminal shows.
fn shown(span: &Span) -> &str {
    match span {
        Span::Plain(words) | Span::Strong(words) | Span::Code(words) | Span::Status(_, words) | Span::Wide(words) => {
            words
        }
        Span::Link { words, .. } => words,
        Span::Break => "; ",
        Span::Narrow(_) | Span::Swatch(_) => "",
    }
}

/// A text in one line, with its colours, and how many characters it is wide.
pub fn styled(text: &Text, style: Style) -> (String, usize) {
    let mut out = String::new();
    let mut width = 0;
    for span in &text.0 {
        let words = printable(shown(span));
        width += words.chars().count();
        out.push_str(&style.span(span, &words));
    }
    (out, width)
}

/// A text as lines of at most 80 columns; the first begins with `indent`, further ones below what follows it.
pub fn wrapped(text: &Text, indent: &str, style: Style) -> String {
    let hanging = " ".repeat(indent.chars().count());
    let (mut out, mut column, mut space) = (indent.to_owned(), indent.chars().count(), false);
    let (mut word, mut width) = (String::new(), 0);
    let mut end = |word: &mut String, width: &mut usize, space: &mut bool| {
        if *width > 0 {
            let begun = column > hanging.len();
            if begun && column + usize::from(*space) + *width > WIDTH {
                out.push('\n');
                out.push_str(&hanging);
                column = hanging.len();
            } else if begun && *space {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += *width;
            (*width, *space) = (0, false);
            word.clear();
        }
    };
    for span in &text.0 {
        // Pieces of one word, such as a full stop behind an emphasised one, stay together.
        let mut words = printable_words(shown(span));
        if matches!(span, Span::Code(_)) {
            words = words.replace(' ', TOGETHER);
        }
        for (place, piece) in words.split(' ').enumerate() {
            if place > 0 {
                end(&mut word, &mut width, &mut space);
                space = true;
            }
            word.push_str(&style.span(span, piece));
            width += piece.chars().count();
        }
    }
    end(&mut word, &mut width, &mut space);
    out.replace(TOGETHER, " ")
}

/// Words without what a terminal would obey, and with a space for each end of a line.
fn printable_words(words: &str) -> String {
    printable(&words.replace(['\n', '\t'], " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_between_words_and_never_within_colours() {
        let style = Style { styled: true };
        let text = Text::from("one ").strong("two").and(". ".to_owned() + &"word ".repeat(30));
        let lines = wrapped(&text, "  · ", style);
        assert!(lines.starts_with("  · one \u{1b}[1mtwo\u{1b}[0m. word"), "{lines}");
        let plain = wrapped(&text, "  · ", Style { styled: false });
        assert!(plain.lines().count() == 3 && plain.lines().all(|line| line.chars().count() <= WIDTH), "{plain}");
        assert!(plain.lines().skip(1).all(|line| line.starts_with("    word")), "{plain}");
        assert_eq!(wrapped(&"\u{1b}[2J a\nb".into(), "", style), "\u{fffd}[2J a b");
        assert_eq!(styled(&text, style).1, text.words().chars().count());
    }
}
