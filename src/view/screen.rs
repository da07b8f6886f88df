//! The full-screen view. It is drawn anew from the state each time, for whatever size the terminal has.

mod heat;
mod parts;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Paragraph, Wrap};

use super::State;

/// How to draw: with colours, or with brightness alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    /// Whether colours may be used.
    pub colour: bool,
}

impl Paint {
    /// This colour, if there may be colours.
    const fn fg(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    /// What stands out.
    const fn strong(self) -> Style {
        // A title lies on a line that steps back.
        Style::new().add_modifier(Modifier::BOLD).remove_modifier(Modifier::DIM)
    }

    /// What steps back.
    const fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// What a reader must see.
    const fn alarm(self) -> Style {
        self.fg(Color::Red).add_modifier(Modifier::BOLD)
    }
}

/// Draws the whole screen.
pub fn draw(frame: &mut Frame<'_>, state: &State, paint: Paint) {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        frame.render_widget(Paragraph::new(state.line()).wrap(Wrap { trim: true }), area);
        return;
    }
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(2), Constraint::Min(0), Constraint::Length(1)]).areas(area);
    frame.render_widget(Paragraph::new(parts::head(state, paint, usize::from(head.width))), head);
    let consumers = state.progress().consumers.len();
    if body.width >= WIDE {
        let [left, _, right] =
            Layout::horizontal([Constraint::Min(0), Constraint::Length(2), Constraint::Length(RIGHT)]).areas(body);
        column(frame, left, state, paint, &[Part::Rates, Part::Latency, Part::Shards], consumers);
        column(frame, right, state, paint, &[Part::Consumers, Part::Generator, Part::Ledger, Part::Log], consumers);
    } else {
        column(frame, body, state, paint, &Part::ALL, consumers);
    }
    let words = if state.is_stopping() {
        "stopping: waiting for what is under way; q or Ctrl-C again to give up"
    } else {
        "q or Ctrl-C ends the run and keeps what was measured"
    };
    frame.render_widget(Paragraph::new(Line::styled(words, paint.faint())), foot);
}

/// A part of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Rates,
    Latency,
    Shards,
    Consumers,
    Generator,
    Ledger,
    Log,
}

impl Part {
    const ALL: [Self; 7] =
        [Self::Rates, Self::Latency, Self::Shards, Self::Consumers, Self::Generator, Self::Ledger, Self::Log];

    /// The fewest rows below its title, and the most that it has a use for.
    const fn rows(self, consumers: usize) -> (u16, u16) {
        let consumers = if consumers == 0 { 1 } else { consumers };
        let consumers = if consumers > CONSUMERS_MAX { CONSUMERS_MAX as u16 } else { consumers as u16 };
        match self {
            Self::Rates => (3, 12),
            Self::Latency => (1, 6),
            Self::Shards => (2, 1 + super::HEAT_MAX as u16),
            Self::Consumers => (if consumers < 3 { consumers } else { 3 }, consumers),
            Self::Generator => (1, 2),
            Self::Ledger => (2, 2),
            Self::Log => (2, u16::MAX),
        }
    }
}

/// Draws some parts one below the other.
fn column(frame: &mut Frame<'_>, area: Rect, state: &State, paint: Paint, parts: &[Part], consumers: usize) {
    let rows = share_out(area.height, parts, consumers);
    let mut top = area.y;
    for (part, rows) in parts.iter().zip(rows) {
        let left = area.bottom().saturating_sub(top);
        let place = Rect { y: top, height: (rows + 1).min(left), ..area };
        top += place.height;
        if place.height < 2 {
            continue;
        }
        let (title, aside) = parts::title(*part, state);
        let block = Block::new()
            .borders(Borders::TOP)
            .border_style(paint.faint())
            .title(Line::styled(title, paint.strong()))
            .title(Line::styled(aside, paint.faint()).right_aligned());
        let inner = block.inner(place);
        frame.render_widget(block, place);
        match part {
            Part::Rates => parts::rates(frame, inner, state, paint),
            Part::Latency => parts::latency(frame, inner, state, paint),
            Part::Shards => heat::shards(frame, inner, state, paint),
            Part::Consumers => lines(frame, inner, parts::consumers(state, paint, inner)),
            Part::Generator => lines(frame, inner, parts::generator(state, paint)),
            Part::Ledger => lines(frame, inner, parts::ledger(state, paint)),
            Part::Log => lines(frame, inner, parts::log(state, inner.height)),
        }
    }
}

fn lines(frame: &mut Frame<'_>, area: Rect, lines: Vec<Line<'static>>) {
    frame.render_widget(Paragraph::new(lines), area);
}

/// Rows for each part below its title: the fewest for all, then, one row at a time and in turn, more for whoever has a use for
/// them.
fn share_out(height: u16, parts: &[Part], consumers: usize) -> Vec<u16> {
    let mut rows: Vec<u16> = parts.iter().map(|part| part.rows(consumers).0).collect();
    let titles = u16::try_from(parts.len()).unwrap_or(u16::MAX);
    let mut left = height.saturating_sub(rows.iter().sum::<u16>() + titles);
    while left > 0 {
        let before = left;
        for (part, rows) in parts.iter().zip(&mut rows) {
            // The three curves grow together.
            let step = if *part == Part::Rates { 3 } else { 1 };
            if left >= step && *rows < part.rows(consumers).1 {
                *rows += step;
                left -= step;
            }
        }
        if left == before {
            break;
        }
    }
    rows
}

/// Below this, there is one line.
const SMALLEST: (u16, u16) = (40, 12);
/// From here on, there are two columns.
const WIDE: u16 = 150;
/// Columns of the right one: a consumer's line.
const RIGHT: u16 = 76;
const CONSUMERS_MAX: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_shared_out_until_none_is_left() {
        for height in [18, 21, 30, 47, 200] {
            let rows = share_out(height, &Part::ALL, 2);
            let fewest = Part::ALL.iter().map(|part| part.rows(2).0).sum::<u16>() + 7;
            assert_eq!(rows.iter().sum::<u16>() + 7, height.max(fewest), "{height}: {rows:?}");
        }
        // Without a log, what nobody has a use for is left over.
        assert_eq!(share_out(300, &[Part::Rates, Part::Ledger], 2), [12, 2]);
    }
}
