//! What a person runs to bring the routes of an HTTP API back.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::identifier::{Region, ResourceName};
use super::super::step::RouteSettings;

/// One or two commands per route, ready to run.
pub(super) fn bring_back(
    region: &Region,
    api: &ResourceName,
    stage: &ResourceName,
    by_route: &BTreeMap<String, Option<RouteSettings>>,
) -> Vec<String> {
    let at = format!("--region {region} --api-id {api} --stage-name {}", quoted(stage.as_str()));
    by_route.iter().flat_map(|(route, before)| of_route(&at, route, before.unwrap_or_default())).collect()
}

/// UpdateStage takes nothing away, so a route that lacked a figure loses all its settings first.
fn of_route(at: &str, route: &str, RouteSettings { rate, burst, detailed_metrics }: RouteSettings) -> Vec<String> {
    let mut commands = Vec::new();
    if rate.is_none() || burst.is_none() {
        commands.push(format!("aws apigatewayv2 delete-route-settings {at} --route-key {}", quoted(route)));
    }
    let fields = [
        ("ThrottlingRateLimit", rate.map(Value::from)),
        ("ThrottlingBurstLimit", burst.map(Value::from)),
        ("DetailedMetricsEnabled", detailed_metrics.map(Value::from)),
    ];
    let settings: Map<String, Value> =
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    if !settings.is_empty() {
        let settings = json!({ route: settings }).to_string();
        commands.push(format!("aws apigatewayv2 update-stage {at} --route-settings {}", quoted(&settings)));
    }
    commands
}

/// One word for a shell: `$default` is a stage's name, and route keys hold blanks and braces.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_route_gets_back_what_it_had_and_no_more() {
        let at = "--region us-east-1 --api-id a1b2c3 --stage-name '$default'";
        let settings = |rate, burst, detailed_metrics| Some(RouteSettings { rate, burst, detailed_metrics });
        for (before, expected) in [
            (None, vec![format!("aws apigatewayv2 delete-route-settings {at} --route-key 'POST /it'\\''s'")]),
            (
                settings(Some(0.5), Some(2), None),
                vec![format!(
                    r#"aws apigatewayv2 update-stage {at} --route-settings '{{"POST /it'\''s":{{"ThrottlingBurstLimit":2,"ThrottlingRateLimit":0.5}}}}'"#
                )],
            ),
            (
                settings(None, None, Some(true)),
                vec![
                    format!("aws apigatewayv2 delete-route-settings {at} --route-key 'POST /it'\\''s'"),
                    format!(
                        r#"aws apigatewayv2 update-stage {at} --route-settings '{{"POST /it'\''s":{{"DetailedMetricsEnabled":true}}}}'"#
                    ),
                ],
            ),
        ] {
            let (region, name) = (Region::new("us-east-1").unwrap(), |text| ResourceName::new(text).unwrap());
            let by_route = [("POST /it's".to_owned(), before)].into();
            assert_eq!(bring_back(&region, &name("a1b2c3"), &name("$default"), &by_route), expected);
        }
    }
}
