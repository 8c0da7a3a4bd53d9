//! The table as a page of the documents, and as lines for the safety report.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use recoveryctl::permissions::{Door, Line, doors, role_lines};
use serde_json::json;

use crate::common::{repository, template, variants};

/// Set to rewrite the page.
const UPDATE: &str = "UPDATE_DOCS";

/// Every line of every variant: functions first, in the order of the template.
fn lines() -> Vec<Line> {
    let template = template();
    let mut all: Vec<Line> = Vec::new();
    for variant in variants() {
        let mut stacks = vec![variant.stack(&template)];
        stacks.push(variant.stack_in(&template, "us-east-1"));
        for (index, stack) in stacks.iter().enumerate() {
            for role in role_lines(&variant.plan, stack).unwrap() {
                // The other Region's stack has one role of its own.
                if index == 1 && role.user != "forwarding rule" {
                    continue;
                }
                for line in role.lines {
                    match all.iter_mut().find(|known| same(known, &line)) {
                        Some(known) => known.used_by.extend(line.used_by),
                        None => all.push(line),
                    }
                }
            }
        }
    }
    all.sort_by(|a, b| (&a.user, &a.action, &a.resource).cmp(&(&b.user, &b.action, &b.resource)));
    all
}

fn same(a: &Line, b: &Line) -> bool {
    (&a.user, &a.action, &a.resource, &a.in_region) == (&b.user, &b.action, &b.resource, &b.in_region)
}

fn all_doors() -> Vec<Door> {
    let template = template();
    let mut all: Vec<Door> = Vec::new();
    for variant in variants() {
        for region in ["us-west-2", "us-east-1"] {
            for door in doors(&variant.stack_in(&template, region)).unwrap() {
                if region == "us-west-2" || door.what.contains("Forward") {
                    let known = all.iter().any(|known| (&known.what, known.action) == (&door.what, door.action));
                    if !known {
                        all.push(door);
                    }
                }
            }
        }
    }
    all
}

fn page() -> String {
    let (lines, doors) = (lines(), all_doors());
    let mut page = String::from(
        "# Permissions\n\n\
         Generated from the table of operations (`shared/src/domain/operation.rs`), the plan and the template by\n\
         `UPDATE_DOCS=1 cargo test -p recovery-tests --test permissions`; a test fails when this page is not current.\n\
         Names are those of `plans/healthcare-platform.yaml`; `recoveryctl plan permissions PLAN` prints another plan's.\n\n\
         Each line below is allowed by the role in `infra/template.yaml`, and each role allows nothing else: an evaluator of IAM\n\
         policies judges both, without AWS. The functions cannot send an operation that has no line: the SDK's clients refuse it.\n\
         The calls of whole recoveries, recorded in process, are compared with the lines as well, both ways.\n\n",
    );
    let mut user = "";
    for line in &lines {
        if line.user != user {
            let _ = write!(page, "\n## {}\n\n| action | resource | for |\n|---|---|---|\n", line.user);
            user = &line.user;
        }
        let purposes: Vec<&str> = line.used_by.iter().map(String::as_str).collect();
        let region = line.in_region.as_ref().map(|region| format!(" in {region}")).unwrap_or_default();
        let _ = writeln!(page, "| `{}` | `{}`{region} | {} |", line.action, line.resource, purposes.join(", "));
    }
    page.push_str("\n## Wildcards\n\nNo action has one. A resource has one only where AWS knows no narrower:\n\n");
    page.push_str("| action | resource | because |\n|---|---|---|\n");
    let wild: BTreeSet<(&str, &str, &str)> = lines
        .iter()
        .filter_map(|line| Some((line.action.as_str(), line.resource.as_str(), line.reason.as_deref()?)))
        .collect();
    for (action, resource, reason) in wild {
        let _ = writeln!(page, "| `{action}` | `{resource}` | {reason} |");
    }
    page.push_str(
        "\n## Who gets in\n\nA service gets in for the source beside it, and for no source of another account. The permissions of\n\
         the functions' own events are made by SAM together with their rules and stand in no table here.\n\n\
         | what | service | action | source |\n|---|---|---|---|\n",
    );
    for door in &doors {
        let source = door.unpinned.map_or_else(|| format!("`{}`", door.source), |reason| format!("any: {reason}"));
        let _ = writeln!(page, "| {} | `{}` | `{}` | {source} |", door.what, door.principal, door.action);
    }
    page.push_str(
        "\n## What this does not show\n\n\
         - The evaluator is ours. Rehearsals run each function with its own role under the emulator's authorization as well, except\n  \
           for `cloudwatch:GetMetricData`, whose requests are CBOR and which it therefore does not check, for the roles of the state\n  \
           machine and the rules, and for resource policies, which it does not enforce. For these, this page is all there is.\n\
         - A customer managed key of an SSM parameter, of a function's environment or of the journal needs `kms` actions that the\n  \
           template does not have; a secret's is parameter `SecretKeyArn`.\n\
         - A key for notices (`NoticesKeyArn`) has its own policy. It must let `cloudwatch.amazonaws.com`, for this account, and the\n  \
           account's roles call `kms:GenerateDataKey` and `kms:Decrypt`; else no alarm and no notice reaches anybody.\n\
         - Service control policies, permission boundaries and VPC endpoint policies of your organization.\n",
    );
    page
}

#[test]
fn the_page_of_permissions_is_current() {
    let path = repository().join("docs/permissions.md");
    let page = page();
    if std::env::var_os(UPDATE).is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, page, "docs/permissions.md is not current: run this with {UPDATE}=1");
}

#[test]
fn every_line_is_left_as_evidence() {
    let directory = repository().join("target/safety");
    fs::create_dir_all(&directory).unwrap();
    let mut text = String::new();
    for line in lines() {
        let mut row = serde_json::to_value(&line).unwrap();
        row["kind"] = json!("permission");
        let _ = writeln!(text, "{row}");
    }
    assert!(text.lines().count() > 60, "the table is nearly empty");
    fs::write(directory.join("permissions.jsonl"), text).unwrap();
}
