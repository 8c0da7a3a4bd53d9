//! What came of one piece, small enough to be handed around as JSON.

use std::ops::Range;

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::digest::Crc64Value;
use crate::finding::{Code, Finding, Meaning};
use crate::pieces::blocks::Block;
use crate::report::Report;

/// What came of one piece. Its JSON says nothing but names of tables in findings, counts, and checksums.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piece {
    begin: u64,
    end: u64,
    /// Of these bytes, where all of them came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) crc64nvme: Option<Crc64Value>,
    /// Of the bytes of the file that belong to it, where the archive is encrypted and all of them came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) encrypted_crc64nvme: Option<Crc64Value>,
    /// Where the block behind the last one begins; `None`: no block was read, or nothing says where the next one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reached: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "compact")]
    pub(crate) blocks: Vec<Block>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Told>,
    #[serde(default)]
    pub(crate) further_findings: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) not_checked: Vec<String>,
}

/// A finding in JSON that is read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Told {
    code: Code,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    sentence: String,
}

impl Told {
    pub(crate) fn finding(&self) -> Finding {
        Finding::from(self.clone())
    }

    /// Keeps the beginning of its sentence.
    pub(super) fn shorten(&mut self) {
        if let Some((end, _)) = self.sentence.char_indices().nth(SHORT_SENTENCE) {
            self.sentence.truncate(end);
        }
    }
}

impl From<Told> for Finding {
    fn from(told: Told) -> Self {
        Self { file: told.file, offset: told.offset, ..Self::new(told.code, told.sentence) }
    }
}

impl From<Finding> for Told {
    fn from(finding: Finding) -> Self {
        Self { code: finding.code, file: finding.file, offset: finding.offset, sentence: finding.sentence }
    }
}

/// Characters of a finding's sentence that are kept where little room is left.
const SHORT_SENTENCE: usize = 300;

impl Piece {
    pub(crate) fn of(range: Range<u64>) -> Self {
        Self {
            begin: range.start,
            end: range.end,
            crc64nvme: None,
            encrypted_crc64nvme: None,
            reached: None,
            blocks: Vec::new(),
            findings: Vec::new(),
            further_findings: 0,
            not_checked: Vec::new(),
        }
    }

    /// Adds what follows. The first of the blocks is the rest of the last one before where that `goes_on`.
    pub(crate) fn add(&mut self, blocks: Vec<Block>, goes_on: bool, most_objects: usize, report: Report<'_>) {
        let (findings, further, not_checked) = report.told();
        let mut blocks = blocks.into_iter();
        if goes_on && let (Some(open), Some(rest)) = (self.blocks.last_mut(), blocks.next()) {
            open.join(rest);
        }
        self.blocks.extend(blocks);
        let mut room = most_objects;
        for block in &mut self.blocks {
            block.forgotten |= block.objects.len() > room;
            block.objects.truncate(room);
            room -= block.objects.len();
        }
        self.findings.extend(findings.into_iter().map(Told::from));
        self.further_findings = self.further_findings.saturating_add(further);
        for what in not_checked {
            if !self.not_checked.contains(&what) {
                self.not_checked.push(what);
            }
        }
    }

    /// A finding outside of any block.
    pub(crate) fn found(&mut self, finding: Finding) {
        self.blocks.push(Block { findings: 1, ..Block::default() });
        self.findings.push(finding.into());
        self.reached = None;
    }

    pub(crate) fn findings(&self) -> impl Iterator<Item = Finding> + '_ {
        self.findings.iter().map(Told::finding)
    }

    /// Whether something is told, or counted, that is wrong with its last block.
    pub(crate) fn has_told_of_the_last(&self) -> bool {
        self.further_findings > 0 || self.blocks.last().is_some_and(|block| block.findings > 0)
    }

    /// Its own bytes.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.begin..self.end
    }

    /// Its tables: what its JSON grows with.
    #[must_use]
    pub fn tables(&self) -> usize {
        self.blocks.iter().filter(|block| block.entry.is_some()).count()
    }

    /// Whether its bytes could not be read: trying again may do better.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        self.findings.iter().any(|told| told.code == Code::Unreadable)
    }

    /// Whether reading it broke off, which was told: its bytes did not come, or were not authentic.
    pub(crate) fn broke_off(&self) -> bool {
        self.findings.iter().any(|told| matches!(told.code, Code::Unreadable | Code::NotAuthentic))
    }

    /// Makes its JSON fit into so many bytes, where that is possible without changing what it proves: findings beyond the first are
    /// counted instead of told, but the first damage and what ended the reading stay. Then ids of large objects are forgotten, which
    /// the verdict says. `false` when it does not fit: the number of its tables is in the way.
    #[must_use]
    pub fn fits(&mut self, bytes: usize) -> bool {
        let length = |piece: &Self| serde_json::to_vec(piece).map_or(usize::MAX, |json| json.len());
        if length(self) <= bytes {
            return true;
        }
        self.findings.iter_mut().for_each(Told::shorten);
        while length(self) > bytes {
            // Half of what is too much at a time: there may be thousands.
            let much = (self.findings.len() / 2).max(1);
            if !(0..much).fold(false, |done, _| self.tell_less() || done) {
                return self.forget_objects() && length(self) <= bytes;
            }
        }
        true
    }

    fn forget_objects(&mut self) -> bool {
        let mut forgot = false;
        for block in self.blocks.iter_mut().filter(|block| !block.objects.is_empty()) {
            block.objects = Vec::new();
            block.forgotten = true;
            forgot = true;
        }
        forgot
    }

    /// Counts a finding instead of telling it; `false`: all that is left has to be told.
    fn tell_less(&mut self) -> bool {
        let counts = self.blocks.iter_mut().map(|block| &mut block.findings);
        tell_less(&mut self.findings, &mut self.further_findings, counts)
    }

    /// Whether it could be what a reader said: what arrives from elsewhere may be anything.
    pub(crate) fn is_sane(&self, entries: usize) -> bool {
        let told = self.blocks.iter().try_fold(0, |told: usize, block| told.checked_add(block.findings));
        told == Some(self.findings.len())
            && self.begin <= self.end
            && self.reached.is_none_or(|reached| reached >= self.begin)
            && self.blocks.iter().all(|block| block.entry.is_none_or(|entry| entry < entries))
    }
}

/// Counts the last finding that changes nothing of the verdict among the `further` ones instead of telling it; `false`: there is none.
/// `counts` says how many of them are of each block or file, in their order.
pub(super) fn tell_less<'a>(
    findings: &mut Vec<Told>,
    further: &mut u64,
    counts: impl Iterator<Item = &'a mut usize>,
) -> bool {
    let damage = findings.iter().position(|told| told.code.meaning() == Meaning::Damage);
    let has_to_be_told = |at: &usize| *at == 0 || Some(*at) == damage || at + 1 == findings.len();
    let Some(which) = (0..findings.len()).rev().find(|at| !has_to_be_told(at)) else { return false };
    findings.remove(which);
    *further = further.saturating_add(1);
    let mut before = 0;
    for count in counts {
        if which < before + *count {
            *count -= 1;
            break;
        }
        before += *count;
    }
    true
}

/// Blocks as numbers of seven bits a byte: of a table not more than about ten characters.
pub(super) mod compact {
    use super::{BASE64, Block, Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(blocks: &[Block], serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::new();
        let mut expected = 0;
        for block in blocks {
            // The next entry is 1, none is 0.
            let entry = block.entry.map_or(0, |entry| 1 + zigzag(entry as i64 - expected));
            expected = block.entry.map_or(expected, |entry| entry as i64 + 1);
            put(&mut bytes, entry);
            let kind = match (&block.rows, block.objects.is_empty() && block.sound_objects == (0, 0)) {
                (None, true) => 0,
                (Some((None, _)), _) => 1,
                (Some((Some(_), _)), _) => 2,
                (None, false) => 3,
            };
            let forgotten = u64::from(block.forgotten);
            put(&mut bytes, (block.findings as u64) << 3 | forgotten << 2 | kind);
            if let Some((rows, size)) = &block.rows {
                put(&mut bytes, *size);
                rows.iter().for_each(|rows| put(&mut bytes, *rows));
            }
            if kind == 3 {
                put(&mut bytes, block.sound_objects.0);
                put(&mut bytes, block.sound_objects.1);
                objects(&mut bytes, &block.objects);
            }
        }
        serializer.serialize_str(&BASE64.encode(&bytes))
    }

    /// Ids as differences, each with how often it follows.
    fn objects(bytes: &mut Vec<u8>, ids: &[u32]) {
        let mut runs: Vec<(i64, u64)> = Vec::new();
        let mut before = 0;
        for id in ids {
            let step = i64::from(*id) - before;
            before = i64::from(*id);
            match runs.last_mut() {
                Some((last, count)) if *last == step => *count += 1,
                _ => runs.push((step, 1)),
            }
        }
        put(bytes, runs.len() as u64);
        for (step, count) in runs {
            put(bytes, zigzag(step));
            put(bytes, count);
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Block>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64.decode(text.as_bytes()).map_err(de::Error::custom)?;
        let mut numbers = Numbers(&bytes);
        let mut blocks = Vec::new();
        let mut expected = 0_i64;
        // What is in the text bounds what is kept, but for the ids of large objects, which have a bound of their own.
        let mut room = MOST_OBJECTS;
        while !numbers.0.is_empty() {
            let block = block(&mut numbers, &mut expected, &mut room);
            blocks.push(block.ok_or_else(|| de::Error::custom("the blocks of a piece cannot be read"))?);
        }
        Ok(blocks)
    }

    /// As many as the verifier remembers of an archive.
    const MOST_OBJECTS: u64 = 4_000_000;

    fn block(numbers: &mut Numbers<'_>, expected: &mut i64, room: &mut u64) -> Option<Block> {
        let mut block = Block::default();
        if let Some(step) = numbers.take()?.checked_sub(1) {
            let entry = expected.checked_add(unzigzag(step))?;
            *expected = entry.checked_add(1)?;
            block.entry = Some(usize::try_from(entry).ok()?);
        }
        let head = numbers.take()?;
        block.findings = usize::try_from(head >> 3).ok()?;
        block.forgotten = head & 4 != 0;
        match head & 3 {
            1 => block.rows = Some((None, numbers.take()?)),
            2 => {
                let size = numbers.take()?;
                block.rows = Some((Some(numbers.take()?), size));
            }
            3 => {
                block.sound_objects = (numbers.take()?, numbers.take()?);
                let mut id = 0_i64;
                for _ in 0..numbers.take()? {
                    let (step, count) = (unzigzag(numbers.take()?), numbers.take()?);
                    *room = room.checked_sub(count)?;
                    for _ in 0..count {
                        id = id.checked_add(step)?;
                        block.objects.push(u32::try_from(id).ok()?);
                    }
                }
            }
            _ => {}
        }
        Some(block)
    }

    fn zigzag(number: i64) -> u64 {
        ((number << 1) ^ (number >> 63)).cast_unsigned()
    }

    fn unzigzag(number: u64) -> i64 {
        (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
    }

    pub(in crate::pieces) fn put(bytes: &mut Vec<u8>, mut number: u64) {
        while number >= 0x80 {
            bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
    }

    pub(in crate::pieces) struct Numbers<'a>(pub(in crate::pieces) &'a [u8]);

    impl Numbers<'_> {
        pub(in crate::pieces) fn take(&mut self) -> Option<u64> {
            let mut number = 0_u64;
            for shift in (0..64).step_by(7) {
                let (byte, rest) = self.0.split_first()?;
                self.0 = rest;
                number |=
                    u64::from(byte & 0x7f).checked_shl(shift).filter(|value| value >> shift == u64::from(byte & 0x7f))?;
                if byte & 0x80 == 0 {
                    return Some(number);
                }
            }
            None
        }
    }
}
