//! Collects what is found, and makes the verdict of it.

use std::collections::BTreeMap;

use crate::consistency::{Elsewhere, Pieced};
use crate::content::Outcome;
use crate::contents::{Contents, Entry, Kind};
use crate::encoding::Encoding;
use crate::encryption::{Encryption, Scheme};
use crate::finding::{Code, Finding, Meaning};
use crate::header::{Compression, Header};
use crate::level::Level;
use crate::options::Options;
use crate::verdict::{Archive, FilePrint, Format, LargeObjects, Proof, Proofs, Table, Verdict};

/// What is being looked at; each stage decides one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Header,
    Contents,
    Bytes,
    Data,
    Counts,
}

/// How much is known at a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    findings: usize,
    tables: usize,
    ids: usize,
    large_objects: LargeObjects,
}

/// What came of one block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Since<'a> {
    pub(crate) findings: usize,
    pub(crate) table: Option<&'a Table>,
    pub(crate) large_object_ids: &'a [u32],
    pub(crate) large_objects: LargeObjects,
    /// Whether ids were forgotten by then.
    pub(crate) forgotten: bool,
}

/// What is known so far.
pub(crate) struct Report<'a> {
    options: &'a Options<'a>,
    stage: Stage,
    /// The first finding of each stage, damage before the rest.
    worst: [Option<(Meaning, String)>; 5],
    findings: Vec<Finding>,
    further_findings: u64,
    pub(crate) encryption: Option<Encryption>,
    pub(crate) archive: Option<Archive>,
    pub(crate) entries: Option<u32>,
    pub(crate) tables: Vec<Table>,
    pub(crate) large_objects: LargeObjects,
    /// Ids of the large objects with data, as far as they are remembered.
    large_object_ids: Vec<u32>,
    large_objects_forgotten: bool,
    pub(crate) bytes_read: u64,
    pub(crate) files: Vec<FilePrint>,
    /// The whole file, where it was read in pieces.
    pub(crate) pieced: Option<Pieced>,
    /// The same of the file as it is stored, where it is encrypted.
    pub(crate) pieced_encrypted: Option<Pieced>,
    /// Files of a directory that were read in pieces, by name.
    pub(crate) elsewhere: BTreeMap<String, Elsewhere>,
    /// Whether the bytes of what it holds are compared elsewhere, or not at all.
    pub(crate) apart: bool,
    not_checked: Vec<String>,
    data_complete: bool,
}

impl<'a> Report<'a> {
    pub(crate) fn new(options: &'a Options<'a>) -> Self {
        Self {
            options,
            stage: Stage::Header,
            worst: [const { None }; 5],
            findings: Vec::new(),
            further_findings: 0,
            encryption: None,
            archive: None,
            entries: None,
            tables: Vec::new(),
            large_objects: LargeObjects::default(),
            large_object_ids: Vec::new(),
            large_objects_forgotten: false,
            bytes_read: 0,
            files: Vec::new(),
            pieced: None,
            pieced_encrypted: None,
            elsewhere: BTreeMap::new(),
            apart: false,
            not_checked: Vec::new(),
            data_complete: false,
        }
    }

    pub(crate) fn enter(&mut self, stage: Stage) {
        self.stage = stage;
    }

    pub(crate) fn found(&mut self, finding: Finding) {
        self.worsen(self.stage, &finding);
        if finding.code == Code::NotAuthentic {
            // Whatever was being looked at, these are not the bytes that were written.
            self.worsen(Stage::Bytes, &finding);
        }
        if self.findings.len() < self.options.limits.findings {
            self.findings.push(finding);
        } else {
            self.further_findings += 1;
        }
    }

    /// More of them, of which nothing is told.
    pub(crate) fn found_further(&mut self, count: u64) {
        self.further_findings = self.further_findings.saturating_add(count);
    }

    fn worsen(&mut self, stage: Stage, finding: &Finding) {
        let worst = &mut self.worst[stage as usize];
        if worst.as_ref().is_none_or(|(meaning, _)| *meaning < finding.meaning) {
            *worst = Some((finding.meaning, finding.sentence.clone()));
        }
    }

    pub(crate) fn encrypted(&mut self, scheme: Scheme) {
        self.encryption = Some(Encryption { scheme, opened: false, file: None });
    }

    pub(crate) fn opened(&mut self) {
        if let Some(encryption) = &mut self.encryption {
            encryption.opened = true;
        }
    }

    pub(crate) fn not_checked(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.not_checked.contains(&what) {
            self.not_checked.push(what);
        }
    }

    pub(crate) fn header(&mut self, header: &Header, format: Format) {
        self.archive = Some(Archive::of(header, format));
        self.enter(Stage::Contents);
    }

    pub(crate) fn contents(&mut self, contents: &Contents, compression: Compression) {
        self.entries = Some(contents.count);
        if self.options.decodes() {
            self.enter(Stage::Data);
            self.not_checked("the SQL of definitions: tables, functions, indexes and rights are not run");
            if contents.encoding != Encoding::Utf8 {
                self.not_checked("the encoding of text: the archive is not in UTF8");
            }
            // Decryption authenticates every byte, as of the moment at which it was encrypted.
            if compression != Compression::Gzip && self.options.manifest.is_none() && self.encryption.is_none() {
                let codec = compression.as_str();
                let sentence = format!(
                    "values: data with compression {codec} has no checksum, so only a manifest finds every changed byte"
                );
                self.not_checked(sentence);
            }
        }
    }

    /// The data of an entry, read to its end.
    pub(crate) fn data(&mut self, entry: &Entry, outcome: Outcome, offset: u64, file: Option<&str>) {
        if let Some(fault) = outcome.fault {
            let mut finding = Finding::at(fault.code, offset, format!("{}: {}", entry.title(), fault.sentence));
            finding.file = file.map(str::to_owned);
            self.found(finding);
        }
        if entry.kind == Kind::Statements {
            self.not_checked("rows of tables that were dumped as INSERT statements: they are not counted");
        }
        let (schema, name) = (entry.schema.clone(), entry.name.clone());
        self.tables.push(Table { schema, name, rows: outcome.rows, bytes: outcome.bytes });
    }

    /// A large object with data; its bytes, where they could be decoded to their end.
    pub(crate) fn large_object(&mut self, id: u32, bytes: Option<u64>) {
        if let Some(bytes) = bytes {
            self.large_objects.count += 1;
            self.large_objects.bytes += bytes;
        }
        if self.large_object_ids.len() < self.options.limits.large_objects {
            self.large_object_ids.push(id);
        } else {
            self.large_objects_forgotten = true;
        }
    }

    /// Whether the large objects with data are those of a list; `None` where there were too many to remember.
    pub(crate) fn has_large_objects(&self, mut listed: Vec<u32>) -> Option<bool> {
        let mut ids = self.large_object_ids.clone();
        ids.sort_unstable();
        listed.sort_unstable();
        (!self.large_objects_forgotten).then(|| ids == listed)
    }

    /// Large objects that somebody else read: their ids, and how many of them with how many bytes were sound.
    pub(crate) fn large_objects_read(&mut self, ids: &[u32], (count, bytes): (u64, u64), forgotten: bool) {
        self.large_objects.count = self.large_objects.count.saturating_add(count);
        self.large_objects.bytes = self.large_objects.bytes.saturating_add(bytes);
        let room = self.options.limits.large_objects - self.large_object_ids.len();
        self.large_object_ids.extend(ids.iter().take(room));
        self.large_objects_forgotten |= forgotten || ids.len() > room;
    }

    /// Where it stands, to tell later what came since.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            findings: self.findings.len(),
            tables: self.tables.len(),
            ids: self.large_object_ids.len(),
            large_objects: self.large_objects,
        }
    }

    /// What came since then, of one block.
    pub(crate) fn since(&self, mark: &Mark) -> Since<'_> {
        Since {
            findings: self.findings.len() - mark.findings,
            table: self.tables.get(mark.tables),
            large_object_ids: self.large_object_ids.get(mark.ids..).unwrap_or_default(),
            large_objects: LargeObjects {
                count: self.large_objects.count - mark.large_objects.count,
                bytes: self.large_objects.bytes - mark.large_objects.bytes,
            },
            forgotten: self.large_objects_forgotten,
        }
    }

    /// Findings, how many further ones, and what was not checked, of a part of an archive.
    pub(crate) fn told(self) -> (Vec<Finding>, u64, Vec<String>) {
        (self.findings, self.further_findings, self.not_checked)
    }

    /// No bytes are compared but those of an encrypted file: that is done elsewhere, or they did not all come.
    pub(crate) fn compares_no_bytes(&mut self) {
        self.apart = true;
    }

    /// To be called when the data was read to its end.
    pub(crate) fn data_complete(&mut self, contents: &Contents) {
        self.data_complete = true;
        if self.large_objects_forgotten {
            let sentence = "there are too many large objects to remember, so whether each is there once was not checked";
            self.found(Finding::new(Code::LimitReached, sentence));
        } else {
            let mut ids = std::mem::take(&mut self.large_object_ids);
            crate::large_objects::compare(&mut ids, &contents.large_objects, self);
        }
    }

    fn proof(&self, stage: Stage, done: bool, evidence: impl FnOnce() -> String, otherwise: &str) -> Proof {
        match &self.worst[stage as usize] {
            Some((Meaning::Damage, sentence)) => Proof::Failed(sentence.clone()),
            Some((Meaning::Unchecked, sentence)) => Proof::NotChecked(sentence.clone()),
            None if done => Proof::Proven(evidence()),
            None => Proof::NotChecked(otherwise.to_owned()),
        }
    }

    pub(crate) fn finish(mut self) -> Verdict {
        let options = self.options;
        self.enter(Stage::Bytes);
        let intact = crate::consistency::compare_bytes(&mut self);
        self.enter(Stage::Counts);
        let counted = self.data_complete && self.worst[Stage::Data as usize].is_none();
        let consistent = if counted { crate::consistency::compare_counts(&mut self) } else { None };
        let archive = self.archive.clone();
        let closed = self.encryption.as_ref().filter(|encryption| !encryption.opened).is_some();
        let present = self.proof(
            Stage::Header,
            archive.is_some() || closed,
            || present_evidence(archive.as_ref(), self.encryption.as_ref()),
            "the header was not read",
        );
        let entries = self.entries;
        let recorded =
            options.manifest.filter(|_| closed && intact.is_some() && self.worst[Stage::Bytes as usize].is_none());
        let recorded = recorded.map(|manifest| manifest.entries);
        let listed = self.proof(
            Stage::Contents,
            entries.or(recorded).is_some(),
            || match (entries, recorded) {
                (None, Some(recorded)) => {
                    format!("{recorded} entries were read when the manifest was made, and the encrypted bytes are the same")
                }
                (entries, _) => format!("{} entries, each read to its end", entries.unwrap_or_default()),
            },
            "the table of contents was not read",
        );
        let not_asked = |level: Level, why: &'static str| if options.level < level { "not asked for" } else { why };
        let intact = self.proof(
            Stage::Bytes,
            intact.is_some(),
            || intact.clone().unwrap_or_default(),
            not_asked(
                Level::Intact,
                match options.manifest {
                    Some(_) if self.apart => "not every byte could be read",
                    Some(_) if closed => "the manifest is of what it holds, and it was not opened",
                    _ => "no manifest was given, so nothing says what the bytes were when the backup was taken",
                },
            ),
        );
        let decodable = self.proof(
            Stage::Data,
            self.data_complete,
            || self.data_evidence(),
            not_asked(Level::Decodable, "the data was not read"),
        );
        let consistent = self.proof(
            Stage::Counts,
            consistent.is_some(),
            || consistent.clone().unwrap_or_default(),
            not_asked(Level::Consistent, "nothing to compare with: neither a manifest of this backup nor of the one before, or the data is not decodable"),
        );
        let restorable =
            Proof::NotChecked("no reading of an archive proves a restore: restore it and ask the database".to_owned());
        let proofs = Proofs { present, listed, intact, decodable, consistent, restorable };
        for level in Level::ALL {
            if let Proof::NotChecked(why) = proofs.of(level) {
                self.not_checked.push(format!("{level}: {why}"));
            }
        }
        Verdict {
            level: proofs.level(),
            proofs,
            encryption: self.encryption,
            archive: self.archive,
            entries: self.entries,
            tables: self.tables,
            large_objects: self.large_objects,
            bytes_read: self.bytes_read,
            files: self.files,
            not_checked: self.not_checked,
            findings: self.findings,
            further_findings: self.further_findings,
        }
    }

    fn data_evidence(&self) -> String {
        let rows = self.tables.iter().filter_map(|table| table.rows).fold(0, u64::saturating_add);
        let (tables, objects) = (self.tables.len(), self.large_objects.count);
        format!("{tables} tables with {rows} rows and {objects} large objects, each decoded to its end")
    }

    pub(crate) fn options(&self) -> &'a Options<'a> {
        self.options
    }

    pub(crate) fn has(&self, code: Code) -> bool {
        self.findings.iter().any(|finding| finding.code == code)
    }

    /// Whether reading broke off: bytes that did not come cannot be compared with anything.
    pub(crate) fn broke_off(&self) -> bool {
        self.has(Code::Unreadable) || self.has(Code::NotAuthentic)
    }
}

fn present_evidence(archive: Option<&Archive>, encryption: Option<&Encryption>) -> String {
    let archive = archive.map(|archive| format!("a {} archive, version {}", archive.format.as_str(), archive.version));
    match (archive, encryption) {
        (Some(archive), None) => archive,
        (Some(archive), Some(encryption)) => format!("{archive}, encrypted with {}", encryption.scheme),
        (None, Some(encryption)) => format!("a file encrypted with {}; what it holds was not read", encryption.scheme),
        (None, None) => String::new(),
    }
}
