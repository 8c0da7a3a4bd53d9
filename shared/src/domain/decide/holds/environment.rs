//! A flag in a Lambda function's environment.

use super::super::super::identifier::{Region, ResourceName, VariableName};
use super::super::super::mutation::Mutation;
use super::super::super::step::SavedHold;
use super::{Closing, Restoring};

/// A variable of a function, and the value that means "read only".
#[derive(Clone, Copy)]
pub(super) struct Flag<'a> {
    pub(super) region: &'a Region,
    pub(super) function: &'a ResourceName,
    pub(super) variable: &'a VariableName,
    pub(super) held: &'a str,
}

/// What it takes to set the flag.
pub(super) fn close(flag: Flag<'_>, value: Option<&str>, others: &[String]) -> Closing {
    if value == Some(flag.held) {
        return Closing::Closed;
    }
    let saved = SavedHold::Variable { value: value.map(str::to_owned) };
    Closing::Needed(flag.set(Some(flag.held.to_owned()), others), saved)
}

/// What it takes to give the variable back the value it had.
pub(super) fn restore(flag: Flag<'_>, value: Option<&str>, others: &[String], before: Option<&str>) -> Restoring {
    if value == before {
        Restoring::AsBefore
    } else if value == Some(flag.held) {
        Restoring::Needed(vec![flag.set(before.map(str::to_owned), others)])
    } else {
        Restoring::ChangedByOthers(flag.variable.to_string())
    }
}

impl Flag<'_> {
    fn set(self, value: Option<String>, others: &[String]) -> Mutation {
        Mutation::SetFunctionVariable {
            region: self.region.clone(),
            function: self.function.clone(),
            variable: self.variable.clone(),
            value,
            kept: others.to_vec(),
        }
    }
}
