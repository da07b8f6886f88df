//! The aggregated record format of the Kinesis Producer Library (fact sheet, section 9.1).
//!
//! `F3 89 9A C2`, an AggregatedRecord in Protocol Buffers, and the MD5 of its bytes. Partition keys and explicit hash keys
//! stand in tables, and each record names its own by their places there.

use std::collections::HashMap;

use bytes::{BufMut, Bytes, BytesMut};
use md5::{Digest, Md5};
use prost::Message;

/// First bytes of an aggregate.
const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];
const MD5_BYTES: usize = 16;
/// Bytes of an aggregate without any record.
pub const OVERHEAD: u64 = (MAGIC.len() + MD5_BYTES) as u64;

#[derive(Clone, PartialEq, Message)]
struct AggregatedRecord {
    #[prost(string, repeated, tag = "1")]
    partition_key_table: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    explicit_hash_key_table: Vec<String>,
    #[prost(message, repeated, tag = "3")]
    records: Vec<Record>,
}

#[derive(Clone, PartialEq, Message)]
struct Record {
    #[prost(uint64, required, tag = "1")]
    partition_key_index: u64,
    #[prost(uint64, optional, tag = "2")]
    explicit_hash_key_index: Option<u64>,
    #[prost(bytes = "bytes", required, tag = "3")]
    data: Bytes,
    #[prost(message, repeated, tag = "4")]
    tags: Vec<Tag>,
}

#[derive(Clone, PartialEq, Message)]
struct Tag {
    #[prost(string, required, tag = "1")]
    key: String,
    #[prost(string, optional, tag = "2")]
    value: Option<String>,
}

/// A record of an aggregate, as its producer put it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// Its partition key.
    pub partition_key: String,
    /// Its explicit hash key, if it has one.
    pub explicit_hash_key: Option<String>,
    /// Its data blob.
    pub data: Bytes,
}

/// The most bytes that a record adds to an aggregate: its key in the table, its explicit hash key if it has one, its data, and what
/// frames them.
pub const fn record_size(key: usize, explicit_hash_key: bool, data: usize) -> u64 {
    let key_entry = 1 + varint(key as u64) + key as u64;
    // The place of a key: a tag, and three bytes at most of a varint for up to two million keys. A hash key has 39 digits at most.
    let (hash_key_entry, hash_key_place) = if explicit_hash_key { (1 + 1 + HASH_KEY_DIGITS, 1 + 3) } else { (0, 0) };
    let record = 1 + 3 + hash_key_place + 1 + varint(data as u64) + data as u64;
    key_entry + hash_key_entry + 1 + varint(record) + record
}

/// Digits of the highest hash key, 2^128 - 1.
const HASH_KEY_DIGITS: u64 = 39;

/// Bytes of a number as a varint.
const fn varint(number: u64) -> u64 {
    let bits = 64 - (number | 1).leading_zeros() as u64;
    bits.div_ceil(7)
}

/// The aggregate of these partition keys, explicit hash keys and data blobs, in their order.
pub fn encode<'r>(records: impl Iterator<Item = (&'r str, Option<u128>, &'r [u8])>) -> Bytes {
    let mut places: HashMap<&str, u64> = HashMap::new();
    let mut hash_keys: HashMap<u128, u64> = HashMap::new();
    let mut aggregate = AggregatedRecord::default();
    for (key, hash_key, data) in records {
        let next = places.len() as u64;
        let place = *places.entry(key).or_insert(next);
        if place == next {
            aggregate.partition_key_table.push(key.to_owned());
        }
        let table = &mut aggregate.explicit_hash_key_table;
        let hash_key_place = hash_key.map(|hash_key| {
            *hash_keys.entry(hash_key).or_insert_with(|| {
                table.push(hash_key.to_string());
                table.len() as u64 - 1
            })
        });
        aggregate.records.push(Record {
            partition_key_index: place,
            explicit_hash_key_index: hash_key_place,
            data: Bytes::copy_from_slice(data),
            tags: Vec::new(),
        });
    }
    let mut blob = BytesMut::with_capacity(aggregate.encoded_len() + OVERHEAD as usize);
    blob.put_slice(&MAGIC);
    blob.put_slice(&aggregate.encode_to_vec());
    let digest = Md5::digest(&blob[MAGIC.len()..]);
    blob.put_slice(&digest);
    blob.freeze()
}

/// Whether a blob that [`decode`] takes for a record as it stands was an aggregate once: it has its magic.
pub fn is_damaged(blob: &[u8]) -> bool {
    blob.starts_with(&MAGIC)
}

/// The records of an aggregate; `None` if the blob is not one, and so a record as it stands.
///
/// An aggregate begins with its magic, ends with the MD5 of what is between, and names only keys that are in its tables.
pub fn decode(blob: &[u8]) -> Option<Vec<UserRecord>> {
    let body = blob.strip_prefix(&MAGIC)?;
    let (message, digest) = body.split_at_checked(body.len().checked_sub(MD5_BYTES)?)?;
    if Md5::digest(message).as_slice() != digest {
        return None;
    }
    let aggregate = AggregatedRecord::decode(message).ok()?;
    let place = |table: &[String], index: u64| table.get(usize::try_from(index).ok()?).cloned();
    let user_record = |record: Record| {
        Some(UserRecord {
            partition_key: place(&aggregate.partition_key_table, record.partition_key_index)?,
            explicit_hash_key: match record.explicit_hash_key_index {
                Some(index) => Some(place(&aggregate.explicit_hash_key_table, index)?),
                None => None,
            },
            data: record.data,
        })
    };
    aggregate.records.into_iter().map(user_record).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_format() {
        let blob = encode([("a", None, &b"x"[..]), ("b", None, b"yz"), ("a", None, b"")].into_iter());
        let message = [
            &b"\x0a\x01a\x0a\x01b"[..],
            b"\x1a\x05\x08\x00\x1a\x01x",
            b"\x1a\x06\x08\x01\x1a\x02yz",
            b"\x1a\x04\x08\x00\x1a\x00",
        ]
        .concat();
        assert_eq!(blob[..4], MAGIC);
        assert_eq!(blob[4..blob.len() - 16], message);
        assert_eq!(blob[blob.len() - 16..], Md5::digest(&message)[..]);
    }

    #[test]
    fn explicit_hash_keys_have_a_table_of_their_own() {
        let records = [("a", Some(7), &b"x"[..]), ("b", None, b"y"), ("b", Some(u128::MAX), b""), ("c", Some(7), b"z")];
        let blob = encode(records.into_iter());
        let message = [
            &b"\x0a\x01a\x0a\x01b\x0a\x01c"[..],
            b"\x12\x017\x12\x27340282366920938463463374607431768211455",
            b"\x1a\x07\x08\x00\x10\x00\x1a\x01x",
            b"\x1a\x05\x08\x01\x1a\x01y",
            b"\x1a\x06\x08\x01\x10\x01\x1a\x00",
            b"\x1a\x07\x08\x02\x10\x00\x1a\x01z",
        ]
        .concat();
        assert_eq!(blob[4..blob.len() - 16], message);
        let unpacked: Vec<Option<u128>> =
            decode(&blob).unwrap().into_iter().map(|r| r.explicit_hash_key.map(|key| key.parse().unwrap())).collect();
        assert_eq!(unpacked, records.map(|(_, hash_key, _)| hash_key));
    }

    #[test]
    fn what_only_looks_like_an_aggregate_is_none() {
        let blob = encode([("a", None, &b"x"[..])].into_iter()).to_vec();
        assert!(decode(&blob).is_some());
        for at in 0..blob.len() {
            let mut changed = blob.clone();
            changed[at] ^= 1;
            assert_eq!(decode(&changed), None, "byte {at}");
        }
        assert_eq!(decode(&blob[..blob.len() - 1]), None);
        assert_eq!((decode(b""), decode(&MAGIC)), (None, None));
    }

    #[test]
    fn a_key_that_is_in_no_table_makes_it_none() {
        let record = Record { partition_key_index: 1, ..Record::default() };
        let aggregate =
            AggregatedRecord { partition_key_table: vec!["a".into()], records: vec![record], ..Default::default() };
        let message = aggregate.encode_to_vec();
        let blob = [&MAGIC[..], &message, &Md5::digest(&message)].concat();
        assert_eq!(decode(&blob), None);
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked_and_no_larger_than_foreseen(
            records in prop::collection::vec(
                ("[a-z]{1,20}", any::<Option<u128>>(), prop::collection::vec(any::<u8>(), 0..300)), 1..50),
        ) {
            let blob = encode(records.iter().map(|(key, hash_key, data)| (key.as_str(), *hash_key, data.as_slice())));
            let size = |(key, hash_key, data): &(String, Option<u128>, Vec<u8>)| {
                record_size(key.len(), hash_key.is_some(), data.len())
            };
            let foreseen: u64 = records.iter().map(size).sum();
            prop_assert!(blob.len() as u64 <= OVERHEAD + foreseen);
            let unpacked: Vec<(String, Option<u128>, Vec<u8>)> = decode(&blob)
                .unwrap()
                .into_iter()
                .map(|r| (r.partition_key, r.explicit_hash_key.map(|key| key.parse().unwrap()), r.data.to_vec()))
                .collect();
            prop_assert_eq!(unpacked, records);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            prop_assert!(decode(&bytes).is_none());
            let message = [&MAGIC[..], &bytes, &Md5::digest(&bytes)].concat();
            let _ = decode(&message);
        }
    }
}
