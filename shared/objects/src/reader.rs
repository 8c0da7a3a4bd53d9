//! An object as a stream of bytes for blocking code, with a few ranges fetched ahead.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::client::{Client, Object};
use crate::failure::{Code, Failure};
use crate::fetch;

/// How an object is read. At most `part` × (`ahead` + 1) bytes of it are in memory.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of one range.
    pub part: usize,
    /// Ranges that are fetched at a time.
    pub ahead: usize,
    /// How long nothing may come before a transfer is given up.
    pub stall: Duration,
    /// Failures in a row, with no byte between them, after which the object counts as unreadable.
    pub attempts: u32,
    /// When all reading has to be over.
    pub until: Option<Instant>,
}

impl Default for Limits {
    /// S3 advises ranges of 8 to 16 MiB, several at a time: 8 × (4 + 1) = 40 MiB.
    fn default() -> Self {
        Self { part: 8 << 20, ahead: 4, stall: Duration::from_secs(10), attempts: 5, until: None }
    }
}

/// Reads an object to its last byte, from its first one unless told otherwise. Blocks, so it must be read outside the runtime that fetches.
#[derive(Debug)]
pub struct Reader {
    client: Client,
    object: Object,
    limits: Limits,
    runtime: Handle,
    /// Where the next range to be asked for begins.
    next: u64,
    coming: VecDeque<Fetch>,
    present: Vec<u8>,
    read: usize,
    failure: Option<Failure>,
}

/// A range on its way; nobody waits for it any more once it is dropped.
#[derive(Debug)]
struct Fetch(JoinHandle<Result<Vec<u8>, Failure>>);

impl Drop for Fetch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Reader {
    /// Reads this object, by this runtime. Nothing is fetched before the first read.
    #[must_use]
    pub fn new(client: Client, object: Object, limits: Limits, runtime: Handle) -> Self {
        Self {
            client,
            object,
            limits,
            runtime,
            next: 0,
            coming: VecDeque::new(),
            present: Vec::new(),
            read: 0,
            failure: None,
        }
    }

    /// From this byte on instead of the first.
    #[must_use]
    pub fn starting_at(self, byte: u64) -> Self {
        Self { next: byte, ..self }
    }

    /// With its first bytes, which have come already.
    pub(crate) fn beginning_with(self, present: Vec<u8>) -> Self {
        Self { next: present.len() as u64, present, read: 0, ..self }
    }

    /// Why the last read failed.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    fn ask_ahead(&mut self) {
        while self.coming.len() < self.limits.ahead.max(1) && self.next < self.object.bytes {
            let end = self.next.saturating_add(self.limits.part.max(1) as u64).min(self.object.bytes);
            let work = fetch::range(self.client.clone(), self.object.clone(), self.next..end, self.limits.clone());
            self.coming.push_back(Fetch(self.runtime.spawn(work)));
            self.next = end;
        }
    }

    fn take_next(&mut self) -> Result<bool, Failure> {
        // Its room is free before another range is asked for.
        self.present = Vec::new();
        self.read = 0;
        self.ask_ahead();
        let Some(mut fetch) = self.coming.pop_front() else { return Ok(false) };
        let ended = |_| Failure::new(Code::Unexpected, "the runtime that fetches has ended");
        self.present = self.runtime.block_on(&mut fetch.0).map_err(ended)??;
        self.ask_ahead();
        Ok(true)
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Once failed, failed: the bytes behind a gap are nobody's.
        if let Some(failure) = &self.failure {
            return Err(io::Error::other(failure.clone()));
        }
        if self.read == self.present.len() {
            match self.take_next() {
                Ok(true) => {}
                Ok(false) => return Ok(0),
                Err(failure) => {
                    self.coming.clear();
                    self.failure = Some(failure.clone());
                    return Err(io::Error::other(failure));
                }
            }
        }
        let rest = self.present.get(self.read..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.read += count;
        Ok(count)
    }
}
