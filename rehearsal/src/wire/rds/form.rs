//! The form of a Query request.

use std::collections::BTreeMap;

use rehearsal_world::ApiError;

/// Longer than any form that RDS takes.
const LONGEST: usize = 64 * 1024;

/// The fields of a request that nobody has taken yet.
#[derive(Debug)]
pub(super) struct Form {
    fields: BTreeMap<String, String>,
}

impl Form {
    /// Reads a body. A field given twice is refused: which one counts is nothing to guess at.
    pub(super) fn read(body: &[u8]) -> Result<Self, ApiError> {
        if body.len() > LONGEST {
            return Err(ApiError::malformed("The request is too long."));
        }
        let mut fields = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(body) {
            if fields.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(ApiError::malformed(format!("The parameter {name} is given twice.")));
            }
        }
        Ok(Self { fields })
    }

    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.fields.remove(name)
    }

    pub(super) fn take_required(&mut self, name: &str) -> Result<String, ApiError> {
        self.take(name).filter(|value| !value.is_empty()).ok_or_else(|| ApiError::missing(name))
    }

    pub(super) fn take_bool(&mut self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.take(name).as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(ApiError::malformed(format!("{other} is no boolean value for {name}."))),
        }
    }

    pub(super) fn take_integer(&mut self, name: &str) -> Result<Option<i64>, ApiError> {
        self.take(name)
            .map(|text| text.parse().map_err(|_| ApiError::malformed(format!("{text} is no integer for {name}."))))
            .transpose()
    }

    /// Takes `<name>.<member>.1`, `.2` and so on; `member` is also understood, as by the service itself.
    pub(super) fn take_list(&mut self, name: &str, member: &str) -> Result<Option<Vec<String>>, ApiError> {
        let mut members = BTreeMap::new();
        for field in self.fields.keys().cloned().collect::<Vec<String>>() {
            let Some(rest) = field.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')) else {
                continue;
            };
            let number = rest
                .strip_prefix(member)
                .or_else(|| rest.strip_prefix("member"))
                .and_then(|rest| rest.strip_prefix('.'))
                .and_then(|number| number.parse::<usize>().ok());
            let (Some(number), Some(value)) = (number, self.take(&field)) else {
                return Err(ApiError::malformed(format!("{field} is no member of the list {name}.")));
            };
            if members.insert(number, value).is_some() {
                return Err(ApiError::malformed(format!("The list {name} has two members {number}.")));
            }
        }
        if !members.keys().copied().eq(1..=members.len()) {
            return Err(ApiError::malformed(format!("The members of the list {name} are not numbered from 1.")));
        }
        Ok((!members.is_empty()).then(|| members.into_values().collect()))
    }

    /// A field that nobody took.
    pub(super) fn left(&self) -> Option<&str> {
        self.fields.keys().next().map(String::as_str)
    }
}
