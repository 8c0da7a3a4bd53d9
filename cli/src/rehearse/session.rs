//! Where terminals find the rehearsals that run: one directory for each, with a lock that its process holds.
//!
//! The lock is the operating system's, so that a rehearsal that was killed leaves none: whoever gets it knows that the
//! directory is stale, whatever process has the old one's number by now.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::control::Token;
use super::error::{Code, RehearseError};

const LOCK: &str = "lock";
const SESSION: &str = "session.json";
/// More than anybody's machine can play at once.
const MOST: u32 = 64;

/// What a terminal needs to know of a rehearsal that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Session {
    /// Where it takes requests.
    pub(super) control: SocketAddr,
    /// Who may make them.
    pub(super) token: Token,
    /// Its process, for people.
    pub(super) process: u32,
    /// The platform, for people.
    pub(super) platform: String,
}

/// The rehearsals of a target directory.
pub(super) fn sessions_of(target: &Path) -> PathBuf {
    target.join("rehearsal").join("live")
}

/// A place among the rehearsals that run. Dropping it takes its directory away.
#[derive(Debug)]
pub(super) struct Place {
    /// Its number.
    pub(super) number: u32,
    /// Its directory, which nobody else may read.
    pub(super) directory: PathBuf,
    _lock: File,
}

impl Place {
    /// Takes the lowest number that is free. What a killed rehearsal left there is removed.
    pub(super) fn take(sessions: &Path) -> Result<Self, RehearseError> {
        let failed = |path: &Path, error: io::Error| {
            let message = format!("{}: {error}; the directory has to be writable", path.display());
            RehearseError::new(Code::SessionNotWritten, message)
        };
        for number in 1..=MOST {
            let directory = sessions.join(number.to_string());
            DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(|error| failed(&directory, error))?;
            // One that was made by hand may be open to others.
            fs::set_permissions(&directory, Permissions::from_mode(0o700)).map_err(|error| failed(&directory, error))?;
            let path = directory.join(LOCK);
            let options = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
            let lock = options.map_err(|error| failed(&path, error))?;
            match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => return Err(failed(&path, error)),
            }
            // Whoever ended a moment ago removed the file that this lock is on.
            if !is_same_file(&lock, &path) {
                continue;
            }
            remove_leftovers(&directory).map_err(|error| failed(&directory, error))?;
            return Ok(Self { number, directory, _lock: lock });
        }
        Err(RehearseError::new(Code::SessionNotWritten, format!("{MOST} rehearsals run already; stop one of them")))
    }

    /// Lets terminals find the rehearsal.
    pub(super) fn announce(&self, session: &Session) -> Result<(), RehearseError> {
        let text = serde_json::to_string_pretty(session).unwrap_or_default();
        self.write(SESSION, &text, 0o600).map(drop)
    }

    /// Writes a file of the session at once and as a whole.
    pub(super) fn write(&self, name: &str, text: &str, mode: u32) -> Result<PathBuf, RehearseError> {
        let path = self.directory.join(name);
        let unfinished = self.directory.join(format!("{name}.unfinished"));
        let written = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(mode)
            .open(&unfinished)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| fs::rename(&unfinished, &path));
        written
            .map_err(|error| RehearseError::new(Code::SessionNotWritten, format!("{}: {error}", path.display())))
            .map(|()| path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // The lock is held until the end, so that nobody takes the place in between.
        let _gone = fs::remove_dir_all(&self.directory);
    }
}

fn is_same_file(open: &File, path: &Path) -> bool {
    match (open.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

fn remove_leftovers(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name() == LOCK {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The session of the rehearsal that is meant: of that number, or of the only one that runs.
pub(super) fn find(sessions: &Path, number: Option<u32>) -> Result<Session, RehearseError> {
    let known = numbers(sessions);
    let (running, stale): (Vec<u32>, Vec<u32>) = known.iter().partition(|number| is_running(sessions, **number));
    match number {
        Some(number) if running.contains(&number) => read(sessions, number),
        Some(number) => {
            let ended = if stale.contains(&number) { " any more: it ended without putting its files away" } else { "" };
            let others = if running.is_empty() { "none runs".to_owned() } else { format!("these run: {}", list(&running)) };
            Err(RehearseError::new(Code::NoRehearsal, format!("rehearsal {number} does not run{ended}; {others}")))
        }
        None => match running.as_slice() {
            [one] => read(sessions, *one),
            [] => {
                let ended =
                    if stale.is_empty() { "" } else { "; the last one ended without putting its files away (killed?)" };
                let message = format!("no rehearsal runs{ended}. Start one in another terminal: recoveryctl rehearse");
                Err(RehearseError::new(Code::NoRehearsal, message))
            }
            several => {
                let message = format!("rehearsals {} run; say which: --rehearsal NUMBER", list(several));
                Err(RehearseError::new(Code::SeveralRehearsals, message))
            }
        },
    }
}

fn list(numbers: &[u32]) -> String {
    numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}

fn numbers(sessions: &Path) -> Vec<u32> {
    let entries = fs::read_dir(sessions).into_iter().flatten().flatten();
    let mut numbers: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

/// Whether its process holds its lock. Asking takes a lock too, but one that others can share, and for a moment only.
fn is_running(sessions: &Path, number: u32) -> bool {
    let lock = File::open(sessions.join(number.to_string()).join(LOCK));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Reads a session. The token goes to the address that stands beside it, so both have to be this user's own, and here.
fn read(sessions: &Path, number: u32) -> Result<Session, RehearseError> {
    let path = sessions.join(number.to_string()).join(SESSION);
    let shown = path.display();
    let unusable = |why: String| RehearseError::new(Code::SessionUnusable, format!("{shown} {why}"));
    if !path.exists() {
        return Err(RehearseError::new(
            Code::NoRehearsal,
            format!("rehearsal {number} is still being set up; try again when it has printed its endpoint"),
        ));
    }
    let metadata = fs::metadata(&path).map_err(|error| unusable(format!("cannot be read: {error}")))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(unusable("is open to others, so they may know its token; stop that rehearsal".to_owned()));
    }
    let text = fs::read_to_string(&path).map_err(|error| unusable(format!("cannot be read: {error}")))?;
    let session: Session = serde_json::from_str(&text)
        .map_err(|error| unusable(format!("is none of this version's: {error}; stop that rehearsal, start another")))?;
    if !session.control.ip().is_loopback() {
        let message =
            format!("{shown} names {}: a rehearsal is on this machine only, and nothing was sent", session.control);
        return Err(RehearseError::new(Code::NotLoopback, message));
    }
    Ok(session)
}

#[cfg(test)]
mod tests;
