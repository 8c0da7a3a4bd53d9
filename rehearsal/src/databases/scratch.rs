//! A server for one restore: made for it, and gone after it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::bounded;
use super::guard::Guard;
use super::installation::Installation;
use super::server::{DatabaseError, Ground, Server, USER};
use crate::emulator::PythonEnvironment;

/// What came of a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restored {
    /// `pg_restore` ended without an error, after so long.
    Whole(Duration),
    /// It refused; what it said.
    Refused(String),
    /// It had not ended when its time was over.
    OutOfTime(Duration),
}

/// What came of a question to the restored database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Rows, one a line, fields separated by bars.
    Answered(String),
    /// The server refused it; what it said.
    Refused(String),
    /// There was no answer when the time was over.
    OutOfTime(Duration),
}

/// A server on loopback, with a password that was made for it. It runs as the user `nobody` where this process is root's, else with this
/// process's own rights, and so does what an archive has it run. Dropping it ends the server and removes every file of it; a guard does
/// that if this process is killed.
pub struct Scratch {
    ground: Ground,
    server: Server,
    guard: Option<Guard>,
    directory: PathBuf,
}

impl Scratch {
    /// Starts a server with an empty database in a directory that is not there yet.
    ///
    /// # Errors
    /// [`DatabaseError`] with what PostgreSQL said.
    pub fn start(installation: Installation, python: &PythonEnvironment, directory: &Path) -> Result<Self, DatabaseError> {
        let shown = || directory.display().to_string();
        // Whatever is there is somebody else's, and would be removed.
        fs::create_dir(directory).map_err(DatabaseError::io(shown()))?;
        let guard = Guard::over_all(directory, python).map_err(DatabaseError::io("the guard of the scratch server"))?;
        let made = Ground::lay(installation, directory).and_then(|ground| {
            // Nobody will ever recover it.
            let ground = Ground { archiving: false, ..ground };
            let mut server = Server::create(&ground, "scratch")?;
            server.start()?;
            Ok((ground, server))
        });
        match made {
            Ok((ground, server)) => Ok(Self { ground, server, guard: Some(guard), directory: directory.to_owned() }),
            Err(error) => {
                drop(guard);
                Err(error)
            }
        }
    }

    /// The version of the server and of its `pg_restore`.
    #[must_use]
    pub fn version(&self) -> &str {
        self.ground.installation.version()
    }

    /// Where its files are. What else is put there is removed with them.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Restores an archive of pg_dump into the server's database: without owners and rights, which are of roles that are not there.
    ///
    /// # Errors
    /// When `pg_restore` could not be run at all.
    pub fn restore(&self, archive: &Path, limit: Duration) -> Result<Restored, DatabaseError> {
        let port = self.server.address().map(|address| address.port()).unwrap_or_default();
        let mut command = self.ground.installation.client("pg_restore");
        command
            .env("PGPASSFILE", self.ground.password_file())
            .args(["--exit-on-error", "--no-owner", "--no-privileges", "--no-password", "--host=127.0.0.1"])
            .args(["--username", USER, "--dbname", "postgres"])
            .arg(format!("--port={port}"))
            .arg(archive);
        let begun = Instant::now();
        let ended = bounded::run(&mut command, limit, &AtomicBool::new(false)).map_err(DatabaseError::io("pg_restore"))?;
        Ok(match ended.status {
            None => Restored::OutOfTime(limit),
            Some(status) if status.success() => Restored::Whole(begun.elapsed()),
            Some(_) => Restored::Refused(ended.errors),
        })
    }

    /// Asks the restored database.
    ///
    /// # Errors
    /// When `psql` could not be run at all.
    pub fn ask(&self, statement: &str, limit: Duration) -> Result<Asked, DatabaseError> {
        let gone =
            || DatabaseError::Failed { what: "asking the scratch server".to_owned(), tail: "    it is gone".to_owned() };
        let mut command = self.ground.psql(self.server.address().ok_or_else(gone)?);
        command.args(["--command", statement]);
        let ended = bounded::run(&mut command, limit, &AtomicBool::new(false)).map_err(DatabaseError::io("psql"))?;
        Ok(match ended.status {
            None => Asked::OutOfTime(limit),
            Some(status) if status.success() => Asked::Answered(ended.out),
            Some(_) => Asked::Refused(ended.errors),
        })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It ends the server and removes its files; what is left to do is to bury it.
        drop(self.guard.take());
        self.server.kill();
        // The guard did it, unless it was killed.
        let _gone = fs::remove_dir_all(&self.directory);
    }
}
