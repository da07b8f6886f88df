//! What the fuzz targets share.

use std::sync::LazyLock;
use std::time::Duration;

use streamgauge::emulator::wire::{Context, Fault, Format, Target, decode};
use streamgauge::kinesis::{Operation, Profile, Request, Settings};
use streamgauge::seed::Seed;
use streamgauge::time::Time;

static SETTINGS: LazyLock<Settings> = LazyLock::new(|| Settings {
    epoch: Duration::from_secs(1_763_856_000),
    ..Settings::new(Profile::newest(), Seed(1))
});

/// Reads a request of the 100th second.
pub fn read(operation: Operation, format: Format, body: &[u8]) -> Result<Request, Fault> {
    let context = Context { settings: &SETTINGS, now: Time::from_secs(100) };
    decode(Target::Served(operation), format, body.to_vec(), context)
}

/// Takes the operation from the first byte and reads the rest as its body.
pub fn read_any(format: Format, data: &[u8]) {
    if let Some((choice, body)) = data.split_first() {
        let operation = Operation::ALL[usize::from(*choice) % Operation::ALL.len()];
        let _ = read(operation, format, body);
    }
}
