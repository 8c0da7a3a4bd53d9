//! The template's roles, held against what the functions need for a plan, both ways.
//!
//! What a function calls comes from the table of operations and the plan (`shared::domain::permission`); what Lambda, Step
//! Functions and EventBridge do with a role comes from the template's own features. The template is read and its functions are
//! computed offline, and its policies are judged by an evaluator: no account is asked.

mod comparison;
mod doors;
mod findings;
mod lines;
mod parameters;
mod rendering;

pub use comparison::{Difference, compare};
pub use doors::{Door, doors};
pub use findings::{TEMPLATE_LACKS_PERMISSION, explanation, findings};
pub use lines::{Line, RoleLines, role_lines};
pub use parameters::parameters_of;
pub use rendering::Permissions;

use lines::lines_for;
use parameters::parameters;
use policies::template::{Stack, Template, TemplateError};
use shared::domain::permission::{Need, needs};
use shared::domain::plan::Plan;

/// The template of this version.
pub const TEMPLATE: &str = include_str!("../../../infra/template.yaml");
/// The state machine of recoveries, of this version.
pub const MACHINE: &str = include_str!("../../../infra/statemachines/recovery.asl.json");
/// The state machine that verifies backups, of this version.
pub const VERIFICATION: &str = include_str!("../../../infra/statemachines/backup-verify.asl.json");

/// What the roles of a template lack or have too much for a plan, with the parameters that the plan gives it.
///
/// # Errors
/// When the template cannot be read or resolved.
pub fn differences(plan: &Plan, template: &Template) -> Result<Vec<Difference>, TemplateError> {
    let needed = needs(plan);
    let given = parameters(plan, &needed, &template.parameters());
    let stack = template.stack(&given, plan.account.as_str(), plan.sites.recovery.region.as_str())?;
    differences_for(plan, &needed, &stack)
}

/// The same for a stack of the recovery Region.
///
/// # Errors
/// When something in the template cannot be computed.
pub fn differences_of(plan: &Plan, stack: &Stack<'_>) -> Result<Vec<Difference>, TemplateError> {
    differences_for(plan, &needs(plan), stack)
}

fn differences_for(plan: &Plan, needed: &[Need], stack: &Stack<'_>) -> Result<Vec<Difference>, TemplateError> {
    let mut found = Vec::new();
    for role in lines_for(plan, needed, stack)? {
        found.extend(compare(&role)?);
    }
    Ok(found)
}
