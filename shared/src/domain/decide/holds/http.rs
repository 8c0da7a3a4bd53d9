//! The route settings of an HTTP API's stage. UpdateStage merges what it is sent into what is there, so it closes routes and
//! gives them other figures, but takes nothing away; for that there is DeleteRouteSettings, one route at a time.

use std::collections::BTreeMap;

use super::super::super::mutation::Mutation;
use super::super::super::plan::Reads;
use super::super::super::step::{RouteSettings, SavedHold};
use super::super::StepCase;
use super::{Closing, Restoring, Stage};

/// What it takes to close the stage's write routes.
pub(super) fn close(stage: Stage<'_>, by_route: &BTreeMap<String, RouteSettings>) -> Closing {
    let mut keys = stage.listed();
    if stage.reads == Reads::Stopped {
        keys.extend(by_route.keys().cloned());
    }
    let open: BTreeMap<String, RouteSettings> = keys
        .iter()
        .map(|key| (key, by_route.get(key).copied().unwrap_or_default()))
        .filter(|(_, now)| !is_closed(now))
        .map(|(key, now)| (key.clone(), RouteSettings { rate: Some(0.0), burst: Some(0), ..now }))
        .collect();
    if open.is_empty() {
        return Closing::Closed;
    }
    let before = keys.into_iter().map(|key| (by_route.get(&key).copied(), key)).map(|(settings, key)| (key, settings));
    Closing::Needed(put(stage, open), SavedHold::Routes { by_route: before.collect() })
}

/// What `reads: stopped` cannot do here, for the report.
pub(super) fn shortfall(stage: Stage<'_>) -> Option<String> {
    (stage.reads == Reads::Stopped).then(|| {
        format!(
            "reads may go on at stage {} of API {}: it is an HTTP API, whose default throttle cannot be taken away again once it \
             is set, so only the listed routes and those with settings of their own were closed",
            stage.name, stage.api
        )
    })
}

/// What it takes to give each route back the settings it had, or none.
///
/// Removals come first: UpdateStage checks the settings of all routes of the stage, and refuses while one of them belongs to a
/// route that no longer exists.
pub(super) fn restore(
    case: StepCase<'_>,
    stage: Stage<'_>,
    by_route: &BTreeMap<String, RouteSettings>,
    saved: &BTreeMap<String, Option<RouteSettings>>,
) -> Restoring {
    let (mut removals, mut throttled, mut rest) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    let mut foreign = Vec::new();
    for (key, before) in saved {
        let now = by_route.get(key);
        if is_as_before(now, before.as_ref()) {
            continue;
        }
        match (now, before) {
            // Metrics as they are now: we never changed them, and someone else may have.
            (Some(now), Some(before)) if is_closed(now) && is_throttled(before) => {
                throttled.insert(key.clone(), RouteSettings { detailed_metrics: now.detailed_metrics, ..*before });
            }
            // A figure that was not set can only be taken away together with everything else that the route has.
            (Some(now), _) if is_closed(now) => removals.push(delete(stage, key)),
            (None, Some(before)) if case.may_have_made(&delete(stage, key)) => {
                rest.insert(key.clone(), *before);
            }
            _ => foreign.push(key.as_str()),
        }
    }
    let mut needed = removals;
    // Two calls: which of them is due when does not depend on how soon a removal shows.
    needed.extend([throttled, rest].into_iter().filter(|routes| !routes.is_empty()).map(|routes| put(stage, routes)));
    if needed.is_empty() { Restoring::unless_changed(&foreign) } else { Restoring::Needed(needed) }
}

/// No request passes.
fn is_closed(settings: &RouteSettings) -> bool {
    settings.rate == Some(0.0) && settings.burst == Some(0)
}

/// Whether a route has both figures, so that sending them undoes a hold. A missing one cannot be sent.
fn is_throttled(settings: &RouteSettings) -> bool {
    settings.rate.is_some() && settings.burst.is_some()
}

/// Whether a route is throttled as it was. A hold leaves metrics alone, so a difference in them is someone else's wish.
fn is_as_before(now: Option<&RouteSettings>, before: Option<&RouteSettings>) -> bool {
    match (now, before) {
        (Some(now), Some(before)) => (now.rate, now.burst) == (before.rate, before.burst),
        (None, None) => true,
        _ => false,
    }
}

fn put(stage: Stage<'_>, routes: BTreeMap<String, RouteSettings>) -> Mutation {
    Mutation::PutHttpRouteSettings {
        region: stage.region.clone(),
        api: stage.api.clone(),
        stage: stage.name.clone(),
        routes,
    }
}

fn delete(stage: Stage<'_>, route: &str) -> Mutation {
    Mutation::DeleteRouteSettings {
        region: stage.region.clone(),
        api: stage.api.clone(),
        stage: stage.name.clone(),
        route: route.to_owned(),
    }
}
