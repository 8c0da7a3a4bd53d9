//! What the template lacks for a plan, as findings about the plan's own lines.

use std::collections::{BTreeMap, HashMap, HashSet};

use policies::template::Template;
use shared::domain::plan::Plan;
use shared::planfile::{Finding, MOST_FINDINGS, Severity};

use super::{Difference, TEMPLATE, differences};

/// The stable name of this finding, beside those of `shared::planfile::code`.
pub const TEMPLATE_LACKS_PERMISSION: &str = "template_lacks_permission";

/// What the code of these findings means, for `plan check --explain`.
#[must_use]
pub fn explanation(code: &str) -> Option<&'static str> {
    (code == TEMPLATE_LACKS_PERMISSION).then_some(
        "A function's role in this version's template does not allow a call that the plan needs: the call would be refused on the day.\n\
         The template has a parameter for one of each thing; a plan with a second API, secret or database needs a statement more.\n\
         `plan permissions` prints what every role needs, and compares a template of yours (`--template`). See docs/permissions.md.",
    )
}

/// A warning for each resource of the plan that the roles of this version's template do not allow. Not an error: who deploys a
/// template of their own may well allow it.
#[must_use]
pub fn findings(plan: &Plan, text: &str) -> Vec<Finding> {
    let found = match Template::parse(TEMPLATE).and_then(|template| differences(plan, &template)) {
        Ok(found) => found,
        Err(error) => {
            return vec![
                Places::of(text, HashSet::new())
                    .warning("", format!("the plan's permissions could not be compared: {error}")),
            ];
        }
    };
    let mut lacking: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for difference in found {
        if let Difference::Lacks { line } = difference {
            lacking.entry((line.user, line.resource)).or_default().push(line.action);
        }
    }
    let left_out = lacking.len().saturating_sub(MOST_FINDINGS);
    let listed: Vec<_> = lacking.iter().take(MOST_FINDINGS).collect();
    let places = Places::of(text, listed.iter().map(|((_, resource), _)| name_in(resource)).collect());
    let told = |((user, resource), actions): &(&(String, String), &Vec<String>)| {
        let message = format!("the template's role of {user} does not allow {} on {resource}", actions.join(", "));
        places.warning(name_in(resource), message)
    };
    let mut findings: Vec<Finding> = listed.iter().map(told).collect();
    if left_out > 0 {
        let message = format!("the template's roles do not allow calls on {left_out} more resources of this plan");
        findings.push(places.warning("", message));
    }
    findings
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

/// Where names stand in the plan's text: found in one pass, however many there are.
struct Places<'a> {
    first: HashMap<&'a str, (usize, usize)>,
}

impl<'a> Places<'a> {
    fn of(text: &'a str, names: HashSet<&str>) -> Self {
        let mut first = HashMap::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with('#')) {
            if first.len() == names.len() {
                break;
            }
            let delimiter = |c: char| c.is_whitespace() || matches!(c, ',' | '{' | '}' | '[' | ']' | '"' | '\'');
            for word in line.split(delimiter).filter(|word| names.contains(word)) {
                let start = word.as_ptr() as usize - line.as_ptr() as usize;
                first.entry(word).or_insert_with(|| (index + 1, line[..start].chars().count() + 1));
            }
        }
        Self { first }
    }

    fn warning(&self, name: &str, message: String) -> Finding {
        let (line, column) = self.first.get(name).copied().unwrap_or((1, 1));
        Finding {
            code: TEMPLATE_LACKS_PERMISSION,
            severity: Severity::Warning,
            message,
            line,
            column,
            help:
                "infra/template.yaml has a parameter for one of each: add a statement there; `recoveryctl plan permissions` \
                   prints what each role needs"
                    .to_owned(),
            expected: None,
            nearest: None,
            width: name.chars().count().max(1),
        }
    }
}
