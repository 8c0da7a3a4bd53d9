//! AWS Lambda: one variable of a function's environment, read and written under the function's revision.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_lambda::types::{Environment, LastUpdateStatus};

use super::Clients;
use super::clients::{OPERATION, once};
use crate::adapters::Sending;
use crate::domain::identifier::{Region, ResourceName, VariableName};
use crate::domain::mutation::Performed;
use crate::domain::operation::Operation;
use crate::ports::{FailureKind, PortResult};
use crate::redact::Secret;

/// One variable, and the names of the others.
pub(super) struct Variable {
    pub(super) value: Option<String>,
    pub(super) others: Vec<String>,
    pub(super) updating: bool,
}

struct Configuration {
    variables: Secret<BTreeMap<String, String>>,
    revision: String,
    updating: bool,
}

/// Reads one variable. The values of the others stay here.
pub(super) async fn read_variable(
    clients: &Clients,
    region: &Region,
    function: &ResourceName,
    variable: &VariableName,
) -> PortResult<Variable> {
    let configuration = get(clients, region, function).await?;
    let variables = configuration.variables.expose();
    Ok(Variable {
        value: variables.get(variable.as_str()).cloned(),
        others: variables.keys().filter(|name| *name != variable.as_str()).cloned().collect(),
        updating: configuration.updating,
    })
}

/// Sets or removes one variable and keeps the others. The call replaces the whole environment, so it is made under the revision
/// of the very environment that it extends, and only if that still has the variables that were decided on.
pub(super) async fn set_variable(
    clients: &Clients,
    region: &Region,
    function: &ResourceName,
    variable: &VariableName,
    value: Option<&str>,
    kept: &[String],
) -> PortResult<Performed> {
    let operation = Sending::of(Operation::UpdateFunctionConfiguration);
    operation.within(OPERATION, update(operation, clients, region, function, (variable, value), kept)).await
}

async fn update(
    operation: Sending,
    clients: &Clients,
    region: &Region,
    function: &ResourceName,
    (variable, value): (&VariableName, Option<&str>),
    kept: &[String],
) -> PortResult<Performed> {
    operation.permit(region, &resource(function))?;
    let Configuration { variables, revision, .. } = get(clients, region, function).await?;
    let mut variables = variables.into_exposed();
    variables.remove(variable.as_str());
    let found: BTreeSet<&str> = variables.keys().map(String::as_str).collect();
    let expected: BTreeSet<&str> = kept.iter().map(String::as_str).collect();
    if found != expected {
        let message = format!("the other variables of {function} are not those that were read before; nothing was written");
        return Err(operation.failure(FailureKind::Conflict, "environment_changed", &message));
    }
    if let Some(value) = value {
        variables.insert(variable.to_string(), value.to_owned());
    }
    clients
        .lambda(region)
        .update_function_configuration()
        .function_name(function.as_str())
        .environment(Environment::builder().set_variables(Some(variables.into_iter().collect())).build())
        .revision_id(revision)
        .customize()
        .config_override(once!(aws_sdk_lambda))
        .send()
        .await
        .map_err(|error| operation.failed_with_secret(&error))?;
    Ok(Performed::plainly())
}

async fn get(clients: &Clients, region: &Region, function: &ResourceName) -> PortResult<Configuration> {
    let operation = Sending::of(Operation::GetFunctionConfiguration);
    operation.permit(region, &resource(function))?;
    let answer = clients
        .lambda(region)
        .get_function_configuration()
        .function_name(function.as_str())
        .send()
        .await
        .map_err(|error| operation.failed(&error))?;
    let environment = answer.environment();
    // Without access to its key, Lambda leaves the variables out and says so. Writing that back would erase them all.
    if let Some(error) = environment.and_then(|environment| environment.error()) {
        let message = format!(
            "the environment of {function} cannot be decrypted ({})",
            error.error_code().unwrap_or("no reason given")
        );
        return Err(operation.failure(FailureKind::Denied, "environment_unreadable", &message));
    }
    let variables = environment.and_then(|environment| environment.variables()).into_iter().flatten();
    let variables = variables.map(|(name, value)| (name.clone(), value.clone())).collect();
    let revision = answer.revision_id().ok_or_else(|| {
        operation.failure(FailureKind::NoAnswer, "no_revision", &format!("{function} came without a RevisionId"))
    })?;
    Ok(Configuration {
        variables: Secret::new(variables),
        revision: revision.to_owned(),
        updating: answer.last_update_status() == Some(&LastUpdateStatus::InProgress),
    })
}

fn resource(function: &ResourceName) -> String {
    format!("function:{function}")
}
