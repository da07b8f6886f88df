//! Puts in JSON: the short way through a body comes to the same result as the long one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use streamgauge::emulator::wire::Format;
use streamgauge::kinesis::Operation;
use streamgauge_fuzz::read;

fuzz_target!(|data: &[u8]| {
    let Some(start) = data.iter().position(|byte| *byte == b'{') else { return };
    // A member that is not known changes nothing, but the short way does not take it.
    let unusual = [&data[..=start], br#""Unknown":null,"#, &data[start + 1..]].concat();
    for operation in [Operation::PutRecord, Operation::PutRecords] {
        if let Ok(request) = read(operation, Format::Json, data) {
            assert_eq!(read(operation, Format::Json, &unusual), Ok(request));
        }
    }
});
