//! A small evaluator of identity policies, for the few actions that the emulator refuses although the role allows them.
//!
//! It only ever opens what it fully understands: a condition, a policy variable or a value that is still to be resolved
//! makes an Allow count for nothing, and a Deny count for everything it may mean.

use std::collections::BTreeMap;
use std::sync::RwLock;

use serde_json::Value;

/// Why policies could not be taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("policy of role {role}: {problem}")]
pub struct PolicyError {
    role: String,
    problem: String,
}

/// What a role's policies say about an action on a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// An Allow matches, and no Deny.
    Allowed,
    /// A Deny matches, or may.
    ExplicitlyDenied,
    /// Nothing that is understood allows it.
    NotAllowed,
}

/// The identity policies of the deployed roles. Shared: the roles are known only after the stack is deployed.
#[derive(Debug, Default)]
pub struct Roles {
    statements: RwLock<BTreeMap<String, Vec<Statement>>>,
}

impl Roles {
    /// Nobody may anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the policy documents of one role, by the role's name; what was set before is replaced.
    pub fn set(&self, role: &str, documents: &[Value]) -> Result<(), PolicyError> {
        let problem = |problem: String| PolicyError { role: role.to_owned(), problem };
        let statements: Result<Vec<Vec<Statement>>, String> = documents.iter().map(statements).collect();
        let statements = statements.map_err(problem)?.into_iter().flatten().collect();
        let mut roles = self.statements.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        roles.insert(role.to_owned(), statements);
        Ok(())
    }

    /// Whether a role may do `action` on every one of `resources`. No resource, no right.
    pub fn verdict(&self, role: &str, action: &str, resources: &[String]) -> Verdict {
        let roles = self.statements.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(statements) = roles.get(role) else {
            return Verdict::NotAllowed;
        };
        let verdicts = resources.iter().map(|resource| verdict(statements, action, resource));
        verdicts
            .reduce(|one, other| match (one, other) {
                (Verdict::ExplicitlyDenied, _) | (_, Verdict::ExplicitlyDenied) => Verdict::ExplicitlyDenied,
                (Verdict::Allowed, Verdict::Allowed) => Verdict::Allowed,
                _ => Verdict::NotAllowed,
            })
            .unwrap_or(Verdict::NotAllowed)
    }
}

fn verdict(statements: &[Statement], action: &str, resource: &str) -> Verdict {
    let mut verdict = Verdict::NotAllowed;
    for statement in statements {
        match (statement.effect, statement.applies(action, resource)) {
            (Effect::Deny, Applies::Yes | Applies::Unknown) => return Verdict::ExplicitlyDenied,
            (Effect::Allow, Applies::Yes) => verdict = Verdict::Allowed,
            _ => {}
        }
    }
    verdict
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Applies {
    Yes,
    No,
    /// There is a condition or a variable that is not evaluated here.
    Unknown,
}

#[derive(Debug)]
struct Statement {
    effect: Effect,
    actions: Patterns,
    resources: Patterns,
    conditional: bool,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Debug)]
struct Patterns {
    patterns: Vec<String>,
    inverted: bool,
}

impl Statement {
    fn applies(&self, action: &str, resource: &str) -> Applies {
        // AWS matches actions without regard to case, resources with.
        let action = action.to_ascii_lowercase();
        let acts = self.actions.patterns.iter().any(|pattern| matches(&pattern.to_ascii_lowercase(), &action));
        if acts == self.actions.inverted {
            return Applies::No;
        }
        let variable = self.resources.patterns.iter().any(|pattern| pattern.contains("${"));
        if self.resources.patterns.iter().any(|pattern| matches(pattern, resource)) == self.resources.inverted && !variable {
            return Applies::No;
        }
        if self.conditional || variable { Applies::Unknown } else { Applies::Yes }
    }
}

fn statements(document: &Value) -> Result<Vec<Statement>, String> {
    match document.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().map(statement).collect(),
        Some(single @ Value::Object(_)) => Ok(vec![statement(single)?]),
        _ => Err("has no Statement".to_owned()),
    }
}

fn statement(statement: &Value) -> Result<Statement, String> {
    let effect = match statement.get("Effect").and_then(Value::as_str) {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        _ => return Err("a statement has neither Allow nor Deny".to_owned()),
    };
    Ok(Statement {
        effect,
        actions: patterns(statement, "Action", "NotAction")?,
        resources: patterns(statement, "Resource", "NotResource")?,
        conditional: statement.get("Condition").is_some_and(|condition| !condition.is_null()),
    })
}

fn patterns(statement: &Value, name: &str, inverted: &str) -> Result<Patterns, String> {
    let (name, value, inverted) = match (statement.get(name), statement.get(inverted)) {
        (Some(value), None) => (name, value, false),
        (None, Some(value)) => (inverted, value, true),
        _ => return Err(format!("a statement needs {name} or {inverted}")),
    };
    // What is still a template's function says nothing yet; guessing would open or close the wrong thing.
    let text = |value: &Value| {
        value.as_str().map(str::to_owned).ok_or_else(|| format!("{name} holds something that is not resolved"))
    };
    let patterns = match value {
        Value::Array(values) => values.iter().map(text).collect::<Result<_, _>>()?,
        single => vec![text(single)?],
    };
    Ok(Patterns { patterns, inverted })
}

/// `*` is any run of characters, `?` exactly one.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut read) = (0, 0);
    // Where to go on from when the last star has to take one character more.
    let mut retry: Option<(usize, usize)> = None;
    while read < text.len() {
        if pattern.get(at) == Some(&'*') {
            retry = Some((at + 1, read));
            at += 1;
        } else if pattern.get(at).is_some_and(|wanted| *wanted == '?' || *wanted == text[read]) {
            at += 1;
            read += 1;
        } else if let Some((after_star, taken)) = retry {
            retry = Some((after_star, taken + 1));
            (at, read) = (after_star, taken + 1);
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SERVICE: &str = "arn:aws:ecs:us-west-2:123456789012:service/main/web";

    fn asked(statements: Value) -> Verdict {
        let roles = Roles::new();
        roles.set("toggle", &[json!({"Version": "2012-10-17", "Statement": statements})]).unwrap();
        roles.verdict("toggle", "ecs:UpdateService", &[SERVICE.to_owned()])
    }

    fn allow(action: &str, resource: &str) -> Value {
        json!({"Effect": "Allow", "Action": action, "Resource": resource})
    }

    #[test]
    fn an_allow_must_match_action_and_resource() {
        for (action, resource, expected) in [
            ("ecs:UpdateService", SERVICE, Verdict::Allowed),
            ("ECS:updateservice", SERVICE, Verdict::Allowed),
            ("ecs:*", "*", Verdict::Allowed),
            ("*", "arn:aws:ecs:*:123456789012:service/main/*", Verdict::Allowed),
            ("ecs:Update????ice", SERVICE, Verdict::Allowed),
            ("ecs:UpdateServic", SERVICE, Verdict::NotAllowed),
            ("ecs:Describe*", SERVICE, Verdict::NotAllowed),
            ("ecs:UpdateService", "arn:aws:ecs:us-west-2:123456789012:service/main/other", Verdict::NotAllowed),
            ("ecs:UpdateService", "arn:aws:ecs:us-east-1:123456789012:service/main/*", Verdict::NotAllowed),
            ("ecs:UpdateService", "arn:aws:ecs:us-west-2:123456789012:SERVICE/main/web", Verdict::NotAllowed),
            ("ecs:UpdateService", "arn:aws:ecs:us-west-2:${aws:PrincipalAccount}:service/*", Verdict::NotAllowed),
        ] {
            assert_eq!(asked(json!([allow(action, resource)])), expected, "{action} {resource}");
        }
    }

    #[test]
    fn a_deny_wins_wherever_it_stands() {
        let deny = json!({"Effect": "Deny", "Action": ["ecs:Update*"], "Resource": ["*"]});
        assert_eq!(asked(json!([allow("*", "*"), deny])), Verdict::ExplicitlyDenied);
        assert_eq!(asked(json!([deny, allow("*", "*")])), Verdict::ExplicitlyDenied);
    }

    #[test]
    fn a_condition_never_opens_and_always_closes() {
        let condition = json!({"StringEquals": {"aws:RequestedRegion": "us-west-2"}});
        let mut allowed = allow("*", "*");
        allowed["Condition"] = condition.clone();
        assert_eq!(asked(json!([allowed])), Verdict::NotAllowed);
        let denied = json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition});
        assert_eq!(asked(json!([allow("*", "*"), denied])), Verdict::ExplicitlyDenied);
    }

    #[test]
    fn inverted_lists_are_read_as_aws_reads_them() {
        let other_actions = json!({"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"});
        assert_eq!(asked(json!([allow("*", "*"), other_actions])), Verdict::ExplicitlyDenied);
        let elsewhere = json!({"Effect": "Deny", "Action": "*", "NotResource": SERVICE});
        assert_eq!(asked(json!([allow("*", "*"), elsewhere])), Verdict::Allowed);
    }

    #[test]
    fn every_resource_of_a_call_must_be_allowed() {
        let roles = Roles::new();
        roles.set("r", &[json!({"Statement": allow("rds:*", "arn:a")})]).unwrap();
        let both = ["arn:a".to_owned(), "arn:b".to_owned()];
        assert_eq!(roles.verdict("r", "rds:FailoverGlobalCluster", &both[..1]), Verdict::Allowed);
        assert_eq!(roles.verdict("r", "rds:FailoverGlobalCluster", &both), Verdict::NotAllowed);
        assert_eq!(roles.verdict("r", "rds:FailoverGlobalCluster", &[]), Verdict::NotAllowed);
        assert_eq!(roles.verdict("stranger", "rds:FailoverGlobalCluster", &both[..1]), Verdict::NotAllowed);
    }

    #[test]
    fn a_policy_that_is_not_resolved_is_refused() {
        let document = json!({"Statement": [{"Effect": "Allow", "Action": "ecs:*", "Resource": {"Fn::Sub": "x"}}]});
        assert!(Roles::new().set("r", &[document]).is_err());
        assert!(Roles::new().set("r", &[json!({"Statement": [{"Effect": "Allow", "Action": "ecs:*"}]})]).is_err());
        assert!(Roles::new().set("r", &[json!({})]).is_err());
    }
}
