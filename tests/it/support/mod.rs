//! What tests of several subjects need: scenarios and what comes of them, the program, emulators, and engine runs.

#![cfg_attr(
    not(all(feature = "aws", feature = "emulator")),
    allow(dead_code, reason = "without them, fewer tests need it")
)]

#[cfg(all(feature = "aws", feature = "emulator"))]
pub mod emulator;
#[cfg(all(feature = "aws", feature = "emulator"))]
pub mod engine;
pub mod model;
pub mod program;
