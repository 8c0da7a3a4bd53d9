//! Our own payloads, as operators, schedules and the state machine send them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::backup::ProofLevel;
use crate::domain::change::Change;
use crate::domain::identifier::{ComponentName, IncidentId, StepId};
use crate::domain::incident::Mode;
use crate::domain::plan::SiteName;
use crate::domain::step::{Direction, StepKind};
use crate::domain::trigger::AlarmChange;
use crate::error::{Code, RecoveryError};
use crate::printable::misleads;

use super::{alarm, check_shape, strictly};

/// What `recovery` is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum RecoveryRequest {
    /// The state machine's or the schedule's task.
    Task(RecoveryTask),
    /// An operator's command.
    Command(Command),
    /// Start a scenario.
    Start(Start),
    /// An alarm changed.
    Alarm(AlarmChange),
    /// One change apart from a recovery, as the function that makes it asks for.
    Change(ChangeRequest),
    /// An execution of ours ended: look after it, as every minute.
    ExecutionEnded,
}

/// One change apart from a recovery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeRequest {
    /// What to change.
    pub change: Change,
    /// The caller's own id: the same id never makes two changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Who, as stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Why, as stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Who asks for a change, and why: what may stand beside every payload that changes something.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asker {
    /// Who, as stated.
    pub actor: Option<String>,
    /// Why, as stated.
    pub reason: Option<String>,
    /// The caller's own id.
    pub request_id: Option<String>,
}

impl Asker {
    /// The request for this change. Without an id of the caller's own, Lambda's stands for it.
    #[must_use]
    pub fn asks_for(self, change: Change, request_id: &str) -> ChangeRequest {
        let request_id = Some(self.request_id.unwrap_or_else(|| request_id.to_owned()));
        ChangeRequest { change, request_id, actor: self.actor, reason: self.reason }
    }

    fn bounded(&self) -> Result<(), RecoveryError> {
        stated(&[&self.actor, &self.reason, &self.request_id])
    }
}

/// A task of `recovery`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case", deny_unknown_fields)]
pub enum RecoveryTask {
    /// Choose the course.
    Assess {
        /// The incident.
        incident_id: IncidentId,
    },
    /// Say what comes next.
    Advance {
        /// The incident.
        incident_id: IncidentId,
    },
    /// Run one attempt of a step.
    Step {
        /// The incident.
        incident_id: IncidentId,
        /// The step.
        step: StepId,
        /// Which way.
        direction: Direction,
    },
    /// Keep the token of a waiting question.
    AwaitApproval {
        /// The incident.
        incident_id: IncidentId,
        /// The step that asks.
        step: StepId,
        /// The token.
        token: String,
    },
    /// Declare the end.
    Report {
        /// The incident.
        incident_id: IncidentId,
    },
    /// Look after what crashes left.
    Watchdog {},
}

/// Start a scenario: the runbook's payload and its optional additions.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The scenario.
    pub scenario: String,
    /// The failing, active site's Region.
    pub region: Option<String>,
    /// How it is meant.
    pub mode: Option<Mode>,
    /// Why, as stated.
    pub reason: Option<String>,
    /// Who, as stated.
    pub actor: Option<String>,
    /// The caller's own id: the same id never starts two incidents.
    pub request_id: Option<String>,
    /// The platform, where several are deployed.
    pub platform: Option<String>,
}

/// An operator's command.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Which.
    pub command: CommandName,
    /// The incident; the active one where left out of `status`.
    pub incident_id: Option<IncidentId>,
    /// The step, for `retry` and `skip`.
    pub step: Option<StepId>,
    /// Where the platform runs now, for `acknowledge`.
    pub site: Option<SiteName>,
    /// The digest of the question that is answered.
    pub digest: Option<String>,
    /// Who, as stated.
    pub actor: Option<String>,
    /// Why, as stated.
    pub reason: Option<String>,
    /// The caller's own id: the same id is never obeyed twice.
    pub request_id: Option<String>,
}

impl Command {
    /// A field that this command has no use for was meant for another one, or to narrow this one down: neither is guessed at.
    fn has_only_its_fields(&self) -> Result<(), RecoveryError> {
        use CommandName::{Abort, Acknowledge, Approve, Disable, Enable, Reject, Retry, Skip};
        let given: [(&str, bool, &[CommandName]); 3] = [
            ("digest", self.digest.is_some(), &[Approve, Reject]),
            ("site", self.site.is_some(), &[Acknowledge]),
            ("step", self.step.is_some(), &[Retry, Skip]),
        ];
        let of_the_platform = matches!(self.command, Disable | Enable) && self.incident_id.is_some();
        let foreign = given.iter().find(|(_, given, of)| *given && !of.contains(&self.command)).map(|(name, ..)| *name);
        let Some(field) = foreign.or(of_the_platform.then_some("incident_id")) else { return Ok(()) };
        let instead = if self.command == Abort { "; it ends the whole recovery" } else { "" };
        Err(RecoveryError::new(
            Code::PayloadUnreadable,
            format!("the command {} takes no `{field}`{instead}; nothing was done", self.command.as_str()),
        ))
    }
}

/// The operator's commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandName {
    /// Where is it?
    Status,
    /// Yes to the standing question.
    Approve,
    /// No to it.
    Reject,
    /// Start no further step.
    Pause,
    /// Go on after a pause.
    Resume,
    /// Try a refused step again.
    Retry,
    /// Leave a step out.
    Skip,
    /// Undo and end.
    Abort,
    /// A stuck incident has been dealt with.
    Acknowledge,
    /// Let alarms start nothing.
    Disable,
    /// Let alarms start recoveries again.
    Enable,
}

impl CommandName {
    /// Every command.
    pub const ALL: [Self; 11] = [
        Self::Status,
        Self::Approve,
        Self::Reject,
        Self::Pause,
        Self::Resume,
        Self::Retry,
        Self::Skip,
        Self::Abort,
        Self::Acknowledge,
        Self::Disable,
        Self::Enable,
    ];

    /// As written in payloads.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Retry => "retry",
            Self::Skip => "skip",
            Self::Abort => "abort",
            Self::Acknowledge => "acknowledge",
            Self::Disable => "disable",
            Self::Enable => "enable",
        }
    }
}

/// Texts that people state are bounded, because they go into the journal and into notices.
const LONGEST_TEXT: usize = 500;
/// `s3://`, a bucket of 63, a slash and a key of 1,024 bytes.
const LONGEST_LOCATION: usize = 1_093;

/// Reads a payload for `recovery`.
///
/// # Errors
/// `payload_*`, `command_unknown`. Nothing has been touched then.
pub fn recovery(payload: &Value) -> Result<RecoveryRequest, RecoveryError> {
    check_shape(payload)?;
    if let Some(alarm) = alarm::read(payload) {
        return alarm.map(RecoveryRequest::Alarm);
    }
    if payload.get("detail-type").and_then(Value::as_str) == Some("Step Functions Execution Status Change") {
        return Ok(RecoveryRequest::ExecutionEnded);
    }
    if payload.get("task").is_some() {
        let task: RecoveryTask = strictly(payload, "a task of recovery")?;
        if let RecoveryTask::AwaitApproval { token, .. } = &task {
            check_token(token)?;
        }
        return Ok(RecoveryRequest::Task(task));
    }
    if let Some(name) = payload.get("command") {
        if serde_json::from_value::<CommandName>(name.clone()).is_err() {
            let shown: String = name.to_string().chars().take(60).collect();
            let known = CommandName::ALL.map(CommandName::as_str).join(", ");
            return Err(RecoveryError::new(Code::CommandUnknown, format!("{shown} is not a command; there are: {known}")));
        }
        let command: Command = strictly(payload, "a command")?;
        bounded(&[&command.digest])?;
        stated(&[&command.actor, &command.reason, &command.request_id])?;
        command.has_only_its_fields()?;
        return Ok(RecoveryRequest::Command(command));
    }
    if payload.get("change").is_some() {
        let request: ChangeRequest = strictly(payload, "a change")?;
        stated(&[&request.request_id, &request.actor, &request.reason])?;
        return Ok(RecoveryRequest::Change(request));
    }
    let start: Start = strictly(payload, "a request such as {\"scenario\":\"database_failure\",\"region\":\"us-east-1\"}")?;
    bounded(&[&start.region, &start.platform, &Some(start.scenario.clone())])?;
    stated(&[&start.reason, &start.actor, &start.request_id])?;
    Ok(RecoveryRequest::Start(start))
}

/// Task tokens have at most 2,048 characters (Step Functions, SendTaskSuccess: `taskToken`), and they go into the journal.
fn check_token(token: &str) -> Result<(), RecoveryError> {
    if token.is_empty() || token.len() > 2_048 || token.chars().any(misleads) {
        let message = "`token` is no task token: Step Functions makes them of 1 to 2048 printable characters";
        return Err(RecoveryError::new(Code::PayloadUnreadable, message));
    }
    Ok(())
}

/// What a function with steps of its own is asked by the state machine and by dry runs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case", deny_unknown_fields)]
pub enum StepTask {
    /// Run one attempt of a step.
    Step {
        /// The incident.
        incident_id: IncidentId,
        /// The step.
        step: StepId,
        /// Which way.
        direction: Direction,
    },
    /// Say what a step of this kind would see.
    Predict {
        /// The kind.
        kind: StepKind,
        /// The component.
        component: ComponentName,
    },
}

/// What `update-database-endpoints` is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum EndpointRequest {
    /// A step or a prediction.
    Task(StepTask),
    /// The runbook's payload: this host becomes the endpoint.
    NewEndpoint {
        /// The host.
        host: String,
        /// Who asks.
        asker: Asker,
    },
    /// This site's instance becomes the endpoint.
    Site {
        /// The database.
        component: String,
        /// The site.
        site: SiteName,
        /// Who asks.
        asker: Asker,
    },
    /// What an incident wrote is taken back.
    Undo {
        /// The incident.
        incident: IncidentId,
        /// Who asks.
        asker: Asker,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewEndpoint {
    new_endpoint: String,
    actor: Option<String>,
    reason: Option<String>,
    request_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Site {
    component: String,
    site: SiteName,
    actor: Option<String>,
    reason: Option<String>,
    request_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Undo {
    undo: IncidentId,
    actor: Option<String>,
    reason: Option<String>,
    request_id: Option<String>,
}

/// Reads a payload for `update-database-endpoints`.
///
/// # Errors
/// `payload_*`. Nothing has been touched then.
pub fn update_database_endpoints(payload: &Value) -> Result<EndpointRequest, RecoveryError> {
    check_shape(payload)?;
    if payload.get("task").is_some() {
        return strictly(payload, "a task of update-database-endpoints").map(EndpointRequest::Task);
    }
    if payload.get("undo").is_some() {
        let undo: Undo = strictly(payload, "{\"undo\":\"<incident id>\"}")?;
        let asker = Asker { actor: undo.actor, reason: undo.reason, request_id: undo.request_id };
        asker.bounded()?;
        return Ok(EndpointRequest::Undo { incident: undo.undo, asker });
    }
    if payload.get("component").is_some() {
        let site: Site = strictly(payload, "{\"component\":\"database\",\"site\":\"recovery\"}")?;
        let asker = Asker { actor: site.actor, reason: site.reason, request_id: site.request_id };
        asker.bounded()?;
        return Ok(EndpointRequest::Site { component: site.component, site: site.site, asker });
    }
    let new: NewEndpoint = strictly(payload, "{\"new_endpoint\":\"<host of the promoted instance>\"}")?;
    bounded(&[&Some(new.new_endpoint.clone())])?;
    let asker = Asker { actor: new.actor, reason: new.reason, request_id: new.request_id };
    asker.bounded()?;
    Ok(EndpointRequest::NewEndpoint { host: new.new_endpoint, asker })
}

/// What `read-only-toggle` is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum ToggleRequest {
    /// A step or a prediction.
    Task(StepTask),
    /// Hold, resume or tell.
    Mode {
        /// Which.
        mode: ToggleMode,
        /// The database; every one of the plan where left out.
        component: Option<String>,
        /// Who asks.
        asker: Asker,
    },
}

/// What to do with writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToggleMode {
    /// Hold them.
    ReadOnly,
    /// Let them through again.
    ReadWrite,
    /// Tell how it stands.
    Status,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Toggle {
    mode: ToggleMode,
    component: Option<String>,
    actor: Option<String>,
    reason: Option<String>,
    request_id: Option<String>,
}

/// Reads a payload for `read-only-toggle`.
///
/// # Errors
/// `payload_*`. Nothing has been touched then.
pub fn read_only_toggle(payload: &Value) -> Result<ToggleRequest, RecoveryError> {
    check_shape(payload)?;
    if payload.get("task").is_some() {
        return strictly(payload, "a task of read-only-toggle").map(ToggleRequest::Task);
    }
    let toggle: Toggle = strictly(payload, "{\"mode\":\"read_only\"|\"read_write\"|\"status\"}")?;
    bounded(&[&toggle.component])?;
    let asker = Asker { actor: toggle.actor, reason: toggle.reason, request_id: toggle.request_id };
    asker.bounded()?;
    Ok(ToggleRequest::Mode { mode: toggle.mode, component: toggle.component, asker })
}

/// What `replication-check` is asked: everything, or one component.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckRequest {
    /// The component; every one of the plan where left out.
    pub component: Option<String>,
}

/// Reads a payload for `replication-check`.
///
/// # Errors
/// `payload_*`.
pub fn replication_check(payload: &Value) -> Result<CheckRequest, RecoveryError> {
    check_shape(payload)?;
    let request: CheckRequest = strictly(payload, "{} or {\"component\":\"database\"}")?;
    bounded(&[&request.component])?;
    Ok(request)
}

/// What `backup-verify` is asked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupRequest {
    /// The component; every one of the plan where left out.
    pub component: Option<String>,
    /// One archive, `s3://BUCKET/KEY`, instead of each component's newest.
    pub backup: Option<String>,
    /// The proof level to verify to, instead of the plan's.
    pub level: Option<ProofLevel>,
}

/// Reads a payload for `backup-verify`.
///
/// # Errors
/// `payload_*`; `not_in_this_version` for a level that no reading proves.
pub fn backup_verify(payload: &Value) -> Result<BackupRequest, RecoveryError> {
    check_shape(payload)?;
    let forms = "{}, {\"component\":\"database\"} or {\"backup\":\"s3://BUCKET/KEY\"}, each also with \"level\"";
    let request: BackupRequest = strictly(payload, forms)?;
    bounded(&[&request.component])?;
    if request.backup.as_ref().is_some_and(|backup| backup.len() > LONGEST_LOCATION) {
        let message = format!("the name of the backup has more than {LONGEST_LOCATION} bytes, which no object's has");
        return Err(RecoveryError::new(Code::PayloadUnreadable, message));
    }
    if request.level == Some(ProofLevel::Restorable) {
        let message = "level restorable needs a restore, and no reading proves it: ask for consistent at most";
        return Err(RecoveryError::new(Code::NotInThisVersion, message));
    }
    Ok(request)
}

fn bounded(texts: &[&Option<String>]) -> Result<(), RecoveryError> {
    if texts.iter().filter_map(|text| text.as_ref()).any(|text| text.chars().count() > LONGEST_TEXT) {
        return Err(RecoveryError::new(
            Code::PayloadUnreadable,
            format!("a text in the payload has more than {LONGEST_TEXT} characters"),
        ));
    }
    Ok(())
}

/// What people state goes into the journal and into notices as it is, where a line feed would forge a line.
fn stated(texts: &[&Option<String>]) -> Result<(), RecoveryError> {
    bounded(texts)?;
    match texts.iter().filter_map(|text| text.as_ref()).find(|text| text.chars().any(misleads)) {
        None => Ok(()),
        Some(text) => Err(RecoveryError::new(
            Code::PayloadUnreadable,
            format!("{text} holds a character that does not print; write it on one line, without such"),
        )),
    }
}
