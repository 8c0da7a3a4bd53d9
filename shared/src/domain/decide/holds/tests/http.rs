//! HTTP APIs.

use super::*;
use crate::domain::step::RouteSettings;

/// Settings by route, such as `{"POST /patients": {"rate": 50.0, "burst": 100, "detailed_metrics": true}}`.
fn routes(by_route: Value) -> HoldView {
    HoldView::Routes { by_route: serde_json::from_value(by_route).unwrap() }
}

fn update(settings: Value) -> Value {
    json!({"UpdateStage": {"routeSettings": settings}})
}

fn delete(route: &str) -> Value {
    json!({"DeleteRouteSettings": {"routeKey": route}})
}

fn closed() -> Value {
    json!({"throttlingRateLimit": 0.0, "throttlingBurstLimit": 0})
}

fn point() -> HoldPoint {
    stage(ApiProtocol::Http, Reads::Served)
}

fn is_closed(view: &HoldView) -> bool {
    let HoldView::Routes { by_route } = view else { return false };
    let closed = |route: &str| by_route.get(route).is_some_and(|now| (now.rate, now.burst) == (Some(0.0), Some(0)));
    closed("POST /patients") && closed("PUT /patients")
}

fn rows() -> Vec<Row> {
    vec![
        Row {
            what: "no route has settings, and none has any afterwards",
            before: routes(json!({})),
            hold: json!([update(json!({"POST /patients": closed(), "PUT /patients": closed()}))]),
            resume: json!([delete("POST /patients"), delete("PUT /patients")]),
        },
        Row {
            what: "both have their own, and another route's are not touched",
            before: routes(json!({
                "GET /patients": {"rate": 5.0, "burst": 5},
                "POST /patients": {"rate": 0.5, "burst": 2},
                "PUT /patients": {"rate": 20.0, "burst": 40},
            })),
            hold: json!([update(json!({"POST /patients": closed(), "PUT /patients": closed()}))]),
            resume: json!([update(json!({
                "POST /patients": {"throttlingRateLimit": 0.5, "throttlingBurstLimit": 2},
                "PUT /patients": {"throttlingRateLimit": 20.0, "throttlingBurstLimit": 40},
            }))]),
        },
        Row {
            what: "one has its own, the other's are taken away first",
            before: routes(json!({"POST /patients": {"rate": 50.0, "burst": 100}})),
            hold: json!([update(json!({"POST /patients": closed(), "PUT /patients": closed()}))]),
            resume: json!([
                delete("PUT /patients"),
                update(json!({"POST /patients": {"throttlingRateLimit": 50.0, "throttlingBurstLimit": 100}})),
            ]),
        },
        Row {
            what: "metrics are carried along",
            before: routes(json!({
                "POST /patients": {"rate": 50.0, "burst": 100, "detailed_metrics": true},
                "PUT /patients": {"rate": 50.0, "burst": 100, "detailed_metrics": false},
            })),
            hold: json!([update(json!({
                "POST /patients": {"throttlingRateLimit": 0.0, "throttlingBurstLimit": 0, "detailedMetricsEnabled": true},
                "PUT /patients": {"throttlingRateLimit": 0.0, "throttlingBurstLimit": 0, "detailedMetricsEnabled": false},
            }))]),
            resume: json!([update(json!({
                "POST /patients": {"throttlingRateLimit": 50.0, "throttlingBurstLimit": 100, "detailedMetricsEnabled": true},
                "PUT /patients": {"throttlingRateLimit": 50.0, "throttlingBurstLimit": 100, "detailedMetricsEnabled": false},
            }))]),
        },
        Row {
            what: "figures that were not set are taken away, and what else was set is put back",
            before: routes(json!({"POST /patients": {"detailed_metrics": true}, "PUT /patients": {"rate": 8.0}})),
            hold: json!([update(json!({
                "POST /patients": {"throttlingRateLimit": 0.0, "throttlingBurstLimit": 0, "detailedMetricsEnabled": true},
                "PUT /patients": closed(),
            }))]),
            resume: json!([
                delete("POST /patients"),
                delete("PUT /patients"),
                update(json!({
                    "POST /patients": {"detailedMetricsEnabled": true},
                    "PUT /patients": {"throttlingRateLimit": 8.0},
                })),
            ]),
        },
        Row {
            what: "one is closed already, and stays so",
            before: routes(json!({"PUT /patients": {"rate": 0.0, "burst": 0}})),
            hold: json!([update(json!({"POST /patients": closed()}))]),
            resume: json!([delete("POST /patients")]),
        },
        Row {
            what: "both are closed already",
            before: routes(json!({
                "POST /patients": {"rate": 0.0, "burst": 0},
                "PUT /patients": {"rate": 0.0, "burst": 0},
            })),
            hold: json!([]),
            resume: json!([]),
        },
    ]
}

#[test]
fn undo_restores_exactly_what_each_route_had() {
    for merging in [Merging::Fields, Merging::Routes] {
        for row in rows() {
            row.holds_true(point(), merging, is_closed);
        }
    }
}

#[test]
fn a_half_applied_hold_is_finished_and_is_never_saved_as_what_was_before() {
    let before = routes(json!({"POST /patients": {"rate": 50.0, "burst": 100}}));
    let mut case = Case::of(vec![point()], vec![before.clone()], Merging::Fields);
    let first = case.decide(StepKind::HoldWrites, Direction::Apply);
    let unanswered = EffectOutcome::Unknown { at: case.now, message: "no answer".to_owned() };
    case.carry_out(StepKind::HoldWrites, Direction::Apply, &first, Some(unanswered));
    case.service.views = vec![routes(json!({"POST /patients": {"rate": 0.0, "burst": 0}}))];
    assert_eq!(case.hold().calls, json!([update(json!({"PUT /patients": closed()}))]));
    let resumed = case.resume();
    let expected = json!([
        delete("PUT /patients"),
        update(json!({"POST /patients": {"throttlingRateLimit": 50.0, "throttlingBurstLimit": 100}})),
    ]);
    assert_eq!(resumed.calls, expected);
    assert_eq!(case.service.views, [before]);
}

#[test]
fn what_others_changed_during_the_incident_is_left_and_noted() {
    let before = routes(json!({"POST /patients": {"rate": 50.0, "burst": 100}}));
    let closed = json!({"rate": 0.0, "burst": 0});
    for (changed, calls, after) in [
        // Given other figures: left. The rest is brought back.
        (
            json!({"POST /patients": {"rate": 9.0, "burst": 9}, "PUT /patients": closed}),
            json!([delete("PUT /patients")]),
            json!({"POST /patients": {"rate": 9.0, "burst": 9}}),
        ),
        // Its settings taken away: left so.
        (json!({"PUT /patients": closed}), json!([delete("PUT /patients")]), json!({})),
        // A route that had none was given some.
        (
            json!({"POST /patients": {"rate": 9.0, "burst": 9}, "PUT /patients": {"rate": 1.0, "burst": 1}}),
            json!([]),
            json!({"POST /patients": {"rate": 9.0, "burst": 9}, "PUT /patients": {"rate": 1.0, "burst": 1}}),
        ),
    ] {
        let mut case = Case::of(vec![point()], vec![before.clone()], Merging::Fields);
        case.hold();
        case.service.views = vec![routes(changed)];
        let resumed = case.resume();
        assert_eq!(resumed.calls, calls);
        assert!(matches!(resumed.end, Decision::Done { .. }), "{:?}", resumed.end);
        assert_eq!(case.service.views, [routes(after)]);
        let notes = case.notes();
        assert!(
            notes.len() == 1 && notes[0].contains("changed by someone else during the incident (POST /patients"),
            "{notes:?}"
        );
    }
}

#[test]
fn metrics_that_others_switched_during_the_incident_stay_switched() {
    let before = routes(json!({"POST /patients": {"rate": 50.0, "burst": 100}, "PUT /patients": {"rate": 5.0, "burst": 5}}));
    let mut case = Case::of(vec![point()], vec![before], Merging::Routes);
    case.hold();
    let HoldView::Routes { by_route } = &mut case.service.views[0] else { panic!() };
    by_route.get_mut("POST /patients").unwrap().detailed_metrics = Some(true);
    case.resume();
    let after = json!({
        "POST /patients": {"rate": 50.0, "burst": 100, "detailed_metrics": true},
        "PUT /patients": {"rate": 5.0, "burst": 5},
    });
    assert_eq!(case.service.views, [routes(after)]);
}

#[test]
fn settings_that_were_already_taken_away_are_taken_away_once() {
    let mut case = Case::of(vec![point()], vec![routes(json!({}))], Merging::Fields);
    case.hold();
    // The call is made, and its answer is lost.
    let first = case.decide(StepKind::ResumeWrites, Direction::Apply);
    let Decision::Act { mutation, .. } = &first else { panic!("{first:?}") };
    case.service.perform(mutation).unwrap();
    let unanswered = EffectOutcome::Unknown { at: case.now, message: "no answer".to_owned() };
    case.carry_out(StepKind::ResumeWrites, Direction::Apply, &first, Some(unanswered));
    assert_eq!(case.resume().calls, json!([delete("PUT /patients")]));
    assert_eq!(case.service.views, [routes(json!({}))]);
}

#[test]
fn a_removal_that_does_not_show_yet_is_not_repeated_and_holds_up_no_other_route() {
    let before = routes(json!({"PUT /patients": {"rate": 5.0, "burst": 5}}));
    let mut case = Case::of(vec![point()], vec![before.clone()], Merging::Fields);
    case.hold();
    let stale = case.service.views.clone();
    let (kind, direction) = (StepKind::ResumeWrites, Direction::Apply);
    let mut calls = Vec::new();
    for _ in 0..2 {
        let decision = case.decide_on(kind, direction, stale.clone());
        let Decision::Act { mutation, .. } = &decision else { panic!("{decision:?}") };
        calls.push(as_call(mutation));
        case.carry_out(kind, direction, &decision, None);
    }
    let put = update(json!({"PUT /patients": {"throttlingRateLimit": 5.0, "throttlingBurstLimit": 5}}));
    assert_eq!(calls, [delete("POST /patients"), put]);
    let decision = case.decide_on(kind, direction, stale);
    assert!(matches!(decision, Decision::Wait { .. }), "{decision:?}");
    assert!(matches!(case.resume(), Ran { calls, end: Decision::Done { .. } } if calls == json!([])));
    assert_eq!(case.service.views, [before]);
}

#[test]
fn the_undo_finishes_what_a_resume_had_begun() {
    let before = routes(json!({"POST /patients": {"detailed_metrics": true}, "PUT /patients": {"rate": 5.0, "burst": 5}}));
    let mut case = Case::of(vec![point()], vec![before.clone()], Merging::Fields);
    case.hold();
    // The resume takes the figures away together with the metrics, and gets no further.
    let first = case.decide(StepKind::ResumeWrites, Direction::Apply);
    case.carry_out(StepKind::ResumeWrites, Direction::Apply, &first, None);
    let ran = case.run(StepKind::HoldWrites, Direction::Undo);
    assert!(matches!(ran.end, Decision::Done { .. }), "{:?}", ran.end);
    assert_eq!(case.service.views, [before]);
}

#[test]
fn a_route_that_cannot_be_brought_back_does_not_keep_the_others_closed() {
    let before = routes(json!({"PUT /patients": {"rate": 5.0, "burst": 5}}));
    let mut case = Case::of(vec![point()], vec![before], Merging::Fields);
    case.hold();
    let denied = |mutation: &Mutation| matches!(mutation, Mutation::DeleteRouteSettings { .. }).then(refused_for_good);
    let resumed = case.run_with(StepKind::ResumeWrites, Direction::Apply, denied);
    let after = json!({"POST /patients": {"rate": 0.0, "burst": 0}, "PUT /patients": {"rate": 5.0, "burst": 5}});
    assert_eq!(case.service.views, [routes(after)]);
    let Decision::Stuck { reason, .. } = &resumed.end else { panic!("{:?}", resumed.end) };
    assert!(reason.contains("API a1b2c3") && reason.contains("AccessDeniedException"), "{reason}");
}

#[test]
fn once_the_budget_is_used_up_nothing_more_is_sent() {
    let mut case = Case::of(vec![point()], vec![routes(json!({}))], Merging::Fields);
    case.hold();
    case.overdue = true;
    let resumed = case.resume();
    assert_eq!(resumed.calls, json!([]));
    assert!(matches!(resumed.end, Decision::Stuck { .. }), "{:?}", resumed.end);
}

#[test]
fn with_reads_stopped_every_route_with_settings_closes_and_the_report_says_what_does_not() {
    let before = routes(json!({"GET /patients": {"rate": 5.0, "burst": 5}}));
    let mut case = Case::of(vec![stage(ApiProtocol::Http, Reads::Stopped)], vec![before.clone()], Merging::Fields);
    let held = case.hold();
    let expected =
        json!([update(json!({"GET /patients": closed(), "POST /patients": closed(), "PUT /patients": closed()}))]);
    assert_eq!(held.calls, expected);
    let notes = case.notes();
    assert!(notes.len() == 1 && notes[0].contains("reads may go on at stage prod of API a1b2c3"), "{notes:?}");
    case.resume();
    assert_eq!(case.service.views, [before]);
}

#[test]
fn routes_that_differ_in_nothing_are_equal() {
    let settings = RouteSettings { rate: Some(0.1), burst: Some(3), detailed_metrics: Some(true) };
    let text = serde_json::to_string(&settings).unwrap();
    assert_eq!(serde_json::from_str::<RouteSettings>(&text).unwrap(), settings);
}
