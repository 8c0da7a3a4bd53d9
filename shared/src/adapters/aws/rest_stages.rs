//! API Gateway, REST APIs: throttling per method of a stage.

use std::collections::BTreeMap;

use aws_sdk_apigateway::types::{Op, PatchOperation as SdkPatchOperation};

use super::Clients;
use super::clients::once;
use crate::adapters::Sending;
use crate::domain::identifier::{Region, ResourceName};
use crate::domain::mutation::{PatchOperation, Performed};
use crate::domain::operation::Operation;
use crate::domain::step::Throttle;
use crate::ports::PortResult;

/// The throttles by method, keyed `POST /patients`, and `*/*` for the stage's own.
pub(super) async fn read(
    clients: &Clients,
    region: &Region,
    api: &ResourceName,
    stage: &ResourceName,
) -> PortResult<BTreeMap<String, Throttle>> {
    let operation = Sending::of(Operation::GetRestStage);
    operation.permit(region, &resource(api, stage))?;
    let answer = clients
        .apigateway(region)
        .get_stage()
        .rest_api_id(api.as_str())
        .stage_name(stage.as_str())
        .send()
        .await
        .map_err(|error| operation.failed(&error))?;
    let settings = answer.method_settings().into_iter().flatten();
    Ok(settings
        .map(|(key, setting)| {
            let throttle = Throttle { rate: setting.throttling_rate_limit(), burst: setting.throttling_burst_limit() };
            (method_key(key), throttle)
        })
        .collect())
}

/// Applies patch operations in order.
pub(super) async fn patch(
    clients: &Clients,
    region: &Region,
    api: &ResourceName,
    stage: &ResourceName,
    operations: &[PatchOperation],
) -> PortResult<Performed> {
    let operation = Sending::of(Operation::UpdateRestStage);
    operation.permit(region, &resource(api, stage))?;
    let patches = operations.iter().map(|patch| {
        SdkPatchOperation::builder().op(Op::from(patch.op.as_str())).path(&patch.path).set_value(patch.value.clone()).build()
    });
    clients
        .apigateway(region)
        .update_stage()
        .rest_api_id(api.as_str())
        .stage_name(stage.as_str())
        .set_patch_operations(Some(patches.collect()))
        .customize()
        .config_override(once!(aws_sdk_apigateway))
        .send()
        .await
        .map_err(|error| operation.failed(&error))?;
    Ok(Performed::plainly())
}

fn resource(api: &ResourceName, stage: &ResourceName) -> String {
    format!("/restapis/{api}/stages/{stage}")
}

/// A method's key in the plan's form. API Gateway writes `~1patients/POST` or `patients/POST`, depending on how the setting was
/// made; `*/*` is the stage's own and stays as it is.
fn method_key(key: &str) -> String {
    let Some((path, verb)) = key.rsplit_once('/').filter(|_| key != "*/*") else {
        return key.to_owned();
    };
    let path = path.replace("~1", "/").replace("~0", "~");
    format!("{verb} /{}", path.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_has_one_key_however_the_service_writes_it() {
        for (written, key) in [
            ("~1patients/POST", "POST /patients"),
            ("patients/POST", "POST /patients"),
            ("/patients/POST", "POST /patients"),
            ("~1patients~1{id}/PUT", "PUT /patients/{id}"),
            ("patients/{id}/PUT", "PUT /patients/{id}"),
            ("~1/GET", "GET /"),
            ("/GET", "GET /"),
            ("~1a~0b/GET", "GET /a~b"),
            ("*/*", "*/*"),
        ] {
            assert_eq!(method_key(written), key, "{written}");
        }
    }
}
