//! The blocks of one piece, from where it begins to where another does.

use crate::custom::{Blocks, OpenBlock, Paused};
use crate::finding::Finding;
use crate::report::Mark;
use crate::source::{Input, InputExt};

/// What came of one block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Block {
    /// The entry that it belongs to, by its place among those with data; `None`: to none, or to one that had its block.
    pub(crate) entry: Option<usize>,
    /// The findings in it.
    pub(crate) findings: usize,
    /// Rows and bytes, where it is rows that were decoded to their end.
    pub(crate) rows: Option<(Option<u64>, u64)>,
    /// Ids of its large objects, in order.
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

/// Reads blocks.
pub(crate) struct Reading<'a, 'r, I> {
    pub(crate) blocks: Blocks<'a, 'r, I>,
    pub(crate) begin: u64,
    pub(crate) edges: &'a [u64],
    /// Entries that had their block.
    pub(crate) found: Vec<bool>,
}

/// Where reading ended.
pub(crate) enum End {
    /// Where a block begins that is another piece's, or at the end of the file.
    At(u64),
    /// Nothing says where the next block begins.
    Lost,
    /// In time; it goes on from here.
    Paused { at: u64, block: Option<OpenBlock> },
}

impl<I: Input> Reading<'_, '_, I> {
    /// Reads from where the input stands, in this block if one is open, to the next edge that a block begins at, or to the end, or as far as is allowed.
    pub(crate) fn read(mut self, mut open: Option<OpenBlock>) -> (Vec<Block>, End) {
        let mut read = Vec::new();
        loop {
            let at = self.blocks.input.position();
            if open.is_none() {
                if at != self.begin && self.edges.binary_search(&at).is_ok() {
                    return (read, End::At(at));
                }
                match self.blocks.input.at_end() {
                    Ok(true) => return (read, End::At(at)),
                    Ok(false) => {}
                    Err(finding) => return self.stop(read, finding),
                }
                if self.blocks.pause.at(at) {
                    return (read, End::Paused { at, block: None });
                }
            }
            let mark = self.blocks.report.mark();
            let result = match open.take() {
                Some(open) => self.blocks.read_on(open),
                None => {
                    self.blocks.current = None;
                    self.blocks.block(&mut self.found)
                }
            };
            let end = match result {
                Ok(None) => None,
                Ok(Some(Paused { at, block })) => Some(End::Paused { at, block: Some(block) }),
                Err(finding) => {
                    self.blocks.report.found(finding);
                    Some(End::Lost)
                }
            };
            read.push(self.what_came(&mark));
            if let Some(end) = end {
                return (read, end);
            }
        }
    }

    fn stop(self, mut read: Vec<Block>, finding: Finding) -> (Vec<Block>, End) {
        self.blocks.report.found(finding);
        read.push(Block { findings: 1, ..Block::default() });
        (read, End::Lost)
    }

    fn what_came(&self, mark: &Mark) -> Block {
        let since = self.blocks.report.since(mark);
        Block {
            entry: self.blocks.current,
            findings: since.findings,
            rows: since.table.map(|table| (table.rows, table.bytes)),
            objects: since.large_object_ids.to_vec(),
            sound_objects: (since.large_objects.count, since.large_objects.bytes),
            forgotten: since.forgotten,
        }
    }
}
