//! Backups in a directory: files, or directories that `pg_dump -Fd` wrote.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use pgdump::{LARGEST_MANIFEST, Manifest};
use shared::domain::archives::MANIFEST;
use shared::domain::retention::{FoundBackup, Going, Standing};

use super::proof::{single, standing};

/// A directory that holds backups and, beside each, its manifest.
pub(super) struct DirectoryShelf {
    path: PathBuf,
}

impl DirectoryShelf {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_path_buf() }
    }

    fn look(&self, name: &str) -> io::Result<FoundBackup> {
        let path = self.path.join(name);
        let metadata = path.symlink_metadata()?;
        let mut identity = vec![identity(&metadata)];
        let files = if metadata.is_dir() {
            let mut files = BTreeMap::new();
            for entry in fs::read_dir(&path)? {
                let entry = entry?;
                let metadata = entry.metadata()?;
                let name = entry.file_name().to_string_lossy().into_owned();
                identity.push(format!("{name}: {}", self::identity(&metadata)));
                files.insert(name, metadata.len());
            }
            files
        } else {
            single(metadata.len())
        };
        identity.sort();
        let manifest = read_manifest(&self.path.join(format!("{name}{MANIFEST}")))?;
        let standing = if metadata.is_file() || metadata.is_dir() {
            standing(manifest.as_ref(), &files)
        } else {
            Standing::Unverified { why: "it is neither a file nor a directory".to_owned() }
        };
        Ok(FoundBackup { bytes: files.values().sum(), identity: identity.join(", "), standing })
    }
}

/// What changes when somebody writes the file.
fn identity(metadata: &Metadata) -> String {
    let modified = metadata.modified().ok().and_then(|at| Timestamp::try_from(at).ok());
    format!("{} bytes of {}", metadata.len(), modified.map_or_else(|| "no time".to_owned(), |at| at.to_string()))
}

/// The manifest, where there is one that can be read as such. One that is there and cannot be read at all is an error: nothing
/// is known of its backup then.
fn read_manifest(path: &Path) -> io::Result<Option<Manifest>> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(LARGEST_MANIFEST + 1).read_to_end(&mut bytes)) {
        Ok(_) => Ok(Manifest::read(&bytes).ok()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl DirectoryShelf {
    /// How people name it.
    pub(super) fn place(&self) -> String {
        // The same directory has the same digest however it was named.
        self.path.canonicalize().unwrap_or_else(|_| self.path.clone()).display().to_string()
    }

    /// Every backup, by name.
    pub(super) fn found(&self) -> Result<BTreeMap<String, FoundBackup>, String> {
        let unreadable = |error: io::Error| format!("{} could not be listed: {error}", self.path.display());
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(&self.path).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            let Some(name) = name.to_str() else {
                return Err(format!("{} holds a name that is not UTF-8: {}", self.path.display(), name.to_string_lossy()));
            };
            if !name.ends_with(MANIFEST) {
                found.insert(name.to_owned(), self.look(name).map_err(unreadable)?);
            }
        }
        Ok(found)
    }

    /// Removes a backup and then its manifest, unless it is another one by now.
    pub(super) fn remove(&self, going: &Going) -> Result<(), String> {
        let unremovable = |error: io::Error| format!("could not be removed: {error}");
        let present = self.look(&going.name).map_err(unremovable)?;
        if present.identity != going.identity {
            return Err("changed while this ran, and stays".to_owned());
        }
        let path = self.path.join(&going.name);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(unremovable)?;
        // Last: a backup without its manifest would be one that nobody ever removes.
        fs::remove_file(self.path.join(format!("{}{MANIFEST}", going.name))).map_err(unremovable)
    }
}
