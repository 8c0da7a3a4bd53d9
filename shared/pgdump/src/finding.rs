//! What was found: a stable code, the place, and a sentence.

use std::fmt;
use std::io;

use serde::{Deserialize, Deserializer, Serialize, de};

/// What a finding means for the backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// Something could not be checked: a read failed, or a limit was reached. Says nothing about the backup.
    Unchecked,
    /// The backup does not hold.
    Damage,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $meaning:ident;)*) => {
        /// The kind of a finding. Its text is part of the contract: it never changes once released.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as it appears in output.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What a finding of this kind means for the backup.
            #[must_use]
            pub fn meaning(self) -> Meaning {
                match self { $(Self::$name => Meaning::$meaning,)* }
            }
        }
    };
}

codes! {
    /// Reading failed.
    Unreadable = "unreadable", Unchecked;
    /// A limit of the verifier was reached.
    LimitReached = "limit_reached", Unchecked;
    /// An archive was read in pieces, and of one of them nothing is known.
    PieceMissing = "piece_missing", Unchecked;
    /// One stream is longer than what is read at once, and cannot be continued in its middle.
    StreamTooLong = "stream_too_long", Unchecked;
    /// The archive's version is newer or older than what this verifier knows.
    VersionUnsupported = "version_unsupported", Unchecked;
    /// An entry is of a kind that this verifier does not know: a damaged word, or a newer pg_dump.
    EntryUnknown = "entry_unknown", Unchecked;
    /// The archive is encrypted, and no key was given.
    NoIdentity = "no_identity", Unchecked;
    /// The archive is encrypted, and none of the keys opens it.
    WrongKey = "wrong_key", Unchecked;
    /// The archive is encrypted, and what would unwrap its key could not be used.
    KeyUnusable = "key_unusable", Unchecked;
    /// The archive opens, and its encryption context is not the one that was asked for: it is another archive than is meant.
    EncryptionContextDiffers = "encryption_context_differs", Unchecked;
    /// The archive is encrypted in a way that is not read here, or that the key is not for.
    EncryptionUnsupported = "encryption_unsupported", Unchecked;
    /// A key was given, and the archive is not encrypted: whoever reads the place where it lies reads the data.
    NotEncrypted = "not_encrypted", Unchecked;
    /// The encrypted bytes are not those that were written: they were changed or cut.
    NotAuthentic = "not_authentic", Damage;
    /// The bytes do not begin like an archive of pg_dump.
    NotAnArchive = "not_an_archive", Damage;
    /// The archive ends too early.
    Truncated = "truncated", Damage;
    /// A field of the header has a value that pg_dump never writes.
    HeaderInvalid = "header_invalid", Damage;
    /// A field of the table of contents has a value that pg_dump never writes.
    ContentsInvalid = "contents_invalid", Damage;
    /// An integer's sign byte is neither 0 nor 1, or it is a negative zero.
    IntegerInvalid = "integer_invalid", Damage;
    /// Text is not valid in the encoding that the archive states.
    EncodingInvalid = "encoding_invalid", Damage;
    /// Two entries have one id.
    EntryDuplicate = "entry_duplicate", Damage;
    /// There is no data in the archive at all.
    NoData = "no_data", Damage;
    /// A data block's type byte is unknown.
    BlockTypeUnknown = "block_type_unknown", Damage;
    /// A data block belongs to no entry, or to one of another kind.
    BlockUnexpected = "block_unexpected", Damage;
    /// An entry has more than one data block.
    BlockDuplicate = "block_duplicate", Damage;
    /// An entry that must have data has none.
    BlockMissing = "block_missing", Damage;
    /// A data block is not where the table of contents says.
    OffsetMismatch = "offset_mismatch", Damage;
    /// A chunk's length is negative.
    ChunkInvalid = "chunk_invalid", Damage;
    /// A compressed stream cannot be decoded.
    StreamInvalid = "stream_invalid", Damage;
    /// A compressed stream stops before its end.
    StreamTruncated = "stream_truncated", Damage;
    /// Bytes follow the end of a compressed stream.
    StreamTrailing = "stream_trailing", Damage;
    /// A row has more or fewer columns than its COPY statement.
    RowColumns = "row_columns", Damage;
    /// A row holds an escape or a control character that COPY never writes.
    RowEscape = "row_escape", Damage;
    /// The rows of a table do not end with `\.`.
    RowsUnfinished = "rows_unfinished", Damage;
    /// Something follows the `\.` of a table.
    RowsTrailing = "rows_trailing", Damage;
    /// A large object is in the data twice.
    LargeObjectDuplicate = "large_object_duplicate", Damage;
    /// A large object of the table of contents has no data.
    LargeObjectMissing = "large_object_missing", Damage;
    /// A large object has data but is not in the table of contents.
    LargeObjectUnexpected = "large_object_unexpected", Damage;
    /// Bytes follow the end of the archive.
    TrailingBytes = "trailing_bytes", Damage;
    /// A tar member's header is damaged.
    TarHeader = "tar_header", Damage;
    /// A tar member is there twice, out of order, or has no business there.
    TarMember = "tar_member", Damage;
    /// The padding after a tar member is not zero.
    TarPadding = "tar_padding", Damage;
    /// A file that the table of contents names is missing.
    FileMissing = "file_missing", Damage;
    /// A file is there twice, or no entry names it.
    FileUnexpected = "file_unexpected", Damage;
    /// The list of large objects cannot be read.
    LargeObjectList = "large_object_list", Damage;
    /// A file's size is not the manifest's.
    SizeMismatch = "size_mismatch", Damage;
    /// A file's checksum is not the manifest's.
    ChecksumMismatch = "checksum_mismatch", Damage;
    /// A manifest belongs to another kind of archive.
    ManifestMismatch = "manifest_mismatch", Damage;
    /// A table of the manifest, or of the backup before, is missing.
    TableMissing = "table_missing", Damage;
    /// A table is there that the manifest does not have.
    TableUnexpected = "table_unexpected", Damage;
    /// A table's rows or bytes are not the manifest's.
    RowsMismatch = "rows_mismatch", Damage;
    /// A table had rows in the backup before and has none now.
    RowsVanished = "rows_vanished", Damage;
    /// A table's rows differ from the backup before by more than was declared.
    RowsDrifted = "rows_drifted", Damage;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let known = Self::ALL.iter().find(|code| code.as_str() == text);
        known.copied().ok_or_else(|| de::Error::custom("no finding has this code"))
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub code: Code,
    /// What it means for the backup.
    pub meaning: Meaning,
    /// The file, where the archive has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The byte of the file up to which it had been read when this was found; what is wrong lies at it or before it. For a stream
    /// that cannot be decoded: the byte at which it begins. Bytes of an archive that is encrypted count once it is decrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// What happened and to what, for a person.
    pub sentence: String,
}

impl Finding {
    pub(crate) fn new(code: Code, sentence: impl Into<String>) -> Self {
        Self { code, meaning: code.meaning(), file: None, offset: None, sentence: sentence.into() }
    }

    pub(crate) fn at(code: Code, offset: u64, sentence: impl Into<String>) -> Self {
        Self { offset: Some(offset), ..Self::new(code, sentence) }
    }

    /// What a failed read means: decryption tells of changed bytes by [`io::ErrorKind::InvalidData`], and nothing else does.
    pub(crate) fn unreadable(offset: u64, error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::InvalidData {
            return Self::at(Code::NotAuthentic, offset, error.to_string());
        }
        Self::at(Code::Unreadable, offset, format!("reading failed after {offset} bytes: {error}"))
    }

    pub(crate) fn limit(offset: u64, sentence: impl fmt::Display) -> Self {
        Self::at(Code::LimitReached, offset, format!("{sentence}; a limit of the verifier, which can be raised"))
    }

    /// The finding, placed in a file unless it has one already.
    #[must_use]
    pub(crate) fn in_file(mut self, name: &str) -> Self {
        self.file.get_or_insert_with(|| name.to_owned());
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.sentence)?;
        match (&self.file, self.offset) {
            (Some(file), Some(offset)) => write!(f, " ({file}, byte {offset})"),
            (Some(file), None) => write!(f, " ({file})"),
            (None, Some(offset)) => write!(f, " (byte {offset})"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_kinds_of_finding_share_a_code() {
        let texts: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
        assert!(texts.iter().all(|text| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
    }
}
