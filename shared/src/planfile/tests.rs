//! Promises of the plan check: one small plan that is sound, and what is found when it is spoilt in one place.

use super::*;
use crate::domain::duration::Seconds;
use crate::domain::identifier::{ComponentName, ScenarioName};
use crate::domain::plan::{ApprovalRule, Condition, HoldPoint};
use crate::domain::step::StepKind;

mod hostile;
pub(crate) mod table;

/// Sound in every respect.
pub(crate) const SOUND: &str = r#"version: 1
platform: shop
account: "123456789012"
sites:
  primary: { region: us-east-1 }
  recovery: { region: us-west-2 }
objectives:
  database: { rto: 40m, rpo: 15m }
  api: { rto: 15m }
  carts: { rto: 60m, rpo: 5m }
  books: { rto: 60m, rpo: 5m }
  orders: { rto: 60m, rpo: 5m }
  lake: { rto: 60m, rpo: 30m }
components:
  database:
    kind: rds_instance
    primary: { id: shop-prod, isolation_security_group: sg-0f00d }
    recovery: { id: shop-dr }
    backup_retention: 7d
    max_lag: 30s
    write_probe: { lambda: shop-write-probe }
    endpoints:
      - { ssm_parameter: /shop/host, region: us-west-2, consumers: [api] }
      - { secret: shop/database, field: host, region: us-west-2 }
      - { lambda_environment: shop-reports, variable: HOST, region: us-west-2 }
    holds:
      - { api_gateway_stage: { api: a1b2c3, stage: prod, methods: [POST /orders], reads: served }, region: us-east-1 }
      - { lambda_environment: shop-reports, variable: READ_ONLY, region: us-east-1 }
  api:
    kind: ecs_service
    primary: { cluster: shop, service: api }
    recovery: { cluster: shop, service: api }
    health: https://api.shop.example.com/health
    good_revision: /shop/api/good-revision
  balancer:
    kind: load_balancer
    primary: { name: shop, target_groups: [shop-api] }
    recovery: { name: shop-dr, target_groups: [shop-api-dr] }
    serves: [api]
  names:
    kind: route53_records
    zone: Z0SHOP
    records:
      - { name: api.shop.example.com, type: A, routing: failover, to: balancer }
      - { name: shop.example.com, type: A, routing: simple, to: site }
    switch: { s3_object: { bucket: shop-switch, key: in-us-west-2, health_check: 0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9 } }
  site:
    kind: cloudfront_distribution
    id: E0SHOP
    aliases: [shop.example.com]
    primary: { bucket: shop-site }
    recovery: { bucket: shop-dr, prefix: site/ }
    origin_group: site
    health: https://shop.example.com/
  lake:
    kind: s3_data
    primary: { bucket: shop-lake }
    recovery: { bucket: shop-lake-dr }
    copied_by: { backup_vault: shop-dr, every: 30m }
  carts:
    kind: dynamodb_table
    table: shop-carts
  books:
    kind: aurora_global_database
    global_cluster: shop-ledger
    primary: { cluster: shop-ledger-east }
    recovery: { cluster: shop-ledger-west }
  orders:
    kind: postgresql
    primary: { host: pg-0.shop.internal }
    recovery: { host: pg-1.shop.internal, port: 5433 }
    secret: shop/check
  archives:
    kind: backup_archives
    of: database
    primary: { bucket: shop-archives }
    recovery: { bucket: shop-archives-dr }
    format: custom
    every: 24h
    keep: { daily: 7, weekly: 4 }
alerts:
  channels:
    pager: { pagerduty: shop/pagerduty }
    chat: { slack: shop/slack }
    people: { email: [on-call@shop.example.com] }
    topic: { sns_topic: shop-alerts }
  escalations:
    critical: [ { after: 0s, channels: [pager, chat] }, { after: 15m, channels: [people] } ]
    slow: [ { after: 5m, channels: [chat, topic] } ]
  incidents: { sev0: critical, sev1: critical }
  alarms: [ { alarm: shop-errors, escalation: slow } ]
triggers:
  - { alarm: shop-unreachable, scenario: database_failure }
scenarios:
  database_failure:
    severity: sev1
    failed_region: false
    preauthorised: { data_loss_up_to: 10m, by: head-of-shop, until: 2027-06-30 }
    branches:
      - when: multi_az_available
        steps: [ { force_failover: database }, { validate: database } ]
      - when: otherwise
        steps:
          - hold_writes: database
          - fence: database
          - gate: { loss_bound: database }
          - promote: database
          - repoint: database
          - together: [ { validate: database }, { validate: api } ]
          - resume_writes: database
"#;

pub(super) const HEALTHCARE: &str = include_str!("../../../plans/healthcare-platform.yaml");

/// The sound plan with each first text replaced by the second. A replacement that replaces nothing is a broken test.
pub(crate) fn spoilt(replacements: &[(&str, &str)]) -> String {
    replacements.iter().fold(SOUND.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from:?} is not in the sound plan");
        text.replacen(from, to, 1)
    })
}

pub(super) fn codes(text: &str) -> Vec<&'static str> {
    read(text).findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn the_sound_plan_and_the_healthcare_plan_are_found_sound() {
    for text in [SOUND, HEALTHCARE] {
        let reading = read(text);
        assert_eq!(reading.findings, Vec::new());
        assert_eq!(reading.verdict(), Verdict::Accepted);
        assert!(reading.plan.is_some());
        assert_eq!(reading.check_dates("2026-11-20".parse().unwrap()), Vec::new());
    }
}

#[test]
fn the_healthcare_plan_says_what_its_runbook_says() {
    let plan = read(HEALTHCARE).plan.unwrap();
    let database = ComponentName::new("database").unwrap();
    let api = ComponentName::new("api").unwrap();
    assert_eq!(plan.platform.as_str(), "healthcare-platform");
    assert_eq!(plan.objectives[&database].rto, Seconds(30 * 60));
    assert_eq!(plan.objectives[&database].rpo, Some(Seconds(15 * 60)));
    assert_eq!(plan.objectives[&api].rto, Seconds(15 * 60));
    assert_eq!(plan.objectives[&api].rpo, None);
    let instance = plan.rds_instance(&database).unwrap();
    assert_eq!(instance.primary.id.as_str(), "healthcare-platform-prod");
    assert_eq!(instance.recovery.id.as_str(), "healthcare-platform-dr");
    assert_eq!(instance.backup_retention_days, 7);
    assert_eq!(instance.endpoints.len(), 3);
    assert_eq!(instance.write_probe.as_ref().unwrap().lambda.as_str(), "healthcare-platform-write-probe");
    assert!(matches!(&instance.holds[1], HoldPoint::LambdaEnvironment { held, .. } if held == "true"));
    assert_eq!(plan.ecs_service(&api).unwrap().recovery.cluster.as_str(), "healthcare-platform-production");
    assert_eq!(
        plan.alarm_arn(&plan.triggers[0]),
        "arn:aws:cloudwatch:us-west-2:123456789012:alarm:healthcare-platform-database-unreachable"
    );
    let scenario = &plan.scenarios[&ScenarioName::new("database_failure").unwrap()];
    assert_eq!(scenario.preauthorised.as_ref().unwrap().data_loss_up_to, Seconds(600));
    assert_eq!((scenario.approval, scenario.approval_timeout), (ApprovalRule::WhenNeeded, Seconds(1_800)));
    let [multi_az, otherwise] = scenario.branches.as_slice() else { panic!("two branches") };
    assert_eq!((multi_az.when, otherwise.when), (Condition::MultiAzAvailable, Condition::Otherwise));
    let waves: Vec<Vec<String>> = otherwise
        .waves
        .iter()
        .enumerate()
        .map(|(wave, steps)| steps.iter().map(|step| step.id(wave + 1).to_string()).collect())
        .collect();
    assert_eq!(
        waves,
        [
            vec!["01-hold_writes-database"],
            vec!["02-fence-database"],
            vec!["03-gate-database"],
            vec!["04-promote-database"],
            vec!["05-repoint-database"],
            vec!["06-validate-database", "06-validate-api"],
            vec!["07-resume_writes-database"],
        ]
    );
}

#[test]
fn what_is_compiled_reads_back_as_the_same_plan() {
    let plan = read(HEALTHCARE).plan.unwrap();
    let json = serde_json::to_string(&plan).unwrap();
    let back: Plan = serde_json::from_str(&json).unwrap();
    assert_eq!(back, plan);
    assert_eq!(back.digest(), plan.digest());
}

#[test]
fn layout_quotes_and_the_order_of_fields_do_not_change_the_plan() {
    let plain = read(SOUND).plan.unwrap();
    let other = spoilt(&[
        ("platform: shop\naccount: \"123456789012\"\n", "account: '123456789012'\nplatform: \"shop\"   # the shop\n"),
        (
            "  primary: { region: us-east-1 }\n  recovery: { region: us-west-2 }\n",
            "  {recovery: {region: us-west-2}, primary: {region: us-east-1}}\n",
        ),
        (
            "    steps: [ { force_failover: database }, { validate: database } ]",
            "    steps:\n        - force_failover: database\n        - validate: database",
        ),
    ]);
    assert_eq!(read(&other).plan.unwrap().digest(), plain.digest());
    assert_eq!(read(&SOUND.replace('\n', "\r\n")).plan.unwrap().digest(), plain.digest());
}

#[test]
fn budgets_approval_and_defaults_are_read() {
    let text = spoilt(&[
        (
            "    severity: sev1\n",
            "    severity: sev0\n    approval: required\n    approval_timeout: 45m\n    budgets: { promote: 20m }\n",
        ),
        ("methods: [POST /orders], reads: served }", "methods: [ANY /], reads: stopped, protocol: rest }"),
        ("variable: READ_ONLY, region", "variable: READ_ONLY, held: \"1\", region"),
    ]);
    let reading = read(&text);
    assert_eq!(reading.findings, Vec::new());
    let plan = reading.plan.unwrap();
    let scenario = plan.scenarios.values().next().unwrap();
    assert_eq!(scenario.budget(StepKind::Promote), Seconds(1_200));
    assert_eq!(scenario.budget(StepKind::Fence), StepKind::Fence.default_budget());
    assert_eq!((scenario.approval, scenario.approval_timeout), (ApprovalRule::Required, Seconds(2_700)));
}

#[test]
fn every_finding_of_a_file_is_reported_at_once_in_the_order_of_the_file() {
    let text = spoilt(&[
        ("platform: shop", "platform: Shop"),
        ("account: \"123456789012\"", "account: 123456789012"),
        ("backup_retention: 7d", "backup_retention: 40d"),
        ("consumers: [api]", "consumers: [apo]"),
        ("scenario: database_failure", "scenario: databse_failure"),
        ("- promote: database", "- promot: database"),
        ("- repoint: database", "- repoint: databse"),
    ]);
    let reading = read(&text);
    assert_eq!(reading.verdict(), Verdict::Refused);
    assert!(reading.plan.is_none());
    let found: Vec<(&str, usize, usize)> =
        reading.findings.iter().map(|finding| (finding.code, finding.line, finding.column)).collect();
    assert_eq!(
        found,
        [
            ("bad_identifier", 2, 11),
            ("wrong_type", 3, 10),
            ("out_of_range", 19, 23),
            ("unknown_component", 23, 69),
            ("unknown_scenario", 93, 42),
            ("unknown_step_kind", 107, 13),
            ("unknown_component", 108, 22),
        ]
    );
    assert_eq!(reading.findings[3].help, "did you mean `api`?");
    assert_eq!(reading.findings[5].help, "did you mean `promote`?");
}

#[test]
fn a_finding_has_exactly_the_promised_json_form() {
    let finding = read(&spoilt(&[("kind: ecs_service", "kind: esc_service")])).findings.remove(0);
    assert_eq!(
        serde_json::to_string(&finding).unwrap(),
        r#"{"code":"unknown_component_kind","severity":"error","message":"components.api.kind: expected rds_instance, ecs_service, load_balancer, route53_records, cloudfront_distribution, s3_data, dynamodb_table, aurora_global_database, postgresql or backup_archives, found \"esc_service\"","line":30,"column":11,"help":"did you mean `ecs_service`?","expected":"rds_instance, ecs_service, load_balancer, route53_records, cloudfront_distribution, s3_data, dynamodb_table, aurora_global_database, postgresql or backup_archives","nearest":"ecs_service"}"#
    );
}

#[test]
fn the_committed_schema_is_the_one_that_is_generated() {
    assert_eq!(
        include_str!("../../../plans/recovery-plan.schema.json"),
        schema_text(),
        "write it anew with `cargo recoveryctl plan schema > plans/recovery-plan.schema.json`"
    );
}

#[test]
fn a_plan_of_a_newer_version_is_refused_and_nothing_else_is_said_of_it() {
    assert_eq!(codes("version: 2\nplatform: 7\nnew_field: x\n"), ["version_newer"]);
}

#[test]
fn dates_are_only_checked_against_the_day_that_is_given() {
    let reading = read(SOUND);
    let codes = |day: &str| {
        reading.check_dates(day.parse().unwrap()).iter().map(|finding| (finding.code, finding.line)).collect::<Vec<_>>()
    };
    assert_eq!(codes("2027-06-30"), [], "the last day itself still counts");
    assert_eq!(codes("2027-07-01"), [("preauthorisation_expired", 98)]);
    assert_eq!(codes("2026-06-30"), [], "exactly a year ahead");
    assert_eq!(codes("2026-06-29"), [("preauthorisation_long", 98)]);
    let broken = read(&spoilt(&[("platform: shop", "platform: 5")]));
    assert_eq!(broken.check_dates("2030-01-01".parse().unwrap()).len(), 1, "also of a plan that is refused");
}

#[test]
fn an_unreadable_file_is_told_apart_from_a_refused_plan() {
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    let large = "#".repeat(LARGEST_PLAN + 1);
    let cases: [(&[u8], &str, usize, usize); 8] = [
        (b"sites: [a, b", "not_yaml", 1, 8),
        (b"a: 'x\nb: c\n", "not_yaml", 2, 1),
        (b"a: b: c\n", "not_yaml", 1, 5),
        (b"%YAML 1.2\n---\na: b\n", "not_yaml", 1, 1),
        (deep.as_bytes(), "too_deep", 1, 33),
        (large.as_bytes(), "too_large", 1, 1),
        (b"version: 1\nplatform: \xff\n", "not_utf8", 2, 11),
        (b"- - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - a\n", "too_deep", 1, 65),
    ];
    for (bytes, code, line, column) in cases {
        let reading = read_bytes(bytes);
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(30)]).into_owned();
        assert_eq!(reading.verdict(), Verdict::Unreadable, "{start}");
        let [finding] = reading.findings.as_slice() else { panic!("one finding for {start}") };
        assert_eq!((finding.code, finding.line, finding.column), (code, line, column), "{start}: {}", finding.message);
        assert!(reading.plan.is_none());
    }
    let comment = "#".repeat(LARGEST_PLAN);
    for empty in [comment.as_str(), "", "# nothing\n", "---\n", "null\n", "[]\n", "plan\n"] {
        assert_eq!(read_bytes(empty.as_bytes()).verdict(), Verdict::Refused, "{:?} is YAML, but no plan", empty.get(..20));
        assert_eq!(codes(empty), ["wrong_type"], "{:?}", empty.get(..20));
    }
}

/// The sound plan with so many more components (a multiple of four) of several kinds, each with an objective and what it names.
pub(crate) fn with_components(count: usize) -> String {
    let (mut components, mut objectives) = (String::from("components:\n"), String::from("objectives:\n"));
    for number in 0..count {
        match number % 4 {
            0 => {
                components.push_str(&format!(
                    "  database-{number}:\n    kind: rds_instance\n    primary: {{ id: shop-prod-{number} }}\n    \
                     recovery: {{ id: shop-dr-{number} }}\n    backup_retention: 7d\n    max_lag: 30s\n    endpoints:\n      \
                     - {{ ssm_parameter: /shop/{number}/host, region: us-west-2, consumers: [service-{}] }}\n",
                    number + 1
                ));
                objectives.push_str(&format!("  database-{number}: {{ rto: 40m, rpo: 15m }}\n"));
            }
            3 => {
                components.push_str(&format!(
                    "  files-{number}:\n    kind: s3_data\n    primary: {{ bucket: shop-files-{number} }}\n    \
                     recovery: {{ bucket: shop-dr-files-{number} }}\n    copied_by: {{ backup_vault: shop, every: 30m }}\n"
                ));
                objectives.push_str(&format!("  files-{number}: {{ rto: 60m, rpo: 30m }}\n"));
            }
            _ => {
                components.push_str(&format!(
                    "  service-{number}:\n    kind: ecs_service\n    primary: {{ cluster: shop, service: s-{number} }}\n    \
                     recovery: {{ cluster: shop, service: s-{number} }}\n"
                ));
                objectives.push_str(&format!("  service-{number}: {{ rto: 15m }}\n"));
            }
        }
    }
    spoilt(&[("components:\n", &components), ("objectives:\n", &objectives)])
}

#[test]
fn ten_thousand_components_are_read_within_a_second_or_so() {
    let text = with_components(10_000);
    assert!(text.len() < LARGEST_PLAN);
    let start = std::time::Instant::now();
    let reading = read(&text);
    let taken = start.elapsed();
    let codes: Vec<&str> = reading.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["too_large_to_deploy"]);
    assert!(reading.plan.is_some_and(|plan| plan.components.len() > 10_000));
    // The figure to reach is one second in a release build; this one is hardly optimised and shares its machine.
    assert!(taken.as_secs() < 10, "{taken:?}");
}

#[test]
fn ten_times_the_components_take_some_ten_times_as_long() {
    let taken = |count: usize| {
        let text = with_components(count);
        (0..3)
            .map(|_| {
                let start = std::time::Instant::now();
                let _reading = read(&text);
                start.elapsed()
            })
            .min()
            .unwrap()
    };
    let (small, large) = (taken(1_000), taken(10_000));
    assert!(large < small * 40, "{small:?} for 1,000 components, {large:?} for 10,000: the work grows with the square");
}

#[test]
fn a_plan_that_the_functions_would_not_load_is_said_to_be_so() {
    let size_of = |count: usize| read(&with_components(count)).plan.unwrap().compiled().len();
    let most = (LARGEST_COMPILED_PLAN - size_of(0)) / (size_of(1_004) - size_of(1_000)) * 4;
    assert_eq!(codes(&with_components(most / 8 * 4)), [] as [&str; 0]);
    assert_eq!(codes(&with_components(most * 2)), ["too_large_to_deploy"]);
}

#[test]
fn misspelt_names_among_ten_thousand_are_found_soon() {
    let text = with_components(10_000).replacen("consumers: [service-", "consumers: [srevice-", 300);
    let start = std::time::Instant::now();
    let reading = read(&text);
    let taken = start.elapsed();
    assert_eq!(reading.findings.len(), MOST_FINDINGS + 1);
    assert_eq!(reading.findings[0].nearest.as_deref(), Some("service-1"));
    assert!(taken.as_secs() < 60, "{taken:?}");
}

#[test]
fn a_file_of_more_values_than_any_plan_has_is_refused_before_it_fills_the_memory() {
    let reading = read(&format!("[{}1]", "1,".repeat(tree::MOST_VALUES)));
    assert_eq!(reading.verdict(), Verdict::Unreadable);
    assert_eq!(reading.findings[0].code, "too_large");
}

#[test]
fn a_file_full_of_slips_lists_the_first_ones_and_counts_the_rest() {
    let fields: String = (0..5_000).map(|number| format!("    clutser{number}: shop\n")).collect();
    let text = spoilt(&[("    kind: ecs_service\n", &format!("    kind: ecs_service\n{fields}"))]);
    let reading = read(&text);
    assert_eq!(reading.findings.len(), MOST_FINDINGS + 1);
    let last = reading.findings.last().unwrap();
    assert_eq!((last.code, last.message.as_str()), ("too_many_findings", "4800 more findings are not listed"));
}
