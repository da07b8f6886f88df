//! Bodies in JSON of any operation: the first byte names it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use streamgauge::emulator::wire::Format;
use streamgauge_fuzz::read_any;

fuzz_target!(|data: &[u8]| read_any(Format::Json, data));
