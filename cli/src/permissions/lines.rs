//! What each role of a stack is needed for: the calls of the functions, and what AWS's own services do with the role.

use std::collections::{BTreeMap, BTreeSet};

use policies::template::{Stack, TemplateError};
use serde::Serialize;
use serde_json::Value;
use shared::domain::permission::{Need, deployed_name, needs, secrets};
use shared::domain::plan::Plan;
use shared::domain::step::FunctionName;

use super::{MACHINE, VERIFICATION};

const FUNCTIONS: [FunctionName; 5] = [
    FunctionName::Recovery,
    FunctionName::UpdateDatabaseEndpoints,
    FunctionName::ReadOnlyToggle,
    FunctionName::ReplicationCheck,
    FunctionName::BackupVerify,
];

const TRACES: (&[&str], &str) =
    (&["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "X-Ray knows no resource for writing traces");
const SAMPLING: (&[&str], &str) =
    (&["xray:GetSamplingRules", "xray:GetSamplingTargets"], "X-Ray knows no resource for reading sampling rules");
const LOG_DELIVERY: (&[&str], &str) = (
    &[
        "logs:CreateLogDelivery",
        "logs:GetLogDelivery",
        "logs:UpdateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:DescribeResourcePolicies",
        "logs:DescribeLogGroups",
    ],
    "log delivery has no resource of its own to name",
);
const INTERFACES: (&[&str], &str) = (
    &["ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface"],
    "Lambda makes the interfaces, and describes them, before they have a name",
);

/// One thing that a role has to allow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The role's user: a function, or the AWS service that assumes the role.
    #[serde(rename = "function")]
    pub user: String,
    /// The IAM action.
    pub action: String,
    /// An ARN; with `*` or `?` only where `reason` says why.
    pub resource: String,
    /// The Region that a condition has to allow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_region: Option<String>,
    /// Why the resource is no exact ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What for.
    pub used_by: BTreeSet<String>,
    /// The circumstances of the request, as condition keys.
    #[serde(skip)]
    pub context: Vec<(String, String)>,
}

/// A role with its policies and all that it is needed for.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleLines {
    /// The role's name in the template.
    pub role: String,
    /// Whom it is for.
    pub user: String,
    /// Its policy documents, resolved.
    pub documents: Vec<Value>,
    /// What it has to allow, and nothing else.
    pub lines: Vec<Line>,
}

struct Lines<'a> {
    user: &'a str,
    lines: Vec<Line>,
}

impl Lines<'_> {
    fn add(&mut self, action: &str, resource: &str, reason: Option<&str>, purpose: &str) {
        self.lines.push(Line {
            user: self.user.to_owned(),
            action: action.to_owned(),
            resource: resource.to_owned(),
            in_region: None,
            reason: reason.map(str::to_owned),
            used_by: BTreeSet::from([purpose.to_owned()]),
            context: Vec::new(),
        });
    }

    fn anything(&mut self, (actions, reason): (&[&str], &str), purpose: &str) {
        for action in actions {
            self.add(action, "*", Some(reason), purpose);
        }
    }
}

/// Every role of the stack, with what it is needed for.
///
/// # Errors
/// When something in the template cannot be computed.
pub fn role_lines(plan: &Plan, stack: &Stack<'_>) -> Result<Vec<RoleLines>, TemplateError> {
    lines_for(plan, &needs(plan), stack)
}

/// The same where the functions' calls are known.
pub(super) fn lines_for(plan: &Plan, calls: &[Need], stack: &Stack<'_>) -> Result<Vec<RoleLines>, TemplateError> {
    let mut found = Vec::new();
    let arns: BTreeMap<String, &str> =
        stack.of_type("AWS::IAM::Role")?.into_iter().map(|role| Ok((stack.arn(role)?, role))).collect::<Result<_, _>>()?;
    let claim = |arn: &Value, user: &str, lines: Vec<Line>| -> Result<RoleLines, TemplateError> {
        let role = arn.as_str().and_then(|arn| arns.get(arn)).copied().unwrap_or_default();
        Ok(RoleLines { role: role.to_owned(), user: user.to_owned(), documents: documents(stack, role)?, lines })
    };
    for name in stack.of_type("AWS::Serverless::Function")? {
        let properties = stack.properties(name)?;
        let lines = of_function(plan, calls, stack, name, &properties)?;
        found.push(claim(&properties["Role"], user_of(plan, &properties), lines)?);
    }
    for name in stack.of_type("AWS::Serverless::StateMachine")? {
        let properties = stack.properties(name)?;
        let lines = of_machine(&stack.arn(name)?, &properties);
        found.push(claim(&properties["Role"], machine_user(&properties), lines)?);
    }
    for name in stack.of_type("AWS::Events::Rule")? {
        let properties = stack.properties(name)?;
        for target in properties["Targets"].as_array().into_iter().flatten().filter(|target| target["RoleArn"].is_string()) {
            let arn = target["Arn"].as_str().unwrap_or_default();
            let (user, action, purpose) = if arn.contains(":stateMachine:") {
                ("verification rule", "states:StartExecution", "the daily verification of backups")
            } else {
                ("forwarding rule", "events:PutEvents", "alarms of the primary Region")
            };
            let mut lines = Lines { user, lines: Vec::new() };
            lines.add(action, arn, None, purpose);
            found.push(claim(&target["RoleArn"], user, lines.lines)?);
        }
    }
    // A role that nobody uses is all too much.
    for role in arns.values().filter(|role| !found.iter().any(|used: &RoleLines| used.role == **role)).collect::<Vec<_>>() {
        found.push(claim(&Value::from(stack.arn(role)?), "nobody", Vec::new())?);
    }
    Ok(found)
}

fn documents(stack: &Stack<'_>, role: &str) -> Result<Vec<Value>, TemplateError> {
    let properties = stack.properties(role)?;
    let policies = properties["Policies"].as_array().into_iter().flatten();
    Ok(policies.map(|policy| policy["PolicyDocument"].clone()).collect())
}

fn user_of(plan: &Plan, properties: &Value) -> &'static str {
    let name = properties["FunctionName"].as_str().unwrap_or_default();
    let known = FUNCTIONS.into_iter().find(|function| deployed_name(plan, *function) == name);
    known.map_or("an unknown function", FunctionName::as_str)
}

fn of_function(
    plan: &Plan,
    calls: &[Need],
    stack: &Stack<'_>,
    name: &str,
    properties: &Value,
) -> Result<Vec<Line>, TemplateError> {
    let user = user_of(plan, properties);
    let mut lines = Lines { user, lines: Vec::new() };
    // What Lambda itself does with the role.
    if properties["Tracing"] == "Active" {
        lines.anything(TRACES, "traces");
    }
    if let Some(group) = properties["LoggingConfig"]["LogGroup"].as_str() {
        let arn = log_group(stack, group)?;
        for action in ["logs:CreateLogStream", "logs:PutLogEvents"] {
            lines.add(action, &arn, Some("each instance of the function writes to a stream of its own"), "logs");
        }
    }
    if properties["VpcConfig"].is_object() {
        lines.anything(INTERFACES, "network interfaces");
    }
    if let Some(queue) = properties["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"].as_str() {
        lines.add("sqs:SendMessage", queue, None, "triggers that were not handled");
    }
    // What its code calls.
    let code = lines.lines.len();
    for need in calls.iter().filter(|need| need.function == user) {
        lines.lines.push(Line {
            user: user.to_owned(),
            action: need.action.to_owned(),
            resource: need.resource.clone(),
            in_region: need.in_region.as_ref().map(ToString::to_string),
            reason: need.reason.map(str::to_owned),
            used_by: need.used_by.clone(),
            context: Vec::new(),
        });
    }
    encryption(plan, stack, &mut lines)?;
    let function = stack.arn(name)?;
    for line in lines.lines.iter_mut().skip(code) {
        line.context.push(("lambda:SourceFunctionArn".to_owned(), function.clone()));
        let region = line.in_region.clone().or_else(|| line.resource.split(':').nth(3).map(str::to_owned));
        line.context.extend(region.map(|region| ("aws:RequestedRegion".to_owned(), region)));
    }
    Ok(lines.lines)
}

/// Keys that calls need besides their own action.
fn encryption(plan: &Plan, stack: &Stack<'_>, lines: &mut Lines<'_>) -> Result<(), TemplateError> {
    let makes = |lines: &Lines<'_>, action: &str| lines.lines.iter().any(|line| line.action == action);
    if makes(lines, "sns:Publish") {
        for topic in stack.of_type("AWS::SNS::Topic")? {
            if let Some(key) = stack.properties(topic)?["KmsMasterKeyId"].as_str() {
                for action in ["kms:GenerateDataKey", "kms:Decrypt"] {
                    lines.add(action, key, None, "notices, where they have a key of their own");
                }
            }
        }
    }
    let key = stack.parameter("SecretKeyArn").and_then(Value::as_str).unwrap_or_default();
    if makes(lines, "secretsmanager:PutSecretValue") && !key.is_empty() && !secrets(plan).is_empty() {
        for action in ["kms:GenerateDataKey", "kms:Decrypt"] {
            lines.add(action, key, None, "the secret, where it has a key of its own");
        }
    }
    for (user, action, parameter, purpose) in [
        (
            FunctionName::BackupVerify,
            "s3:GetObject",
            "ArchivesKeyArns",
            "archives, where their bucket or their identity has a key of its own",
        ),
        (
            FunctionName::BackupVerify,
            "secretsmanager:GetSecretValue",
            "RestoreTestSecretKeyArns",
            "logins of restore tests, where their secret has a key of its own",
        ),
        (
            FunctionName::ReplicationCheck,
            "secretsmanager:GetSecretValue",
            "PostgresqlSecretKeyArns",
            "logins, where their secret has a key of its own",
        ),
    ] {
        if lines.user == user.as_str() && makes(lines, action) {
            for key in several(stack, parameter) {
                lines.add("kms:Decrypt", &key, None, purpose);
            }
        }
    }
    Ok(())
}

/// The values of a list.
fn several(stack: &Stack<'_>, parameter: &str) -> Vec<String> {
    let values = stack.parameter(parameter).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    values.flat_map(|values| values.split(',')).filter(|value| !value.is_empty()).map(str::to_owned).collect()
}

fn log_group(stack: &Stack<'_>, named: &str) -> Result<String, TemplateError> {
    for group in stack.of_type("AWS::Logs::LogGroup")? {
        if stack.properties(group)?["LogGroupName"] == named {
            return stack.arn(group);
        }
    }
    // Lambda would make one, which needs another action; the lint insists on a group in the template.
    Ok(String::new())
}

fn verifies(properties: &Value) -> bool {
    properties["DefinitionUri"].as_str().is_some_and(|path| path.ends_with("/backup-verify.asl.json"))
}

fn machine_user(properties: &Value) -> &'static str {
    if verifies(properties) { "verification machine" } else { "state machine" }
}

fn of_machine(arn: &str, properties: &Value) -> Vec<Line> {
    let mut lines = Lines { user: machine_user(properties), lines: Vec::new() };
    let text = if verifies(properties) { VERIFICATION } else { MACHINE };
    let definition: Value = serde_json::from_str(text).unwrap_or_default();
    let mut labels = BTreeSet::new();
    distributed_maps(&definition, &mut labels);
    for label in labels {
        lines.add("states:StartExecution", arn, None, &format!("items of the map {label}"));
        let executions = arn.replacen(":stateMachine:", ":execution:", 1);
        let reason = Some("Step Functions names the executions of a map's items");
        // AWS's example policy has the machine's own, and its API names those of a map below the map's label.
        for names in [format!("{executions}:*"), format!("{executions}/{label}:*")] {
            for action in ["states:DescribeExecution", "states:StopExecution"] {
                lines.add(action, &names, reason, &format!("items of the map {label}"));
            }
        }
    }
    let mut invoked = BTreeSet::new();
    functions_in(&definition, &mut invoked);
    for name in invoked {
        let function = &properties["DefinitionSubstitutions"][&name];
        lines.add(
            "lambda:InvokeFunction",
            function.as_str().unwrap_or_default(),
            None,
            &format!("state that invokes {name}"),
        );
    }
    if properties["Logging"].is_object() {
        lines.anything(LOG_DELIVERY, "logs");
    }
    if properties["Tracing"]["Enabled"] == true {
        lines.anything(TRACES, "traces");
        lines.anything(SAMPLING, "traces");
    }
    lines.lines
}

/// The labels of the maps whose items are executions of their own.
fn distributed_maps(definition: &Value, found: &mut BTreeSet<String>) {
    if definition["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED" {
        found.insert(definition["Label"].as_str().unwrap_or_default().to_owned());
    }
    let inner: Vec<&Value> = match definition {
        Value::Object(fields) => fields.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    inner.into_iter().for_each(|value| distributed_maps(value, found));
}

/// The substitutions that name a function which some state invokes.
fn functions_in(definition: &Value, found: &mut BTreeSet<String>) {
    match definition {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str().filter(|_| name == "FunctionName") {
                    Some(text) => {
                        found.insert(text.trim_start_matches("${").trim_end_matches('}').to_owned());
                    }
                    None => functions_in(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| functions_in(item, found)),
        _ => {}
    }
}
