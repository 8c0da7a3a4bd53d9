//! A small evaluator of IAM policies: identity policies, resource policies and trust policies.
//!
//! It only ever opens what it fully understands: a policy variable, a condition of a kind that is not read here, or any condition
//! where the circumstances of the request are not known, makes an Allow count for nothing, and a Deny count for everything it may
//! mean.

use std::collections::BTreeMap;
use std::str::Chars;
use std::sync::RwLock;

use serde_json::Value;

/// Why policies could not be taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("policy of {of}: {problem}")]
pub struct PolicyError {
    of: String,
    problem: String,
}

/// What policies say about an action on a resource.
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
    policies: RwLock<BTreeMap<String, Policies>>,
}

impl Roles {
    /// Nobody may anything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the policy documents of one role, by the role's name; what was set before is replaced.
    ///
    /// # Errors
    /// When a document is not a policy, or is not resolved.
    pub fn set(&self, role: &str, documents: &[Value]) -> Result<(), PolicyError> {
        let policies = Policies::read(&format!("role {role}"), documents)?;
        let mut roles = self.policies.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        roles.insert(role.to_owned(), policies);
        Ok(())
    }

    /// Whether a role may do `action` on every one of `resources`, whatever the circumstances. No resource, no right.
    #[must_use]
    pub fn verdict(&self, role: &str, action: &str, resources: &[String]) -> Verdict {
        let roles = self.policies.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(policies) = roles.get(role) else {
            return Verdict::NotAllowed;
        };
        let verdicts = resources.iter().map(|resource| policies.verdict(&Request::new(action, resource)));
        verdicts
            .reduce(|one, other| match (one, other) {
                (Verdict::ExplicitlyDenied, _) | (_, Verdict::ExplicitlyDenied) => Verdict::ExplicitlyDenied,
                (Verdict::Allowed, Verdict::Allowed) => Verdict::Allowed,
                _ => Verdict::NotAllowed,
            })
            .unwrap_or(Verdict::NotAllowed)
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    action: &'a str,
    resource: &'a str,
    principal: Option<&'a str>,
    context: Option<BTreeMap<String, String>>,
}

impl<'a> Request<'a> {
    /// An action on a resource, in circumstances that are not known.
    #[must_use]
    pub fn new(action: &'a str, resource: &'a str) -> Self {
        Self { action, resource, principal: None, context: None }
    }

    /// Made by this service, for policies that name principals.
    #[must_use]
    pub fn by_service(self, principal: &'a str) -> Self {
        Self { principal: Some(principal), ..self }
    }

    /// Made in exactly these circumstances: every condition key that the request has, and no other.
    #[must_use]
    pub fn in_context(self, context: &[(&str, &str)]) -> Self {
        let known = context.iter().map(|(key, value)| (key.to_ascii_lowercase(), (*value).to_owned())).collect();
        Self { context: Some(known), ..self }
    }
}

/// Some policy documents that are judged together.
#[derive(Debug, Default)]
pub struct Policies {
    statements: Vec<Statement>,
}

impl Policies {
    /// Reads documents in which nothing is left to be resolved.
    ///
    /// # Errors
    /// When a document is not a policy.
    pub fn read(of: &str, documents: &[Value]) -> Result<Self, PolicyError> {
        let problem = |problem: String| PolicyError { of: of.to_owned(), problem };
        let statements: Result<Vec<Vec<Statement>>, String> = documents.iter().map(statements).collect();
        Ok(Self { statements: statements.map_err(problem)?.into_iter().flatten().collect() })
    }

    /// What they say.
    #[must_use]
    pub fn verdict(&self, request: &Request<'_>) -> Verdict {
        let mut verdict = Verdict::NotAllowed;
        for statement in &self.statements {
            match (statement.effect, statement.applies(request)) {
                (Effect::Deny, Applies::Yes | Applies::Unknown) => return Verdict::ExplicitlyDenied,
                (Effect::Allow, Applies::Yes) => verdict = Verdict::Allowed,
                _ => {}
            }
        }
        verdict
    }
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
    /// `None` in a trust policy, which is about the role that it belongs to.
    resources: Option<Patterns>,
    /// `None` in an identity policy, which is about whoever has it.
    services: Option<Vec<String>>,
    conditions: Vec<Condition>,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Debug)]
struct Patterns {
    patterns: Vec<String>,
    inverted: bool,
}

#[derive(Debug)]
struct Condition {
    test: Test,
    key: String,
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Equals,
    /// Of strings and of ARNs: IAM treats ArnEquals as ArnLike.
    Like,
    NotReadHere,
}

impl Statement {
    fn applies(&self, request: &Request<'_>) -> Applies {
        // AWS matches actions without regard to case, resources with.
        let same = |wanted: char, found: char| wanted.eq_ignore_ascii_case(&found);
        let acts = self.actions.patterns.iter().any(|pattern| matches_by(pattern, request.action, same));
        if acts == self.actions.inverted {
            return Applies::No;
        }
        if let (Some(services), Some(principal)) = (&self.services, request.principal)
            && !services.iter().any(|service| service == principal)
        {
            return Applies::No;
        }
        if self.services.is_some() && request.principal.is_none() {
            return Applies::No;
        }
        let mut unknown = false;
        if let Some(resources) = &self.resources {
            unknown = resources.patterns.iter().any(|pattern| pattern.contains("${"));
            let named = resources.patterns.iter().any(|pattern| matches(pattern, request.resource));
            if named == resources.inverted && !unknown {
                return Applies::No;
            }
        }
        for condition in &self.conditions {
            match condition.holds(request.context.as_ref()) {
                Applies::No => return Applies::No,
                Applies::Unknown => unknown = true,
                Applies::Yes => {}
            }
        }
        if unknown { Applies::Unknown } else { Applies::Yes }
    }
}

impl Condition {
    fn holds(&self, context: Option<&BTreeMap<String, String>>) -> Applies {
        let Some(context) = context.filter(|_| self.test != Test::NotReadHere) else {
            return Applies::Unknown;
        };
        if self.values.iter().any(|value| value.contains("${")) {
            return Applies::Unknown;
        }
        // A key that the request does not have meets no positive test.
        let Some(found) = context.get(&self.key) else { return Applies::No };
        let met = self.values.iter().any(|value| match self.test {
            Test::Equals => value == found,
            Test::Like => matches(value, found),
            Test::NotReadHere => false,
        });
        if met { Applies::Yes } else { Applies::No }
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
    let services = statement.get("Principal").map(services).transpose()?;
    let about_its_role = services.is_some() && statement.get("Resource").is_none() && statement.get("NotResource").is_none();
    Ok(Statement {
        effect,
        actions: patterns(statement, "Action", "NotAction")?,
        resources: if about_its_role { None } else { Some(patterns(statement, "Resource", "NotResource")?) },
        services,
        conditions: statement.get("Condition").map(conditions).transpose()?.unwrap_or_default(),
    })
}

/// The services among the principals. Accounts are no services: a statement for an account opens nothing here.
fn services(principal: &Value) -> Result<Vec<String>, String> {
    match principal {
        Value::Object(kinds) => kinds.get("Service").map_or(Ok(Vec::new()), |services| texts("Principal", services)),
        Value::String(_) => Err("a principal is not named by its kind".to_owned()),
        _ => Err("Principal holds something that is not resolved".to_owned()),
    }
}

fn conditions(block: &Value) -> Result<Vec<Condition>, String> {
    let Value::Object(tests) = block else { return Ok(Vec::new()) };
    let mut read = Vec::new();
    for (operator, keys) in tests {
        let test = match operator.as_str() {
            "StringEquals" => Test::Equals,
            "StringLike" | "ArnEquals" | "ArnLike" => Test::Like,
            _ => Test::NotReadHere,
        };
        let Value::Object(keys) = keys else { return Err(format!("condition {operator} names no key")) };
        for (key, values) in keys {
            read.push(Condition { test, key: key.to_ascii_lowercase(), values: texts("Condition", values)? });
        }
    }
    Ok(read)
}

fn patterns(statement: &Value, name: &str, inverted: &str) -> Result<Patterns, String> {
    let (name, value, inverted) = match (statement.get(name), statement.get(inverted)) {
        (Some(value), None) => (name, value, false),
        (None, Some(value)) => (inverted, value, true),
        _ => return Err(format!("a statement needs {name} or {inverted}")),
    };
    Ok(Patterns { patterns: texts(name, value)?, inverted })
}

fn texts(name: &str, value: &Value) -> Result<Vec<String>, String> {
    // What is still a template's function says nothing yet; guessing would open or close the wrong thing.
    let text = |value: &Value| {
        value.as_str().map(str::to_owned).ok_or_else(|| format!("{name} holds something that is not resolved"))
    };
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        single => Ok(vec![text(single)?]),
    }
}

/// `*` is any run of characters, `?` exactly one.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    matches_by(pattern, text, |wanted, found| wanted == found)
}

/// Without a copy of either: a plan of ten thousand components asks a million times.
fn matches_by(pattern: &str, text: &str, same: impl Fn(char, char) -> bool) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // Where to go on from when the last star has to take one character more.
    let mut retry: Option<(Chars<'_>, Chars<'_>)> = None;
    loop {
        let wanted = pattern.next();
        if wanted == Some('*') {
            retry = Some((pattern.clone(), text.clone()));
            continue;
        }
        match (wanted, text.next()) {
            (None, None) => return true,
            (Some(wanted), Some(found)) if wanted == '?' || same(wanted, found) => {}
            _ => {
                let Some((after_star, taken)) = &mut retry else { return false };
                if taken.next().is_none() {
                    return false;
                }
                (pattern, text) = (after_star.clone(), taken.clone());
            }
        }
    }
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

    /// What a pattern means, said as plainly as it can be.
    fn plainly(pattern: &str, text: &str) -> bool {
        let rest = |of: &str| of.chars().skip(1).collect::<String>();
        match (pattern.chars().next(), text.chars().next()) {
            (None, None) => true,
            (Some('*'), None) => plainly(&rest(pattern), text),
            (Some('*'), Some(_)) => plainly(&rest(pattern), text) || plainly(pattern, &rest(text)),
            (Some(wanted), Some(found)) => (wanted == '?' || wanted == found) && plainly(&rest(pattern), &rest(text)),
            _ => false,
        }
    }

    #[test]
    fn every_short_pattern_matches_what_it_plainly_means() {
        let words = |letters: &[char], longest: usize| {
            let mut words = vec![String::new()];
            for end in 0..longest {
                let longer = words.iter().filter(|word| word.chars().count() == end);
                let longer: Vec<String> =
                    longer.flat_map(|word| letters.iter().map(move |letter| format!("{word}{letter}"))).collect();
                words.extend(longer);
            }
            words
        };
        for pattern in words(&['a', 'ß', '*', '?'], 5) {
            for text in words(&['a', 'ß'], 5) {
                assert_eq!(matches(&pattern, &text), plainly(&pattern, &text), "{pattern} and {text}");
            }
        }
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

    #[test]
    fn a_condition_opens_only_in_circumstances_that_are_known_and_meet_it() {
        let statement = |conditions: Value| {
            let mut statement = allow("*", "*");
            statement["Condition"] = conditions;
            Policies::read("r", &[json!({"Statement": [statement]})]).unwrap()
        };
        let request = |context: &[(&str, &str)]| Request::new("ecs:UpdateService", SERVICE).in_context(context);
        let region = statement(json!({"StringEquals": {"aws:RequestedRegion": ["us-west-2", "us-east-1"]}}));
        assert_eq!(region.verdict(&request(&[("aws:requestedregion", "us-east-1")])), Verdict::Allowed);
        assert_eq!(region.verdict(&request(&[("aws:RequestedRegion", "eu-west-1")])), Verdict::NotAllowed);
        assert_eq!(region.verdict(&request(&[])), Verdict::NotAllowed);
        let arn = statement(json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:1:t"}, "Null": {"aws:X": "true"}}));
        assert_eq!(
            arn.verdict(&request(&[("aws:SourceArn", "arn:aws:sns:r:1:t")])),
            Verdict::NotAllowed,
            "Null is not read"
        );
    }

    #[test]
    fn a_policy_that_names_principals_opens_for_them_only() {
        let document = json!({"Statement": [{
            "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "q",
        }]});
        let policies = Policies::read("queue", &[document]).unwrap();
        let request = || Request::new("sqs:SendMessage", "q").in_context(&[]);
        assert_eq!(policies.verdict(&request().by_service("events.amazonaws.com")), Verdict::Allowed);
        assert_eq!(policies.verdict(&request().by_service("sns.amazonaws.com")), Verdict::NotAllowed);
        assert_eq!(policies.verdict(&request()), Verdict::NotAllowed);
        let everybody = json!({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]});
        assert!(Policies::read("queue", &[everybody]).is_err());
    }
}
