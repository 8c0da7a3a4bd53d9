//! The archive's own notation of integers and strings, read without trusting any length.

use crate::encoding::Utf8;
use crate::finding::{Code, Finding};
use crate::limits::Limits;
use crate::source::{Input, InputExt};

/// Reads fields of the header and the table of contents.
pub(crate) struct Fields<'a, I> {
    pub(crate) input: &'a mut I,
    pub(crate) limits: &'a Limits,
    /// Bytes of strings that may still be kept.
    kept: u64,
    /// Where text that is not UTF-8 ends. Whether that is wrong depends on the encoding, which comes later.
    pub(crate) not_utf8: Option<u64>,
}

impl<'a, I: Input> Fields<'a, I> {
    pub(crate) fn new(input: &'a mut I, limits: &'a Limits) -> Self {
        Self { input, limits, kept: limits.kept_bytes, not_utf8: None }
    }

    /// An error that names a field of the table of contents.
    pub(crate) fn wrong(&self, sentence: impl Into<String>) -> Finding {
        Finding::at(Code::ContentsInvalid, self.input.position(), sentence)
    }

    /// Counts what is kept of a table of contents.
    pub(crate) fn keep(&mut self, bytes: usize) -> Result<(), Finding> {
        let bytes = bytes as u64;
        if bytes > self.kept {
            let kept = self.limits.kept_bytes;
            return Err(Finding::limit(
                self.input.position(),
                format!("names of tables and files take more than {kept} bytes"),
            ));
        }
        self.kept -= bytes;
        Ok(())
    }

    pub(crate) fn integer(&mut self, what: &str) -> Result<i32, Finding> {
        integer(self.input, what)
    }

    /// A string that is kept while its entry is read.
    pub(crate) fn text(&mut self, what: &str) -> Result<Option<String>, Finding> {
        let Some(length) = self.length(what)? else { return Ok(None) };
        if length > self.limits.string_bytes {
            return Err(Finding::limit(self.input.position(), format!("{what} has {length} bytes")));
        }
        let mut bytes = Vec::new();
        self.pass(length, what, |piece| bytes.extend_from_slice(piece))?;
        Ok(Some(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }))
    }

    /// A string of which nothing is kept.
    pub(crate) fn skip(&mut self, what: &str) -> Result<bool, Finding> {
        let Some(length) = self.length(what)? else { return Ok(false) };
        self.pass(length, what, |_| ())?;
        Ok(true)
    }

    fn length(&mut self, what: &str) -> Result<Option<u32>, Finding> {
        let length = self.integer(what)?;
        match u32::try_from(length) {
            Ok(length) => Ok(Some(length)),
            Err(_) if length == -1 => Ok(None),
            Err(_) => Err(self.wrong(format!("{what} has the length {length}"))),
        }
    }

    /// Hands on the bytes of a string as they arrive, and checks them.
    fn pass(&mut self, length: u32, what: &str, mut keep: impl FnMut(&[u8])) -> Result<(), Finding> {
        let mut left = length as usize;
        let mut utf8 = Utf8::default();
        let mut valid = true;
        while left > 0 {
            let position = self.input.position();
            let bytes = self.input.fill()?;
            if bytes.is_empty() {
                return Err(Finding::at(Code::Truncated, position, format!("the file ends inside {what}")));
            }
            let piece = &bytes[..bytes.len().min(left)];
            if let Some(zero) = piece.iter().position(|byte| *byte == 0) {
                // Read up to there, in whatever pieces it arrived.
                self.input.consume(zero);
                return Err(Finding::at(Code::ContentsInvalid, position + zero as u64, format!("{what} holds a zero byte")));
            }
            valid = valid && utf8.push(piece);
            keep(piece);
            let count = piece.len();
            left -= count;
            self.input.consume(count);
        }
        if !valid || utf8.is_open() {
            self.not_utf8.get_or_insert(self.input.position());
        }
        Ok(())
    }

    /// A string of decimal digits that fits 32 bits.
    pub(crate) fn number(&mut self, what: &str) -> Result<u32, Finding> {
        let text = self.text(what)?;
        text.as_deref().and_then(number).ok_or_else(|| self.wrong(format!("{what} is {text:?}, not a number")))
    }
}

/// A number as pg_dump prints it.
pub(crate) fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

/// A sign byte and four bytes, least significant first.
pub(crate) fn integer(input: &mut impl Input, what: &str) -> Result<i32, Finding> {
    let mut bytes = [0; 5];
    input.exact(&mut bytes, what)?;
    let [sign, magnitude @ ..] = bytes;
    let magnitude = i64::from(u32::from_le_bytes(magnitude));
    let value = match (sign, magnitude) {
        (0, _) => i32::try_from(magnitude).ok(),
        (1, 1..) => i32::try_from(-magnitude).ok(),
        _ => None,
    };
    value.ok_or_else(|| {
        let position = input.position();
        Finding::at(Code::IntegerInvalid, position, format!("{what} is an integer that pg_dump never writes: {bytes:02x?}"))
    })
}
