//! An archive's bytes against what is expected of them, by the archive verifier.

use std::io::{self, Read};

use pgdump::{
    Combined, Files, Keys, Level, Manifest, Options, Piece, PieceSizes, Proof as LevelProof, Verdict, combine, verify,
    verify_directory,
};
use shared::domain::archives::{Dumped, Proof};
use shared::domain::backup::ProofLevel;
use shared::domain::described::Drift;
use shared::ports::ObjectFiles;
use shared::printable::printable;

use crate::encryption::Opening;
use crate::level::{proof_level, verifier_level};

/// Findings that an answer carries; the rest is counted.
const MOST_FINDINGS: usize = 10;
/// Characters of one. An archive's own names stand in some.
const LONGEST_FINDING: usize = 500;

/// What an archive is held against.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    /// How far it is verified.
    pub(crate) level: ProofLevel,
    /// What was recorded of it when it was made.
    pub(crate) manifest: Option<Manifest>,
    /// The manifest of the archive before, and by how much rows may differ from it.
    pub(crate) previous: Option<(Manifest, Drift)>,
    /// CRC-64/NVME of the whole object, where S3 keeps it.
    pub(crate) stored: Option<String>,
    /// What opens it, where it is to be encrypted.
    pub(crate) opening: Option<Opening>,
}

/// Verifies an archive that is one object. Blocks while it reads.
pub(crate) fn examine(bytes: &mut dyn Read, expected: &Expected) -> (Proof, u64) {
    let level = verifier_level(expected.level);
    let mut options = options(expected);
    // Computed only where there is something to compare with, and everything is read anyway.
    options.fingerprints = expected.stored.is_some() && level >= Level::Decodable;
    let verdict = verify(bytes, &options);
    let stored = match expected.stored.as_ref().map(|stored| verdict.has_crc64nvme(stored)) {
        Some(Some(true)) => Stored::Same,
        Some(Some(false)) => Stored::Other(None),
        Some(None) => Stored::NotCompared,
        None => Stored::NotKept,
    };
    (proof(&verdict, expected, &stored), verdict.bytes_read)
}

/// Verifies an archive whose pieces were read, of which this reads the beginning; and whether it is encrypted and was opened for that: if
/// not as its pieces were, they are not of this reading. Blocks while it does.
pub(crate) fn examine_pieces(
    beginning: &mut dyn Read,
    bytes: u64,
    sizes: PieceSizes,
    pieces: &[Piece],
    expected: &Expected,
) -> (Proof, bool) {
    let Combined { verdict, crc64nvme, opened } = combine(beginning, bytes, sizes, &options(expected), pieces);
    let stored = match (&expected.stored, crc64nvme) {
        (Some(stored), Some(read)) if *stored == read.to_string() => Stored::Same,
        (Some(_), Some(_)) => Stored::Other(None),
        (Some(_), None) => Stored::NotCompared,
        (None, _) => Stored::NotKept,
    };
    (proof(&verdict, expected, &stored), opened)
}

/// Verifies an archive that is a directory of objects. Blocks while it reads.
pub(crate) fn examine_files(files: &dyn ObjectFiles, expected: &Expected) -> (Proof, u64) {
    let level = verifier_level(expected.level);
    let mut options = options(expected);
    // What S3 keeps is known of each file only once it is opened.
    options.fingerprints = level >= Level::Decodable;
    let verdict = verify_directory(&Directory(files), &options);
    (proof(&verdict, expected, &stored_of(files, &verdict)), verdict.bytes_read)
}

/// S3's own checksums of files, against the bytes that were read.
pub(crate) fn stored_of(files: &dyn ObjectFiles, verdict: &Verdict) -> Stored {
    if verdict.files.is_empty() {
        return Stored::NotCompared;
    }
    let mut kept = true;
    for file in &verdict.files {
        match files.checksum(&file.name) {
            Some(stored) if stored != file.crc64nvme.to_string() => return Stored::Other(Some(file.name.clone())),
            Some(_) => {}
            None => kept = false,
        }
    }
    if kept { Stored::Same } else { Stored::NotKept }
}

/// What S3's own checksum says of the bytes that came.
pub(crate) enum Stored {
    /// They are those that it was given.
    Same,
    /// They are others; of which file, where there are several.
    Other(Option<String>),
    /// Not every byte was read.
    NotCompared,
    /// It keeps none, of one file at least.
    NotKept,
}

/// The objects as files of an archive.
pub(crate) struct Directory<'a>(pub(crate) &'a dyn ObjectFiles);

impl Files for Directory<'_> {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.0.listed()?.into_iter().map(|file| file.name).collect())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        self.0.open(name, 0)
    }

    fn open_at(&self, name: &str, from: u64) -> io::Result<Box<dyn Read + '_>> {
        self.0.open(name, from)
    }

    fn announce(&self, names: Vec<String>) {
        self.0.announce(names);
    }
}

pub(crate) fn options(expected: &Expected) -> Options<'_> {
    let mut options = Options::to(verifier_level(expected.level));
    options.manifest = expected.manifest.as_ref();
    if let Some((previous, drift)) = &expected.previous {
        options.previous = Some(previous);
        options.drift = pgdump::Drift { percent: drift.percent, tables: drift.tables.clone() };
    }
    options.keys = expected.opening.as_deref().map(|keys| -> &dyn Keys { keys });
    options
}

pub(crate) fn proof(verdict: &Verdict, expected: &Expected, stored: &Stored) -> Proof {
    let required = verifier_level(expected.level);
    let dumped = verdict.archive.as_ref().map(|archive| Dumped {
        local: archive.dumped_at_local.clone(),
        recorded_at: expected.manifest.as_ref().map(|manifest| manifest.recorded_at),
    });
    let mut proof = Proof { level: verdict.level.map(proof_level), dumped, ..Proof::default() };
    // Why the required level is not reached comes first.
    if let LevelProof::NotChecked(why) = verdict.proofs.of(required) {
        proof.not_checked.push(format!("{}: {why}", required.as_str()));
    }
    for level in Level::ALL {
        if let LevelProof::Proven(evidence) = verdict.proofs.of(level) {
            proof.evidence.push(format!("{}: {evidence}", level.as_str()));
        }
    }
    match stored {
        Stored::Same => proof.evidence.push("S3's own checksum (CRC-64/NVME) is that of the bytes that came".to_owned()),
        Stored::Other(file) => {
            let which = file.as_ref().map(|file| format!(" ({file})")).unwrap_or_default();
            proof.findings.push(format!("stored_checksum_differs: S3 gives other bytes than it was given{which}"));
        }
        Stored::NotCompared => proof.not_checked.push("S3's own checksum, because not every byte was read".to_owned()),
        Stored::NotKept => {
            proof.not_checked.push("S3's own checksum, because it keeps none of the whole object".to_owned());
        }
    }
    proof.findings.extend(verdict.findings.iter().take(MOST_FINDINGS).map(ToString::to_string));
    let further = verdict.findings.len().saturating_sub(MOST_FINDINGS) as u64 + verdict.further_findings;
    if further > 0 {
        proof.findings.push(format!("further_findings: {further} more"));
    }
    proof.not_checked.extend(verdict.not_checked.iter().cloned());
    for text in proof.findings.iter_mut().chain(&mut proof.evidence).chain(&mut proof.not_checked) {
        *text = printable(text, LONGEST_FINDING);
    }
    proof
}
