//! `recoveryctl backup restore-test`: restores an archive of pg_dump into a server made for it, and asks the database.

mod outcome;
mod rendering;
#[cfg(test)]
mod tests;
mod trial;

use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use pgdump::{Answer, Directory, Keys, LARGEST_MANIFEST, Level, Manifest, Options, Verdict, verify, verify_directory};
use rehearsal::databases::{Installation, Scratch};
use rehearsal::emulator::PythonEnvironment;

use self::outcome::Outcome;
use crate::backup_command::Format;
use crate::drill::workplace::target_directory;
use crate::opening::{Connect, OpeningArguments};

/// `recoveryctl backup restore-test`.
#[derive(Debug, Args)]
pub(crate) struct RestoreTestArguments {
    /// The archive: a file or a directory. Its SQL is run by a server on loopback, which may run programs (COPY … FROM PROGRAM): as
    /// user 65534 (nobody) where you are root, else with your own rights. Give only archives that you trust.
    archive: PathBuf,
    /// The proof level that must hold.
    #[arg(long, default_value_t = Level::Restorable)]
    level: Level,
    /// The manifest that was written when this backup was taken, to compare bytes and rows with.
    #[arg(long)]
    manifest: Option<PathBuf>,
    #[command(flatten)]
    opening: OpeningArguments,
    /// A query that the restored database has to answer with true, such as 'SELECT count(*) > 0 FROM patients'. May be given often.
    #[arg(long, value_name = "SQL")]
    query: Vec<String>,
    /// How long pg_restore may take, and each question after it: 30m, 6h. It spins for ever on some damaged archives.
    #[arg(long, default_value = "30m", value_parser = duration)]
    time_limit: Duration,
    /// Where the scratch server has its files: about four times what the database holds. What an encrypted archive holds is written there,
    /// too, and gone with them.
    #[arg(long, value_name = "DIRECTORY")]
    scratch: Option<PathBuf>,
    /// For people, or for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn duration(text: &str) -> Result<Duration, String> {
    let read: SignedDuration = text.parse().map_err(|_| format!("{text:?} is no duration such as 30m"))?;
    Duration::try_from(read).ok().filter(|limit| !limit.is_zero()).ok_or_else(|| "it has to be more than nothing".to_owned())
}

/// Whether the level holds, and what to print.
pub(crate) struct Tested {
    pub(crate) answer: Answer,
    pub(crate) text: String,
}

/// Runs the command. `say` is told what takes time.
///
/// # Errors
/// What cannot be read, with the reason.
pub(crate) fn run(
    arguments: &RestoreTestArguments,
    now: Timestamp,
    kms: Connect<'_>,
    mut say: impl FnMut(&str),
) -> Result<Tested, String> {
    let unreadable = |path: &Path, error: std::io::Error| format!("{} could not be read: {error}", path.display());
    let archive = arguments.archive.canonicalize().map_err(|error| unreadable(&arguments.archive, error))?;
    let manifest = arguments.manifest.as_deref().map(read_manifest).transpose()?;
    let keys = arguments.opening.keys(kms)?;
    let mut options = Options::to(Level::Consistent);
    options.manifest = manifest.as_ref();
    options.keys = keys.as_deref();
    let verdict = if archive.is_dir() {
        verify_directory(&Directory::new(&archive), &options)
    } else {
        verify(File::open(&archive).map_err(|error| unreadable(&archive, error))?, &options)
    };
    let mut outcome = match verdict.answer(Level::Decodable) {
        Answer::Holds => {
            let keys = options.keys.filter(|_| verdict.encryption.is_some());
            restore(arguments, Sealed { archive: &archive, keys }, &verdict, now, &mut say)
        }
        // What is damaged would only be restored in part, and what nobody could read is nothing to run.
        Answer::DoesNotHold => Outcome::not_tried("the archive is damaged"),
        Answer::CouldNotBeChecked => Outcome::not_tried("the archive could not be verified to the end"),
    };
    outcome.leave_open(&arguments.query);
    let name = arguments.archive.display().to_string();
    let answer = outcome.answer(&verdict, arguments.level);
    let text = match arguments.format {
        Format::Text => rendering::text(&name, arguments.level, answer, &verdict, &outcome),
        Format::Json => rendering::json(&name, arguments.level, answer, &verdict, &outcome),
    };
    Ok(Tested { answer, text })
}

fn read_manifest(path: &Path) -> Result<Manifest, String> {
    let mut bytes = Vec::new();
    // One byte more than a manifest may have is enough to see that it has too many.
    let read = File::open(path).and_then(|file| file.take(LARGEST_MANIFEST + 1).read_to_end(&mut bytes));
    read.map_err(|error| format!("{} could not be read: {error}", path.display()))?;
    Manifest::read(&bytes).map_err(|error| format!("{}: {}: {error}", path.display(), error.code()))
}

/// An archive, and what opens it where it is encrypted.
struct Sealed<'a> {
    archive: &'a Path,
    keys: Option<&'a dyn Keys>,
}

impl Sealed<'_> {
    /// The archive as pg_restore reads it, which seeks: below this directory, where it is encrypted.
    fn opened(&self, directory: &Path) -> Result<PathBuf, String> {
        let Some(keys) = self.keys else { return Ok(self.archive.to_owned()) };
        let path = directory.join("opened");
        let failed = |error: &dyn Display| format!("the archive could not be decrypted: {error}");
        let file = File::open(self.archive).map_err(|error| failed(&error))?;
        // Messages are read in small pieces.
        let mut decrypted = keys.open(Box::new(BufReader::new(file))).map_err(|trouble| failed(&trouble))?;
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        written.and_then(|mut file| io::copy(&mut decrypted, &mut file)).map_err(|error| failed(&error))?;
        Ok(path)
    }
}

/// Restores into a server that is gone when this returns.
fn restore(
    arguments: &RestoreTestArguments,
    sealed: Sealed<'_>,
    verdict: &Verdict,
    now: Timestamp,
    say: &mut impl FnMut(&str),
) -> Outcome {
    let started = newest_major(verdict).ok_or_else(|| "the archive does not say which version wrote it".to_owned());
    let started = started.and_then(|major| start(arguments, major, now, say));
    match started {
        Ok(scratch) => match sealed.opened(scratch.directory()) {
            Ok(archive) => {
                say(&format!("PostgreSQL {} runs; restoring", scratch.version()));
                trial::of(&scratch, &archive, verdict, &arguments.query, arguments.time_limit)
            }
            Err(reason) => Outcome::not_tried(reason),
        },
        Err(reason) => Outcome::not_tried(reason),
    }
}

/// The newest major version that had a part in the archive: an older pg_restore may refuse what either wrote.
fn newest_major(verdict: &Verdict) -> Option<u32> {
    let archive = verdict.archive.as_ref()?;
    let major = |version: &str| version.split(|part: char| !part.is_ascii_digit()).next()?.parse().ok();
    major(&archive.server_version).max(major(&archive.dump_version))
}

fn start(
    arguments: &RestoreTestArguments,
    major: u32,
    now: Timestamp,
    say: &mut impl FnMut(&str),
) -> Result<Scratch, String> {
    let target = target_directory().map_err(|error| error.to_string())?;
    let installation = Installation::not_older_than(major, &target, &mut *say).map_err(|error| error.to_string())?;
    // Its server ends with us, however that comes about; the program that sees to it needs Python and no package.
    let python = PythonEnvironment::bare().map_err(|error| error.to_string())?;
    let below = arguments.scratch.clone().unwrap_or_else(std::env::temp_dir);
    let below = below.canonicalize().map_err(|error| format!("{} could not be read: {error}", below.display()))?;
    let directory = below.join(format!("restore-test-{}-{}", std::process::id(), now.as_microsecond()));
    Scratch::start(installation, &python, &directory).map_err(|error| error.to_string())
}
