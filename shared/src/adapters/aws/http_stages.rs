//! API Gateway, HTTP APIs: settings per route of a stage.

use std::collections::BTreeMap;

use aws_sdk_apigatewayv2::types::RouteSettings as SdkRouteSettings;

use super::Clients;
use super::clients::once;
use crate::adapters::Sending;
use crate::domain::identifier::{Region, ResourceName};
use crate::domain::mutation::Performed;
use crate::domain::operation::Operation;
use crate::domain::step::RouteSettings;
use crate::ports::PortResult;

/// The settings by route. Routes with nothing set are left out, whether or not the service lists them.
pub(super) async fn read(
    clients: &Clients,
    region: &Region,
    api: &ResourceName,
    stage: &ResourceName,
) -> PortResult<BTreeMap<String, RouteSettings>> {
    let operation = Sending::of(Operation::GetHttpStage);
    operation.permit(region, &resource(api, stage))?;
    let answer = clients
        .apigatewayv2(region)
        .get_stage()
        .api_id(api.as_str())
        .stage_name(stage.as_str())
        .send()
        .await
        .map_err(|error| operation.failed(&error))?;
    let settings = answer.route_settings().into_iter().flatten();
    Ok(settings
        .map(|(route, setting)| {
            let settings = RouteSettings {
                rate: setting.throttling_rate_limit(),
                burst: setting.throttling_burst_limit(),
                detailed_metrics: setting.detailed_metrics_enabled(),
            };
            (route.clone(), settings)
        })
        .filter(|(_, settings)| *settings != RouteSettings::default())
        .collect())
}

/// Sends settings of some routes. Routes that are not named keep theirs.
///
/// A route's settings are sent whole, as they were decided on, so that it does not matter whether the service merges them field by
/// field. Log settings are never among them: only WebSocket APIs have them, and the call is refused when it names them.
pub(super) async fn put(
    clients: &Clients,
    region: &Region,
    api: &ResourceName,
    stage: &ResourceName,
    routes: &BTreeMap<String, RouteSettings>,
) -> PortResult<Performed> {
    let operation = Sending::of(Operation::UpdateHttpStage);
    operation.permit(region, &resource(api, stage))?;
    let settings = routes.iter().map(|(route, settings)| {
        let sent = SdkRouteSettings::builder()
            .set_throttling_rate_limit(settings.rate)
            .set_throttling_burst_limit(settings.burst)
            .set_detailed_metrics_enabled(settings.detailed_metrics);
        (route.clone(), sent.build())
    });
    clients
        .apigatewayv2(region)
        .update_stage()
        .api_id(api.as_str())
        .stage_name(stage.as_str())
        .set_route_settings(Some(settings.collect()))
        .customize()
        .config_override(once!(aws_sdk_apigatewayv2))
        .send()
        .await
        .map_err(|error| operation.failed(&error))?;
    Ok(Performed::plainly())
}

/// Takes all settings of one route away. Of a route that has none the service says that they are not found.
pub(super) async fn delete(
    clients: &Clients,
    region: &Region,
    api: &ResourceName,
    stage: &ResourceName,
    route: &str,
) -> PortResult<Performed> {
    let operation = Sending::of(Operation::DeleteRouteSettings);
    operation.permit(region, &resource(api, stage))?;
    clients
        .apigatewayv2(region)
        .delete_route_settings()
        .api_id(api.as_str())
        .stage_name(stage.as_str())
        .route_key(route)
        .customize()
        .config_override(once!(aws_sdk_apigatewayv2))
        .send()
        .await
        .map_err(|error| operation.failed(&error))?;
    Ok(Performed::plainly())
}

fn resource(api: &ResourceName, stage: &ResourceName) -> String {
    format!("/apis/{api}/stages/{stage}")
}
