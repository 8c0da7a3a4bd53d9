//! What the services make of the calls: enough of API Gateway and Lambda to see whether undo restores what was there.

use super::*;
use crate::domain::mutation::PatchOperation;
use crate::domain::step::{RouteSettings, Throttle};

/// How UpdateStage of an HTTP API treats a route that it names. AWS does not document which; undo must be exact either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Merging {
    /// What is sent changes, what is not sent stays.
    Fields,
    /// What is sent takes the place of the route's settings.
    Routes,
}

/// Points, and how each stands.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) points: Vec<HoldPoint>,
    pub(super) views: Vec<HoldView>,
    pub(super) merging: Merging,
}

impl Service {
    /// Carries a call out, or refuses it and changes nothing.
    pub(super) fn perform(&mut self, mutation: &Mutation) -> Result<(), String> {
        match mutation {
            Mutation::PatchRestStage { region, api, stage, operations } => {
                let HoldView::Throttles { by_method } = self.stage(region, api, stage)? else { return Err(strange()) };
                let mut patched = by_method.clone();
                operations.iter().try_for_each(|operation| patch(&mut patched, operation))?;
                *by_method = patched;
            }
            Mutation::PutHttpRouteSettings { region, api, stage, routes } => {
                let merging = self.merging;
                let HoldView::Routes { by_route } = self.stage(region, api, stage)? else { return Err(strange()) };
                for (route, sent) in routes {
                    let before = match merging {
                        Merging::Fields => by_route.get(route).copied().unwrap_or_default(),
                        Merging::Routes => RouteSettings::default(),
                    };
                    let after = RouteSettings {
                        rate: sent.rate.or(before.rate),
                        burst: sent.burst.or(before.burst),
                        detailed_metrics: sent.detailed_metrics.or(before.detailed_metrics),
                    };
                    by_route.insert(route.clone(), after);
                }
            }
            Mutation::DeleteRouteSettings { region, api, stage, route } => {
                let HoldView::Routes { by_route } = self.stage(region, api, stage)? else { return Err(strange()) };
                by_route.remove(route).ok_or_else(|| format!("{route} has no settings"))?;
            }
            Mutation::SetFunctionVariable { function: of, variable: name, value: new, kept, .. } => {
                for (point, view) in self.points.iter().zip(&mut self.views) {
                    if let HoldPoint::LambdaEnvironment { function, variable, .. } = point
                        && let HoldView::Variable { value, others, .. } = view
                        && (function, variable) == (of, name)
                    {
                        assert_eq!(others, kept, "the other variables are replaced together with this one");
                        value.clone_from(new);
                    }
                }
            }
            other => return Err(format!("{other:?} is no call of a hold")),
        }
        Ok(())
    }

    fn stage(&mut self, at: &Region, of: &ResourceName, named: &ResourceName) -> Result<&mut HoldView, String> {
        let is_meant = |point: &HoldPoint| match point {
            HoldPoint::ApiGatewayStage { region, api, stage, .. } => (region, api, stage) == (at, of, named),
            HoldPoint::LambdaEnvironment { .. } => false,
        };
        let index = self.points.iter().position(is_meant).ok_or_else(strange)?;
        self.views.get_mut(index).ok_or_else(strange)
    }
}

fn strange() -> String {
    "there is no such stage".to_owned()
}

/// A method that is patched without having settings gets all of them, with −1 for a figure that was not named.
fn patch(by_method: &mut BTreeMap<String, Throttle>, operation: &PatchOperation) -> Result<(), String> {
    let pieces: Vec<&str> = operation.path.trim_start_matches('/').split('/').collect();
    let [resource, verb, setting @ ..] = pieces.as_slice() else { return Err("the path names no method".to_owned()) };
    let key = match *resource {
        "*" => format!("*/{verb}"),
        path => format!("{verb} {}", path.replace("~1", "/").replace("~0", "~")),
    };
    match (operation.op.as_str(), setting, &operation.value) {
        ("remove", [], None) => by_method.remove(&key).map(|_| ()).ok_or_else(|| format!("{key} has no settings")),
        ("replace", ["throttling", figure], Some(value)) => {
            let throttle = by_method.entry(key).or_insert(Throttle { rate: -1.0, burst: -1 });
            match *figure {
                "rateLimit" => throttle.rate = value.parse().map_err(|_| "the rate is no number")?,
                "burstLimit" => throttle.burst = value.parse().map_err(|_| "the burst is no number")?,
                _ => return Err(format!("there is no setting {figure}")),
            }
            Ok(())
        }
        _ => Err(format!("{operation:?} is not supported")),
    }
}
