//! The uncompressed data of one entry, checked as it passes.

use serde::{Deserialize, Serialize};

use crate::contents::Kind;
use crate::encoding::{Encoding, Utf8};
use crate::finding::Code;
use crate::rows::{Fault, Rows};

/// What came of an entry's data.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Rows, where the data is COPY.
    pub(crate) rows: Option<u64>,
    pub(crate) bytes: u64,
    pub(crate) fault: Option<Fault>,
}

/// Checks data according to what it is. As it stands it can be kept, to go on elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Content {
    rows: Option<Rows>,
    utf8: Option<Utf8>,
    text: bool,
    bytes: u64,
    fault: Option<Fault>,
}

impl Content {
    pub(crate) fn new(kind: Kind, encoding: Encoding) -> Self {
        let text = kind != Kind::LargeObjects;
        let rows = match kind {
            Kind::Copy { columns } => Some(Rows::new(columns, encoding != Encoding::EmbedsAscii)),
            Kind::Statements | Kind::LargeObjects => None,
        };
        let utf8 = (text && encoding == Encoding::Utf8).then(Utf8::default);
        Self { rows, utf8, text, bytes: 0, fault: None }
    }

    /// Whether it can have come of data of that kind: what was kept elsewhere may be anything.
    pub(crate) fn is_sane(&self, kind: Kind, encoding: Encoding) -> bool {
        let new = Self::new(kind, encoding);
        let rows = match (&self.rows, kind) {
            (Some(rows), Kind::Copy { columns }) => rows.is_sane(columns, encoding != Encoding::EmbedsAscii),
            (rows, _) => rows.is_some() == new.rows.is_some(),
        };
        // Text that is not UTF-8 is told once, and not looked at any more.
        let utf8 = match &self.utf8 {
            Some(utf8) => new.utf8.is_some() && utf8.is_sane(),
            None => new.utf8.is_none() || self.fault.is_some(),
        };
        rows && utf8 && self.text == new.text && self.bytes < 1 << 62
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.text {
            self.check(bytes);
        }
        self.bytes += bytes.len() as u64;
    }

    fn check(&mut self, bytes: &[u8]) {
        let high = match &mut self.rows {
            Some(rows) => rows.push(bytes),
            None => {
                if bytes.contains(&0) {
                    self.wrong(Code::RowEscape, "the INSERT statements hold a zero byte");
                }
                true
            }
        };
        let wrong = match &mut self.utf8 {
            Some(utf8) if high || utf8.is_open() => utf8.first_wrong(bytes),
            _ => None,
        };
        if let Some(at) = wrong {
            self.not_utf8(self.bytes.saturating_add_signed(at as i64));
        }
    }

    fn not_utf8(&mut self, at: u64) {
        // Once is enough: what follows could not be told apart any more.
        self.utf8 = None;
        self.wrong(Code::EncodingInvalid, &format!("the data is not valid UTF-8 from its byte {at} on"));
    }

    fn wrong(&mut self, code: Code, sentence: &str) {
        self.fault.get_or_insert_with(|| Fault { code, sentence: sentence.to_owned() });
    }

    pub(crate) fn finish(mut self) -> Outcome {
        if let Some(open) = self.utf8.as_ref().map(Utf8::open_bytes).filter(|open| *open > 0) {
            self.not_utf8(self.bytes - open as u64);
        }
        let count = self.rows.as_ref().map(Rows::count);
        let fault = self.rows.and_then(Rows::finish).or(self.fault);
        Outcome { rows: count, bytes: self.bytes, fault }
    }
}
