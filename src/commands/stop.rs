//! The signals that ask a program to stop which has no asynchronous runtime.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Becomes true at the first SIGINT (Ctrl-C) or SIGTERM; a second one ends the program.
pub(super) fn at_signal() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // What is registered first acts first, on a flag that only an earlier signal has set. A signal that cannot be listened for
        // ends the program as it ends any other.
        let _ = flag::register_conditional_shutdown(signal, 128 + signal, stop.clone());
        let _ = flag::register(signal, stop.clone());
    }
    stop
}
