//! The blocks of one piece, from where it begins to where another does.

use crate::custom::Blocks;
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

/// Reads blocks.
pub(crate) struct Reading<'a, 'r, I> {
    pub(crate) blocks: Blocks<'a, 'r, I>,
    pub(crate) begin: u64,
    pub(crate) edges: &'a [u64],
}

impl<I: Input> Reading<'_, '_, I> {
    /// Reads to the next edge that a block begins at, or to the end: the blocks, and where that is. `None`: nothing says where the
    /// next block begins.
    pub(crate) fn read(mut self) -> (Vec<Block>, Option<u64>) {
        let mut found = vec![false; self.blocks.contents.entries.len()];
        let mut read = Vec::new();
        loop {
            let at = self.blocks.input.position();
            if at != self.begin && self.edges.binary_search(&at).is_ok() {
                return (read, Some(at));
            }
            match self.blocks.input.at_end() {
                Ok(true) => return (read, Some(at)),
                Ok(false) => {}
                Err(finding) => return self.stop(read, finding),
            }
            let mark = self.blocks.report.mark();
            self.blocks.current = None;
            let result = self.blocks.block(&mut found);
            let stopped = result.err();
            let last = stopped.is_some();
            if let Some(finding) = stopped {
                self.blocks.report.found(finding);
            }
            read.push(self.what_came(&mark));
            if last {
                return (read, None);
            }
        }
    }

    fn stop(self, mut read: Vec<Block>, finding: Finding) -> (Vec<Block>, Option<u64>) {
        self.blocks.report.found(finding);
        read.push(Block { findings: 1, ..Block::default() });
        (read, None)
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
