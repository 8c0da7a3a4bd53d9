//! The blocks of one piece, from where it begins to where another does.

use crate::finding::Finding;
use crate::pause::Paused;
use crate::report::{Mark, Report};

/// What came of one block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Block {
    /// The entry that it belongs to, by its place among those with data; `None`: to none, or to one that had its block, or it is large
    /// objects of a tar archive.
    pub(crate) entry: Option<usize>,
    /// The findings in it.
    pub(crate) findings: usize,
    /// Rows and bytes, where it is rows that were decoded to their end.
    pub(crate) rows: Option<(Option<u64>, u64)>,
    /// Ids of its large objects, in order; or those that it lists, where it is a list in a tar archive.
    pub(crate) objects: Vec<u32>,
    /// How many of them were decoded to their end, and their bytes.
    pub(crate) sound_objects: (u64, u64),
    /// Whether there were more than are remembered.
    pub(crate) forgotten: bool,
}

impl Block {
    /// Adds the rest of a block that was read in several goes.
    pub(crate) fn join(&mut self, rest: Self) {
        let Self { entry: _, findings, rows, objects, sound_objects: (count, bytes), forgotten } = rest;
        self.findings += findings;
        self.rows = rows.or(self.rows);
        self.objects.extend(objects);
        self.sound_objects.0 = self.sound_objects.0.saturating_add(count);
        self.sound_objects.1 = self.sound_objects.1.saturating_add(bytes);
        self.forgotten |= forgotten;
    }
}

/// What follows the table of contents, one after the other: blocks of a custom archive, members of a tar archive.
pub(crate) trait Sequence<'r> {
    /// How one stands that was not read to its end. It can be kept, to go on elsewhere.
    type Open;

    /// Whether there is no other one.
    fn at_end(&mut self) -> Result<bool, Finding>;
    fn position(&self) -> u64;
    /// Whether to stop at this byte of the file.
    fn pauses_at(&self, position: u64) -> bool;
    fn report(&mut self) -> &mut Report<'r>;
    /// The entry that the one that was read last belongs to, by its place in the contents.
    fn current(&self) -> Option<usize>;
    /// Takes the ids that were listed outside of the table of contents since this was asked last.
    fn listed(&mut self) -> Vec<u32>;
    /// Reads the next one, and notes that its entry has one; to its end, or as far as is allowed.
    fn next(&mut self, found: &mut [bool]) -> Result<Option<Paused<Self::Open>>, Finding>;
    /// Goes on with one, which is that of the current entry unless it is nobody's.
    fn read_on(&mut self, open: Self::Open) -> Result<Option<Paused<Self::Open>>, Finding>;
}

/// Reads a part of such a sequence.
pub(crate) struct Reading<'a, S> {
    pub(crate) sequence: S,
    pub(crate) begin: u64,
    pub(crate) edges: &'a [u64],
    /// Entries that had their block.
    pub(crate) found: Vec<bool>,
}

/// Where reading ended.
pub(crate) enum End<T> {
    /// Where a block begins that is another piece's, or at the end of the file.
    At(u64),
    /// Nothing says where the next block begins.
    Lost,
    /// In time; it goes on from here, in this block if one is open.
    Paused(Paused<Option<T>>),
}

impl<T> End<T> {
    pub(crate) fn map<U>(self, of: impl FnOnce(T) -> U) -> End<U> {
        match self {
            Self::At(at) => End::At(at),
            Self::Lost => End::Lost,
            Self::Paused(Paused { at, open }) => End::Paused(Paused { at, open: open.map(of) }),
        }
    }
}

impl<'r, S: Sequence<'r>> Reading<'_, S> {
    /// Reads from where the input stands, in this block if one is open, to the next edge that a block begins at, or to the end, or as far as is allowed.
    pub(crate) fn read(mut self, mut open: Option<S::Open>) -> (Vec<Block>, End<S::Open>) {
        let mut read: Vec<Block> = Vec::new();
        loop {
            let at = self.sequence.position();
            if open.is_none() {
                if at != self.begin && self.edges.binary_search(&at).is_ok() {
                    return (read, End::At(at));
                }
                match self.sequence.at_end() {
                    Ok(true) => return (read, End::At(at)),
                    Ok(false) => {}
                    Err(finding) => return self.stop(read, finding),
                }
                if self.sequence.pauses_at(at) {
                    return (read, End::Paused(Paused { at, open: None }));
                }
            }
            let mark = self.sequence.report().mark();
            let result = match open.take() {
                Some(open) => self.sequence.read_on(open),
                None => self.sequence.next(&mut self.found),
            };
            let end = match result {
                Ok(None) => None,
                Ok(Some(Paused { at, open })) => Some(End::Paused(Paused { at, open: Some(open) })),
                Err(finding) => {
                    self.sequence.report().found(finding);
                    Some(End::Lost)
                }
            };
            let came = self.what_came(&mark);
            match read.last_mut() {
                // There may be millions of large objects in a tar archive, each a member.
                Some(last) if last.entry.is_none() && came.entry.is_none() => last.join(came),
                _ => read.push(came),
            }
            if let Some(end) = end {
                return (read, end);
            }
        }
    }

    fn stop(mut self, mut read: Vec<Block>, finding: Finding) -> (Vec<Block>, End<S::Open>) {
        let mark = self.sequence.report().mark();
        self.sequence.report().found(finding);
        let findings = self.sequence.report().since(&mark).findings;
        read.push(Block { findings, ..Block::default() });
        (read, End::Lost)
    }

    fn what_came(&mut self, mark: &Mark) -> Block {
        let (entry, mut objects) = (self.sequence.current(), self.sequence.listed());
        let since = self.sequence.report().since(mark);
        objects.extend(since.large_object_ids);
        Block {
            entry,
            findings: since.findings,
            rows: since.table.map(|table| (table.rows, table.bytes)),
            objects,
            sound_objects: (since.large_objects.count, since.large_objects.bytes),
            forgotten: since.forgotten,
        }
    }
}
