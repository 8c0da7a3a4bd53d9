//! Flags in the environments of functions.

use super::*;
use crate::domain::identifier::VariableName;

fn flag() -> HoldPoint {
    HoldPoint::LambdaEnvironment {
        function: name("reports"),
        variable: VariableName::new("READ_ONLY").unwrap(),
        held: "true".to_owned(),
        region: region(),
    }
}

fn variable(value: Option<&str>) -> HoldView {
    HoldView::Variable { value: value.map(str::to_owned), others: vec!["HOST".to_owned()], updating: false }
}

fn set(value: Option<&str>) -> Value {
    let mut variables = json!({"HOST": "${kept}"});
    if let Some(value) = value {
        variables["READ_ONLY"] = json!(value);
    }
    json!([{"UpdateFunctionConfiguration":
        {"FunctionName": "reports", "Environment": {"Variables": variables}, "RevisionId": "${revision}"}}])
}

#[test]
fn undo_restores_exactly_the_value_that_the_variable_had() {
    for (what, value, hold, resume) in [
        ("it was missing, and is missing afterwards", None, set(Some("true")), set(None)),
        ("it had another value", Some("false"), set(Some("true")), set(Some("false"))),
        ("it was empty", Some(""), set(Some("true")), set(Some(""))),
        ("it was set already", Some("true"), json!([]), json!([])),
    ] {
        let row = Row { what, before: variable(value), hold, resume };
        row.holds_true(
            flag(),
            Merging::Fields,
            |view| matches!(view, HoldView::Variable { value: Some(value), .. } if value == "true"),
        );
    }
}

#[test]
fn a_value_that_others_gave_it_during_the_incident_is_left_and_noted() {
    let mut case = Case::of(vec![flag()], vec![variable(None)], Merging::Fields);
    case.hold();
    case.service.views = vec![variable(Some("maintenance"))];
    let resumed = case.resume();
    assert_eq!(resumed.calls, json!([]));
    assert!(matches!(resumed.end, Decision::Done { .. }), "{:?}", resumed.end);
    assert_eq!(case.service.views, [variable(Some("maintenance"))]);
    assert!(case.notes()[0].contains("(READ_ONLY)"), "{:?}", case.notes());
}

#[test]
fn a_point_whose_call_was_not_answered_does_not_keep_the_next_one_open() {
    let other = HoldPoint::LambdaEnvironment {
        function: name("orders"),
        variable: VariableName::new("READ_ONLY").unwrap(),
        held: "true".to_owned(),
        region: region(),
    };
    let mut case = Case::of(vec![flag(), other], vec![variable(None), variable(None)], Merging::Fields);
    let began = case.now;
    let mut calls = Vec::new();
    while case.now == began {
        let decision = case.decide(StepKind::HoldWrites, Direction::Apply);
        let unanswered = match &decision {
            Decision::Act { mutation: Mutation::SetFunctionVariable { function, .. }, .. } => {
                calls.push(function.to_string());
                let unknown = EffectOutcome::Unknown { at: began, message: "no answer".to_owned() };
                (function.as_str() == "reports").then_some(unknown)
            }
            Decision::Wait { wait, .. } => {
                case.now = wait.after(began);
                None
            }
            other => panic!("{other:?}"),
        };
        case.carry_out(StepKind::HoldWrites, Direction::Apply, &decision, unanswered);
    }
    assert_eq!(calls, ["reports", "orders"], "nothing is waited for before both were tried");
    assert_eq!(case.service.views, [variable(None), variable(Some("true"))]);
}

#[test]
fn a_point_that_cannot_be_brought_back_does_not_keep_the_others_held() {
    let other = HoldPoint::LambdaEnvironment {
        function: name("orders"),
        variable: VariableName::new("READ_ONLY").unwrap(),
        held: "true".to_owned(),
        region: region(),
    };
    let mut case = Case::of(vec![flag(), other], vec![variable(None), variable(None)], Merging::Fields);
    case.hold();
    let denied = |mutation: &Mutation| match mutation {
        Mutation::SetFunctionVariable { function, .. } if function.as_str() == "orders" => Some(refused_for_good()),
        _ => None,
    };
    // The last point is brought back first, so the one that is refused comes before the one that is not.
    let resumed = case.run_with(StepKind::ResumeWrites, Direction::Apply, denied);
    assert_eq!(case.service.views, [variable(None), variable(Some("true"))]);
    let Decision::Stuck { reason, .. } = &resumed.end else { panic!("{:?}", resumed.end) };
    assert!(reason.contains("function orders") && reason.contains("AccessDeniedException"), "{reason}");
    assert!(!reason.contains("function reports"), "{reason}");
}
