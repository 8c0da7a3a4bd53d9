//! The throttles of a REST API's stage: one patch list closes all methods, and another opens them.

use std::collections::BTreeMap;

use super::super::super::mutation::{Mutation, PatchOperation};
use super::super::super::plan::Reads;
use super::super::super::step::{SavedHold, Throttle};
use super::{Closing, Restoring, Stage};

/// The key under which a stage keeps the settings of all its methods.
const EVERY_METHOD: &str = "*/*";
/// No request passes.
const CLOSED: Throttle = Throttle { rate: 0.0, burst: 0 };

/// What it takes to close the stage's write methods, or the whole stage.
pub(super) fn close(stage: Stage<'_>, by_method: &BTreeMap<String, Throttle>) -> Closing {
    let mut keys = stage.listed();
    if stage.reads == Reads::Stopped {
        // A method's own setting wins over the stage's, so each that has one is closed too.
        keys.extend(by_method.keys().cloned());
        keys.insert(EVERY_METHOD.to_owned());
    }
    let open: Vec<(&str, Option<Throttle>)> =
        keys.iter().filter(|key| by_method.get(*key) != Some(&CLOSED)).map(|key| (key.as_str(), Some(CLOSED))).collect();
    if open.is_empty() {
        return Closing::Closed;
    }
    let mutation = patch(stage, &open);
    let before = keys.into_iter().map(|key| (by_method.get(&key).copied(), key)).map(|(throttle, key)| (key, throttle));
    Closing::Needed(mutation, SavedHold::Throttles { by_method: before.collect() })
}

/// What it takes to give each method back the throttle it had, or none.
pub(super) fn restore(
    stage: Stage<'_>,
    by_method: &BTreeMap<String, Throttle>,
    saved: &BTreeMap<String, Option<Throttle>>,
) -> Restoring {
    let (mut ours, mut foreign) = (Vec::new(), Vec::new());
    for (key, before) in saved {
        let now = by_method.get(key).copied();
        if now == *before {
            continue;
        }
        if now == Some(CLOSED) {
            ours.push((key.as_str(), *before));
        } else {
            foreign.push(key.as_str());
        }
    }
    if ours.is_empty() { Restoring::unless_changed(&foreign) } else { Restoring::Needed(vec![patch(stage, &ours)]) }
}

/// UpdateStage with a patch list: `/{resourcePath}/{httpMethod}/throttling/…`, slashes of the path as `~1`. A method's settings
/// can only be removed as a whole; API Gateway refuses the removal of one field.
fn patch(stage: Stage<'_>, wanted: &[(&str, Option<Throttle>)]) -> Mutation {
    let mut operations = Vec::new();
    for (key, throttle) in wanted {
        let base = patch_base(key);
        match throttle {
            Some(Throttle { rate, burst }) => {
                operations.push(replace(format!("{base}/throttling/rateLimit"), rate.to_string()));
                operations.push(replace(format!("{base}/throttling/burstLimit"), burst.to_string()));
            }
            None => operations.push(PatchOperation { op: "remove".to_owned(), path: base, value: None }),
        }
    }
    Mutation::PatchRestStage { region: stage.region.clone(), api: stage.api.clone(), stage: stage.name.clone(), operations }
}

fn replace(path: String, value: String) -> PatchOperation {
    PatchOperation { op: "replace".to_owned(), path, value: Some(value) }
}

fn patch_base(key: &str) -> String {
    match key.split_once(' ') {
        Some((verb, path)) => format!("/{}/{verb}", path.replace('~', "~0").replace('/', "~1")),
        None => format!("/{key}"),
    }
}
