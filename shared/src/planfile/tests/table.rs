//! One way to break every rule, where the finding must point, and a neighbour that keeps the rule.

use std::collections::BTreeSet;

use super::*;

mod boundaries;
mod described;
mod steps;
mod written;

pub(crate) struct Row {
    code: &'static str,
    severity: Severity,
    /// What to replace in the sound plan to break the rule, and nothing but the rule.
    pub(crate) spoil: &'static [(&'static str, &'static str)],
    /// The text of the spoilt plan at whose beginning the finding points.
    at: &'static str,
    /// What to replace instead to come close and still keep it.
    pub(crate) near: &'static [(&'static str, &'static str)],
}

const fn error(
    code: &'static str,
    spoil: &'static [(&'static str, &'static str)],
    at: &'static str,
    near: &'static [(&'static str, &'static str)],
) -> Row {
    Row { code, severity: Severity::Error, spoil, at, near }
}

const fn warning(
    code: &'static str,
    spoil: &'static [(&'static str, &'static str)],
    at: &'static str,
    near: &'static [(&'static str, &'static str)],
) -> Row {
    Row { code, severity: Severity::Warning, spoil, at, near }
}

const FAILED: (&str, &str) = ("failed_region: false", "failed_region: true");
const NO_FAILOVER: (&str, &str) =
    ("      - when: multi_az_available\n        steps: [ { force_failover: database }, { validate: database } ]\n", "");
const UNPROVEN: (&str, &str) = ("data_loss_up_to: 10m,", "data_loss_up_to: 10m, unproven_fence: true,");

/// All of them.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    [written::ROWS, steps::ROWS, described::ROWS, boundaries::ROWS].into_iter().flatten()
}

/// What the table cannot show on one small plan is shown by the named tests beside it.
const SHOWN_ELSEWHERE: &[&str] = &[
    "not_yaml",
    "not_utf8",
    "too_large",
    "too_large_to_deploy",
    "too_deep",
    "version_newer",
    "too_many_findings",
    "preauthorisation_expired",
    "preauthorisation_long",
    "too_many_steps",
    "too_many_steps_together",
];

#[test]
fn every_rule_is_found_where_it_is_broken_and_nothing_else_is() {
    let failures: Vec<String> = rows().filter_map(|row| broken_promise(row).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn broken_promise(row: &Row) -> Result<(), String> {
    let text = spoilt(row.spoil);
    let reading = read(&text);
    let [finding] = reading.findings.as_slice() else {
        return Err(format!("{}: one finding expected, found {:#?}", row.code, reading.findings));
    };
    let said = format!("{}: {finding:#?} in\n{text}", row.code);
    let before = &text[..text.find(row.at).ok_or_else(|| format!("{}: {:?} is not there", row.code, row.at))?];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    if (finding.code, finding.severity) != (row.code, row.severity) {
        return Err(format!("another finding for {said}"));
    }
    if (finding.line, finding.column) != (line, column) {
        return Err(format!("it should point at {line}:{column}: {said}"));
    }
    if finding.help.is_empty() {
        return Err(format!("it does not say what to write instead: {said}"));
    }
    if reading.plan.is_some() != (row.severity == Severity::Warning) {
        return Err(format!("only an error refuses the plan: {said}"));
    }
    Ok(())
}

#[test]
fn what_comes_close_to_breaking_a_rule_is_found_sound() {
    for row in rows() {
        let reading = read(&spoilt(row.near));
        assert_eq!(reading.findings, Vec::new(), "{} near {:?}", row.code, row.near);
    }
}

#[test]
fn every_code_is_shown_by_a_test() {
    let shown: BTreeSet<&str> = rows().map(|row| row.code).chain(SHOWN_ELSEWHERE.iter().copied()).collect();
    assert_eq!(shown, code::ALL.iter().copied().collect::<BTreeSet<&str>>());
    assert_eq!(code::ALL.len(), code::ALL.iter().collect::<BTreeSet<_>>().len(), "no code is used twice");
}

#[test]
fn in_a_dark_region_fence_and_hold_are_best_effort_unless_that_was_allowed() {
    let findings = read(&spoilt(&[FAILED, NO_FAILOVER])).findings;
    let found: Vec<_> = findings.iter().map(|finding| (finding.code, finding.severity)).collect();
    assert_eq!(found, [("needs_failed_region", Severity::Warning), ("needs_failed_region", Severity::Warning)]);
    assert!(findings[0].message.contains("holding writes"), "{}", findings[0].message);
    assert!(findings[1].message.contains("fence"), "{}", findings[1].message);
    let elsewhere =
        [FAILED, NO_FAILOVER, UNPROVEN, ("variable: HOST, region: us-west-2", "variable: HOST, region: us-east-1")];
    let findings = read(&spoilt(&elsewhere)).findings;
    let found: Vec<_> = findings.iter().map(|finding| (finding.code, finding.severity)).collect();
    assert_eq!(
        found,
        [("endpoint_outside_recovery_site", Severity::Warning), ("needs_failed_region", Severity::Error)],
        "after the promotion that repoint could not end"
    );
}

#[test]
fn a_branch_has_at_most_ninety_steps_and_a_wave_at_most_forty() {
    let waves = |count: usize| {
        let steps: String = (0..count).map(|_| "          - validate: api\n").collect();
        spoilt(&[("          - resume_writes: database\n", &format!("          - resume_writes: database\n{steps}"))])
    };
    assert!(!codes(&waves(82)).contains(&"too_many_steps"));
    assert!(codes(&waves(83)).contains(&"too_many_steps"));

    let together = |count: usize| {
        let mut components = String::new();
        let mut objectives = String::new();
        let mut steps = Vec::new();
        for number in 1..=count {
            components.push_str(&format!(
                "  c{number}:\n    kind: ecs_service\n    primary: {{ cluster: a, service: c{number} }}\n    recovery: {{ cluster: a, service: c{number} }}\n"
            ));
            objectives.push_str(&format!("  c{number}: {{ rto: 1h }}\n"));
            steps.push(format!("{{ validate: c{number} }}"));
        }
        spoilt(&[
            ("  api: { rto: 15m }\n", &format!("  api: {{ rto: 15m }}\n{objectives}")),
            ("alerts:\n", &format!("{components}alerts:\n")),
            ("{ validate: database }, { validate: api } ]", &format!("{{ validate: database }}, {} ]", steps.join(", "))),
            ("severity: sev1", "severity: sev1\n    budgets: { validate: 30s }"),
        ])
    };
    // As consumers they would all be restarted one by one, and the history would be too long before the wave is too wide.
    let found = |count: usize| -> Vec<&str> {
        codes(&together(count)).into_iter().filter(|code| *code != "missing_consumer").collect()
    };
    assert_eq!(found(39), [] as [&str; 0]);
    assert_eq!(found(40), ["too_many_steps_together"]);
}

#[test]
fn a_scenario_is_about_one_database() {
    let second = "  ledger:\n    kind: rds_instance\n    primary: { id: ledger-prod }\n    recovery: { id: ledger-dr }\n    backup_retention: 7d\n    max_lag: 30s\n";
    let replacements = [
        ("  api: { rto: 15m }\n", "  api: { rto: 15m }\n  ledger: { rto: 15m, rpo: 5m }\n"),
        ("  api:\n    kind", &format!("{second}  api:\n    kind")),
    ];
    assert_eq!(codes(&spoilt(&replacements)), [] as [&str; 0]);
    let named = [replacements[0], replacements[1], ("{ validate: api } ]", "{ validate: ledger } ]")];
    assert_eq!(codes(&spoilt(&named)), ["one_database"]);
}

#[test]
fn a_misspelt_step_does_not_make_the_steps_around_it_wrong() {
    for (from, to) in [
        ("- gate: {", "- gaet: {"),
        ("- fence: database", "- fense: database"),
        ("- hold_writes: database", "- hold_write: database"),
    ] {
        assert_eq!(codes(&spoilt(&[(from, to)])), ["unknown_step_kind"], "{to}");
    }
    assert_eq!(codes(&spoilt(&[("- gate: { loss_bound: database }", "- consent: database")])), ["unknown_step_kind"]);
}
