//! The embedded emulator as the engine needs it.

use super::EngineError;
pub use crate::emulator::Embedded;
use crate::kinesis::Settings;

/// Starts it.
///
/// # Errors
/// The system gives it no port, or no thread.
pub fn start(settings: Settings) -> Result<Embedded, EngineError> {
    Embedded::start(settings).map_err(EngineError::Emulator)
}
