//! The opaque strings that callers hand back: shard iterators and the next-token of ListShards.
//!
//! Like those of the service (fact sheet, section 1.3), a token is base64, starts with the bytes 00 00 00 00 00 00 00
//! 01 and goes on in blocks of 16 bytes. The CRC32C inside guards against garbage, not against forgery.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf, BufMut};

use crate::kinesis::{IteratorToken, ShardId};
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
    ShardList = 2,
}

/// Where the next page of ListShards starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShardListToken {
    /// The stream whose shards are listed.
    pub stream: String,
    /// The last shard of the page before.
    pub after: ShardId,
}

/// The string for a shard iterator; at most 512 characters, since a stream name has at most 128 bytes.
pub(super) fn encode_iterator(token: &IteratorToken) -> String {
    let mut fields = Vec::with_capacity(192);
    for number in [token.serial, token.offset, token.reader, token.issued.as_nanos()] {
        fields.put_u64(number);
    }
    fields.put_u32(token.shard.0);
    seal(Purpose::ShardIterator, fields, &token.stream)
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
    Some(IteratorToken { stream: read_name(fields)?, shard, offset, reader, serial, issued })
}

/// The string for the next page of ListShards.
pub(super) fn encode_shard_list(token: &ShardListToken) -> String {
    let mut fields = Vec::with_capacity(192);
    fields.put_u32(token.after.0);
    seal(Purpose::ShardList, fields, &token.stream)
}

/// The page that `text` stands for; `None` if this emulator did not write it.
pub(super) fn decode_shard_list(text: &str) -> Option<ShardListToken> {
    let bytes = open(Purpose::ShardList, text)?;
    let mut fields = bytes.as_slice();
    let after = ShardId(fields.try_get_u32().ok()?);
    Some(ShardListToken { stream: read_name(fields)?, after })
}

/// Layout: prefix, CRC32C of all that follows it, purpose, fields, length of the name (u16), name, zeros.
fn seal(purpose: Purpose, fields: Vec<u8>, name: &str) -> String {
    let mut body = vec![purpose as u8];
    body.extend_from_slice(&fields);
    // A validated name has at most 128 bytes.
    body.put_u16(u16::try_from(name.len()).unwrap_or(u16::MAX));
    body.extend_from_slice(name.as_bytes());
    let padded = (CHECKSUM_BYTES + body.len()).next_multiple_of(BLOCK_BYTES);
    body.resize(padded - CHECKSUM_BYTES, 0);

    let mut bytes = Vec::with_capacity(PREFIX_BYTES + padded);
    bytes.put_u64(PREFIX);
    bytes.put_u32(crc32c::crc32c(&body));
    bytes.extend_from_slice(&body);
    STANDARD.encode(bytes)
}

/// The bytes after the purpose, if prefix, checksum and purpose are right.
fn open(purpose: Purpose, text: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(text).ok()?;
    let mut rest = bytes.as_slice();
    let prefix = rest.try_get_u64().ok()?;
    let checksum = rest.try_get_u32().ok()?;
    if prefix != PREFIX || checksum != crc32c::crc32c(rest) || rest.try_get_u8().ok()? != purpose as u8 {
        return None;
    }
    Some(rest.to_vec())
}

fn read_name(mut bytes: &[u8]) -> Option<String> {
    let length = usize::from(bytes.try_get_u16().ok()?);
    String::from_utf8(bytes.get(..length)?.to_vec()).ok()
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
        let bytes = STANDARD.decode(&text).unwrap();
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
        let page = ShardListToken { stream: "orders".to_owned(), after: ShardId(4) };
        assert_eq!(decode_shard_list(&encode_shard_list(&page)), Some(page.clone()));
        assert_eq!(decode_iterator(&encode_shard_list(&page)), None);
        assert_eq!(decode_shard_list(&encode_iterator(&token("orders"))), None);
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
        fn a_changed_byte_is_noticed(position in 0usize..64, change in 1u8..) {
            let mut bytes = STANDARD.decode(encode_iterator(&token("orders"))).unwrap();
            let position = position % bytes.len();
            bytes[position] ^= change;
            prop_assert_eq!(decode_iterator(&STANDARD.encode(bytes)), None);
        }

        #[test]
        fn garbage_is_refused(text in ".{0,600}", bytes: Vec<u8>) {
            prop_assert_eq!(decode_iterator(&text), None);
            prop_assert_eq!(decode_iterator(&STANDARD.encode(bytes)), None);
        }
    }
}
