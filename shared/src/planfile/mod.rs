//! Recovery plans as people write them: YAML in, a compiled [`Plan`] out, and everything that does not fit with its place and
//! what to write instead. All of it in one pass, because a plan is mended before the day, not during it.
//!
//! The way of a file is text, tree (every node with its place), draft (typed as far as it could be read), checks over the
//! draft, plan. Nothing here knows a clock: what depends on the day is asked with [`Reading::check_dates`].

mod alerts;
mod archive_encryption;
mod checks;
pub mod code;
mod components;
mod described;
mod draft;
mod explanation;
mod fields;
mod finding;
mod format;
mod postgresql;
mod read;
mod restore_test;
mod scenarios;
mod schema;
mod suggest;
mod tree;

#[cfg(test)]
pub(crate) mod tests;

use jiff::civil::Date;

pub use explanation::explanation;
pub use finding::{Finding, MOST_FINDINGS, Severity};
pub use schema::{schema, schema_text};
pub use suggest::nearest;
pub use tree::TO_FILL_IN;

use crate::domain::plan::{LARGEST_COMPILED_PLAN, Plan};
use checks::dates::LastDay;
use finding::{Findings, finding};
use tree::Mark;

/// The largest file that is read: ten thousand components, each with the comments that it deserves.
pub const LARGEST_PLAN: usize = 8 * 1024 * 1024;

/// What came of reading a plan file.
#[derive(Debug)]
pub struct Reading {
    /// The compiled plan; absent when anything found is an error.
    pub plan: Option<Plan>,
    /// Everything found, as one reads the file.
    pub findings: Vec<Finding>,
    verdict: Verdict,
    last_days: Vec<LastDay>,
}

/// What the findings mean for the file as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is a plan, perhaps with warnings.
    Accepted,
    /// It was read to its end, and it is refused.
    Refused,
    /// It could not be read: no text, no YAML, too large, too deep. The one finding says which.
    Unreadable,
}

impl Reading {
    /// What the findings mean for the file as a whole.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// What the plan's last days mean today (UTC). Apart from reading, so that the same file always reads and builds the same.
    #[must_use]
    pub fn check_dates(&self, today: Date) -> Vec<Finding> {
        checks::dates::check(&self.last_days, today)
    }

    fn too_large(bytes: usize) -> Self {
        Self::unreadable(finding(
            Severity::Error,
            code::TOO_LARGE,
            Mark::START,
            format!("the file has {bytes} bytes, and a plan has at most {LARGEST_PLAN}"),
            "is it the right file? A plan names things; it does not hold their contents".to_owned(),
        ))
    }

    fn unreadable(finding: Finding) -> Self {
        Self { plan: None, findings: vec![finding], verdict: Verdict::Unreadable, last_days: Vec::new() }
    }
}

/// Reads a plan.
#[must_use]
pub fn read(text: &str) -> Reading {
    if text.len() > LARGEST_PLAN {
        return Reading::too_large(text.len());
    }
    let mut findings = Findings::default();
    let root = match tree::parse(text, &mut findings) {
        Ok(root) => root,
        Err(unreadable) => return Reading::unreadable(*unreadable),
    };
    let draft = read::read(&root, &mut findings);
    let mut last_days = Vec::new();
    if let Some(draft) = &draft {
        checks::check(draft, &mut findings);
        last_days = checks::dates::last_days(draft);
    }
    let (plan, verdict) = if findings.has_errors() {
        (None, Verdict::Refused)
    } else {
        (draft.and_then(draft::Draft::lower), Verdict::Accepted)
    };
    let compiled = plan.as_ref().map_or(0, |plan| plan.compiled().len());
    if compiled > LARGEST_COMPILED_PLAN {
        findings.warning(
            code::TOO_LARGE_TO_DEPLOY,
            root.mark,
            format!("compiled, the plan has {compiled} bytes, and the functions take at most {LARGEST_COMPILED_PLAN}"),
            "it can be checked and shown; to deploy it, move what no scenario names to a plan of another platform",
        );
    }
    // Whatever cannot be lowered was reported: this holds the promise even if a reader ever forgets to.
    debug_assert!(plan.is_some() || verdict == Verdict::Refused, "a plan was lost without a finding");
    let verdict = if plan.is_some() { verdict } else { Verdict::Refused };
    Reading { plan, findings: findings.into_list(), verdict, last_days }
}

/// Reads a plan from a file's bytes.
#[must_use]
pub fn read_bytes(bytes: &[u8]) -> Reading {
    if bytes.len() > LARGEST_PLAN {
        return Reading::too_large(bytes.len());
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => read(text),
        Err(error) => {
            let sound = &bytes[..error.valid_up_to()];
            let line = sound.iter().filter(|byte| **byte == b'\n').count() + 1;
            let start = sound.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let column = String::from_utf8_lossy(&sound[start..]).chars().count() + 1;
            Reading::unreadable(finding(
                Severity::Error,
                code::NOT_UTF8,
                Mark { line, column, width: 1 },
                "the file is not UTF-8 text".to_owned(),
                "save it as UTF-8".to_owned(),
            ))
        }
    }
}
