//! Runs the Python programs that work on a running emulator: JSON in, JSON out.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::log_tail;

/// No program has more to do than this; a deployment takes two seconds.
const LONGEST: Duration = Duration::from_secs(180);

/// Why a program gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// It could not be started, or its input and output broke.
    #[error("{name} could not be run: {source}")]
    Io {
        /// Which program.
        name: String,
        /// Why.
        source: std::io::Error,
    },
    /// It failed, and said why.
    #[error("{name} failed ({status}); it said:\n{tail}")]
    Failed {
        /// Which program.
        name: String,
        /// How it ended.
        status: String,
        /// The end of what it said.
        tail: String,
    },
    /// It was still running, and was stopped.
    #[error("{name} did not finish within {} s and was stopped", LONGEST.as_secs())]
    TimedOut {
        /// Which program.
        name: String,
    },
    /// Its answer is not the JSON it has to be.
    #[error("the answer of {name} cannot be read: {source}")]
    Answer {
        /// Which program.
        name: String,
        /// Why.
        source: serde_json::Error,
    },
}

/// The environment of every Python program: nothing of the user's but where programs are and which language they speak.
pub(crate) fn scrubbed(interpreter: &Path, home: &Path) -> std::process::Command {
    let mut command = std::process::Command::new(interpreter);
    command.env_clear();
    for name in ["PATH", "LANG", "LC_ALL", "TZ"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
        .env("HOME", home)
        // The programs lie among the sources, where nothing should appear by itself.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUTF8", "1");
    command
}

/// Runs one program, and keeps what it said beside the emulator's log.
pub(super) struct Script<'a> {
    pub(super) interpreter: &'a Path,
    pub(super) home: PathBuf,
    pub(super) log_directory: &'a Path,
}

impl Script<'_> {
    pub(super) async fn run(&self, name: &str, arguments: &[&str], input: &Value) -> Result<Value, ScriptError> {
        let broken = |source| ScriptError::Io { name: name.to_owned(), source };
        let mut command = Command::from(scrubbed(self.interpreter, &self.home));
        let mut child = command
            .arg(super::programs().join(name))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(broken)?;
        let mut stdin = child.stdin.take();
        let text = input.to_string();
        let conversation = async {
            let feed = async {
                if let Some(mut pipe) = stdin.take() {
                    // A program that refuses early closes its input; its own words say more than this error would.
                    let _ = pipe.write_all(text.as_bytes()).await;
                }
            };
            let ((), output) = tokio::join!(feed, child.wait_with_output());
            output
        };
        let output = tokio::time::timeout(LONGEST, conversation)
            .await
            .map_err(|_| ScriptError::TimedOut { name: name.to_owned() })?
            .map_err(broken)?;
        let said = String::from_utf8_lossy(&output.stderr);
        std::fs::write(self.log_directory.join(format!("{name}.log")), said.as_bytes()).map_err(broken)?;
        if !output.status.success() {
            return Err(ScriptError::Failed {
                name: name.to_owned(),
                status: output.status.to_string(),
                tail: log_tail::of_text(&said),
            });
        }
        serde_json::from_slice(&output.stdout).map_err(|source| ScriptError::Answer { name: name.to_owned(), source })
    }
}
