//! Every role, both ways; and the comparison itself, shown to fail on each fault that it is for.

use policies::iam::{Policies, Request, Verdict};
use policies::template::Template;
use recoveryctl::permissions::{Difference, TEMPLATE, differences, differences_of, role_lines};
use shared::domain::plan::{Component, EndpointPlace, Plan};
use simulation::healthcare_plan;

use crate::common::{template, variants};

fn sentences(found: &[Difference]) -> Vec<String> {
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn every_role_allows_what_is_needed_of_it_and_nothing_else() {
    let template = template();
    for variant in variants() {
        let found = differences_of(&variant.plan, &variant.stack(&template)).unwrap();
        assert!(found.is_empty(), "{}: {:#?}", variant.name, sentences(&found));
    }
}

#[test]
fn the_forwarding_rule_of_the_primary_region_sends_to_the_other_regions_bus_and_nowhere_else() {
    let template = template();
    let variant = &variants()[0];
    let stack = variant.stack_in(&template, "us-east-1");
    let roles = role_lines(&variant.plan, &stack).unwrap();
    let rule = roles.iter().find(|role| role.user == "forwarding rule").unwrap();
    assert_eq!(recoveryctl::permissions::compare(rule).unwrap(), []);
    assert_eq!(rule.lines[0].resource, "arn:aws:events:us-west-2:123456789012:event-bus/default");
}

/// The differences of the repository's plan when the template reads so instead.
fn after(from: &str, to: &str) -> Vec<String> {
    assert!(TEMPLATE.contains(from), "{from:?} is not in the template");
    let template = Template::parse(&TEMPLATE.replacen(from, to, 1)).unwrap();
    sentences(&differences(&healthcare_plan(), &template).unwrap())
}

fn assert_only(found: &[String], expected: &str) {
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with(expected), "{found:#?}");
}

#[test]
fn an_action_that_is_taken_away_is_named_with_what_needs_it() {
    assert_only(
        &after("Action: [ssm:GetParameter, ssm:PutParameter]", "Action: ssm:GetParameter"),
        "update-database-endpoints lacks ssm:PutParameter on \
         arn:aws:ssm:us-west-2:123456789012:parameter/healthcare-platform/database/host (for: step repoint)",
    );
    assert_only(
        &after("                  - !Ref BackupVerifyFunction.Alias\n", ""),
        "state machine lacks lambda:InvokeFunction on arn:aws:lambda:us-west-2:123456789012:function:backup-verify:live",
    );
}

#[test]
fn an_action_that_nothing_needs_is_named() {
    assert_only(
        &after("Action: rds:PromoteReadReplica", "Action: [rds:PromoteReadReplica, rds:DeleteDBInstance]"),
        "recovery has rds:DeleteDBInstance on arn:aws:rds:us-west-2:123456789012:db:healthcare-platform-dr: \
         nothing needs it",
    );
}

#[test]
fn patterns_are_refused_where_the_table_has_none() {
    let found = after("Action: rds:PromoteReadReplica", "Action: rds:Promote*");
    assert_only(&found, "recovery has rds:Promote* on : an action must be written out");
    let narrow = r#"Resource: !Sub "arn:${AWS::Partition}:rds:${RecoveryRegion}:${AWS::AccountId}:db:${RecoveryDatabase}""#;
    let found = after(narrow, r#"Resource: "*""#);
    assert_only(&found, "recovery has rds:PromoteReadReplica on *: only part of it is needed");
}

#[test]
fn a_wildcard_for_want_of_resources_stays_in_the_regions_in_which_it_is_needed() {
    let condition = r#"Condition: { StringEquals: { "aws:RequestedRegion": !Ref RecoveryRegion } }"#;
    let wider = r#"Condition: { StringEquals: { "aws:RequestedRegion": [!Ref PrimaryRegion, !Ref RecoveryRegion] } }"#;
    assert_only(&after(condition, wider), "recovery has cloudwatch:GetMetricData on *: nothing needs it in us-east-1");
    assert_only(&after(condition, ""), "recovery has cloudwatch:GetMetricData on *: no condition narrows it");
    let elsewhere = condition.replace("RecoveryRegion", "PrimaryRegion");
    assert!(after(condition, &elsewhere)[0].starts_with("recovery lacks cloudwatch:GetMetricData on * (for: assess"));
}

#[test]
fn a_second_parameter_of_a_plan_is_missed_in_the_template_by_name() {
    let mut plan: Plan = healthcare_plan();
    for component in plan.components.values_mut() {
        if let Component::RdsInstance(database) = component {
            let Some(EndpointPlace::SsmParameter { region, .. }) = database.endpoints.first().cloned() else { panic!() };
            let name = shared::domain::identifier::ResourceName::new("/second/host").unwrap();
            database.endpoints.push(EndpointPlace::SsmParameter { name, region, consumers: Vec::new() });
        }
    }
    let found = sentences(&differences(&plan, &template()).unwrap());
    let expected = ["ssm:GetParameter", "ssm:PutParameter"];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (sentence, action) in found.iter().zip(expected) {
        let start =
            format!("update-database-endpoints lacks {action} on arn:aws:ssm:us-west-2:123456789012:parameter/second/host");
        assert!(sentence.starts_with(&start), "{sentence}");
    }
}

#[test]
fn network_interfaces_are_lambdas_own_and_not_for_the_functions_code() {
    let template = template();
    let variant = &variants()[1];
    let roles = role_lines(&variant.plan, &variant.stack(&template)).unwrap();
    let mut tried = 0;
    for role in roles.iter().filter(|role| role.lines.iter().any(|line| line.action.starts_with("ec2:"))) {
        let policies = Policies::read(&role.role, &role.documents).unwrap();
        let code =
            role.lines.iter().flat_map(|line| &line.context).find(|(key, _)| key == "lambda:SourceFunctionArn").unwrap();
        let request = |context: &[(&str, &str)]| {
            policies.verdict(&Request::new("ec2:CreateNetworkInterface", "*").in_context(context))
        };
        assert_eq!(request(&[]), Verdict::Allowed, "{}", role.user);
        assert_eq!(request(&[(&code.0, &code.1)]), Verdict::ExplicitlyDenied, "{}", role.user);
        tried += 1;
    }
    assert_eq!(tried, 2, "recovery and read-only-toggle are in the network");
}
