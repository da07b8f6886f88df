//! The short way for PutRecord and PutRecords in JSON: one pass over the body, no tree, data and keys straight into one slab.
//!
//! It takes requests in the usual layout only and refuses none: whatever it does not expect (an escape, another member, a
//! broken constraint, a body that is no JSON) it leaves to the long way, which alone words errors. A test shows that both
//! come to the same result.

use base64_simd::STANDARD;
use bytes::Bytes;
use memchr::memchr2;

use super::Context;
use super::arn;
use super::convert::stream_of;
use crate::kinesis::{HashKey, Operation, PutEntry, Request, SequenceNumber};

/// The constraints of the model that decide here; a test compares them with it.
const RECORDS: usize = 500;
const DATA_BYTES: usize = 10_485_760;
const KEY_BYTES: usize = 256;

/// The request, if it is a put in the usual layout.
pub(super) fn read(operation: Operation, body: &[u8], context: Context<'_>) -> Option<Request> {
    if !matches!(operation, Operation::PutRecord | Operation::PutRecords) {
        return None;
    }
    let mut scanner = Scanner { body, at: 0 };
    // Base64 shrinks by a quarter; keys do not, but the names of members make up for short ones.
    let mut slab = Vec::with_capacity(body.len() / 4 * 3);
    let (envelope, mut records) = match operation {
        Operation::PutRecord => scanner.put_record(&mut slab)?,
        _ => scanner.put_records(&mut slab)?,
    };
    scanner.end()?;
    let stream = envelope.stream(context)?;
    // The slab lives as long as its records.
    if slab.capacity() > slab.len() + slab.len() / 8 {
        slab.shrink_to_fit();
    }
    let slab = Bytes::from(slab);
    if operation == Operation::PutRecord {
        let entry = records.pop()?.entry(&slab);
        return Some(Request::PutRecord { stream, entry, after: envelope.ordering });
    }
    Some(Request::PutRecords { stream, entries: records.iter().map(|record| record.entry(&slab)).collect() })
}

/// What a put says beside its records.
#[derive(Default)]
struct Envelope<'a> {
    name: Option<&'a str>,
    arn: Option<&'a str>,
    ordering: Option<SequenceNumber>,
}

/// Where a record lies in the slab.
#[derive(Default)]
struct Record {
    data: Option<(usize, usize)>,
    key: Option<(usize, usize)>,
    hash_key: Option<HashKey>,
}

impl<'a> Envelope<'a> {
    /// Takes a member that names the stream, if it is one and the first of its name.
    fn take(&mut self, name: &str, scanner: &mut Scanner<'a>) -> Option<()> {
        let member = match name {
            "StreamName" => &mut self.name,
            "StreamARN" => &mut self.arn,
            _ => return None,
        };
        member.is_none().then_some(())?;
        *member = Some(scanner.text()?);
        Some(())
    }

    fn stream(&self, context: Context<'_>) -> Option<String> {
        // A name that is right in an ARN of the right form keeps all constraints of the model.
        if self.name.is_some_and(|name| !arn::is_name(name)) || self.arn.is_some_and(|arn| arn.len() > 2048) {
            return None;
        }
        stream_of(self.name, self.arn, context).ok()?
    }
}

impl Record {
    fn entry(&self, slab: &Bytes) -> PutEntry {
        let slice = |part: Option<(usize, usize)>| part.map_or_else(Bytes::new, |(start, end)| slab.slice(start..end));
        PutEntry { data: slice(self.data), partition_key: slice(self.key), explicit_hash_key: self.hash_key }
    }
}

/// A place in a body.
struct Scanner<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn put_record(&mut self, slab: &mut Vec<u8>) -> Option<(Envelope<'a>, Vec<Record>)> {
        let mut envelope = Envelope::default();
        let record = self.record(slab, Some(&mut envelope))?;
        Some((envelope, vec![record]))
    }

    fn put_records(&mut self, slab: &mut Vec<u8>) -> Option<(Envelope<'a>, Vec<Record>)> {
        let mut envelope = Envelope::default();
        let mut records: Option<Vec<Record>> = None;
        self.token(b'{')?;
        loop {
            match self.name()? {
                "Records" if records.is_none() => records = Some(self.records(slab)?),
                name => envelope.take(name, self)?,
            }
            if !self.goes_on(b'}')? {
                return Some((envelope, records?));
            }
        }
    }

    fn records(&mut self, slab: &mut Vec<u8>) -> Option<Vec<Record>> {
        let mut records = Vec::with_capacity(RECORDS);
        self.token(b'[')?;
        loop {
            if records.len() == RECORDS {
                return None;
            }
            records.push(self.record(slab, None)?);
            if !self.goes_on(b']')? {
                return Some(records);
            }
        }
    }

    /// The object of one record, and with it what else PutRecord says.
    fn record(&mut self, slab: &mut Vec<u8>, mut envelope: Option<&mut Envelope<'a>>) -> Option<Record> {
        let mut record = Record::default();
        self.token(b'{')?;
        loop {
            match (self.name()?, &mut envelope) {
                ("Data", _) if record.data.is_none() => record.data = Some(self.data(slab)?),
                ("PartitionKey", _) if record.key.is_none() => record.key = Some(self.key(slab)?),
                ("ExplicitHashKey", _) if record.hash_key.is_none() => {
                    record.hash_key = Some(self.text()?.parse().ok()?);
                }
                ("SequenceNumberForOrdering", Some(envelope)) if envelope.ordering.is_none() => {
                    envelope.ordering = Some(self.text()?.parse().ok()?);
                }
                (name, Some(envelope)) => envelope.take(name, self)?,
                _ => return None,
            }
            if !self.goes_on(b'}')? {
                record.data?;
                return Some(record);
            }
        }
    }

    fn data(&mut self, slab: &mut Vec<u8>) -> Option<(usize, usize)> {
        let text = self.raw()?;
        let start = slab.len();
        // The decoder reserves exactly what it needs, each time anew.
        slab.reserve(STANDARD.estimated_decoded_length(text.len()));
        STANDARD.decode_append(text, slab).ok()?;
        (slab.len() - start <= DATA_BYTES).then_some((start, slab.len()))
    }

    fn key(&mut self, slab: &mut Vec<u8>) -> Option<(usize, usize)> {
        let key = self.text()?;
        let start = slab.len();
        // So few bytes are never too many characters.
        if key.is_empty() || key.len() > KEY_BYTES {
            return None;
        }
        slab.extend_from_slice(key.as_bytes());
        Some((start, slab.len()))
    }

    /// The name of a member, and the colon after it.
    fn name(&mut self) -> Option<&'a str> {
        let name = self.text()?;
        self.token(b':')?;
        Some(name)
    }

    /// A string without escapes.
    fn text(&mut self) -> Option<&'a str> {
        let raw = self.raw()?;
        if raw.iter().any(|byte| *byte < b' ') {
            return None;
        }
        std::str::from_utf8(raw).ok()
    }

    /// What stands between two quotes, without escapes.
    fn raw(&mut self) -> Option<&'a [u8]> {
        self.token(b'"')?;
        let rest = self.body.get(self.at..)?;
        let end = memchr2(b'"', b'\\', rest)?;
        if rest[end] == b'\\' {
            return None;
        }
        self.at += end + 1;
        Some(&rest[..end])
    }

    /// Whether a comma comes next, and not the end of the object or list.
    fn goes_on(&mut self, close: u8) -> Option<bool> {
        let next = self.next()?;
        if next == close { Some(false) } else { (next == b',').then_some(true) }
    }

    fn token(&mut self, expected: u8) -> Option<()> {
        (self.next()? == expected).then_some(())
    }

    /// The next byte that is no white space.
    fn next(&mut self) -> Option<u8> {
        loop {
            let byte = *self.body.get(self.at)?;
            self.at += 1;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
        }
    }

    /// Nothing may come any more.
    fn end(&mut self) -> Option<()> {
        self.next().is_none().then_some(())
    }
}
