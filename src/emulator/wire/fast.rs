//! The short way for PutRecord and PutRecords in JSON: one pass over the body, no tree, and data is decoded where it stands.
//!
//! It takes requests in the usual layout only and refuses none: whatever it does not expect (an escape, another member, a
//! broken constraint, a body that is no JSON) it leaves to the long way, which alone words errors. A test shows that both
//! come to the same result.

use std::ops::Range;

use base64_simd::STANDARD;
use bytes::Bytes;
use memchr::memchr2;

use super::arn;
use super::convert::stream_of;
use super::{Body, Context, Fault};
use crate::kinesis::{HashKey, Operation, PutEntry, Request, SequenceNumber};

/// The constraints of the model that decide here; a test compares them with it.
const RECORDS: usize = 500;
const DATA_BYTES: usize = 10_485_760;
const KEY_BYTES: usize = 256;

/// The put that the body asks for, if it does so in the usual layout.
pub(super) fn read(operation: Operation, body: &[u8], context: Context<'_>) -> Option<Put> {
    let mut scanner = Scanner { body, at: 0 };
    let (envelope, records) = match operation {
        Operation::PutRecord => scanner.put_record()?,
        Operation::PutRecords => scanner.put_records()?,
        _ => return None,
    };
    scanner.end()?;
    Some(Put { operation, stream: envelope.stream(context)?, ordering: envelope.ordering, records })
}

/// A put whose records are still in the body.
pub(super) struct Put {
    operation: Operation,
    stream: String,
    ordering: Option<SequenceNumber>,
    records: Vec<Record>,
}

impl Put {
    /// The request. Its records share the memory of the body.
    pub fn request(self, mut body: impl Body) -> Result<Request, Fault> {
        let mut records = self.records;
        for record in &mut records {
            let text = body.as_mut().get_mut(record.data.clone()).unwrap_or_default();
            // The scanner has checked it.
            let data = STANDARD.decode_inplace(text).map_err(|_| Fault::serialization("Data is not base64."))?;
            record.data.end = record.data.start + data.len();
        }
        let body = Bytes::from_owner(body);
        let mut entries = records.into_iter().map(|record| record.entry(&body));
        match self.operation {
            Operation::PutRecord => {
                let entry = entries.next().ok_or_else(|| Fault::serialization("Expected null"))?;
                Ok(Request::PutRecord { stream: self.stream, entry, after: self.ordering })
            }
            _ => Ok(Request::PutRecords { stream: self.stream, entries: entries.collect() }),
        }
    }
}

/// What a put says beside its records.
#[derive(Default)]
struct Envelope<'a> {
    name: Option<&'a str>,
    arn: Option<&'a str>,
    ordering: Option<SequenceNumber>,
}

/// Where a record stands in the body.
struct Record {
    /// In base64; from its first to its last character, and once it is decoded, its bytes.
    data: Range<usize>,
    key: Range<usize>,
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
    fn entry(self, body: &Bytes) -> PutEntry {
        let (data, partition_key) = (body.slice(self.data), body.slice(self.key));
        PutEntry { data, padding: 0, partition_key, explicit_hash_key: self.hash_key }
    }
}

/// A place in a body.
struct Scanner<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn put_record(&mut self) -> Option<(Envelope<'a>, Vec<Record>)> {
        let mut envelope = Envelope::default();
        let record = self.record(Some(&mut envelope))?;
        Some((envelope, vec![record]))
    }

    fn put_records(&mut self) -> Option<(Envelope<'a>, Vec<Record>)> {
        let mut envelope = Envelope::default();
        let mut records: Option<Vec<Record>> = None;
        self.token(b'{')?;
        loop {
            match self.name()? {
                "Records" if records.is_none() => records = Some(self.records()?),
                name => envelope.take(name, self)?,
            }
            if !self.goes_on(b'}')? {
                return Some((envelope, records?));
            }
        }
    }

    fn records(&mut self) -> Option<Vec<Record>> {
        let mut records = Vec::with_capacity(RECORDS);
        self.token(b'[')?;
        loop {
            if records.len() == RECORDS {
                return None;
            }
            records.push(self.record(None)?);
            if !self.goes_on(b']')? {
                return Some(records);
            }
        }
    }

    /// The object of one record, and with it what else PutRecord says.
    fn record(&mut self, mut envelope: Option<&mut Envelope<'a>>) -> Option<Record> {
        let (mut data, mut key, mut hash_key) = (None, None, None);
        self.token(b'{')?;
        loop {
            match (self.name()?, &mut envelope) {
                ("Data", _) if data.is_none() => data = Some(self.data()?),
                ("PartitionKey", _) if key.is_none() => key = Some(self.key()?),
                ("ExplicitHashKey", _) if hash_key.is_none() => hash_key = Some(self.text()?.parse().ok()?),
                ("SequenceNumberForOrdering", Some(envelope)) if envelope.ordering.is_none() => {
                    envelope.ordering = Some(self.text()?.parse().ok()?);
                }
                (name, Some(envelope)) => envelope.take(name, self)?,
                _ => return None,
            }
            if !self.goes_on(b'}')? {
                return Some(Record { data: data?, key: key.unwrap_or_default(), hash_key });
            }
        }
    }

    fn data(&mut self) -> Option<Range<usize>> {
        let text = self.raw()?;
        STANDARD.check(text).ok()?;
        (STANDARD.decoded_length(text).ok()? <= DATA_BYTES).then(|| self.place(text))
    }

    fn key(&mut self) -> Option<Range<usize>> {
        let key = self.text()?;
        // So few bytes are never too many characters.
        (1..=KEY_BYTES).contains(&key.len()).then(|| self.place(key.as_bytes()))
    }

    /// Where the string stands that was read last.
    fn place(&self, text: &[u8]) -> Range<usize> {
        let end = self.at - 1;
        end - text.len()..end
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
