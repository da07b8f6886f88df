//! What runs have created and not deleted: told at the end of a run, and at the beginning of the next.

use std::env;
use std::path::PathBuf;

use tokio::sync::watch;

use super::signals::Signals;
use super::{Exit, fail, note, tui};
use crate::engine::{Created, left_behind};

/// Where what is created is noted until it is deleted: `created` in `STREAMGAUGE_STATE_DIR`, or in the user's directory of states.
pub(super) fn directory() -> Option<PathBuf> {
    let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let own = || variable("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let home = || variable("HOME").map(|home| home.join(".local/state"));
    let windows = || variable("LOCALAPPDATA");
    let states = || own().or_else(home).or_else(windows).map(|states| states.join("streamgauge"));
    variable("STREAMGAUGE_STATE_DIR").or_else(states).map(|directory| directory.join("created"))
}

/// Says what is left behind; whether there is anything.
pub(super) fn tell(created: &Created) -> bool {
    let remaining = created.remaining();
    remaining.iter().for_each(|leftover| fail(&leftover.to_string()));
    !remaining.is_empty()
}

/// How a program ends that would end with `exit`, and may leave something behind.
pub(super) fn conclude(created: &Created, exit: Exit) -> Exit {
    if tell(created) { Exit::NotDeleted } else { exit }
}

/// Says what programs have left behind which were killed, or could not delete it.
pub(super) fn mention() {
    const MOST: usize = 8;
    let Some(directory) = directory() else { return };
    let found = left_behind(&directory);
    for (path, content) in found.iter().take(MOST) {
        let shown = path.display();
        match content {
            Some(content) => note(&format!(
                "warning: {} {} was created by an earlier run at {} and perhaps never deleted; delete it by: {}; then remove `{shown}`",
                content.resource, content.place, content.created, content.delete
            )),
            None => note(&format!("warning: `{shown}` is to name what an earlier run left behind, and cannot be read")),
        }
    }
    if found.len() > MOST {
        note(&format!("warning: {} more such files are in `{}`", found.len() - MOST, directory.display()));
    }
}

/// Sets `stop` at the first signal, which ends the run and keeps what was measured; a second one ends the program.
pub(super) async fn stop_at(mut signals: Signals, stop: watch::Sender<bool>, created: Created) {
    signals.next().await;
    // The order matters: writing may fail or block where nobody reads.
    stop.send_replace(true);
    let deleting = if created.remaining().is_empty() { "" } else { ", and for the deletion of what the run created" };
    note(&format!("stopping: waiting for what is under way{deleting}; again to give up"));
    give_up(&created, signals.again().await);
}

/// Ends the program at once, as a signal does; says what is left behind.
pub(super) fn give_up(created: &Created, signal: i32) -> ! {
    tui::give_back();
    tell(created);
    std::process::exit(128 + signal);
}
