//! What a hold sent may come late, or not show yet: whatever lets writes through again waits for it.

use super::*;
use crate::domain::duration::Seconds;

const WAYS_BACK: [(StepKind, Direction); 2] =
    [(StepKind::ResumeWrites, Direction::Apply), (StepKind::HoldWrites, Direction::Undo)];

/// A stage of which the listed methods have no settings.
fn open() -> HoldView {
    HoldView::Throttles { by_method: BTreeMap::new() }
}

fn rest_case() -> Case {
    Case::of(vec![stage(ApiProtocol::Rest, Reads::Served)], vec![open()], Merging::Fields)
}

fn unanswered(at: Timestamp) -> EffectOutcome {
    EffectOutcome::Unknown { at, message: "no answer".to_owned() }
}

/// The call that holds writes, sent and come to this.
fn sent(case: &mut Case, comes_to: Option<EffectOutcome>) -> Mutation {
    let decision = case.decide(StepKind::HoldWrites, Direction::Apply);
    let Decision::Act { mutation, .. } = decision.clone() else { panic!("{decision:?}") };
    case.carry_out(StepKind::HoldWrites, Direction::Apply, &decision, comes_to);
    mutation
}

fn passed(case: &Case, began: Timestamp) -> Seconds {
    Seconds::between(began, case.now)
}

#[test]
fn a_hold_that_was_not_answered_is_waited_for_until_it_can_no_longer_come_whatever_the_budget() {
    for (kind, direction) in WAYS_BACK {
        for overdue in [false, true] {
            let mut case = rest_case();
            let began = case.now;
            sent(&mut case, Some(unanswered(began)));
            case.overdue = overdue;
            let ran = case.run(kind, direction);
            assert!(matches!(ran.end, Decision::Done { .. }), "{kind:?}: {:?}", ran.end);
            assert_eq!((ran.calls, passed(&case, began)), (json!([]), Seconds(120)), "{kind:?}: never before two minutes");
        }
    }
}

#[test]
fn a_hold_that_comes_while_it_is_waited_for_is_taken_back() {
    for (kind, direction) in WAYS_BACK {
        let mut case = rest_case();
        let began = case.now;
        let late = sent(&mut case, Some(unanswered(began)));
        while passed(&case, began) < Seconds(100) {
            let decision = case.decide(kind, direction);
            let Decision::Wait { wait, ref reason, .. } = decision else { panic!("{kind:?}: {decision:?}") };
            assert!(reason.contains("may still take effect"), "{reason}");
            case.now = wait.after(case.now);
        }
        case.service.perform(&late).unwrap();
        let ran = case.run(kind, direction);
        assert!(matches!(ran.end, Decision::Done { .. }), "{kind:?}: {:?}", ran.end);
        assert_eq!(case.service.views, [open()], "{kind:?}: as it was before");
    }
}

#[test]
fn a_hold_that_was_answered_and_does_not_show_is_waited_for_until_describe_calls_show_it() {
    for (kind, direction) in WAYS_BACK {
        let mut case = rest_case();
        let began = case.now;
        sent(&mut case, None);
        let decision = |case: &Case| case.decide_on(kind, direction, vec![open()]);
        case.now = Seconds(59).after(began);
        assert!(matches!(decision(&case), Decision::Wait { .. }), "{kind:?}: what is seen may be from before the hold");
        case.now = Seconds(60).after(began);
        assert!(matches!(decision(&case), Decision::Done { .. }), "{kind:?}: {:?}", decision(&case));
    }
}

#[test]
fn only_an_answer_says_that_what_was_held_has_been_let_through() {
    let refused = EffectOutcome::Refused {
        at: "2026-11-20T12:00:05Z".parse().unwrap(),
        code: "TooManyRequestsException".to_owned(),
        message: "later".to_owned(),
        retryable: true,
    };
    let unanswered = unanswered("2026-11-20T12:00:05Z".parse().unwrap());
    // What the call that lets writes through came to, and whether a describe call that shows them open is believed at once.
    let rows =
        [("answered", None, true), ("not answered", Some(unanswered), false), ("refused for now", Some(refused), false)];
    for (kind, direction) in WAYS_BACK {
        for (what, comes_to, believed) in rows.clone() {
            let mut case = rest_case();
            let began = case.now;
            sent(&mut case, None);
            case.now = Seconds(5).after(began);
            let back = case.decide(kind, direction);
            assert!(matches!(back, Decision::Act { .. }), "{kind:?}: {back:?}");
            case.carry_out(kind, direction, &back, comes_to);
            case.now = Seconds(10).after(began);
            let seen_open = case.decide_on(kind, direction, vec![open()]);
            assert_eq!(matches!(seen_open, Decision::Done { .. }), believed, "{kind:?}, {what}: {seen_open:?}");
        }
    }
}
