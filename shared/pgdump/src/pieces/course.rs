//! A piece that is read by several readers, one after the other, because it is more than one of them can read.
//!
//! Each hands on what came of the piece by then, and where the next one goes on: between two blocks, or in the middle of one with all
//! that its decoder and the checks of its content have to know. So the verdict is that of one reader. What is handed on is believed as
//! far as pieces are, but it may be damaged on its way: nothing in it makes a reader panic, or take more memory.

use std::io::{self, ErrorKind, Read};
use std::ops::Range;

use crc_fast::{CrcAlgorithm, checksum_combine};
use serde::{Deserialize, Serialize};

use crate::codec::Decoders;
use crate::custom::{self, Gathered, OpenBlock};
use crate::digest::{Crc64Value, Sha256Value};
use crate::finding::{Code, Finding};
use crate::header::Layout;
use crate::level::Level;
use crate::options::Options;
use crate::pause::{Allowance, Pause, Paused};
use crate::pieces::blocks::{Block, End, Reading};
use crate::pieces::sealed::{KEY_BYTES, SealKey, Sealed, key_bytes};
use crate::pieces::summing::{Summed, Summing};
use crate::pieces::{Division, How, Known, Piece, Rest};
use crate::report::{Report, Stage};
use crate::source::{Input, Source};
use crate::tar::{Members, OpenMember};

/// Of what is handed on.
const VERSION: u32 = 2;

/// A piece as far as it was read, and where reading goes on. As JSON it can be handed to whoever goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Course {
    version: u32,
    /// Readers that had their turn.
    turns: u32,
    piece: Piece,
    sum: Sum,
    /// Of the bytes of the file, where the archive is encrypted and not all of them are summed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encrypted: Option<Sum>,
    /// `None`: everything was decoded that can be, or nothing was to be.
    cursor: Option<Cursor>,
}

/// The checksum as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sum {
    up_to: u64,
    /// `None`: not all bytes came.
    crc64nvme: Option<Crc64Value>,
}

impl Sum {
    fn of(range: &Range<u64>) -> Self {
        Self { up_to: range.start, crc64nvme: Some(Crc64Value(0)) }
    }

    /// Whether there is nothing left to sum.
    fn is_over(&self, range: &Range<u64>) -> bool {
        self.up_to == range.end || self.crc64nvme.is_none()
    }

    /// Where all bytes came.
    fn whole(&self, range: &Range<u64>) -> Option<Crc64Value> {
        self.crc64nvme.filter(|_| self.up_to == range.end)
    }

    /// What is left, for a reader that begins at this byte.
    fn rest<R: Read>(&self, range: &Range<u64>, reader: R, from: u64) -> Summing<R> {
        let (known, left) =
            if self.is_over(range) { (0, 0) } else { (self.up_to.saturating_sub(from), range.end - self.up_to) };
        Summing::new(reader, from, known, left)
    }

    fn add(&mut self, range: &Range<u64>, summed: &Summed) {
        let Some(before) = self.crc64nvme else { return };
        let sum = match self.up_to == range.start {
            true => summed.crc64nvme.0,
            false => checksum_combine(CrcAlgorithm::Crc64Nvme, before.0, summed.crc64nvme.0, summed.bytes),
        };
        self.up_to += summed.bytes;
        let short = summed.ended && self.up_to < range.end;
        self.crc64nvme = (!short).then_some(Crc64Value(sum));
    }

    /// Reading failed: they do not all come.
    fn lost(&mut self, error: &io::Error) -> Finding {
        self.crc64nvme = None;
        Finding::unreadable(self.up_to, error)
    }

    /// Whether it could stand so, for a reader that begins at this byte.
    fn is_sane(&self, range: &Range<u64>, from: u64) -> bool {
        (range.start..=range.end).contains(&self.up_to) && (self.is_over(range) || from <= self.up_to)
    }
}

/// Where decoding goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    at: u64,
    open: Open,
}

/// The block in which that is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Open {
    /// A block begins there.
    Nothing,
    /// Nothing is known of what it holds.
    Known(OpenPart),
    /// Something is.
    Sealed(Sealed),
}

/// A block of a custom archive, or a member of a tar archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum OpenPart {
    Block(OpenBlock),
    Member(OpenMember),
}

impl OpenPart {
    /// Whether it tells what the data is.
    fn holds_data(&self) -> bool {
        match self {
            Self::Block(block) => block.holds_data(),
            Self::Member(member) => member.holds_data(),
        }
    }
}

impl Course {
    /// The piece, where there is nothing left to read of it.
    ///
    /// # Errors
    /// The course, where there is.
    pub fn finish(mut self) -> Result<Piece, Box<Self>> {
        if !self.is_read() || self.encrypted.is_some() {
            return Err(Box::new(self));
        }
        self.piece.crc64nvme = self.sum.whole(&self.piece.range());
        Ok(self.piece)
    }

    /// The byte of what is decoded at which the next reader begins.
    pub(crate) fn content_from(&self) -> u64 {
        match &self.cursor {
            Some(cursor) if self.is_summed() => cursor.at,
            Some(cursor) => cursor.at.min(self.sum.up_to),
            None => self.sum.up_to,
        }
    }

    /// How many readers had their turn.
    #[must_use]
    pub fn turns(&self) -> u32 {
        self.turns
    }

    /// What came of the piece by now.
    #[must_use]
    pub fn piece(&mut self) -> &mut Piece {
        &mut self.piece
    }

    /// Reads no further, and says why in the piece. Where only the file's own bytes are left, they are not compared.
    pub fn give_up(&mut self, why: impl Into<String>) {
        self.encrypted = None;
        if self.is_read() {
            return;
        }
        let at = self.content_from();
        self.cursor = None;
        self.sum.crc64nvme = None;
        self.piece.found(Finding::at(Code::StreamTooLong, at, why));
    }

    fn is_summed(&self) -> bool {
        self.sum.is_over(&self.piece.range())
    }

    /// Whether there is nothing left to read but the file's own bytes.
    fn is_read(&self) -> bool {
        self.cursor.is_none() && self.is_summed()
    }

    /// The byte of the file at which the next reader begins, where only its own bytes are left.
    pub(crate) fn file_from(&self) -> Option<u64> {
        self.encrypted.filter(|_| self.is_read()).map(|sum| sum.up_to)
    }

    /// Sums the bytes of the file that were read, and where what it holds is read, those that are left: what is not authentic is the
    /// file's own all the same.
    fn read_file(&mut self, mut sum: Sum, range: &Range<u64>, mut file: Summing<impl Read>, pause: Pause<'_>) {
        let failed = if self.is_read() { file.read_on(pause).err() } else { None };
        sum.add(range, &file.finish());
        if let Some(error) = failed {
            let finding = sum.lost(&error);
            if !self.piece.is_unreadable() {
                self.piece.found(finding);
            }
        }
        self.piece.encrypted_crc64nvme = sum.whole(range);
        self.encrypted = (!sum.is_over(range)).then_some(sum);
    }

    /// The entry whose block is open.
    fn open_entry(&self, cursor: &Cursor) -> Option<usize> {
        if cursor.open == Open::Nothing { None } else { self.piece.blocks.last().and_then(|block| block.entry) }
    }
}

impl Division {
    /// A piece of which nothing was read yet.
    #[must_use]
    pub fn course(&self, piece: usize) -> Option<Course> {
        let range = self.range(piece)?;
        let (sum, encrypted) = (Sum::of(&range), self.encrypted_range(piece).as_ref().map(Sum::of));
        let cursor = self.decodes().then(|| Cursor { at: self.edges[piece], open: Open::Nothing });
        Some(Course { version: VERSION, turns: 0, piece: Piece::of(range), sum, encrypted, cursor })
    }

    /// Reads on, as far as is allowed. `reader` has the bytes of the file from [`Division::begins_at`] to its end. `None`: this is not
    /// how this piece can stand.
    #[must_use]
    pub fn read_on(
        &self,
        piece: usize,
        mut course: Course,
        reader: impl Read,
        allowance: Option<Allowance<'_>>,
    ) -> Option<Course> {
        if !self.is_sane(piece, &course) {
            return None;
        }
        let (from, file_from) = (course.content_from(), self.begins_at(&course));
        let (turns, left) = (course.turns, course.piece.range().end.saturating_sub(from));
        let pause = |begin: u64| {
            allowance.map_or(Pause::NEVER, |allowance| {
                // Who has read to its end before it is time to stop has been quicker with the decoders that cannot stop.
                let continues = turns > 0 || left > allowance.bytes;
                Pause::after(allowance, begin, self.bytes.saturating_sub(KEY_BYTES as u64), continues)
            })
        };
        // The table of contents is no progress.
        let reading = pause(course.cursor.as_ref().map_or(from, |cursor| cursor.at));
        let encrypted = course.encrypted.zip(self.encrypted_range(piece));
        let mut file = match &encrypted {
            Some((sum, range)) => sum.rest(range, reader, file_from),
            None => Summing::new(reader, file_from, 0, 0),
        };
        if !course.is_read() {
            self.read_content(piece, &mut file, reading, &mut course)?;
        }
        if let Some((sum, range)) = encrypted {
            let pause = pause(file.position());
            course.read_file(sum, &range, file, pause);
        }
        course.turns = course.turns.saturating_add(1);
        Some(course)
    }

    /// Decodes and sums what the archive is made of. `None`: the cursor is not one of this archive.
    fn read_content(
        &self,
        piece: usize,
        file: &mut Summing<impl Read>,
        pause: Pause<'_>,
        course: &mut Course,
    ) -> Option<()> {
        let (range, from) = (course.piece.range(), course.content_from());
        let content = match self.opened() {
            Some(opened) => opened.read(file, from),
            None => Rest::More(Box::new(file) as Box<dyn Read>),
        };
        let mut summing = course.sum.rest(&range, content, from);
        if let (Some(cursor), How::Entries(known)) = (course.cursor.take(), &self.how) {
            self.decode(piece, known, cursor, &mut summing, pause, course)?;
        }
        let failed = match course.cursor {
            None => self.sum_rest(&course.sum, &range, &mut summing, pause).err(),
            Some(_) => None,
        };
        // The sum would be of less than there is.
        let is_longer = range.end == self.bytes && summing.position() > range.end;
        course.sum.add(&range, &summing.finish());
        if is_longer {
            course.sum.crc64nvme = None;
        }
        if let Some(error) = failed {
            let finding = course.sum.lost(&error);
            if !course.piece.broke_off() {
                course.piece.found(finding);
            }
        }
        Some(())
    }

    /// Sums what is left of the piece. Of an archive that was opened, only who asks for what follows it learns that its end is authentic.
    fn sum_rest(&self, sum: &Sum, range: &Range<u64>, summing: &mut Summing<impl Read>, pause: Pause<'_>) -> io::Result<()> {
        summing.read_on(pause)?;
        let ends = self.opened().is_some() && range.end == self.bytes;
        if ends && summing.is_done() && sum.crc64nvme.is_some() {
            io::copy(summing, &mut io::sink())?;
        }
        Ok(())
    }

    /// `None`: the cursor is not one of this archive.
    fn decode(
        &self,
        piece: usize,
        known: &Known,
        cursor: Cursor,
        reader: &mut Summing<impl Read>,
        pause: Pause<'_>,
        course: &mut Course,
    ) -> Option<()> {
        let Known { contents, limits, digest: archive, .. } = known;
        let current = course.open_entry(&cursor);
        // The table of contents again, which only counts for the checksum. What is cut off there is found behind it.
        let skipped = cursor.at - reader.position();
        let mut ahead = Vec::new();
        let mut open = || -> io::Result<Option<Option<OpenPart>>> {
            io::copy(&mut reader.by_ref().take(skipped), &mut io::sink())?;
            Ok(match &cursor.open {
                Open::Nothing => Some(None),
                Open::Known(part) => Some(Some(part.clone())),
                Open::Sealed(sealed) => {
                    ahead = key_bytes(reader)?;
                    SealKey::of(archive, &ahead, cursor.at).open(sealed).map(Some)
                }
            })
        };
        let open = match open() {
            Ok(open) => open?,
            Err(error) => {
                course.piece.found(Finding::unreadable(reader.position(), &error));
                return Some(());
            }
        };
        let options = Options { limits: limits.clone(), ..Options::to(Level::Decodable) };
        let mut report = Report::new(&options);
        report.enter(Stage::Data);
        let mut source = Source::starting_at(cursor.at, ahead.chain(reader));
        let mut found = vec![false; contents.entries.len()];
        course.piece.blocks.iter().filter_map(|block| block.entry).for_each(|entry| found[entry] = true);
        let goes_on = open.is_some();
        let told = course.piece.has_told_of_the_last();
        let part = Unread { begin: self.edges[piece], edges: &self.edges, found, current, told, open, pause };
        let (blocks, end) = known.read(part, &mut source, &mut report)?;
        course.piece.add(blocks, goes_on, limits.large_objects, report);
        match end {
            End::At(reached) => course.piece.reached = Some(reached),
            End::Lost => course.piece.reached = None,
            End::Paused(Paused { at, open }) => match cursor_at(at, open, archive, &mut source) {
                Ok(next) if next == cursor && pause.continues => course.piece.found(too_long(at)),
                Ok(next) => course.cursor = Some(next),
                Err(error) => course.piece.found(Finding::unreadable(source.position(), &error)),
            },
        }
        Some(())
    }

    /// Whether a piece can stand so: what was handed on may be anything.
    fn is_sane(&self, piece: usize, course: &Course) -> bool {
        let Some(range) = self.range(piece) else { return false };
        let sum = course.sum;
        let encrypted = match (course.encrypted, self.encrypted_range(piece)) {
            (Some(sum), Some(range)) => sum.is_sane(&range, self.begins_at(course)),
            (None, _) => true,
            (Some(_), None) => false,
        };
        let whole = course.version == VERSION
            && course.piece.range() == range
            && course.piece.is_sane(self.entries())
            && (range.start..=range.end).contains(&sum.up_to)
            && encrypted;
        let Some(cursor) = &course.cursor else { return whole };
        let How::Entries(_) = &self.how else { return false };
        // Who begins has no open block, and may decode so that nobody can go on from where he stands.
        let open = cursor.open == Open::Nothing || (course.turns > 0 && !course.piece.blocks.is_empty());
        // A message that was cut may hold a little more than its length says.
        let last = self.opened().map_or(self.bytes, |opened| opened.file);
        let at = (self.edges[piece]..=last).contains(&cursor.at);
        let summed = course.is_summed() || cursor.at <= sum.up_to.max(self.edges[piece]);
        whole && open && at && summed
    }
}

/// What is left of a piece.
struct Unread<'a> {
    begin: u64,
    edges: &'a [u64],
    /// Entries that had their block.
    found: Vec<bool>,
    /// The entry whose block is open, whether damage in it was told, and the block.
    current: Option<usize>,
    told: bool,
    open: Option<OpenPart>,
    pause: Pause<'a>,
}

impl Known {
    /// Reads on. `None`: what is open cannot stand so.
    fn read(
        &self,
        unread: Unread<'_>,
        input: &mut impl Input,
        report: &mut Report<'_>,
    ) -> Option<(Vec<Block>, End<OpenPart>)> {
        let Self { header, contents, limits, .. } = self;
        let Unread { begin, edges, found, current, told, open, pause } = unread;
        let (decoders, encoding) = (Decoders::new(limits), contents.encoding);
        let entry = current.and_then(|entry| contents.entries.get(entry));
        match header.layout {
            Layout::Custom => {
                let codec = custom::codec(header.compression);
                let open = match open {
                    None => None,
                    Some(OpenPart::Block(block)) if block.is_sane(entry, told, codec, encoding) => Some(block),
                    Some(_) => return None,
                };
                let gathered = Gathered::of(codec, pause);
                let sequence = custom::Blocks { input, contents, codec, decoders, gathered, report, current, pause };
                let (blocks, end) = Reading { sequence, begin, edges, found }.read(open);
                Some((blocks, end.map(OpenPart::Block)))
            }
            Layout::Files => {
                let open = match open {
                    None => None,
                    Some(OpenPart::Member(member)) if member.is_sane(entry, encoding) => Some(member),
                    Some(_) => return None,
                };
                let sequence = Members::of(header, contents, input, decoders, report, pause).ok()?.in_entry(current);
                let (blocks, end) = Reading { sequence, begin, edges, found }.read(open);
                Some((blocks, end.map(OpenPart::Member)))
            }
        }
    }
}

/// Where the next reader goes on. What a block holds is sealed with the bytes that come next, at which the reader stands then.
fn cursor_at(at: u64, part: Option<OpenPart>, archive: &Sha256Value, next: &mut impl Read) -> io::Result<Cursor> {
    let open = match part {
        None => Open::Nothing,
        Some(part) if !part.holds_data() => Open::Known(part),
        Some(part) => {
            let ahead = key_bytes(next)?;
            // Nobody stops so near to the end of the file: it is shorter than it is said to be.
            if ahead.len() < KEY_BYTES {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let sealed = SealKey::of(archive, &ahead, at).seal(&part);
            Open::Sealed(sealed.ok_or_else(|| io::Error::other("what is known of a block cannot be sealed"))?)
        }
    };
    Ok(Cursor { at, open })
}

/// What cannot be continued and is longer than what one reader reads.
fn too_long(at: u64) -> Finding {
    let sentence = "the data that begins here is more than is read at once, and nobody can go on in the middle of it: zstd hands out no \
                    state, and LZ4 only where it is written as pg_dump writes it";
    Finding::at(Code::StreamTooLong, at, sentence)
}
