//! Every environment variable that the functions read, in this one file. A variable that is missing or wrong is an error that
//! names it and says what to write; an empty one counts as not set.

mod loopback;
mod plan_file;
mod rehearsal;

use std::path::PathBuf;

use crate::domain::identifier::{IncidentId, Region};
use crate::error::{Code, RecoveryError};

pub use plan_file::{PlanError, load_plan, read_plan};
pub use rehearsal::{Rehearsal, RehearsalTime};

use loopback::is_loopback_url;

/// Path of the compiled plan.
pub const PLAN: &str = "RECOVERY_PLAN";
/// Name of the journal's table.
pub const JOURNAL_TABLE: &str = "RECOVERY_JOURNAL_TABLE";
/// ARN of the state machine; `recovery` only.
pub const STATE_MACHINE_ARN: &str = "RECOVERY_STATE_MACHINE_ARN";
/// ARN of the notices' topic; `recovery` only.
pub const NOTICES_TOPIC_ARN: &str = "RECOVERY_NOTICES_TOPIC_ARN";
/// Alias under which a dry run asks the other functions; `recovery` only.
pub const PREDICTORS_ALIAS: &str = "RECOVERY_PREDICTORS_ALIAS";
/// A rehearsal's clock and hosts, as JSON.
pub const REHEARSAL: &str = "RECOVERY_REHEARSAL";
/// The Region that the function runs in; Lambda sets it.
pub const REGION: &str = "AWS_REGION";
/// Where all AWS calls go instead of AWS.
pub const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";

/// The same for one service each. Our clients do not read them, but a rehearsal that has one set is not what its author meant.
const SERVICE_ENDPOINT_URLS: [&str; 13] = [
    "AWS_ENDPOINT_URL_API_GATEWAY",
    "AWS_ENDPOINT_URL_APIGATEWAYV2",
    "AWS_ENDPOINT_URL_CLOUDWATCH",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_ECS",
    "AWS_ENDPOINT_URL_LAMBDA",
    "AWS_ENDPOINT_URL_RDS",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    "AWS_ENDPOINT_URL_SFN",
    "AWS_ENDPOINT_URL_SNS",
    "AWS_ENDPOINT_URL_SSM",
    "AWS_ENDPOINT_URL_STS",
];

/// Proxies that the HTTP client would obey: behind one, a loopback address is the proxy's loopback.
const PROXIES: [&str; 6] = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Where the layer puts the plan when nothing else is said.
const DEFAULT_PLAN: &str = "/opt/plan.json";
/// The alias that every deployed function has.
const DEFAULT_ALIAS: &str = "live";

/// What is wrong with a variable, and what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}")]
pub struct ConfigError {
    /// The variable.
    pub variable: &'static str,
    /// The rest of the sentence.
    pub problem: String,
}

impl ConfigError {
    fn new(variable: &'static str, problem: impl Into<String>) -> Self {
        Self { variable, problem: problem.into() }
    }
}

impl From<ConfigError> for RecoveryError {
    fn from(error: ConfigError) -> Self {
        Self::new(Code::ConfigurationInvalid, error.to_string())
    }
}

/// A function's configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The Region that the function runs in, and the journal is in.
    pub region: Region,
    /// Path of the compiled plan.
    pub plan: PathBuf,
    /// Name of the journal's table.
    pub journal_table: String,
    /// Alias under which a dry run asks the other functions.
    pub predictors_alias: String,
    /// Where all AWS calls go instead of AWS.
    pub endpoint_url: Option<String>,
    /// The rehearsal that this is part of, if it is one.
    pub rehearsal: Option<Rehearsal>,
    state_machine: Option<StateMachineArn>,
    notices_topic: Option<TopicArn>,
}

impl Config {
    /// Reads the environment. `lookup` answers for one variable, `std::env::var(name).ok()` in a function.
    ///
    /// # Errors
    /// [`ConfigError`] for the first variable that is missing or wrong.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let get = |name: &str| lookup(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let region = get(REGION)
            .ok_or_else(|| ConfigError::new(REGION, "is not set: write the function's Region, as Lambda does"))?;
        let region = Region::new(region).map_err(|error| ConfigError::new(REGION, format!("is wrong: {error}")))?;
        let journal_table = get(JOURNAL_TABLE)
            .ok_or_else(|| ConfigError::new(JOURNAL_TABLE, "is not set: write the name of the journal's DynamoDB table"))?;
        let state_machine = get(STATE_MACHINE_ARN).map(|text| StateMachineArn::parse(&text)).transpose()?;
        let notices_topic = get(NOTICES_TOPIC_ARN).map(|text| TopicArn::parse(&text)).transpose()?;
        let rehearsal = get(REHEARSAL).map(|text| rehearsal::parse(&text)).transpose()?;
        if rehearsal.is_some() {
            nothing_leaves_this_machine(&get)?;
        }
        Ok(Self {
            region,
            plan: get(PLAN).unwrap_or_else(|| DEFAULT_PLAN.to_owned()).into(),
            journal_table,
            predictors_alias: get(PREDICTORS_ALIAS).unwrap_or_else(|| DEFAULT_ALIAS.to_owned()),
            endpoint_url: get(ENDPOINT_URL),
            rehearsal,
            state_machine,
            notices_topic,
        })
    }

    /// Whether every AWS call stays on this machine, which is what a drill without a drill target needs.
    #[must_use]
    pub fn every_endpoint_is_loopback(&self) -> bool {
        self.endpoint_url.as_deref().is_some_and(is_loopback_url)
    }

    /// The state machine.
    ///
    /// # Errors
    /// [`ConfigError`] when the variable is not set.
    pub fn state_machine(&self) -> Result<&StateMachineArn, ConfigError> {
        self.state_machine
            .as_ref()
            .ok_or_else(|| ConfigError::new(STATE_MACHINE_ARN, "is not set: write the ARN of the recovery state machine"))
    }

    /// The notices' topic.
    ///
    /// # Errors
    /// [`ConfigError`] when the variable is not set.
    pub fn notices_topic(&self) -> Result<&TopicArn, ConfigError> {
        self.notices_topic
            .as_ref()
            .ok_or_else(|| ConfigError::new(NOTICES_TOPIC_ARN, "is not set: write the ARN of the SNS topic for notices"))
    }
}

/// A rehearsal runs with made-up time and made-up disasters. It must not be able to reach anything real, so it is refused
/// unless every way out leads back to this machine.
fn nothing_leaves_this_machine(get: &impl Fn(&str) -> Option<String>) -> Result<(), ConfigError> {
    let endpoint = get(ENDPOINT_URL).ok_or_else(|| {
        ConfigError::new(REHEARSAL, format!("is set, but {ENDPOINT_URL} is not: a rehearsal only talks to an emulator on this machine, so write its loopback address, such as http://127.0.0.1:4566, or leave {REHEARSAL} empty"))
    })?;
    if !is_loopback_url(&endpoint) {
        return Err(ConfigError::new(
            ENDPOINT_URL,
            format!("must be a loopback address, such as http://127.0.0.1:4566, while {REHEARSAL} is set"),
        ));
    }
    for variable in SERVICE_ENDPOINT_URLS {
        if get(variable).is_some_and(|url| !is_loopback_url(&url)) {
            return Err(ConfigError::new(
                variable,
                format!("must be a loopback address or not set while {REHEARSAL} is set"),
            ));
        }
    }
    for variable in PROXIES {
        if get(variable).is_some() {
            return Err(ConfigError::new(
                variable,
                format!("must not be set while {REHEARSAL} is set: calls would leave this machine through it"),
            ));
        }
    }
    Ok(())
}

/// The ARN of a Step Functions state machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateMachineArn {
    text: String,
    region: Region,
    account: String,
    name: String,
}

impl StateMachineArn {
    /// Reads `arn:aws:states:us-west-2:123456789012:stateMachine:name`.
    ///
    /// # Errors
    /// [`ConfigError`] that says what is missing.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let wrong = || {
            ConfigError::new(
                STATE_MACHINE_ARN,
                format!(
                    "is {:?}: write an ARN such as arn:aws:states:us-west-2:123456789012:stateMachine:name",
                    shown(text)
                ),
            )
        };
        let parts: Vec<&str> = text.split(':').collect();
        match parts.as_slice() {
            ["arn", _, "states", region, account, "stateMachine", name] if !account.is_empty() && !name.is_empty() => {
                Ok(Self {
                    text: text.to_owned(),
                    region: Region::new(*region).map_err(|_| wrong())?,
                    account: (*account).to_owned(),
                    name: (*name).to_owned(),
                })
            }
            _ => Err(wrong()),
        }
    }

    /// The ARN.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The Region that it is in.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The ARN of an incident's execution, which is named by the incident and its run.
    #[must_use]
    pub fn execution(&self, incident: &IncidentId, run: u32) -> String {
        let partition = self.text.split(':').nth(1).unwrap_or("aws");
        format!(
            "arn:{partition}:states:{}:{}:execution:{}:{}",
            self.region,
            self.account,
            self.name,
            incident.execution_name(run)
        )
    }
}

/// The ARN of an SNS topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicArn {
    text: String,
    region: Region,
}

impl TopicArn {
    /// Reads `arn:aws:sns:us-west-2:123456789012:name`.
    ///
    /// # Errors
    /// [`ConfigError`] that says what is missing.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let wrong = || {
            ConfigError::new(
                NOTICES_TOPIC_ARN,
                format!("is {:?}: write an ARN such as arn:aws:sns:us-west-2:123456789012:name", shown(text)),
            )
        };
        let parts: Vec<&str> = text.split(':').collect();
        match parts.as_slice() {
            ["arn", _, "sns", region, account, name] if !account.is_empty() && !name.is_empty() => {
                Ok(Self { text: text.to_owned(), region: Region::new(*region).map_err(|_| wrong())? })
            }
            _ => Err(wrong()),
        }
    }

    /// The ARN.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The Region that it is in.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }
}

fn shown(text: &str) -> String {
    text.chars().take(120).collect()
}

#[cfg(test)]
mod tests;
