//! API Gateway, HTTP APIs: throttling per route of a stage.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_apigatewayv2::types::RouteSettings;

use super::Clients;
use super::clients::{OPERATION, once};
use crate::adapters::Operation;
use crate::domain::identifier::{Region, ResourceName};
use crate::domain::mutation::{Performed, RouteThrottle};
use crate::domain::step::Throttle;
use crate::ports::{FailureKind, PortError, PortResult};

/// The throttles by route. A route without both figures of its own is throttled by the stage's default, so it has none here.
pub(super) async fn read(
    clients: &Clients,
    region: &Region,
    api: &ResourceName,
    stage: &ResourceName,
) -> PortResult<BTreeMap<String, Throttle>> {
    let settings = get(clients, region, api, stage).await?;
    Ok(settings
        .into_iter()
        .filter_map(|(route, setting)| {
            let throttle = Throttle { rate: setting.throttling_rate_limit()?, burst: setting.throttling_burst_limit()? };
            Some((route, throttle))
        })
        .collect())
}

/// Writes the throttles of routes. UpdateStage replaces a route's settings as a whole, so what else they hold is carried over.
/// It never removes a route's settings: that is another operation, DeleteRouteSettings, which no step is permitted.
pub(super) async fn put(
    clients: &Clients,
    region: &Region,
    api: &ResourceName,
    stage: &ResourceName,
    routes: &[RouteThrottle],
) -> PortResult<Performed> {
    let operation = Operation::new("apigateway", "UpdateStage");
    operation.within(OPERATION, update(operation, clients, region, api, stage, routes)).await
}

async fn update(
    operation: Operation,
    clients: &Clients,
    region: &Region,
    api: &ResourceName,
    stage: &ResourceName,
    routes: &[RouteThrottle],
) -> PortResult<Performed> {
    operation.permit(region, &resource(api, stage))?;
    let present = get(clients, region, api, stage).await?;
    let mut settings = HashMap::new();
    for RouteThrottle { route, throttle } in routes {
        let before = present.get(route);
        match throttle {
            Some((rate, burst)) => {
                let rate: f64 = rate.parse().map_err(|_| {
                    operation.failure(FailureKind::Refused, "rate_is_no_number", &format!("the rate of {route} is {rate}"))
                })?;
                let kept = RouteSettings::builder()
                    .set_data_trace_enabled(before.and_then(RouteSettings::data_trace_enabled))
                    .set_detailed_metrics_enabled(before.and_then(RouteSettings::detailed_metrics_enabled))
                    .set_logging_level(before.and_then(RouteSettings::logging_level).cloned());
                settings.insert(route.clone(), kept.throttling_rate_limit(rate).throttling_burst_limit(*burst).build());
            }
            None if before.is_some_and(is_throttled) => {
                return Err(cannot_remove(operation, api, stage, route));
            }
            None => {}
        }
    }
    clients
        .apigatewayv2(region)
        .update_stage()
        .api_id(api.as_str())
        .stage_name(stage.as_str())
        .set_route_settings(Some(settings))
        .customize()
        .config_override(once!(aws_sdk_apigatewayv2))
        .send()
        .await
        .map_err(|error| operation.failed(&error))?;
    Ok(Performed::plainly())
}

fn is_throttled(setting: &RouteSettings) -> bool {
    setting.throttling_rate_limit().is_some() || setting.throttling_burst_limit().is_some()
}

/// Says what a person has to do, since leaving the throttle in place and calling it removed would keep writes held for good.
fn cannot_remove(operation: Operation, api: &ResourceName, stage: &ResourceName, route: &str) -> PortError {
    let message = format!(
        "UpdateStage cannot remove a route's throttle; run: aws apigatewayv2 delete-route-settings --api-id {api} --stage-name {stage} --route-key '{route}'"
    );
    operation.failure(FailureKind::Refused, "route_settings_need_removal", &message)
}

async fn get(
    clients: &Clients,
    region: &Region,
    api: &ResourceName,
    stage: &ResourceName,
) -> PortResult<HashMap<String, RouteSettings>> {
    let operation = Operation::new("apigateway", "GetStage");
    operation.permit(region, &resource(api, stage))?;
    let answer = clients
        .apigatewayv2(region)
        .get_stage()
        .api_id(api.as_str())
        .stage_name(stage.as_str())
        .send()
        .await
        .map_err(|error| operation.failed(&error))?;
    Ok(answer.route_settings().cloned().unwrap_or_default())
}

fn resource(api: &ResourceName, stage: &ResourceName) -> String {
    format!("/apis/{api}/stages/{stage}")
}
