//! AWS Secrets Manager: one field of a JSON secret. A change is a new version under a stage of our own first, and then the move
//! of AWSCURRENT from the version that we read, so that a stale recovery cannot overwrite a newer one.

use std::collections::BTreeMap;

use super::clients::{OPERATION, once};
use super::shown::shown;
use super::{Clients, json_field};
use crate::adapters::Sending;
use crate::domain::identifier::{Region, ResourceName};
use crate::domain::mutation::Performed;
use crate::domain::observation::PlaceView;
use crate::domain::operation::Operation;
use crate::ports::{FailureKind, PortError, PortResult};
use crate::redact::Secret;

const CURRENT: &str = "AWSCURRENT";

/// The field's value in the current version, and which versions stand under which stages. The other fields stay here.
pub(super) async fn read(
    clients: &Clients,
    region: &Region,
    secret: &ResourceName,
    field: &ResourceName,
) -> PortResult<PlaceView> {
    let operation = Sending::of(Operation::DescribeSecret);
    operation.permit(region, &resource(secret))?;
    let described = clients
        .secretsmanager(region)
        .describe_secret()
        .secret_id(secret.as_str())
        .send()
        .await
        .map_err(|error| operation.failed(&error))?;
    let mut staged = BTreeMap::new();
    for (version, stages) in described.version_ids_to_stages().into_iter().flatten() {
        for stage in stages {
            staged.insert(stage.clone(), version.clone());
        }
    }
    let current_version = staged.remove(CURRENT).ok_or_else(|| {
        operation.failure(
            FailureKind::Refused,
            "secret_without_current_version",
            &format!("{secret} has no {CURRENT} version"),
        )
    })?;
    // By version, not by stage: value and version then belong together even when AWSCURRENT moves in between.
    let text = text_of(clients, region, secret, Some(&current_version)).await?;
    let value = json_field::value_of(text.expose(), field.as_str())
        .map_err(|_| not_an_object(secret))?
        .and_then(|range| serde_json::from_str::<String>(text.expose().get(range)?).ok())
        .map(|value| shown(&Secret::new(value)));
    Ok(PlaceView::SecretField { value, current_version, staged })
}

/// Puts a new version that differs from its base in one field. Nobody reads it yet.
pub(super) async fn stage(
    clients: &Clients,
    region: &Region,
    secret: &ResourceName,
    field: &ResourceName,
    value: &str,
    (base_version, version): (&str, &str),
    stage: &str,
) -> PortResult<Performed> {
    let operation = Sending::of(Operation::PutSecretValue);
    operation.permit(region, &resource(secret))?;
    let staged = async {
        let base = text_of(clients, region, secret, Some(base_version)).await?;
        let text = json_field::with_string(base.expose(), field.as_str(), value).map_err(|_| not_an_object(secret))?;
        let text = Secret::new(text);
        clients
            .secretsmanager(region)
            .put_secret_value()
            .secret_id(secret.as_str())
            .client_request_token(version)
            .secret_string(text.expose())
            .version_stages(stage)
            .customize()
            .config_override(once!(aws_sdk_secretsmanager))
            .send()
            .await
            .map_err(|error| operation.failed_with_secret(&error))
    };
    let answer = operation.within(OPERATION, staged).await?;
    Ok(Performed { version: answer.version_id().map(str::to_owned), ..Performed::plainly() })
}

/// Moves AWSCURRENT, and only from the version that must hold it now.
pub(super) async fn move_current(
    clients: &Clients,
    region: &Region,
    secret: &ResourceName,
    to_version: &str,
    from_version: &str,
) -> PortResult<Performed> {
    let operation = Sending::of(Operation::UpdateSecretVersionStage);
    operation.permit(region, &resource(secret))?;
    clients
        .secretsmanager(region)
        .update_secret_version_stage()
        .secret_id(secret.as_str())
        .version_stage(CURRENT)
        .move_to_version_id(to_version)
        .remove_from_version_id(from_version)
        .customize()
        .config_override(once!(aws_sdk_secretsmanager))
        .send()
        .await
        .map_err(|error| lost_condition(operation.failed(&error)))?;
    Ok(Performed { version: Some(to_version.to_owned()), ..Performed::plainly() })
}

/// The service has no error of its own for "the stage is elsewhere": it is an InvalidParameterException that speaks of the
/// version to which the label is attached.
fn lost_condition(mut failure: PortError) -> PortError {
    let speaks_of_it = failure.message.contains("attached to version") || failure.message.contains("RemoveFromVersionId");
    if failure.code == "InvalidParameterException" && speaks_of_it {
        failure.kind = FailureKind::Conflict;
    }
    failure
}

/// What clients read now.
pub(in crate::adapters) async fn current(
    clients: &Clients,
    region: &Region,
    secret: &ResourceName,
) -> PortResult<Secret<String>> {
    text_of(clients, region, secret, None).await
}

async fn text_of(
    clients: &Clients,
    region: &Region,
    secret: &ResourceName,
    version: Option<&str>,
) -> PortResult<Secret<String>> {
    let operation = Sending::of(Operation::GetSecretValue);
    operation.permit(region, &resource(secret))?;
    let answer = clients
        .secretsmanager(region)
        .get_secret_value()
        .secret_id(secret.as_str())
        .set_version_id(version.map(str::to_owned))
        .send()
        .await
        .map_err(|error| operation.failed(&error))?;
    answer.secret_string().map(|text| Secret::new(text.to_owned())).ok_or_else(|| {
        operation.failure(FailureKind::Refused, "secret_is_binary", &format!("{secret} holds bytes, so it has no fields"))
    })
}

fn not_an_object(secret: &ResourceName) -> PortError {
    Sending::of(Operation::GetSecretValue).failure(
        FailureKind::Refused,
        "secret_is_no_object",
        &format!("{secret} is not a JSON object, so it has no fields"),
    )
}

fn resource(secret: &ResourceName) -> String {
    format!("secret:{secret}")
}
