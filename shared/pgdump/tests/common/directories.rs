//! Directories in memory, read whole and in pieces.

use std::collections::BTreeMap;

use pgdump::{FileSizes, Level, Options, PieceSizes, Verdict, verify_directory};

use super::InMemory;

pub(crate) type Contents = BTreeMap<String, Vec<u8>>;

pub(crate) fn options() -> Options<'static> {
    Options { fingerprints: true, ..Options::to(Level::Decodable) }
}

pub(crate) fn sizes(bytes: u64) -> FileSizes {
    FileSizes { pieces: PieceSizes { bytes, most: 10_000 }, opening: 10 }
}

pub(crate) fn whole(files: &Contents, options: &Options<'_>) -> Verdict {
    verify_directory(&InMemory(files), options)
}

/// All but the checksums, which do not travel.
pub(crate) fn essence(verdict: Verdict) -> Verdict {
    Verdict { files: Vec::new(), ..verdict }
}
