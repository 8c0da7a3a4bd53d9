//! The compiled plan, read from the layer.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use crate::domain::plan::{LARGEST_COMPILED_PLAN, PLAN_VERSION, Plan};
use crate::error::{Code, RecoveryError};
use crate::printable::printable;

/// A plan larger than this was not written by `plan build`.
const LARGEST: u64 = LARGEST_COMPILED_PLAN as u64;
/// Characters of what a reader says about a plan that is none; it may repeat a piece of it.
const LONGEST_REASON: usize = 300;

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The file cannot be read.
    #[error("the plan {path} cannot be read ({reason}): deploy the plan layer, or set RECOVERY_PLAN to where the plan is")]
    Unreadable {
        /// Where it was looked for.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The file is larger than any plan.
    #[error(
        "the plan {path} is larger than {LARGEST} bytes, so `recoveryctl plan build` did not write it: build and deploy it with that"
    )]
    TooLarge {
        /// The file.
        path: String,
    },
    /// The plan is of another format version.
    #[error(
        "the plan {path} has version {found}, and this build reads version {PLAN_VERSION}: build the plan with the recoveryctl of this release"
    )]
    OtherVersion {
        /// The file.
        path: String,
        /// The version that it states.
        found: u64,
    },
    /// The file is not a compiled plan.
    #[error("the plan {path} is not a compiled plan ({reason}): build it with `recoveryctl plan build`")]
    Invalid {
        /// The file.
        path: String,
        /// What does not fit, with line and column.
        reason: String,
    },
}

impl From<PlanError> for RecoveryError {
    fn from(error: PlanError) -> Self {
        Self::new(Code::ConfigurationInvalid, error.to_string())
    }
}

/// Loads the compiled plan. It is read strictly: a field that this version does not know might be the one that matters.
///
/// # Errors
/// [`PlanError`] with what to do.
pub fn load_plan(path: &Path) -> Result<Plan, PlanError> {
    let shown = path.display().to_string();
    let unreadable = |error: std::io::Error| PlanError::Unreadable { path: shown.clone(), reason: error.to_string() };
    let mut bytes = Vec::new();
    File::open(path).map_err(unreadable)?.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    read_plan(&bytes, &shown)
}

/// Reads the compiled plan from the bytes of the file that is shown so.
///
/// # Errors
/// [`PlanError`] with what to do.
pub fn read_plan(bytes: &[u8], shown: &str) -> Result<Plan, PlanError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u64,
    }
    let shown = shown.to_owned();
    if bytes.len() as u64 > LARGEST {
        return Err(PlanError::TooLarge { path: shown });
    }
    let invalid = |error: serde_json::Error| PlanError::Invalid {
        path: shown.clone(),
        reason: printable(&error.to_string(), LONGEST_REASON),
    };
    // The version first: what another version means by the rest is not ours to judge.
    let Versioned { version } = serde_json::from_slice(bytes).map_err(invalid)?;
    if version != u64::from(PLAN_VERSION) {
        return Err(PlanError::OtherVersion { path: shown, found: version });
    }
    serde_json::from_slice(bytes).map_err(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(content: &[u8]) -> Result<Plan, PlanError> {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("recovery-plan-{}-{number}.json", std::process::id()));
        std::fs::write(&path, content).unwrap();
        let loaded = load_plan(&path);
        std::fs::remove_file(&path).unwrap();
        loaded
    }

    #[test]
    fn a_plan_that_is_missing_too_large_of_another_version_or_unknown_in_part_is_refused_with_what_to_do() {
        let missing = load_plan(Path::new("no-such-plan.json")).unwrap_err();
        assert!(missing.to_string().contains("RECOVERY_PLAN"), "{missing}");
        assert!(matches!(load(&vec![b' '; 1024 * 1024 + 1]), Err(PlanError::TooLarge { .. })));
        assert!(matches!(load(b"{\"version\":2,\"new\":true}"), Err(PlanError::OtherVersion { found: 2, .. })));
        assert!(matches!(load(b"version: 1"), Err(PlanError::Invalid { .. })));
        let unknown = load(b"{\"version\":1,\"unheard_of\":true}").unwrap_err();
        assert!(unknown.to_string().contains("unheard_of"), "{unknown}");
    }
}
