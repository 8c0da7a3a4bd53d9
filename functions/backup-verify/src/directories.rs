//! One archive that is a directory of objects, read in pieces by invocations that know nothing of each other.

use std::io;

use pgdump::{
    Allowance, CombinedDirectory, DirectoryCourse, DirectoryDivision, DirectoryPiece, FilePrint, Level, ListedFile,
    ListedFiles, Manifest, Options, combine_directory,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::domain::archives::{MANIFEST, Proof};
use shared::domain::described::BucketSite;
use shared::domain::identifier::Region;
use shared::domain::plan::SiteName;
use shared::error::{Code, RecoveryError};
use shared::ports::{FailureKind, ObjectFiles, PortError, read_files_through};
use shared::printable::printable;

use crate::archives::{Search, finding, named};
use crate::examination::{Directory, Expected, Stored, options, proof, stored_of};
use crate::handler::LONGEST_NAME;
use crate::level::verifier_level;
use crate::pieces::{
    Divided, Gathered, HandedOn, MOST_TURNS, Part, ROOM, ROOM_OF_A_COURSE, Sizes, cannot_stand, given_up, hands_on, room,
    told, too_long, too_many_tables, unread, without_result,
};

/// What came of one piece, as it travels.
#[derive(Debug, Clone)]
pub(crate) struct PieceOfDirectory {
    piece: DirectoryPiece,
    stored: Kept,
}

/// What S3's own checksums say of the files of a piece that were read to their end.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// Whether it keeps none of one of them.
    missing: bool,
    /// The first file whose bytes are others than it was given.
    differs: Option<String>,
}

impl PieceOfDirectory {
    /// What a piece answered, where it is one of a directory.
    pub(crate) fn told(answer: &Value) -> Option<Self> {
        let piece = DirectoryPiece::deserialize(&answer["piece"]).ok()?;
        Some(Self { piece, stored: Kept::deserialize(&answer["stored"]).ok()? })
    }
}

impl Kept {
    fn of(files: &dyn ObjectFiles, prints: &[FilePrint]) -> Self {
        let mut kept = Self::default();
        for print in prints {
            match files.checksum(&print.name) {
                Some(stored) if stored != print.crc64nvme.to_string() => {
                    kept.differs.get_or_insert_with(|| printable(&print.name, LONGEST_NAME));
                }
                Some(_) => {}
                None => kept.missing = true,
            }
        }
        kept
    }

    /// Together with what it says of further ones.
    fn and(self, further: Self) -> Self {
        Self { missing: self.missing || further.missing, differs: self.differs.or(further.differs) }
    }
}

/// What has to be known of a division to use it.
struct Outline {
    stamp: String,
    pieces: usize,
    tables: usize,
    largest: u64,
    undivided: u64,
}

impl Outline {
    fn of(division: &DirectoryDivision<'_>) -> Self {
        let (pieces, tables) = (division.pieces(), division.tables());
        let (largest, undivided) = (division.largest(), division.undivided());
        Self { stamp: division.stamp().to_string(), pieces, tables, largest, undivided }
    }
}

/// What became of a piece.
enum Read {
    /// The directory is another by now.
    Changed,
    /// There is no such piece.
    None(usize),
    /// This is not how the piece can stand.
    CannotStand,
    /// It was read, as far as one invocation does.
    AsFar(Box<DirectoryCourse>, Kept, Outline),
}

impl Search<'_> {
    /// Divides a directory. What keeps it from being divided is a finding, told by whoever puts it together.
    pub(crate) async fn divide_directory(&self, sizes: Sizes, site: SiteName, place: &BucketSite, key: &str) -> Divided {
        let region = self.plan.region(site);
        let manifest = match self.own_manifest(region, place, key).await {
            Ok(manifest) => manifest,
            Err(error) => return Divided::refused(String::new(), finding(&error)),
        };
        let level = verifier_level(self.level);
        let work = move |files: &dyn ObjectFiles| {
            let (files, listed) = (Directory(files), listed(files)?);
            let (source, options) = (ListedFiles { files: &files, listed: &listed }, to(level, manifest.as_ref()));
            io::Result::Ok(Outline::of(&DirectoryDivision::of(source, sizes.of_files(), &options)))
        };
        let outline = match read_files_through(self.objects, (region, place), key, self.until, work).await {
            (_, Some(error)) => return Divided::refused(String::new(), finding(&error)),
            (Some(Ok(outline)), None) => outline,
            (_, None) => return Divided::refused(String::new(), finding(&unread(key))),
        };
        let Outline { stamp, pieces, tables, largest, undivided } = outline;
        let refused = too_long(largest, undivided, sizes).or_else(|| {
            let room = if largest > sizes.whole { ROOM_OF_A_COURSE } else { ROOM };
            too_many_tables(tables, pieces, room)
        });
        let pieces = if refused.is_some() { 0 } else { u32::try_from(pieces).unwrap_or(u32::MAX) };
        Divided { etag: stamp, pieces, refused }
    }

    /// Reads one piece, from its beginning or from where the invocation before stopped, as far as one invocation does. Fails when its
    /// bytes do not come, so that the state machine tries again.
    pub(crate) async fn piece_of_directory(
        &self,
        sizes: Sizes,
        (site, place): (SiteName, &BucketSite),
        part: &Part<'_>,
        before: Option<HandedOn>,
    ) -> Result<Value, RecoveryError> {
        let &Part { key, etag: stamp, piece } = part;
        let (mut begun, mut stored) = (None, Kept::default());
        if let Some(HandedOn { course, stored: kept }) = before {
            begun = Some(HandedOn::read::<DirectoryCourse>(course, part)?);
            stored = HandedOn::read(kept, part)?;
        }
        let region = self.plan.region(site);
        let manifest = self.own_manifest(region, place, key).await?;
        let (level, stamp, number, until) = (verifier_level(self.level), stamp.to_owned(), piece as usize, self.until);
        let work = move |files: &dyn ObjectFiles| {
            let (opened, listed) = (Directory(files), listed(files)?);
            let (source, options) = (ListedFiles { files: &opened, listed: &listed }, to(level, manifest.as_ref()));
            let division = DirectoryDivision::of(source, sizes.of_files(), &options);
            if division.stamp().to_string() != stamp {
                return Ok(Read::Changed);
            }
            let Some(course) = begun.or_else(|| division.course(number)) else {
                return Ok(Read::None(division.pieces()));
            };
            let over = || hands_on(until);
            let read = division.read_on(number, course, Some(Allowance { bytes: sizes.whole, over: &over }));
            io::Result::Ok(read.map_or(Read::CannotStand, |(course, prints)| {
                Read::AsFar(Box::new(course), Kept::of(files, &prints), Outline::of(&division))
            }))
        };
        let read = match read_files_through(self.objects, (region, place), key, self.until, work).await {
            (_, Some(error)) => return Err(error.into()),
            (Some(Ok(read)), None) => read,
            (_, None) => return Err(unread(key).into()),
        };
        match read {
            // Whoever puts the pieces together sees it, too, and tells it.
            Read::Changed => Ok(without_result("changed")),
            Read::None(pieces) => {
                let message = format!("{} has {pieces} pieces and no piece {piece}", named(place, key));
                Err(RecoveryError::new(Code::PayloadUnreadable, message))
            }
            Read::CannotStand => Err(cannot_stand(part)),
            Read::AsFar(course, kept, outline) => Ok(came(*course, &stored.and(kept), &outline)),
        }
    }

    /// What the pieces prove together.
    pub(crate) async fn directory_together(
        &self,
        place: (&Region, &BucketSite),
        key: &str,
        expected: Expected,
        gathered: &Gathered,
    ) -> Proof {
        if let Some(refused) = &gathered.refused {
            return Proof { findings: vec![refused.clone()], ..Proof::default() };
        }
        let (pieces, stamp, sizes) = (gathered.of_directory.clone(), gathered.etag.clone(), gathered.sizes);
        let work = move |files: &dyn ObjectFiles| put_together(files, sizes, &pieces, &stamp, &expected);
        let (examined, failure) = read_files_through(self.objects, place, key, self.until, work).await;
        let changed = || {
            let named = named(place.1, key);
            let finding = format!(
                "object_changed: a file of {named} or its manifest was replaced, added or removed while its pieces were read: \
                 verify it again"
            );
            Proof { findings: vec![finding], ..Proof::default() }
        };
        let mut proof = examined.and_then(Result::ok).map_or_else(Proof::default, |found| found.unwrap_or_else(changed));
        if let Some(error) = failure {
            proof.findings.insert(0, finding(&error));
        }
        proof
    }

    /// The manifest of an archive, where there is one that can be read. What is wrong with one that cannot be is told by whoever puts the
    /// pieces together.
    async fn own_manifest(&self, region: &Region, place: &BucketSite, key: &str) -> Result<Option<Manifest>, PortError> {
        match self.manifest_text(region, place, &format!("{key}{MANIFEST}")).await {
            Ok(text) => Ok(Manifest::read(&text).ok()),
            Err(error) if error.kind == FailureKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What is said of a piece as far as it was read, where there is room for it.
fn came(course: DirectoryCourse, stored: &Kept, outline: &Outline) -> Value {
    let ended = match course.finish() {
        Err(mut course) if course.turns() >= MOST_TURNS => {
            course.give_up(given_up());
            course.finish()
        }
        other => other,
    };
    let room = |piece: &DirectoryPiece| room(piece.tables(), outline.tables, outline.pieces);
    let answer = match ended {
        Ok(mut piece) => {
            let fits = piece.fits(room(&piece));
            fits.then(|| told("read", &piece, &(), stored))
        }
        Err(mut course) => {
            let room = room(course.piece()).min(ROOM_OF_A_COURSE);
            let fits = course.piece().fits(room);
            fits.then(|| told("in_progress", &(), &course, stored))
        }
    };
    answer.unwrap_or_else(|| without_result("too_large"))
}

fn listed(files: &dyn ObjectFiles) -> io::Result<Vec<ListedFile>> {
    let files = files.listed()?.into_iter();
    let file = |file: shared::domain::archives::ListedFile| ListedFile {
        name: file.name,
        bytes: file.bytes,
        tag: file.etag.unwrap_or_default(),
    };
    Ok(files.map(file).collect())
}

/// As whoever puts pieces together reads, as far as a division depends on it.
fn to(level: Level, manifest: Option<&Manifest>) -> Options<'_> {
    Options { manifest, fingerprints: level >= Level::Decodable, ..Options::to(level) }
}

/// Nothing, where the pieces are not of the directory as it is now.
fn put_together(
    files: &dyn ObjectFiles,
    sizes: Sizes,
    pieces: &[PieceOfDirectory],
    stamp: &str,
    expected: &Expected,
) -> io::Result<Option<Proof>> {
    let (opened, listed) = (Directory(files), listed(files)?);
    let source = ListedFiles { files: &opened, listed: &listed };
    let mut options = options(expected);
    options.fingerprints = options.level >= Level::Decodable;
    let read: Vec<DirectoryPiece> = pieces.iter().map(|piece| piece.piece.clone()).collect();
    let combined = combine_directory(source, sizes.of_files(), &options, &read);
    if combined.stamp.to_string() != stamp {
        return Ok(None);
    }
    let stored = stored_together(files, &combined, pieces);
    Ok(Some(proof(&combined.verdict, expected, &stored)))
}

/// What S3's own checksums say of all files: of those that were read now, and of those of the pieces.
fn stored_together(files: &dyn ObjectFiles, combined: &CombinedDirectory, pieces: &[PieceOfDirectory]) -> Stored {
    let own = stored_of(files, &combined.verdict);
    if matches!(own, Stored::Other(_)) {
        return own;
    }
    if let Some(differs) = pieces.iter().find_map(|piece| piece.stored.differs.clone()) {
        return Stored::Other(Some(differs));
    }
    match own {
        Stored::Same if !combined.whole => Stored::NotCompared,
        Stored::Same if pieces.iter().any(|piece| piece.stored.missing) => Stored::NotKept,
        own => own,
    }
}
