//! The `streamgauge` program: arguments in, library called, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    streamgauge::commands::main()
}
