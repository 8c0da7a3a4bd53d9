//! `recoveryctl plan permissions`: what each role needs for a plan, and what the template makes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use policies::template::{Template, TemplateError};
use serde_json::{Value, json};
use shared::domain::permission::{Need, needs};
use shared::domain::plan::Plan;

use super::{Difference, differences, parameters_of};

/// What is to be said of a plan and a template.
#[derive(Debug)]
pub struct Permissions {
    needs: Vec<Need>,
    parameters: BTreeMap<String, String>,
    differences: Vec<Difference>,
}

impl Permissions {
    /// Of this plan, with this template.
    ///
    /// # Errors
    /// When the template cannot be read or resolved.
    pub fn of(plan: &Plan, template: &str) -> Result<Self, TemplateError> {
        let template = Template::parse(template)?;
        let parameters = parameters_of(plan, &template.parameters());
        Ok(Self { needs: needs(plan), parameters, differences: differences(plan, &template)? })
    }

    /// Whether the template's roles allow all that the plan needs.
    #[must_use]
    pub fn are_sufficient(&self) -> bool {
        !self.differences.iter().any(|difference| matches!(difference, Difference::Lacks { .. }))
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (function, needs) in self.by_function() {
            let _ = writeln!(text, "{function}");
            for need in needs {
                let purposes: Vec<&str> = need.used_by.iter().map(String::as_str).collect();
                let region = need.in_region.as_ref().map(|region| format!(" in {region}")).unwrap_or_default();
                let _ = writeln!(text, "  {:<42} {}{region}", need.action, need.resource);
                let _ = writeln!(text, "  {:<42} for {}", "", purposes.join(", "));
                if let Some(reason) = need.reason {
                    let _ = writeln!(text, "  {:<42} no narrower, because {reason}", "");
                }
            }
        }
        text.push_str("Parameters of the template that this plan decides\n");
        for (name, value) in &self.parameters {
            let _ = writeln!(text, "  {name}={value}");
        }
        if self.differences.is_empty() {
            text.push_str("The template's roles allow exactly this.\n");
        }
        for difference in &self.differences {
            let _ = writeln!(text, "The template: {difference}");
        }
        text
    }

    /// For programs: policy documents by function, ready to be put into a template.
    #[must_use]
    pub fn json(&self) -> String {
        let policies: serde_json::Map<String, Value> = self
            .by_function()
            .into_iter()
            .map(|(function, needs)| {
                (function.to_owned(), json!({"Version": "2012-10-17", "Statement": statements(&needs)}))
            })
            .collect();
        let answer = json!({
            "policies": policies, "needs": self.needs, "parameters": self.parameters, "sufficient": self.are_sufficient(),
            "differences": self.differences,
        });
        format!("{answer:#}\n")
    }

    fn by_function(&self) -> BTreeMap<&str, Vec<&Need>> {
        let mut grouped: BTreeMap<&str, Vec<&Need>> = BTreeMap::new();
        for need in &self.needs {
            grouped.entry(need.function).or_default().push(need);
        }
        grouped
    }
}

/// One statement for each set of actions that share their resources.
fn statements(needs: &[&Need]) -> Vec<Value> {
    let mut resources: BTreeMap<(&str, Option<String>), BTreeSet<&str>> = BTreeMap::new();
    for need in needs {
        let region = need.in_region.as_ref().map(ToString::to_string);
        resources.entry((need.action, region)).or_default().insert(&need.resource);
    }
    let mut actions: BTreeMap<(BTreeSet<&str>, Option<String>), Vec<&str>> = BTreeMap::new();
    for ((action, region), resources) in resources {
        actions.entry((resources, region)).or_default().push(action);
    }
    let statement = |((resources, region), actions): ((BTreeSet<&str>, Option<String>), Vec<&str>)| {
        let mut statement = json!({"Effect": "Allow", "Action": actions, "Resource": resources});
        if let Some(region) = region {
            statement["Condition"] = json!({"StringEquals": {"aws:RequestedRegion": region}});
        }
        statement
    };
    actions.into_iter().map(statement).collect()
}
