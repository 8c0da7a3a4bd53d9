//! What a drill needs of this machine: the five binaries, a Python environment with the emulator, and room for a run's logs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use rehearsal::databases::{Installation, NoPostgresql};
use rehearsal::emulator::{PythonEnvironment, PythonError};
use shared::domain::step::FunctionName;

use super::arguments::Database;

const FUNCTIONS: [FunctionName; 5] = [
    FunctionName::Recovery,
    FunctionName::UpdateDatabaseEndpoints,
    FunctionName::ReadOnlyToggle,
    FunctionName::ReplicationCheck,
    FunctionName::BackupVerify,
];

/// Why this machine cannot run a drill.
#[derive(Debug, thiserror::Error)]
pub enum WorkplaceError {
    /// This program does not run out of a cargo target directory.
    #[error(
        "recoveryctl does not run out of a cargo target directory, so the functions' binaries cannot be found; run it as `cargo drill`"
    )]
    NoTarget,
    /// Cargo could not be started.
    #[error("cargo could not be started to build the functions: {0}; is Rust installed, and `cargo` on the PATH?")]
    NoCargo(std::io::Error),
    /// The build failed.
    #[error("the functions did not build; mend what cargo says above, and run the drill again")]
    Build,
    /// No Python environment could be made.
    #[error(transparent)]
    Python(#[from] PythonError),
    /// A real database was asked for, and there is none.
    #[error("{0}; leave out `--database postgresql`, or install PostgreSQL (Debian and Ubuntu: apt install postgresql)")]
    Postgresql(#[from] NoPostgresql),
}

/// A machine that can run drills.
#[derive(Debug, Clone)]
pub struct Workplace {
    /// The repository.
    pub repository: PathBuf,
    /// Cargo's target directory.
    pub target: PathBuf,
    /// Where the five binaries are.
    pub binaries: PathBuf,
    /// Python, with the emulator.
    pub python: PythonEnvironment,
}

impl Workplace {
    /// Builds the functions, and installs the emulator the first time.
    ///
    /// # Errors
    /// [`WorkplaceError`] with what to do.
    pub fn prepare(mut say: impl FnMut(&str)) -> Result<Self, WorkplaceError> {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or(WorkplaceError::NoTarget)?.to_owned();
        let binaries = binaries()?;
        let target = target_directory()?;
        say("building the five functions");
        build(&repository, &binaries, &target)?;
        let python = PythonEnvironment::prepare(&target, &mut say)?;
        Ok(Self { repository, target, binaries, python })
    }

    /// The PostgreSQL behind the simulated RDS, installed the first time; nothing where the model is to do.
    ///
    /// # Errors
    /// When PostgreSQL was asked for by name, and none runs here. Where nothing was asked for, the model stands in and `say` is told.
    pub fn database(
        &self,
        asked: Option<Database>,
        mut say: impl FnMut(&str),
    ) -> Result<Option<Installation>, WorkplaceError> {
        if asked == Some(Database::Model) {
            return Ok(None);
        }
        match Installation::find(&self.target, &mut say) {
            Ok(found) => Ok(Some(found)),
            Err(missing) if asked.is_none() => {
                say(&format!("the databases are those of the model, because {missing}"));
                Ok(None)
            }
            Err(missing) => Err(missing.into()),
        }
    }

    /// A directory for one run.
    #[must_use]
    pub fn run_directory(&self) -> PathBuf {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        // Two rehearsals of one process may begin in the same millisecond.
        let number = RUNS.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{}-{number}", Timestamp::now().as_millisecond(), std::process::id());
        self.target.join("rehearsal").join("runs").join(name)
    }
}

/// Cargo's target directory, out of which this program runs.
pub(crate) fn target_directory() -> Result<PathBuf, WorkplaceError> {
    binaries()?.parent().map(Path::to_owned).ok_or(WorkplaceError::NoTarget)
}

fn binaries() -> Result<PathBuf, WorkplaceError> {
    let program = std::env::current_exe().map_err(|_| WorkplaceError::NoTarget)?;
    let beside = program.parent().ok_or(WorkplaceError::NoTarget)?;
    // Tests run one directory further down.
    let binaries = if beside.ends_with("deps") { beside.parent().ok_or(WorkplaceError::NoTarget)? } else { beside };
    Ok(binaries.to_owned())
}

fn build(repository: &Path, binaries: &Path, target: &Path) -> Result<(), WorkplaceError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(repository).args(["build", "--quiet", "--target-dir"]).arg(target);
    if binaries.ends_with("release") {
        command.arg("--release");
    }
    for function in FUNCTIONS {
        command.args(["--package", function.as_str()]);
    }
    // With recoveryctl among the packages, cargo chooses the same features for all as when it built recoveryctl, and builds the
    // SDK once instead of twice.
    command.args(["--package", "recoveryctl", "--bins"]);
    // What cargo says belongs to people, on standard error; standard output belongs to the report.
    let status = command.stdout(std::process::Stdio::null()).status().map_err(WorkplaceError::NoCargo)?;
    if status.success() { Ok(()) } else { Err(WorkplaceError::Build) }
}
