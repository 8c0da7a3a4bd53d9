//! Declare an incident, exactly once however often and by however many it is asked for, and start its execution.

use jiff::Timestamp;

use crate::domain::assess::longest_incident;
use crate::domain::identifier::{IncidentId, ScenarioName};
use crate::domain::incident::{Disabled, Incident, IncidentStatus, Origin};
use crate::domain::plan::{Plan, SiteName};
use crate::error::{Code, RecoveryError};
use crate::guard::{self, Guard};
use crate::ports::{Commit, Executions};

use super::Engine;
use super::book::{Versioned, note, write_incident, write_plan, write_platform};
use super::change::busy;
use super::notices::notice;

#[cfg(test)]
mod tests;

/// How often a lost race is run again before the caller is told to try later.
const RACES: usize = 5;

/// What to declare.
#[derive(Debug, Clone)]
pub struct Declaration<'a> {
    /// Its id.
    pub id: IncidentId,
    /// The plan.
    pub plan: &'a Plan,
    /// The scenario; must be in the plan.
    pub scenario: ScenarioName,
    /// The failing Region as the caller names it; `None`: the active site's.
    pub region: Option<String>,
    /// Who asks.
    pub origin: Origin,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Declared {
    /// It is new.
    New(Box<Incident>),
    /// The same trigger declared it before.
    Again(Box<Incident>),
    /// Another incident holds the platform; the caller joins it.
    Joined(Box<Incident>),
    /// A block period after a recovery: alarms start nothing.
    Blocked(Timestamp),
    /// The platform already runs in its recovery site, so an alarm over the old primary starts nothing.
    AlreadyMoved,
    /// A person disabled automatic starts.
    Disabled(Disabled),
}

/// Declares the incident: one transaction of incident, plan copy, active marker and generation.
///
/// # Errors
/// `site_not_active`, `platform_busy`, or journal errors. Nothing is written then.
pub async fn declare(engine: Engine<'_>, declaration: &Declaration<'_>) -> Result<Declared, RecoveryError> {
    let book = engine.book();
    let plan = declaration.plan;
    let scenario =
        plan.scenarios.get(&declaration.scenario).ok_or_else(|| unknown_scenario(plan, declaration.scenario.as_str()))?;
    for _ in 0..RACES {
        if let Some(existing) = book.find(&declaration.id).await? {
            return Ok(Declared::Again(Box::new(existing.value)));
        }
        let mut platform = book.platform(&plan.platform).await?;
        if let Some(active) = platform.value.active.as_ref().filter(|_| !guard::removed(Guard::OneActive)) {
            let holder = book.incident(active).await?.value;
            if holder.holds_its_platform() && holder.change.is_some() {
                // A call for help must not end with a change that a person happens to make: Lambda delivers an alarm again, and what
                // stays undelivered is told.
                return Err(busy(&holder));
            }
            if holder.holds_its_platform() {
                return Ok(Declared::Joined(Box::new(holder)));
            }
            // It ended, and let go of the platform, between the two reads: whoever joined it would wait for a recovery that is over.
            continue;
        }
        let active_site = platform.value.active_site;
        let active_region = plan.region(active_site);
        if declaration.region.as_deref().is_some_and(|region| region != active_region.as_str()) {
            return Err(RecoveryError::new(
                Code::SiteNotActive,
                format!(
                    "{} runs in {active_region} ({}), so there is nothing to recover from {}; name {active_region} or leave `region` out",
                    plan.platform,
                    active_site.as_str(),
                    declaration.region.as_deref().unwrap_or_default()
                ),
            ));
        }
        let now = engine.clock.now();
        let by_alarm = matches!(declaration.origin, Origin::Alarm { .. });
        if active_site == SiteName::Recovery {
            // Every step of this version recovers from the primary site into the other; going back is a failback.
            return if by_alarm { Ok(Declared::AlreadyMoved) } else { Err(already_moved(plan)) };
        }
        if let Some(disabled) = platform.value.disabled.clone().filter(|_| by_alarm) {
            return Ok(Declared::Disabled(disabled));
        }
        if let Some(until) = platform.value.blocked_until.filter(|until| by_alarm && *until > now) {
            return Ok(Declared::Blocked(until));
        }
        platform.value.generation = platform.value.generation.next();
        platform.value.active = Some(declaration.id.clone());
        platform.value.latest = Some(declaration.id.clone());
        platform.value.noticed.insert(declaration.id.clone());
        let mut incident = Incident {
            id: declaration.id.clone(),
            platform: plan.platform.clone(),
            scenario: declaration.scenario.clone(),
            failing_site: active_site,
            change: None,
            mode: None,
            status: IncidentStatus::Declared,
            generation: platform.value.generation,
            origin: declaration.origin.clone(),
            declared_at: now,
            clock_started_at: declaration.origin.clock_starts(now).min(now),
            deadline: longest_incident(scenario).after(now),
            plan_digest: plan.digest(),
            execution_arn: None,
            looked_since: None,
            assessment: None,
            question: None,
            verdicts: Vec::new(),
            ended_at: None,
            end_reason: None,
            commands_left: Vec::new(),
            acknowledged: None,
            pause: None,
            abort: None,
            orders: Vec::new(),
            reopened: Vec::new(),
            entries: 0,
            head: None,
        };
        let why = describe(&declaration.origin);
        let entry = note(&declaration.id, &mut incident, now, "declared", &why);
        let page = notice(
            &declaration.id,
            "declared",
            &format!("{}: {} declared", plan.platform, declaration.scenario),
            &format!("Incident {} was declared: {why}. Follow it with {{\"command\":\"status\"}}.", declaration.id),
            now,
        );
        let fresh = Versioned { value: incident, revision: 0 };
        let mut writes = vec![write_incident(&fresh), write_platform(&plan.platform, &platform), entry, page];
        writes.extend(write_plan(&declaration.id, plan));
        if book.commit(&writes).await? == Commit::Committed {
            return Ok(Declared::New(Box::new(fresh.value)));
        }
    }
    Err(RecoveryError::new(Code::JournalUnavailable, "other writers were faster each time; send the same request again"))
}

/// Starts the incident's execution, and records it. Starting it twice is harmless: the execution is named by the incident and
/// its run.
///
/// # Errors
/// When Step Functions or the journal cannot be reached; the watchdog tries again.
pub async fn start(engine: Engine<'_>, executions: &dyn Executions, id: &IncidentId) -> Result<String, RecoveryError> {
    let book = engine.book();
    let run = book.incident(id).await?.value.run();
    let arn = executions.start(id, run).await?;
    for _ in 0..RACES {
        let mut incident = book.incident(id).await?;
        if incident.value.execution_arn.is_some() || incident.value.status.is_end() || incident.value.run() != run {
            return Ok(arn);
        }
        incident.value.execution_arn = Some(arn.clone());
        let entry = note(id, &mut incident.value, engine.clock.now(), "execution_started", &format!("execution {arn}"));
        if book.commit(&[write_incident(&incident), entry]).await? == Commit::Committed {
            break;
        }
    }
    Ok(arn)
}

fn already_moved(plan: &Plan) -> RecoveryError {
    RecoveryError::new(
        Code::SiteNotActive,
        format!(
            "{} was recovered into {} and runs there; going back is a failback, which comes with a later version: make that Region the \
             primary of a new plan, and recover with the stack of the other",
            plan.platform, plan.sites.recovery.region
        ),
    )
}

/// The error for a scenario that the plan does not have.
pub(super) fn unknown_scenario(plan: &Plan, name: &str) -> RecoveryError {
    let known: Vec<&str> = plan.scenarios.keys().map(ScenarioName::as_str).collect();
    let shown: String = name.chars().take(60).flat_map(char::escape_default).collect();
    RecoveryError::new(
        Code::ScenarioNotInPlan,
        format!("the plan for {} has no scenario {shown}; it has: {}", plan.platform, known.join(", ")),
    )
}

pub(super) fn describe(origin: &Origin) -> String {
    match origin {
        Origin::Alarm { arn, changed_at, reason, .. } => format!("alarm {arn} went off at {changed_at}: {reason}"),
        Origin::Operator { request_id, actor, reason, .. } => {
            let actor = actor.as_deref().unwrap_or("an operator who did not say who");
            let reason = reason.as_deref().unwrap_or("no reason stated");
            format!("asked for by {actor} ({reason}), request {request_id}")
        }
    }
}
