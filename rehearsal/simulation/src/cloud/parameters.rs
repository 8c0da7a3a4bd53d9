//! Systems Manager parameters: every write is a new version, and no write is conditional.

use shared::domain::mutation::{ParameterType, Performed};
use shared::domain::observation::PlaceView;
use shared::ports::{FailureKind, PortResult};

use super::super::faults::failure;

/// A parameter with all its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsmParameter {
    /// Its type.
    pub parameter_type: ParameterType,
    /// The values that it has had; the last is the present one, and its position is its version.
    pub versions: Vec<String>,
}

impl SsmParameter {
    /// A parameter that has had these values.
    #[must_use]
    pub fn new(parameter_type: ParameterType, versions: &[&str]) -> Self {
        Self { parameter_type, versions: versions.iter().map(|value| (*value).to_owned()).collect() }
    }

    /// The present value.
    #[must_use]
    pub fn value(&self) -> &str {
        self.versions.last().map_or("", String::as_str)
    }

    pub(crate) fn view(&self) -> PlaceView {
        let is_host = self.value().ends_with(".rds.amazonaws.com");
        let shown = self.parameter_type != ParameterType::SecureString || is_host;
        PlaceView::Parameter {
            value: if shown { self.value().to_owned() } else { "${secret}".to_owned() },
            parameter_type: self.parameter_type,
            version: self.versions.len().to_string(),
        }
    }

    pub(crate) fn put(&mut self, value: &str) -> Performed {
        self.versions.push(value.to_owned());
        Performed { version: Some(self.versions.len().to_string()), ..Performed::plainly() }
    }

    pub(crate) fn restore(&mut self, version: &str) -> PortResult<Performed> {
        let index = version.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let Some(value) = index.and_then(|index| self.versions.get(index)).cloned() else {
            let message = format!("there is no version {version}");
            return Err(failure(FailureKind::NotFound, ("ssm", "GetParameter"), "ParameterVersionNotFound", message));
        };
        Ok(self.put(&value))
    }
}
