//! The promise that undo restores exactly what a hold replaced, for every kind of point.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::super::assess::{Assessment, Course};
use super::super::super::call::Call;
use super::super::super::identifier::{ComponentName, Digest, Generation, ScenarioName};
use super::super::super::incident::{Incident, Mode, Origin};
use super::super::super::mutation::Performed;
use super::super::super::observation::Observation;
use super::super::super::plan::{Component, Plan};
use super::super::super::step::{Effect, PlannedStep, StepRecord};
use super::super::decide;
use super::*;
use service::{Merging, Service};

mod flags;
mod http;
mod late;
mod rest;
mod service;

const HEALTHCARE: &str = include_str!("../../../../../plans/healthcare-platform.yaml");

/// An incident with a hold and a resume, over points that a service keeps.
#[derive(Clone)]
struct Case {
    plan: Plan,
    incident: Incident,
    records: Vec<StepRecord>,
    service: Service,
    now: Timestamp,
    overdue: bool,
}

/// What a step did: its calls as the wire would see them, and how it ended.
#[derive(Debug)]
struct Ran {
    calls: Value,
    end: Decision,
}

impl Case {
    fn of(points: Vec<HoldPoint>, views: Vec<HoldView>, merging: Merging) -> Self {
        let mut plan = crate::planfile::read(HEALTHCARE).plan.unwrap();
        let database = ComponentName::new("database").unwrap();
        let Some(Component::RdsInstance(instance)) = plan.components.get_mut(&database) else { panic!("no database") };
        instance.holds.clone_from(&points);
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let assessment = Assessment {
            on_an_alarms_word: false,
            at: now,
            mode: Mode::Ungraceful,
            course: Course::Branch { index: 1 },
            reason: "a test".to_owned(),
            basis: Digest::of(b"nothing"),
        };
        let origin = Origin::Operator { request_id: "test".to_owned(), actor: None, reason: None, mode: None };
        let scenario = ScenarioName::new("database_failure").unwrap();
        let incident = Incident::imagined(&plan, &scenario, origin, assessment, Generation(1), now);
        let record = |(index, kind)| StepRecord::pending(index + 1, PlannedStep { kind, component: database.clone() });
        let records = [StepKind::HoldWrites, StepKind::ResumeWrites].into_iter().enumerate().map(record).collect();
        Self { plan, incident, records, service: Service { points, views, merging }, now, overdue: false }
    }

    /// Decides on what the service shows.
    fn decide(&self, kind: StepKind, direction: Direction) -> Decision {
        self.decide_on(kind, direction, self.service.views.clone())
    }

    /// Decides on what was seen, which may be older than what is.
    fn decide_on(&self, kind: StepKind, direction: Direction, views: Vec<HoldView>) -> Decision {
        let scenario = &self.plan.scenarios[&self.incident.scenario];
        let case = StepCase {
            plan: &self.plan,
            scenario,
            incident: &self.incident,
            record: self.records.iter().find(|record| record.step.kind == kind).unwrap(),
            records: &self.records,
            now: self.now,
            overdue: self.overdue,
        };
        let points = views.into_iter().map(|found| Sight::Found { found }).collect();
        decide(case, direction, &Observation::Holds { points })
    }

    /// Carries a decision out: the intent is written with the memory, then the call is made, or comes to what is given.
    fn carry_out(&mut self, kind: StepKind, direction: Direction, decision: &Decision, comes_to: Option<EffectOutcome>) {
        let at = self.now;
        let record = self.records.iter_mut().find(|record| record.step.kind == kind).unwrap();
        record.memory = decision.memory().clone();
        if let Decision::Act { mutation, .. } = decision {
            let outcome = comes_to.unwrap_or_else(|| match self.service.perform(mutation) {
                Ok(()) => EffectOutcome::Applied { at, performed: Performed::plainly() },
                Err(message) => {
                    EffectOutcome::Refused { at, code: "NotFoundException".to_owned(), message, retryable: true }
                }
            });
            let (ordinal, mutation) = (record.next_ordinal(), mutation.clone());
            record.effects.push(Effect { ordinal, direction, mutation, intended_at: at, outcome: Some(outcome) });
        }
    }

    /// Runs a step to its end.
    fn run(&mut self, kind: StepKind, direction: Direction) -> Ran {
        self.run_with(kind, direction, |_| None)
    }

    /// The same, where some calls come to something else than what the service would do.
    fn run_with(
        &mut self,
        kind: StepKind,
        direction: Direction,
        comes_to: impl Fn(&Mutation) -> Option<EffectOutcome>,
    ) -> Ran {
        let mut calls = Vec::new();
        for _ in 0..50 {
            let decision = self.decide(kind, direction);
            match &decision {
                Decision::Act { mutation, .. } => {
                    calls.push(as_call(mutation));
                    self.carry_out(kind, direction, &decision, comes_to(mutation));
                }
                Decision::Wait { wait, .. } => {
                    self.carry_out(kind, direction, &decision, None);
                    self.now = wait.after(self.now);
                }
                _ => {
                    self.carry_out(kind, direction, &decision, None);
                    return Ran { calls: Value::Array(calls), end: decision };
                }
            }
        }
        panic!("{kind:?} does not converge: {calls:?}");
    }

    fn hold(&mut self) -> Ran {
        self.run(StepKind::HoldWrites, Direction::Apply)
    }

    fn resume(&mut self) -> Ran {
        self.run(StepKind::ResumeWrites, Direction::Apply)
    }

    fn notes(&self) -> Vec<String> {
        self.records.iter().flat_map(|record| record.memory.notes.clone()).collect()
    }
}

/// A call as the wire would see it: `{operation: parameters}`.
fn as_call(mutation: &Mutation) -> Value {
    let step = PlannedStep { kind: StepKind::HoldWrites, component: ComponentName::new("database").unwrap() }.id(1);
    let call = Call::of(&step, 1, mutation);
    json!({ call.operation: call.parameters })
}

fn region() -> Region {
    Region::new("us-east-1").unwrap()
}

fn name(text: &str) -> ResourceName {
    ResourceName::new(text).unwrap()
}

/// A stage whose `POST /patients` and `PUT /patients` are held.
fn stage(protocol: ApiProtocol, reads: Reads) -> HoldPoint {
    let methods = ["POST /patients", "PUT /patients"].map(|method| ApiMethod::parse(method).unwrap());
    HoldPoint::ApiGatewayStage {
        protocol,
        api: name("a1b2c3"),
        stage: name("prod"),
        methods: NonEmpty::new(methods.to_vec()).unwrap(),
        reads,
        region: region(),
    }
}

fn refused_for_good() -> EffectOutcome {
    EffectOutcome::Refused {
        at: "2026-11-20T12:00:00Z".parse().unwrap(),
        code: "AccessDeniedException".to_owned(),
        message: "not authorized".to_owned(),
        retryable: false,
    }
}

/// One way in which a point stood before the hold, and the calls that hold it and that bring it back.
struct Row {
    what: &'static str,
    before: HoldView,
    hold: Value,
    resume: Value,
}

impl Row {
    /// Holds, looks, and brings back: by the resume step, and by the undo of the hold.
    fn holds_true(&self, point: HoldPoint, merging: Merging, closed: impl Fn(&HoldView) -> bool) {
        let what = format!("{} ({merging:?})", self.what);
        let mut case = Case::of(vec![point], vec![self.before.clone()], merging);
        let held = case.hold();
        assert_eq!(held.calls, self.hold, "{what}");
        assert!(matches!(held.end, Decision::Done { .. }), "{what}: {:?}", held.end);
        assert!(closed(&case.service.views[0]), "{what}: {:?}", case.service.views);
        for (kind, direction) in [(StepKind::ResumeWrites, Direction::Apply), (StepKind::HoldWrites, Direction::Undo)] {
            let mut case = case.clone();
            let ran = case.run(kind, direction);
            assert_eq!(ran.calls, self.resume, "{what}, {kind:?}");
            assert!(matches!(ran.end, Decision::Done { .. }), "{what}, {kind:?}: {:?}", ran.end);
            assert_eq!(case.service.views, std::slice::from_ref(&self.before), "{what}, {kind:?}");
            assert_eq!(case.run(kind, direction).calls, json!([]), "{what}, {kind:?}: once more");
            assert_eq!(case.notes(), Vec::<String>::new(), "{what}, {kind:?}");
        }
    }
}

#[test]
fn a_view_of_another_kind_closes_nothing_and_is_not_called_restored() {
    let http = stage(ApiProtocol::Http, Reads::Served);
    let seen = vec![HoldView::Throttles { by_method: BTreeMap::new() }];
    let mut case = Case::of(vec![http], seen, Merging::Fields);
    let held = case.hold();
    assert_eq!(held.calls, json!([]));
    let reason = held.end.reason();
    assert!(matches!(held.end, Decision::Done { .. }) && reason.contains("writes are held at 0 of 1 points"), "{reason}");

    case.records[0].memory.held.insert(0, SavedHold::Throttles { by_method: BTreeMap::new() });
    case.service.views = vec![HoldView::Routes { by_route: BTreeMap::new() }];
    let resumed = case.resume();
    assert_eq!(resumed.calls, json!([]));
    assert!(matches!(resumed.end, Decision::Stuck { .. }), "{:?}", resumed.end);
}
