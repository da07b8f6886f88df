//! The signals that ask a program to stop which has no asynchronous runtime.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGQUIT};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Signals that stop, and give up if they come after another.
#[cfg(unix)]
const STOPPING: [i32; 3] = [SIGINT, SIGTERM, SIGQUIT];
#[cfg(not(unix))]
const STOPPING: [i32; 2] = [SIGINT, SIGTERM];

/// Becomes true at the first SIGINT (Ctrl-C), SIGTERM, SIGQUIT or SIGHUP; a second one, unless it is a SIGHUP, ends the program.
pub(super) fn at_signal() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in STOPPING {
        // What is registered first acts first, on a flag that only an earlier signal has set. A signal that cannot be listened for
        // ends the program as it ends any other.
        let _ = flag::register_conditional_shutdown(signal, 128 + signal, stop.clone());
        let _ = flag::register(signal, stop.clone());
    }
    #[cfg(unix)]
    if !is_hangup_ignored() {
        let _ = flag::register(SIGHUP, stop.clone());
    }
    stop
}

/// Whether SIGHUP is ignored, as under nohup: what is to outlive its terminal does. Only Linux tells; elsewhere, nohup keeps no run
/// alive.
#[cfg(unix)]
pub(super) fn is_hangup_ignored() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
