//! One file of a piece, from where somebody stopped to its end, or as far as is allowed.

use std::io::{self, Cursor, ErrorKind};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::codec::Codec;
use crate::codec::continued::{Decoding, Ran};
use crate::content::{Content, Outcome};
use crate::contents::{Contents, Entry, Kind};
use crate::digest::{Fingerprinting, Halfway, Sha256Value};
use crate::directory::{Here, broken, cannot_open, title_of};
use crate::finding::{Code, Finding};
use crate::options::Options;
use crate::pause::{Allowance, Pause};
use crate::pieces::directory::records::Came;
use crate::pieces::directory::{DirectoryDivision, Part, What};
use crate::pieces::sealed::{KEY_BYTES, SealKey, Sealed, key_bytes};
use crate::report::{Report, Stage};
use crate::source::{Input as _, InputExt as _, Source};
use crate::verdict::FilePrint;

/// A file that was not read to its end, and where it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenFile {
    at: u64,
    /// Whether the piece tells already what was found in it.
    told: bool,
    so_far: Sealed,
}

impl OpenFile {
    pub(super) fn told(self, told: bool) -> Self {
        Self { told, ..self }
    }

    pub(super) fn is_told(&self) -> bool {
        self.told
    }
}

/// How a file stands.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SoFar {
    print: Halfway,
    progress: Progress,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Progress {
    Decoded(Box<Decoding>),
    /// Only its checksums are not known yet: what is wrong with the rest was told, or it was not to be decoded.
    Summed,
}

/// What one reader reads in its turn.
pub(super) struct Turn<'a> {
    allowance: Option<Allowance<'a>>,
    /// Whether somebody had a turn before.
    later: bool,
    /// Bytes read in this one.
    spent: u64,
}

/// What came of a file in a turn.
pub(super) struct FileRead {
    pub(super) came: Came,
    pub(super) findings: Vec<Finding>,
    pub(super) further: u64,
    /// `None`: it was not read to its end.
    pub(super) print: Option<FilePrint>,
    pub(super) end: FileEnd,
}

/// How reading a file ended in a turn.
pub(super) enum FileEnd {
    Reached,
    /// The files behind it are not read either: why this one cannot be may hold for all.
    Unreadable,
    /// It goes on here; `None`: from its beginning.
    HandedOn(Option<OpenFile>),
}

/// How far reading it came.
enum Reached<'h> {
    End(Came),
    Paused(Progress, Box<Opened<'h>>),
    /// Nowhere: it has to be begun anew.
    Beginning,
}

type Opened<'h> = Source<Box<dyn io::Read + 'h>>;

impl<'a> Turn<'a> {
    pub(super) fn new(allowance: Option<Allowance<'a>>, turns: u32) -> Self {
        Self { allowance, later: turns > 0, spent: 0 }
    }

    /// Whether to stop between two files: never before anything was read, so that every turn gets further.
    fn is_over(&self) -> bool {
        self.allowance.is_some_and(|Allowance { bytes, over }| self.spent > 0 && (self.spent >= bytes || over()))
    }

    /// When to stop in a file that is read from this byte on.
    fn pause(&self, part: &Part, at: u64) -> Pause<'a> {
        self.allowance.map_or(Pause::NEVER, |Allowance { bytes, over }| {
            let bytes = bytes.saturating_sub(self.spent);
            // Who has read to its end before it is time to stop has been quicker with the decoders that cannot stop.
            let continues = self.later || part.bytes.saturating_sub(at) > bytes;
            Pause::after(Allowance { bytes, over }, at, part.bytes.saturating_sub(KEY_BYTES as u64), continues)
        })
    }
}

impl SoFar {
    fn beginning(part: &Part, contents: Option<&Contents>) -> Self {
        let decoded = contents.zip(part.what.decoded());
        let progress = decoded.map_or(Progress::Summed, |(contents, (kind, _))| {
            Progress::Decoded(Box::new(Decoding::of(Content::new(kind, contents.encoding))))
        });
        Self { print: Fingerprinting::new().halfway(), progress }
    }

    /// Whether such a file can stand so: what was kept elsewhere may be anything.
    fn is_sane(&self, part: &Part, contents: Option<&Contents>) -> bool {
        match (&self.progress, contents.zip(part.what.decoded())) {
            (Progress::Decoded(decoding), Some((contents, (kind, codec)))) => {
                decoding.is_sane(codec) && decoding.content.is_sane(kind, contents.encoding)
            }
            (Progress::Summed, _) => true,
            _ => false,
        }
    }
}

impl What {
    /// What is decoded, and how.
    fn decoded(self) -> Option<(Kind, Codec)> {
        match self {
            Self::Entry(_, codec, kind) => Some((kind, codec)),
            Self::Object(_, codec) => Some((Kind::LargeObjects, codec)),
            Self::Bytes => None,
        }
    }

    fn codec(self) -> Codec {
        self.decoded().map_or(Codec::None, |(_, codec)| codec)
    }
}

impl DirectoryDivision<'_> {
    /// Reads a file, or the rest of it, as far as the turn goes. `None`: it cannot stand as it is said to.
    pub(super) fn file(
        &self,
        part: &Part,
        open: Option<OpenFile>,
        turn: &mut Turn<'_>,
        here: &mut Here<'_>,
        options: &Options<'_>,
    ) -> Option<FileRead> {
        let mut report = Report::new(options);
        report.enter(Stage::Data);
        let reached = match (&open, turn.is_over()) {
            (None, true) => Ok(Reached::Beginning),
            _ => match self.open(part, open, here) {
                Ok(opened) => {
                    let (so_far, source) = opened?;
                    self.read_file(part, so_far.progress, source, turn, here, &mut report)
                }
                Err(finding) => Err(finding),
            },
        };
        let reached = reached.and_then(|reached| match reached {
            Reached::End(came) => Ok((came, FileEnd::Reached)),
            Reached::Paused(progress, source) => {
                let open = self.hand_on(part, progress, *source)?;
                Ok((Came::Nothing, FileEnd::HandedOn(Some(open))))
            }
            Reached::Beginning => Ok((Came::Nothing, FileEnd::HandedOn(None))),
        });
        let (came, end) = reached.unwrap_or_else(|finding| {
            report.found(finding);
            (Came::Nothing, FileEnd::Unreadable)
        });
        let print = report.files.pop();
        let (findings, further, _) = report.told();
        Some(FileRead { came, findings, further, print, end })
    }

    /// Opens it where it goes on. `Ok(None)`: it cannot stand so.
    fn open<'h>(
        &self,
        part: &Part,
        open: Option<OpenFile>,
        here: &mut Here<'h>,
    ) -> Result<Option<(SoFar, Opened<'h>)>, Finding> {
        let (name, contents, files) = (&part.name, self.contents.as_ref(), here.files());
        let Some(OpenFile { at, so_far, told: _ }) = open else {
            let reader = files.open(name).map_err(|error| cannot_open(name, &error))?;
            return Ok(Some((SoFar::beginning(part, contents), Source::with_buffer(reader, here.buffer(), true))));
        };
        if at > part.bytes {
            return Ok(None);
        }
        let mut reader = files.open_at(name, at).map_err(|error| cannot_open(name, &error))?;
        let ahead = key_bytes(&mut reader).map_err(|error| Finding::unreadable(at, &error).in_file(name))?;
        let so_far: Option<SoFar> = self.key(part, &ahead, at).open(&so_far);
        let Some(so_far) = so_far.filter(|so_far| so_far.is_sane(part, contents)) else { return Ok(None) };
        let reader: Box<dyn io::Read + 'h> = Box::new(io::Read::chain(Cursor::new(ahead), reader));
        let printing = Fingerprinting::going_on(&so_far.print, at);
        Ok(printing.map(|printing| (so_far, Source::going_on(at, reader, here.buffer(), printing))))
    }

    /// What a file is sealed with that goes on at this byte, of which these are the next ones.
    fn key(&self, part: &Part, ahead: &[u8], at: u64) -> SealKey {
        let archive = Sha256::digest(format!("{} {:?} {:?}", self.stamp, part.name, self.contents));
        SealKey::of(&Sha256Value(archive.into()), ahead, at)
    }

    fn hand_on(&self, part: &Part, progress: Progress, mut source: Opened<'_>) -> Result<OpenFile, Finding> {
        let at = source.position();
        let sealed = key_bytes(&mut source).and_then(|ahead| {
            let print = source.halfway().ok_or(ErrorKind::Other)?;
            let so_far = SoFar { print, progress };
            // Nobody stops so near to the end of the file: it is shorter than it was listed.
            let key = (ahead.len() == KEY_BYTES).then(|| self.key(part, &ahead, at)).ok_or(ErrorKind::UnexpectedEof)?;
            key.seal(&so_far).ok_or_else(|| io::Error::other("what is known of a file cannot be sealed"))
        });
        let so_far = sealed.map_err(|error| Finding::unreadable(at, &error).in_file(&part.name))?;
        Ok(OpenFile { at, told: false, so_far })
    }

    fn read_file<'h>(
        &self,
        part: &Part,
        progress: Progress,
        mut source: Opened<'h>,
        turn: &mut Turn<'_>,
        here: &mut Here<'_>,
        report: &mut Report<'_>,
    ) -> Result<Reached<'h>, Finding> {
        let (at, name) = (source.position(), &part.name);
        let pause = turn.pause(part, at);
        let outcome = match progress {
            Progress::Summed => None,
            Progress::Decoded(decoding) => match here.decoders().run_on(part.what.codec(), &mut source, *decoding, pause) {
                Ok(Ran::Ended(None, content)) => Some(content.finish()),
                Ok(Ran::Ended(Some(mut finding), _)) | Err(mut finding) => {
                    finding.sentence = format!("{}: {}", self.title(part), finding.sentence);
                    broken(finding, name, report)?;
                    None
                }
                Ok(Ran::Paused(decoding)) => return Ok(Reached::Paused(Progress::Decoded(decoding), Box::new(source))),
                // The next one has more, or the decoder that can stop.
                Ok(Ran::Stopped) if turn.spent > 0 || !pause.continues => return Ok(Reached::Beginning),
                Ok(Ran::Stopped) => {
                    report.found(too_long(part));
                    None
                }
            },
        };
        // What was decoded soundly is at its end.
        while !source.at_end().map_err(|finding| finding.in_file(name))? {
            if pause.inside(source.position()) {
                return Ok(Reached::Paused(Progress::Summed, Box::new(source)));
            }
            let count = source.fill()?.len();
            source.consume(count);
        }
        let end = here.close(source, name, report)?;
        turn.spent = turn.spent.saturating_add(end - at);
        Ok(Reached::End(self.came(part, outcome, end, report)))
    }

    fn title(&self, part: &Part) -> String {
        match part.what {
            What::Entry(at, ..) => {
                let entry = self.contents.as_ref().and_then(|contents| contents.entries.get(at));
                entry.map(Entry::title).unwrap_or_default()
            }
            What::Object(id, _) => title_of(id),
            What::Bytes => part.name.clone(),
        }
    }

    /// What a file held that was read to its end, where that was sound.
    fn came(&self, part: &Part, outcome: Option<Outcome>, end: u64, report: &mut Report<'_>) -> Came {
        let contents = self.contents.as_ref();
        match (part.what, outcome) {
            (What::Entry(at, ..), Some(outcome)) => {
                let came = Came::Data { rows: outcome.rows, bytes: outcome.bytes };
                if let Some(entry) = contents.and_then(|contents| contents.entries.get(at)) {
                    report.data(entry, outcome, end, Some(&part.name));
                }
                came
            }
            (What::Object(..), Some(outcome)) => Came::Object { bytes: outcome.bytes },
            _ => Came::Nothing,
        }
    }
}

/// What cannot be continued and is longer than what one reader reads.
fn too_long(part: &Part) -> Finding {
    let sentence = "the file is more than is read at once, and nobody can go on in the middle of it: zstd hands out no state, and LZ4 and \
                    gzip only where they are written as pg_dump writes them";
    Finding::new(Code::StreamTooLong, sentence).in_file(&part.name)
}
