//! Dependencies point one way (docs/architecture.md). These tests fail when an arrow turns round.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn sources(below: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![repository().join(below)];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(repository()).unwrap().display().to_string();
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(!found.is_empty(), "no source below {below}: the layout changed, so this test checks nothing");
    found
}

/// The code of a file: without comments and without its unit tests.
fn code(text: &str) -> String {
    let until_tests = text.split("#[cfg(test)]").next().unwrap_or_default();
    until_tests.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn nothing_of(below: &str, forbidden: &[&str]) {
    for (name, text) in sources(below) {
        for word in forbidden {
            assert!(!code(&text).contains(word), "{name} names {word}");
        }
    }
}

#[test]
fn the_domain_knows_no_clock_no_input_or_output_no_sdk_and_no_runtime() {
    nothing_of(
        "shared/src/domain",
        &[
            "crate::engine",
            "crate::ports",
            "crate::adapters",
            "crate::config",
            "crate::runtime",
            "tokio",
            "aws_",
            "async fn",
            "std::fs",
            "std::net",
            "std::env",
            "Timestamp::now",
            "SystemTime",
            "Instant::now",
        ],
    );
}

#[test]
fn the_engine_sees_the_world_through_ports_only() {
    nothing_of(
        "shared/src/engine",
        &["crate::adapters", "crate::config", "aws_", "std::fs", "std::net", "std::env", "Timestamp::now", "sleep("],
    );
}

#[test]
fn adapters_decide_nothing() {
    nothing_of("shared/src/adapters", &["crate::engine", "domain::decide", "domain::advance", "domain::consent"]);
}

#[test]
fn only_main_files_name_adapters() {
    for (name, text) in sources("functions") {
        if !name.ends_with("main.rs") {
            assert!(!code(&text).contains("shared::adapters"), "{name} names adapters");
        }
    }
}

#[test]
fn the_world_knows_none_of_our_crates_and_the_wire_does_not_know_the_engine() {
    for (manifest, forbidden) in [
        ("rehearsal/world/Cargo.toml", ["shared", "rehearsal."].as_slice()),
        ("rehearsal/Cargo.toml", ["shared"].as_slice()),
    ] {
        let text = fs::read_to_string(repository().join(manifest)).unwrap();
        let dependencies = text.split("[dependencies]").nth(1).unwrap();
        for word in forbidden {
            assert!(!dependencies.lines().any(|line| line.starts_with(word)), "{manifest} depends on {word}");
        }
    }
}

#[test]
fn the_archive_verifier_knows_none_of_our_crates_no_sdk_and_no_runtime() {
    let text = fs::read_to_string(repository().join("shared/pgdump/Cargo.toml")).unwrap();
    let dependencies = text.split("[dependencies]").nth(1).unwrap();
    assert!(!dependencies.contains("path"), "shared/pgdump depends on a crate of ours");
    for word in ["shared", "rehearsal", "aws", "tokio"] {
        assert!(!dependencies.lines().any(|line| line.starts_with(word)), "shared/pgdump depends on {word}");
    }
}

#[test]
fn the_state_machines_own_limit_is_the_one_that_plans_are_checked_against() {
    let text = fs::read_to_string(repository().join("infra/statemachines/recovery.asl.json")).unwrap();
    let definition: serde_json::Value = serde_json::from_str(&text).unwrap();
    let limit = definition["TimeoutSeconds"].as_u64();
    assert_eq!(limit, Some(shared::domain::assess::LONGEST_EXECUTION.0));
}

#[test]
fn every_function_that_steps_name_has_a_state_that_invokes_it() {
    let text = fs::read_to_string(repository().join("infra/statemachines/recovery.asl.json")).unwrap();
    for kind in shared::domain::step::StepKind::ALL {
        let function = format!("\"StringEquals\": \"{}\"", kind.function().as_str());
        // Unknown names fall through to recovery, which refuses what is not its own.
        assert!(text.contains(&function) || kind.function().as_str() == "recovery", "no state invokes {function}");
    }
}

/// Whether guards can be taken out in a build of these edges of the dependency graph.
fn guards_can_be_taken_out(edges: &str) -> bool {
    let cargo = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--offline", "--locked", "--invert", "shared", "--edges", edges])
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    String::from_utf8(cargo.stdout).unwrap().contains("guards-off")
}

#[test]
fn no_binary_that_is_shipped_lets_a_guard_be_taken_out() {
    assert!(!guards_can_be_taken_out("features,no-dev"), "`guards-off` is on in a build that is no test's");
    assert!(guards_can_be_taken_out("features"), "tests take guards out, so this test looks for the wrong words");
}
