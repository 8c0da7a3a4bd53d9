//! Verification of a whole archive.

use std::io::{self, Read};

use crate::codec::Decoders;
use crate::contents::Contents;
use crate::custom::{self, Blocks, Gathered};
use crate::directory::{CONTENTS, Data, Here, Listing, Reading, belongs};
use crate::encryption::Scheme;
use crate::fields::Fields;
use crate::files::Files;
use crate::finding::{Code, Finding, Meaning};
use crate::header::{Header, Layout, MAGIC};
use crate::options::Options;
use crate::pause::Pause;
use crate::report::{Report, Stage};
use crate::source::{Input, InputExt, Part, Source};
use crate::tar::{self, Members};
use crate::verdict::{FilePrint, Format, Verdict};

/// Verifies a custom or tar archive that comes as a stream: a file, a pipe, an object. It is read once, from the beginning, and no
/// further than [`Options::level`] needs.
#[must_use]
pub fn verify(reader: impl Read, options: &Options<'_>) -> Verdict {
    let mut report = Report::new(options);
    let mut source = Source::new(reader, options.prints());
    match source.peek().map(Scheme::of) {
        Ok(None) => {
            not_encrypted(&mut report);
            archive(&mut source, &mut report);
        }
        Ok(Some(scheme)) => encrypted(&mut source, scheme, &mut report),
        Err(finding) => report.found(finding),
    }
    report.bytes_read = source.position();
    report.finish()
}

/// Who gives a key means an archive that is encrypted.
pub(crate) fn not_encrypted(report: &mut Report<'_>) {
    if report.options().keys.is_some() {
        // They are not the bytes that were meant, whatever else they turn out to be.
        report.enter(Stage::Bytes);
        let sentence =
            "a key was given to open it, and it is not encrypted: whoever reads the place where it lies reads the data";
        report.found(Finding::new(Code::NotEncrypted, sentence));
        report.enter(Stage::Header);
    }
}

/// Reads an archive that is one file, and where checksums are wanted to its end.
fn archive<R: Read>(source: &mut Source<R>, report: &mut Report<'_>) {
    if let Err(finding) = stream(source, report) {
        report.found(finding);
    }
    if !report.broke_off() {
        let print = print(source, FilePrint::SINGLE, report);
        report.files.extend(print);
    }
}

/// Size and checksums, where they are wanted.
fn print<R: Read>(source: &mut Source<R>, name: &str, report: &mut Report<'_>) -> Option<FilePrint> {
    if !report.options().prints() {
        return None;
    }
    report.enter(Stage::Bytes);
    if let Err(finding) = source.drain() {
        report.found(finding);
    }
    source.fingerprint(name)
}

/// Reads what an encrypted file holds, as far as a key is needed for what was asked and there is one.
fn encrypted<R: Read>(source: &mut Source<R>, scheme: Scheme, report: &mut Report<'_>) {
    let options = report.options();
    report.encrypted(scheme);
    let closed = match options.keys {
        _ if !scheme.is_opened() => {
            let sentence =
                format!("it is encrypted with {scheme}, which is not read here: age and the AWS Encryption SDK are");
            Some((Code::EncryptionUnsupported, sentence))
        }
        None => Some(no_identity(scheme)),
        Some(keys) if !keys.opens(scheme) => {
            let sentence = format!("it is encrypted with {scheme}, and the key that was given is for another scheme");
            Some((Code::EncryptionUnsupported, sentence))
        }
        Some(keys) => match keys.open(Box::new(&mut *source)) {
            Ok(plain) => {
                report.opened();
                archive(&mut Source::new(plain, options.prints()), report);
                None
            }
            Err(trouble) => Some(trouble.told()),
        },
    };
    match closed {
        None => {}
        Some((Code::NoIdentity | Code::EncryptionUnsupported, sentence)) if !options.needs_key() => {
            report.not_checked(sentence);
        }
        Some((code, sentence)) => {
            // That it is there and how it begins was seen; what a manifest of the encrypted bytes tells needs no key either.
            let without_key = code.meaning() == Meaning::Unchecked && options.knows_encrypted();
            report.enter(if without_key { Stage::Data } else { Stage::Contents });
            report.found(Finding::new(code, sentence));
        }
    }
    if !report.has(Code::Unreadable) {
        let file = print(source, FilePrint::ENCRYPTED, report);
        if let Some(encryption) = &mut report.encryption {
            encryption.file = file;
        }
    }
}

fn no_identity(scheme: Scheme) -> (Code, String) {
    let sentence = format!(
        "it is encrypted with {scheme}, and no identity or key was given: without one no more is proven than that it is there, and by a \
         manifest of the encrypted bytes that they are the same"
    );
    (Code::NoIdentity, sentence)
}

/// So many bytes tell what could be an archive from what is none.
pub const BEGINNING: usize = 8;

/// What a tar archive begins with: the name of its first member.
const FIRST_MEMBER: &[u8; BEGINNING] = b"toc.dat\0";

/// Whether a file that begins so could be a custom or tar archive of pg_dump. [`BEGINNING`] bytes are enough; of fewer it could be none.
#[must_use]
pub fn begins_archive(beginning: &[u8]) -> bool {
    beginning.len() >= BEGINNING && (beginning.starts_with(MAGIC) || beginning.starts_with(FIRST_MEMBER))
}

fn stream<R: Read>(source: &mut Source<R>, report: &mut Report<'_>) -> Result<(), Finding> {
    if source.peek()?.starts_with(FIRST_MEMBER) { tar_archive(source, report) } else { custom_archive(source, report) }
}

/// Reads header and table of contents of a custom archive.
fn custom_head<R: Read>(source: &mut Source<R>, report: &mut Report<'_>) -> Result<(Header, Contents), Finding> {
    let limits = &report.options().limits;
    let mut fields = Fields::new(source, limits);
    let header = Header::read(&mut fields)?;
    if header.layout != Layout::Custom {
        let sentence = "this is the toc.dat of a directory or tar archive, not the archive: name the directory";
        return Err(Finding::at(Code::HeaderInvalid, fields.input.position(), sentence));
    }
    report.header(&header, Format::Custom);
    let contents = contents(&mut fields, &header, report)?;
    Ok((header, contents))
}

/// Reads all up to the data of a custom or tar archive, and of the latter that its members can be read as the contents say.
pub(crate) fn head<R: Read>(source: &mut Source<R>, report: &mut Report<'_>) -> Result<(Header, Contents), Finding> {
    if !source.peek()?.starts_with(FIRST_MEMBER) {
        return custom_head(source, report);
    }
    let (header, contents) = tar_head(source, report)?;
    tar::files(&header, &contents, source.position())?;
    Ok((header, contents))
}

fn custom_archive<R: Read>(source: &mut Source<R>, report: &mut Report<'_>) -> Result<(), Finding> {
    let options = report.options();
    let (header, contents) = custom_head(source, report)?;
    if !options.decodes() {
        return Ok(());
    }
    let decoders = Decoders::new(&options.limits);
    let (codec, pause) = (custom::codec(header.compression), Pause::NEVER);
    let gathered = Gathered::of(codec, pause);
    Blocks { input: source, contents: &contents, codec, decoders, gathered, report, current: None, pause }.read()
}

fn tar_head<R: Read>(source: &mut Source<R>, report: &mut Report<'_>) -> Result<(Header, Contents), Finding> {
    let Some(first) = tar::next_member(source)?.filter(|member| member.name == CONTENTS) else {
        return Err(Finding::at(Code::TarMember, 0, "the first member of a tar archive of pg_dump is toc.dat"));
    };
    let mut part = Part::new(source, first.size);
    let (header, contents) = contents_file(&mut part, Format::Tar, report)?;
    tar::padding(source, &first.name, first.size)?;
    Ok((header, contents))
}

fn tar_archive<R: Read>(source: &mut Source<R>, report: &mut Report<'_>) -> Result<(), Finding> {
    let options = report.options();
    let (header, contents) = tar_head(source, report)?;
    if !options.decodes() {
        return Ok(());
    }
    let decoders = Decoders::new(&options.limits);
    Members::of(&header, &contents, source, decoders, report, Pause::NEVER)?.read()
}

/// Verifies a directory archive, file by file.
#[must_use]
pub fn verify_directory(files: &dyn Files, options: &Options<'_>) -> Verdict {
    let mut report = Report::new(options);
    if let Err(finding) = directory(files, &mut report) {
        report.found(finding);
    }
    report.finish()
}

fn directory(files: &dyn Files, report: &mut Report<'_>) -> Result<(), Finding> {
    let DirectoryHead { listing, contents, mut here } = directory_head(files, report)?;
    directory_data(listing, contents, &mut here, report)
}

/// What is known of a directory before its data is read.
pub(crate) struct DirectoryHead<'a> {
    pub(crate) listing: Listing,
    pub(crate) contents: Result<(Header, Contents), Finding>,
    pub(crate) here: Here<'a>,
}

/// Reads the table of contents of a directory.
pub(crate) fn directory_head<'a>(files: &'a dyn Files, report: &mut Report<'_>) -> Result<DirectoryHead<'a>, Finding> {
    let options = report.options();
    let names = files.names().map_err(|error| cannot_list(&error))?;
    // One list of large objects and one file for each entry and object.
    let most = options.limits.entries as usize + options.limits.large_objects + 2;
    if names.len() > most {
        return Err(Finding::limit(0, format!("the directory has more than {most} files")));
    }
    let mut listing = Listing::new(names);
    if !listing.take(CONTENTS) {
        return Err(if listing.take(ENCRYPTED_CONTENTS) {
            encrypted_files()
        } else {
            Finding::new(Code::NotAnArchive, "the directory has no toc.dat, so it is no archive of pg_dump")
        });
    }
    let mut here = Here::new(files, &options.limits);
    let mut source = here.open(CONTENTS, report)?;
    if source.peek().map(Scheme::of).map_err(|finding| finding.in_file(CONTENTS))?.is_some() {
        return Err(encrypted_files());
    }
    not_encrypted(report);
    let contents = contents_file(&mut source, Format::Directory, report).map_err(|finding| finding.in_file(CONTENTS));
    here.close(source, CONTENTS, report)?;
    Ok(DirectoryHead { listing, contents, here })
}

/// Goes through the files behind the table of contents.
pub(crate) fn directory_data(
    listing: Listing,
    contents: Result<(Header, Contents), Finding>,
    data: &mut impl Data,
    report: &mut Report<'_>,
) -> Result<(), Finding> {
    let options = report.options();
    let result = match contents {
        Ok((header, contents)) if options.decodes() => {
            return Reading { data, listing, header: &header, contents: &contents, report }.read();
        }
        Ok(_) => Ok(()),
        Err(finding) => Err(finding),
    };
    if !options.prints() {
        return result;
    }
    // The finding belongs to the stage that made it.
    result.unwrap_or_else(|finding| report.found(finding));
    report.enter(Stage::Bytes);
    let left = || listing.left().filter(|name| belongs(name));
    data.announce(left().map(str::to_owned).collect());
    left().try_for_each(|name| data.sum(name, report))
}

/// What a directory has instead of toc.dat whose files were encrypted one by one.
const ENCRYPTED_CONTENTS: &str = "toc.dat.age";

fn encrypted_files() -> Finding {
    let sentence =
        "its files are encrypted one by one, which is not read here: encrypt an archive that is one file (pg_dump -Fc)";
    Finding::new(Code::EncryptionUnsupported, sentence)
}

fn cannot_list(error: &io::Error) -> Finding {
    Finding::new(Code::Unreadable, format!("the files of the directory cannot be listed: {error}"))
}

/// Reads a toc.dat to its end.
fn contents_file(input: &mut impl Input, format: Format, report: &mut Report<'_>) -> Result<(Header, Contents), Finding> {
    let mut fields = Fields::new(input, &report.options().limits);
    let header = Header::read(&mut fields)?;
    if header.layout != Layout::Files {
        return Err(Finding::at(
            Code::HeaderInvalid,
            fields.input.position(),
            "toc.dat is the beginning of a custom archive",
        ));
    }
    report.header(&header, format);
    let contents = contents(&mut fields, &header, report)?;
    let position = input.position();
    if !input.at_end()? {
        return Err(Finding::at(Code::TrailingBytes, position, "bytes follow the last entry of toc.dat"));
    }
    Ok((header, contents))
}

pub(crate) fn contents<I: Input>(
    fields: &mut Fields<'_, I>,
    header: &Header,
    report: &mut Report<'_>,
) -> Result<Contents, Finding> {
    let contents = Contents::read(fields, header)?;
    if contents.entries.is_empty() && !report.options().schema_only {
        let sentence = "no entry of the archive has data; if only the schema was to be dumped, say so";
        report.found(Finding::at(Code::NoData, fields.input.position(), sentence));
    }
    if let Some((description, position)) = &contents.unknown {
        let sentence = format!(
            "an entry is of the kind {description:?}, which this verifier does not know: damage, or a newer pg_dump"
        );
        report.found(Finding::at(Code::EntryUnknown, *position, sentence));
    }
    report.contents(&contents, header.compression);
    Ok(contents)
}
