//! Comparison with manifests: bytes, and rows of each table.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::Crc64Value;
use crate::finding::{Code, Finding};
use crate::level::Level;
use crate::manifest::Manifest;
use crate::report::Report;
use crate::verdict::{FilePrint, Table};

/// By how much a table's rows may differ from the backup before, in percent of the rows it had.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drift {
    /// For tables that are not named.
    pub percent: u32,
    /// For tables by `schema.name`.
    pub tables: BTreeMap<String, u32>,
}

impl Drift {
    fn of(&self, table: &str) -> u32 {
        self.tables.get(table).copied().unwrap_or(self.percent)
    }

    fn allows(&self, table: &str, before: u64, now: u64) -> bool {
        u128::from(before.abs_diff(now)) * 100 <= u128::from(before) * u128::from(self.of(table))
    }
}

/// Compares the files with the manifest. Returns the evidence, where there was something to compare.
pub(crate) fn compare_bytes(report: &mut Report<'_>) -> Option<String> {
    let manifest = report.options().manifest.filter(|_| report.options().prints())?;
    let encrypted = compare_encrypted(manifest, report);
    if report.encryption.as_ref().is_some_and(|encryption| !encryption.opened) {
        return encrypted;
    }
    if report.apart || report.broke_off() {
        return None;
    }
    let format = report.archive.as_ref().map(|archive| archive.format);
    if let Some(format) = format.filter(|format| *format != manifest.archive.format) {
        let sentence = format!(
            "the manifest is of a {} archive, and this is a {} archive",
            manifest.archive.format.as_str(),
            format.as_str()
        );
        report.found(Finding::new(Code::ManifestMismatch, sentence));
    }
    if let Some(pieced) = report.pieced {
        return Some(and_encrypted(compare_one(manifest, pieced, report), encrypted));
    }
    let (files, elsewhere) = (std::mem::take(&mut report.files), std::mem::take(&mut report.elsewhere));
    let read: BTreeMap<&str, _> = files.iter().map(|file| (file.name.as_str(), file)).collect();
    let stated: BTreeMap<&str, _> = manifest.files.iter().map(|file| (file.name.as_str(), file)).collect();
    for (name, stated) in &stated {
        let finding = match (read.get(name), elsewhere.get(*name)) {
            (Some(read), _) => difference(read, stated),
            (None, Some(Elsewhere::Same { .. } | Elsewhere::Unknown)) => None,
            (None, Some(Elsewhere::Differs { finding: Some(finding), .. })) => Some(finding.clone()),
            (None, Some(Elsewhere::Differs { finding: None, .. })) => {
                report.found_further(1);
                None
            }
            (None, None) => {
                Some(Finding::new(Code::FileMissing, format!("{name} is in the manifest and not in the archive")))
            }
        };
        if let Some(finding) = finding {
            report.found(finding.in_file(name));
        }
    }
    let names: BTreeSet<&str> = read.keys().copied().chain(elsewhere.keys().map(String::as_str)).collect();
    for name in names.iter().filter(|name| !stated.contains_key(*name)) {
        report.found(
            Finding::new(Code::FileUnexpected, format!("{name} is in the archive and not in the manifest")).in_file(name),
        );
    }
    let bytes =
        files.iter().map(|file| file.bytes).chain(elsewhere.values().map(Elsewhere::bytes)).fold(0, u64::saturating_add);
    let count = names.len();
    report.files = files;
    if elsewhere.values().any(|file| matches!(file, Elsewhere::Unknown)) {
        report.compares_no_bytes();
        return None;
    }
    let evidence = format!("{count} files with {bytes} bytes; size, SHA-256 and CRC-64/NVME of each are the manifest's");
    Some(and_encrypted(evidence, encrypted))
}

fn and_encrypted(evidence: String, encrypted: Option<String>) -> String {
    match encrypted {
        Some(encrypted) => format!("{evidence}; {encrypted}"),
        None => evidence,
    }
}

/// A file that was read in another piece of a directory, and compared with the same manifest there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Elsewhere {
    /// It is the manifest's, or the manifest does not have it.
    Same { bytes: u64 },
    /// It is not; how, where there was room to say so.
    Differs { bytes: u64, finding: Option<Finding> },
    /// Nothing is known of that piece.
    Unknown,
}

impl Elsewhere {
    fn bytes(&self) -> u64 {
        match self {
            Self::Same { bytes } | Self::Differs { bytes, .. } => *bytes,
            Self::Unknown => 0,
        }
    }
}

/// An archive's one file, of which only the pieces were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pieced {
    pub(crate) bytes: u64,
    pub(crate) crc64nvme: Crc64Value,
}

impl Pieced {
    pub(crate) fn evidence(&self) -> String {
        format!("{} bytes, read in pieces; size and CRC-64/NVME are the manifest's", self.bytes)
    }
}

/// As for files that were read whole, but for SHA-256.
fn compare_one(manifest: &Manifest, pieced: Pieced, report: &mut Report<'_>) -> String {
    let mut known = false;
    for stated in &manifest.files {
        let name = &stated.name;
        let finding = if name == FilePrint::SINGLE {
            known = true;
            compare_pieced(&pieced, stated)
        } else {
            Some(Finding::new(Code::FileMissing, format!("{name} is in the manifest and not in the archive")))
        };
        if let Some(finding) = finding {
            report.found(finding.in_file(name));
        }
    }
    if !known {
        let name = FilePrint::SINGLE;
        let sentence = format!("{name} is in the archive and not in the manifest");
        report.found(Finding::new(Code::FileUnexpected, sentence).in_file(name));
    }
    pieced.evidence()
}

/// How the file is not the one that was written.
pub(crate) fn compare_pieced(read: &Pieced, stated: &FilePrint) -> Option<Finding> {
    if read.bytes != stated.bytes {
        return Some(other_size(read.bytes, stated));
    }
    (read.crc64nvme != stated.crc64nvme).then(|| {
        let (name, now, then) = (&stated.name, read.crc64nvme, stated.crc64nvme);
        let sentence =
            format!("{name} is not the file that was written: its CRC-64/NVME is {now}; the manifest says {then}");
        Finding::new(Code::ChecksumMismatch, sentence)
    })
}

fn other_size(bytes: u64, stated: &FilePrint) -> Finding {
    let sentence = format!("{} has {bytes} bytes; the manifest says {}", stated.name, stated.bytes);
    Finding::new(Code::SizeMismatch, sentence)
}

/// Compares the file as it is stored with the manifest. Returns the evidence, where both know it.
fn compare_encrypted(manifest: &Manifest, report: &mut Report<'_>) -> Option<String> {
    let stated = manifest.encrypted.as_ref()?;
    let encryption = report.encryption.as_ref()?;
    let (difference, evidence) = match (&encryption.file, report.pieced_encrypted) {
        (Some(read), _) => {
            let evidence = format!("{} encrypted bytes; size, SHA-256 and CRC-64/NVME are the manifest's", read.bytes);
            (difference(read, stated), evidence)
        }
        (None, Some(pieced)) => (compare_pieced(&pieced, stated), format!("{} (encrypted)", pieced.evidence())),
        (None, None) => return None,
    };
    if let Some(finding) = difference {
        report.found(finding.in_file(FilePrint::ENCRYPTED));
    }
    Some(evidence)
}

/// How a file is not the one that was written.
pub(crate) fn difference(read: &FilePrint, stated: &FilePrint) -> Option<Finding> {
    let name = &stated.name;
    if read.bytes != stated.bytes {
        return Some(other_size(read.bytes, stated));
    }
    (read.sha256 != stated.sha256 || read.crc64nvme != stated.crc64nvme).then(|| {
        let sentence = format!(
            "{name} is not the file that was written: its SHA-256 is {}; the manifest says {}",
            read.sha256, stated.sha256
        );
        Finding::new(Code::ChecksumMismatch, sentence)
    })
}

/// Compares rows and bytes of tables with the manifest and with the backup before. Returns the evidence.
pub(crate) fn compare_counts(report: &mut Report<'_>) -> Option<String> {
    let options = report.options();
    if options.level < Level::Decodable {
        return None;
    }
    let mut evidence = Vec::new();
    let now = counts(&report.tables);
    if let Some(manifest) = options.manifest {
        compare_with_own(manifest, &now, report);
        evidence.push("rows and bytes of every table are the manifest's".to_owned());
    }
    if let Some(previous) = options.previous {
        compare_with_previous(previous, &now, report);
        evidence
            .push(format!("rows of every table are within the declared drift of the backup of {}", previous.recorded_at));
    }
    (!evidence.is_empty()).then(|| evidence.join("; "))
}

/// Rows, where known, and bytes.
type Counts = BTreeMap<String, (Option<u64>, u64)>;

fn counts(tables: &[Table]) -> Counts {
    tables.iter().map(|table| (table.title(), (table.rows, table.bytes))).collect()
}

fn compare_with_own(manifest: &Manifest, now: &Counts, report: &mut Report<'_>) {
    let stated = counts(&manifest.tables);
    for (name, (rows, bytes)) in &stated {
        match now.get(name) {
            None => report
                .found(Finding::new(Code::TableMissing, format!("table {name} is in the manifest and has no data here"))),
            Some((now_rows, now_bytes)) if (now_rows, now_bytes) != (rows, bytes) => {
                let sentence = format!(
                    "table {name} has {} rows and {now_bytes} bytes; the manifest says {} and {bytes}",
                    shown(*now_rows),
                    shown(*rows)
                );
                report.found(Finding::new(Code::RowsMismatch, sentence));
            }
            Some(_) => {}
        }
    }
    for name in now.keys().filter(|name| !stated.contains_key(*name)) {
        report.found(Finding::new(Code::TableUnexpected, format!("table {name} has data and is not in the manifest")));
    }
    let (found, expected) = (report.large_objects, manifest.large_objects);
    if found != expected {
        let sentence = format!(
            "there are {} large objects with {} bytes; the manifest says {} and {}",
            found.count, found.bytes, expected.count, expected.bytes
        );
        report.found(Finding::new(Code::RowsMismatch, sentence));
    }
}

fn compare_with_previous(previous: &Manifest, now: &Counts, report: &mut Report<'_>) {
    for (name, (before, _)) in counts(&previous.tables) {
        let Some((rows, _)) = now.get(&name) else {
            let sentence = format!("table {name} was in the backup of {} and has no data now", previous.recorded_at);
            report.found(Finding::new(Code::TableMissing, sentence));
            continue;
        };
        let (Some(before), Some(rows)) = (before, *rows) else { continue };
        if before > 0 && rows == 0 {
            let sentence =
                format!("table {name} had {before} rows in the backup of {} and has none now", previous.recorded_at);
            report.found(Finding::new(Code::RowsVanished, sentence));
        } else if before > 0 && !report.options().drift.allows(&name, before, rows) {
            let percent = report.options().drift.of(&name);
            let sentence =
                format!("table {name} went from {before} rows to {rows}, which is more than the declared {percent} %");
            report.found(Finding::new(Code::RowsDrifted, sentence));
        }
    }
}

fn shown(rows: Option<u64>) -> String {
    rows.map_or_else(|| "uncounted".to_owned(), |rows| rows.to_string())
}
