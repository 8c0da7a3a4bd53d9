//! Declare an incident's end: status, report, platform and notice in one commit.

use crate::domain::change::{Change, account_for};
use crate::domain::commands::{commands_left, held_by_others};
use crate::domain::identifier::IncidentId;
use crate::domain::incident::{BLOCK_PERIOD, Incident, IncidentStatus};
use crate::domain::plan::SiteName;
use crate::domain::report::report;
use crate::domain::room::fitted;
use crate::domain::step::{Direction, StepKind, StepRecord, StepStatus};
use crate::error::RecoveryError;
use crate::guard::{self, Guard};
use crate::ports::Commit;

use super::Engine;
use super::book::{Versioned, note, write_incident, write_platform, write_report, write_step};
use super::notices::notice;

/// Ends the incident so. `None` when another writer changed it meanwhile; then look again.
pub(super) async fn finish(
    engine: Engine<'_>,
    id: &IncidentId,
    status: IncidentStatus,
    reason: &str,
) -> Result<Option<Incident>, RecoveryError> {
    let book = engine.book();
    let mut incident = book.incident(id).await?;
    if incident.value.status.is_end() {
        return Ok(Some(incident.value));
    }
    let plan = book.plan(id).await?;
    let steps = book.steps(id).await?;
    let records: Vec<StepRecord> = steps.iter().map(|step| step.value.clone()).collect();
    let mut platform = book.platform(&plan.platform).await?;
    let report_before = book.report(id).await?.map_or(0, |report| report.revision);
    let now = engine.clock.now();
    incident.value.status = status;
    incident.value.ended_at = Some(now);
    incident.value.end_reason = Some(reason.to_owned());
    incident.value.question = None;
    incident.value.pause = None;
    // What a person took for done in a recovery that completed may still have to be done by somebody.
    let skipped = records.iter().any(|record| record.status == StepStatus::Skipped);
    if status == IncidentStatus::Stuck || (status == IncidentStatus::Completed && skipped) {
        incident.value.commands_left = commands_left(&plan, &incident.value, &records);
    }
    let moved = records.iter().any(|record| record.step.kind == StepKind::Promote && record.may_have_promoted());
    if status == IncidentStatus::Completed && moved {
        platform.value.active_site = SiteName::Recovery;
    }
    match &incident.value.change {
        // Whoever promoted it: clients are served there now, and an alarm over the old primary must not hold their writes.
        Some(Change::Repoint { .. }) if status == IncidentStatus::Completed => {
            platform.value.active_site = SiteName::Recovery;
        }
        Some(Change::UndoRepoint { .. }) if status == IncidentStatus::Completed => {
            platform.value.active_site = SiteName::Primary;
        }
        _ => {}
    }
    account_for(&mut platform.value.held, id, incident.value.change.as_ref(), &records);
    if incident.value.change.is_none() {
        incident.value.commands_left.extend(held_by_others(&plan, &platform.value.held, id));
    }
    // A stuck incident keeps the platform until a person acknowledges it: another recovery on top could do more harm.
    if status != IncidentStatus::Stuck && platform.value.active.as_ref() == Some(id) {
        platform.value.active = None;
    }
    let changed_something = records.iter().any(StepRecord::may_have_changed_something);
    // A change that a person makes is no recovery, after which a flapping alarm would be heard too soon.
    if changed_something && incident.value.change.is_none() {
        platform.value.blocked_until = Some(BLOCK_PERIOD.after(now));
    }
    let entry = note(id, &mut incident.value, now, "ended", &format!("{}: {reason}", status.as_str()));
    let report = fitted(report(&plan, &incident.value, &records, now));
    let subject = format!("{}: {} {}", plan.platform, incident.value.scenario, status.as_str());
    // A re-opened incident ends again, and says so again.
    let name = if incident.value.run() == 1 { "ended".to_owned() } else { format!("ended-{}", incident.value.run()) };
    let page = notice(id, &name, &subject, &body(&incident.value), now);
    let report = Versioned { value: report, revision: report_before };
    let mut writes =
        vec![write_incident(&incident), write_platform(&plan.platform, &platform), write_report(id, &report), entry, page];
    // An attempt may be under way in an invocation that nobody can stop. Taking its record over makes its next write, and so its
    // next intent, lose; and an intent that it wrote since these records were read makes this commit lose instead. Where the end is
    // not a completion, a step that is done may be about to be undone, if it changed anything.
    let goes_back = status != IncidentStatus::Completed;
    let open = steps.into_iter().filter(|step| {
        let step = &step.value;
        let undoable = goes_back && step.may_have_changed_something() && !step.status.is_settled(Direction::Undo);
        !step.status.is_settled(Direction::Apply) || undoable || step.claimed_until.is_some()
    });
    let open = open.filter(|_| !guard::removed(Guard::EndTakesStepsOver));
    writes.extend(open.map(|mut step| {
        step.value.attempt += 1;
        step.value.claimed_until = None;
        write_step(id, &step)
    }));
    match book.commit(&writes).await? {
        Commit::Committed => Ok(Some(incident.value)),
        Commit::Conflict => Ok(None),
    }
}

fn body(incident: &Incident) -> String {
    let reason = incident.end_reason.as_deref().unwrap_or_default();
    let mut text = format!("Incident {} ended as {}: {reason}.", incident.id, incident.status.as_str());
    if !incident.commands_left.is_empty() {
        text.push_str("\nLeft to do, in this order, after a look at each:\n");
        text.push_str(&incident.commands_left.join("\n"));
        if incident.status == IncidentStatus::Stuck {
            text.push_str(
                "\nThen acknowledge it, so that another recovery may start; or retry it, once what kept it is mended.",
            );
        }
    }
    text
}
