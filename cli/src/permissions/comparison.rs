//! One role against all that it is needed for.

use std::fmt;

use policies::iam::{Policies, Request, Verdict};
use policies::template::TemplateError;
use serde::Serialize;
use serde_json::Value;

use super::lines::{Line, RoleLines};

/// Something in which a role differs from what is needed of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "difference", rename_all = "snake_case")]
pub enum Difference {
    /// Something is needed and not allowed.
    Lacks {
        /// What.
        #[serde(flatten)]
        line: Line,
    },
    /// Something is allowed that nothing needs, or more widely than anything needs it.
    Unneeded {
        /// Whom the role is for.
        function: String,
        /// The action.
        action: String,
        /// The resource.
        resource: String,
        /// What is wrong with it.
        why: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lacks { line } => {
                let used_by: Vec<&str> = line.used_by.iter().map(String::as_str).collect();
                write!(formatter, "{} lacks {} on {} (for: {})", line.user, line.action, line.resource, used_by.join(", "))?;
                match &line.in_region {
                    Some(region) => write!(formatter, " in {region}"),
                    None => Ok(()),
                }
            }
            Self::Unneeded { function, action, resource, why } => {
                write!(formatter, "{function} has {action} on {resource}: {why}")
            }
        }
    }
}

/// What a role lacks, and what it has too much.
///
/// # Errors
/// When one of its documents is not a policy.
pub fn compare(role: &RoleLines) -> Result<Vec<Difference>, TemplateError> {
    let policies = Policies::read(&role.role, &role.documents).map_err(|error| TemplateError::of(error.to_string()))?;
    let mut found: Vec<Difference> = Vec::new();
    for line in &role.lines {
        if !is_allowed(&policies, line) {
            found.push(Difference::Lacks { line: line.clone() });
        }
    }
    for statement in role.documents.iter().flat_map(|document| list(&document["Statement"])) {
        if statement["Effect"] == "Allow" {
            found.extend(unneeded(role, statement));
        }
    }
    Ok(found)
}

fn is_allowed(policies: &Policies, line: &Line) -> bool {
    // A member of the pattern that nobody could have foreseen.
    let resource = if line.resource == "*" { "*".to_owned() } else { line.resource.replace('*', "7f3a").replace('?', "z") };
    let context: Vec<(&str, &str)> = line.context.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    policies.verdict(&Request::new(&line.action, &resource).in_context(&context)) == Verdict::Allowed
}

fn unneeded(role: &RoleLines, statement: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut add = |action: &str, resource: &str, why: &str| {
        found.push(Difference::Unneeded {
            function: role.user.clone(),
            action: action.to_owned(),
            resource: resource.to_owned(),
            why: why.to_owned(),
        });
    };
    let regions: Vec<&str> =
        list(&statement["Condition"]["StringEquals"]["aws:RequestedRegion"]).into_iter().filter_map(Value::as_str).collect();
    if statement.get("NotAction").is_some() || statement.get("NotResource").is_some() {
        add("NotAction or NotResource", "", "it allows whatever comes later");
    }
    for action in list(&statement["Action"]).into_iter().filter_map(Value::as_str) {
        if action.contains(['*', '?']) {
            add(action, "", "an action must be written out");
            continue;
        }
        for resource in list(&statement["Resource"]).into_iter().filter_map(Value::as_str) {
            // Exactly as wide as it is needed: a wildcard is one that the table of operations has too, with its reason.
            let needed: Vec<&Line> =
                role.lines.iter().filter(|line| line.action == action && line.resource == resource).collect();
            if needed.is_empty() {
                let narrower = role.lines.iter().any(|line| {
                    line.action == action && policies::iam::matches(resource, &line.resource) && line.resource != resource
                });
                add(action, resource, if narrower { "only part of it is needed" } else { "nothing needs it" });
            } else if needed.iter().all(|line| line.in_region.is_some()) {
                for region in &regions {
                    if !needed.iter().any(|line| line.in_region.as_deref() == Some(*region)) {
                        add(action, resource, &format!("nothing needs it in {region}"));
                    }
                }
                if regions.is_empty() {
                    add(action, resource, "no condition narrows it to the Regions in which it is needed");
                }
            }
        }
    }
    found
}

/// One value, or the members of a list.
fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        single => vec![single],
    }
}
