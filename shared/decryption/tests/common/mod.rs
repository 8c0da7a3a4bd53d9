//! Archives of pg_dump, encrypted.

#![allow(dead_code, reason = "each test file uses its own part of this")]

pub(crate) mod messages;

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use decryption::Identities;

pub(crate) fn encrypted(plain: &[u8], identity: &Identity) -> Vec<u8> {
    let recipient = identity.to_public();
    let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient)).unwrap();
    let mut bytes = Vec::new();
    let mut writer = encryptor.wrap_output(&mut bytes).unwrap();
    writer.write_all(plain).unwrap();
    writer.finish().unwrap();
    bytes
}

pub(crate) fn identities(identity: &Identity) -> Identities {
    Identities::read(identity.to_string().expose_secret()).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../pgdump/tests/fixtures")
}

/// The archive of that name.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    fs::read(root().join(name)).unwrap()
}

fn sorted(path: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Every archive that is one file, by name.
pub(crate) fn archives() -> Vec<(String, Vec<u8>)> {
    let versions = sorted(&root()).into_iter().filter(|path| path.is_dir());
    let files = versions.flat_map(|version| sorted(&version)).filter(|path| path.is_file());
    files.map(|path| (path.display().to_string(), fs::read(&path).unwrap())).collect()
}

/// Gives this, and then one letter for ever.
pub(crate) struct Endless<'a> {
    beginning: &'a [u8],
    /// Bytes that were read of it.
    pub(crate) read: usize,
}

impl<'a> Endless<'a> {
    pub(crate) fn after(beginning: &'a [u8]) -> Self {
        Self { beginning, read: 0 }
    }
}

impl Read for Endless<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut count = self.beginning.read(out)?;
        if count == 0 {
            out.fill(b'A');
            count = out.len();
        }
        self.read += count;
        Ok(count)
    }
}

/// Fails after some bytes.
pub(crate) struct Broken<'a>(pub(crate) &'a [u8]);

impl Read for Broken<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.0.read(out)? {
            0 => Err(io::Error::new(ErrorKind::TimedOut, "the disk does not answer")),
            count => Ok(count),
        }
    }
}
