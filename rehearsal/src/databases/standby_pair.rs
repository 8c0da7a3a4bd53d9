//! A primary and its standby with nothing between them, for those who ask servers themselves; and a server of another cluster.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::guard::Guard;
use super::installation::Installation;
use super::server::{DatabaseError, Ground, Server};
use crate::emulator::PythonEnvironment;

/// One of the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Member {
    /// Takes writes.
    Primary,
    /// Streams from the primary.
    Standby,
    /// Has nothing to do with the two.
    Stranger,
}

/// The servers, on loopback. Dropping them ends them and removes every file of theirs; a guard does that if this process is killed.
pub struct StandbyPair {
    ground: Ground,
    primary: Server,
    standby: Server,
    stranger: Server,
    guard: Option<Guard>,
    directory: PathBuf,
}

impl StandbyPair {
    /// Starts them in a directory that is not there yet.
    ///
    /// # Errors
    /// [`DatabaseError`] with what PostgreSQL said.
    pub fn start(installation: Installation, python: &PythonEnvironment, directory: &Path) -> Result<Self, DatabaseError> {
        let shown = || directory.display().to_string();
        // Whatever is there is somebody else's, and would be removed.
        fs::create_dir(directory).map_err(DatabaseError::io(shown()))?;
        let guard = Guard::over_all(directory, python).map_err(DatabaseError::io("the guard of the servers"))?;
        let made = Ground::lay(installation, directory).and_then(|ground| {
            let ground = Ground { archiving: false, ..ground };
            let mut primary = Server::create(&ground, "primary")?;
            primary.start()?;
            let source = primary.address().ok_or_else(|| gone("primary"))?;
            let mut standby = Server::standby(&ground, "standby", source, source, &AtomicBool::new(false))?;
            standby.start()?;
            let mut stranger = Server::create(&ground, "stranger")?;
            stranger.start()?;
            Ok((ground, primary, standby, stranger))
        });
        match made {
            Ok((ground, primary, standby, stranger)) => {
                Ok(Self { ground, primary, standby, stranger, guard: Some(guard), directory: directory.to_owned() })
            }
            Err(error) => {
                drop(guard);
                Err(error)
            }
        }
    }

    /// The password of the superuser `postgres`.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.ground.password
    }

    /// Where a server listens, while it runs.
    #[must_use]
    pub fn address(&self, member: Member) -> Option<SocketAddr> {
        match member {
            Member::Primary => self.primary.address(),
            Member::Standby => self.standby.address(),
            Member::Stranger => self.stranger.address(),
        }
    }

    /// Runs a statement on a server.
    ///
    /// # Errors
    /// When it is refused.
    pub fn sql(&self, member: Member, statement: &str) -> Result<String, DatabaseError> {
        match member {
            Member::Primary => self.primary.sql(statement),
            Member::Standby => self.standby.sql(statement),
            Member::Stranger => self.stranger.sql(statement),
        }
    }

    /// Makes the standby a server of its own.
    ///
    /// # Errors
    /// When it does not become one.
    pub fn promote(&mut self) -> Result<(), DatabaseError> {
        self.standby.promote()
    }

    /// Ends every process of the primary without warning.
    pub fn kill_primary(&mut self) {
        self.primary.kill();
    }
}

fn gone(name: &str) -> DatabaseError {
    DatabaseError::Failed { what: format!("asking the server of {name}"), tail: "    it is gone".to_owned() }
}

impl Drop for StandbyPair {
    fn drop(&mut self) {
        // It ends the servers and removes their files; what is left to do is to bury them.
        drop(self.guard.take());
        for server in [&mut self.primary, &mut self.standby, &mut self.stranger] {
            server.kill();
        }
        // The guard did it, unless it was killed.
        let _gone = fs::remove_dir_all(&self.directory);
    }
}
