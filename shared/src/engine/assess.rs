//! Look at what the scenario is about, and choose the course. Before anything is held.

use crate::domain::assess::{DatabaseSituation, subject};
use crate::domain::decide::POLL;
use crate::domain::duration::Seconds;
use crate::domain::identifier::{ComponentName, IncidentId};
use crate::domain::incident::IncidentStatus;
use crate::domain::observation::{Connection, InstanceView, Sight};
use crate::domain::plan::{Plan, RdsInstance};
use crate::domain::predict::records_of;
use crate::error::{Code, RecoveryError};
use crate::guard::{self, Guard};
use crate::ports::{Clock, Commit, Databases, Probes, ReplicaLags};

use super::advance::PAUSE_POLL;
use super::book::{Versioned, note, write_incident, write_step};
use super::hands::{newest_lag, sight};
use super::notices::notice;
use super::{Engine, TaskAnswer, TaskStatus, scenario_of};

/// How long a database that cannot be described, or not be probed, is looked at again before that chooses the course: promoting
/// across Regions where a failover would have lost nothing, on an alarm's word against a database that would have answered, or
/// holding writes for a replica that is there, is not undone by a second look.
const LOOK_AGAIN_FOR: Seconds = Seconds(30);

/// Assesses the incident once; a second call finds it assessed.
///
/// # Errors
/// Journal errors. Trouble with the world is part of what is assessed.
pub async fn assess(
    engine: Engine<'_>,
    databases: &dyn Databases,
    lags: &dyn ReplicaLags,
    probes: &dyn Probes,
    id: &IncidentId,
) -> Result<TaskAnswer, RecoveryError> {
    let book = engine.book();
    let mut incident = book.incident(id).await?;
    let answer = |status, reason: &str| TaskAnswer::new(id, status, reason, engine.clock.now());
    if incident.value.status.is_end() {
        return Ok(answer(TaskStatus::Ended, "the incident has ended"));
    }
    if let Some(assessment) = &incident.value.assessment {
        return Ok(answer(TaskStatus::Done, &assessment.reason));
    }
    if let Some(abort) = &incident.value.abort {
        return Ok(answer(TaskStatus::Done, &format!("aborted by {abort}")));
    }
    if let Some(pause) = &incident.value.pause {
        // What is seen now may not hold any more when it goes on.
        return Ok(answer(TaskStatus::InProgress, &format!("paused by {pause}")).waiting(PAUSE_POLL.0));
    }
    let plan = book.plan(id).await?;
    let scenario = scenario_of(&plan, &incident.value)?;
    let (component, database) = subject(&plan, &scenario).ok_or_else(|| missing(id, "a database"))?;
    let seen = situation(&plan, &component, database, databases, lags, probes, engine.clock).await;
    let now = engine.clock.now();
    let unseen = [&seen.primary, &seen.replica].into_iter().any(|sight| matches!(sight, Sight::Unreached { .. }));
    let unprobed = seen.primary_could_not_be_probed() && !guard::removed(Guard::ProbeTriedAgain);
    let since = *incident.value.looked_since.get_or_insert(now);
    if (unseen || unprobed) && Seconds::between(since, now) < LOOK_AGAIN_FOR {
        let probe = if unprobed { "; the primary could not be probed" } else { "" };
        let reason = format!("primary: {}; replica: {}{probe}", seen.primary.why_not(), seen.replica.why_not());
        return Ok(match book.commit(&[write_incident(&incident)]).await? {
            Commit::Committed => answer(TaskStatus::InProgress, &reason).waiting(POLL.0),
            Commit::Conflict => answer(TaskStatus::Again, "the incident changed while it was assessed"),
        });
    }
    let assessment = crate::domain::assess::assess(&plan, &scenario, &incident.value.origin, &seen, now);
    let records = records_of(&assessment, &scenario);
    let reason = assessment.reason.clone();
    incident.value.status = IncidentStatus::Running;
    incident.value.mode = Some(assessment.mode);
    incident.value.assessment = Some(assessment);
    let mut writes = vec![note(id, &mut incident.value, now, "assessed", &reason)];
    for record in records {
        writes.push(write_step(id, &Versioned { value: record, revision: 0 }));
    }
    let subject_line = format!("{}: assessed", incident.value.platform);
    writes.push(notice(id, "assessed", &subject_line, &format!("Incident {id}: {reason}."), now));
    writes.push(write_incident(&incident));
    match book.commit(&writes).await? {
        Commit::Committed => Ok(answer(TaskStatus::Done, &reason)),
        Commit::Conflict => Ok(answer(TaskStatus::Again, "the incident changed while it was assessed")),
    }
}

/// Looks at the database, its replica and its backups.
pub async fn situation(
    plan: &Plan,
    component: &ComponentName,
    database: &RdsInstance,
    databases: &dyn Databases,
    lags: &dyn ReplicaLags,
    probes: &dyn Probes,
    clock: &dyn Clock,
) -> DatabaseSituation {
    let (primary_region, recovery_region) = (&plan.sites.primary.region, &plan.sites.recovery.region);
    let primary = sight(databases.describe(primary_region, &database.primary.id).await);
    let primary_connection = match primary.found().and_then(InstanceView::endpoint) {
        Some((host, port)) => probes.connect(&host, port).await,
        None => Connection::NotTried,
    };
    let replica = sight(databases.describe(recovery_region, &database.recovery.id).await);
    let lag = newest_lag(lags, recovery_region, &database.recovery.id, clock).await;
    let newest_snapshot = match &primary {
        Sight::Found { .. } => databases.newest_snapshot(primary_region, &database.primary.id).await.ok().flatten(),
        _ => None,
    };
    DatabaseSituation { component: component.clone(), primary, primary_connection, replica, lag, newest_snapshot }
}

fn missing(id: &IncidentId, what: &str) -> RecoveryError {
    RecoveryError::new(
        Code::JournalUnreadable,
        format!("incident {id}'s plan lacks {what}, which was checked when it was declared"),
    )
}
