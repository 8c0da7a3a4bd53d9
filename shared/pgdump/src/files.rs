//! Where the files of a directory archive come from.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;

/// The files of one archive that pg_dump wrote as a directory: on disk, or the objects below one prefix of a bucket.
///
/// [`crate::verify_directory`] opens one file at a time, reads it once, from its beginning to its end, and drops the reader. Only who reads
/// a directory in pieces opens a file that somebody else began.
pub trait Files {
    /// The names of all files, without the directory or prefix, in any order.
    ///
    /// # Errors
    /// When they cannot be listed; nothing is verified then.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Opens a file that [`Files::names`] named.
    ///
    /// # Errors
    /// When it cannot be read. This counts as "could not be checked", so a reader of objects must say
    /// [`io::ErrorKind::NotFound`] only when the object is really gone.
    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>>;

    /// Opens it from this byte on.
    ///
    /// # Errors
    /// As [`Files::open`].
    fn open_at(&self, name: &str, from: u64) -> io::Result<Box<dyn Read + '_>> {
        let mut reader = self.open(name)?;
        io::copy(&mut reader.by_ref().take(from), &mut io::sink())?;
        Ok(reader)
    }

    /// Says which files are opened next, in this order unless something is wrong with them, so that whoever has to ask for them can do so
    /// early. What was said before does not hold any more.
    fn announce(&self, _names: Vec<String>) {}
}

/// A directory on disk.
#[derive(Debug, Clone)]
pub struct Directory {
    path: PathBuf,
}

impl Directory {
    /// The directory of that path.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl Files for Directory {
    fn names(&self) -> io::Result<Vec<String>> {
        fs::read_dir(&self.path)?.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned())).collect()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(File::open(self.path.join(name))?))
    }
}
