//! `docs/safety.md`, written from what the tests of this binary played and what the others left in `target/safety`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use shared::events::request::CommandName;
use shared::guard::Guard;
use simulation::{Invariant, Summary};

use crate::campaigns::{SEEDS, called_off, exhaustive, orders, random};
use crate::guards::{Control, SOON, controls};
use crate::modes::{FailureMode, MODES};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn evidence(below: &str) -> Vec<Value> {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut open = vec![repository().join("target/safety").join(below)];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "jsonl") {
            files.push(path);
        }
    }
    files.sort();
    let text: String = files.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn counted(summaries: &[&Summary], circumstances: &[&str]) -> u64 {
    let of = |summary: &&Summary| -> u64 {
        circumstances.iter().map(|name| summary.by_circumstance.get(*name).copied().unwrap_or_default()).sum()
    };
    summaries.iter().map(of).sum()
}

fn code(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "–".to_owned() } else { text }
}

fn control_of(guard: Guard) -> &'static Control {
    controls().iter().find(|control| control.guard == guard).unwrap()
}

fn row(mode: &FailureMode, summaries: &[&Summary]) -> String {
    let invariants: Vec<&str> = mode.invariants.iter().map(|one| one.number()).collect();
    let guards: Vec<String> = mode.guards.iter().map(|guard| format!("{guard:?}")).collect();
    let guards: Vec<&str> = guards.iter().map(String::as_str).collect();
    let tried =
        if mode.circumstances.is_empty() { "–".to_owned() } else { counted(summaries, mode.circumstances).to_string() };
    format!(
        "| {} | {} | {} | {} | {} | {tried} |",
        mode.what,
        invariants.join(" "),
        or_dash(code(mode.circumstances)),
        or_dash(code(mode.tests)),
        or_dash(code(&guards))
    )
}

fn document() -> String {
    let (random, exhaustive, called_off, orders) = (&random().0, &exhaustive().0, &called_off().0, &orders().0);
    let mut text = String::from(
        "# Safety\n\nWritten by the tests: `UPDATE_DOCS=1 cargo test -p recovery-tests --test safety`. Nothing here is written by hand.\n\n",
    );
    let mut line = |line: String| writeln!(text, "{line}").unwrap();
    line(format!(
        "In every run of the tests {SEEDS} random incidents, {} incidents with one fault at one call, {} that are called off and have one \
         fault, and {} with one command of the operator at one turn are played in process, and all invariants are checked after every event. `recoveryctl simulate` plays \
         more.\n",
        exhaustive.incidents, called_off.incidents, orders.incidents
    ));
    line("## Invariants\n\n| | what must hold | guards without which it was violated |\n|---|---|---|".to_owned());
    for invariant in Invariant::ALL {
        let guards: Vec<String> = controls()
            .iter()
            .filter(|control| control.violated.contains(invariant.number()))
            .map(|control| format!("`{:?}`", control.guard))
            .collect();
        line(format!("| {} | {} | {} |", invariant.number(), invariant.sentence(), guards.join(", ")));
    }
    line(
        "\n## Failure modes\n\n| what goes wrong | invariants | circumstances in the simulation | further tests | guards | incidents tried |\n\
         |---|---|---|---|---|---|"
            .to_owned(),
    );
    for mode in MODES {
        line(row(mode, &[random, exhaustive, called_off]));
    }
    line("\n## The operator's commands\n\n| command | at so many turns of incidents |\n|---|---|".to_owned());
    for command in CommandName::ALL {
        let tried = orders.by_circumstance.get(&format!("ordered_{}", command.as_str())).copied().unwrap_or_default();
        line(format!("| `{}` | {tried} |", command.as_str()));
    }
    line(format!(
        "\n## Guards taken out\n\nEach guard is taken out in a build of the tests, and {SOON} random incidents are played without it.\n\n\
         | guard | once it is gone | violated | in so many of {SOON} | and of those made for it |\n|---|---|---|---|---|"
    ));
    for guard in Guard::ALL {
        let control = control_of(*guard);
        let violated: Vec<&str> = control.violated.iter().copied().collect();
        let made = control.found_as_made.map_or_else(|| "–".to_owned(), |found| found.to_string());
        line(format!("| `{guard:?}` | {} | {} | {} | {made} |", guard.once_gone(), violated.join(" "), control.found_in));
    }
    let models = evidence("models");
    if !models.is_empty() {
        line("\n## Models\n\n| model | control of | result | states |\n|---|---|---|---|".to_owned());
        for model in &models {
            let word = |name: &str| model[name].as_str().unwrap_or("–").to_owned();
            line(format!("| {} | {} | {} | {} |", word("name"), word("control_of"), word("result"), model["states"]));
        }
    }
    let wire: Vec<Value> = evidence("").into_iter().filter(|line| line["kind"] == "wire").collect();
    if !wire.is_empty() {
        line(
            "\n## On the wire\n\nThe real binaries, behind the proxy.\n\n| fault | test | ends seen |\n|---|---|---|"
                .to_owned(),
        );
        let mut rows: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        for one in &wire {
            let word = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
            let ends = rows.entry((word("fault"), word("test"))).or_default();
            if !ends.contains(&word("end")) {
                ends.push(word("end"));
            }
        }
        for ((fault, test), ends) in rows {
            line(format!("| `{fault}` | `{test}` | {} |", ends.join(", ")));
        }
    }
    text
}

/// What of the document does not depend on how many incidents happened to meet what, nor on which tests ran before.
fn skeleton(text: &str) -> String {
    let of_this_binary =
        ["\n## Models", "\n## On the wire"].iter().fold(text, |text, other| text.split(other).next().unwrap_or_default());
    of_this_binary.chars().filter(|character| !character.is_ascii_digit()).collect()
}

#[test]
fn the_document_says_what_was_tried() {
    let path = repository().join("docs/safety.md");
    let now = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &now).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(skeleton(&written) == skeleton(&now), "docs/safety.md is not what the tests say: run them with UPDATE_DOCS=1");
}

#[test]
fn every_failure_mode_is_tried_by_tests_that_exist_and_every_guard_has_one() {
    let mut sources = String::new();
    let mut open =
        vec![repository().join("tests/tests"), repository().join("shared/src"), repository().join("shared/tests")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
    for mode in MODES {
        let untried = mode.circumstances.iter().find(|name| counted(&[&random().0, &exhaustive().0], &[name]) == 0);
        assert!(untried.is_none(), "{}: no incident had {untried:?}", mode.what);
        assert!(!(mode.circumstances.is_empty() && mode.tests.is_empty()), "nothing tries {}", mode.what);
        for test in mode.tests {
            assert!(sources.contains(&format!("fn {test}(")), "{}: there is no test {test}", mode.what);
        }
    }
    for guard in Guard::ALL {
        assert!(MODES.iter().any(|mode| mode.guards.contains(guard)), "{guard:?} guards against nothing that is listed");
    }
}
