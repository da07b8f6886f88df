//! PutRecords in JSON (fact sheet, section 4). An answer is read in one pass if it has the usual layout, else by serde_json. A test
//! shows that both come to the same result.

use std::borrow::Cow;

use base64_simd::STANDARD;
use memchr::{memchr2, memmem};
use serde::Deserialize;

use super::Said;
use crate::client::{Entry, EntryOutcome};
use crate::engine::sdk::ShardMap;
use crate::workload::Payloads;

/// The body of the call.
pub(super) fn write(stream: &str, entries: &[Entry], payloads: &Payloads) -> Vec<u8> {
    /// What frames a record, with an explicit hash key and its 39 digits.
    const FRAME: usize = 100;
    let size = |entry: &Entry| STANDARD.encoded_length(entry.data.len()) + entry.key.len() + FRAME;
    let mut body = Vec::with_capacity(entries.iter().map(size).sum::<usize>() + stream.len() + FRAME);
    let mut data = Vec::new();
    body.extend_from_slice(b"{\"Records\":[");
    for (position, entry) in entries.iter().enumerate() {
        body.extend_from_slice(if position == 0 { b"{\"Data\":\"" } else { b",{\"Data\":\"" });
        data.clear();
        payloads.write(&entry.data, &mut data);
        STANDARD.encode_append(&data, &mut body);
        if let Some(key) = entry.explicit_hash_key {
            body.extend_from_slice(b"\",\"ExplicitHashKey\":\"");
            body.extend_from_slice(itoa::Buffer::new().format(key).as_bytes());
        }
        body.extend_from_slice(b"\",\"PartitionKey\":");
        write_text(&mut body, &entry.key);
        body.push(b'}');
    }
    body.extend_from_slice(b"],\"StreamName\":");
    write_text(&mut body, stream);
    body.push(b'}');
    body
}

fn write_text(body: &mut Vec<u8>, text: &str) {
    // Writing a text into a vector cannot fail.
    let _ = serde_json::to_writer(body, text);
}

/// What became of each record.
pub(super) fn read(body: &[u8], shards: &ShardMap) -> Result<Vec<EntryOutcome>, serde_json::Error> {
    Scanner::records_in(body, shards).map_or_else(|| parse(body, shards), Ok)
}

fn parse(body: &[u8], shards: &ShardMap) -> Result<Vec<EntryOutcome>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(rename = "Records", borrow)]
        records: Vec<Record<'a>>,
    }
    #[derive(Deserialize)]
    struct Record<'a> {
        #[serde(rename = "ShardId", borrow, default)]
        shard: Option<Cow<'a, str>>,
        #[serde(rename = "SequenceNumber", borrow, default)]
        sequence: Option<Cow<'a, str>>,
        #[serde(rename = "ErrorCode", borrow, default)]
        error: Option<Cow<'a, str>>,
    }
    let answer: Answer<'_> = serde_json::from_slice(body)?;
    let outcome = |record: &Record<'_>| {
        let (shard, sequence, error) = (record.shard.as_deref(), record.sequence.as_deref(), record.error.as_deref());
        Said { shard, sequence, error }.outcome(shards)
    };
    Ok(answer.records.iter().map(outcome).collect())
}

/// Reads a list of flat objects of texts without escapes and without white space; anything else is not for it.
struct Scanner<'a> {
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    /// The list of records, which ends the answer or is followed by members that are no lists and no objects.
    fn records_in(body: &'a [u8], shards: &ShardMap) -> Option<Vec<EntryOutcome>> {
        const LIST: &[u8] = b"\"Records\":[";
        let mut outcomes = Vec::new();
        let start = memmem::find(body, LIST)? + LIST.len();
        // What comes before has no text that could hold the name of the list.
        let plain = |part: &[u8]| !part.iter().any(|byte| matches!(byte, b'\\' | b'[' | b']'));
        let mut scanner = Self { rest: &body[start..] };
        let before = &body[..start - LIST.len()];
        if !body.starts_with(b"{") || !plain(before) || !matches!(before.last(), Some(b'{' | b',')) {
            return None;
        }
        loop {
            let mut said = Said::default();
            scanner.skip(b'{')?;
            loop {
                let name = scanner.text()?;
                scanner.skip(b':')?;
                let value = scanner.text()?;
                match name {
                    b"ShardId" => said.shard = std::str::from_utf8(value).ok(),
                    b"SequenceNumber" => said.sequence = std::str::from_utf8(value).ok(),
                    b"ErrorCode" => said.error = std::str::from_utf8(value).ok(),
                    _ => {}
                }
                match scanner.next()? {
                    b',' => {}
                    b'}' => break,
                    _ => return None,
                }
            }
            outcomes.push(said.outcome(shards));
            match scanner.next()? {
                b',' => {}
                b']' => break,
                _ => return None,
            }
        }
        let end = scanner.rest;
        (end.ends_with(b"}") && plain(end) && !end[..end.len() - 1].contains(&b'}')).then_some(outcomes)
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn skip(&mut self, expected: u8) -> Option<()> {
        (self.next()? == expected).then_some(())
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        self.skip(b'"')?;
        let end = memchr2(b'"', b'\\', self.rest)?;
        let text = self.rest.get(..end)?;
        self.rest = self.rest.get(end..)?;
        self.skip(b'"')?;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::client::{ListedShard, PackedSequence};
    use crate::engine::wire::tests::entries;
    use crate::kinesis::HashKeyRange;
    use crate::seed::Seed;
    use crate::workload::Filling;

    #[test]
    fn a_call_is_written_as_the_service_reads_it() {
        let payloads = Payloads::new(1, Seed(1), Filling::Random);
        let body: serde_json::Value = serde_json::from_slice(&write("orders", &entries(), &payloads)).unwrap();
        let expected = serde_json::json!({
            "StreamName": "orders",
            "Records": [
                { "Data": "AP8Q", "PartitionKey": "a\"\\\u{1}é" },
                { "Data": "", "PartitionKey": "b", "ExplicitHashKey": "340282366920938463463374607431768211455" },
            ],
        });
        assert_eq!(body, expected);
    }

    fn shards() -> ShardMap {
        let listed = HashKeyRange::initial(2).into_iter().enumerate().map(|(number, range)| ListedShard {
            id: format!("shardId-{number:012}"),
            range,
            parents: Vec::new(),
            open: true,
        });
        ShardMap::new(listed.collect())
    }

    #[test]
    fn an_answer_says_what_became_of_each_record() {
        let body = br#"{"FailedRecordCount":2,"EncryptionType":"NONE","Records":[
            {"SequenceNumber":"4954","ShardId":"shardId-000000000001"},
            {"ErrorCode":"ProvisionedThroughputExceededException","ErrorMessage":"Rate exceeded \"here\""},
            {"ErrorCode":"InternalFailure","ErrorMessage":"Internal service failure."},
            {"SequenceNumber":"4955","ShardId":"shardId-000000000007"}]}"#;
        let expected = [
            EntryOutcome::Accepted { shard: Some(1), sequence: PackedSequence::new(b"4954") },
            EntryOutcome::Throttled,
            EntryOutcome::InternalFailure,
            EntryOutcome::Accepted { shard: None, sequence: PackedSequence::new(b"4955") },
        ];
        assert_eq!(read(body, &shards()).unwrap(), expected);
        assert!(read(b"<html>", &shards()).is_err() && read(b"{}", &shards()).is_err());
    }

    #[test]
    fn the_usual_layout_takes_the_short_way() {
        for body in [
            &br#"{"FailedRecordCount":0,"Records":[{"SequenceNumber":"1","ShardId":"shardId-000000000001"}]}"#[..],
            br#"{"Records":[{"ErrorCode":"InternalFailure","ErrorMessage":"no"}],"FailedRecordCount":1}"#,
        ] {
            assert!(Scanner::records_in(body, &shards()).is_some());
        }
    }

    proptest! {
        /// Whatever is done to an answer: the short way gives what the long way gives, or nothing.
        #[test]
        fn both_ways_agree(
            records in prop::collection::vec((0u8..4, "[ -~]{0,12}"), 0..6),
            (before, at, with) in (any::<bool>(), any::<prop::sample::Index>(), prop::option::of("[\\]\\[{}\",:\\\\ a]")),
        ) {
            let record = |(kind, text): &(u8, String)| match kind {
                0 => serde_json::json!({ "ShardId": "shardId-000000000001", "SequenceNumber": text }),
                1 => serde_json::json!({ "ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": text }),
                2 => serde_json::json!({ "ErrorCode": text, "ErrorMessage": "message" }),
                _ => serde_json::json!({ text.as_str(): "value", "ShardId": text }),
            };
            let records: Vec<_> = records.iter().map(record).collect();
            let list = serde_json::json!(records).to_string();
            let mut body = match before {
                true => format!("{{\"FailedRecordCount\":0,\"Records\":{list}}}"),
                false => format!("{{\"Records\":{list},\"EncryptionType\":\"NONE\"}}"),
            };
            if let Some(with) = with {
                body.insert_str(at.index(body.len()), &with);
            }
            if let Some(short) = Scanner::records_in(body.as_bytes(), &shards())
                && let Ok(long) = parse(body.as_bytes(), &shards())
            {
                prop_assert_eq!(short, long, "{}", body);
            }
        }
    }
}
