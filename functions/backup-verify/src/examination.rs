//! An archive's bytes against what is expected of them, by the archive verifier.

use std::io::Read;

use pgdump::{Level, Manifest, Options, Proof as LevelProof, Verdict, verify};
use shared::domain::archives::Proof;
use shared::domain::backup::ProofLevel;
use shared::domain::described::Drift;
use shared::printable::printable;

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
}

/// Verifies an archive. Blocks while it reads.
pub(crate) fn examine(bytes: &mut dyn Read, expected: &Expected) -> (Proof, u64) {
    let level = of(expected.level);
    let mut options = Options::to(level);
    options.manifest = expected.manifest.as_ref();
    if let Some((previous, drift)) = &expected.previous {
        options.previous = Some(previous);
        options.drift = pgdump::Drift { percent: drift.percent, tables: drift.tables.clone() };
    }
    // Computed only where there is something to compare with, and everything is read anyway.
    options.fingerprints = expected.stored.is_some() && level >= Level::Decodable;
    let verdict = verify(bytes, &options);
    (proof(&verdict, level, expected.stored.as_deref()), verdict.bytes_read)
}

fn proof(verdict: &Verdict, required: Level, stored: Option<&str>) -> Proof {
    let mut proof = Proof { level: verdict.level.map(back), ..Proof::default() };
    // Why the required level is not reached comes first.
    if let LevelProof::NotChecked(why) = verdict.proofs.of(required) {
        proof.not_checked.push(format!("{}: {why}", required.as_str()));
    }
    for level in Level::ALL {
        if let LevelProof::Proven(evidence) = verdict.proofs.of(level) {
            proof.evidence.push(format!("{}: {evidence}", level.as_str()));
        }
    }
    match stored.map(|stored| verdict.has_crc64nvme(stored)) {
        Some(Some(true)) => proof.evidence.push("S3's own checksum (CRC-64/NVME) is that of the bytes that came".to_owned()),
        Some(Some(false)) => {
            proof.findings.push("stored_checksum_differs: S3 gives other bytes than it was given".to_owned());
        }
        Some(None) => proof.not_checked.push("S3's own checksum, because not every byte was read".to_owned()),
        None => proof.not_checked.push("S3's own checksum, because it keeps none of the whole object".to_owned()),
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

fn of(level: ProofLevel) -> Level {
    match level {
        ProofLevel::Present => Level::Present,
        ProofLevel::Listed => Level::Listed,
        ProofLevel::Intact => Level::Intact,
        ProofLevel::Decodable => Level::Decodable,
        ProofLevel::Consistent => Level::Consistent,
        ProofLevel::Restorable => Level::Restorable,
    }
}

fn back(level: Level) -> ProofLevel {
    match level {
        Level::Present => ProofLevel::Present,
        Level::Listed => ProofLevel::Listed,
        Level::Intact => ProofLevel::Intact,
        Level::Decodable => ProofLevel::Decodable,
        Level::Consistent => ProofLevel::Consistent,
        Level::Restorable => ProofLevel::Restorable,
    }
}
