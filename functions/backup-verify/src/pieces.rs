//! One archive, read in pieces by invocations that know nothing of each other; a piece that is too much for one is handed on to the next.

use std::io::Read;
use std::time::{Duration, Instant};

pub use pgdump::PieceSizes;
use pgdump::{Allowance, Course, Division, FileSizes, Keys, Options, Piece};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared::domain::archives::{ObjectView, Proof, Shelf, StoredObject};
use shared::domain::backup::ProofLevel;
use shared::domain::described::BucketSite;
use shared::domain::identifier::Region;
use shared::domain::plan::SiteName;
use shared::error::{Code, RecoveryError};
use shared::ports::{FailureKind, PortError, read_on_through, read_through};
use shared::printable::printable;

use crate::archives::{Search, finding, named};
use crate::directories::PieceOfDirectory;
use crate::encryption::Opening;
use crate::examination::{Expected, examine_pieces};
use crate::handler::LONGEST_NAME;
use crate::level::verifier_level;

/// How much one invocation reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// The largest archive that one invocation reads, and the most of a piece before the next one goes on.
    pub whole: u64,
    /// How larger ones are divided.
    pub pieces: PieceSizes,
    /// What opening an object costs, in bytes that are read in the same time.
    pub opening: u64,
}

impl Sizes {
    /// Of an archive that is a directory.
    pub(crate) fn of_files(&self) -> FileSizes {
        FileSizes { pieces: self.pieces, opening: self.opening }
    }
}

impl Default for Sizes {
    /// One invocation has 895 seconds for reading, and Lambda has been measured to read 50 to 90 MB a second from S3: 40 GiB take
    /// 860 s at the lower end. A piece is a fifth of that, so that one that begins anew costs little, until there are 128 of them.
    ///
    /// A file of a directory costs two requests, and AWS says of small ones that they take tens of milliseconds: 4 MiB are read in 80 ms.
    /// So one invocation reads 10,240 files at most, and a piece has up to 2,048. Eight are asked for at a time, which leaves time
    /// where S3 takes longer.
    fn default() -> Self {
        Self { whole: 40 << 30, pieces: PieceSizes { bytes: 8 << 30, most: 128 }, opening: 4 << 20 }
    }
}

/// Bytes of JSON for all results together. A state of Step Functions has at most 262,144, and this is not all that is in it.
pub(crate) const ROOM: usize = 170_000;
/// Bytes of JSON for a piece without tables: numbers, one or two checksums, one or two findings.
const ROOM_OF_A_PIECE: usize = 800;
/// Bytes of JSON for a table: its place, rows and bytes.
const ROOM_OF_A_TABLE: usize = 12;

/// Bytes of JSON for a piece that is handed on. With it go at most 90,000 of a decoder's window, and all fits into a state.
pub(crate) const ROOM_OF_A_COURSE: usize = 140_000;
/// So many invocations, of 910 seconds at most, read one after the other within the 12 hours of an execution, and leave the time to
/// check, divide, combine, and do a few of them again.
pub(crate) const MOST_TURNS: u32 = 40;
/// Reading stops so long before its time is over: a decoder may have to come to the end of a block, and bytes that do not come are asked
/// for five times within 50 seconds.
const HANDING_ON: Duration = Duration::from_secs(60);

/// Behind the ETag of an archive that is encrypted and was opened when it was divided: its pieces are of what it holds.
const OPENED: &str = "+opened";

/// The ETag of an archive, and whether it was opened when it was divided.
fn of_stamp(stamp: &str) -> (&str, bool) {
    stamp.strip_suffix(OPENED).map_or((stamp, false), |etag| (etag, true))
}

/// What came of the pieces of an archive.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) backup: String,
    /// As it was divided.
    pub(crate) etag: String,
    /// Why it was not divided.
    pub(crate) refused: Option<String>,
    /// Whether it is read whole after all.
    pub(crate) at_once: bool,
    pub(crate) pieces: Vec<Piece>,
    /// Those of a directory.
    pub(crate) of_directory: Vec<PieceOfDirectory>,
    pub(crate) sizes: Sizes,
}

impl Gathered {
    /// The archive that the pieces are of, where it still lies there. It need not be the newest any more.
    pub(crate) fn find<'a>(&self, shelves: &'a [Shelf]) -> Option<(&'a Shelf, &'a StoredObject)> {
        shelves.iter().find_map(|shelf| {
            let archives = shelf.archives.found()?.iter();
            let found = archives.into_iter().find(|archive| named(&shelf.place, &archive.key) == self.backup)?;
            Some((shelf, found))
        })
    }
}

/// An archive, divided.
#[derive(Debug, Default)]
pub(crate) struct Divided {
    pub(crate) etag: String,
    pub(crate) pieces: u32,
    /// Why there are none, as a finding.
    pub(crate) refused: Option<String>,
}

impl Divided {
    pub(crate) fn refused(etag: String, finding: String) -> Self {
        Self { etag, pieces: 0, refused: Some(finding) }
    }
}

/// Why pieces cannot be read one invocation after the other, where they cannot: of the bytes of the largest one, and of those that have to
/// be read at once.
pub(crate) fn too_long(largest: u64, undivided: u64, sizes: Sizes) -> Option<String> {
    let whole = sizes.whole;
    let most = whole.saturating_mul(MOST_TURNS.into());
    if undivided > whole {
        return Some(format!(
            "archive_table_too_large: {undivided} bytes of it have to be read at once, because nobody can go on in the middle of zstd, and one \
             invocation reads {whole} in its time: take it with pg_dump -Z gzip or -Z lz4, or verify it with recoveryctl backup verify, \
             where there is time"
        ));
    }
    (largest > most).then(|| {
        format!(
            "archive_table_too_large: {largest} bytes of it have to be read one after the other, and {most} can be, by {MOST_TURNS} \
             invocations in 12 hours: verify it with recoveryctl backup verify, where there is time"
        )
    })
}

/// Why what is said of so many tables in so many pieces cannot be put together, where it cannot.
pub(crate) fn too_many_tables(tables: usize, pieces: usize, room: usize) -> Option<String> {
    (pieces * ROOM_OF_A_PIECE + tables * ROOM_OF_A_TABLE > room).then(|| {
        format!(
            "archive_has_too_many_tables: what is said of its {tables} tables in {pieces} pieces does not fit into a state of Step \
             Functions: verify it with recoveryctl backup verify, where there is time"
        )
    })
}

/// Whether an invocation stops reading, so that the next one goes on.
pub(crate) fn hands_on(until: Option<Instant>) -> bool {
    until.is_some_and(|until| until.saturating_duration_since(Instant::now()) < HANDING_ON)
}

/// What is said in a piece of which there were as many invocations as may be.
pub(crate) fn given_up() -> String {
    format!("{MOST_TURNS} invocations, as many as there is time for, have not come to the end of this piece")
}

/// Bytes of JSON for what is said of a piece with so many of an archive's tables: room for these, and an equal part of what all leave.
pub(crate) fn room(own: usize, tables: usize, pieces: usize) -> usize {
    ROOM.saturating_sub(tables * ROOM_OF_A_TABLE) / pieces.max(1) + own * ROOM_OF_A_TABLE
}

/// Whoever read ended without an answer.
pub(crate) fn unread(key: &str) -> PortError {
    not_read("reading_ended", format!("{key}: what reads the object ended half-way"))
}

/// So that it is tried again.
fn not_read(code: &str, message: String) -> PortError {
    let (service, operation) = ("s3", "GetObject");
    PortError { kind: FailureKind::NoAnswer, service, operation, code: code.to_owned(), message }
}

/// What opened it when it was divided does not now: its key could not be had.
fn opens_no_more(key: &str, found: &Proof) -> PortError {
    let why = if found.findings.is_empty() { "its data key was not unwrapped" } else { &found.findings.join("; ") };
    not_read("archive_opens_no_more", format!("{key}: it was opened when it was divided, and does not open now: {why}"))
}

/// Its key was there when it was divided, or is there now, and not both: its pieces are not those of what would be put together.
fn opened_differently(named: &str, was_opened: bool) -> String {
    let how = match was_opened {
        true => "was opened when it was divided, and does not open now",
        false => "opens now, and did not when it was divided, so that it was only summed",
    };
    format!("archive_opened_differently: {named} {how}: see to its key, and verify it again")
}

/// A piece of an archive, as a task names it.
pub(crate) struct Part<'a> {
    pub(crate) key: &'a str,
    pub(crate) etag: &'a str,
    pub(crate) piece: u32,
}

/// What the invocation before handed on.
pub(crate) struct HandedOn {
    pub(crate) course: Value,
    /// Of a directory.
    pub(crate) stored: Value,
}

impl HandedOn {
    /// Strictly: what was handed on cannot be gone on with if it is anything else.
    pub(crate) fn read<T: DeserializeOwned>(value: Value, part: &Part<'_>) -> Result<T, RecoveryError> {
        serde_json::from_value(value).map_err(|_| cannot_stand(part))
    }
}

/// A piece was handed on in a way in which it cannot stand.
pub(crate) fn cannot_stand(part: &Part<'_>) -> RecoveryError {
    let message = format!("piece {} of {} cannot stand as the task says", part.piece, printable(part.key, LONGEST_NAME));
    RecoveryError::new(Code::PayloadUnreadable, message)
}

/// What came of a piece, or how it is handed on. The state machine asks for every field.
pub(crate) fn told(status: &str, piece: &impl Serialize, course: &impl Serialize, stored: &impl Serialize) -> Value {
    json!({"incident_id": null, "status": status, "piece": piece, "course": course, "stored": stored})
}

/// What is said of a piece after this reader had its turn, in so many bytes of JSON.
fn came_of(course: Course, room: usize) -> Value {
    let ended = match course.finish() {
        Err(mut course) if course.turns() >= MOST_TURNS => {
            course.give_up(given_up());
            course.finish()
        }
        other => other,
    };
    let answer = match ended {
        Ok(mut piece) => {
            let fits = piece.fits(room);
            fits.then(|| told("read", &piece, &(), &()))
        }
        Err(mut course) => {
            let fits = course.piece().fits(room.min(ROOM_OF_A_COURSE));
            fits.then(|| told("in_progress", &(), &course, &()))
        }
    };
    answer.unwrap_or_else(|| without_result("too_large"))
}

/// An answer without a result.
pub(crate) fn without_result(status: &str) -> Value {
    told(status, &(), &(), &())
}

impl Search<'_> {
    /// Divides an archive. What keeps it from being divided is a finding, told by whoever puts it together.
    pub(crate) async fn divide(&self, sizes: Sizes, site: SiteName, place: &BucketSite, key: &str) -> Divided {
        if !self.is_one_object() {
            return self.divide_directory(sizes, site, place, key).await;
        }
        let region = self.plan.region(site);
        let view = match self.objects.look(region, place, key).await {
            Ok(view) => view,
            Err(error) => return Divided::refused(String::new(), finding(&error)),
        };
        let decoding = self.level >= ProofLevel::Decodable;
        // What keeps it from being opened is told by whoever puts its pieces together, if it does so then; otherwise that it differs is.
        let opening = if decoding { self.opening((region, place), &view, &mut Proof::default()).await } else { None };
        let division = match self.division((region, place), &view, sizes, opening).await {
            Ok(division) => division,
            Err(error) => return Divided::refused(view.etag, finding(&error)),
        };
        if decoding && !division.decodes() && view.bytes <= sizes.whole {
            return Divided { etag: view.etag, ..Divided::default() };
        }
        let (pieces, entries) = (division.pieces(), division.entries());
        let refused = too_long(division.largest(), division.undivided(), sizes).or_else(|| {
            let room = if division.largest() > sizes.whole { ROOM_OF_A_COURSE } else { ROOM };
            too_many_tables(entries, pieces, room)
        });
        let pieces = if refused.is_some() { 0 } else { u32::try_from(pieces).unwrap_or(u32::MAX) };
        let etag = if division.is_opened() { view.etag + OPENED } else { view.etag };
        Divided { etag, pieces, refused }
    }

    async fn division(
        &self,
        at: (&Region, &BucketSite),
        view: &ObjectView,
        sizes: Sizes,
        opening: Option<Opening>,
    ) -> Result<Division, PortError> {
        let (level, bytes) = (verifier_level(self.level), view.bytes);
        let work = move |reader: &mut dyn Read| {
            let keys = opening.as_deref().map(|keys| -> &dyn Keys { keys });
            Division::of(reader, bytes, sizes.pieces, &Options { keys, ..Options::to(level) })
        };
        match read_through(self.objects, at, view, self.until, work).await {
            (_, Some(error)) => Err(error),
            (Some(division), None) => Ok(division),
            (None, None) => Err(unread(&view.key)),
        }
    }

    /// Reads one piece, from its beginning or from where the invocation before stopped, as far as one invocation does. Fails when its
    /// bytes do not come, so that the state machine tries again.
    pub(crate) async fn piece(
        &self,
        sizes: Sizes,
        site: SiteName,
        place: &BucketSite,
        part: &Part<'_>,
        before: Option<HandedOn>,
    ) -> Result<Value, RecoveryError> {
        if !self.is_one_object() {
            return self.piece_of_directory(sizes, (site, place), part, before).await;
        }
        let course = before.map(|before| HandedOn::read::<Course>(before.course, part)).transpose()?;
        let (region, key) = (self.plan.region(site), part.key);
        let (etag, opened) = of_stamp(part.etag);
        let view = self.objects.look(region, place, key).await?;
        if view.etag != etag {
            // Whoever puts the pieces together sees it, too, and tells it.
            return Ok(without_result("changed"));
        }
        let mut found = Proof::default();
        let opening = if opened { self.opening((region, place), &view, &mut found).await } else { None };
        let division = self.division((region, place), &view, sizes, opening).await?;
        if division.is_opened() != opened {
            return Err(opens_no_more(key, &found).into());
        }
        let number = part.piece as usize;
        let Some(begun) = division.course(number) else {
            let message = format!("{} has {} pieces and no piece {number}", named(place, key), division.pieces());
            return Err(RecoveryError::new(Code::PayloadUnreadable, message));
        };
        let (entries, pieces) = (division.entries(), division.pieces());
        let course = course.unwrap_or(begun);
        let (from, until) = (division.begins_at(&course), self.until);
        let work = move |reader: &mut dyn Read| {
            let over = || hands_on(until);
            division.read_on(number, course, reader, Some(Allowance { bytes: sizes.whole, over: &over }))
        };
        let (read, failure) = read_on_through(self.objects, (region, place), &view, from, until, work).await;
        if let Some(error) = failure {
            return Err(error.into());
        }
        let mut course = read.ok_or_else(|| unread(key))?.ok_or_else(|| cannot_stand(part))?;
        let room = room(course.piece().tables(), entries, pieces);
        Ok(came_of(course, room))
    }

    /// What the pieces prove together.
    pub(crate) async fn together(
        &self,
        place: (&Region, &BucketSite),
        first: &ObjectView,
        expected: Expected,
        gathered: &Gathered,
    ) -> Proof {
        let named = named(place.1, &first.key);
        if let Some(refused) = &gathered.refused {
            return Proof { findings: vec![refused.clone()], ..Proof::default() };
        }
        let (etag, was_opened) = of_stamp(&gathered.etag);
        if first.etag != etag {
            let finding = format!("object_changed: {named} was replaced while its pieces were read: verify it again");
            return Proof { findings: vec![finding], ..Proof::default() };
        }
        let (bytes, sizes, pieces) = (first.bytes, gathered.sizes.pieces, gathered.pieces.clone());
        let work = move |reader: &mut dyn Read| examine_pieces(reader, bytes, sizes, &pieces, &expected);
        let (examined, failure) = read_through(self.objects, place, first, self.until, work).await;
        match (examined, failure) {
            (Some((_, opened)), None) if opened != was_opened => {
                Proof { findings: vec![opened_differently(&named, was_opened)], ..Proof::default() }
            }
            (examined, failure) => {
                let mut proof = examined.map(|(proof, _)| proof).unwrap_or_default();
                proof.findings.splice(..0, failure.as_ref().map(finding));
                proof
            }
        }
    }
}
