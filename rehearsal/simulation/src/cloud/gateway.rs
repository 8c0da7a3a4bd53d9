//! Stages of API Gateway. In an HTTP API a route's settings are merged by one call and taken away by another. In a REST API a method's settings are one entry that is made and removed as a whole; a value that is
//! patched into no entry makes one, with −1 for the throttle that was not named.

use std::collections::BTreeMap;

use shared::domain::mutation::{PatchOperation, Performed};
use shared::domain::step::{RouteSettings, Throttle};
use shared::ports::{FailureKind, PortResult};

use super::super::faults::failure;

/// The settings of one method.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodSetting {
    /// Steady requests a second; −1 for no limit of its own.
    pub rate: f64,
    /// Burst; −1 for no limit of its own.
    pub burst: i32,
    /// What else is set, by name.
    pub others: BTreeMap<String, String>,
}

impl MethodSetting {
    /// Settings with only a throttle.
    #[must_use]
    pub fn throttle(rate: f64, burst: i32) -> Self {
        Self { rate, burst, others: BTreeMap::new() }
    }
}

/// A stage of a REST API: settings by method, keyed `~1patients/POST`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RestStage {
    /// The entries.
    pub methods: BTreeMap<String, MethodSetting>,
}

impl RestStage {
    /// The throttle in force for a method, by its key.
    #[must_use]
    pub fn in_force(&self, key: &str) -> Option<(f64, i32)> {
        let own = self.methods.get(key).filter(|setting| setting.rate >= 0.0);
        own.or_else(|| self.methods.get("*/*")).map(|setting| (setting.rate, setting.burst))
    }

    pub(crate) fn view(&self) -> BTreeMap<String, Throttle> {
        let throttle = |setting: &MethodSetting| Throttle { rate: setting.rate, burst: setting.burst };
        self.methods.iter().map(|(key, setting)| (method_key(key), throttle(setting))).collect()
    }

    /// Applies a patch list: all of it, or none.
    pub(crate) fn patch(&mut self, operations: &[PatchOperation]) -> PortResult<Performed> {
        let mut patched = self.clone();
        for operation in operations {
            patched.apply(operation).map_err(|why| {
                let message = format!("Invalid patch operation {} {}: {why}", operation.op, operation.path);
                failure(FailureKind::Refused, ("apigateway", "UpdateStage"), "BadRequestException", message)
            })?;
        }
        *self = patched;
        Ok(Performed::plainly())
    }

    fn apply(&mut self, operation: &PatchOperation) -> Result<(), &'static str> {
        let pieces: Vec<&str> = operation.path.trim_start_matches('/').split('/').collect();
        let [resource, verb, setting @ ..] = pieces.as_slice() else { return Err("the path names no method") };
        let key = format!("{resource}/{verb}");
        match (operation.op.as_str(), setting, &operation.value) {
            ("remove", [], None) => self.methods.remove(&key).map(|_| ()).ok_or("there are no settings to remove"),
            ("remove", ..) => Err("a single setting cannot be removed"),
            ("replace", ["throttling", name], Some(value)) => {
                let entry = self.methods.entry(key).or_insert(MethodSetting::throttle(-1.0, -1));
                match *name {
                    "rateLimit" => entry.rate = value.parse().map_err(|_| "the rate is no number")?,
                    "burstLimit" => entry.burst = value.parse().map_err(|_| "the burst is no whole number")?,
                    _ => return Err("there is no such setting"),
                }
                Ok(())
            }
            _ => Err("this operation is not supported here"),
        }
    }
}

/// A method's key as the ports name it: `POST /patients`.
fn method_key(key: &str) -> String {
    match key.rsplit_once('/').filter(|_| key != "*/*") {
        Some((path, verb)) => format!("{verb} {}", path.replace("~1", "/").replace("~0", "~")),
        None => key.to_owned(),
    }
}

/// UpdateStage of an HTTP API: merges what is sent into the routes that are named, and takes nothing away.
pub(crate) fn put_routes(routes: &mut BTreeMap<String, RouteSettings>, sent: &BTreeMap<String, RouteSettings>) -> Performed {
    for (route, settings) in sent {
        let held = routes.entry(route.clone()).or_default();
        held.rate = settings.rate.or(held.rate);
        held.burst = settings.burst.or(held.burst);
        held.detailed_metrics = settings.detailed_metrics.or(held.detailed_metrics);
    }
    Performed::plainly()
}

/// DeleteRouteSettings: takes all settings of one route away.
pub(crate) fn delete_route(routes: &mut BTreeMap<String, RouteSettings>, route: &str) -> PortResult<Performed> {
    let Some(_) = routes.remove(route) else {
        let message = format!("Unable to find route settings for {route}");
        return Err(failure(FailureKind::NotFound, ("apigateway", "DeleteRouteSettings"), "NotFoundException", message));
    };
    Ok(Performed::plainly())
}
