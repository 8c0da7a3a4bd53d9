//! Every order in every state of an incident.

use std::collections::BTreeMap;

use super::*;
use crate::domain::assess::{Assessment, Course};
use crate::domain::change::Change;
use crate::domain::duration::Seconds;
use crate::domain::identifier::{ComponentName, Digest, IncidentId, PlatformName, ScenarioName};
use crate::domain::incident::{Mode, Origin, Question};
use crate::domain::mutation::{Mutation, Performed};
use crate::domain::non_empty::NonEmpty;
use crate::domain::plan::{ApprovalRule, Branch, Condition, Severity, SiteName};
use crate::domain::step::{Effect, EffectOutcome, PlannedStep, StepKind};

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn minutes_ago(minutes: u64) -> Timestamp {
    Seconds(60 * minutes).before(now())
}

fn stated() -> Stated {
    Stated { actor: "dana".to_owned(), reason: Some("looked at it".to_owned()), at: now() }
}

fn planned(kind: StepKind) -> PlannedStep {
    PlannedStep { kind, component: ComponentName::new("database").unwrap() }
}

const KINDS: [StepKind; 7] = [
    StepKind::HoldWrites,
    StepKind::Fence,
    StepKind::Gate,
    StepKind::Promote,
    StepKind::Repoint,
    StepKind::Validate,
    StepKind::ResumeWrites,
];

fn scenario() -> Scenario {
    let waves = KINDS.map(|kind| NonEmpty::new(vec![planned(kind)]).unwrap());
    Scenario {
        severity: Severity::Sev1,
        failed_region: false,
        preauthorised: None,
        approval: ApprovalRule::WhenNeeded,
        approval_timeout: Seconds(1_800),
        budgets: BTreeMap::new(),
        branches: NonEmpty::new(vec![Branch { when: Condition::Otherwise, waves: NonEmpty::new(waves.into()).unwrap() }])
            .unwrap(),
    }
}

fn incident(status: IncidentStatus) -> Incident {
    let assessment = Assessment {
        on_an_alarms_word: false,
        at: minutes_ago(9),
        mode: Mode::Ungraceful,
        course: Course::Branch { index: 0 },
        reason: "the primary hangs".to_owned(),
        basis: Digest::of(b"seen"),
    };
    let origin = Origin::Operator { request_id: "r".to_owned(), actor: None, reason: None, mode: None };
    let platform = PlatformName::new("platform").unwrap();
    Incident {
        id: IncidentId::derive(&platform, &["test"]),
        platform,
        scenario: ScenarioName::new("database_failure").unwrap(),
        failing_site: SiteName::Primary,
        change: None,
        mode: Some(Mode::Ungraceful),
        status,
        generation: crate::domain::identifier::Generation(1),
        origin,
        declared_at: minutes_ago(10),
        clock_started_at: minutes_ago(10),
        deadline: Seconds(3_600).after(now()),
        plan_digest: Digest::of(b"plan"),
        execution_arn: Some("arn".to_owned()),
        looked_since: None,
        assessment: Some(assessment),
        question: None,
        verdicts: Vec::new(),
        ended_at: status.is_end().then(|| minutes_ago(1)),
        end_reason: status.is_end().then(|| "it ended".to_owned()),
        commands_left: Vec::new(),
        acknowledged: None,
        pause: None,
        abort: None,
        orders: Vec::new(),
        reopened: Vec::new(),
        entries: 0,
        head: None,
    }
}

/// A change that lets the database's writes through, as it is asked for apart from a recovery.
fn opening() -> Change {
    Change::ResumeWrites { components: NonEmpty::new(vec![ComponentName::new("database").unwrap()]).unwrap() }
}

fn promotion(outcome: Option<EffectOutcome>) -> Effect {
    let mutation = Mutation::PromoteReplica {
        region: crate::domain::identifier::Region::new("us-west-2").unwrap(),
        instance: crate::domain::identifier::InstanceId::new("dr").unwrap(),
        backup_retention_days: 7,
    };
    Effect { ordinal: 1, direction: Direction::Apply, mutation, intended_at: minutes_ago(5), outcome }
}

/// Steps by their status, in the order of the scenario; a promotion that is done was answered.
fn records(statuses: [StepStatus; 7]) -> Vec<StepRecord> {
    let steps = KINDS.into_iter().zip(statuses).enumerate();
    steps
        .map(|(index, (kind, status))| {
            let mut record = StepRecord::pending(index + 1, planned(kind));
            record.status = status;
            if status != StepStatus::Pending {
                (record.started_at, record.working_since) = (Some(minutes_ago(5)), Some(minutes_ago(5)));
                record.deadline = Some(Seconds(120).after(minutes_ago(5)));
            }
            if kind == StepKind::Promote && status == StepStatus::Done {
                let performed = Performed::plainly();
                record.effects.push(promotion(Some(EffectOutcome::Applied { at: minutes_ago(4), performed })));
            }
            if matches!(status, StepStatus::Undoing | StepStatus::Undone) {
                record.direction = Direction::Undo;
            }
            record
        })
        .collect()
}

use IncidentStatus::{Completed, Declared, RolledBack, Running, Stuck};
use StepStatus::{Done, Pending, Refused, Undoing, Undone};

type State = (&'static str, Incident, Vec<StepRecord>);

fn states() -> Vec<State> {
    let at_the_gate = || records([Done, Done, StepStatus::Running, Pending, Pending, Pending, Pending]);
    let validating = || records([Done, Done, Done, Done, Done, Refused, Pending]);
    let going_back = || records([Undoing, Undone, Refused, Pending, Pending, Pending, Pending]);
    let with = |status, change: fn(&mut Incident)| {
        let mut incident = incident(status);
        change(&mut incident);
        incident
    };
    let by_dana = |at| Stated { at, ..stated() };
    let mut paused = incident(Running);
    paused.pause = Some(by_dana(minutes_ago(3)));
    let mut aborted = incident(Running);
    aborted.abort = Some(by_dana(minutes_ago(1)));
    vec![
        ("declared", with(Declared, |incident| incident.assessment = None), Vec::new()),
        ("running", incident(Running), at_the_gate()),
        ("paused", paused, at_the_gate()),
        (
            "refused before a promotion",
            incident(Running),
            records([Done, Done, Refused, Pending, Pending, Pending, Pending]),
        ),
        ("going back", incident(Running), going_back()),
        ("aborted", aborted, at_the_gate()),
        ("every step done", incident(Running), records([Done; 7])),
        ("completed", incident(Completed), records([Done; 7])),
        ("rolled back", incident(RolledBack), records([Undone, Undone, Refused, Pending, Pending, Pending, Pending])),
        ("stuck after a promotion", incident(Stuck), validating()),
        ("stuck, its execution dead", incident(Stuck), at_the_gate()),
        ("acknowledged", with(Stuck, |incident| incident.acknowledged = Some(("dana".to_owned(), now()))), validating()),
        ("letting writes through", with(Running, |incident| incident.change = Some(opening())), at_the_gate()),
    ]
}

fn ruling(state: &State, order: OrderKind, step: Option<&str>, by_approver: bool) -> Result<Ruling, Refusal> {
    let step = step.map(|step| StepId::new(step).unwrap());
    let (stated, scenario) = (stated(), scenario());
    rule(Case {
        order,
        step: step.as_ref(),
        stated: &stated,
        by_approver,
        incident: &state.1,
        records: &state.2,
        scenario: &scenario,
    })
}

fn in_a_word(ruling: &Result<Ruling, Refusal>) -> String {
    match ruling {
        Ok(Ruling::Obeyed(_)) => "obeyed".to_owned(),
        Ok(Ruling::Again(_)) => "again".to_owned(),
        Err(refusal) => format!("{:?}", refusal.objection),
    }
}

#[test]
fn every_order_has_an_answer_in_every_state() {
    let expected: [(&str, [&str; 5]); 13] = [
        // pause, resume, retry, skip (of the validation), abort
        ("declared", ["obeyed", "NotPaused", "NothingToRetry", "StepUnknown", "obeyed"]),
        ("running", ["obeyed", "NotPaused", "NothingToRetry", "obeyed", "obeyed"]),
        ("paused", ["again", "obeyed", "NothingToRetry", "obeyed", "obeyed"]),
        ("refused before a promotion", ["obeyed", "NotPaused", "obeyed", "obeyed", "obeyed"]),
        ("going back", ["obeyed", "NotPaused", "UndoUnderWay", "UndoUnderWay", "obeyed"]),
        ("aborted", ["obeyed", "NotPaused", "UndoUnderWay", "UndoUnderWay", "again"]),
        ("every step done", ["obeyed", "NotPaused", "NothingToRetry", "NotSkippable", "NothingToAbort"]),
        ("completed", ["Ended"; 5]),
        ("rolled back", ["Ended"; 5]),
        ("stuck after a promotion", ["Ended", "Ended", "obeyed", "obeyed", "Ended"]),
        ("stuck, its execution dead", ["Ended", "Ended", "obeyed", "obeyed", "Ended"]),
        ("acknowledged", ["Ended"; 5]),
        ("letting writes through", ["obeyed", "NotPaused", "NothingToRetry", "obeyed", "UndoUnderWay"]),
    ];
    for (state, (name, answers)) in states().iter().zip(expected) {
        assert_eq!(state.0, name);
        let orders = [OrderKind::Pause, OrderKind::Resume, OrderKind::Retry, OrderKind::Skip, OrderKind::Abort]
            .into_iter()
            .zip(answers);
        for (order, answer) in orders {
            let step = (order == OrderKind::Skip).then_some("06-validate-database");
            let ruling = ruling(state, order, step, false);
            assert_eq!(in_a_word(&ruling), answer, "{name}, {}: {ruling:?}", order.as_str());
        }
    }
}

#[test]
fn what_keeps_data_safe_is_skipped_by_an_approver_and_a_promotion_by_nobody() {
    let state = ("running", incident(Running), records([Done, Pending, Pending, Pending, Pending, Pending, Pending]));
    let expected = [
        ("02-fence-database", "NeedsApprover", "obeyed"),
        ("03-gate-database", "NeedsApprover", "obeyed"),
        ("04-promote-database", "NotSkippable", "NotSkippable"),
        ("05-repoint-database", "NeedsApprover", "obeyed"),
        ("06-validate-database", "obeyed", "obeyed"),
        ("07-resume_writes-database", "obeyed", "obeyed"),
        ("09-validate-api", "StepUnknown", "StepUnknown"),
    ];
    for (step, by_anyone, by_approver) in expected {
        assert_eq!(in_a_word(&ruling(&state, OrderKind::Skip, Some(step), false)), by_anyone, "{step}");
        assert_eq!(in_a_word(&ruling(&state, OrderKind::Skip, Some(step), true)), by_approver, "{step}");
    }
}

#[test]
fn a_step_in_the_middle_of_a_call_is_neither_skipped_nor_taken_over() {
    let mut steps = records([Done, Done, Done, StepStatus::Running, Pending, Pending, Pending]);
    steps[3].effects.push(promotion(None));
    let state = ("running", incident(Running), steps);
    for order in [OrderKind::Pause, OrderKind::Abort] {
        let Ok(Ruling::Obeyed(obeyed)) = ruling(&state, order, None, false) else { panic!("must be obeyed") };
        let written: Vec<&str> = obeyed.records.iter().map(|record| record.id.as_str()).collect();
        assert_eq!(written, ["05-repoint-database", "06-validate-database", "07-resume_writes-database"]);
    }
    let mut steps = records([StepStatus::Running, Pending, Pending, Pending, Pending, Pending, Pending]);
    steps[0].effects.push(promotion(None));
    let holding = ("running", incident(Running), steps);
    assert_eq!(in_a_word(&ruling(&holding, OrderKind::Skip, Some("01-hold_writes-database"), false)), "StepBusy");
}

#[test]
fn after_a_pause_steps_and_question_have_as_much_time_left_as_before() {
    let mut paused = incident(Running);
    paused.pause = Some(Stated { at: minutes_ago(3), ..stated() });
    paused.question = Some(Question {
        step: StepId::new("03-gate-database").unwrap(),
        text: "Promote?".to_owned(),
        loss_up_to: None,
        unproven_fence: false,
        asked_at: minutes_ago(4),
        stands_until: minutes_ago(1),
        token: None,
    });
    let steps = records([Done, Done, StepStatus::Running, Pending, Pending, Pending, Pending]);
    let deadline = steps[2].deadline.unwrap();
    let state = ("paused", paused, steps);
    for order in [OrderKind::Resume, OrderKind::Abort] {
        let Ok(Ruling::Obeyed(obeyed)) = ruling(&state, order, None, false) else { panic!("must be obeyed") };
        assert_eq!(obeyed.incident.pause, None);
        assert_eq!(obeyed.incident.question.unwrap().stands_until, Seconds(180).after(minutes_ago(1)));
        assert_eq!(obeyed.incident.deadline, state.1.deadline, "the incident's own deadline does not move");
        if order == OrderKind::Resume {
            assert_eq!(obeyed.records.len(), 1);
            assert_eq!(obeyed.records[0].deadline, Some(Seconds(180).after(deadline)));
        }
    }
}

#[test]
fn a_retry_keeps_what_a_step_has_done_and_forgets_what_it_could_not_reach() {
    let (_, incident, mut steps) = states().swap_remove(9);
    steps[5]
        .memory
        .unreached
        .insert("probe".to_owned(), crate::domain::step::Unreached { times: 3, reason: "no route".to_owned() });
    let state = ("stuck", incident, steps);
    let Ok(Ruling::Obeyed(obeyed)) = ruling(&state, OrderKind::Retry, None, false) else { panic!("must be obeyed") };
    assert_eq!((obeyed.incident.status, obeyed.incident.run()), (Running, 2));
    assert_eq!(obeyed.incident.execution_arn, None);
    assert!(obeyed.incident.deadline > now() && obeyed.incident.ended_at.is_none());
    assert_eq!(obeyed.records.len(), 1, "what is done stays done");
    assert_eq!(obeyed.records[0].status, Pending);
    assert!(obeyed.records[0].memory.unreached.is_empty());
}

#[test]
fn a_hold_that_waits_for_a_restore_by_hand_is_not_tried_again() {
    let mut incident = incident(Stuck);
    if let Some(assessment) = &mut incident.assessment {
        assessment.course = Course::HoldOnly { waves: vec![vec![planned(StepKind::HoldWrites)]], proposed: Vec::new() };
    }
    let mut steps = records([Done; 7]);
    steps.truncate(1);
    let refused = ruling(&("hold only", incident, steps), OrderKind::Retry, None, false);
    assert_eq!(in_a_word(&refused), "NothingToRetry");
}
