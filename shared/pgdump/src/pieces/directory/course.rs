//! A piece of a directory that is read by several readers, one after the other, because it is more than one of them can read.
//!
//! Each hands on what came of the files that it read to their end, and how the one stands in whose middle it stopped: its decoder, the checks
//! of its content and its checksums. What is handed on is believed as far as pieces are, but it may be damaged on its way: nothing in it makes
//! a reader panic, or take more memory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::consistency::difference;
use crate::directory::Here;
use crate::finding::{Code, Finding};
use crate::options::Options;
use crate::pause::Allowance;
use crate::pieces::directory::file::{FileEnd, FileRead, OpenFile, Turn};
use crate::pieces::directory::records::Record;
use crate::pieces::directory::{DirectoryDivision, DirectoryPiece};
use crate::verdict::FilePrint;

/// Of what is handed on.
const VERSION: u32 = 1;

/// A piece of a directory as far as it was read, and where reading goes on. As JSON it can be handed to whoever goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryCourse {
    version: u32,
    /// Readers that had their turn.
    turns: u32,
    piece: DirectoryPiece,
    /// Whether nothing is left to read.
    ended: bool,
    /// The file behind those of the piece, where somebody began to read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open: Option<OpenFile>,
}

impl DirectoryCourse {
    /// The piece, where there is nothing left to read of it.
    ///
    /// # Errors
    /// The course, where there is.
    pub fn finish(self) -> Result<DirectoryPiece, Box<Self>> {
        if self.ended { Ok(self.piece) } else { Err(Box::new(self)) }
    }

    /// How many readers had their turn.
    #[must_use]
    pub fn turns(&self) -> u32 {
        self.turns
    }

    /// What came of the piece by now.
    #[must_use]
    pub fn piece(&mut self) -> &mut DirectoryPiece {
        &mut self.piece
    }

    /// Reads no further, and says why in the piece, of the file that comes next.
    pub fn give_up(&mut self, why: impl Into<String>) {
        let mut findings = self.told_of_open().unwrap_or_default();
        findings.push(Finding::new(Code::StreamTooLong, why));
        (self.open, self.ended) = (None, true);
        self.piece.push(Record { unread: true, ..Record::default() }, findings, 0, None);
    }

    /// Takes what is told of the open file out of the piece. `None`: it is not as it must be.
    fn told_of_open(&mut self) -> Option<Vec<Finding>> {
        match &self.open {
            Some(open) if open.is_told() => self.piece.take_back(),
            _ => Some(Vec::new()),
        }
    }
}

impl DirectoryDivision<'_> {
    /// A piece of which nothing was read yet.
    #[must_use]
    pub fn course(&self, piece: usize) -> Option<DirectoryCourse> {
        self.range(piece)?;
        let piece = DirectoryPiece::new(self.stamp, piece);
        Some(DirectoryCourse { version: VERSION, turns: 0, piece, ended: false, open: None })
    }

    /// Reads one piece; what came of it, and the checksums of its files, as far as they could be read.
    #[must_use]
    pub fn read(&self, piece: usize) -> Option<(DirectoryPiece, Vec<FilePrint>)> {
        let (course, prints) = self.read_on(piece, self.course(piece)?, None)?;
        Some((course.finish().ok()?, prints))
    }

    /// Reads on, as far as is allowed; how far that was, and the checksums of the files that were read to their end in this turn. `None`:
    /// this is not how this piece can stand.
    #[must_use]
    pub fn read_on(
        &self,
        piece: usize,
        mut course: DirectoryCourse,
        allowance: Option<Allowance<'_>>,
    ) -> Option<(DirectoryCourse, Vec<FilePrint>)> {
        let parts = self.parts.get(self.range(piece)?)?;
        let sane = course.version == VERSION && course.piece.number() == piece && !course.ended;
        course.piece.said(self.stamp, parts).filter(|_| sane)?;
        let mut told = course.told_of_open()?;
        let left = parts.get(course.piece.files.len()..).filter(|left| course.open.is_none() || !left.is_empty())?;
        let options = Options { fingerprints: true, ..self.options.clone() };
        let stated = options.manifest.iter().flat_map(|manifest| &manifest.files);
        let stated: BTreeMap<&str, &FilePrint> = stated.map(|file| (file.name.as_str(), file)).collect();
        let mut here = Here::new(self.source.files, &options.limits);
        let begun = usize::from(course.open.is_some());
        self.source.files.announce(left.iter().skip(begun).map(|part| part.name.clone()).collect());
        let mut turn = Turn::new(allowance, course.turns);
        let mut prints = Vec::new();
        course.ended = true;
        for part in left {
            let open = course.open.take();
            let FileRead { came, findings, further, print, end } = self.file(part, open, &mut turn, &mut here, &options)?;
            let mut all = std::mem::take(&mut told);
            all.extend(findings);
            let differs = print.as_ref().and_then(|print| difference(print, stated.get(part.name.as_str())?));
            let bytes = print.as_ref().map_or(part.bytes, |print| print.bytes);
            let other_bytes = (bytes != part.bytes).then_some(bytes);
            let record = Record { came, other_bytes, unread: print.is_none(), ..Record::default() };
            prints.extend(print);
            match end {
                FileEnd::Reached => course.piece.push(record, all, further, differs),
                FileEnd::Unreadable => {
                    course.piece.push(record, all, further, differs);
                    break;
                }
                FileEnd::HandedOn(open) => {
                    course.ended = false;
                    course.open = open.map(|open| open.told(!all.is_empty()));
                    // Whoever goes on may fail, and damage that was found is to stay found.
                    if !all.is_empty() && course.open.is_some() {
                        course.piece.push(record, all, further, None);
                    }
                    break;
                }
            }
        }
        course.turns = course.turns.saturating_add(1);
        Some((course, prints))
    }
}
