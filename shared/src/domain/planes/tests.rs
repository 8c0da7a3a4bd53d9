//! What a dark Region leaves of a step is a table; here the decisions themselves say whether it is true.

use super::super::may::may;
use super::super::plan::Plan;
use super::super::predict::{StepPrediction, will_while_dark};
use super::super::step::PlannedStep;
use super::*;

const HEALTHCARE: &str = include_str!("../../../../plans/healthcare-platform.yaml");

fn predictions(text: &str) -> (Plan, Vec<(PlannedStep, StepPrediction)>) {
    let plan = crate::planfile::read(text).plan.unwrap();
    let name = plan.scenarios.keys().next().unwrap().clone();
    let now = "2026-11-20T12:00:00Z".parse().unwrap();
    let branch = plan.scenarios[&name].branches.as_slice().len() - 1;
    let predicted = will_while_dark(&plan, &name, branch, "us-east-1", now);
    let waves = &plan.scenarios[&name].branches.as_slice()[branch].waves;
    let steps: Vec<PlannedStep> = waves.iter().flat_map(|wave| wave.iter().cloned()).collect();
    let pairs = steps.into_iter().zip(predicted).collect();
    (plan, pairs)
}

#[test]
fn with_us_east_1_dark_every_step_of_the_healthcare_plan_ends_as_its_standing_says() {
    let (plan, pairs) = predictions(HEALTHCARE);
    assert_eq!(pairs.len(), 8, "the recovery comes to its last step");
    for (step, prediction) in &pairs {
        let standing = standing(step.kind, &may(&plan, step), "us-east-1");
        let waits = prediction.outcome.contains("it would wait");
        assert_eq!(waits, standing == Standing::Fails, "{standing:?} of {}: {}", prediction.step, prediction.outcome);
    }
    let of = |kind: StepKind| pairs.iter().find(|(step, _)| step.kind == kind).unwrap();
    assert!(of(StepKind::Fence).1.outcome.contains("NOT proven"), "{}", of(StepKind::Fence).1.outcome);
    assert!(of(StepKind::HoldWrites).1.outcome.contains("unreached"), "{}", of(StepKind::HoldWrites).1.outcome);
    assert_eq!(of(StepKind::Promote).1.will.len(), 1, "the promotion is made all the same");
}

#[test]
fn a_place_in_the_dark_region_keeps_a_repoint_from_its_goal() {
    let there =
        HEALTHCARE.replacen("variable: DATABASE_HOST, region: us-west-2", "variable: DATABASE_HOST, region: us-east-1", 1);
    assert_ne!(there, HEALTHCARE);
    let (plan, pairs) = predictions(&there);
    let (step, prediction) = pairs.last().unwrap();
    assert_eq!(step.kind, StepKind::Repoint, "nothing comes after it");
    assert_eq!(standing(step.kind, &may(&plan, step), "us-east-1"), Standing::Fails);
    assert!(prediction.outcome.contains("it would wait"), "{}", prediction.outcome);
}

#[test]
fn a_control_plane_without_a_region_of_its_own_is_where_it_lives() {
    let region = |name: &str| Region::new(name).unwrap();
    let need = |service: &str, operation: &str, at: &str| {
        let (service, operation) = (service.to_owned(), operation.to_owned());
        // Written out, because nothing of ours calls all of these yet.
        let need = Need::of(&Permitted { service, operation, region: region(at), resource: "x".to_owned() });
        (need.plane, need.region)
    };
    assert_eq!(need("route53", "ChangeResourceRecordSets", "us-west-2"), (Plane::Control, "us-east-1".to_owned()));
    assert_eq!(need("cloudfront", "UpdateDistribution", "eu-west-1"), (Plane::Control, "us-east-1".to_owned()));
    assert_eq!(need("rds", "PromoteReadReplica", "us-west-2"), (Plane::Control, "us-west-2".to_owned()));
    assert_eq!(need("lambda", "Invoke", "us-west-2"), (Plane::Data, "us-west-2".to_owned()));
    // No source says where China's control planes are, so nothing is claimed of them.
    assert_eq!(need("route53", "ChangeResourceRecordSets", "cn-north-1"), (Plane::Control, "cn-north-1".to_owned()));
}

#[test]
fn what_runs_the_recovery_is_in_the_recovery_site_and_on_data_planes() {
    for call in machinery(&Region::new("us-west-2").unwrap()) {
        let need = Need::of(&call);
        assert_eq!((need.plane, need.region.as_str()), (Plane::Data, "us-west-2"), "{call}");
    }
}
