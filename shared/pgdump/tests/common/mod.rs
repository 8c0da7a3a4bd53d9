//! The fixture archives, in memory.

#![allow(dead_code, reason = "each test file uses its own part of this")]

pub(crate) mod directories;
pub(crate) mod handed_on;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use lz4_flex::frame::{BlockMode, BlockSize, FrameInfo};
use pgdump::{Files, Level, Options, PieceSizes, Verdict, verify, verify_directory};
use proptest::prelude::*;
use proptest::sample::Index;

/// An archive in memory, so that it can be damaged.
#[derive(Clone)]
pub(crate) enum Archive {
    One(Vec<u8>),
    Many(BTreeMap<String, Vec<u8>>),
}

impl Archive {
    pub(crate) fn verify(&self, options: &Options<'_>) -> Verdict {
        match self {
            Self::One(bytes) => verify(bytes.as_slice(), options),
            Self::Many(files) => verify_directory(&InMemory(files), options),
        }
    }

    /// The archive's files with their names; one without name where it is one file.
    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>)> {
        match self {
            Self::One(bytes) => vec![(String::new(), bytes.clone())],
            Self::Many(files) => files.clone().into_iter().collect(),
        }
    }

    /// The same archive with another content of one file.
    pub(crate) fn with(&self, name: &str, bytes: Vec<u8>) -> Self {
        match self {
            Self::One(_) => Self::One(bytes),
            Self::Many(files) => {
                let mut files = files.clone();
                files.insert(name.to_owned(), bytes);
                Self::Many(files)
            }
        }
    }
}

/// The files of a directory.
pub(crate) struct InMemory<'a>(pub(crate) &'a BTreeMap<String, Vec<u8>>);

impl Files for InMemory<'_> {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.0.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        let bytes = self.0.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(bytes.as_slice()))
    }
}

pub(crate) struct Fixture {
    /// Such as `17.10/custom-lz4.dump`.
    pub(crate) name: String,
    pub(crate) archive: Archive,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn sorted(path: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn read(path: &Path) -> Archive {
    if path.is_file() {
        return Archive::One(fs::read(path).unwrap());
    }
    let file = |path: PathBuf| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap());
    Archive::Many(sorted(path).into_iter().map(file).collect())
}

/// The archive of that name.
pub(crate) fn fixture(name: &str) -> Archive {
    read(&root().join(name))
}

/// Every archive, by version and name.
pub(crate) fn fixtures() -> Vec<Fixture> {
    let versions = sorted(&root()).into_iter().filter(|path| path.is_dir());
    let paths = versions.flat_map(|version| sorted(&version));
    paths
        .map(|path| Fixture { name: path.strip_prefix(root()).unwrap().display().to_string(), archive: read(&path) })
        .collect()
}

/// What happens to some bytes: of which kind it is, where, to which value, and how many.
pub(crate) type Change = (u8, Index, u8, usize);

pub(crate) fn any_change() -> impl Strategy<Value = Change> {
    (0..4_u8, any::<Index>(), any::<u8>(), 1..64_usize)
}

/// Changes some bytes, cuts them out or doubles them.
pub(crate) fn change(bytes: &mut Vec<u8>, (kind, at, byte, length): Change) {
    let at = at.index(bytes.len().max(1));
    let end = (at + length).min(bytes.len());
    match kind {
        0 => bytes.get_mut(at).into_iter().for_each(|old| *old = byte),
        1 => bytes.get_mut(at).into_iter().for_each(|old| *old ^= 1 << (byte % 8)),
        2 => drop(bytes.drain(at..end)),
        _ => {
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
        }
    }
}

/// These archives with some bytes changed, cut out or doubled.
pub(crate) fn damaged(sound: impl Strategy<Value = (String, Vec<u8>)>) -> impl Strategy<Value = (String, Vec<u8>)> {
    (sound, prop::collection::vec(any_change(), 0..4)).prop_map(|((name, mut bytes), changes)| {
        changes.into_iter().for_each(|one| change(&mut bytes, one));
        (name, bytes)
    })
}

/// What readers of pieces are asked for.
pub(crate) fn decodable() -> Options<'static> {
    let mut options = Options::to(Level::Decodable);
    options.limits.zstd_window_log = 27;
    options.fingerprints = true;
    options
}

/// Pieces of so many bytes, however many there are.
pub(crate) fn sizes(bytes: u64) -> PieceSizes {
    PieceSizes { bytes, most: 10_000 }
}

/// LZ4 as pg_dump writes it.
pub(crate) fn linked() -> FrameInfo {
    FrameInfo::new().block_mode(BlockMode::Linked).block_size(BlockSize::Max64KB)
}
