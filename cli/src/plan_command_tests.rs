use std::collections::BTreeSet;

use clap::Parser;
use shared::domain::identifier::Digest;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    plan: PlanArguments,
}

const HEALTHCARE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../plans/healthcare-platform.yaml");

fn no_forecast(_: &Plan, _: &ScenarioName, _: usize, _: Timestamp) -> Vec<shared::domain::predict::StepPrediction> {
    Vec::new()
}

fn run_line(line: &[&str]) -> (u8, String, String) {
    let arguments = Line::try_parse_from([&["plan"], line].concat()).unwrap();
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let mut console = Console { drawing: Drawing::Plain, out: &mut out, errors: &mut errors };
    let code = run_on(&arguments.plan.command, no_forecast, "2026-11-20".parse().unwrap(), &mut console);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(errors).unwrap())
}

/// A file of its own for one test, in the system's temporary directory.
fn temporary(name: &str, bytes: &[u8]) -> String {
    let directory = std::env::temp_dir().join(format!("recoveryctl-plan-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

fn spoilt(name: &str, from: &str, to: &str) -> String {
    let text = std::fs::read_to_string(HEALTHCARE).unwrap();
    assert!(text.contains(from), "{from:?} is not in the plan");
    temporary(name, text.replacen(from, to, 1).as_bytes())
}

#[test]
fn a_sound_plan_ends_with_0_an_error_with_1_and_an_unreadable_file_with_2() {
    assert_eq!(run_line(&["check", HEALTHCARE]).0, 0);
    assert_eq!(run_line(&["check", &spoilt("warning.yaml", "data_loss_up_to: 10m", "data_loss_up_to: 20m")]).0, 0);
    assert_eq!(run_line(&["check", &spoilt("error.yaml", "- promote: database", "- promot: database")]).0, 1);
    // A pre-authorisation that has run out allows nothing any more; the plan itself stays usable.
    assert_eq!(run_line(&["check", &spoilt("expired.yaml", "until: 2027-06-30", "until: 2026-11-19")]).0, 0);
    assert_eq!(run_line(&["check", &temporary("broken.yaml", b"sites: [")]).0, 2);
    assert_eq!(run_line(&["check", &temporary("binary.yaml", b"\xff\xfe")]).0, 2);
    let (code, out, errors) = run_line(&["check", "there-is-no-such-file.yaml"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(errors.starts_with("error: there-is-no-such-file.yaml could not be read: "), "{errors}");
}

#[test]
fn findings_for_programs_have_the_promised_form() {
    let file = spoilt("json.yaml", "- promote: database", "- promot: database");
    let (code, out, errors) = run_line(&["check", &file, "--format", "json"]);
    assert_eq!((code, errors.as_str()), (1, ""));
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(answer["verdict"], "refused");
    assert_eq!(answer["digest"], serde_json::Value::Null);
    let [finding] = answer["findings"].as_array().unwrap().as_slice() else { panic!("{out}") };
    let fields: BTreeSet<&str> = finding.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, BTreeSet::from(["code", "severity", "message", "line", "column", "help", "expected", "nearest"]));
    assert_eq!(finding["code"], "unknown_step_kind");
    assert_eq!(finding["help"], "did you mean `promote`?");
    assert_eq!(finding["nearest"], "promote");
    assert!(finding["expected"].as_str().is_some_and(|words| words.contains("hold_writes")), "{finding}");
}

#[test]
fn what_is_built_is_exactly_what_the_digest_is_of() {
    let directory = temporary("out", b"").replace("out", "built");
    let (code, out, errors) = run_line(&["build", HEALTHCARE, "--output-directory", &directory]);
    assert_eq!((code, errors.as_str()), (0, ""));
    let (path, digest) = out.trim_end().split_once('\n').unwrap();
    assert!(path.ends_with("healthcare-platform.json"), "{path}");
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(Digest::of(&bytes).as_str(), digest);
    let plan: Plan = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(plan.digest().as_str(), digest);
    let (_, again, _) = run_line(&["build", HEALTHCARE, "--output-directory", &directory]);
    assert_eq!(again, out, "the same plan builds the same");
}

/// The healthcare plan with so many more services, none of which a template has permissions for.
fn with_services(name: &str, count: usize) -> String {
    let services: String = (0..count)
        .map(|number| {
            format!(
                "  service-{number}:\n    kind: ecs_service\n    primary: {{ cluster: c, service: s-{number} }}\n    \
                 recovery: {{ cluster: c, service: s-{number} }}\n"
            )
        })
        .collect();
    spoilt(name, "components:\n", &format!("components:\n{services}"))
}

#[test]
fn ten_thousand_components_are_checked_soon_and_too_many_findings_are_counted() {
    let file = with_services("ten-thousand.yaml", 10_000);
    let start = std::time::Instant::now();
    let (code, out, errors) = run_line(&["check", &file]);
    let taken = start.elapsed();
    assert_eq!((code, errors.as_str()), (0, ""));
    assert!(out.contains("on 9800 more resources of this plan"), "{}", &out[out.len() - 2_000..]);
    assert!(out.contains("service: s-0 }\n"), "each finding points at its own line");
    assert!(out.contains("warning[too_large_to_deploy]"));
    // The figure to reach is one second in a release build; this one is hardly optimised and shares its machine.
    assert!(taken.as_secs() < 60, "{taken:?}");
}

#[test]
fn a_plan_that_the_functions_would_not_load_is_checked_and_shown_but_not_built() {
    let directory = temporary("out-large", b"").replace("out-large", "large");
    let file = with_services("large.yaml", 10_000);
    assert_eq!(run_line(&["show", &file]).0, 0);
    let (code, out, errors) = run_line(&["build", &file, "--output-directory", &directory]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(errors.contains("the functions load at most 1048576; nothing was written"), "{errors}");
    assert!(!Path::new(&directory).exists(), "nothing is written");
}

#[test]
fn a_plan_with_errors_is_neither_built_nor_shown() {
    let directory = temporary("out-refused", b"").replace("out-refused", "refused");
    let file = spoilt("refused.yaml", "  - fence: database", "  - validate: api");
    let (code, out, errors) = run_line(&["build", &file, "--output-directory", &directory]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(errors.contains("error[promote_without_fence]"), "{errors}");
    assert!(!Path::new(&directory).exists(), "nothing is written");
    assert_eq!(run_line(&["show", &file, "--scenario", "database_failure"]).0, 1);
}

#[test]
fn an_expired_pre_authorisation_does_not_stop_a_build_but_is_said() {
    let directory = temporary("out-expired", b"").replace("out-expired", "expired");
    let file = spoilt("expired-build.yaml", "until: 2027-06-30", "until: 2026-11-19");
    let (code, _, errors) = run_line(&["build", &file, "--output-directory", &directory]);
    assert_eq!(code, 0);
    assert!(errors.contains("preauthorisation_expired"), "{errors}");
}

#[test]
fn an_unknown_scenario_is_answered_with_the_nearest() {
    let (code, out, errors) = run_line(&["show", HEALTHCARE, "--scenario", "databse_failure"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(errors.ends_with("has no scenario \"databse_failure\"; did you mean database_failure?\n"), "{errors}");
}

#[test]
fn every_code_can_be_explained_and_a_misspelt_one_is_answered_with_the_nearest() {
    for code in shared::planfile::code::ALL.iter().chain([&TEMPLATE_LACKS_PERMISSION]) {
        let (status, out, errors) = run_line(&["check", "--explain", code]);
        assert_eq!((status, errors.as_str()), (0, ""), "{code}");
        assert!(out.starts_with(&format!("{code}\n\n")) && out.len() > 60, "{out}");
    }
    let (status, out, errors) = run_line(&["check", "--explain", "promote_without_gat"]);
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(errors.ends_with("did you mean promote_without_gate?\n"), "{errors}");
    assert!(Line::try_parse_from(["plan", "check"]).is_err(), "a check needs a file");
}

#[test]
fn without_a_scenario_everything_that_the_plan_describes_is_shown() {
    let (status, out, errors) = run_line(&["show", HEALTHCARE]);
    assert_eq!((status, errors.as_str()), (0, ""));
    for expected in [
        "api_load_balancer",
        "route53_records",
        "frontend",
        "data_lake",
        "database_archives",
        "PagerDuty, routing key in secret healthcare-platform/pagerduty",
        "after 15 min: second",
        "no step acts on it yet",
        "database_failure",
    ] {
        assert!(out.contains(expected), "{expected} is not in\n{out}");
    }
    let (_, out, _) = run_line(&["show", HEALTHCARE, "--format", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(shown["components"]["frontend"]["kind"], "cloudfront_distribution");
}

#[test]
fn a_scenario_is_shown_with_what_is_left_of_each_step_while_a_region_is_dark() {
    let (_, out, _) = run_line(&["show", HEALTHCARE, "--scenario", "database_failure"]);
    assert!(out.contains("while us-east-1 is dark"), "{out}");
    let (_, out, _) = run_line(&["show", HEALTHCARE, "--scenario", "database_failure", "--format", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
    let standing = |branch: usize, wave: usize| &shown["branches"][branch]["waves"][wave][0]["while_dark"];
    assert_eq!(standing(0, 0), "fails", "a failover to the standby");
    assert_eq!(standing(1, 1), "best_effort", "the fence");
    assert_eq!(standing(1, 4), "whole", "the repoint");
    assert_eq!(shown["dark_region"], "us-east-1");
    let (_, out, _) =
        run_line(&["show", HEALTHCARE, "--scenario", "database_failure", "--dark", "eu-west-1", "--format", "json"]);
    assert!(!out.contains("best_effort") && !out.contains("\"fails\""), "nothing is in eu-west-1");
}

#[test]
fn the_schema_is_printed_as_it_is_committed() {
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../plans/recovery-plan.schema.json");
    assert_eq!(run_line(&["schema"]).1, std::fs::read_to_string(committed).unwrap());
}

#[test]
fn every_step_is_shown_with_its_function_its_budget_and_what_it_may_call() {
    let (code, out, errors) = run_line(&["show", HEALTHCARE, "--scenario", "database_failure"]);
    assert_eq!((code, errors.as_str()), (0, ""));
    for expected in [
        "Branch 1, when multi_az_available",
        "Branch 2, otherwise",
        "04-promote-database",
        "read-only-toggle",
        "rds:PromoteReadReplica on db:healthcare-platform-dr in us-west-2",
    ] {
        assert!(out.contains(expected), "{expected} is not in\n{out}");
    }
    let (code, out, _) = run_line(&["show", HEALTHCARE, "--scenario", "database_failure", "--format", "json"]);
    assert_eq!(code, 0);
    let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
    let promote = &shown["branches"][1]["waves"][3][0];
    assert_eq!(promote["step"], "04-promote-database");
    assert_eq!(promote["function"], "recovery");
    assert_eq!(promote["phase"], "restore");
    assert_eq!(promote["budget_s"], 720);
    assert!(promote["may"].as_array().is_some_and(|may| !may.is_empty()));
}

#[test]
fn what_the_template_lacks_for_a_plan_is_a_warning_at_the_plans_own_line() {
    let place = "      - { ssm_parameter: /healthcare-platform/database/host, region: us-west-2, consumers: [api] }\n";
    let second = place.replace("database/host", "reports/host");
    let file = spoilt("second.yaml", place, &format!("{place}{second}"));
    let (code, out, _) = run_line(&["check", &file, "--format", "json"]);
    assert_eq!(code, 0, "a template of one's own may allow it");
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    let [finding] = answer["findings"].as_array().unwrap().as_slice() else { panic!("{out}") };
    assert_eq!(finding["code"], crate::permissions::TEMPLATE_LACKS_PERMISSION);
    let message = finding["message"].as_str().unwrap();
    assert!(
        message.starts_with(
            "the template's role of update-database-endpoints does not allow ssm:GetParameter, ssm:PutParameter on"
        ),
        "{message}"
    );
    let written = std::fs::read_to_string(&file).unwrap();
    let line = usize::try_from(finding["line"].as_u64().unwrap()).unwrap();
    assert!(written.lines().nth(line - 1).unwrap().contains("/healthcare-platform/reports/host"), "line {line}");
    assert_eq!(run_line(&["permissions", &file]).0, 1);
}

#[test]
fn what_each_role_needs_is_printed_and_compared_with_the_template() {
    let (code, out, errors) = run_line(&["permissions", HEALTHCARE]);
    assert_eq!((code, errors.as_str()), (0, ""));
    assert!(out.ends_with("The template's roles allow exactly this.\n"), "{out}");
    assert!(out.contains("  RecoveryDatabase=healthcare-platform-dr\n"), "{out}");
    let (_, out, _) = run_line(&["permissions", HEALTHCARE, "--format", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    let statements = answer["policies"]["recovery"]["Statement"].as_array().unwrap();
    let promotes = |statement: &&serde_json::Value| statement["Action"] == serde_json::json!(["rds:PromoteReadReplica"]);
    let promotion = statements.iter().find(promotes).unwrap();
    assert_eq!(promotion["Resource"], serde_json::json!(["arn:aws:rds:us-west-2:123456789012:db:healthcare-platform-dr"]));
    assert_eq!(run_line(&["permissions", HEALTHCARE, "--template", "there-is-none.yaml"]).0, 2);
}
