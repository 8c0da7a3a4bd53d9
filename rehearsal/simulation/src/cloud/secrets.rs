//! Secrets: versions under stages. A version that no stage names is gone; AWSPREVIOUS follows AWSCURRENT by itself.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::domain::mutation::Performed;
use shared::domain::observation::PlaceView;
use shared::ports::{FailureKind, PortError, PortResult};

use super::super::faults::failure;

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

/// A secret whose versions are JSON objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Content by version id.
    pub versions: BTreeMap<String, Value>,
    /// Version id by stage.
    pub stages: BTreeMap<String, String>,
}

impl Secret {
    /// A secret of one version.
    #[must_use]
    pub fn new(version: &str, content: Value) -> Self {
        Self {
            versions: BTreeMap::from([(version.to_owned(), content)]),
            stages: BTreeMap::from([(CURRENT.to_owned(), version.to_owned())]),
        }
    }

    /// What clients read.
    #[must_use]
    pub fn current(&self) -> &Value {
        self.stages.get(CURRENT).and_then(|version| self.versions.get(version)).unwrap_or(&Value::Null)
    }

    pub(crate) fn view(&self, field: &str) -> PortResult<PlaceView> {
        let mut staged = self.stages.clone();
        let Some(current_version) = staged.remove(CURRENT) else {
            return Err(refused("DescribeSecret", "secret_without_current_version", "it has no current version"));
        };
        // As the adapter: a field that does not hold a host is none that the plan may show.
        let shown = |text: &str| if text.ends_with(".rds.amazonaws.com") { text.to_owned() } else { "${secret}".to_owned() };
        let value = self.current().get(field).and_then(Value::as_str).map(shown);
        Ok(PlaceView::SecretField { value, current_version, staged })
    }

    /// PutSecretValue under a stage: the same token with the same content again is no new version.
    pub(crate) fn put(&mut self, field: &str, value: &str, base: &str, token: &str, stage: &str) -> PortResult<Performed> {
        if token.len() < 32 || token.len() > 64 {
            return Err(refused("PutSecretValue", "InvalidParameterException", "the token has 32 to 64 characters"));
        }
        let mut content = self.versions.get(base).cloned().ok_or_else(|| {
            failure(
                FailureKind::NotFound,
                ("secretsmanager", "GetSecretValue"),
                "ResourceNotFoundException",
                format!("there is no version {base}"),
            )
        })?;
        match content.get_mut(field) {
            Some(held) => *held = Value::from(value),
            None => return Err(refused("PutSecretValue", "field_missing", "the field is not there to be changed")),
        }
        match self.versions.get(token) {
            Some(present) if *present != content => {
                return Err(refused("PutSecretValue", "ResourceExistsException", "that version holds something else"));
            }
            Some(_) => {}
            None => {
                self.versions.insert(token.to_owned(), content);
                self.stages.insert(stage.to_owned(), token.to_owned());
                self.forget_unstaged();
            }
        }
        Ok(Performed { version: Some(token.to_owned()), ..Performed::plainly() })
    }

    /// UpdateSecretVersionStage of AWSCURRENT, only from where it is said to be.
    pub(crate) fn move_current(&mut self, to: &str, from: &str) -> PortResult<Performed> {
        if self.stages.get(CURRENT).map(String::as_str) != Some(from) {
            return Err(failure(
                FailureKind::Conflict,
                ("secretsmanager", "UpdateSecretVersionStage"),
                "InvalidParameterException",
                "the staging label AWSCURRENT is currently attached to version another than the one to remove it from",
            ));
        }
        if !self.versions.contains_key(to) {
            return Err(failure(
                FailureKind::NotFound,
                ("secretsmanager", "UpdateSecretVersionStage"),
                "ResourceNotFoundException",
                format!("there is no version {to}"),
            ));
        }
        self.stages.insert(CURRENT.to_owned(), to.to_owned());
        self.stages.insert(PREVIOUS.to_owned(), from.to_owned());
        self.forget_unstaged();
        Ok(Performed { version: Some(to.to_owned()), ..Performed::plainly() })
    }

    fn forget_unstaged(&mut self) {
        let stages = &self.stages;
        self.versions.retain(|version, _| stages.values().any(|named| named == version));
    }
}

fn refused(operation: &'static str, code: &str, message: &str) -> PortError {
    failure(FailureKind::Refused, ("secretsmanager", operation), code, message)
}
