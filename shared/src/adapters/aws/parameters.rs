//! AWS Systems Manager: parameters that hold the endpoint. PutParameter has no condition, so these writes are unfenced
//! (design §2.4): the engine reads before and after.

use aws_sdk_ssm::types as sdk;

use super::Clients;
use super::clients::{OPERATION, once};
use super::shown::shown;
use crate::adapters::Sending;
use crate::domain::identifier::{Region, ResourceName};
use crate::domain::mutation::{ParameterType, Performed};
use crate::domain::observation::PlaceView;
use crate::domain::operation::Operation;
use crate::ports::{FailureKind, PortResult};
use crate::redact::Secret;

struct Parameter {
    value: Secret<String>,
    parameter_type: ParameterType,
    version: String,
}

/// What the parameter holds. An encrypted value is shown only when it is a database host, which is what the plan says it is;
/// anything else in a SecureString stays hidden.
pub(super) async fn read(clients: &Clients, region: &Region, name: &ResourceName) -> PortResult<PlaceView> {
    let parameter = get(clients, region, name, None).await?;
    let encrypted = parameter.parameter_type == ParameterType::SecureString;
    Ok(PlaceView::Parameter {
        value: if encrypted { shown(&parameter.value) } else { parameter.value.into_exposed() },
        parameter_type: parameter.parameter_type,
        version: parameter.version,
    })
}

/// Writes a host.
pub(super) async fn put(
    clients: &Clients,
    region: &Region,
    name: &ResourceName,
    parameter_type: ParameterType,
    value: &str,
) -> PortResult<Performed> {
    write(
        clients,
        region,
        name,
        parameter_type,
        &Secret::new(value.to_owned()),
        parameter_type == ParameterType::SecureString,
    )
    .await
}

/// Writes what an earlier version held. The value passes through here only.
pub(super) async fn restore(
    clients: &Clients,
    region: &Region,
    name: &ResourceName,
    parameter_type: ParameterType,
    version: &str,
) -> PortResult<Performed> {
    let restored = async {
        let before = get(clients, region, name, Some(version)).await?;
        write(clients, region, name, parameter_type, &before.value, true).await
    };
    Sending::of(Operation::PutParameter).within(OPERATION, restored).await
}

async fn get(clients: &Clients, region: &Region, name: &ResourceName, version: Option<&str>) -> PortResult<Parameter> {
    let operation = Sending::of(Operation::GetParameter);
    operation.permit(region, &resource(name))?;
    let selector = version.map_or_else(|| name.to_string(), |version| format!("{name}:{version}"));
    let answer = clients
        .ssm(region)
        .get_parameter()
        .name(selector)
        .with_decryption(true)
        .send()
        .await
        .map_err(|error| operation.failed(&error))?;
    let found = answer.parameter().and_then(|found| {
        let parameter_type = match found.r#type()? {
            sdk::ParameterType::String => ParameterType::String,
            sdk::ParameterType::StringList => ParameterType::StringList,
            sdk::ParameterType::SecureString => ParameterType::SecureString,
            _ => return None,
        };
        Some(Parameter {
            value: Secret::new(found.value()?.to_owned()),
            parameter_type,
            version: found.version().to_string(),
        })
    });
    found.ok_or_else(|| {
        operation.failure(
            FailureKind::NoAnswer,
            "parameter_unreadable",
            &format!("{name} came without a value or of an unknown type"),
        )
    })
}

async fn write(
    clients: &Clients,
    region: &Region,
    name: &ResourceName,
    parameter_type: ParameterType,
    value: &Secret<String>,
    is_secret: bool,
) -> PortResult<Performed> {
    let operation = Sending::of(Operation::PutParameter);
    operation.permit(region, &resource(name))?;
    let answer = clients
        .ssm(region)
        .put_parameter()
        .name(name.as_str())
        .r#type(sdk::ParameterType::from(parameter_type.as_str()))
        .value(value.expose())
        .overwrite(true)
        .customize()
        .config_override(once!(aws_sdk_ssm))
        .send()
        .await
        .map_err(|error| if is_secret { operation.failed_with_secret(&error) } else { operation.failed(&error) })?;
    Ok(Performed { version: Some(answer.version().to_string()), ..Performed::plainly() })
}

fn resource(name: &ResourceName) -> String {
    format!("parameter{name}")
}
