//! The identities with which a command opens encrypted archives.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use decryption::{Identities, Trouble};

/// Bytes of a file of identities: one is a line of 74 characters.
const LONGEST: u64 = 64 << 10;

/// Reads the file of identities, where one is named. What is in it is repeated in no sentence.
///
/// # Errors
/// A sentence with a code, when it cannot be read or is no such file.
pub(crate) fn read(path: Option<&Path>) -> Result<Option<Identities>, String> {
    let Some(path) = path else { return Ok(None) };
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text));
    read.map_err(|error| format!("{} could not be read: {error}", path.display()))?;
    let told = |trouble: Trouble| format!("{}: {}: {trouble}", path.display(), trouble.code());
    Identities::read(&text).map(Some).map_err(told)
}
