//! The shards: a strip of cells in hash key order, one row per second, the newest at the bottom.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Color;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::{Heat, ShardLoad, State};
use super::Paint;
use crate::report::printable;
use crate::units::Share;

/// Draws the strip, and below it what the cells mean and which shard is the fullest.
pub(super) fn shards(frame: &mut Frame<'_>, area: Rect, state: &State, paint: Paint) {
    let [strip, legend] = Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(area);
    let rows = usize::from(strip.height);
    let first = state.heat.len().saturating_sub(rows);
    let mut lines: Vec<Line<'static>> = Vec::new();
    lines.resize_with(rows.saturating_sub(state.heat.len()), Line::default);
    let cells = |heat: &Heat| row(&cells(heat, usize::from(strip.width)), paint);
    lines.extend(state.heat.iter().skip(first).map(cells));
    frame.render_widget(Paragraph::new(lines), strip);
    frame.render_widget(Paragraph::new(words(state, paint)), legend);
}

fn words(state: &State, paint: Paint) -> Line<'static> {
    let scale = Span::styled("0 ▁▂▃▄▅▆▇█ 100% of the write quota, ! throttled", paint.faint());
    let fullest = state.fullest_shard().map(|(shard, load)| {
        let id = printable(&shard.id);
        let id = id.trim_start_matches("shardId-").trim_start_matches('0');
        format!("   fullest: shard {} at {}", if id.is_empty() { "0" } else { id }, Share(load.utilisation))
    });
    Line::from(vec![scale, Span::raw(fullest.unwrap_or_default())])
}

/// The fullest shard in each of `width` equal parts of the key space; `None` where no shard is open.
fn cells(heat: &Heat, width: usize) -> Vec<Option<ShardLoad>> {
    let mut cells: Vec<Option<ShardLoad>> = vec![None; width];
    for (shard, load) in heat.shards.iter().zip(&heat.loads) {
        let place = |key: f64| key / 2f64.powi(128) * width as f64;
        let first = place(shard.range.start.0 as f64) as usize;
        let end = place(shard.range.end.0 as f64).ceil() as usize;
        for cell in cells.iter_mut().take(end.max(first + 1)).skip(first) {
            let known = cell.unwrap_or_default();
            *cell = Some(ShardLoad {
                utilisation: known.utilisation.max(load.utilisation),
                throttled: known.throttled || load.throttled,
            });
        }
    }
    cells
}

/// Cells as text; neighbours that look the same share a span.
fn row(cells: &[Option<ShardLoad>], paint: Paint) -> Line<'static> {
    let mut spans: Vec<(String, Color)> = Vec::new();
    for cell in cells {
        let (symbol, colour) = look(*cell);
        match spans.last_mut() {
            Some((text, last)) if *last == colour => text.push(symbol),
            _ => spans.push((symbol.to_string(), colour)),
        }
    }
    Line::from(spans.into_iter().map(|(text, colour)| Span::styled(text, paint.fg(colour))).collect::<Vec<_>>())
}

/// A symbol tells as much as its colour: there may be none.
fn look(cell: Option<ShardLoad>) -> (char, Color) {
    let Some(load) = cell else { return (' ', Color::Reset) };
    if load.throttled {
        return ('!', Color::Red);
    }
    let level = (load.utilisation * LEVELS.len() as f64).ceil() as usize;
    let symbol = level.checked_sub(1).map_or('·', |level| LEVELS[level.min(LEVELS.len() - 1)]);
    let colour = match load.utilisation {
        part if part >= 0.9 => Color::Yellow,
        part if part >= 0.5 => Color::Cyan,
        _ => Color::LightBlue,
    };
    (symbol, colour)
}

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::OpenShard;
    use crate::kinesis::HashKeyRange;

    fn heat(loads: &[(f64, bool)]) -> Heat {
        let ranges = HashKeyRange::initial(u32::try_from(loads.len()).unwrap());
        let shard = |range| OpenShard { id: String::new(), range };
        Heat {
            shards: ranges.into_iter().map(shard).collect(),
            loads: loads.iter().map(|&(utilisation, throttled)| ShardLoad { utilisation, throttled }).collect(),
        }
    }

    fn text(heat: &Heat, width: usize) -> String {
        row(&cells(heat, width), Paint { colour: false }).to_string()
    }

    #[test]
    fn a_shard_is_as_wide_as_its_part_of_the_key_space() {
        assert_eq!(text(&heat(&[(0.0, false), (0.5, false), (1.2, false), (0.01, true)]), 8), "··▄▄██!!");
        assert_eq!(text(&heat(&[(0.126, false)]), 3), "▂▂▂");
        assert_eq!(text(&heat(&[]), 2), "  ");
    }

    #[test]
    fn the_fullest_of_many_shards_in_a_cell_is_seen() {
        let mut loads = vec![(0.1, false); 5_000];
        loads[2_600] = (0.95, false);
        loads[4_999] = (0.2, true);
        assert_eq!(text(&heat(&loads), 10), "▁▁▁▁▁█▁▁▁!");
        assert_eq!(text(&heat(&loads), 0), "");
    }
}
