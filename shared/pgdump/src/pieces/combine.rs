//! The verdict on the whole, from what came of its pieces.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::ops::Range;

use crc_fast::{CrcAlgorithm, checksum_combine};

use crate::consistency::{Pieced, compare_pieced};
use crate::contents::{Kind, Place};
use crate::custom::{duplicate, missing};
use crate::digest::Crc64Value;
use crate::finding::{Code, Finding};
use crate::header::Layout;
use crate::level::Level;
use crate::options::Options;
use crate::pieces::{Beginning, Division, How, Known, Opened, Piece, PieceSizes, apart, divide};
use crate::report::Report;
use crate::tar;
use crate::verdict::{FilePrint, Proof, Table, Verdict};

/// The verdict on an archive that was read in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Combined {
    /// The verdict of one reading; [`Verdict::files`] is empty, because SHA-256 is not made of parts.
    pub verdict: Verdict,
    /// CRC-64/NVME of the whole file, as it is stored, where every byte of it came.
    pub crc64nvme: Option<Crc64Value>,
    /// Whether it is encrypted and opened: then only pieces of what it holds belong to it.
    pub opened: bool,
}

/// What is said of SHA-256 wherever it would have been compared.
const NO_SHA256: &str = "SHA-256: it cannot be put together from pieces, and CRC-64/NVME finds accidents, not a change that somebody \
                         made so that it is not found; recoveryctl backup verify compares both";

/// Puts the pieces of an archive whose file has so many bytes together, in whatever order they come. Its beginning is read once more.
/// What is missing of the pieces is told: it was not checked.
pub fn combine(reader: impl Read, bytes: u64, sizes: PieceSizes, options: &Options<'_>, pieces: &[Piece]) -> Combined {
    let (division, beginning) = divide(reader, bytes, sizes, options);
    let mut known = BTreeMap::new();
    for piece in pieces.iter().filter(|piece| piece.is_sane(division.entries())) {
        known.entry(piece.range().start).or_insert(piece);
    }
    let content = division.checksum(&known, Division::range, |piece| piece.crc64nvme);
    let crc64nvme = match division.opened() {
        Some(_) => division.checksum(&known, Division::encrypted_range, |piece| piece.encrypted_crc64nvme),
        None => content,
    };
    let verdict = match (beginning, &division.how) {
        (Beginning::Head(mut report), How::Entries(head)) => {
            let begin = division.edges.first().copied().unwrap_or_default();
            report.bytes_read = begin;
            if let Err(finding) = chain(&known, begin, division.bytes, head, &mut report) {
                report.found(finding);
            }
            // That a chunk does not open does not depend on what lies before it.
            let mut not_authentic =
                known.values().flat_map(|piece| piece.findings()).filter(|finding| finding.code == Code::NotAuthentic);
            if let (false, Some(finding)) = (report.has(Code::NotAuthentic), not_authentic.next()) {
                report.found(finding);
            }
            report.pieced = content.map(|crc64nvme| Pieced { bytes: division.bytes, crc64nvme });
            if let Some(opened) = &head.opened {
                encrypted_file(opened, crc64nvme, &mut report);
            }
            if content.is_none() {
                report.compares_no_bytes();
            }
            if options.manifest.is_some() {
                report.not_checked(NO_SHA256);
            }
            report.finish()
        }
        (Beginning::Head(report), How::Ranges { .. }) => apart(report),
        (Beginning::Listing(listing), _) => summed(*listing, division.why_not_decoded(), &known, bytes, crc64nvme, options),
    };
    Combined { verdict, crc64nvme, opened: division.is_opened() }
}

impl Division {
    /// Of the whole, where these parts cover it without a gap.
    fn checksum(
        &self,
        known: &BTreeMap<u64, &Piece>,
        part: impl Fn(&Self, usize) -> Option<Range<u64>>,
        sum: impl Fn(&Piece) -> Option<Crc64Value>,
    ) -> Option<Crc64Value> {
        let mut whole = 0;
        let mut at = 0;
        for number in 0..self.pieces() {
            let range = self.range(number)?;
            let read = known.get(&range.start).filter(|read| read.range() == range)?;
            let (range, sum) = (part(self, number)?, sum(read)?.0);
            if range.start != at {
                return None;
            }
            whole = match at {
                0 => sum,
                _ => checksum_combine(CrcAlgorithm::Crc64Nvme, whole, sum, range.end - range.start),
            };
            at = range.end;
        }
        Some(Crc64Value(whole))
    }
}

/// What there is to say of the file, beside what it holds.
fn encrypted_file(opened: &Opened, crc64nvme: Option<Crc64Value>, report: &mut Report<'_>) {
    report.pieced_encrypted = crc64nvme.map(|crc64nvme| Pieced { bytes: opened.file, crc64nvme });
    if crc64nvme.is_none() && report.options().knows_encrypted() {
        report.not_checked("the encrypted bytes against the manifest: not every one of them was read");
    }
    if let Some(what) = opened.view.not_checked() {
        report.not_checked(what);
    }
}

/// Follows the pieces from the first block to the end of the file.
fn chain(
    known: &BTreeMap<u64, &Piece>,
    begin: u64,
    bytes: u64,
    head: &Known,
    report: &mut Report<'_>,
) -> Result<(), Finding> {
    let Known { header, contents, .. } = head;
    let mut whole = Whole { found: vec![false; contents.entries.len()], listed: Vec::new() };
    let mut at = begin;
    let mut first = true;
    while first || at != bytes {
        // The first piece has the bytes of the table of contents, too.
        let next = known.get(&if first { 0 } else { at });
        let piece = next.ok_or_else(|| missing_piece(at))?;
        whole.replay(piece, head, report);
        let Some(reached) = piece.reached else {
            // It told why.
            return if piece.findings().next().is_some() { Ok(()) } else { Err(missing_piece(at)) };
        };
        if reached <= at && reached != bytes {
            return Err(missing_piece(at));
        }
        (at, first) = (reached, false);
        report.bytes_read = at;
    }
    if header.layout == Layout::Files {
        return tar::complete(header, contents, &whole.found, whole.listed, at, report);
    }
    missing(contents, &whole.found, at, report);
    report.data_complete(contents);
    Ok(())
}

fn missing_piece(at: u64) -> Finding {
    Finding::at(Code::PieceMissing, at, format!("nothing is known of the piece of the archive that begins at byte {at}"))
}

/// What is known of all pieces so far.
struct Whole {
    /// Entries that had their block.
    found: Vec<bool>,
    /// Large objects that lists in a tar archive name.
    listed: Vec<u32>,
}

impl Whole {
    /// Tells the report what came of a piece, as if it had read it.
    fn replay(&mut self, piece: &Piece, head: &Known, report: &mut Report<'_>) {
        let contents = &head.contents;
        let tar = head.header.layout == Layout::Files;
        let mut findings = piece.findings();
        for block in &piece.blocks {
            let own: Vec<Finding> = findings.by_ref().take(block.findings).collect();
            let entry = block.entry.and_then(|index| Some((contents.entries.get(index)?, self.found.get_mut(index)?)));
            let Some((entry, found)) = entry else {
                own.into_iter().for_each(|finding| report.found(finding));
                if tar {
                    report.large_objects_read(&block.objects, block.sound_objects, block.forgotten);
                }
                continue;
            };
            if std::mem::replace(found, true) {
                // What a single reading would have passed over; only where it lies is to be told.
                let moved =
                    own.iter().find(|finding| finding.code == Code::OffsetMismatch).and_then(|finding| finding.offset);
                let at = match (moved, &entry.place) {
                    (None, Place::At(offset)) => *offset,
                    (moved, _) => moved.unwrap_or(piece.range().start),
                };
                report.found(duplicate(entry, at));
                continue;
            }
            own.into_iter().for_each(|finding| report.found(finding));
            // A table that was read to its end has rows, or damage that is told or counted.
            let silent = block.rows.is_none() && block.findings == 0 && piece.further_findings == 0;
            if silent && piece.reached.is_some() && entry.kind != Kind::LargeObjects {
                report.found(missing_piece(piece.range().start));
            }
            if let Some((rows, bytes)) = block.rows {
                report.tables.push(Table { schema: entry.schema.clone(), name: entry.name.clone(), rows, bytes });
            }
            if tar {
                self.listed.extend(&block.objects);
                report.large_objects_read(&[], (0, 0), block.forgotten);
            } else {
                report.large_objects_read(&block.objects, block.sound_objects, block.forgotten);
            }
        }
        report.found_further(piece.further_findings);
        piece.not_checked.iter().for_each(|what| report.not_checked(what.clone()));
    }
}

/// The verdict where pieces were only summed: what the beginning told, and whether the bytes are those that were written.
fn summed(
    mut verdict: Verdict,
    why: Option<&'static str>,
    known: &BTreeMap<u64, &Piece>,
    bytes: u64,
    crc64nvme: Option<Crc64Value>,
    options: &Options<'_>,
) -> Verdict {
    verdict.bytes_read = known.values().map(|piece| piece.range().end - piece.range().start).fold(0, u64::saturating_add);
    let told = known.values().flat_map(|piece| piece.findings());
    let mut found: Vec<Finding> = told.collect();
    if crc64nvme.is_none() && found.is_empty() {
        found.push(missing_piece(0));
    }
    let stated = options.manifest.and_then(|manifest| match &verdict.encryption {
        Some(_) => manifest.encrypted.as_ref(),
        None => manifest.files.iter().find(|file| file.name == FilePrint::SINGLE),
    });
    let intact = match (crc64nvme, stated, options.manifest) {
        _ if options.level < Level::Intact => Proof::NotChecked("not asked for".to_owned()),
        (_, None, None) => Proof::NotChecked(
            "no manifest was given, so nothing says what the bytes were when the backup was taken".to_owned(),
        ),
        (_, None, Some(_)) => Proof::NotChecked("the manifest is of what it holds, and that was not summed".to_owned()),
        (None, _, _) => Proof::NotChecked("not every byte could be read".to_owned()),
        (Some(crc64nvme), Some(stated), _) => {
            let pieced = Pieced { bytes, crc64nvme };
            match compare_pieced(&pieced, stated) {
                Some(finding) => {
                    let proof = Proof::Failed(finding.sentence.clone());
                    found.push(finding);
                    proof
                }
                None => Proof::Proven(pieced.evidence()),
            }
        }
    };
    // What is not authentic is not intact, whatever a checksum says that anybody can make right.
    if !matches!(verdict.proofs.intact, Proof::Failed(_)) {
        verdict.proofs.intact = intact;
    }
    let closed = verdict.encryption.as_ref().is_some_and(|encryption| !encryption.opened);
    if let (true, true, Some(manifest)) = (closed, verdict.proofs.intact.is_proven(), options.manifest) {
        let entries = manifest.entries;
        let sentence =
            format!("{entries} entries were read when the manifest was made, and the encrypted bytes are the same");
        verdict.proofs.listed = Proof::Proven(sentence);
    }
    let not_asked = || "not asked for".to_owned();
    if let Proof::NotChecked(reason) = &mut verdict.proofs.decodable {
        *reason = why.map_or_else(not_asked, str::to_owned);
    }
    verdict.findings.extend(found);
    verdict.level = verdict.proofs.level();
    retell(&mut verdict);
    if stated.is_some() && options.level >= Level::Intact {
        verdict.not_checked.push(NO_SHA256.to_owned());
    }
    verdict
}

/// Says anew what was not checked of each level.
fn retell(verdict: &mut Verdict) {
    let levels: BTreeSet<String> = Level::ALL.iter().map(|level| format!("{level}: ")).collect();
    verdict.not_checked.retain(|text| !levels.iter().any(|level| text.starts_with(level)));
    for level in Level::ALL {
        if let Proof::NotChecked(why) = verdict.proofs.of(level) {
            verdict.not_checked.push(format!("{level}: {why}"));
        }
    }
}
