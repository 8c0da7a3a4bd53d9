//! The encoding that an archive's text is in, and validation of UTF-8 that arrives in pieces.

use serde::{Deserialize, Serialize};
use simdutf8::basic;

/// What the encoding of an archive means for checking its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// UTF-8: every byte is checked.
    Utf8,
    /// An encoding in which bytes below 128 are ASCII and nothing else.
    AsciiCompatible,
    /// A client-only encoding in which a backslash can be the second byte of a character.
    EmbedsAscii,
}

const ASCII_COMPATIBLE: [&str; 34] = [
    "SQL_ASCII",
    "EUC_JP",
    "EUC_CN",
    "EUC_KR",
    "EUC_TW",
    "EUC_JIS_2004",
    "MULE_INTERNAL",
    "LATIN1",
    "LATIN2",
    "LATIN3",
    "LATIN4",
    "LATIN5",
    "LATIN6",
    "LATIN7",
    "LATIN8",
    "LATIN9",
    "LATIN10",
    "WIN1250",
    "WIN1251",
    "WIN1252",
    "WIN1253",
    "WIN1254",
    "WIN1255",
    "WIN1256",
    "WIN1257",
    "WIN1258",
    "WIN866",
    "WIN874",
    "KOI8R",
    "KOI8U",
    "ISO_8859_5",
    "ISO_8859_6",
    "ISO_8859_7",
    "ISO_8859_8",
];

const EMBEDS_ASCII: [&str; 7] = ["SJIS", "BIG5", "GBK", "UHC", "GB18030", "JOHAB", "SHIFT_JIS_2004"];

impl Encoding {
    /// The encoding of that name, as pg_dump spells it.
    pub(crate) fn of(name: &str) -> Option<Self> {
        if name == "UTF8" {
            Some(Self::Utf8)
        } else if ASCII_COMPATIBLE.contains(&name) {
            Some(Self::AsciiCompatible)
        } else if EMBEDS_ASCII.contains(&name) {
            Some(Self::EmbedsAscii)
        } else {
            None
        }
    }
}

/// Validates UTF-8 that arrives in pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Utf8 {
    carry: [u8; 4],
    carried: usize,
}

impl Utf8 {
    /// Whether what is carried can be the beginning of a character: what was kept elsewhere may be anything.
    pub(crate) fn is_sane(&self) -> bool {
        self.carry.get(..self.carried).is_some_and(|carried| unfinished(carried) == Ok(self.carried))
    }

    /// Whether everything so far can be the beginning of valid UTF-8.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> bool {
        self.first_wrong(bytes).is_none()
    }

    /// Where the first character that is not UTF-8 begins, counted from the first of these bytes: before it, when it began before.
    pub(crate) fn first_wrong(&mut self, bytes: &[u8]) -> Option<isize> {
        let mut at = 0;
        while self.carried > 0 && at < bytes.len() {
            let began = at as isize - self.carried as isize;
            self.carry[self.carried] = bytes[at];
            self.carried += 1;
            at += 1;
            match unfinished(&self.carry[..self.carried]) {
                Ok(0) => self.carried = 0,
                Ok(_) => {}
                Err(_) => return Some(began),
            }
        }
        let rest = &bytes[at..];
        if basic::from_utf8(rest).is_ok() {
            return None;
        }
        match unfinished(rest) {
            Ok(left) => {
                self.carry[..left].copy_from_slice(&rest[rest.len() - left..]);
                self.carried = left;
                None
            }
            Err(valid) => Some((at + valid) as isize),
        }
    }

    /// Bytes of a character that is not finished.
    pub(crate) fn open_bytes(&self) -> usize {
        self.carried
    }

    /// Whether a character is unfinished.
    pub(crate) fn is_open(&self) -> bool {
        self.carried > 0
    }
}

/// How many bytes at the end begin a character that is not finished; or how many are valid, before the first that are not UTF-8.
fn unfinished(bytes: &[u8]) -> Result<usize, usize> {
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(0),
        Err(error) if error.error_len().is_none() => Ok(bytes.len() - error.valid_up_to()),
        Err(error) => Err(error.valid_up_to()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Where the text stops to be UTF-8, if it does.
    fn first_wrong(pieces: &[&[u8]]) -> Option<usize> {
        let mut utf8 = Utf8::default();
        let mut before = 0_usize;
        for piece in pieces {
            if let Some(at) = utf8.first_wrong(piece) {
                return before.checked_add_signed(at);
            }
            before += piece.len();
        }
        utf8.is_open().then(|| before - utf8.open_bytes())
    }

    proptest! {
        #[test]
        fn pieces_are_judged_as_the_whole_is(
            bytes in prop_oneof![any::<String>().prop_map(String::into_bytes), any::<Vec<u8>>(), "[aé東🚑]{0,9}".prop_map(String::into_bytes)],
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(first_wrong(&pieces), std::str::from_utf8(&bytes).err().map(|error| error.valid_up_to()));
        }
    }
}
