//! The verdict on a directory, from what came of its pieces.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;

use crate::consistency::Elsewhere;
use crate::content::Outcome;
use crate::digest::Sha256Value;
use crate::directory::{Data, Decoding, Here};
use crate::finding::{Code, Finding};
use crate::options::Options;
use crate::pieces::directory::piece::Said;
use crate::pieces::directory::records::Came;
use crate::pieces::directory::{DirectoryDivision, DirectoryPiece, FileSizes, ListedFiles, divide};
use crate::report::Report;
use crate::verdict::Verdict;
use crate::verify::{DirectoryHead, directory_data};

/// The verdict on a directory that was read in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CombinedDirectory {
    /// The verdict of one reading; [`Verdict::files`] has only what was read now, because the checksums of the other files were compared
    /// where they were read.
    pub verdict: Verdict,
    /// Of the directory as it is now.
    pub stamp: Sha256Value,
    /// Whether every file was read to its end, now or in a piece.
    pub whole: bool,
}

/// Puts the pieces of a directory together, in whatever order they come. Its table of contents and its lists of large objects are read once
/// more. What is missing of the pieces is told: it was not checked. So is a piece of a directory that is not this one any more.
#[must_use]
pub fn combine_directory(
    source: ListedFiles<'_>,
    sizes: FileSizes,
    options: &Options<'_>,
    pieces: &[DirectoryPiece],
) -> CombinedDirectory {
    let mut report = Report::new(options);
    let (division, head) = divide(&source, sizes, options, &mut report);
    let mut whole = false;
    let read = head.and_then(|DirectoryHead { listing, contents, here }| {
        let mut pieced = Pieced::of(&division, pieces, here, &mut report);
        whole = pieced.files.values().all(|file| file.said.is_some_and(|said| !said.record.unread));
        directory_data(listing, contents, &mut pieced, &mut report)
    });
    if let Err(finding) = read {
        report.found(finding);
    }
    CombinedDirectory { verdict: report.finish(), stamp: division.stamp(), whole }
}

/// Files that were read in pieces.
struct Pieced<'a> {
    here: Here<'a>,
    files: BTreeMap<&'a str, File<'a>>,
    /// Pieces of which it was told that they are missing.
    missing: BTreeSet<usize>,
    /// Of each piece, how many summed large objects nobody asked for yet, and the bytes of all.
    summed: BTreeMap<usize, (usize, u64)>,
}

/// A file, and what its piece says of it; nothing: that is missing.
struct File<'a> {
    piece: usize,
    bytes: u64,
    said: Option<Said<'a>>,
}

impl<'a> Pieced<'a> {
    fn of(
        division: &'a DirectoryDivision<'_>,
        pieces: &'a [DirectoryPiece],
        here: Here<'a>,
        report: &mut Report<'_>,
    ) -> Self {
        let mut known = BTreeMap::new();
        for piece in pieces {
            known.entry(piece.number()).or_insert(piece);
        }
        let (mut files, mut summed) = (BTreeMap::new(), BTreeMap::new());
        for number in 0..division.pieces() {
            let parts = division.range(number).and_then(|range| division.parts.get(range)).unwrap_or_default();
            let piece = known.get(&number).and_then(|piece| Some((piece, piece.said(division.stamp, parts)?)));
            let said = piece.map_or_else(Vec::new, |(piece, said)| {
                let objects = piece.files.iter().filter(|file| file.came == Came::Summed).count();
                summed.insert(number, (objects, piece.summed_bytes));
                report.found_further(piece.further_findings);
                said
            });
            // Where a piece stopped, nothing is known of the files behind.
            let said = said.into_iter().map(Some).chain(iter::repeat(None));
            files.extend(parts.iter().zip(said).map(|(part, said)| {
                let bytes = said.and_then(|said| said.record.other_bytes).unwrap_or(part.bytes);
                (part.name.as_str(), File { piece: number, bytes, said })
            }));
        }
        Self { here, files, missing: BTreeSet::new(), summed }
    }

    /// Tells the report what a piece says of a file, as if it had been read here; of which piece it is, and what it held.
    fn replay(&mut self, name: &str, report: &mut Report<'_>) -> Result<Option<(usize, u64, Came)>, Finding> {
        let Some(file) = self.files.get(name) else {
            // No division leaves out what may be asked for, so this is none of these files.
            return Err(missing_piece(name, None));
        };
        let Some(said) = file.said else {
            report.elsewhere.insert(name.to_owned(), Elsewhere::Unknown);
            if self.missing.insert(file.piece) {
                report.found(missing_piece(name, Some(file.piece)));
            }
            return Ok(None);
        };
        for told in said.findings {
            let finding = told.finding().in_file(name);
            if finding.code == Code::Unreadable {
                return Err(finding);
            }
            report.found(finding);
        }
        report.bytes_read = report.bytes_read.saturating_add(file.bytes);
        let finding = said.difference.map(|told| told.finding().in_file(name));
        let elsewhere = match said.record.differs {
            true => Elsewhere::Differs { bytes: file.bytes, finding },
            false if said.record.unread => Elsewhere::Unknown,
            false => Elsewhere::Same { bytes: file.bytes },
        };
        report.elsewhere.insert(name.to_owned(), elsewhere);
        Ok(Some((file.piece, file.bytes, said.record.came)))
    }
}

fn missing_piece(name: &str, piece: Option<usize>) -> Finding {
    let which = piece.map_or_else(|| "the piece".to_owned(), |piece| format!("piece {piece}"));
    let sentence = format!("nothing is known of {which} of the directory, which {name} belongs to");
    Finding::new(Code::PieceMissing, sentence).in_file(name)
}

impl Data for Pieced<'_> {
    fn decode(&mut self, file: &str, _: &Decoding<'_>, report: &mut Report<'_>) -> Result<Option<(Outcome, u64)>, Finding> {
        let Some((piece, end, came)) = self.replay(file, report)? else { return Ok(None) };
        let (rows, bytes) = match came {
            Came::Nothing => return Ok(None),
            Came::Data { rows, bytes } => (rows, bytes),
            Came::Object { bytes } => (None, bytes),
            Came::Summed => {
                if let Some((left, _)) = self.summed.get_mut(&piece) {
                    *left = left.saturating_sub(1);
                }
                (None, 0)
            }
        };
        // What was wrong with it is among the findings.
        Ok(Some((Outcome { rows, bytes, fault: None }, end)))
    }

    fn sum(&mut self, file: &str, report: &mut Report<'_>) -> Result<(), Finding> {
        self.replay(file, report).map(drop)
    }

    fn list(&mut self, file: &str, report: &mut Report<'_>) -> Result<Vec<u32>, Finding> {
        self.here.list(file, report)
    }

    fn announce(&self, _: Vec<String>) {}

    fn finish(&mut self, report: &mut Report<'_>) {
        for (left, bytes) in self.summed.values() {
            if *left == 0 {
                report.large_objects.bytes = report.large_objects.bytes.saturating_add(*bytes);
            } else {
                report
                    .not_checked("the bytes of some large objects, which were added to those of others that no list names");
            }
        }
    }
}
