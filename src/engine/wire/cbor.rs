//! PutRecords in CBOR (fact sheet, section 4): data are bytes, without base64.

use aws_sdk_kinesis::error::ErrorMetadata;
use minicbor::data::Type;
use minicbor::decode::Error;
use minicbor::{Decoder, Encoder};

use super::Said;
use crate::client::{Entry, EntryOutcome};
use crate::engine::sdk::ShardMap;
use crate::workload::Payloads;

/// The content type of requests and answers.
pub(super) const CONTENT_TYPE: &str = "application/x-amz-cbor-1.1";

/// The body of the call.
pub(super) fn write(stream: &str, entries: &[Entry], payloads: &Payloads) -> Vec<u8> {
    /// What frames a record, with an explicit hash key and its 39 digits.
    const FRAME: usize = 90;
    let size = |entry: &Entry| entry.data.len() + entry.key.len() + FRAME;
    let body = Vec::with_capacity(entries.iter().map(size).sum::<usize>() + stream.len() + FRAME);
    let mut encoder = Encoder::new(body);
    // Writing into a vector cannot fail.
    let _ = write_call(&mut encoder, stream, entries, payloads);
    encoder.into_writer()
}

fn write_call(
    encoder: &mut Encoder<Vec<u8>>,
    stream: &str,
    entries: &[Entry],
    payloads: &Payloads,
) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
    encoder.map(2)?.str("StreamName")?.str(stream)?.str("Records")?.array(entries.len() as u64)?;
    for entry in entries {
        encoder.map(if entry.explicit_hash_key.is_some() { 3 } else { 2 })?;
        encoder.str("Data")?.bytes_len(entry.data.len() as u64)?;
        payloads.write(&entry.data, encoder.writer_mut());
        if let Some(key) = entry.explicit_hash_key {
            encoder.str("ExplicitHashKey")?.str(itoa::Buffer::new().format(key))?;
        }
        encoder.str("PartitionKey")?.str(&entry.key)?;
    }
    Ok(())
}

/// What became of each record.
pub(super) fn read(body: &[u8], shards: &ShardMap) -> Result<Vec<EntryOutcome>, Error> {
    let mut decoder = Decoder::new(body);
    let mut outcomes = None;
    members(&mut decoder, |decoder, name| {
        if name != "Records" {
            return decoder.skip();
        }
        let length = decoder.array()?;
        let mut read = Vec::new();
        while goes_on(decoder, length, read.len())? {
            let mut said = Said::default();
            members(decoder, |decoder, name| {
                match name {
                    "ShardId" => said.shard = text(decoder)?,
                    "SequenceNumber" => said.sequence = text(decoder)?,
                    "ErrorCode" => said.error = text(decoder)?,
                    _ => decoder.skip()?,
                }
                Ok(())
            })?;
            read.push(said.outcome(shards));
        }
        outcomes = Some(read);
        Ok(())
    })?;
    outcomes.ok_or_else(|| Error::message("the answer has no Records"))
}

/// What an answer that is an error says. One that is not the service's own has no code, as with the SDK.
pub(super) fn error(body: &[u8]) -> ErrorMetadata {
    let mut decoder = Decoder::new(body);
    let (mut code, mut message) = (None, None);
    let read = members(&mut decoder, |decoder, name| {
        match name {
            "__type" => code = text(decoder)?,
            "message" | "Message" => message = text(decoder)?,
            _ => decoder.skip()?,
        }
        Ok(())
    });
    let mut error = ErrorMetadata::builder();
    if let (Ok(()), Some(code)) = (read, code) {
        error = error.code(code);
        if let Some(message) = message {
            error = error.message(message);
        }
    }
    error.build()
}

/// Has each member of a map read by its name.
fn members<'a>(
    decoder: &mut Decoder<'a>,
    mut read: impl FnMut(&mut Decoder<'a>, &'a str) -> Result<(), Error>,
) -> Result<(), Error> {
    let length = decoder.map()?;
    let mut count = 0;
    while goes_on(decoder, length, count)? {
        let name = decoder.str()?;
        read(decoder, name)?;
        count += 1;
    }
    Ok(())
}

/// Whether a list or map has another element after `count` of them.
fn goes_on(decoder: &mut Decoder<'_>, length: Option<u64>, count: usize) -> Result<bool, Error> {
    match length {
        Some(length) => Ok((count as u64) < length),
        None if decoder.datatype()? == Type::Break => decoder.skip().map(|()| false),
        None => Ok(true),
    }
}

/// A text in one piece, or nothing.
fn text<'a>(decoder: &mut Decoder<'a>) -> Result<Option<&'a str>, Error> {
    if decoder.datatype()? == Type::Null {
        return decoder.null().map(|()| None);
    }
    decoder.str().map(Some)
}

// Written with the engine, read with the emulator.
#[cfg(all(test, feature = "emulator"))]
mod tests {
    use super::*;
    use crate::client::{ListedShard, PackedSequence};
    use crate::emulator::wire::{Context, Format, Target, decode};
    use crate::engine::wire::tests::entries;
    use crate::kinesis::{HashKey, HashKeyRange, Operation, Profile, Request, Settings};
    use crate::seed::Seed;
    use crate::time::Time;
    use crate::workload::Filling;

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
    fn a_call_is_written_as_the_service_reads_it() {
        let body = write("orders", &entries(), &Payloads::new(1, Seed(1), Filling::Random));
        let settings = Settings::new(Profile::newest(), Seed(1));
        let context = Context { settings: &settings, now: Time::from_secs(1) };
        let request = decode(Target::Served(Operation::PutRecords), Format::Cbor, body, context).unwrap();
        let Request::PutRecords { stream, entries } = request else { panic!("{request:?}") };
        assert_eq!(stream, "orders");
        let read: Vec<_> =
            entries.iter().map(|e| (e.data.to_vec(), e.partition_key.to_vec(), e.explicit_hash_key)).collect();
        assert_eq!(read[0], (vec![0, 0xff, 0x10], "a\"\\\u{1}é".as_bytes().to_vec(), None));
        assert_eq!(read[1], (Vec::new(), b"b".to_vec(), Some(HashKey(u128::MAX))));
    }

    fn answer(indefinite: bool) -> Vec<u8> {
        let records = [
            [("SequenceNumber", "4954"), ("ShardId", "shardId-000000000001")],
            [("ErrorCode", "ProvisionedThroughputExceededException"), ("ErrorMessage", "Rate exceeded")],
            [("ErrorCode", "InternalFailure"), ("ErrorMessage", "Internal service failure.")],
            [("ShardId", "shardId-000000000007"), ("SequenceNumber", "4955")],
        ];
        let mut encoder = Encoder::new(Vec::new());
        let map = |encoder: &mut Encoder<Vec<u8>>, length| {
            let _ = if indefinite { encoder.begin_map() } else { encoder.map(length) }.unwrap();
        };
        let end = |encoder: &mut Encoder<Vec<u8>>| {
            if indefinite {
                encoder.end().unwrap();
            }
        };
        map(&mut encoder, 2);
        encoder.str("FailedRecordCount").unwrap().u8(2).unwrap().str("Records").unwrap();
        let _ = if indefinite { encoder.begin_array() } else { encoder.array(4) }.unwrap();
        for record in records {
            map(&mut encoder, 2);
            for (name, value) in record {
                encoder.str(name).unwrap().str(value).unwrap();
            }
            end(&mut encoder);
        }
        end(&mut encoder);
        end(&mut encoder);
        encoder.into_writer()
    }

    #[test]
    fn an_answer_says_what_became_of_each_record() {
        let expected = [
            EntryOutcome::Accepted { shard: Some(1), sequence: PackedSequence::new(b"4954") },
            EntryOutcome::Throttled,
            EntryOutcome::InternalFailure,
            EntryOutcome::Accepted { shard: None, sequence: PackedSequence::new(b"4955") },
        ];
        for indefinite in [false, true] {
            assert_eq!(read(&answer(indefinite), &shards()).unwrap(), expected);
        }
    }

    #[test]
    fn an_answer_that_ends_early_or_is_none_is_an_error() {
        for indefinite in [false, true] {
            let whole = answer(indefinite);
            (0..whole.len()).for_each(|end| assert!(read(&whole[..end], &shards()).is_err(), "{end}"));
        }
        assert!(read(b"{}", &shards()).is_err() && read(b"\xa0", &shards()).is_err());
    }

    #[test]
    fn an_error_has_its_code_unless_something_else_answered() {
        let read = error(b"\xa2\x66__type\x65Fault\x67message\x62no");
        assert_eq!((read.code(), read.message()), (Some("Fault"), Some("no")));
        for other in [&b"<html>"[..], b"", b"\xa2\x66__type\x65Fault"] {
            assert_eq!((error(other).code(), error(other).message()), (None, None));
        }
    }
}
