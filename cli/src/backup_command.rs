//! `recoveryctl backup …`: verify an archive of pg_dump to a stated proof level, and write the manifest that proves it later.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use pgdump::{
    Answer, Directory, Drift, Keys, LARGEST_MANIFEST, Level, Limits, Manifest, Options, Verdict, verify, verify_directory,
};

use crate::backup_rendering as rendering;
use crate::object_source::{ObjectEvidence, ObjectSource};
use crate::opening::{self, OpeningArguments};
use crate::pass_through::PassThrough;
use crate::restore_test::{self, RestoreTestArguments};
use crate::retention::{self, RetentionArguments};

/// `recoveryctl backup`.
#[derive(Debug, Args)]
pub struct BackupArguments {
    #[command(subcommand)]
    command: BackupCommand,
}

/// What to do with a backup.
#[derive(Debug, Subcommand)]
enum BackupCommand {
    /// Verify an archive of pg_dump (custom, directory or tar format) to a stated proof level.
    ///
    /// Ends with 0 when the level holds, 1 when the archive is damaged or is not what its manifest says, 2 when that could not be
    /// found out: a read failed, a limit was reached, there is nothing to compare with, or it is encrypted and no identity opens it.
    Verify(VerifyArguments),
    /// Write the manifest of an archive: size, checksums, rows and bytes of each table.
    ///
    /// Without a path, a filter for the dump's pipeline: passes standard input on to standard output, unchanged, whatever it is,
    /// and verifies it on the way. No manifest is written of an archive that is not sound. Exit statuses are those of verify.
    ///
    /// `pg_dump -Fc clinic | recoveryctl backup manifest --out clinic.json | aws s3 cp - s3://…`
    ///
    /// Run it with `set -o pipefail`, so that the pipeline fails when the dump is bad.
    #[command(verbatim_doc_comment)]
    Manifest(ManifestArguments),
    /// Restore an archive of pg_dump on disk into a server that is made for it and gone afterwards, and ask the database.
    ///
    /// Every table's rows are counted against the archive's, and against the manifest's where one is given; each query has to be
    /// answered with true. pg_restore and the server are of a version that is not older than the archive. Exit statuses are those of
    /// verify; a query without an answer and a restore out of time are 2 whatever the level. An archive made with --inserts has no
    /// counts of its tables, so that restorable is not proven of it: 2.
    ///
    /// The archive's SQL can run programs (COPY … FROM PROGRAM): as nobody where you are root, else with your own rights.
    RestoreTest(RestoreTestArguments),
    /// Decide by the calendar which backups go and which stay, and remove what was decided.
    Retention(RetentionArguments),
}

/// `recoveryctl backup verify`.
#[derive(Debug, Args)]
struct VerifyArguments {
    /// The archive: a file, a directory, an object (s3://BUCKET/KEY), the objects of a directory (s3://BUCKET/KEY/), or - for standard
    /// input.
    path: PathBuf,
    /// The proof level that must hold.
    #[arg(long, default_value_t = Level::Decodable)]
    level: Level,
    /// The manifest that was written when this backup was taken: a file, or an object.
    #[arg(long)]
    manifest: Option<PathBuf>,
    /// The manifest of the backup before, to compare rows with: a file, or an object.
    #[arg(long, requires = "drift")]
    previous: Option<PathBuf>,
    /// By how many percent a table's rows may differ from the backup before: 10, or public.sessions=100 for one table.
    #[arg(long, value_parser = drift)]
    drift: Vec<(Option<String>, u32)>,
    #[command(flatten)]
    reading: ReadingArguments,
    /// For people, or for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `recoveryctl backup manifest`.
#[derive(Debug, Args)]
struct ManifestArguments {
    /// Where the manifest is written.
    #[arg(long)]
    out: PathBuf,
    /// The archive, where it is on disk already; without it, standard input is passed on to standard output.
    path: Option<PathBuf>,
    #[command(flatten)]
    reading: ReadingArguments,
}

/// What the verifier is told of the archive beforehand.
#[derive(Debug, Args)]
struct ReadingArguments {
    #[command(flatten)]
    opening: OpeningArguments,
    /// The archive is meant to have no data (pg_dump --schema-only).
    #[arg(long)]
    schema_only: bool,
    /// The largest window of zstd, as a power of two. Dumps with zstd:long need 27, which takes 128 MiB of memory.
    #[arg(long, default_value_t = Limits::default().zstd_window_log, value_parser = clap::value_parser!(u32).range(10..=31))]
    zstd_window: u32,
    /// The largest number of entries in the table of contents.
    #[arg(long, default_value_t = Limits::default().entries)]
    entries: u32,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

fn drift(text: &str) -> Result<(Option<String>, u32), String> {
    // A table's name may hold an equals sign; a number does not.
    let (table, percent) = match text.rsplit_once('=') {
        Some((table, percent)) => (Some(table.to_owned()), percent),
        None => (None, text),
    };
    let percent = percent.trim_end_matches('%').parse().map_err(|_| format!("{percent:?} is no number of percent"))?;
    Ok((table, percent))
}

/// Runs a backup command against the process's streams.
#[must_use]
pub fn run(arguments: &BackupArguments) -> ExitCode {
    let mut streams =
        Streams { input: &mut io::stdin().lock(), out: &mut io::stdout().lock(), errors: &mut io::stderr().lock() };
    let outside = Outside { now: Timestamp::now(), connect: &ObjectSource::connect, kms: &opening::connect };
    ExitCode::from(run_on(&arguments.command, &outside, &mut streams))
}

/// What a command asks of the world besides files: the time, S3 and KMS.
struct Outside<'a> {
    now: Timestamp,
    connect: &'a dyn Fn() -> Result<ObjectSource, String>,
    kms: opening::Connect<'a>,
}

/// The process's streams.
struct Streams<'a> {
    input: &'a mut dyn Read,
    out: &'a mut dyn Write,
    errors: &'a mut dyn Write,
}

impl Streams<'_> {
    // A reader that has seen enough closes the pipe; that is no failure of the command.
    fn print(&mut self, text: &str) {
        let _closed = self.out.write_all(text.as_bytes());
    }

    fn complain(&mut self, text: &str) {
        let _closed = self.errors.write_all(text.as_bytes());
    }
}

/// The level holds.
const HOLDS: u8 = 0;
/// It does not.
const DOES_NOT_HOLD: u8 = 1;
/// That could not be found out, or the command could not do what was asked.
const COULD_NOT_BE_CHECKED: u8 = 2;

fn status(answer: Answer) -> u8 {
    match answer {
        Answer::Holds => HOLDS,
        Answer::DoesNotHold => DOES_NOT_HOLD,
        Answer::CouldNotBeChecked => COULD_NOT_BE_CHECKED,
    }
}

fn run_on(command: &BackupCommand, outside: &Outside<'_>, streams: &mut Streams<'_>) -> u8 {
    let result = match command {
        BackupCommand::Verify(arguments) => verify_command(arguments, outside, streams),
        BackupCommand::Manifest(arguments) => manifest_command(arguments, outside, streams),
        BackupCommand::RestoreTest(arguments) => {
            restore_test::run(arguments, outside.now, outside.kms, |sentence| streams.complain(&format!("{sentence}\n")))
                .map(|tested| {
                    streams.print(&tested.text);
                    status(tested.answer)
                })
        }
        BackupCommand::Retention(arguments) => retention::run(arguments, outside.now).map(|outcome| {
            streams.print(&outcome.out);
            streams.complain(&outcome.errors);
            outcome.status
        }),
    };
    result.unwrap_or_else(|complaint| {
        streams.complain(&format!("error: {complaint}\n"));
        COULD_NOT_BE_CHECKED
    })
}

fn options<'a>(reading: &ReadingArguments, keys: Option<&'a dyn Keys>, level: Level) -> Options<'a> {
    let mut options = Options { keys, ..Options::to(level) };
    options.schema_only = reading.schema_only;
    options.limits.zstd_window_log = reading.zstd_window;
    options.limits.entries = reading.entries;
    options
}

fn verify_command(arguments: &VerifyArguments, outside: &Outside<'_>, streams: &mut Streams<'_>) -> Result<u8, String> {
    let keys = arguments.reading.opening.keys(outside.kms)?;
    let places = [Some(&arguments.path), arguments.manifest.as_ref(), arguments.previous.as_ref()];
    let remote = places.into_iter().flatten().any(|path| object(path).is_some());
    let source = remote.then(|| (outside.connect)()).transpose()?;
    let read = |path: &Path| read_manifest(path, source.as_ref());
    let manifest = arguments.manifest.as_deref().map(read).transpose()?;
    let previous = arguments.previous.as_deref().map(read).transpose()?;
    let mut options = options(&arguments.reading, keys.as_deref(), arguments.level);
    options.manifest = manifest.as_ref();
    options.previous = previous.as_ref();
    options.drift = declared(&arguments.drift);
    let (verdict, evidence) = match (object(&arguments.path), &source) {
        (Some(text), Some(source)) => {
            let (verdict, evidence) =
                if text.ends_with('/') { source.verify_directory(text, options) } else { source.verify(text, options) }?;
            (verdict, Some(evidence))
        }
        _ => (examine(&arguments.path, &options, streams)?, None),
    };
    let answer = evidence.as_ref().map_or(verdict.answer(arguments.level), |evidence: &ObjectEvidence| {
        evidence.answer(verdict.answer(arguments.level))
    });
    let name = arguments.path.display().to_string();
    streams.print(&match arguments.format {
        Format::Text => rendering::text(&name, arguments.level, answer, &verdict, evidence.as_ref()),
        Format::Json => rendering::json(&name, arguments.level, answer, &verdict, evidence.as_ref()),
    });
    Ok(status(answer))
}

/// The text of a path that is none, but names an object.
fn object(path: &Path) -> Option<&str> {
    path.to_str().filter(|text| text.starts_with("s3://"))
}

fn declared(drifts: &[(Option<String>, u32)]) -> Drift {
    let mut declared = Drift::default();
    let mut tables = BTreeMap::new();
    for (table, percent) in drifts {
        match table {
            Some(table) => drop(tables.insert(table.clone(), *percent)),
            None => declared.percent = *percent,
        }
    }
    declared.tables = tables;
    declared
}

fn examine(path: &Path, options: &Options<'_>, streams: &mut Streams<'_>) -> Result<Verdict, String> {
    if path == Path::new("-") {
        return Ok(verify(&mut *streams.input, options));
    }
    let unreadable = |error: io::Error| format!("{} could not be read: {error}", path.display());
    if path.metadata().map_err(unreadable)?.is_dir() {
        return Ok(verify_directory(&Directory::new(path), options));
    }
    Ok(verify(File::open(path).map_err(unreadable)?, options))
}

fn read_manifest(path: &Path, source: Option<&ObjectSource>) -> Result<Manifest, String> {
    let mut bytes = Vec::new();
    // One byte more than a manifest may have is enough to see that it has too many, whatever the file is.
    match (object(path), source) {
        (Some(text), Some(source)) => bytes = source.read(text, LARGEST_MANIFEST + 1)?,
        _ => {
            let read = File::open(path).and_then(|file| file.take(LARGEST_MANIFEST + 1).read_to_end(&mut bytes));
            read.map_err(|error| format!("{} could not be read: {error}", path.display()))?;
        }
    }
    Manifest::read(&bytes).map_err(|error| format!("{}: {}: {error}", path.display(), error.code()))
}

fn manifest_command(arguments: &ManifestArguments, outside: &Outside<'_>, streams: &mut Streams<'_>) -> Result<u8, String> {
    let keys = arguments.reading.opening.keys(outside.kms)?;
    // Before the dump is read: an hour later is too late to find that the manifest cannot be written. Under another name until it is
    // whole, so that a bad dump does not cost the manifest of a good one.
    let mut partial = arguments.out.clone().into_os_string();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let file = File::create(&partial).map_err(|error| format!("{} could not be written: {error}", partial.display()))?;
    let mut options = options(&arguments.reading, keys.as_deref(), Level::Decodable);
    options.fingerprints = true;
    let (verdict, passed) = match &arguments.path {
        Some(path) => (examine(path, &options, streams)?, Ok(())),
        None => {
            let mut filter = PassThrough::new(&mut *streams.input, &mut *streams.out);
            let verdict = verify(&mut filter, &options);
            (verdict, filter.finish())
        }
    };
    let answer = verdict.answer(Level::Decodable);
    let written = match (answer, passed) {
        (_, Err(error)) => Err(format!("the archive could not be passed on: {error}")),
        (Answer::Holds, Ok(())) => record(&verdict, outside.now, file, &partial, &arguments.out),
        (_, Ok(())) => {
            streams.complain(&rendering::text("the archive", Level::Decodable, answer, &verdict, None));
            Err("no manifest was written, because the archive is not known to be sound".to_owned())
        }
    };
    if let Err(complaint) = written {
        let _gone = std::fs::remove_file(&partial);
        streams.complain(&format!("error: {complaint}\n"));
        return Ok(if answer == Answer::DoesNotHold { DOES_NOT_HOLD } else { COULD_NOT_BE_CHECKED });
    }
    streams.complain(&rendering::summary(&verdict));
    Ok(HOLDS)
}

fn record(verdict: &Verdict, now: Timestamp, mut file: File, partial: &Path, path: &Path) -> Result<(), String> {
    let tool = concat!("recoveryctl ", env!("CARGO_PKG_VERSION"));
    let manifest = Manifest::of(verdict, now, tool).map_err(|error| error.to_string())?;
    let written = file.write_all(manifest.to_json().as_bytes()).and_then(|()| file.sync_all());
    let written = written.and_then(|()| std::fs::rename(partial, path));
    written.map_err(|error| format!("{} could not be written: {error}", path.display()))
}

#[cfg(test)]
#[path = "backup_tests.rs"]
mod tests;
