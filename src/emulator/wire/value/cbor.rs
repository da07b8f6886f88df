//! CBOR into values. Moments have tag 1 and are whole milliseconds, not the seconds of RFC 8949 (fact sheet, section 4).

use std::borrow::Cow;

use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;

use super::{Budget, Value};

/// The tag of moments.
const MOMENT: u64 = 1;

/// Reads a body that is one CBOR value.
pub(super) fn read<'a>(body: &'a [u8], budget: &Budget) -> Result<Value<'a>, String> {
    let mut decoder = Decoder::new(body);
    let value = element(&mut decoder, 0, budget).map_err(|error| error.to_string())?;
    if decoder.position() < body.len() {
        return Err("The body goes on after its value.".to_owned());
    }
    Ok(value)
}

fn element<'a>(decoder: &mut Decoder<'a>, depth: u32, budget: &Budget) -> Result<Value<'a>, Error> {
    budget.take(depth).map_err(Error::message)?;
    Ok(match decoder.datatype()? {
        Type::Bool => Value::Boolean(decoder.bool()?),
        Type::Null => decoder.null().map(|()| Value::Null)?,
        Type::Undefined => decoder.undefined().map(|()| Value::Null)?,
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => {
            let number = i128::from(decoder.int()?);
            Value::Integer(number.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
        }
        Type::F32 => Value::Float(decoder.f32()?.into()),
        Type::F64 => Value::Float(decoder.f64()?),
        Type::Bytes => Value::Blob(Cow::Borrowed(decoder.bytes()?)),
        Type::BytesIndef => {
            let pieces = decoder.bytes_iter()?.collect::<Result<Vec<_>, _>>()?;
            Value::Blob(Cow::Owned(pieces.concat()))
        }
        Type::String | Type::StringIndef => Value::Text(text(decoder)?),
        Type::Array | Type::ArrayIndef => {
            let length = decoder.array()?;
            let mut elements = Vec::new();
            while goes_on(decoder, length, elements.len())? {
                elements.push(element(decoder, depth + 1, budget)?);
            }
            Value::List(elements)
        }
        Type::Map | Type::MapIndef => {
            let length = decoder.map()?;
            let mut members = Vec::new();
            while goes_on(decoder, length, members.len())? {
                members.push((text(decoder)?, element(decoder, depth + 1, budget)?));
            }
            Value::Map(members)
        }
        Type::Tag if decoder.tag()?.as_u64() == MOMENT => match element(decoder, depth + 1, budget)? {
            Value::Integer(millis) => Value::Moment(millis),
            // The cast saturates.
            Value::Float(seconds) => Value::Moment((seconds * 1e3).round() as i64),
            _ => return Err(Error::message("A moment must be a number.")),
        },
        // Other tags say nothing that the API knows.
        Type::Tag => element(decoder, depth + 1, budget)?,
        other => return Err(Error::message(format!("A value must not be {other}."))),
    })
}

/// Whether a list or map has another element after `count` of them.
fn goes_on(decoder: &mut Decoder<'_>, length: Option<u64>, count: usize) -> Result<bool, Error> {
    match length {
        Some(length) => Ok((count as u64) < length),
        None if decoder.datatype()? == Type::Break => {
            decoder.set_position(decoder.position() + 1);
            Ok(false)
        }
        None => Ok(true),
    }
}

fn text<'a>(decoder: &mut Decoder<'a>) -> Result<Cow<'a, str>, Error> {
    if decoder.datatype()? == Type::StringIndef {
        let pieces = decoder.str_iter()?.collect::<Result<Vec<_>, _>>()?;
        return Ok(Cow::Owned(pieces.concat()));
    }
    decoder.str().map(Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn read(body: &[u8]) -> Result<Value<'_>, String> {
        super::read(body, &Budget { values: Cell::new(1_000) })
    }

    #[test]
    fn values_of_definite_and_indefinite_length_are_the_same() {
        let entry = |data| Value::Map(vec![("Data".into(), Value::Blob(Cow::Borrowed(data)))]);
        assert_eq!(read(b"\xa1\x64Data\x42\x00\xff"), Ok(entry(b"\x00\xff")));
        assert_eq!(read(b"\xbf\x64Data\x5f\x41\x00\x41\xff\xff\xff"), Ok(entry(b"\x00\xff")));
        assert_eq!(read(b"\xbf\x7f\x62Da\x62ta\xff\x42\x00\xff\xff"), Ok(entry(b"\x00\xff")));
        let list = Value::List(vec![Value::Boolean(true), Value::Null, Value::Null, Value::Integer(-3)]);
        assert_eq!(read(b"\x84\xf5\xf6\xf7\x22"), Ok(list.clone()));
        assert_eq!(read(b"\x9f\xf5\xf6\xf7\x22\xff"), Ok(list));
    }

    #[test]
    fn moments_are_milliseconds() {
        assert_eq!(read(b"\xc1\x1b\x00\x00\x01\x9a\xa1\x00\x00\x01"), Ok(Value::Moment(0x19a_a100_0001)));
        assert_eq!(read(b"\xc1\xfb\x3f\xf8\x00\x00\x00\x00\x00\x00"), Ok(Value::Moment(1_500)));
        assert!(read(b"\xc1\x61x").is_err());
    }

    #[test]
    fn what_is_not_one_value_is_refused() {
        let cases: [&[u8]; 9] =
            [b"", b"\xa1", b"\xa1\x01\x02", b"\x01\x01", b"\xff", b"\x9f", b"\x62a", b"\x61\xff", b"\x1c"];
        for wrong in cases {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn announced_lengths_reserve_nothing() {
        assert!(read(b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff").is_err());
        assert!(read(b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff\x61a").is_err());
        assert!(read(b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff").is_err());
    }

    #[test]
    fn depth_and_number_of_values_are_bounded() {
        assert!(read(&[0x81; 100_000]).unwrap_err().contains("nested too deeply"));
        assert!(read(&[0xc2; 100_000]).unwrap_err().contains("nested too deeply"));
        let mut many = vec![0x9f];
        many.resize(2_000, 1);
        assert!(read(&many).unwrap_err().contains("too many values"));
    }
}
