//! The `streamgauge` program: arguments in, library called, exit code out.

use std::process::ExitCode;

use streamgauge::engine::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn main() -> ExitCode {
    streamgauge::commands::main()
}
