//! Writes the same answer as JSON or as CBOR, straight into one buffer (fact sheet, section 4).

use base64_simd::STANDARD;

use super::Format;

/// CBOR's major types, at their place in the first byte.
const UNSIGNED: u8 = 0 << 5;
const BYTES: u8 = 2 << 5;
const TEXT: u8 = 3 << 5;
const TAG: u8 = 6 << 5;
/// Lists and maps of indefinite length, as the service's own Java writes them, and their end.
const LIST: u8 = 0x9f;
const MAP: u8 = 0xbf;
const BREAK: u8 = 0xff;
/// The tag of moments.
const MOMENT: u64 = 1;

/// The body of an answer as it grows.
#[derive(Debug)]
pub(super) struct Writer {
    format: Format,
    out: Vec<u8>,
    /// Whether a comma goes before the next member.
    separate: bool,
}

impl Writer {
    /// An empty body that has room for `capacity` bytes.
    pub fn new(format: Format, capacity: usize) -> Self {
        Self { format, out: Vec::with_capacity(capacity), separate: false }
    }

    /// The body.
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    /// An object of the members that `write` writes.
    pub fn object(&mut self, write: impl FnOnce(&mut Self)) {
        self.enclosed((b'{', b'}'), MAP, write);
    }

    /// A list of what `write` writes for each item.
    pub fn list<T>(&mut self, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Self, T)) {
        self.enclosed((b'[', b']'), LIST, |w| {
            for item in items {
                w.comma();
                write(w, item);
            }
        });
    }

    /// The name of a member, one of the API's; its value comes next.
    pub fn name(&mut self, name: &str) -> &mut Self {
        match self.format {
            Format::Json => {
                self.comma();
                self.out.push(b'"');
                self.out.extend_from_slice(name.as_bytes());
                self.out.extend_from_slice(b"\":");
            }
            Format::Cbor => self.text(name),
        }
        self
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        match self.format {
            Format::Json if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') => {
                // Writing into a vector cannot fail.
                let _ = serde_json::to_writer(&mut self.out, text);
                self.separate = true;
            }
            _ => self.plain(text.as_bytes()),
        }
    }

    /// A text that needs no escape, as UTF-8: shard ids and sequence numbers are always such.
    pub fn plain(&mut self, text: &[u8]) {
        match self.format {
            Format::Json => {
                self.out.push(b'"');
                self.out.extend_from_slice(text);
                self.out.push(b'"');
            }
            Format::Cbor => {
                self.head(TEXT, text.len() as u64);
                self.out.extend_from_slice(text);
            }
        }
        self.separate = true;
    }

    /// A whole number.
    pub fn number(&mut self, number: impl Into<u64>) {
        let number = number.into();
        match self.format {
            Format::Json => {
                self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            }
            Format::Cbor => self.head(UNSIGNED, number),
        }
        self.separate = true;
    }

    /// Yes or no.
    pub fn boolean(&mut self, value: bool) {
        match (self.format, value) {
            (Format::Json, true) => self.out.extend_from_slice(b"true"),
            (Format::Json, false) => self.out.extend_from_slice(b"false"),
            (Format::Cbor, value) => self.out.push(0xf4 | u8::from(value)),
        }
        self.separate = true;
    }

    /// A blob: base64 in JSON, its bytes in CBOR.
    pub fn blob(&mut self, blob: &[u8]) {
        match self.format {
            Format::Json => {
                self.out.reserve(STANDARD.encoded_length(blob.len()) + 2);
                self.out.push(b'"');
                STANDARD.encode_append(blob, &mut self.out);
                self.out.push(b'"');
            }
            Format::Cbor => {
                self.head(BYTES, blob.len() as u64);
                self.out.extend_from_slice(blob);
            }
        }
        self.separate = true;
    }

    /// A moment by its milliseconds since 1970: seconds with three decimals in JSON, whole milliseconds in CBOR.
    pub fn moment(&mut self, millis: u64) {
        match self.format {
            Format::Json => {
                self.out.extend_from_slice(itoa::Buffer::new().format(millis / 1000).as_bytes());
                let digit = |of: u64| b'0' + (millis / of % 10) as u8;
                self.out.extend_from_slice(&[b'.', digit(100), digit(10), digit(1)]);
            }
            Format::Cbor => {
                self.head(TAG, MOMENT);
                self.head(UNSIGNED, millis);
            }
        }
        self.separate = true;
    }

    fn enclosed(&mut self, json: (u8, u8), cbor: u8, write: impl FnOnce(&mut Self)) {
        let (open, close) = if self.format == Format::Json { json } else { (cbor, BREAK) };
        self.out.push(open);
        self.separate = false;
        write(self);
        self.out.push(close);
        self.separate = true;
    }

    fn comma(&mut self) {
        if self.separate && self.format == Format::Json {
            self.out.push(b',');
        }
        self.separate = false;
    }

    /// The head of a CBOR item, as short as it can be.
    fn head(&mut self, major: u8, number: u64) {
        let bytes = number.to_be_bytes();
        // All casts below keep the whole number.
        match number {
            0..24 => self.out.push(major | number as u8),
            24..0x100 => self.out.extend_from_slice(&[major | 24, number as u8]),
            0x100..0x1_0000 => self.tail(major | 25, &bytes[6..]),
            0x1_0000..0x1_0000_0000 => self.tail(major | 26, &bytes[4..]),
            _ => self.tail(major | 27, &bytes),
        }
    }

    fn tail(&mut self, first: u8, rest: &[u8]) {
        self.out.push(first);
        self.out.extend_from_slice(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(format: Format) -> Vec<u8> {
        let mut writer = Writer::new(format, 0);
        writer.object(|w| {
            w.name("Blob").blob(b"\x00\xff");
            w.name("List").list([1u32, 70_000], Writer::number);
            w.name("Empty").object(|_| ());
            w.name("Text").text("a\"b");
            w.name("Plain").plain(b"7");
            w.name("When").moment(1_763_856_000_005);
            w.name("Yes").boolean(true);
        });
        writer.finish()
    }

    #[test]
    fn json() {
        let expected =
            r#"{"Blob":"AP8=","List":[1,70000],"Empty":{},"Text":"a\"b","Plain":"7","When":1763856000.005,"Yes":true}"#;
        assert_eq!(String::from_utf8(sample(Format::Json)).unwrap(), expected);
    }

    #[test]
    fn cbor() {
        let expected =
            b"\xbf\x64Blob\x42\x00\xff\x64List\x9f\x01\x1a\x00\x01\x11\x70\xff\x65Empty\xbf\xff\x64Text\x63a\"b\
            \x65Plain\x617\x64When\xc1\x1b\x00\x00\x01\x9a\xae\x0d\x2c\x05\x63Yes\xf5\xff";
        let written = sample(Format::Cbor);
        let millis = 1_763_856_000_005u64.to_be_bytes();
        assert!(written.windows(8).any(|window| window == millis));
        assert_eq!(written.len(), expected.len());
        assert_eq!(written[..59], expected[..59]);
    }
}
