//! What the template lacks for a plan, as findings about the plan's own lines.

use std::collections::BTreeMap;

use policies::template::Template;
use shared::domain::plan::Plan;
use shared::planfile::{Finding, Severity};

use super::{Difference, TEMPLATE, differences};

/// The stable name of this finding, beside those of `shared::planfile::code`.
pub const TEMPLATE_LACKS_PERMISSION: &str = "template_lacks_permission";

/// A warning for each resource of the plan that the roles of this version's template do not allow. Not an error: who deploys a
/// template of their own may well allow it.
#[must_use]
pub fn findings(plan: &Plan, text: &str) -> Vec<Finding> {
    let found = match Template::parse(TEMPLATE).and_then(|template| differences(plan, &template)) {
        Ok(found) => found,
        Err(error) => return vec![warning(text, "", format!("the plan's permissions could not be compared: {error}"))],
    };
    let mut lacking: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for difference in found {
        if let Difference::Lacks { line } = difference {
            lacking.entry((line.user, line.resource)).or_default().push(line.action);
        }
    }
    let told = |((user, resource), actions): ((String, String), Vec<String>)| {
        let message = format!("the template's role of {user} does not allow {} on {resource}", actions.join(", "));
        warning(text, name_in(&resource), message)
    };
    lacking.into_iter().map(told).collect()
}

/// The part of an ARN that a plan writes.
fn name_in(resource: &str) -> &str {
    let last = resource.splitn(6, ':').nth(5).unwrap_or_default();
    let last = last.trim_end_matches("-??????");
    match last.split_once("parameter/") {
        Some((_, _)) => last.trim_start_matches("parameter"),
        None if last.starts_with("secret:") => last.trim_start_matches("secret:"),
        None if last.contains("/stages/") => last.split('/').nth(2).unwrap_or_default(),
        None => last.rsplit(['/', ':']).next().unwrap_or_default(),
    }
}

fn warning(text: &str, name: &str, message: String) -> Finding {
    let lines = text.lines().enumerate();
    let written = lines.filter(|(_, line)| !name.is_empty() && !line.trim_start().starts_with('#'));
    let place =
        written.filter_map(|(index, line)| Some((index + 1, line.get(..line.find(name)?)?.chars().count() + 1))).next();
    let (line, column) = place.unwrap_or((1, 1));
    Finding {
        code: TEMPLATE_LACKS_PERMISSION,
        severity: Severity::Warning,
        message,
        line,
        column,
        help: "infra/template.yaml has a parameter for one of each: add a statement there; `recoveryctl plan permissions` \
               prints what each role needs"
            .to_owned(),
        width: name.chars().count().max(1),
    }
}
