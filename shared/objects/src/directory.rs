//! The objects below a prefix as files for blocking code, opened one after the other.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind, Read};

use tokio::runtime::Handle;

use crate::address::Location;
use crate::ahead::{Ahead, Early};
use crate::client::Client;
use crate::failure::{Code, Failure};
use crate::listing::Listed;
use crate::reader::{Limits, Reader};

/// The objects below one prefix. Blocks, so it must be used outside the runtime that fetches. Opening an object costs a HeadObject: it is read
/// as it was then.
pub struct Directory {
    client: Client,
    bucket: String,
    prefix: String,
    limits: Limits,
    runtime: Handle,
    failure: RefCell<Option<Failure>>,
    checksums: RefCell<BTreeMap<String, String>>,
    /// As they were listed last.
    etags: RefCell<BTreeMap<String, String>>,
    ahead: RefCell<Ahead>,
}

impl Directory {
    /// The objects of this bucket whose keys begin so. What follows is their name, so the prefix ends with a slash.
    #[must_use]
    pub fn new(client: Client, bucket: &str, prefix: &str, limits: Limits, runtime: Handle) -> Self {
        let (bucket, prefix) = (bucket.to_owned(), prefix.to_owned());
        Self {
            client,
            bucket,
            prefix,
            limits,
            runtime,
            failure: RefCell::default(),
            checksums: RefCell::default(),
            etags: RefCell::default(),
            ahead: RefCell::default(),
        }
    }

    /// Their names.
    ///
    /// # Errors
    /// When they cannot be listed; [`Directory::failure`] says why.
    pub fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.listed()?.into_iter().map(|file| file.key).collect())
    }

    /// What a listing has of them, each with its name as the key.
    ///
    /// # Errors
    /// When they cannot be listed; [`Directory::failure`] says why.
    pub fn listed(&self) -> io::Result<Vec<Listed>> {
        let listed = self.runtime.block_on(self.client.list(&self.bucket, &self.prefix, &self.limits));
        let listed = listed.map_err(|failure| told(&self.failure, failure))?;
        let named = listed.into_iter().filter_map(|object| {
            // Consoles make an object of the prefix itself to show a folder.
            let name = object.key.strip_prefix(&self.prefix).filter(|name| !name.is_empty())?.to_owned();
            Some(Listed { key: name, ..object })
        });
        let named: Vec<Listed> = named.collect();
        let etags = named.iter().filter_map(|file| Some((file.key.clone(), file.etag.clone()?)));
        self.etags.replace(etags.collect());
        Ok(named)
    }

    /// Says which of them are opened next, in about this order, and forgets what was said before: a few are asked for ahead, and small ones
    /// have come by then. Those that are not opened after all cost requests, and nothing else.
    pub fn announce(&self, names: impl IntoIterator<Item = String>) {
        self.ahead.borrow_mut().announce(names);
        self.ask_ahead();
    }

    fn ask_ahead(&self) {
        self.ahead.borrow_mut().ask(&self.client, |name| self.location(name), &self.limits, &self.runtime);
    }

    fn location(&self, name: &str) -> Location {
        Location { bucket: self.bucket.clone(), key: format!("{}{name}", self.prefix) }
    }

    /// Opens one of them, from this byte on.
    ///
    /// # Errors
    /// When it cannot be looked at, [`ErrorKind::NotFound`] when it is gone, or it is not the object that was listed;
    /// [`Directory::failure`] says why.
    pub fn open(&self, name: &str, from: u64) -> io::Result<impl Read + '_> {
        let early = self.ahead.borrow_mut().take(name, &self.runtime);
        self.ask_ahead();
        let looked = early.unwrap_or_else(|| {
            let object = self.runtime.block_on(self.client.look(&self.location(name), &self.limits))?;
            Ok(Early { object, bytes: None })
        });
        let Early { object, bytes } = looked.map_err(|failure| told(&self.failure, failure))?;
        // A directory is as it was listed, or it is two.
        if self.etags.borrow().get(name).is_some_and(|listed| *listed != object.etag) {
            let message = format!("{} was replaced since it was listed", object.location);
            return Err(told(&self.failure, Failure::new(Code::Changed, message)));
        }
        if let Some(checksum) = &object.crc64nvme {
            self.checksums.borrow_mut().insert(name.to_owned(), checksum.clone());
        }
        let reader = Reader::new(self.client.clone(), object, self.limits.clone(), self.runtime.clone());
        let reader = match bytes {
            Some(bytes) if from == 0 => reader.beginning_with(bytes),
            _ => reader.starting_at(from),
        };
        Ok(Opened { reader, failure: &self.failure })
    }

    /// Why the first thing that failed did.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.failure.borrow().clone()
    }

    /// CRC-64/NVME of an object that was opened, in base 64, where S3 keeps it.
    #[must_use]
    pub fn checksum(&self, name: &str) -> Option<String> {
        self.checksums.borrow().get(name).cloned()
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Directory")
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

fn told(first: &RefCell<Option<Failure>>, failure: Failure) -> io::Error {
    let kind = if failure.code == Code::Missing { ErrorKind::NotFound } else { ErrorKind::Other };
    first.borrow_mut().get_or_insert_with(|| failure.clone());
    io::Error::new(kind, failure)
}

/// An object being read.
struct Opened<'a> {
    reader: Reader,
    failure: &'a RefCell<Option<Failure>>,
}

impl Read for Opened<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer).inspect_err(|_| {
            if let Some(failure) = self.reader.failure() {
                self.failure.borrow_mut().get_or_insert_with(|| failure.clone());
            }
        })
    }
}
