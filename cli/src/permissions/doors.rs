//! Who else may reach the stack: each way by which an AWS service calls on a resource of it or takes a role of it, with the policy
//! that has to let it in, and nobody who only pretends to be it.

use policies::iam::{Policies, Request, Verdict};
use policies::template::{Stack, TemplateError};
use serde::Serialize;
use serde_json::{Value, json};

const EVENTS: &str = "events.amazonaws.com";

/// One way in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Door {
    /// What comes in by it.
    pub what: String,
    /// The service.
    pub principal: &'static str,
    /// What it does.
    pub action: &'static str,
    /// To what.
    pub resource: String,
    /// On whose behalf.
    pub source: String,
    /// Why the policy cannot tell on whose behalf the service comes, where it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unpinned: Option<&'static str>,
    /// The resource's own policies.
    #[serde(skip)]
    pub policies: Vec<Value>,
}

impl Door {
    /// Whether the service gets in on behalf of this resource of this account.
    ///
    /// # Errors
    /// When a policy is none.
    pub fn opens_for(&self, source: &str, account: &str) -> Result<bool, TemplateError> {
        let policies =
            Policies::read(&self.resource, &self.policies).map_err(|error| TemplateError::of(error.to_string()))?;
        let context = [("aws:SourceArn", source), ("aws:SourceAccount", account)];
        let request = Request::new(self.action, &self.resource).by_service(self.principal).in_context(&context);
        Ok(policies.verdict(&request) == Verdict::Allowed)
    }
}

/// Every way into the stack. Those of the functions' own events are not among them: SAM makes the rule and its permission together.
///
/// # Errors
/// When something in the template cannot be computed.
pub fn doors(stack: &Stack<'_>) -> Result<Vec<Door>, TemplateError> {
    let mut found = Vec::new();
    rules(stack, &mut found)?;
    subscriptions(stack, &mut found)?;
    alarms(stack, &mut found)?;
    trusts(stack, &mut found)?;
    Ok(found)
}

/// EventBridge invokes functions, and leaves what it cannot deliver in a queue.
fn rules(stack: &Stack<'_>, found: &mut Vec<Door>) -> Result<(), TemplateError> {
    let mut letters: Vec<(String, Value)> = Vec::new();
    for name in stack.of_type("AWS::Events::Rule")? {
        let source = stack.arn(name)?;
        for target in stack.properties(name)?["Targets"].as_array().into_iter().flatten() {
            letters.push((source.clone(), target["DeadLetterConfig"]["Arn"].clone()));
            let resource = target["Arn"].as_str().unwrap_or_default().to_owned();
            if target["RoleArn"].is_null() {
                let policies = permissions(stack, &resource)?;
                let what = format!("events of rule {name}");
                found.push(door(what, EVENTS, "lambda:InvokeFunction", resource, source.clone(), policies));
            }
        }
    }
    for function in stack.of_type("AWS::Serverless::Function")? {
        for event in stack.properties(function)?["Events"].as_object().into_iter().flat_map(|events| events.values()) {
            let properties = &event["Properties"];
            if let Some(rule) = properties["RuleName"].as_str() {
                // Beside the alarm that starts it: a rule's ARN is one of the same account and Region.
                let function = stack.arn(function)?;
                let place: Vec<&str> = function.split(':').collect();
                let source = format!("arn:{}:events:{}:{}:rule/{rule}", place[1], place[3], place[4]);
                letters.push((source, properties["DeadLetterConfig"]["Arn"].clone()));
            }
        }
    }
    for (source, queue) in letters {
        if let Some(queue) = queue.as_str() {
            let policies = attached(stack, "AWS::SQS::QueuePolicy")?;
            let what = format!("what rule {} could not deliver", source.rsplit('/').next().unwrap_or_default());
            found.push(door(what, EVENTS, "sqs:SendMessage", queue.to_owned(), source, policies));
        }
    }
    Ok(())
}

fn subscriptions(stack: &Stack<'_>, found: &mut Vec<Door>) -> Result<(), TemplateError> {
    for name in stack.of_type("AWS::SNS::Subscription")? {
        let properties = stack.properties(name)?;
        if properties["Protocol"] == "lambda" {
            let resource = properties["Endpoint"].as_str().unwrap_or_default().to_owned();
            let source = properties["TopicArn"].as_str().unwrap_or_default().to_owned();
            let policies = permissions(stack, &resource)?;
            let what = format!("messages of subscription {name}");
            found.push(door(what, "sns.amazonaws.com", "lambda:InvokeFunction", resource, source, policies));
        }
    }
    Ok(())
}

/// Alarms publish to the topic and may invoke the function directly. A key of the topic has its policy outside the template.
fn alarms(stack: &Stack<'_>, found: &mut Vec<Door>) -> Result<(), TemplateError> {
    for name in stack.of_type("AWS::CloudWatch::Alarm")? {
        let source = stack.arn(name)?;
        for topic in stack.of_type("AWS::SNS::Topic")? {
            let arn = stack.arn(topic)?;
            if !stack.properties(name)?["AlarmActions"].as_array().is_some_and(|actions| actions.contains(&json!(arn))) {
                continue;
            }
            let policies = attached(stack, "AWS::SNS::TopicPolicy")?;
            let what = format!("notices of alarm {name}");
            found.push(door(what, "cloudwatch.amazonaws.com", "sns:Publish", arn, source.clone(), policies));
        }
        for function in stack.of_type("AWS::Lambda::Permission")? {
            let properties = stack.properties(function)?;
            if properties["SourceArn"] == json!(source) {
                let resource = properties["FunctionName"].as_str().unwrap_or_default().to_owned();
                let policies = permissions(stack, &resource)?;
                let what = format!("alarm {name}, where a team attaches the function to it");
                let principal = "lambda.alarms.cloudwatch.amazonaws.com";
                found.push(door(what, principal, "lambda:InvokeFunction", resource, source.clone(), policies));
            }
        }
    }
    Ok(())
}

/// Who may take a role.
fn trusts(stack: &Stack<'_>, found: &mut Vec<Door>) -> Result<(), TemplateError> {
    for role in stack.of_type("AWS::IAM::Role")? {
        let arn = stack.arn(role)?;
        let used_by = |kind: &str| -> Result<Vec<String>, TemplateError> {
            let mut users = Vec::new();
            for name in stack.of_type(kind)? {
                let properties = stack.properties(name)?;
                let targets = properties["Targets"].as_array().into_iter().flatten();
                if properties["Role"] == json!(arn) || targets.into_iter().any(|target| target["RoleArn"] == json!(arn)) {
                    users.push(stack.arn(name)?);
                }
            }
            Ok(users)
        };
        let kinds = [
            ("AWS::Serverless::Function", "lambda.amazonaws.com"),
            ("AWS::Serverless::StateMachine", "states.amazonaws.com"),
            ("AWS::Events::Rule", EVENTS),
        ];
        for (kind, principal) in kinds {
            for source in used_by(kind)? {
                let policies = vec![stack.properties(role)?["AssumeRolePolicyDocument"].clone()];
                let mut way = door(format!("role {role}"), principal, "sts:AssumeRole", arn.clone(), source, policies);
                way.unpinned = (principal == "lambda.amazonaws.com").then_some(
                    "Lambda takes a role for functions of the role's own account only: creating one needs iam:PassRole",
                );
                found.push(way);
            }
        }
    }
    Ok(())
}

fn door(
    what: String,
    principal: &'static str,
    action: &'static str,
    resource: String,
    source: String,
    policies: Vec<Value>,
) -> Door {
    Door { what, principal, action, resource, source, unpinned: None, policies }
}

/// The resource policy that Lambda makes of the permissions of a function.
fn permissions(stack: &Stack<'_>, function: &str) -> Result<Vec<Value>, TemplateError> {
    let mut documents = Vec::new();
    for name in stack.of_type("AWS::Lambda::Permission")? {
        let properties = stack.properties(name)?;
        if properties["FunctionName"] != function {
            continue;
        }
        let mut condition = json!({});
        if let Some(source) = properties.get("SourceArn") {
            condition["ArnLike"] = json!({"aws:SourceArn": source});
        }
        if let Some(account) = properties.get("SourceAccount") {
            condition["StringEquals"] = json!({"aws:SourceAccount": account});
        }
        documents.push(json!({"Statement": [{
            "Effect": "Allow", "Principal": {"Service": properties["Principal"]}, "Action": properties["Action"],
            "Resource": function, "Condition": condition,
        }]}));
    }
    Ok(documents)
}

/// The documents of policies of this type: the stack has one queue and one topic.
fn attached(stack: &Stack<'_>, kind: &str) -> Result<Vec<Value>, TemplateError> {
    stack.of_type(kind)?.into_iter().map(|name| Ok(stack.properties(name)?["PolicyDocument"].clone())).collect()
}
