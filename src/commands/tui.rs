//! The full-screen view of a run: it draws what the engine tells, and takes keys. It has a thread to itself, so that a slow
//! terminal keeps nothing else waiting.

use std::io::{self, IsTerminal, Stderr};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::{cursor, execute, terminal};
use tokio::sync::watch;

use super::{console, styled};
use crate::engine::{OpenShard, Progress};
use crate::view::State;
use crate::view::screen::{Paint, draw};

/// Whether the screen is ours.
static ON: AtomicBool = AtomicBool::new(false);

/// The screen while it is ours; dropping it gives it back.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stderr>>,
    paint: Paint,
}

impl Screen {
    /// Takes the screen.
    ///
    /// # Errors
    /// There is none, in words.
    pub fn take() -> Result<Self, String> {
        if !io::stderr().is_terminal() || !io::stdin().is_terminal() {
            return Err(
                "--tui needs a terminal for its screen (stderr) and its keys (stdin); elsewhere use --progress json, \
                        or --progress plain"
                    .to_owned(),
            );
        }
        if std::env::var_os("TERM").is_some_and(|kind| kind == "dumb") {
            return Err(
                "--tui needs a terminal that can move its cursor, and TERM says that this one is dumb; use --progress \
                        plain"
                    .to_owned(),
            );
        }
        let cannot = |error: io::Error| format!("the terminal cannot show --tui: {error}; use --progress plain");
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            give_back();
            previous(panic);
        }));
        ON.store(true, Ordering::SeqCst);
        console::hold();
        let screen = terminal::enable_raw_mode()
            .and_then(|()| execute!(io::stderr(), terminal::EnterAlternateScreen, cursor::Hide))
            .and_then(|()| Terminal::new(CrosstermBackend::new(io::stderr())));
        match screen {
            Ok(terminal) => Ok(Self { terminal, paint: Paint { colour: styled(&io::stderr()) } }),
            Err(error) => {
                give_back();
                Err(cannot(error))
            }
        }
    }

    /// Shows the run until its progress has no sender any more. `stop` ends it; once more, and `give_up` is called.
    pub fn show(
        mut self,
        mut state: State,
        mut progress: watch::Receiver<Progress>,
        stop: &watch::Sender<bool>,
        give_up: impl Fn(),
        announce: impl Fn(&[OpenShard]) -> Vec<String>,
    ) {
        let mut announced = false;
        let mut changed = true;
        while ON.load(Ordering::SeqCst) {
            match progress.has_changed() {
                Ok(true) => {
                    let now = progress.borrow_and_update().clone();
                    if !announced && !now.shards.is_empty() {
                        // The heat strip shows the rest.
                        announce(&now.shards).iter().take(1).for_each(|line| state.handle_line(line));
                        announced = true;
                    }
                    state.handle_progress(now);
                    changed = true;
                }
                Ok(false) => {}
                Err(_) => return,
            }
            for line in console::fresh() {
                state.handle_line(&line);
                changed = true;
            }
            if *stop.borrow() && !state.is_stopping() {
                state.handle_stop();
                changed = true;
            }
            let paint = self.paint;
            // A terminal that is gone shows nothing; the run goes on.
            if changed && self.terminal.draw(|frame| draw(frame, &state, paint)).is_err() {
                return;
            }
            changed = match next(TICK) {
                Input::Quit if *stop.borrow() => {
                    give_up();
                    true
                }
                Input::Quit => {
                    stop.send_replace(true);
                    true
                }
                Input::Redraw => true,
                Input::Nothing => false,
            };
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the screen back as it was, and prints what was held meanwhile; does nothing if the screen is not ours.
pub(super) fn give_back() {
    if ON.swap(false, Ordering::SeqCst) {
        // There is no one to tell of an error, and no harm in going on.
        let _ = terminal::disable_raw_mode();
        let _ = execute!(io::stderr(), terminal::LeaveAlternateScreen, cursor::Show);
        console::release();
    }
}

/// What came from the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Quit,
    Redraw,
    Nothing,
}

/// The next thing that comes within `wait`.
fn next(wait: Duration) -> Input {
    match event::poll(wait).and_then(|there| if there { event::read().map(Some) } else { Ok(None) }) {
        Ok(Some(event)) => meaning(&event),
        Ok(None) => Input::Nothing,
        Err(_) => {
            // A terminal that gives no keys must not make this thread spin.
            std::thread::sleep(wait);
            Input::Nothing
        }
    }
}

fn meaning(event: &Event) -> Input {
    match event {
        Event::Key(KeyEvent { code, modifiers, kind: KeyEventKind::Press, .. }) => match code {
            KeyCode::Char('q') => Input::Quit,
            KeyCode::Char('c') if modifiers.contains(KeyModifiers::CONTROL) => Input::Quit,
            _ => Input::Nothing,
        },
        Event::Resize(..) => Input::Redraw,
        _ => Input::Nothing,
    }
}

/// How soon a key or a snapshot is taken notice of.
const TICK: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_and_ctrl_c_end_the_run_and_nothing_else_does() {
        let key = |code, modifiers| meaning(&Event::Key(KeyEvent::new(code, modifiers)));
        assert_eq!(key(KeyCode::Char('q'), KeyModifiers::NONE), Input::Quit);
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Input::Quit);
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::NONE), Input::Nothing);
        assert_eq!(key(KeyCode::Esc, KeyModifiers::NONE), Input::Nothing);
        assert_eq!(meaning(&Event::Resize(80, 24)), Input::Redraw);
        assert_eq!(meaning(&Event::FocusLost), Input::Nothing);
    }
}
