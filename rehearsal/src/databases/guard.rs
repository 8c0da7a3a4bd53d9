//! Nobody outlives the rehearsal: a process that ends the servers when we end, however that comes about.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};

use crate::emulator::{PythonEnvironment, scrubbed};

/// Part of this program: a scratch server is guarded where there is no repository, too.
const PROGRAM: &str = include_str!("../../emulator/database_guard.py");

/// The guard. Dropping it ends every server whose files lie in its directory, and removes the files.
#[derive(Debug)]
pub(super) struct Guard {
    process: Child,
}

impl Guard {
    /// Sets a guard over a directory, who leaves the servers' logs.
    pub(super) fn over(directory: &Path, python: &PythonEnvironment) -> io::Result<Self> {
        Self::start(directory, python, &[])
    }

    /// Sets a guard over a directory, who leaves nothing, and ends the servers' clients as well.
    pub(super) fn over_all(directory: &Path, python: &PythonEnvironment) -> io::Result<Self> {
        Self::start(directory, python, &["all"])
    }

    fn start(directory: &Path, python: &PythonEnvironment, more: &[&str]) -> io::Result<Self> {
        let process = scrubbed(python.interpreter(), directory)
            .args(["-c", PROGRAM])
            .arg(directory)
            .args(more)
            // It acts when this closes, which it does also when we are killed.
            .stdin(Stdio::piped())
            // An interrupt typed at the rehearsal is not meant for the guard.
            .process_group(0)
            .spawn()?;
        Ok(Self { process })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // It gives up by itself, so this ends; what it could not do is nothing that we could do better.
        let _ended = self.process.wait();
    }
}
