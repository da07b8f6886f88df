//! The opaque strings that callers hand back: shard iterators and the next-tokens of listings.
//!
//! Like those of the service (fact sheet, section 1.3), a token is base64, starts with the bytes 00 00 00 00 00 00 00
//! 01 and goes on in blocks of 16 bytes. The CRC32C inside guards against garbage, not against forgery.

use base64_simd::STANDARD;
use bytes::{Buf, BufMut};

use crate::kinesis::{IteratorToken, ShardFilter, ShardId};
use crate::time::Time;

const PREFIX: u64 = 1;
const PREFIX_BYTES: usize = 8;
const CHECKSUM_BYTES: usize = 4;
const BLOCK_BYTES: usize = 16;

/// Which string it is: one must not pass for the other.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Purpose {
    ShardIterator = 1,
    Shards = 2,
    Streams = 3,
    Consumers = 4,
}

/// Where the next page of ListShards starts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ShardToken {
    /// The stream whose shards are listed.
    pub stream: String,
    /// Which of them.
    pub filter: ShardFilter,
    /// The last shard of the page before.
    pub after: ShardId,
    /// When the token was handed out.
    pub issued: Time,
}

/// Where the next page of ListStreams or ListStreamConsumers starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NameToken {
    /// The stream whose consumers are listed; empty for streams.
    pub stream: String,
    /// The last name of the page before.
    pub after: String,
    /// When the token was handed out.
    pub issued: Time,
}

/// The string for a shard iterator; at most 512 characters, since a stream name has at most 128 bytes.
pub(super) fn encode_iterator(token: &IteratorToken) -> String {
    let mut fields = Vec::with_capacity(192);
    for number in [token.serial, token.offset, token.reader, token.issued.as_nanos()] {
        fields.put_u64(number);
    }
    fields.put_u32(token.shard.0);
    put_name(&mut fields, &token.stream);
    seal(Purpose::ShardIterator, &fields)
}

/// The shard iterator that `text` stands for; `None` if this emulator did not write it.
///
/// Double quotes around it are allowed, since a shell pipeline easily leaves them there.
pub(super) fn decode_iterator(text: &str) -> Option<IteratorToken> {
    let text = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let bytes = open(Purpose::ShardIterator, text)?;
    let mut fields = bytes.as_slice();
    let serial = fields.try_get_u64().ok()?;
    let offset = fields.try_get_u64().ok()?;
    let reader = fields.try_get_u64().ok()?;
    let issued = Time::from_nanos(fields.try_get_u64().ok()?);
    let shard = ShardId(fields.try_get_u32().ok()?);
    Some(IteratorToken { stream: get_name(&mut fields)?, shard, offset, reader, serial, issued })
}

/// The string for the next page of ListShards.
pub(super) fn encode_shards(token: &ShardToken) -> String {
    let (kind, argument) = match token.filter {
        ShardFilter::AfterShardId(shard) => (0, u64::from(shard.0)),
        ShardFilter::AtTrimHorizon => (1, 0),
        ShardFilter::FromTrimHorizon => (2, 0),
        ShardFilter::AtLatest => (3, 0),
        ShardFilter::AtTimestamp(time) => (4, time.as_nanos()),
        ShardFilter::FromTimestamp(time) => (5, time.as_nanos()),
    };
    let mut fields = Vec::with_capacity(192);
    fields.put_u64(token.issued.as_nanos());
    fields.put_u32(token.after.0);
    fields.put_u8(kind);
    fields.put_u64(argument);
    put_name(&mut fields, &token.stream);
    seal(Purpose::Shards, &fields)
}

/// The page that `text` stands for; `None` if this emulator did not write it.
pub(super) fn decode_shards(text: &str) -> Option<ShardToken> {
    let bytes = open(Purpose::Shards, text)?;
    let mut fields = bytes.as_slice();
    let issued = Time::from_nanos(fields.try_get_u64().ok()?);
    let after = ShardId(fields.try_get_u32().ok()?);
    let (kind, argument) = (fields.try_get_u8().ok()?, fields.try_get_u64().ok()?);
    let filter = match kind {
        0 => ShardFilter::AfterShardId(ShardId(u32::try_from(argument).ok()?)),
        1 => ShardFilter::AtTrimHorizon,
        2 => ShardFilter::FromTrimHorizon,
        3 => ShardFilter::AtLatest,
        4 => ShardFilter::AtTimestamp(Time::from_nanos(argument)),
        5 => ShardFilter::FromTimestamp(Time::from_nanos(argument)),
        _ => return None,
    };
    Some(ShardToken { stream: get_name(&mut fields)?, filter, after, issued })
}

/// The string for the next page of ListStreams.
pub(super) fn encode_streams(token: &NameToken) -> String {
    encode_names(Purpose::Streams, token)
}

/// The page of ListStreams that `text` stands for.
pub(super) fn decode_streams(text: &str) -> Option<NameToken> {
    decode_names(Purpose::Streams, text)
}

/// The string for the next page of ListStreamConsumers.
pub(super) fn encode_consumers(token: &NameToken) -> String {
    encode_names(Purpose::Consumers, token)
}

/// The page of ListStreamConsumers that `text` stands for.
pub(super) fn decode_consumers(text: &str) -> Option<NameToken> {
    decode_names(Purpose::Consumers, text)
}

fn encode_names(purpose: Purpose, token: &NameToken) -> String {
    let mut fields = Vec::with_capacity(288);
    fields.put_u64(token.issued.as_nanos());
    put_name(&mut fields, &token.stream);
    put_name(&mut fields, &token.after);
    seal(purpose, &fields)
}

fn decode_names(purpose: Purpose, text: &str) -> Option<NameToken> {
    let bytes = open(purpose, text)?;
    let mut fields = bytes.as_slice();
    let issued = Time::from_nanos(fields.try_get_u64().ok()?);
    Some(NameToken { stream: get_name(&mut fields)?, after: get_name(&mut fields)?, issued })
}

/// Layout: prefix, CRC32C of all that follows it, purpose, fields, zeros.
fn seal(purpose: Purpose, fields: &[u8]) -> String {
    let padded = (CHECKSUM_BYTES + 1 + fields.len()).next_multiple_of(BLOCK_BYTES);
    let mut bytes = Vec::with_capacity(PREFIX_BYTES + padded);
    bytes.put_u64(PREFIX);
    bytes.put_u32(0);
    bytes.put_u8(purpose as u8);
    bytes.extend_from_slice(fields);
    bytes.resize(PREFIX_BYTES + padded, 0);
    let (head, body) = bytes.split_at_mut(PREFIX_BYTES + CHECKSUM_BYTES);
    head[PREFIX_BYTES..].copy_from_slice(&crc32c::crc32c(body).to_be_bytes());
    STANDARD.encode_to_string(bytes)
}

/// The fields and the zeros after them.
fn open(purpose: Purpose, text: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode_to_vec(text).ok()?;
    let mut rest = bytes.as_slice();
    if rest.try_get_u64().ok()? != PREFIX {
        return None;
    }
    let checksum = rest.try_get_u32().ok()?;
    if checksum != crc32c::crc32c(rest) || rest.try_get_u8().ok()? != purpose as u8 {
        return None;
    }
    Some(rest.to_vec())
}

fn put_name(fields: &mut Vec<u8>, name: &str) {
    // A validated name has at most 128 bytes.
    fields.put_u16(u16::try_from(name.len()).unwrap_or(u16::MAX));
    fields.extend_from_slice(name.as_bytes());
}

fn get_name(fields: &mut &[u8]) -> Option<String> {
    let length = usize::from(fields.try_get_u16().ok()?);
    let (name, rest) = fields.split_at_checked(length)?;
    *fields = rest;
    String::from_utf8(name.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(stream: &str) -> IteratorToken {
        IteratorToken {
            stream: stream.to_owned(),
            shard: ShardId(7),
            offset: 1 << 40,
            reader: 3,
            serial: 99,
            issued: Time::from_secs(12),
        }
    }

    #[test]
    fn an_iterator_looks_like_one_of_the_service() {
        let text = encode_iterator(&token(&"n".repeat(128)));
        assert!(text.len() < 512, "{}", text.len());
        let bytes = STANDARD.decode_to_vec(&text).unwrap();
        assert_eq!(bytes[..8], [0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!((bytes.len() - 8) % 16, 0);
    }

    #[test]
    fn quotes_around_an_iterator_are_ignored() {
        let text = encode_iterator(&token("orders"));
        assert_eq!(decode_iterator(&format!("\"{text}\"")), Some(token("orders")));
        assert_eq!(decode_iterator(&format!("\"{text}")), None);
    }

    #[test]
    fn one_kind_of_token_does_not_pass_for_the_other() {
        let page = NameToken { stream: "orders".to_owned(), after: "billing".to_owned(), issued: Time::from_secs(1) };
        assert_eq!(decode_consumers(&encode_consumers(&page)), Some(page.clone()));
        assert_eq!(decode_streams(&encode_streams(&page)), Some(page.clone()));
        assert_eq!(decode_streams(&encode_consumers(&page)), None);
        assert_eq!(decode_iterator(&encode_consumers(&page)), None);
        assert_eq!(decode_shards(&encode_iterator(&token("orders"))), None);
    }

    proptest! {
        #[test]
        fn writing_and_reading_agree(
            stream in "[a-zA-Z0-9_.-]{1,128}", shard: u32, offset: u64, reader: u64, serial: u64, issued: u64,
        ) {
            let issued = Time::from_nanos(issued);
            let token = IteratorToken { stream, shard: ShardId(shard), offset, reader, serial, issued };
            prop_assert_eq!(decode_iterator(&encode_iterator(&token)), Some(token));
        }

        #[test]
        fn writing_and_reading_pages_agree(
            stream in "[a-zA-Z0-9_.-]{1,128}", kind in 0u8..6, at: u64, shard: u32, after: u32, issued: u64,
        ) {
            let filter = match kind {
                0 => ShardFilter::AfterShardId(ShardId(shard)),
                1 => ShardFilter::AtTrimHorizon,
                2 => ShardFilter::FromTrimHorizon,
                3 => ShardFilter::AtLatest,
                4 => ShardFilter::AtTimestamp(Time::from_nanos(at)),
                _ => ShardFilter::FromTimestamp(Time::from_nanos(at)),
            };
            let token = ShardToken { stream, filter, after: ShardId(after), issued: Time::from_nanos(issued) };
            prop_assert_eq!(decode_shards(&encode_shards(&token)), Some(token));
        }

        #[test]
        fn a_changed_byte_is_noticed(position in 0usize..64, change in 1u8..) {
            let mut bytes = STANDARD.decode_to_vec(encode_iterator(&token("orders"))).unwrap();
            let position = position % bytes.len();
            bytes[position] ^= change;
            prop_assert_eq!(decode_iterator(&STANDARD.encode_to_string(bytes)), None);
        }

        #[test]
        fn garbage_is_refused(text in ".{0,600}", bytes: Vec<u8>) {
            prop_assert_eq!(decode_iterator(&text), None);
            prop_assert_eq!(decode_shards(&text), None);
            prop_assert_eq!(decode_consumers(&text), None);
            prop_assert_eq!(decode_iterator(&STANDARD.encode_to_string(bytes)), None);
        }
    }
}
