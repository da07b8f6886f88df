//! Numbers of shards.

use std::fmt;
use std::str::FromStr;

/// Number of a shard within its stream, over the life of the stream; written `shardId-000000000003`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u32);

impl ShardId {
    /// The id as the API writes it, `shardId-000000000003`, in ASCII.
    pub fn name(self) -> [u8; 20] {
        let mut name = *b"shardId-000000000000";
        let mut buffer = itoa::Buffer::new();
        let number = buffer.format(self.0).as_bytes();
        let start = name.len() - number.len();
        name[start..].copy_from_slice(number);
        name
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&String::from_utf8_lossy(&self.name()))
    }
}

impl FromStr for ShardId {
    type Err = ();

    /// Reads `shardId-000000000003`; the service takes any prefix before the last hyphen (fact sheet, section 3).
    fn from_str(text: &str) -> Result<Self, ()> {
        let (_, digits) = text.rsplit_once('-').ok_or(())?;
        let number: i32 = digits.parse().map_err(|_| ())?;
        u32::try_from(number).map(Self).map_err(|_| ())
    }
}
