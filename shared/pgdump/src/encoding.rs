//! The encoding that an archive's text is in, and validation of UTF-8 that arrives in pieces.

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
#[derive(Debug, Default)]
pub(crate) struct Utf8 {
    carry: [u8; 4],
    carried: usize,
}

impl Utf8 {
    /// Whether everything so far can be the beginning of valid UTF-8.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> bool {
        while self.carried > 0 && !bytes.is_empty() {
            self.carry[self.carried] = bytes[0];
            self.carried += 1;
            bytes = &bytes[1..];
            match incomplete(&self.carry[..self.carried]) {
                Some(0) => self.carried = 0,
                Some(_) => {}
                None => return false,
            }
        }
        if basic::from_utf8(bytes).is_ok() {
            return true;
        }
        let Some(left) = incomplete(bytes) else { return false };
        self.carry[..left].copy_from_slice(&bytes[bytes.len() - left..]);
        self.carried = left;
        true
    }

    /// Whether a character is unfinished.
    pub(crate) fn is_open(&self) -> bool {
        self.carried > 0
    }
}

/// How many bytes at the end begin a character that is not finished; `None` when the bytes are not UTF-8.
fn incomplete(bytes: &[u8]) -> Option<usize> {
    match std::str::from_utf8(bytes) {
        Ok(_) => Some(0),
        Err(error) if error.error_len().is_none() => Some(bytes.len() - error.valid_up_to()),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn valid(pieces: &[&[u8]]) -> bool {
        let mut utf8 = Utf8::default();
        pieces.iter().all(|piece| utf8.push(piece)) && !utf8.is_open()
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
            prop_assert_eq!(valid(&pieces), std::str::from_utf8(&bytes).is_ok());
        }
    }
}
