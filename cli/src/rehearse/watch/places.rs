//! Where clients of the platform find the database, and where their writes can be held: what stands there now.
//!
//! Only what the plan names is read, so no secret beside it can be shown.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::domain::plan::{ApiProtocol, EndpointPlace, HoldPoint};

use super::super::console::Line;
use crate::drill::Drill;

/// One place, and how it is asked.
struct Place {
    shown: String,
    service: &'static str,
    region: String,
    operation: &'static str,
    parameters: Value,
    value: Box<dyn Fn(&Value) -> String>,
}

/// Every place, with what was last told of it.
pub(super) struct Places {
    places: Vec<Place>,
    told: BTreeMap<String, String>,
}

impl Places {
    pub(super) fn of(drill: &Drill) -> Self {
        let database = &drill.platform.database;
        let endpoints = database.endpoints.iter().map(endpoint);
        let holds = database.holds.iter().flat_map(hold);
        Self { places: endpoints.chain(holds).collect(), told: BTreeMap::new() }
    }

    pub(super) async fn look(&mut self, drill: &Drill) -> Vec<Line> {
        let mut lines = Vec::new();
        for place in &self.places {
            let answer =
                drill.stage.client.call(place.service, &place.region, place.operation, place.parameters.clone()).await;
            let Ok(answer) = answer else { continue };
            let value = (place.value)(&answer);
            let before = self.told.insert(place.shown.clone(), value.clone());
            if before.as_ref() == Some(&value) {
                continue;
            }
            let change = before.map_or_else(|| value.clone(), |before| format!("{before} -> {value}"));
            lines.push(Line::new(drill.stage.now(), format!("{} {}", place.region, place.shown), change));
        }
        lines
    }
}

fn text_at(answer: &Value, pointer: &str) -> String {
    answer.pointer(pointer).and_then(Value::as_str).unwrap_or("(not set)").to_owned()
}

fn variable_of(answer: &Value, variable: &str) -> String {
    let variables = answer.pointer("/Environment/Variables");
    variables.and_then(|all| all.get(variable)).and_then(Value::as_str).unwrap_or("(not set)").to_owned()
}

fn variable(region: &str, function: &str, variable: &str) -> Place {
    let name = variable.to_owned();
    Place {
        shown: format!("variable {variable} of {function}"),
        service: "lambda",
        region: region.to_owned(),
        operation: "get_function_configuration",
        parameters: json!({"FunctionName": function}),
        value: Box::new(move |answer| variable_of(answer, &name)),
    }
}

fn endpoint(place: &EndpointPlace) -> Place {
    match place {
        EndpointPlace::SsmParameter { name, region, .. } => Place {
            shown: format!("parameter {name}"),
            service: "ssm",
            region: region.to_string(),
            operation: "get_parameter",
            parameters: json!({"Name": name, "WithDecryption": true}),
            value: Box::new(|answer| text_at(answer, "/Parameter/Value")),
        },
        EndpointPlace::Secret { name, field, region, .. } => {
            let wanted = field.as_str().to_owned();
            Place {
                shown: format!("secret {name}, {field}"),
                service: "secretsmanager",
                region: region.to_string(),
                operation: "get_secret_value",
                parameters: json!({"SecretId": name}),
                value: Box::new(move |answer| {
                    let secret: Value = serde_json::from_str(&text_at(answer, "/SecretString")).unwrap_or_default();
                    secret.get(&wanted).and_then(Value::as_str).unwrap_or("(not set)").to_owned()
                }),
            }
        }
        EndpointPlace::LambdaEnvironment { function, variable: name, region, .. } => {
            variable(region.as_str(), function.as_str(), name.as_str())
        }
    }
}

fn hold(point: &HoldPoint) -> Vec<Place> {
    match point {
        HoldPoint::LambdaEnvironment { function, variable: name, region, .. } => {
            vec![variable(region.as_str(), function.as_str(), name.as_str())]
        }
        HoldPoint::ApiGatewayStage { protocol, api, stage, methods, region, .. } => methods
            .iter()
            .map(|method| {
                let method = String::from(method.clone());
                let shown = format!("{method} of API {api}");
                let (service, operation, parameters, limits) = match protocol {
                    ApiProtocol::Rest => {
                        ("apigateway", "get_stage", json!({"restApiId": api, "stageName": stage}), "/methodSettings")
                    }
                    ApiProtocol::Http => {
                        ("apigatewayv2", "get_stage", json!({"ApiId": api, "StageName": stage}), "/RouteSettings")
                    }
                };
                Place {
                    shown,
                    service,
                    region: region.to_string(),
                    operation,
                    parameters,
                    value: Box::new(move |answer| limit(answer.pointer(limits), &method)),
                }
            })
            .collect(),
    }
}

/// How many requests of a method are let through. Keys come as `POST /patients`, `/patients/POST`, `patients/POST` or
/// `~1patients/POST`.
fn limit(settings: Option<&Value>, method: &str) -> String {
    let (verb, path) = method.split_once(' ').unwrap_or(("", method));
    let wanted = format!("{}/{verb}", path.trim_start_matches('/'));
    let settings = settings.and_then(Value::as_object).into_iter().flatten();
    let found = settings.filter(|(key, _)| *key == method || key.replace("~1", "/").trim_start_matches('/') == wanted);
    let rates = found.filter_map(|(_, setting)| {
        setting.get("throttlingRateLimit").or(setting.get("ThrottlingRateLimit")).and_then(Value::as_f64)
    });
    match rates.reduce(f64::min) {
        None => "not limited".to_owned(),
        Some(0.0) => "held: no request is let through".to_owned(),
        Some(rate) => format!("limited to {rate} requests a second"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_method_is_seen_however_its_key_is_spelt() {
        for key in ["/patients/POST", "patients/POST", "~1patients/POST"] {
            let settings = json!({key: {"throttlingRateLimit": 0.0}, "patients/GET": {"throttlingRateLimit": 5.0}});
            assert_eq!(limit(Some(&settings), "POST /patients"), "held: no request is let through", "{key}");
        }
        let routes = json!({"POST /patients": {"ThrottlingRateLimit": 7.5}});
        assert_eq!(limit(Some(&routes), "POST /patients"), "limited to 7.5 requests a second");
        assert_eq!(limit(Some(&routes), "PUT /patients"), "not limited");
        assert_eq!(limit(None, "PUT /patients"), "not limited");
    }
}
