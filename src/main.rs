//! The `streamgauge` program: arguments in, library called, exit code out.

use std::process::ExitCode;

/// What the load generator allocates is a figure of each run.
#[cfg(feature = "aws")]
#[global_allocator]
static ALLOCATOR: streamgauge::engine::CountingAllocator = streamgauge::engine::CountingAllocator;

fn main() -> ExitCode {
    streamgauge::commands::main()
}
