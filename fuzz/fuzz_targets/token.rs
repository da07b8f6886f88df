//! Shard iterators and next-tokens.

#![no_main]

use libfuzzer_sys::fuzz_target;
use streamgauge::emulator::wire::Format;
use streamgauge::kinesis::Operation;
use streamgauge_fuzz::read;

fuzz_target!(|text: &str| {
    let text = text.replace(['"', '\\'], "A");
    for (operation, member) in [
        (Operation::GetRecords, "ShardIterator"),
        (Operation::ListShards, "NextToken"),
        (Operation::ListStreams, "NextToken"),
    ] {
        let body = format!(r#"{{"{member}":"{text}"}}"#);
        let _ = read(operation, Format::Json, body.as_bytes());
    }
});
