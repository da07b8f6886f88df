//! The program in a process of its own.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program in a directory, without colours, without a terminal, and without settings of who runs the tests.
pub fn command(arguments: &[&str], directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_streamgauge"));
    command.args(arguments).current_dir(directory).env("NO_COLOR", "1").env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// What the program left when it had ended.
pub fn streamgauge(arguments: &[&str], directory: &Path) -> Output {
    command(arguments, directory).output().unwrap()
}

/// Exit code, stdout and stderr.
pub fn told(arguments: &[&str], directory: &Path) -> (i32, String, String) {
    let output = streamgauge(arguments, directory);
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// What was printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// All words of a text on one line: where a line ends depends on the width of the terminal.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
