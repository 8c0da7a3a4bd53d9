//! The closed set of calls that a step may make is enforced here, before anything is sent.

use shared::adapters::aws::{EndpointMutations, ReadOnlyToggleMutations, RecoveryMutations};
use shared::domain::call::Permitted;
use shared::domain::identifier::{Region, SecurityGroupId};
use shared::domain::mutation::{Mutation, ParameterType, PatchOperation};
use shared::domain::operation::Operation;
use shared::domain::step::RouteSettings;
use shared::ports::{FailureKind, Mutations};

use crate::stub::{Stub, json_error, name, replica, scope, variable, west};

/// One of each kind, with the reads that carrying it out needs.
fn every_mutation() -> Vec<(Mutation, Vec<Permitted>)> {
    let region = west();
    let read = |operation: Operation, resource: &str| Permitted::new(operation, &west(), resource);
    vec![
        (Mutation::ForceFailover { region: region.clone(), instance: replica() }, vec![]),
        (
            Mutation::SetSecurityGroups {
                region: region.clone(),
                instance: replica(),
                groups: vec![SecurityGroupId::new("sg-0f00d").unwrap()],
            },
            vec![],
        ),
        (Mutation::RebootInstance { region: region.clone(), instance: replica() }, vec![]),
        (Mutation::PromoteReplica { region: region.clone(), instance: replica(), backup_retention_days: 7 }, vec![]),
        (
            Mutation::PutParameter {
                region: region.clone(),
                name: name("/p/host"),
                parameter_type: ParameterType::String,
                value: "h".to_owned(),
            },
            vec![],
        ),
        (
            Mutation::RestoreParameter {
                region: region.clone(),
                name: name("/p/host"),
                parameter_type: ParameterType::String,
                version: "3".to_owned(),
            },
            vec![read(Operation::GetParameter, "parameter/p/host")],
        ),
        (
            Mutation::StageSecretVersion {
                region: region.clone(),
                secret: name("p/database"),
                field: name("host"),
                value: "h".to_owned(),
                base_version: "v1".to_owned(),
                version: "v2".to_owned(),
                stage: "recovery-1".to_owned(),
            },
            vec![read(Operation::GetSecretValue, "secret:p/database")],
        ),
        (
            Mutation::MoveSecretStage {
                region: region.clone(),
                secret: name("p/database"),
                to_version: "v2".to_owned(),
                from_version: "v1".to_owned(),
            },
            vec![],
        ),
        (
            Mutation::SetFunctionVariable {
                region: region.clone(),
                function: name("reports"),
                variable: variable("DATABASE_HOST"),
                value: Some("h".to_owned()),
                kept: vec![],
            },
            vec![read(Operation::GetFunctionConfiguration, "function:reports")],
        ),
        (Mutation::RestartService { region: region.clone(), cluster: name("main"), service: name("api") }, vec![]),
        (
            Mutation::PatchRestStage {
                region: region.clone(),
                api: name("a1"),
                stage: name("prod"),
                operations: vec![PatchOperation { op: "remove".to_owned(), path: "/~1p/POST".to_owned(), value: None }],
            },
            vec![],
        ),
        (
            Mutation::PutHttpRouteSettings {
                region: region.clone(),
                api: name("a1"),
                stage: name("prod"),
                routes: [("POST /p".to_owned(), RouteSettings { rate: Some(0.0), ..RouteSettings::default() })].into(),
            },
            vec![],
        ),
        (
            Mutation::DeleteRouteSettings { region, api: name("a1"), stage: name("prod"), route: "POST /p".to_owned() },
            vec![],
        ),
    ]
}

fn performers(stub: &Stub) -> [(&'static str, Box<dyn Mutations>); 3] {
    [
        ("recovery", Box::new(RecoveryMutations::new(stub.clients()))),
        ("read-only-toggle", Box::new(ReadOnlyToggleMutations::new(stub.clients()))),
        ("update-database-endpoints", Box::new(EndpointMutations::new(stub.clients()))),
    ]
}

const NOT_MINE: &str = "mutation_not_for_this_function";

#[tokio::test]
async fn outside_the_closed_set_nothing_is_sent() {
    let stub = Stub::answering(|_, _| json_error(400, "Unexpected", "")).await;
    let elsewhere = Region::new("eu-west-1").unwrap();
    for (mutation, _) in every_mutation() {
        // Right operation and resource, wrong Region.
        let near = Permitted { region: elsewhere.clone(), ..Permitted::of(&mutation) };
        for (_, performer) in performers(&stub) {
            let failure = scope("01-step#1", vec![near.clone()]).run(performer.perform(&mutation)).await.unwrap_err();
            assert_eq!(failure.kind, FailureKind::Refused);
            assert!(["outside_may", NOT_MINE].contains(&failure.code.as_str()), "{failure}");
        }
    }
    assert!(stub.asked().is_empty(), "{:?}", stub.operations());
}

#[tokio::test]
async fn the_permission_that_the_domain_computes_is_the_one_that_the_adapter_asks_for() {
    for (mutation, mut may) in every_mutation() {
        may.push(Permitted::of(&mutation));
        let stub = Stub::answering(|_, _| json_error(400, "Unexpected", "")).await;
        let mut takers = Vec::new();
        for (function, performer) in performers(&stub) {
            let failure = scope("01-step#1", may.clone()).run(performer.perform(&mutation)).await.unwrap_err();
            assert_ne!(failure.code, "outside_may", "{failure}");
            if failure.code != NOT_MINE {
                takers.push(function);
            }
        }
        // A flag in an environment is both a hold and an endpoint; everything else belongs to one function.
        let expected = if matches!(mutation, Mutation::SetFunctionVariable { .. }) { 2 } else { 1 };
        assert_eq!(takers.len(), expected, "{mutation:?}: {takers:?}");
        assert_eq!(stub.asked().len(), expected, "{:?}", stub.operations());
    }
}

#[tokio::test]
async fn every_call_of_a_step_carries_its_label_and_none_outside_a_step_does() {
    for (mutation, mut may) in every_mutation() {
        may.push(Permitted::of(&mutation));
        let stub = Stub::answering(|_, _| json_error(400, "Unexpected", "")).await;
        for (_, performer) in performers(&stub) {
            let inside = scope("07-step#2", may.clone()).run(performer.perform(&mutation)).await;
            assert!(inside.is_err());
        }
        let labelled = stub.asked().len();
        for (_, performer) in performers(&stub) {
            assert!(performer.perform(&mutation).await.is_err());
        }
        for (index, asked) in stub.asked().iter().enumerate() {
            let expected = (index < labelled).then_some("07-step#2");
            assert_eq!(asked.header("x-recovery-step"), expected, "{mutation:?}");
        }
    }
}
