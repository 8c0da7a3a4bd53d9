//! Lambda functions of the platform: their environments, which an update replaces as a whole, under a revision.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use shared::domain::mutation::Performed;
use shared::ports::{FailureKind, PortResult};

use super::super::faults::failure;

/// How long an update of the configuration is in progress.
const ROLLED_OUT: Duration = Duration::from_secs(4);

/// A function's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LambdaFunction {
    /// Its environment.
    pub variables: BTreeMap<String, String>,
    /// Counts every change.
    pub revision: u64,
    /// Until when the last update is in progress.
    pub updating_until: Option<Timestamp>,
}

impl LambdaFunction {
    /// A function with this environment.
    #[must_use]
    pub fn new(variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { variables, revision: 1, updating_until: None }
    }

    pub(crate) fn is_updating(&self, now: Timestamp) -> bool {
        self.updating_until.is_some_and(|until| now < until)
    }

    pub(crate) fn others(&self, variable: &str) -> Vec<String> {
        self.variables.keys().filter(|name| *name != variable).cloned().collect()
    }

    /// Reads the environment, changes one variable, and writes it back under the revision that was read.
    pub(crate) fn set(
        &mut self,
        variable: &str,
        value: Option<&str>,
        kept: &[String],
        now: Timestamp,
    ) -> PortResult<Performed> {
        let operation = ("lambda", "UpdateFunctionConfiguration");
        let found: BTreeSet<String> = self.others(variable).into_iter().collect();
        if found != kept.iter().cloned().collect() {
            let message = "the other variables are not those that were read before; nothing was written";
            return Err(failure(FailureKind::Conflict, operation, "environment_changed", message));
        }
        if self.is_updating(now) {
            let message = "The operation cannot be performed at this time. An update is in progress";
            return Err(failure(FailureKind::NotNow, operation, "ResourceConflictException", message));
        }
        match value {
            Some(value) => self.variables.insert(variable.to_owned(), value.to_owned()),
            None => self.variables.remove(variable),
        };
        self.revision += 1;
        self.updating_until = Some(now + ROLLED_OUT);
        Ok(Performed::plainly())
    }
}
