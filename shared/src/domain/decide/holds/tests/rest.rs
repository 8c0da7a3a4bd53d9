//! REST APIs.

use super::*;
use crate::domain::step::Throttle;

fn throttles(list: &[(&str, f64, i32)]) -> HoldView {
    let by_method = list.iter().map(|(key, rate, burst)| ((*key).to_owned(), Throttle { rate: *rate, burst: *burst }));
    HoldView::Throttles { by_method: by_method.collect() }
}

fn update(operations: &[Value]) -> Value {
    json!([{"UpdateStage": {"patchOperations": operations.iter().flat_map(|list| list.as_array().unwrap()).collect::<Vec<_>>()}}])
}

fn replace(base: &str, rate: &str, burst: &str) -> Value {
    json!([
        {"op": "replace", "path": format!("{base}/throttling/rateLimit"), "value": rate},
        {"op": "replace", "path": format!("{base}/throttling/burstLimit"), "value": burst},
    ])
}

fn remove(base: &str) -> Value {
    json!([{"op": "remove", "path": base}])
}

const POST: &str = "/~1patients/POST";
const PUT: &str = "/~1patients/PUT";

fn is_closed(view: &HoldView, keys: &[&str]) -> bool {
    let HoldView::Throttles { by_method } = view else { return false };
    keys.iter().all(|key| by_method.get(*key) == Some(&Throttle { rate: 0.0, burst: 0 }))
}

#[test]
fn undo_restores_exactly_what_each_method_had() {
    let both = update(&[replace(POST, "0", "0"), replace(PUT, "0", "0")]);
    let rows = [
        Row {
            what: "no method has settings, and none has any afterwards",
            before: throttles(&[]),
            hold: both.clone(),
            resume: update(&[remove(POST), remove(PUT)]),
        },
        Row {
            what: "both have their own, the stage's stay alone",
            before: throttles(&[("*/*", 10_000.0, 5_000), ("POST /patients", 0.5, 2), ("PUT /patients", 20.0, 40)]),
            hold: both.clone(),
            resume: update(&[replace(POST, "0.5", "2"), replace(PUT, "20", "40")]),
        },
        Row {
            what: "one has its own, the other's entry is removed",
            before: throttles(&[("GET /patients", 5.0, 5), ("PUT /patients", 20.0, 40)]),
            hold: both,
            resume: update(&[remove(POST), replace(PUT, "20", "40")]),
        },
        Row {
            what: "one has other settings than throttling",
            before: throttles(&[("POST /patients", -1.0, -1), ("PUT /patients", 0.0, 0)]),
            hold: update(&[replace(POST, "0", "0")]),
            resume: update(&[replace(POST, "-1", "-1")]),
        },
        Row {
            what: "both are closed already",
            before: throttles(&[("POST /patients", 0.0, 0), ("PUT /patients", 0.0, 0)]),
            hold: json!([]),
            resume: json!([]),
        },
    ];
    for row in rows {
        row.holds_true(stage(ApiProtocol::Rest, Reads::Served), Merging::Fields, |view| {
            is_closed(view, &["POST /patients", "PUT /patients"])
        });
    }
}

#[test]
fn with_reads_stopped_the_stage_and_every_method_of_its_own_close() {
    let row = Row {
        what: "the whole stage",
        before: throttles(&[("GET /patients", 5.0, 5)]),
        hold: update(&[
            replace("/*/*", "0", "0"),
            replace("/~1patients/GET", "0", "0"),
            replace(POST, "0", "0"),
            replace(PUT, "0", "0"),
        ]),
        resume: update(&[remove("/*/*"), replace("/~1patients/GET", "5", "5"), remove(POST), remove(PUT)]),
    };
    row.holds_true(stage(ApiProtocol::Rest, Reads::Stopped), Merging::Fields, |view| {
        is_closed(view, &["*/*", "GET /patients", "POST /patients", "PUT /patients"])
    });
}

#[test]
fn a_half_applied_hold_is_finished_and_is_never_saved_as_what_was_before() {
    let before = throttles(&[("POST /patients", 0.5, 2)]);
    let mut case = Case::of(vec![stage(ApiProtocol::Rest, Reads::Served)], vec![before.clone()], Merging::Fields);
    let first = case.decide(StepKind::HoldWrites, Direction::Apply);
    let unanswered = EffectOutcome::Unknown { at: case.now, message: "no answer".to_owned() };
    case.carry_out(StepKind::HoldWrites, Direction::Apply, &first, Some(unanswered));
    case.service.views = vec![throttles(&[("POST /patients", 0.0, 0)])];
    assert_eq!(case.hold().calls, update(&[replace(PUT, "0", "0")]));
    assert_eq!(case.resume().calls, update(&[replace(POST, "0.5", "2"), remove(PUT)]));
    assert_eq!(case.service.views, [before]);
}

#[test]
fn a_setting_that_appears_between_two_tries_is_restored_too() {
    let mut case = Case::of(vec![stage(ApiProtocol::Rest, Reads::Stopped)], vec![throttles(&[])], Merging::Fields);
    let first = case.decide(StepKind::HoldWrites, Direction::Apply);
    case.carry_out(StepKind::HoldWrites, Direction::Apply, &first, None);
    let HoldView::Throttles { by_method } = &mut case.service.views[0] else { panic!() };
    by_method.insert("GET /patients".to_owned(), Throttle { rate: 7.0, burst: 7 });
    assert_eq!(case.hold().calls, update(&[replace("/~1patients/GET", "0", "0")]));
    case.resume();
    assert_eq!(case.service.views, [throttles(&[("GET /patients", 7.0, 7)])]);
}

#[test]
fn what_others_changed_during_the_incident_is_left_and_noted() {
    let before = throttles(&[("POST /patients", 0.5, 2)]);
    for (changed, calls, after) in [
        // Given another figure: left. The rest is brought back.
        (
            throttles(&[("POST /patients", 9.0, 9), ("PUT /patients", 0.0, 0)]),
            update(&[remove(PUT)]),
            throttles(&[("POST /patients", 9.0, 9)]),
        ),
        // Its entry removed: left so.
        (throttles(&[("PUT /patients", 0.0, 0)]), update(&[remove(PUT)]), throttles(&[])),
    ] {
        let mut case = Case::of(vec![stage(ApiProtocol::Rest, Reads::Served)], vec![before.clone()], Merging::Fields);
        case.hold();
        case.service.views = vec![changed];
        let resumed = case.resume();
        assert_eq!(resumed.calls, calls);
        assert!(matches!(resumed.end, Decision::Done { .. }), "{:?}", resumed.end);
        assert_eq!(case.service.views, [after]);
        let notes = case.notes();
        assert!(
            notes.len() == 1 && notes[0].contains("changed by someone else during the incident (POST /patients)"),
            "{notes:?}"
        );
    }
}
