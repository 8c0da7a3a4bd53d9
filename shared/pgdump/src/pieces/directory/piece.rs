//! What came of one piece of a directory, small enough to be handed around as JSON.

use serde::{Deserialize, Serialize};

use crate::contents::Kind;
use crate::digest::Sha256Value;
use crate::finding::Finding;
use crate::pieces::directory::records::{self, Came, Record};
use crate::pieces::directory::{Part, What};
use crate::pieces::piece::{Told, tell_less};

/// What came of one piece of a directory. Its JSON says nothing but names of tables and files in findings, and counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryPiece {
    /// Of which division.
    stamp: Sha256Value,
    /// Which one.
    number: usize,
    /// What came of its files, in their order; of fewer, where reading stopped.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "records")]
    pub(super) files: Vec<Record>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Told>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) further_findings: u64,
    /// How files are not those of the manifest, by their place among the files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    differences: Vec<Difference>,
    /// The bytes of all large objects that are summed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) summed_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    file: usize,
    how: Told,
}

/// What a piece says of one file.
#[derive(Clone, Copy)]
pub(super) struct Said<'p> {
    pub(super) record: &'p Record,
    pub(super) findings: &'p [Told],
    /// How it is not the file of the manifest, where that is told.
    pub(super) difference: Option<&'p Told>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl DirectoryPiece {
    pub(super) fn new(stamp: Sha256Value, number: usize) -> Self {
        Self {
            stamp,
            number,
            files: Vec::new(),
            findings: Vec::new(),
            further_findings: 0,
            differences: Vec::new(),
            summed_bytes: 0,
        }
    }

    /// Adds the next file.
    pub(super) fn push(&mut self, mut record: Record, findings: Vec<Finding>, further: u64, differs: Option<Finding>) {
        record.findings = findings.len();
        record.differs = differs.is_some();
        let file = self.files.len();
        self.files.push(record);
        // Of which file they are follows from their place.
        let told = |finding: Finding| Told::from(Finding { file: None, ..finding });
        self.findings.extend(findings.into_iter().map(told));
        self.further_findings = self.further_findings.saturating_add(further);
        self.differences.extend(differs.map(|finding| Difference { file, how: told(finding) }));
    }

    /// Takes back the last file, which was not read to its end; what was found in it.
    pub(super) fn take_back(&mut self) -> Option<Vec<Finding>> {
        let record = self.files.pop_if(|record| record.unread && !record.differs)?;
        let own = self.findings.len().checked_sub(record.findings)?;
        Some(self.findings.split_off(own).into_iter().map(Finding::from).collect())
    }

    /// Which piece it is, by its number.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// Its tables: what its JSON grows with.
    #[must_use]
    pub fn tables(&self) -> usize {
        self.files.iter().filter(|file| matches!(file.came, Came::Data { .. })).count()
    }

    /// What it says of its files, where these are the parts of the piece of that number in the division of that stamp. What arrives from
    /// elsewhere may be anything.
    pub(super) fn said(&self, stamp: Sha256Value, parts: &[Part]) -> Option<Vec<Said<'_>>> {
        if self.stamp != stamp || self.files.len() > parts.len() {
            return None;
        }
        let mut findings = self.findings.as_slice();
        let mut differences = self.differences.iter().peekable();
        let mut said = Vec::with_capacity(self.files.len());
        for (at, (record, part)) in self.files.iter().zip(parts).enumerate() {
            if !could_come(record.came, part.what) || self.is_silent(record, part.what) {
                return None;
            }
            let (own, rest) = findings.split_at_checked(record.findings)?;
            findings = rest;
            let difference = differences.next_if(|difference| record.differs && difference.file == at);
            said.push(Said { record, findings: own, difference: difference.map(|difference| &difference.how) });
        }
        // Where files differ, the first difference is always told.
        let differs = self.files.iter().any(|record| record.differs);
        let told = differs != self.differences.is_empty();
        (findings.is_empty() && differences.next().is_none() && told).then_some(said)
    }

    /// Whether it says nothing of a file that was to be decoded: that has data, or damage that is told or counted.
    fn is_silent(&self, record: &Record, what: What) -> bool {
        what != What::Bytes && record.came == Came::Nothing && record.findings == 0 && self.further_findings == 0
    }

    /// Makes its JSON fit into so many bytes, where that is possible without changing what it proves: the bytes of large objects are
    /// summed, and findings beyond the first are counted instead of told, but the first damage and what ended the reading stay. `false`
    /// when it does not fit: the number of its tables is in the way.
    #[must_use]
    pub fn fits(&mut self, bytes: usize) -> bool {
        let length = |piece: &Self| serde_json::to_vec(piece).map_or(usize::MAX, |json| json.len());
        if length(self) <= bytes {
            return true;
        }
        self.sum_objects();
        self.findings.iter_mut().for_each(Told::shorten);
        self.differences.iter_mut().for_each(|difference| difference.how.shorten());
        while length(self) > bytes {
            // Half of what is too much at a time: there may be thousands.
            let much = self.findings.len().max(self.differences.len()) / 2;
            if !(0..much.max(1)).fold(false, |done, _| self.tell_less() || done) {
                return false;
            }
        }
        true
    }

    fn sum_objects(&mut self) {
        for file in &mut self.files {
            if let Came::Object { bytes } = file.came {
                self.summed_bytes = self.summed_bytes.saturating_add(bytes);
                file.came = Came::Summed;
            }
        }
    }

    /// Counts a finding instead of telling it, and leaves out a difference; `false`: all that is left has to be told.
    fn tell_less(&mut self) -> bool {
        let left_out = if self.differences.len() > 1 { self.differences.pop() } else { None };
        let counts = self.files.iter_mut().map(|file| &mut file.findings);
        tell_less(&mut self.findings, &mut self.further_findings, counts) || left_out.is_some()
    }
}

/// Whether a file of that kind can be said to hold that.
fn could_come(came: Came, what: What) -> bool {
    match (came, what) {
        (Came::Nothing, _) | (Came::Object { .. } | Came::Summed, What::Object(..)) => true,
        (Came::Data { rows, .. }, What::Entry(_, _, kind)) => rows.is_some() == matches!(kind, Kind::Copy { .. }),
        _ => false,
    }
}
