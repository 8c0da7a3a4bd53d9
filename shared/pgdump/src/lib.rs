//! Verifies archives of pg_dump (custom, directory and tar format, versions 1.12 to 1.16) to a stated proof level.
//!
//! An archive is read once, as a stream, in bounded memory: nothing is allocated from a length that was not read, and every
//! input comes to an end. `pg_restore -l` reads the table of contents only, and a dump that was cut in half passes it; this
//! reads every byte, decodes every stream, and checks the shape of every row.
//!
//! ```
//! use pgdump::{Answer, Level, Options, verify};
//!
//! let verdict = verify(&b"PGDMP"[..], &Options::to(Level::Decodable));
//! assert_eq!(verdict.answer(Level::Decodable), Answer::DoesNotHold);
//! println!("{}", verdict.findings[0]);
//! ```

mod codec;
mod consistency;
mod content;
mod contents;
mod copy_statement;
mod custom;
mod digest;
mod directory;
mod encoding;
mod encryption;
mod fields;
mod files;
mod finding;
mod header;
mod large_objects;
mod level;
mod limits;
mod manifest;
mod masks;
mod named_files;
mod options;
mod pause;
mod pieces;
mod report;
mod rows;
mod source;
mod tar;
mod verdict;
mod verify;

pub use consistency::Drift;
pub use digest::{Crc64Value, Sha256Value};
pub use encryption::{Encryption, Keys, NotOpened, Scheme, View};
pub use files::{Directory, Files};
pub use finding::{Code, Finding, Meaning};
pub use header::Compression;
pub use level::{Level, UnknownLevel};
pub use limits::Limits;
pub use manifest::{LARGEST_MANIFEST, Manifest, ManifestError};
pub use options::Options;
pub use pause::Allowance;
pub use pieces::{
    Combined, CombinedDirectory, Course, DirectoryCourse, DirectoryDivision, DirectoryPiece, Division, FileSizes,
    ListedFile, ListedFiles, Piece, PieceSizes, combine, combine_directory,
};
pub use verdict::{Answer, Archive, FilePrint, Format, LargeObjects, Proof, Proofs, Table, Verdict};
pub use verify::{BEGINNING, begins_archive, verify, verify_directory};
