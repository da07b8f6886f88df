//! The emulator is not in this program.

use super::without::without;
use super::{Exit, fail};
use crate::cli::Emulator;

/// Says that it is not.
pub fn emulator(_: &Emulator) -> Exit {
    fail(&without("emulator", "install a program that has it"));
    Exit::BadInput
}
