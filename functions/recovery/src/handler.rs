//! Event to request to engine to answer. Takes its ports by reference, so that tests and simulations call it as Lambda does.

use serde_json::{Value, json};
use shared::domain::duration::Seconds;
use shared::domain::identifier::{IncidentId, ScenarioName, StepId};
use shared::domain::incident::{Incident, Mode, OrderKind, Origin};
use shared::domain::plan::Plan;
use shared::domain::step::Direction;
use shared::domain::trigger::{
    AlarmChange, AlarmRefused, incident_of_alarm, incident_of_change, incident_of_request, match_alarm,
};
use shared::engine::{
    self, Changing, Declaration, Declared, Engine, Hands, Invocation, Ordering, StepRequest, Switched, TaskStatus,
    acknowledge, automatic, await_approval, declare, declare_change, disable, enable, give_verdict, page, run_step,
    watchdog,
};
use shared::error::{Code, RecoveryError};
use shared::events::request::{ChangeRequest, Command, CommandName, RecoveryRequest, RecoveryTask, Start};
use shared::ports::{Clock, Databases, Executions, Journal, Mutations, Notices, Predictors, Probes, ReplicaLags, Services};

/// EventBridge and Lambda may deliver an event up to hours late. An alarm older than this pages instead of acting.
const OLDEST_ALARM: Seconds = Seconds(900);

/// The ports of this function.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// The journal.
    pub journal: &'a dyn Journal,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Describes databases.
    pub databases: &'a dyn Databases,
    /// Reads replica lag.
    pub lags: &'a dyn ReplicaLags,
    /// Opens connections.
    pub probes: &'a dyn Probes,
    /// Describes services.
    pub services: &'a dyn Services,
    /// Fails over and promotes; nothing else.
    pub mutations: &'a dyn Mutations,
    /// Starts and watches executions.
    pub executions: &'a dyn Executions,
    /// Tells people.
    pub notices: &'a dyn Notices,
    /// Asks the other functions for a dry run.
    pub predictors: &'a dyn Predictors,
}

/// Who calls, and with how much time.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Lambda's request id: the same when Lambda retries an asynchronous invocation.
    pub request_id: String,
    /// The ARN that was invoked; its last part is the alias.
    pub invoked_arn: String,
    /// How much time this invocation has.
    pub invocation: Invocation,
    /// Whether every endpoint is loopback, so that a drill is allowed.
    pub rehearsal: bool,
}

/// Handles one payload.
///
/// # Errors
/// A [`RecoveryError`] with a stable code. A payload that is refused has touched nothing.
pub async fn handle(ports: Ports<'_>, plan: &Plan, caller: &Caller, payload: &Value) -> Result<Value, RecoveryError> {
    match shared::events::request::recovery(payload)? {
        RecoveryRequest::Task(task) => run_task(ports, plan, caller, task).await,
        RecoveryRequest::Command(command) => run_command(ports, plan, caller, command).await,
        RecoveryRequest::Start(start) => start_scenario(ports, plan, caller, start).await,
        RecoveryRequest::Change(request) => make_change(ports, plan, caller, request).await,
        RecoveryRequest::Alarm(change) => start_by_alarm(ports, plan, &change).await,
        RecoveryRequest::ExecutionEnded => run_task(ports, plan, caller, RecoveryTask::Watchdog {}).await,
    }
}

impl<'a> Ports<'a> {
    fn engine(&self) -> Engine<'a> {
        Engine { journal: self.journal, clock: self.clock }
    }

    fn hands(&self) -> Hands<'a> {
        Hands::of_recovery(self.databases, self.lags, self.probes, self.services, self.mutations)
    }
}

async fn run_task(ports: Ports<'_>, plan: &Plan, caller: &Caller, task: RecoveryTask) -> Result<Value, RecoveryError> {
    let engine = ports.engine();
    let answer = match task {
        RecoveryTask::Assess { incident_id } => {
            let answer = engine::assess(engine, ports.databases, ports.lags, ports.probes, &incident_id).await?;
            page(engine, ports.notices, &incident_id).await;
            answer
        }
        RecoveryTask::Advance { incident_id } => engine::advance(engine, &incident_id).await?,
        RecoveryTask::Step { incident_id, step, direction } => {
            return step_attempt(ports, caller, incident_id, step, direction).await;
        }
        RecoveryTask::AwaitApproval { incident_id, step, token } => {
            await_approval(engine, ports.executions, &incident_id, &step, &token).await?
        }
        RecoveryTask::Report { incident_id } => engine::report(engine, ports.notices, &incident_id).await?,
        RecoveryTask::Watchdog {} => {
            return to_json(&watchdog(engine, ports.executions, ports.notices, &plan.platform).await?);
        }
    };
    to_json(&answer)
}

async fn step_attempt(
    ports: Ports<'_>,
    caller: &Caller,
    incident_id: IncidentId,
    step: StepId,
    direction: Direction,
) -> Result<Value, RecoveryError> {
    let request = StepRequest { incident_id, step, direction };
    let answer = run_step(ports.engine(), ports.hands(), &request, caller.invocation).await?;
    if answer.status == TaskStatus::NeedsApproval {
        page(ports.engine(), ports.notices, &request.incident_id).await;
    }
    to_json(&answer)
}

async fn start_scenario(ports: Ports<'_>, plan: &Plan, caller: &Caller, start: Start) -> Result<Value, RecoveryError> {
    if start.platform.as_deref().is_some_and(|name| name != plan.platform.as_str()) {
        return Err(RecoveryError::new(
            Code::PlatformNotInPlan,
            format!(
                "this function recovers {}, and not {}",
                plan.platform,
                shown(start.platform.as_deref().unwrap_or_default())
            ),
        ));
    }
    let scenario = known_scenario(plan, &start.scenario)?;
    known_region(plan, start.region.as_deref())?;
    let request_id = start.request_id.clone().unwrap_or_else(|| caller.request_id.clone());
    let origin = Origin::Operator {
        request_id: request_id.clone(),
        actor: start.actor.clone(),
        reason: start.reason.clone(),
        // A drill takes the course that the real day would take; only the place where it runs differs.
        mode: start.mode.filter(|mode| matches!(mode, Mode::Graceful | Mode::Ungraceful)),
    };
    match start.mode {
        Some(Mode::DryRun) => return predict(ports, plan, &scenario, origin).await,
        Some(Mode::Drill) if !caller.rehearsal => {
            return Err(RecoveryError::new(
                Code::ModeNotAllowed,
                "a drill runs only where every endpoint is loopback: `recoveryctl drill` sets that up; use mode dry_run here",
            ));
        }
        _ => {}
    }
    let declaration =
        Declaration { id: incident_of_request(&plan.platform, &request_id), plan, scenario, region: start.region, origin };
    begin(ports, declaration).await
}

async fn predict(ports: Ports<'_>, plan: &Plan, scenario: &ScenarioName, origin: Origin) -> Result<Value, RecoveryError> {
    let state = ports.engine().book().platform(&plan.platform).await?.value;
    let prediction = engine::dry_run(
        ports.clock,
        ports.databases,
        ports.lags,
        ports.probes,
        ports.services,
        ports.predictors,
        plan,
        scenario,
        origin,
        state.generation.next(),
    )
    .await?;
    let mut answer = to_json(&prediction)?;
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("incident_id".to_owned(), Value::Null);
        answer.insert("status".to_owned(), json!("predicted"));
        answer.insert("at".to_owned(), json!(ports.clock.now()));
    }
    Ok(answer)
}

async fn start_by_alarm(ports: Ports<'_>, plan: &Plan, change: &AlarmChange) -> Result<Value, RecoveryError> {
    let trigger = match match_alarm(plan, change) {
        Ok(trigger) => trigger,
        Err(AlarmRefused::NotInPlan(why)) => return Err(RecoveryError::new(Code::AlarmNotInPlan, why)),
        // Not a function error: Lambda would retry it and dead-letter it, and somebody would be woken for nothing.
        Err(AlarmRefused::Ignored(why)) => return Ok(ignored(ports, "not_an_alarm_state", &why)),
    };
    let age = Seconds::between(change.changed_at, ports.clock.now());
    if age > OLDEST_ALARM {
        let why = format!("alarm {} went off {age} ago; its event was late, and much may have been done since", change.name);
        let text = format!(
            "{why}. Nothing was started: look, and start the scenario {} by hand if it is needed.",
            trigger.scenario
        );
        ports.notices.publish(&format!("{}: a late alarm", plan.platform), &text).await?;
        return Ok(ignored(ports, "alarm_too_old", &why));
    }
    let declaration = Declaration {
        id: incident_of_alarm(&plan.platform, change),
        plan,
        scenario: trigger.scenario.clone(),
        region: None,
        origin: Origin::Alarm {
            arn: change.arn.clone(),
            previous: change.previous.clone(),
            changed_at: change.changed_at,
            reason: change.reason.clone(),
        },
    };
    begin(ports, declaration).await
}

async fn begin(ports: Ports<'_>, declaration: Declaration<'_>) -> Result<Value, RecoveryError> {
    let engine = ports.engine();
    let (incident, status, reason) = match declare(engine, &declaration).await? {
        Declared::New(incident) => (incident, "started", "the recovery was started"),
        Declared::Again(incident) => {
            (incident, "already_started", "this request was received before; it started one recovery")
        }
        Declared::Joined(incident) => (incident, "joined", "a recovery of this platform is active; this request joins it"),
        Declared::AlreadyMoved => {
            let why = "the platform already runs in its recovery site, so its old primary may be down";
            ports.notices.publish(&format!("{}: an alarm over the old primary", declaration.plan.platform), why).await?;
            return Ok(ignored(ports, "already_moved", why));
        }
        Declared::Disabled(disabled) => {
            let scenario = &declaration.scenario;
            let why = format!("{disabled}; the alarm for {scenario} started nothing");
            // An alarm that nobody answers because somebody switched the answer off must be seen: if this fails, Lambda tries again.
            let body = format!("{why}. Look, and start {scenario} by hand if it is needed; the command enable ends this.");
            let subject = format!("{}: an alarm while recovery is disabled", declaration.plan.platform);
            ports.notices.publish(&subject, &body).await?;
            return Ok(ignored(ports, "disabled", &why));
        }
        Declared::Blocked(until) => {
            let why = format!("a recovery ended a short while ago; until {until} only a person starts another");
            return Ok(ignored(ports, "block_period", &why));
        }
    };
    let execution = match (&incident.execution_arn, incident.status.is_end()) {
        (Some(arn), _) => Some(arn.clone()),
        (None, true) => None,
        (None, false) => Some(engine::start(engine, ports.executions, &incident.id).await?),
    };
    page(engine, ports.notices, &incident.id).await;
    Ok(begun(ports, &incident, status, reason, execution))
}

/// Declares a change of one step, as the function that makes it asked for. Checked again here: the payload may be anybody's.
async fn make_change(
    ports: Ports<'_>,
    plan: &Plan,
    caller: &Caller,
    request: ChangeRequest,
) -> Result<Value, RecoveryError> {
    let engine = ports.engine();
    let request_id = request.request_id.unwrap_or_else(|| caller.request_id.clone());
    let id = incident_of_change(&plan.platform, &request_id);
    let origin = Origin::Operator { request_id, actor: request.actor, reason: request.reason, mode: None };
    let (incident, reason) = match declare_change(engine, ports.databases, plan, &request.change, &id, &origin).await? {
        Changing::New(incident) => (incident, "the change is declared and is being made"),
        Changing::Again(incident) => (incident, "this change was asked for before"),
    };
    let status = incident.status;
    let execution = match (&incident.execution_arn, status.is_end()) {
        (Some(arn), _) => Some(arn.clone()),
        (None, true) => None,
        (None, false) => Some(engine::start(engine, ports.executions, &incident.id).await?),
    };
    page(engine, ports.notices, &incident.id).await;
    let mut answer =
        begun(ports, &incident, if status.is_end() { status.as_str() } else { "in_progress" }, reason, execution);
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("change".to_owned(), json!(incident.change));
        answer.insert("follow".to_owned(), json!({"command": "status", "incident_id": incident.id}));
    }
    Ok(answer)
}

fn begun(ports: Ports<'_>, incident: &Incident, status: &str, reason: &str, execution: Option<String>) -> Value {
    json!({
        "incident_id": incident.id,
        "status": status,
        "reason": reason,
        "scenario": incident.scenario,
        "incident_status": incident.status,
        "execution_arn": execution,
        "declared_at": incident.declared_at,
        "at": ports.clock.now(),
    })
}

fn ignored(ports: Ports<'_>, code: &str, reason: &str) -> Value {
    json!({"incident_id": null, "status": "ignored", "code": code, "reason": reason, "at": ports.clock.now()})
}

async fn run_command(ports: Ports<'_>, plan: &Plan, caller: &Caller, command: Command) -> Result<Value, RecoveryError> {
    let engine = ports.engine();
    let actor = actor_of(&command);
    match command.command {
        CommandName::Status => {
            let answer = engine::status(engine, &plan.platform, command.incident_id.as_ref()).await?;
            Ok(match answer {
                Some(answer) => to_json(&answer)?,
                None => json!({
                    "incident_id": null, "status": "quiet", "at": ports.clock.now(),
                    "reason": format!("{} has never been recovered", plan.platform),
                    "automatic_recovery": automatic(engine, &plan.platform).await?,
                }),
            })
        }
        CommandName::Approve | CommandName::Reject => {
            if !by_approver(caller) {
                return Err(RecoveryError::new(
                    Code::ApproverNotAllowed,
                    "verdicts are taken through the alias `approve` only, whose permission is granted apart: add --qualifier approve",
                ));
            }
            let id = named_incident(&command)?;
            let digest = command
                .digest
                .as_deref()
                .ok_or_else(|| lacks("digest", "the digest of the question, as `status` shows it"))?;
            let approved = command.command == CommandName::Approve;
            let reason = command.reason.as_deref();
            let text = give_verdict(engine, ports.executions, id, approved, digest, actor, reason).await?;
            let status = if approved { "approved" } else { "rejected" };
            Ok(json!({"incident_id": id, "status": status, "reason": text, "at": ports.clock.now()}))
        }
        CommandName::Acknowledge => {
            let id = named_incident(&command)?;
            to_json(&acknowledge(engine, &plan.platform, id, command.site, actor, command.reason.as_deref()).await?)
        }
        CommandName::Disable => {
            let switched = disable(engine, &plan.platform, actor, command.reason.as_deref()).await?;
            Ok(told(ports, plan, "disabled", &switched).await)
        }
        CommandName::Enable => {
            let switched = enable(engine, &plan.platform, actor, command.reason.as_deref()).await?;
            Ok(told(ports, plan, "enabled", &switched).await)
        }
        CommandName::Pause => obey(ports, caller, &command, OrderKind::Pause).await,
        CommandName::Resume => obey(ports, caller, &command, OrderKind::Resume).await,
        CommandName::Retry => obey(ports, caller, &command, OrderKind::Retry).await,
        CommandName::Skip => obey(ports, caller, &command, OrderKind::Skip).await,
        CommandName::Abort => obey(ports, caller, &command, OrderKind::Abort).await,
    }
}

async fn obey(ports: Ports<'_>, caller: &Caller, command: &Command, order: OrderKind) -> Result<Value, RecoveryError> {
    let id = named_incident(command)?;
    let ordering = Ordering {
        order,
        step: command.step.clone(),
        request_id: command.request_id.as_deref().unwrap_or(&caller.request_id),
        actor: actor_of(command),
        reason: command.reason.as_deref(),
        by_approver: by_approver(caller),
    };
    let answer = engine::order(ports.engine(), ports.executions, id, &ordering).await?;
    page(ports.engine(), ports.notices, id).await;
    to_json(&answer)
}

fn actor_of(command: &Command) -> &str {
    command.actor.as_deref().unwrap_or("an operator who did not say who")
}

/// The alias is the whole permission: who may invoke it may consent.
fn by_approver(caller: &Caller) -> bool {
    caller.invoked_arn.ends_with(":approve")
}

/// Tells people what alarms do from now on. The state stands in the journal whether or not they could be told.
async fn told(ports: Ports<'_>, plan: &Plan, status: &str, switched: &Switched) -> Value {
    let mut reason = switched.reason.clone();
    if switched.changed {
        let subject = format!("{}: automatic recovery {status}", plan.platform);
        if let Err(error) = ports.notices.publish(&subject, &switched.reason).await {
            reason = format!("{reason}. People could not be told ({error}): tell them");
        }
    }
    json!({"incident_id": null, "status": status, "reason": reason, "at": ports.clock.now()})
}

fn named_incident(command: &Command) -> Result<&IncidentId, RecoveryError> {
    command.incident_id.as_ref().ok_or_else(|| lacks("incident_id", "the incident, as `status` shows it"))
}

fn lacks(field: &str, what: &str) -> RecoveryError {
    RecoveryError::new(Code::PayloadUnreadable, format!("the command needs `{field}`: {what}"))
}

fn known_scenario(plan: &Plan, name: &str) -> Result<ScenarioName, RecoveryError> {
    let known = plan.scenarios.keys().find(|known| known.as_str() == name).cloned();
    known.ok_or_else(|| {
        let list: Vec<&str> = plan.scenarios.keys().map(ScenarioName::as_str).collect();
        RecoveryError::new(
            Code::ScenarioNotInPlan,
            format!("the plan for {} has no scenario {}; it has: {}", plan.platform, shown(name), list.join(", ")),
        )
    })
}

fn known_region(plan: &Plan, region: Option<&str>) -> Result<(), RecoveryError> {
    match region {
        Some(region) if plan.site_in(region).is_none() => Err(RecoveryError::new(
            Code::RegionNotInPlan,
            format!(
                "{} is not a Region of {}, which runs in {} and is recovered to {}",
                shown(region),
                plan.platform,
                plan.sites.primary.region,
                plan.sites.recovery.region
            ),
        )),
        _ => Ok(()),
    }
}

/// A payload's text as it may be repeated: short, and with nothing that a terminal or a log could misread.
fn shown(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_default).collect()
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<Value, RecoveryError> {
    serde_json::to_value(value)
        .map_err(|error| RecoveryError::new(Code::JournalUnreadable, format!("the answer could not be written: {error}")))
}
