//! The members of one structure of a checked request, by name and type.

use std::time::Duration;

use crate::emulator::wire::value::Value;
use crate::emulator::wire::{Context, Fault};
use crate::kinesis::Tags;
use crate::time::Time;

/// The members of one structure. A member that is missing, null or of another type than asked for is `None`; the model has
/// been checked before, so that only the first two happen.
#[derive(Clone, Copy)]
pub(super) struct Members<'v> {
    pub value: &'v Value<'v>,
    pub context: Context<'v>,
}

impl<'v> Members<'v> {
    pub fn text(self, name: &str) -> Option<&'v str> {
        match self.value.member(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A text that the model requires.
    pub fn required(self, name: &str) -> &'v str {
        self.text(name).unwrap_or_default()
    }

    pub fn owned(self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// A whole number; the API's have 32 bits.
    pub fn integer(self, name: &str) -> Option<i32> {
        match self.value.member(name)? {
            Value::Integer(number) => i32::try_from(*number).ok(),
            _ => None,
        }
    }

    /// A whole number that the model allows to be 0 or more.
    pub fn count(self, name: &str) -> Option<u32> {
        self.integer(name).and_then(|number| u32::try_from(number).ok())
    }

    /// The most elements that an answer shall have.
    pub fn limit(self, name: &str, default: usize, most: usize) -> usize {
        self.count(name).and_then(|count| usize::try_from(count).ok()).unwrap_or(default).min(most)
    }

    pub fn boolean(self, name: &str) -> bool {
        matches!(self.value.member(name), Some(Value::Boolean(true)))
    }

    pub fn blob(self, name: &str) -> &'v [u8] {
        match self.value.member(name) {
            Some(Value::Blob(blob)) => blob,
            _ => &[],
        }
    }

    /// A moment in milliseconds since 1970.
    pub fn millis(self, name: &str) -> Option<i64> {
        match self.value.member(name)? {
            Value::Moment(millis) => Some(*millis),
            _ => None,
        }
    }

    /// A moment; those before the time of the service began are its beginning.
    pub fn moment(self, name: &str) -> Option<Time> {
        let millis = self.millis(name)?.max(0).unsigned_abs();
        Some(Time::ZERO + Duration::from_millis(millis).saturating_sub(self.context.settings.epoch))
    }

    pub fn members(self, name: &str) -> Option<Self> {
        Some(Self { value: self.value.member(name)?, ..self })
    }

    pub fn list(self, name: &str) -> &'v [Value<'v>] {
        match self.value.member(name) {
            Some(Value::List(elements)) => elements,
            _ => &[],
        }
    }

    pub fn texts(self, name: &str) -> impl Iterator<Item = &'v str> {
        self.list(name).iter().filter_map(|element| match element {
            Value::Text(text) => Some(text.as_ref()),
            _ => None,
        })
    }

    pub fn tags(self, name: &str) -> Tags {
        let Some(Value::Map(tags)) = self.value.member(name) else { return Tags::new() };
        let tag = |(key, value): &(std::borrow::Cow<'_, str>, Value<'_>)| match value {
            Value::Text(value) => Some((key.to_string(), value.to_string())),
            _ => None,
        };
        tags.iter().filter_map(tag).collect()
    }

    /// A dry run changes nothing: its outcome is an error even if all is well (section 1.1).
    pub fn check_dry_run(self) -> Result<(), Fault> {
        if self.boolean("DryRun") {
            return Err(Fault::client("DryRunOperationException", "The request is well-formed; DryRun was set."));
        }
        Ok(())
    }
}
