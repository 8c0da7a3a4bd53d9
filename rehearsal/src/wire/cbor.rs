//! CBOR documents as JSON values: how CloudWatch is spoken to.

use minicbor::data::Type;
use minicbor::decode::{Decoder, Error};
use serde_json::{Map, Value};

/// Deeper than any request of AWS nests; a hostile document ends here instead of on the stack.
const DEEPEST: usize = 64;

/// Why a document could not be read.
#[derive(Debug, thiserror::Error)]
#[error("not a CBOR document that a request may hold: {0}")]
pub struct CborError(String);

impl From<Error> for CborError {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

/// Reads one document. Timestamps (tag 1) become their seconds; byte strings become arrays of numbers.
pub fn decode(document: &[u8]) -> Result<Value, CborError> {
    let mut decoder = Decoder::new(document);
    let value = value(&mut decoder, 0)?;
    if decoder.position() == document.len() { Ok(value) } else { Err(CborError("bytes after the document".to_owned())) }
}

fn value(decoder: &mut Decoder<'_>, depth: usize) -> Result<Value, CborError> {
    if depth > DEEPEST {
        return Err(CborError("nested too deeply".to_owned()));
    }
    Ok(match decoder.datatype()? {
        Type::Bool => Value::Bool(decoder.bool()?),
        Type::Null => {
            decoder.null()?;
            Value::Null
        }
        Type::Undefined => {
            decoder.undefined()?;
            Value::Null
        }
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => decoder.u64()?.into(),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 => decoder.i64()?.into(),
        Type::F16 | Type::F32 => f64::from(decoder.f32_or_half()?).into(),
        Type::F64 => decoder.f64()?.into(),
        Type::String | Type::StringIndef => {
            let parts: Result<String, Error> = decoder.str_iter()?.collect();
            Value::String(parts?)
        }
        Type::Bytes | Type::BytesIndef => {
            let mut bytes = Vec::new();
            for part in decoder.bytes_iter()? {
                bytes.extend_from_slice(part?);
            }
            bytes.into()
        }
        Type::Array | Type::ArrayIndef => {
            let length = decoder.array()?;
            let mut items = Vec::new();
            while more(decoder, length, items.len())? {
                items.push(value(decoder, depth + 1)?);
            }
            Value::Array(items)
        }
        Type::Map | Type::MapIndef => {
            let length = decoder.map()?;
            let (mut fields, mut read) = (Map::new(), 0);
            while more(decoder, length, read)? {
                let name: Result<String, Error> = decoder.str_iter()?.collect();
                fields.insert(name?, value(decoder, depth + 1)?);
                read += 1;
            }
            Value::Object(fields)
        }
        Type::Tag => {
            decoder.tag()?;
            value(decoder, depth + 1)?
        }
        other => return Err(CborError(format!("{other} where a value is expected"))),
    })
}

/// Whether a collection has another item; takes the mark that ends one of unknown length.
fn more(decoder: &mut Decoder<'_>, length: Option<u64>, read: usize) -> Result<bool, CborError> {
    match length {
        Some(length) => Ok((read as u64) < length),
        None if decoder.datatype()? == Type::Break => {
            decoder.skip()?;
            Ok(false)
        }
        None => Ok(true),
    }
}

trait HalfOrSingle {
    fn f32_or_half(&mut self) -> Result<f32, Error>;
}

impl HalfOrSingle for Decoder<'_> {
    fn f32_or_half(&mut self) -> Result<f32, Error> {
        if self.datatype()? == Type::F16 { self.f16() } else { self.f32() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn definite_and_indefinite_documents_read_alike() {
        // {"AlarmNames": ["a"], "n": -1}
        let definite = b"\xa2\x6aAlarmNames\x81\x61a\x61n\x20";
        let indefinite = b"\xbf\x6aAlarmNames\x9f\x61a\xff\x61n\x20\xff";
        let expected = json!({"AlarmNames": ["a"], "n": -1});
        assert_eq!(decode(definite).unwrap(), expected);
        assert_eq!(decode(indefinite).unwrap(), expected);
    }

    #[test]
    fn a_timestamp_is_its_seconds() {
        // {"t": 1(1.5)} as a half and as a double
        assert_eq!(decode(b"\xa1\x61t\xc1\xf9\x3e\x00").unwrap(), json!({"t": 1.5}));
        assert_eq!(decode(b"\xa1\x61t\xc1\xfb\x3f\xf8\x00\x00\x00\x00\x00\x00").unwrap(), json!({"t": 1.5}));
    }

    #[test]
    fn what_is_broken_or_bottomless_is_refused() {
        assert!(decode(b"").is_err());
        assert!(decode(b"\xa1\x61t").is_err());
        assert!(decode(b"\x01\x01").is_err());
        assert!(decode(&[0x81; 10_000]).is_err());
        assert!(decode(b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff").is_err());
    }
}
