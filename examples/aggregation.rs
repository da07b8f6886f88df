//! Packs and unpacks aggregated records, so that other implementations of the format can be checked against this one.
//!
//! `aggregation encode` reads lines of JSON such as `["key", "42", "00ff"]` (partition key, explicit hash key in decimal digits or null,
//! data in hexadecimal digits) and prints one aggregate in hexadecimal digits; `aggregation decode` reads an aggregate and prints such
//! lines.

use std::io::{Read, Write};
use std::process::ExitCode;

use streamgauge::client::aggregation;

fn main() -> ExitCode {
    let mut input = String::new();
    if std::io::stdin().read_to_string(&mut input).is_err() {
        return ExitCode::FAILURE;
    }
    let output = match std::env::args().nth(1).as_deref() {
        Some("encode") => encode(&input),
        Some("decode") => decode(&input),
        _ => None,
    };
    let written = output.map(|output| std::io::stdout().write_all(output.as_bytes()));
    if matches!(written, Some(Ok(()))) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn encode(lines: &str) -> Option<String> {
    let record = |line: &str| {
        let (key, hash_key, data): (String, Option<String>, String) = serde_json::from_str(line).ok()?;
        let hash_key: Option<u128> =
            hash_key.map(|digits| digits.parse().ok()).map_or(Some(None), |key| key.map(Some))?;
        Some((key, hash_key, bytes(&data)?))
    };
    let records: Vec<(String, Option<u128>, Vec<u8>)> = lines.lines().map(record).collect::<Option<_>>()?;
    let blob =
        aggregation::encode(records.iter().map(|(key, hash_key, data)| (key.as_str(), *hash_key, data.as_slice())));
    Some(digits(&blob) + "\n")
}

fn decode(text: &str) -> Option<String> {
    let line = |record: aggregation::UserRecord| {
        serde_json::to_string(&(record.partition_key, record.explicit_hash_key, digits(&record.data)))
            .ok()
            .map(|line| line + "\n")
    };
    aggregation::decode(&bytes(text.trim())?)?.into_iter().map(line).collect()
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
